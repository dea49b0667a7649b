"""How large and how long a file may be: a policy on what is known of it, in profiles by kind.

How many bytes it may have is known before it is uploaded, and is limited there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from media_engine.errors import OutsideLimits
from media_engine.uploads.inspect import Facts


@dataclass(frozen=True, slots=True)
class Limits:
    """What a file may be. As it stands, whatever a browser can show.

    Attributes:
        min_side: the least width and height, in pixels.
        max_side: the greatest; 65,535 is the most that JPEG and GIF can say.
        max_pixels: the most pixels together: 16,384 by 16,384. A picture of that is a gigabyte
            once it is decoded; the largest cameras of phones make 200 million.
        min_duration: in milliseconds.
        max_duration: likewise; None if any will do.
        must_tell: whether a file that does not say what is limited is refused.
    """

    min_side: int = 1
    max_side: int = 65_535
    max_pixels: int = 2**28
    min_duration: int = 0
    max_duration: int | None = None
    must_tell: bool = False


PROFILES: Final[Mapping[str, Mapping[str, Limits]]] = {
    "default": {"image": Limits(), "video": Limits(), "document": Limits()},
    "social": {
        "image": Limits(min_side=100, max_side=4096, must_tell=True),
        "video": Limits(max_side=4096, min_duration=1_000, max_duration=180_000, must_tell=True),
        "document": Limits(),
    },
}
"""For each profile the limits of each kind of file (`uploads.model.MediaType.kind`)."""


def check(facts: Facts, limits: Limits) -> None:
    """Make sure that a file is within limits.

    Args:
        facts: what is known of it.
        limits: what it may be.

    Raises:
        OutsideLimits: it is not, or does not say and must.
    """
    _check_dimensions(facts, limits)
    if limits.max_duration is not None:
        _check_duration(facts.duration, limits, limits.max_duration)


def _check_dimensions(facts: Facts, limits: Limits) -> None:
    width, height = facts.width, facts.height
    if width is None or height is None:
        if limits.must_tell:
            raise OutsideLimits("maxSide", "The file does not say how many pixels it has.")
        return
    has = f"The file has {width} by {height} pixels"
    if min(width, height) < limits.min_side:
        raise OutsideLimits("minSide", f"{has}; a side must have at least {limits.min_side}.")
    if max(width, height) > limits.max_side:
        raise OutsideLimits("maxSide", f"{has}; a side can have at most {limits.max_side}.")
    if width * height > limits.max_pixels:
        raise OutsideLimits("maxPixels", f"{has}; together at most {limits.max_pixels} can be.")


def _check_duration(duration: int | None, limits: Limits, most: int) -> None:
    if duration is None:
        if limits.must_tell:
            raise OutsideLimits("maxDuration", "The file does not say how long it lasts.")
        return
    has = f"The file lasts {duration} ms"
    if duration < limits.min_duration:
        raise OutsideLimits("minDuration", f"{has}; it must last at least {limits.min_duration}.")
    if duration > most:
        raise OutsideLimits("maxDuration", f"{has}; it can last at most {most}.")
