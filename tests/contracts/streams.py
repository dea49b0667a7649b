"""What joining streams promises."""

from collections.abc import Awaitable, Callable
from typing import Protocol

from media_engine.errors import MediaGone
from media_engine.http.message import ByteStream
from media_engine.ports import BrokenOff, NoRoom, Piece, Streams, TooLong

LARGE = bytes(range(256)) * 4096


class StreamsHarness(Protocol):
    """Streams, and a way into them that is not the port's."""

    streams: Streams

    async def stream(self, content: bytes) -> ByteStream:
        """Return a stream of these bytes."""
        ...

    async def broken_stream(self, content: bytes) -> ByteStream:
        """Return a stream that breaks off after these bytes."""
        ...

    async def read(self, stream: ByteStream) -> bytes:
        """Read a stream to its end. Raises `BrokenOff`."""
        ...

    async def leave(self, stream: ByteStream) -> None:
        """Read a little of a stream and let it go, as a client does that leaves."""
        ...

    async def kept(self) -> int:
        """Return how many bytes are collected and were not read yet, when all is quiet."""
        ...

    async def running(self) -> int:
        """Return how many streams are still being filled."""
        ...


def _opening(harness: StreamsHarness, content: bytes) -> Callable[[], Awaitable[ByteStream]]:
    return lambda: harness.stream(content)


async def _refuse() -> ByteStream:
    raise MediaGone


async def pieces_come_one_after_the_other(harness: StreamsHarness) -> None:
    joined = harness.streams.concatenate(
        [b"one ", _opening(harness, b"two "), _opening(harness, b"three "), b"four"], 18
    )
    assert await harness.read(joined) == b"one two three four"


async def bytes_alone_are_a_stream_too(harness: StreamsHarness) -> None:
    assert await harness.read(harness.streams.concatenate([b"one"], 3)) == b"one"


async def every_byte_comes_through(harness: StreamsHarness) -> None:
    joined = harness.streams.concatenate(
        [_opening(harness, LARGE), b"\r\n", _opening(harness, LARGE)], 2 * len(LARGE) + 2
    )
    assert await harness.read(joined) == LARGE + b"\r\n" + LARGE


async def a_piece_that_cannot_be_opened_breaks_the_stream_off(harness: StreamsHarness) -> None:
    joined = harness.streams.concatenate([b"one", _refuse, b"two"], 9)
    try:
        await harness.read(joined)
    except BrokenOff:
        return
    raise AssertionError("nobody noticed")


async def a_piece_that_ends_early_breaks_the_stream_off(harness: StreamsHarness) -> None:
    joined = harness.streams.concatenate([b"one", _opening(harness, b"tw")], 6)
    try:
        await harness.read(joined)
    except BrokenOff:
        return
    raise AssertionError("nobody noticed")


async def a_reader_that_leaves_leaves_nothing_running(harness: StreamsHarness) -> None:
    pieces: list[Piece] = [_opening(harness, LARGE), b"and", _opening(harness, LARGE)]
    for _ in range(5):
        await harness.leave(harness.streams.concatenate(pieces, 2 * len(LARGE) + 3))
    assert await harness.running() == 0


async def what_is_collected_has_its_length_and_its_bytes(harness: StreamsHarness) -> None:
    for content in (b"", b"one", LARGE):
        collected = await harness.streams.collect(await harness.stream(content), len(LARGE))
        assert collected.size == len(content)
        assert await harness.read(collected.body) == content
    assert await harness.kept() == 0


async def what_is_too_long_is_not_collected(harness: StreamsHarness) -> None:
    try:
        await harness.streams.collect(await harness.stream(LARGE), len(LARGE) - 1)
    except TooLong:
        assert await harness.kept() == 0
    else:
        raise AssertionError("it was collected")


async def what_breaks_off_is_not_collected(harness: StreamsHarness) -> None:
    try:
        await harness.streams.collect(await harness.broken_stream(b"one"), 100)
    except BrokenOff as error:
        reason = error.reason
    else:
        raise AssertionError("it was collected")
    assert reason
    assert await harness.kept() == 0


async def what_was_collected_can_be_let_go(harness: StreamsHarness) -> None:
    for content in (b"", b"one", LARGE):
        collected = await harness.streams.collect(await harness.stream(content), len(LARGE))
        collected.body.cancel()
    assert await harness.kept() == 0


CASES = (
    pieces_come_one_after_the_other,
    bytes_alone_are_a_stream_too,
    every_byte_comes_through,
    a_piece_that_cannot_be_opened_breaks_the_stream_off,
    a_piece_that_ends_early_breaks_the_stream_off,
    a_reader_that_leaves_leaves_nothing_running,
    what_is_collected_has_its_length_and_its_bytes,
    what_is_too_long_is_not_collected,
    what_breaks_off_is_not_collected,
    what_was_collected_can_be_let_go,
)

ROOM = 24 * 1024 * 1024
"""How much the adapter collects at once."""


async def what_is_collected_at_once_is_bounded(harness: StreamsHarness) -> None:
    content = LARGE * 9
    kept = [
        await harness.streams.collect(await harness.stream(content), len(content))
        for _ in range(ROOM // len(content))
    ]
    for _ in range(2):
        try:
            await harness.streams.collect(await harness.stream(content), len(content))
        except NoRoom:
            continue
        raise AssertionError("there was room")
    for collected in kept:
        assert await harness.read(collected.body) == content
    assert await harness.kept() == 0
    again = await harness.streams.collect(await harness.stream(content), len(content))
    assert await harness.read(again.body) == content


CASES_OF_THE_ADAPTER = (what_is_collected_at_once_is_bounded,)
