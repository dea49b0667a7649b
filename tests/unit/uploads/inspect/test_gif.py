"""GIF: tables of colours, and what extensions say."""

from struct import pack

import pytest

from media_engine.uploads.inspect import Facts
from tests.corpus import gif
from tests.corpus.honest import PHOTO
from tests.corpus.verdict import verdict


@pytest.mark.parametrize("bits", range(8))
def test_a_gif_has_tables_of_2_to_256_colours(bits: int) -> None:
    colours = bytes(3 * 2 ** (bits + 1))
    screen = b"GIF89a" + pack("<HHBBB", 24, 16, 0x80 | bits, 0, 0) + colours
    picture = gif.image(24, 16)
    local = picture[:9] + bytes([0x80 | bits]) + colours + picture[10:]
    for content in (screen + picture, screen + local, gif.screen(24, 16) + local):
        assert verdict("image/gif", content + gif.TRAILER) == PHOTO


def test_a_gif_needs_no_table_of_colours() -> None:
    screen = b"GIF89a" + pack("<HHBBB", 24, 16, 0x07, 0, 0)
    assert verdict("image/gif", screen + gif.image(24, 16) + gif.TRAILER) == PHOTO


@pytest.mark.parametrize(
    ("extension", "animated", "alpha"),
    [
        (b"!\xff\x0bANIMEXTS1.0\x03\x01\0\0\0", True, False),
        (b"!\xff\x0bXMP DataXMP\x03\x01\0\0\0", False, False),
        (b"!\xff\x0aNETSCAPE2.\x03\x01\0\0\0", False, False),
        (b"!\xf9\x01\x01\0", False, True),
        (b"!\xf9\x04\xfe\0\0\0\0", False, False),
        (b"!\xf9\0", False, False),
        (b"!\x01\x0bNETSCAPE2.0\0", False, False),
    ],
)
def test_a_gif_says_by_extensions_that_it_moves_or_can_be_seen_through(
    extension: bytes, animated: bool, alpha: bool
) -> None:
    facts = verdict("image/gif", gif.gif(between=extension))
    assert facts == Facts(24, 16, animated=animated, alpha=alpha)


def test_a_gif_that_was_seen_through_stays_so() -> None:
    content = gif.gif(between=gif.TRANSPARENT + b"!\xf9\x04\0\0\0\0\0")
    assert verdict("image/gif", content) == Facts(24, 16, animated=False, alpha=True)
