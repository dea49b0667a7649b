"""The window gives what is asked for, and never costs more than it may."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_engine.errors import R2Unavailable
from media_engine.uploads.inspect.refusal import Cause, Refusal
from media_engine.uploads.inspect.window import (
    MOST_BYTES,
    MOST_READS,
    MOST_STEPS,
    PREFIX_BYTES,
    Window,
)
from tests.corpus.reader import CountingReader, SparseReader
from tests.unit.engine import finish

KIB = 1024
CONTENT = b"".join(number.to_bytes(4) for number in range(64 * KIB))
"""256 KB in which every place is different from every other."""

looks = st.lists(st.tuples(st.integers(0, 300_000), st.integers(0, 9_000)), max_size=30)


@given(looks, st.booleans())
def test_what_it_gives_is_what_the_file_has_there(
    looks: list[tuple[int, int]], begins: bool
) -> None:
    reader = CountingReader(CONTENT)
    window = Window(reader)
    if begins:
        finish(window.prefix())
    for offset, length in looks:
        if offset + length > len(CONTENT):
            with pytest.raises(Refusal):
                finish(window.take(offset, length, "a piece"))
        elif reader.reads < MOST_READS:
            content = finish(window.take(offset, length, "a piece"))
            assert content == CONTENT[offset : offset + length]
    assert reader.reads <= MOST_READS
    assert reader.bytes_read <= MOST_BYTES


def test_what_was_read_first_is_kept() -> None:
    reader = CountingReader(CONTENT)
    window = Window(reader)
    assert finish(window.prefix()) == CONTENT[:PREFIX_BYTES]
    finish(window.take(200_000, 4, "a piece"))
    for offset in (0, PREFIX_BYTES - 4, 200_000, 200_000 + 16 * KIB - 4):
        finish(window.take(offset, 4, "a piece"))
    assert finish(window.prefix()) == CONTENT[:PREFIX_BYTES]
    assert (reader.reads, reader.bytes_read) == (2, 80 * KIB)


def test_who_reads_on_gets_twice_as_much() -> None:
    reader = SparseReader(10**9, {})
    window = Window(reader)
    finish(window.prefix())
    for offset in range(0, 1_900_000, 50_000):
        finish(window.take(offset, 4, "a piece"))
    assert (reader.reads, reader.bytes_read) == (5, (1 + 2 + 4 + 8 + 16) * PREFIX_BYTES)


def test_who_jumps_gets_a_little() -> None:
    reader = SparseReader(10**9, {})
    window = Window(reader)
    finish(window.prefix())
    for offset in range(10**8, 8 * 10**8, 10**8):
        finish(window.take(offset, 4, "a piece"))
    assert (reader.reads, reader.bytes_read) == (MOST_READS, PREFIX_BYTES + 7 * 16 * KIB)


def test_one_read_more_than_the_most_is_refused() -> None:
    window = Window(SparseReader(10**9, {}))
    for place in range(MOST_READS):
        finish(window.take(place * 10**8, 4, "a piece"))
    with pytest.raises(Refusal) as refused:
        finish(window.take(9 * 10**8, 4, "a piece"))
    assert refused.value.cause is Cause.TOO_COSTLY


def test_one_byte_more_than_the_most_is_refused() -> None:
    reader = SparseReader(10**9, {})
    finish(Window(reader).take(0, MOST_BYTES, "a piece"))
    with pytest.raises(Refusal) as refused:
        finish(Window(reader).take(0, MOST_BYTES + 1, "a piece"))
    assert refused.value.cause is Cause.TOO_COSTLY
    assert reader.reads == 1, "what is too much is not read at all"


def test_one_step_more_than_the_most_is_refused() -> None:
    window = Window(CountingReader(CONTENT))
    for _ in range(MOST_STEPS):
        finish(window.take(0, 1, "a piece"))
    with pytest.raises(Refusal) as refused:
        finish(window.take(0, 1, "a piece"))
    assert refused.value.cause is Cause.TOO_COSTLY


def test_what_would_be_behind_the_end_is_named() -> None:
    window = Window(CountingReader(b"12345"))
    assert finish(window.take(1, 4, "a piece")) == b"2345"
    with pytest.raises(Refusal, match="it has 5 bytes, and a piece in it would end at byte 6"):
        finish(window.take(2, 4, "a piece"))


def test_a_file_of_nothing_is_not_read() -> None:
    reader = CountingReader(b"")
    window = Window(reader)
    assert finish(window.prefix()) == finish(window.tail(0, "an end")) == b""
    assert reader.reads == 0


@pytest.mark.parametrize(("start", "length"), [(0, PREFIX_BYTES), (len(CONTENT) - 9, 9)])
def test_the_tail_is_the_end_from_a_place_on(start: int, length: int) -> None:
    window = Window(CountingReader(CONTENT))
    assert finish(window.tail(start, "an end")) == CONTENT[-length:]


def test_the_whole_is_the_whole() -> None:
    reader = CountingReader(CONTENT)
    window = Window(reader)
    finish(window.prefix())
    assert finish(window.whole("It")) == CONTENT
    assert (reader.reads, reader.bytes_read) == (2, len(CONTENT))


def test_a_store_that_gives_less_than_was_asked_for_did_not_answer() -> None:
    class ShortReader(CountingReader):
        async def read(self, offset: int, length: int, /) -> bytes:
            return (await super().read(offset, length))[:-1]

    with pytest.raises(R2Unavailable):
        finish(Window(ShortReader(CONTENT)).prefix())
