"""How a picture is turned, read out of what a camera wrote."""

from struct import pack

import pytest

from media_engine.uploads.inspect import Facts
from media_engine.uploads.inspect.exif import orientation
from tests.corpus import jpeg
from tests.corpus.verdict import verdict

TURNED = Facts(16, 24, animated=False, alpha=False, orientation=6)


def tiff(
    entries: list[tuple[int, int, int]], order: str = "MM", *, count: int | None = None
) -> bytes:
    """Return EXIF of entries: a tag, a type, a value of two bytes."""
    sign = ">" if order == "MM" else "<"
    head = order.encode() + pack(f"{sign}HIH", 42, 8, len(entries) if count is None else count)
    return head + b"".join(pack(f"{sign}HHIHH", *entry[:2], 1, entry[2], 0) for entry in entries)


@pytest.mark.parametrize("order", ["MM", "II"])
@pytest.mark.parametrize(
    ("value", "turned"), [(0, 1), *((value, value) for value in range(1, 9)), (9, 1), (0x0600, 1)]
)
def test_a_picture_is_turned_one_of_eight_ways(order: str, value: int, turned: int) -> None:
    assert orientation(tiff([(0x0112, 3, value)], order)) == turned
    assert orientation(tiff([(0x0100, 3, 9), (0x0112, 3, value)], order)) == turned


@pytest.mark.parametrize("value", range(1, 9))
def test_a_picture_on_its_side_is_as_wide_as_it_is_shown(value: int) -> None:
    facts = verdict("image/jpeg", jpeg.jpeg(before=jpeg.oriented(value)))
    sides = (16, 24) if value >= 5 else (24, 16)
    assert facts == Facts(*sides, animated=False, alpha=False, orientation=value)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"MM",
        b"MM\0*",
        b"XX\0*\0\0\0\x08\0\x01",
        b"MM\0\x2b" + tiff([(0x0112, 3, 6)])[4:],
        tiff([]),
        tiff([(0x0112, 4, 6)]),
        tiff([(0x0111, 3, 6)]),
        tiff([(0x0112, 3, 6)], count=0),
        tiff([(0x0112, 3, 6)])[:-1],
        b"MM\0*\xff\xff\xff\xff" + tiff([(0x0112, 3, 6)])[8:],
    ],
)
def test_exif_that_says_nothing_turns_nothing(content: bytes) -> None:
    assert orientation(content) == 1


def test_exif_that_counts_too_many_entries_is_read_as_far_as_it_goes() -> None:
    assert orientation(tiff([(0x0100, 3, 9), (0x0112, 3, 6)], count=0xFFFF)) == 6


def test_the_first_exif_that_turns_a_picture_counts_wherever_it_is() -> None:
    xmp = jpeg.segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0<x/>")
    for before in (
        xmp + jpeg.oriented(6),
        jpeg.segment(0xE1) + jpeg.segment(0xE1, b"Exif\0") + jpeg.oriented(6),
        jpeg.exif(b"") + jpeg.oriented(6),
        jpeg.oriented(6) + jpeg.oriented(3),
    ):
        assert verdict("image/jpeg", jpeg.jpeg(before=before)) == TURNED
