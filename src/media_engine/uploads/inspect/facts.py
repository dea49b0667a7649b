"""What is known of a file once it was looked into."""

from dataclasses import dataclass
from typing import Final

from media_engine.uploads.inspect.refusal import malformed

MOST_PIXELS_A_SIDE: Final = 2**31 - 1
"""More than any format can mean: PNG's own limit, and far past what anything decodes."""

LONGEST_MS: Final = 2**31 - 1
"""Almost 25 days, in milliseconds: what is said to be longer is a lie."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a file says of itself, in its headers. Nothing was decoded.

    Attributes:
        width: in pixels, as it is shown: turned as the file asks for; None if it does not say.
        height: likewise.
        duration: of a video, in milliseconds; None if it does not say.
        codec: of a video, the first element of its `codecs` parameter (RFC 6381): `avc1`,
            `hvc1`, `av01`, `vp09`, `vp8`.
        animated: whether a picture has several frames; None if that was too costly to know.
        alpha: whether a picture can be seen through; None if it does not say.
        orientation: how a JPEG's pixels are turned, 1 to 8 as EXIF counts; else 1.
    """

    width: int | None = None
    height: int | None = None
    duration: int | None = None
    codec: str | None = None
    animated: bool | None = None
    alpha: bool | None = None
    orientation: int = 1


def sized(what: str, width: int, height: int) -> tuple[int, int]:
    """Return a width and a height that a picture can have.

    Args:
        what: what has them, to begin a sentence with: "The PNG".
        width: in pixels.
        height: in pixels.

    Raises:
        Refusal: one of them is 0, or more than `MOST_PIXELS_A_SIDE`.
    """
    if not (0 < width <= MOST_PIXELS_A_SIDE and 0 < height <= MOST_PIXELS_A_SIDE):
        raise malformed(f"{what} says that it has {width} by {height} pixels.")
    return width, height


def lasting(what: str, ticks: int | float, per_second: int | float) -> int | None:
    """Return a duration in milliseconds, or None for one of 0, which says that it is not known.

    Args:
        what: what has it, to begin a sentence with.
        ticks: how long it is; finite and not negative.
        per_second: how many ticks a second has; more than 0.

    Raises:
        Refusal: it is longer than `LONGEST_MS`.
    """
    milliseconds = ticks * 1000 / per_second
    if milliseconds > LONGEST_MS:
        raise malformed(f"{what} says that it is longer than {LONGEST_MS} ms.")
    return round(milliseconds) or None
