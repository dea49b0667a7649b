"""PNG: which headers and chunks are taken."""

from struct import pack

import pytest

from media_engine.uploads.inspect import Cause, Facts
from tests.corpus import png
from tests.corpus.honest import PHOTO
from tests.corpus.reader import CountingReader
from tests.corpus.verdict import judge, verdict

DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}


@pytest.mark.parametrize("colour", range(8))
def test_a_png_has_the_depths_that_its_colours_can_have(colour: int) -> None:
    for depth in range(34):
        facts = verdict("image/png", png.png(first=png.header(24, 16, depth, colour)))
        if depth in DEPTHS.get(colour, ()):
            assert facts == Facts(24, 16, animated=False, alpha=colour in {4, 6})
        else:
            assert facts is Cause.MALFORMED


@pytest.mark.parametrize(
    ("rest", "taken"),
    [
        (b"\0\0\0", True),
        (b"\0\0\1", True),
        (b"\0\0\2", False),
        (b"\0\1\0", False),
        (b"\1\0\0", False),
    ],
)
def test_a_png_is_compressed_and_filtered_in_one_way_and_interlaced_or_not(
    rest: bytes, taken: bool
) -> None:
    content = png.png(first=png.header(24, 16, rest=rest))
    assert verdict("image/png", content) == (PHOTO if taken else Cause.MALFORMED)


@pytest.mark.parametrize("first", [b"iHDR", b"IHDX"])
def test_a_png_begins_with_its_header_and_nothing_that_looks_like_it(first: bytes) -> None:
    chunk = png.chunk(first, pack(">IIBB", 24, 16, 8, 0) + bytes(3))
    assert verdict("image/png", png.png(first=chunk)) is Cause.MALFORMED


def test_a_png_header_has_13_bytes() -> None:
    chunk = png.chunk(b"IHDR", pack(">IIBB", 24, 16, 8, 0) + bytes(4))
    assert verdict("image/png", png.png(first=chunk)) is Cause.MALFORMED


@pytest.mark.parametrize("name", [b"iCC\0", b"1234", b"a b ", b"\xe4\xf6\xfc\xdf"])
def test_a_png_chunk_is_named_with_letters(name: bytes) -> None:
    assert verdict("image/png", png.png(before=png.chunk(name))) is Cause.MALFORMED


def test_the_longest_png_chunk_is_cut_off_and_a_longer_one_is_none() -> None:
    longest, longer = (png.chunk(b"iCCP", length=length) for length in (2**31 - 1, 2**31))
    assert verdict("image/png", png.png(before=longest)) is Cause.CUT_OFF
    assert verdict("image/png", png.png(before=longer)) is Cause.MALFORMED


def test_a_png_chunk_may_end_where_the_file_does() -> None:
    content = png.SIGNATURE + png.header(24, 16) + png.chunk(b"IDAT")
    assert judge("image/png", CountingReader(content))[1].startswith("The PNG is cut off")
    assert "a PNG chunk in it" in judge("image/png", CountingReader(content[:-1]))[1]
