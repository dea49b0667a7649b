"""What joining and taking streams promises."""

from collections.abc import Awaitable, Callable
from typing import Protocol

from media_engine.errors import MediaGone
from media_engine.http.message import ByteStream
from media_engine.ports import (
    BrokenOff,
    Form,
    FormBroken,
    Intake,
    NoRoom,
    Piece,
    Streams,
    TooLong,
)

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

    async def read_block(self, block: ByteStream) -> bytes:
        """Return the bytes of a block that was taken."""
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


SECONDS = 10_000


async def _blocks(harness: StreamsHarness, intake: Intake, size: int) -> list[bytes]:
    blocks: list[bytes] = []
    while not intake.ended:
        await intake.fill(size, SECONDS)
        assert intake.size <= size
        blocks.append(await harness.read_block(intake.take()))
    assert intake.size == 0
    return blocks


async def a_body_is_taken_in_blocks(harness: StreamsHarness) -> None:
    intake = harness.streams.intake([await harness.stream(LARGE)])
    blocks = await _blocks(harness, intake, 300_000)
    assert [len(block) for block in blocks] == [300_000, 300_000, 300_000, 148_576]
    assert b"".join(blocks) == LARGE
    assert not intake.broken


async def several_bodies_are_taken_as_one(harness: StreamsHarness) -> None:
    bodies = [await harness.stream(content) for content in (b"one", b"", LARGE, b"four")]
    blocks = await _blocks(harness, harness.streams.intake(bodies), 1_000_000)
    assert b"".join(blocks) == b"one" + LARGE + b"four"
    assert len(blocks[0]) == 1_000_000


async def a_block_that_is_full_does_not_say_whether_more_comes(harness: StreamsHarness) -> None:
    intake = harness.streams.intake([await harness.stream(b"12345")])
    await intake.fill(5, SECONDS)
    assert (intake.size, intake.ended) == (5, False)
    assert await harness.read_block(intake.take()) == b"12345"
    await intake.fill(1, SECONDS)
    assert (intake.size, intake.ended, intake.broken) == (0, True, False)


async def what_came_of_a_body_that_breaks_off_is_kept(harness: StreamsHarness) -> None:
    intake = harness.streams.intake([await harness.broken_stream(b"12345")])
    await intake.fill(100, SECONDS)
    assert (intake.size, intake.ended, intake.broken) == (5, True, True)
    assert await harness.read_block(intake.take()) == b"12345"


async def the_last_body_is_hashed(harness: StreamsHarness) -> None:
    for algorithm, expected in (
        ("SHA-1", "qvTGHdzF6KLavt4PO0gs2a6pQ00="),
        ("SHA-256", "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ="),
        ("MD5", "XUFAKrxLKna5cZ2REBfFkg=="),
    ):
        bodies = [await harness.stream(b"before "), await harness.stream(b"hello")]
        intake = harness.streams.intake(bodies, algorithm)
        await intake.fill(100, SECONDS)
        assert await intake.digest() == expected


def _form(harness: StreamsHarness, body: ByteStream) -> Form:
    return harness.streams.form(body, "a-b")


FORM = (
    b"--a-b\r\nContent-Disposition: form-data; name=x\r\n\r\n\xc3\xbc\r\n"
    b"--a-b\r\nContent-Disposition: form-data; name=f\r\nContent-Type: image/jpeg\r\n\r\n"
    + LARGE
    + b"\r\n--a-\r\n-\r\n--a-b\r\nContent-Disposition: form-data; name=e\r\n\r\n"
    b"\r\n--a-b--\r\n"
)
"""A value in UTF-8, a file that has in it what looks like a boundary, and an empty value."""
FILE = LARGE + b"\r\n--a-\r\n-"


async def a_form_is_read_field_by_field(harness: StreamsHarness) -> None:
    form = _form(harness, await harness.stream(FORM))
    head = await form.next()
    assert head is not None
    assert head.strip() == "Content-Disposition: form-data; name=x"
    assert await form.text(10) == "ü"
    assert "image/jpeg" in (await form.next() or "")
    blocks = await _blocks(harness, form.intake(), 1_000_000)
    assert b"".join(blocks) == FILE
    assert "name=e" in (await form.next() or "")
    assert await form.text(10) == ""
    assert await form.next() is None


async def a_field_of_a_form_can_be_a_stream_or_be_skipped(harness: StreamsHarness) -> None:
    form = _form(harness, await harness.stream(FORM))
    await form.next()
    await form.next()
    assert await harness.read(form.stream()) == FILE
    form = _form(harness, await harness.stream(FORM))
    await form.next()
    await form.next()
    assert "name=e" in (await form.next() or "")


async def a_form_that_is_none_is_broken(harness: StreamsHarness) -> None:
    for cut in (3, 20, 60, 70, len(FORM) - 8):
        form = _form(harness, await harness.stream(FORM[:cut]))
        try:
            while await form.next() is not None:
                pass
        except FormBroken:
            continue
        raise AssertionError(f"it was read, cut at {cut}")


async def a_value_that_is_too_long_or_no_text_is_broken(harness: StreamsHarness) -> None:
    for value in (b"longer", b"\xff"):
        body = b"--a-b\r\nContent-Disposition: x\r\n\r\n" + value + b"\r\n--a-b--"
        form = _form(harness, await harness.stream(body))
        await form.next()
        try:
            await form.text(5)
        except FormBroken:
            continue
        raise AssertionError("it was read")


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
    a_body_is_taken_in_blocks,
    several_bodies_are_taken_as_one,
    a_block_that_is_full_does_not_say_whether_more_comes,
    what_came_of_a_body_that_breaks_off_is_kept,
    the_last_body_is_hashed,
    a_form_is_read_field_by_field,
    a_field_of_a_form_can_be_a_stream_or_be_skipped,
    a_form_that_is_none_is_broken,
    a_value_that_is_too_long_or_no_text_is_broken,
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
