"""Streams made of streams. Their bytes stay in workerd: Python says only what comes after what."""

from collections.abc import Sequence
from typing import Any

import js
from pyodide.ffi import JsException, to_js

from media_engine.cloudflare.carrier import call, drive
from media_engine.cloudflare.convert import to_object
from media_engine.cloudflare.log import write_line
from media_engine.errors import MediaError
from media_engine.http.message import ByteStream
from media_engine.ports import Piece


class WorkerdStreams:
    """`ports.Streams` on workerd's own."""

    __slots__ = ()

    def concatenate(self, pieces: Sequence[Piece], length: int, /) -> ByteStream:
        # A stream of a known length is what gives the answer its Content-Length.
        joint = js.FixedLengthStream.new(length)
        drive(_pump(pieces, joint.writable))
        readable: ByteStream = joint.readable
        return readable


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
