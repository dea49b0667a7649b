"""Every file of the corpus, honest or hostile, gets the verdict that its table says."""

import asyncio

import pytest

from media_engine.errors import ContentMismatch
from media_engine.uploads.inspect import PARSERS, Cause, Facts, inspect
from media_engine.uploads.inspect.window import MOST_BYTES, PREFIX_BYTES
from media_engine.uploads.model import MEDIA_TYPES
from tests.corpus import boxes, elements, gif, jpeg, pdf, png
from tests.corpus.case import Case
from tests.corpus.drawings import DRAWINGS, HARMLESS, svg
from tests.corpus.honest import HONEST, ICC, SMALL
from tests.corpus.hostile import HOSTILE
from tests.corpus.reader import CountingReader, SparseReader
from tests.corpus.verdict import MOST_CALLS, MOST_CALLS_FOR_AN_SVG, calls, judge, require_sense
from tests.unit.engine import finish

CASES = [*HONEST, *HOSTILE, *DRAWINGS]
MIB = 1024 * 1024


def cost(content_type: str, reader: CountingReader) -> tuple[int, int]:
    """Return how many reads and bytes it takes to know a file that is in order."""
    assert isinstance(judge(content_type, reader)[0], Facts)
    return reader.reads, reader.bytes_read


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_file_gets_its_verdict(case: Case) -> None:
    verdict, said = judge(case.content_type, CountingReader(case.content))
    assert verdict == case.verdict
    assert case.says in said
    require_sense(verdict, said)


def test_every_case_has_a_name_of_its_own() -> None:
    assert len({case.name for case in CASES}) == len(CASES)


def test_every_type_that_can_be_uploaded_has_a_parser_and_an_honest_file() -> None:
    assert PARSERS.keys() == MEDIA_TYPES.keys()
    assert {case.content_type for case in [*HONEST, *HARMLESS]} == MEDIA_TYPES.keys()


@pytest.mark.parametrize("case", SMALL, ids=str)
def test_what_is_declared_as_another_type_is_refused_by_both_names(case: Case) -> None:
    for declared in MEDIA_TYPES.keys() - {case.content_type}:
        verdict, said = judge(declared, CountingReader(case.content))
        assert verdict is Cause.OTHER_TYPE
        assert said.startswith("The file is ")
        assert said.endswith(f", and {declared} was declared.")


@pytest.mark.parametrize("case", [*SMALL, *HARMLESS], ids=str)
def test_what_is_cut_off_anywhere_is_refused_or_known_as_the_whole_is(case: Case) -> None:
    for length in range(len(case.content)):
        verdict, _ = judge(case.content_type, CountingReader(case.content[:length]))
        assert isinstance(verdict, Cause) or verdict == case.verdict, length


ENDS = {
    "image/jpeg": jpeg.jpeg(),
    "image/png": png.png(),
    "image/gif": gif.gif(),
    "image/svg+xml": svg("<g/>"),
    "image/avif": boxes.avif(),
    "video/mp4": boxes.mp4(),
    "video/webm": elements.webm(),
    "application/pdf": pdf.pdf().rstrip(),
}


@pytest.mark.parametrize("content_type", ENDS)
def test_one_byte_less_is_too_few(content_type: str) -> None:
    content = ENDS[content_type]
    assert isinstance(judge(content_type, CountingReader(content))[0], Facts)
    for length in range(1, len(content)):
        assert isinstance(judge(content_type, CountingReader(content[:length]))[0], Cause)


def test_a_refusal_is_a_mismatch_that_tells_its_cause() -> None:
    with pytest.raises(ContentMismatch) as refused:
        finish(inspect("image/jpeg", CountingReader(png.png())))
    assert (refused.value.code, refused.value.status) == ("CONTENT_MISMATCH", 422)
    assert refused.value.details == {"field": "contentType", "cause": "other_type"}
    assert refused.value.reason == "other_type"


# What it costs to look.


def test_a_small_file_costs_one_read() -> None:
    for case in [*SMALL, *HARMLESS]:
        assert cost(case.content_type, CountingReader(case.content)) == (1, len(case.content))


def test_a_photo_of_20_mb_costs_its_two_ends() -> None:
    start, size = jpeg.jpeg(before=jpeg.oriented(6), after=b""), 20 * MIB
    reader = SparseReader(size, {0: start, size - 2: jpeg.EOI})
    assert cost("image/jpeg", reader) == (2, 2 * PREFIX_BYTES)


def test_a_photo_with_a_profile_of_585_kb_costs_four_reads() -> None:
    start, size = jpeg.jpeg(before=ICC, after=b""), 20 * MIB
    reader = SparseReader(size, {0: start, size - 2: jpeg.EOI})
    assert cost("image/jpeg", reader) == (4, (1 + 2 + 4 + 1) * PREFIX_BYTES)


def test_a_photo_with_almost_2_mb_in_front_of_its_picture_is_still_known() -> None:
    before = jpeg.segment(0xE1, bytes(65_000)) * 31
    start, size = jpeg.jpeg(before=before, after=b""), 20 * MIB
    reader = SparseReader(size, {0: start, size - 2: jpeg.EOI})
    assert cost("image/jpeg", reader) == (6, MOST_BYTES)


def test_a_movie_of_500_mb_with_its_index_behind_costs_two_reads() -> None:
    tables = boxes.box(b"stsz", bytes(MIB))
    index = boxes.moov(boxes.mvhd(), boxes.trak(tables=tables), boxes.trak(b"soun", tables=tables))
    media = 500 * MIB
    head = boxes.FTYP + boxes.box(b"mdat", length=media)
    reader = SparseReader(
        len(boxes.FTYP) + media + len(index), {0: head, len(boxes.FTYP) + media: index}
    )
    assert cost("video/mp4", reader) == (2, PREFIX_BYTES + 16 * 1024)


def test_a_movie_of_500_mb_whose_sound_comes_first_costs_three_reads() -> None:
    tables = boxes.box(b"stsz", bytes(MIB))
    index = boxes.moov(boxes.mvhd(), boxes.trak(b"soun", tables=tables), boxes.trak(tables=tables))
    media = 500 * MIB
    head = boxes.FTYP + boxes.box(b"mdat", length=media)
    reader = SparseReader(
        len(boxes.FTYP) + media + len(index), {0: head, len(boxes.FTYP) + media: index}
    )
    assert cost("video/mp4", reader) == (3, PREFIX_BYTES + 2 * 16 * 1024)


def test_a_recording_of_500_mb_costs_one_read() -> None:
    reader = SparseReader(500 * MIB, {0: elements.recorded()})
    assert cost("video/webm", reader) == (1, PREFIX_BYTES)


def test_a_document_of_10_mb_costs_its_two_ends() -> None:
    end = b"%%EOF\n"
    reader = SparseReader(10 * MIB, {0: b"%PDF-1.7\n", 10 * MIB - len(end): end})
    assert cost("application/pdf", reader) == (2, 2 * PREFIX_BYTES)


def test_a_drawing_of_2_mb_is_read_whole_in_two_reads() -> None:
    content = svg(" " * (MOST_BYTES - len(svg())))
    assert cost("image/svg+xml", CountingReader(content)) == (2, MOST_BYTES)


def test_what_is_of_another_type_costs_one_read_however_long_it_is() -> None:
    reader = SparseReader(500 * MIB, {0: b"PK\x03\x04"})
    assert judge("video/mp4", reader)[0] is Cause.OTHER_TYPE
    assert (reader.reads, reader.bytes_read) == (1, PREFIX_BYTES)


def test_no_file_is_more_than_so_much_work() -> None:
    """Calls are counted, not seconds; a drawing of the most elements takes the most."""
    for case in CASES:
        svg = case.content_type == "image/svg+xml"
        most = MOST_CALLS_FOR_AN_SVG if svg else MOST_CALLS
        assert calls(case.content_type, case.content) <= most, case


def test_it_waits_for_a_store_that_takes_its_time() -> None:
    class SlowReader(CountingReader):
        async def read(self, offset: int, length: int, /) -> bytes:
            await asyncio.sleep(0)
            return await super().read(offset, length)

    facts = asyncio.run(inspect("image/png", SlowReader(png.png())))
    assert (facts.width, facts.height) == (24, 16)
