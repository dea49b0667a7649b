"""Streams made of streams. Their bytes stay in workerd: Python says only what comes after what."""

from collections.abc import Sequence
from typing import Any

import js
from pyodide.ffi import JsException, to_js
from workers import import_from_javascript

from media_engine.cloudflare.carrier import call, drive, settled
from media_engine.cloudflare.convert import failure, to_object
from media_engine.cloudflare.log import write_line
from media_engine.errors import MediaError
from media_engine.http.message import ByteStream
from media_engine.ports import BrokenOff, Collected, FormBroken, NoRoom, Piece, TooLong

streams = import_from_javascript("media_engine/cloudflare/streams.mjs")
"""The JavaScript beside this file."""


class WorkerdStreams:
    """`ports.Streams` on workerd's own."""

    __slots__ = ()

    def concatenate(self, pieces: Sequence[Piece], length: int, /) -> ByteStream:
        # A stream of a known length is what gives the answer its Content-Length.
        joint = js.FixedLengthStream.new(length)
        drive(_pump(pieces, joint.writable))
        readable: ByteStream = joint.readable
        return readable

    def intake(
        self, several: Sequence[ByteStream], algorithm: str | None = None, /
    ) -> "WorkerdIntake":
        given = () if algorithm is None else (algorithm,)
        return WorkerdIntake(streams.intake(to_js(list(several)), *given))

    def form(self, stream: ByteStream, boundary: str, /) -> "WorkerdForm":
        return WorkerdForm(streams.form(stream, boundary))

    async def collect(self, stream: ByteStream, most: int, /) -> Collected:
        try:
            collected = await settled(streams.collect(stream, most))
        except JsException as error:
            raise BrokenOff(failure(error)) from error
        if isinstance(collected, str):
            raise TooLong if collected == "long" else NoRoom
        return Collected(collected.size, collected.body)


class WorkerdIntake:
    """`ports.Intake` in JavaScript.

    Args:
        taker: what takes.
    """

    __slots__ = ("_taker", "broken", "ended", "size")

    def __init__(self, taker: Any) -> None:
        self._taker = taker
        self.size = 0
        self.ended = False
        self.broken = False

    async def fill(self, size: int, milliseconds: int, /) -> None:
        state = await settled(self._taker.fill(size, milliseconds))
        filled, ended, broken = state.split(" ")
        self.size, self.ended, self.broken = int(filled), ended == "1", broken == "1"

    def take(self) -> ByteStream:
        block: ByteStream = self._taker.take()
        self.size = 0
        return block

    async def digest(self) -> str:
        return str(await settled(self._taker.digest()))


class WorkerdForm:
    """`ports.Form` in JavaScript.

    Args:
        reader: what reads.
    """

    __slots__ = ("_reader",)

    def __init__(self, reader: Any) -> None:
        self._reader = reader

    async def next(self) -> str | None:
        head = await self._settled(self._reader.next())
        return None if head is None else str(head)

    async def text(self, limit: int, /) -> str:
        return str(await self._settled(self._reader.text(limit)))

    def intake(self) -> WorkerdIntake:
        return WorkerdIntake(self._reader.intake())

    def stream(self) -> ByteStream:
        stream: ByteStream = self._reader.stream()
        return stream

    async def _settled(self, pending: Any) -> Any:
        try:
            return await settled(pending)
        except JsException as error:
            # The form is wrong, is no text, or its sender left.
            raise FormBroken(error.message) from error


async def _pump(pieces: Sequence[Piece], writable: Any) -> None:
    try:
        for piece in pieces:
            if isinstance(piece, bytes):
                writer = writable.getWriter()
                await call(writer, "write", to_js(piece))
                writer.releaseLock()
            else:
                stream: Any = await piece()
                await call(stream, "pipeTo", writable, to_object({"preventClose": True}))
        await call(writable, "close")
    except MediaError as error:
        write_line({"level": "error", "event": "media.broken_off", "code": error.code})
        writable.abort(error.code)
    except JsException:
        # The client has left, or the store broke off in the middle: pipeTo has aborted already.
        pass
