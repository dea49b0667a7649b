"""Other people's servers through the platform's own fetch.

The platform undoes what compresses a body. A header's value that it refuses is not repeated in its
error, and neither is it here.
"""

from typing import Any

import js
from pyodide.ffi import JsException, jsnull, to_js

from media_engine.cloudflare.carrier import call, carrier, settled
from media_engine.cloudflare.convert import RawHeaders, failure, to_object
from media_engine.http.message import ByteStream
from media_engine.ports import HttpRequest, HttpUnreachable


class FetchedAnswer:
    """`ports.HttpAnswer` on a Response of the platform.

    Args:
        response: the raw JavaScript object.
    """

    __slots__ = ("_response", "headers", "status")

    def __init__(self, response: Any) -> None:
        self._response = response
        self.status: int = response.status
        self.headers = RawHeaders(response)

    @property
    def body(self) -> ByteStream:
        body: Any = self._response.body
        stream: ByteStream = js.Response.new("").body if body is jsnull else body
        return stream

    async def read(self, limit: int, /) -> bytes:
        if self._response.body is jsnull:
            return b""
        content = bytearray()
        reader = self._response.body.getReader()
        try:
            while len(content) < limit:
                chunk = await call(reader, "read")
                if chunk.done:
                    return bytes(content)
                content += chunk.value.to_bytes()
            await call(reader, "cancel")
        except JsException as error:
            raise HttpUnreachable(failure(error)) from error
        return bytes(content[:limit])


class FetchClient:
    """`ports.HttpClient` on the platform's fetch."""

    __slots__ = ()

    async def send(
        self, request: HttpRequest, /, *, timeout: int, patience: int | None = None
    ) -> FetchedAnswer:
        init: dict[str, object] = {
            "method": request.method,
            "headers": dict(request.headers),
            "redirect": "manual",
        }
        if request.body:
            init["body"] = to_js(request.body)
        asked = carrier.ask(request.url, to_object(init), timeout, patience or timeout)
        try:
            return FetchedAnswer(await settled(asked))
        except JsException as error:
            raise HttpUnreachable(failure(error)) from error
