"""MP4: each field is read from its own place, and to the byte."""

from struct import pack

import pytest

from media_engine.uploads.inspect import Cause, Facts
from tests.corpus import boxes
from tests.corpus.honest import MOVIE, UNTIMED
from tests.corpus.verdict import verdict

LONGEST = 2**31 - 1


def movie(*content: bytes) -> Facts | Cause:
    """Return the verdict on an MP4 with this in its index."""
    return verdict("video/mp4", boxes.mp4(boxes.moov(*content), boxes.MDAT))


def timed(header: bytes) -> int | Cause | None:
    """Return how long a movie with this header is."""
    facts = movie(header, boxes.trak())
    return facts.duration if isinstance(facts, Facts) else facts


@pytest.mark.parametrize("version", [0, 1])
@pytest.mark.parametrize(
    ("duration", "ticks", "milliseconds"),
    [
        (0x01020304, 0x00030201, 85_780),
        (1, 1, 1_000),
        (1, 2_001, None),
        (1, 1_999, 1),
        (0, 1, None),
        (LONGEST, 1_000, LONGEST),
        (LONGEST + 1, 1_000, Cause.MALFORMED),
        (2**32 - 2, 2**32 - 1, 1_000),
        (1, 0, Cause.MALFORMED),
    ],
)
def test_a_movie_lasts_as_long_as_its_header_says(
    version: int, duration: int, ticks: int, milliseconds: int | Cause | None
) -> None:
    assert timed(boxes.mvhd(duration, ticks, version=version)) == milliseconds


def test_a_duration_of_ones_alone_is_unknown() -> None:
    assert timed(boxes.mvhd(2**32 - 1, 2**32 - 1)) is None
    assert timed(boxes.mvhd(2**64 - 1, 2**32 - 1, version=1)) is None
    assert timed(boxes.mvhd(2**32 - 1, 2**32 - 1, version=1)) == 1_000
    assert timed(boxes.mvhd(2**64 - 2, 2**32 - 1, version=1)) is Cause.MALFORMED


@pytest.mark.parametrize(
    ("box", "least"),
    [
        (boxes.mvhd(), 72),
        (boxes.mvhd(version=1), 84),
    ],
)
def test_a_movie_header_is_read_to_the_end_of_its_matrix(box: bytes, least: int) -> None:
    assert movie(boxes.shortened(box, least), boxes.trak()) == MOVIE
    assert movie(boxes.shortened(box, least - 1), boxes.trak()) is Cause.MALFORMED


@pytest.mark.parametrize(("box", "least"), [(boxes.tkhd(), 76), (boxes.tkhd(version=1), 88)])
def test_a_track_header_is_read_to_the_end_of_its_matrix(box: bytes, least: int) -> None:
    assert movie(boxes.mvhd(), boxes.trak(header=boxes.shortened(box, least))) == MOVIE
    shorter = boxes.trak(header=boxes.shortened(box, least - 1))
    assert movie(boxes.mvhd(), shorter) is Cause.MALFORMED


def test_a_sample_description_is_read_to_the_end_of_its_dimensions() -> None:
    description = boxes.stsd(width=0x0123, height=0x4567)
    facts = movie(boxes.mvhd(), boxes.trak(description=boxes.shortened(description, 44)))
    assert facts == Facts(0x0123, 0x4567, duration=2500, codec="avc1")
    shorter = boxes.trak(description=boxes.shortened(description, 43))
    assert movie(boxes.mvhd(), shorter) is Cause.MALFORMED


def test_a_track_that_is_no_picture_is_passed_over() -> None:
    for handler in (b"soun", b"meta", b"tmcd", b"\0vid", b"vidf"):
        assert movie(boxes.mvhd(), boxes.trak(handler)) is Cause.OTHER_TYPE
        assert movie(boxes.mvhd(), boxes.trak(handler), boxes.trak()) == MOVIE


def test_the_first_picture_counts() -> None:
    second = boxes.trak(description=boxes.stsd(b"jpeg", 99, 99))
    assert movie(boxes.mvhd(), boxes.trak(), second) == MOVIE
    assert movie(boxes.trak(), second, boxes.mvhd(), boxes.mvhd(1)) == MOVIE


@pytest.mark.parametrize(
    ("a", "b", "c", "d", "on_its_side"),
    [
        (1, 0, 0, 1, False),
        (0, 1, -1, 0, True),
        (0, -1, 1, 0, True),
        (-1, 0, 0, -1, False),
        (0, 1, 1, 0, True),
        (0, 0, 0, 0, False),
        (0, 1, 0, 0, False),
        (0, 0, 1, 0, False),
        (1, 1, -1, 0, False),
        (0, 1, -1, 1, False),
    ],
)
@pytest.mark.parametrize("unit", [1, 256, 65_536])
def test_a_matrix_turns_a_picture_by_a_quarter_or_does_not(
    a: int, b: int, c: int, d: int, unit: int, on_its_side: bool
) -> None:
    numbers = (a * unit, b * unit, 7, c * unit, d * unit, 7, 7, 7, 1 << 30)
    matrix = pack(">9i", *numbers)
    facts = Facts(16, 24, duration=2500, codec="avc1") if on_its_side else MOVIE
    assert movie(boxes.mvhd(), boxes.trak(header=boxes.tkhd(matrix))) == facts
    assert movie(boxes.mvhd(matrix=matrix), boxes.trak()) == facts


@pytest.mark.parametrize("version", [0, 1])
def test_fragments_last_as_long_as_their_extension_says(version: int) -> None:
    extends = boxes.mvex(0x00ABCDEF, version=version)
    facts = verdict("video/mp4", boxes.fragmented(extends=extends))
    assert facts == Facts(24, 16, duration=0x00ABCDEF, codec="avc1")
    shorter = boxes.box(b"mvex", boxes.shortened(extends[8:], 11 if version else 7))
    assert verdict("video/mp4", boxes.fragmented(extends=shorter)) is Cause.MALFORMED


def test_an_extension_counts_only_where_the_header_does_not_say() -> None:
    assert movie(boxes.mvhd(), boxes.mvex(9), boxes.trak()) == MOVIE
    assert movie(boxes.mvhd(0), boxes.mvex(2500), boxes.trak()) == MOVIE
    assert movie(boxes.mvex(2500), boxes.trak(), boxes.mvhd(0)) == MOVIE
    assert movie(boxes.mvhd(0), boxes.trak(), boxes.mvex(0)) == UNTIMED


@pytest.mark.parametrize("version", [0, 1])
def test_fragments_last_as_long_as_their_index_adds_up_to(version: int) -> None:
    for durations, ticks, expected in (
        ((0x010203, 0x040506), 0x0708, 183_045),
        ((1,) * 4096, 1_000, 4_096),
        ((1,) * 4097, 1_000, None),
        ((1,), 0, None),
        ((), 1_000, None),
    ):
        index = boxes.sidx(*durations, ticks=ticks, version=version)
        facts = verdict("video/mp4", boxes.fragmented(index))
        assert facts == Facts(24, 16, duration=expected, codec="avc1")


def test_an_index_of_fragments_has_as_many_as_it_counts() -> None:
    index = boxes.shortened(boxes.sidx(1, 2, 3), 24 + 3 * 12 - 1)
    assert verdict("video/mp4", boxes.fragmented(index)) is Cause.MALFORMED


def test_the_first_index_of_fragments_counts_unless_the_movie_says_it() -> None:
    indexes = boxes.sidx(7) + boxes.sidx(9)
    facts = verdict("video/mp4", boxes.fragmented(indexes))
    assert facts == Facts(24, 16, duration=7, codec="avc1")
    facts = verdict("video/mp4", boxes.fragmented(indexes, extends=boxes.mvex(2500)))
    assert facts == MOVIE


@pytest.mark.parametrize(
    ("kind", "codec"), [(b"raw ", "raw"), (b"av01", "av01"), (b"a\xe4b ", None)]
)
def test_a_codec_is_four_letters_without_the_blanks_behind(kind: bytes, codec: str | None) -> None:
    facts = movie(boxes.mvhd(), boxes.trak(description=boxes.stsd(kind)))
    expected = Cause.MALFORMED if codec is None else Facts(24, 16, duration=2500, codec=codec)
    assert facts == expected


def test_a_box_may_end_where_what_it_is_in_does() -> None:
    assert movie(boxes.mvhd(), boxes.trak(), boxes.box(b"free")) == MOVIE
    for rest in range(8):
        content = boxes.mp4(boxes.moov(boxes.mvhd(), boxes.trak(), bytes(rest)), boxes.MDAT)
        assert verdict("video/mp4", content + bytes(rest)) == MOVIE
