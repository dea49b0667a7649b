"""What joining streams promises."""

from collections.abc import Awaitable, Callable
from typing import Protocol

from media_engine.errors import MediaGone
from media_engine.http.message import ByteStream
from media_engine.ports import Piece, Streams

LARGE = bytes(range(256)) * 4096


class BrokenOff(Exception):
    """A stream ended before its length was there."""


class StreamsHarness(Protocol):
    """Streams, and a way into them that is not the port's."""

    streams: Streams

    async def stream(self, content: bytes) -> ByteStream:
        """Return a stream of these bytes."""
        ...

    async def read(self, stream: ByteStream) -> bytes:
        """Read a stream to its end. Raises `BrokenOff`."""
        ...

    async def leave(self, stream: ByteStream) -> None:
        """Read a little of a stream and let it go, as a client does that leaves."""
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


CASES = (
    pieces_come_one_after_the_other,
    bytes_alone_are_a_stream_too,
    every_byte_comes_through,
    a_piece_that_cannot_be_opened_breaks_the_stream_off,
    a_piece_that_ends_early_breaks_the_stream_off,
    a_reader_that_leaves_leaves_nothing_running,
)
