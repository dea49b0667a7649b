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
from media_engine.ports import BrokenOff, Collected, NoRoom, Piece, TooLong

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

    async def collect(self, stream: ByteStream, most: int, /) -> Collected:
        try:
            collected = await settled(streams.collect(stream, most))
        except JsException as error:
            raise BrokenOff(failure(error)) from error
        if isinstance(collected, str):
            raise TooLong if collected == "long" else NoRoom
        return Collected(collected.size, collected.body)


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
