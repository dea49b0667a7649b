"""What a file may be, in each profile."""

import pytest

from media_engine.errors import OutsideLimits
from media_engine.uploads.inspect import Facts
from media_engine.uploads.limits import PROFILES, check
from media_engine.uploads.model import MEDIA_TYPES

MOST = 65_535


def verdict(profile: str, kind: str, facts: Facts) -> str:
    """Return the limit that a file is outside of, or nothing."""
    try:
        check(facts, PROFILES[profile][kind])
    except OutsideLimits as refusal:
        return refusal.limit
    return ""


@pytest.mark.parametrize("kind", ["image", "video"])
@pytest.mark.parametrize(
    ("width", "height", "outside"),
    [
        (1, 1, ""),
        (12_000, 9_000, ""),
        (16_320, 12_240, ""),
        (16_384, 16_384, ""),
        (16_385, 16_384, "maxPixels"),
        (MOST, 4_096, ""),
        (MOST, 4_097, "maxPixels"),
        (4_096, MOST, ""),
        (MOST + 1, 1, "maxSide"),
        (1, MOST + 1, "maxSide"),
        (2**31 - 1, 2**31 - 1, "maxSide"),
    ],
)
def test_whatever_a_browser_shows_may_be_there_by_default(
    kind: str, width: int, height: int, outside: str
) -> None:
    assert verdict("default", kind, Facts(width, height)) == outside


@pytest.mark.parametrize(
    ("width", "height", "outside"),
    [
        (100, 100, ""),
        (99, 100, "minSide"),
        (100, 99, "minSide"),
        (4_096, 4_096, ""),
        (4_097, 4_096, "maxSide"),
        (4_096, 4_097, "maxSide"),
        (None, None, "maxSide"),
    ],
)
def test_a_social_picture_has_100_to_4096_pixels_a_side(
    width: int | None, height: int | None, outside: str
) -> None:
    assert verdict("social", "image", Facts(width, height)) == outside


@pytest.mark.parametrize(
    ("width", "height", "duration", "outside"),
    [
        (1, 1, 1_000, ""),
        (4_096, 4_096, 180_000, ""),
        (4_097, 4_096, 1_000, "maxSide"),
        (4_096, 4_097, 1_000, "maxSide"),
        (1, 1, 999, "minDuration"),
        (1, 1, 180_001, "maxDuration"),
        (1, 1, None, "maxDuration"),
        (None, None, 1_000, "maxSide"),
    ],
)
def test_a_social_video_lasts_1_to_180_seconds(
    width: int | None, height: int | None, duration: int | None, outside: str
) -> None:
    assert verdict("social", "video", Facts(width, height, duration=duration)) == outside


def test_a_video_of_any_length_may_be_there_by_default() -> None:
    for duration in (None, 1, 2**31 - 1):
        assert verdict("default", "video", Facts(1, 1, duration=duration)) == ""


def test_what_does_not_say_how_large_it_is_may_be_there_by_default() -> None:
    assert verdict("default", "image", Facts()) == ""


@pytest.mark.parametrize("profile", PROFILES)
def test_a_document_has_no_dimensions(profile: str) -> None:
    assert verdict(profile, "document", Facts()) == ""


def test_every_profile_knows_every_kind() -> None:
    kinds = {media_type.kind for media_type in MEDIA_TYPES.values()}
    assert all(limits.keys() == kinds for limits in PROFILES.values())


def test_a_refusal_says_what_is_and_what_may_be() -> None:
    with pytest.raises(OutsideLimits) as refused:
        check(Facts(99, 5_000), PROFILES["social"]["image"])
    assert (refused.value.code, refused.value.status) == ("OUTSIDE_LIMITS", 422)
    assert refused.value.details == {"limit": "minSide"}
    assert refused.value.message == (
        "The file has 99 by 5000 pixels; a side must have at least 100."
    )
