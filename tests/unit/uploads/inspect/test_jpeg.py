"""JPEG: which frames, segments and ends are taken."""

from struct import pack

import pytest

from media_engine.uploads.inspect import Cause
from tests.corpus import jpeg
from tests.corpus.honest import PHOTO
from tests.corpus.verdict import verdict


@pytest.mark.parametrize("marker", range(0xC0, 0xD0))
def test_a_frame_is_taken_if_browsers_show_it(marker: int) -> None:
    content = jpeg.jpeg(header=jpeg.frame(24, 16, marker=marker))
    if marker in {0xC0, 0xC1, 0xC2}:
        assert verdict("image/jpeg", content) == PHOTO
    elif marker in {0xC4, 0xC8, 0xCC}:
        assert verdict("image/jpeg", content) is Cause.MALFORMED, "it is no frame at all"
    else:
        assert verdict("image/jpeg", content) is Cause.UNSUPPORTED


@pytest.mark.parametrize("components", range(6))
def test_a_frame_has_1_or_3_or_4_components(components: int) -> None:
    header = pack(">BHHB", 8, 16, 24, components)
    for length in range(20):
        content = jpeg.jpeg(header=jpeg.segment(0xC0, (header + bytes(20))[: 6 + length]))
        right = components in {1, 3, 4} and length == 3 * components
        assert verdict("image/jpeg", content) == (PHOTO if right else Cause.MALFORMED)


@pytest.mark.parametrize("length", range(6))
def test_a_frame_that_is_too_short_is_none(length: int) -> None:
    header = jpeg.segment(0xC0, b"\x08\0\x10\0\x18\x01"[:length])
    assert verdict("image/jpeg", jpeg.jpeg(header=header)) is Cause.MALFORMED


def test_a_marker_begins_a_segment_unless_it_has_none() -> None:
    tables = {0xC4, 0xC8, 0xCC}
    for marker in set(range(0xFF)) - {*range(0xC0, 0xD0), 0xDA} | tables:
        content = jpeg.jpeg(before=bytes([0xFF, marker, 0, 4, 1, 2]))
        without = marker <= 0x01 or 0xD0 <= marker <= 0xD9
        assert verdict("image/jpeg", content) == (Cause.MALFORMED if without else PHOTO), marker


def test_a_jpeg_without_an_end_is_whole_if_what_ends_it_is_something_appended() -> None:
    """Nothing but coded bits, and segments between scans, can belong to a picture."""
    belongs = {0x00, 0xC4, 0xCC, *range(0xD0, 0xD8), *range(0xDA, 0xDE), *range(0xE0, 0xF0), 0xFE}
    for marker in set(range(0xFF)) - {0xD9}:
        content = jpeg.jpeg(after=b"\xaa\xff" + bytes([marker]) + b"\xaa")
        expected = Cause.CUT_OFF if marker in belongs else PHOTO
        assert verdict("image/jpeg", content) == expected, marker
