"""WebP: pictures, canvases and frames, to the pixel and to the byte."""

import pytest

from media_engine.uploads.inspect import Cause, Facts
from tests.corpus import webp
from tests.corpus.honest import PHOTO
from tests.corpus.verdict import verdict


@pytest.mark.parametrize("flags", range(64))
def test_a_webp_says_by_flags_that_it_moves_or_can_be_seen_through(flags: int) -> None:
    extended = webp.extended(flags=flags)
    content = webp.riff(extended, webp.ANIMATION, webp.frame() if flags & 2 else webp.lossless())
    facts = verdict("image/webp", content)
    assert facts == Facts(24, 16, animated=bool(flags & 2), alpha=bool(flags & 16))


@pytest.mark.parametrize("sides", [(23, 16), (25, 16), (24, 15), (24, 17)])
def test_a_webp_picture_fills_its_canvas_to_the_pixel(sides: tuple[int, int]) -> None:
    for picture in (webp.lossless(*sides), webp.lossy(*sides)):
        content = webp.riff(webp.extended(), picture)
        assert verdict("image/webp", content) is Cause.MALFORMED


@pytest.mark.parametrize(
    ("width", "height", "left", "inside"),
    [
        (24, 16, 0, True),
        (22, 16, 1, True),
        (23, 16, 1, False),
        (24, 17, 0, False),
        (25, 16, 0, False),
    ],
)
def test_a_webp_frame_is_on_its_canvas_to_the_pixel(
    width: int, height: int, left: int, inside: bool
) -> None:
    frame = webp.frame(width, height, left=left)
    content = webp.riff(webp.extended(flags=2), webp.ANIMATION, frame)
    moving = Facts(24, 16, animated=True, alpha=False)
    assert verdict("image/webp", content) == (moving if inside else Cause.MALFORMED)
    # The same the other way round: from the top.
    body = frame[8:11] + frame[11:]
    turned = webp.chunk(b"ANMF", frame[11:14] + body[:3] + frame[17:20] + frame[14:17] + frame[20:])
    content = webp.riff(webp.extended(16, 24, flags=2), webp.ANIMATION, turned)
    moving = Facts(16, 24, animated=True, alpha=False)
    assert verdict("image/webp", content) == (moving if inside else Cause.MALFORMED)


@pytest.mark.parametrize(
    ("name", "head", "least"),
    [(b"VP8 ", b"\x30\x01\0\x9d\x01\x2a\x18\0\x10\0", 10), (b"VP8L", b"\x2f\x17\xc0\x03\0", 5)],
)
def test_a_webp_picture_has_at_least_a_head(name: bytes, head: bytes, least: int) -> None:
    assert verdict("image/webp", webp.riff(webp.chunk(name, head))) == PHOTO
    assert len(head) == least
    for length in range(least):
        content = webp.riff(webp.chunk(name, head[:length]))
        assert verdict("image/webp", content) is Cause.MALFORMED


def test_a_webp_picture_has_14_bits_a_side() -> None:
    for picture in (webp.lossless(16_383, 16_383), webp.lossy(0xC000 | 16_383, 0xC000 | 16_383)):
        facts = verdict("image/webp", webp.riff(picture))
        assert facts == Facts(16_383, 16_383, animated=False, alpha=False)


def test_a_webp_frame_has_a_head_of_16_bytes() -> None:
    for length, expected in (
        (15, Cause.MALFORMED),
        (16, Facts(24, 16, animated=True, alpha=False)),
    ):
        frame = webp.chunk(b"ANMF", webp.frame()[8 : 8 + length])
        assert verdict("image/webp", webp.riff(webp.extended(flags=2), frame)) == expected


def test_a_webp_canvas_has_10_bytes() -> None:
    for extra in (b"\0", b"\0\0"):
        extended = webp.chunk(b"VP8X", webp.extended()[8:] + extra)
        content = webp.riff(extended, webp.lossless())
        assert verdict("image/webp", content) is Cause.MALFORMED


def test_a_webp_chunk_ends_in_its_container_to_the_byte() -> None:
    whole = webp.riff(webp.lossy())
    assert verdict("image/webp", whole) == PHOTO
    shorter = webp.riff(webp.lossy(), length=len(whole) - 8 - 1)
    assert verdict("image/webp", shorter) is Cause.MALFORMED
