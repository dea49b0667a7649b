"""Between workerd's objects and the engine's: every crossing of the border is here.

A crossing costs microseconds and a wrapped binding copies what goes through it, so: bindings
are raw, what is known of a request comes over in one text and a response goes back in one, a
header that delivery does not look at stays in JavaScript until somebody asks for it, and a stream
goes through as the object it is.
"""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any, Final

import js
from pyodide.ffi import JsException, jsnull, to_js
from workers import import_from_javascript

from media_engine.cloudflare.carrier import call, carrier
from media_engine.errors import FileTooLarge
from media_engine.http.message import ByteStream, Request, Response

_describe_request = carrier.describeRequest
_respond = carrier.respond

LOOKED_AT: Final = frozenset(carrier.LOOKED_AT)
"""The headers that come over with the request."""

_release = import_from_javascript("media_engine/cloudflare/streams.mjs").release

DRAIN_MS: Final = 5_000
"""How long a body that is not wanted is read all the same, in milliseconds."""


def raw_env() -> Any:
    """Return the Worker's environment as JavaScript has it, unwrapped by the SDK."""
    return import_from_javascript("cloudflare:workers").env


def variables(env: Any, names: Mapping[str, str]) -> dict[str, str]:
    """Return the variables and secrets that are set, by name."""
    values = ((name, getattr(env, name, None)) for name in names)
    return {name: value for name, value in values if isinstance(value, str)}


def to_object(mapping: Mapping[str, object]) -> Any:
    """Return a plain JavaScript object. Leave out what is not set: null is not undefined."""
    return to_js(mapping, dict_converter=js.Object.fromEntries)


def failure(error: JsException) -> str:
    """Return what a JavaScript error says, for the log."""
    return f"{error.name}: {error.message}"


class RawHeaders:
    """Looks up one header at a time; the rest never leaves JavaScript.

    Args:
        message: the Request or the Response that has them.
    """

    __slots__ = ("_message",)

    def __init__(self, message: Any) -> None:
        self._message = message

    def get(self, name: str, /) -> str | None:
        value = self._message.headers.get(name)
        return None if value is jsnull else value


class _RequestHeaders(RawHeaders):
    """The same, for a request of which some came over already."""

    __slots__ = ("_known",)

    def __init__(self, known: Mapping[str, str], request: Any) -> None:
        super().__init__(request)
        self._known = known

    def get(self, name: str, /) -> str | None:
        return self._known.get(name) if name in LOOKED_AT else super().get(name)


def to_request(raw: Any) -> Request:
    """Make a request of workerd's Request.

    Args:
        raw: the raw JavaScript object.
    """
    method, url, request_id, *fields = _describe_request(raw).split("\n")
    # The URL is absolute and normalised by workerd: "https://host/path?query".
    path_at = url.index("/", url.index("//") + 2)
    path, _, query = url[path_at:].partition("?")
    known = {}
    for field in fields:
        name, _, value = field.partition(":")
        known[name] = value
    headers = _RequestHeaders(known, raw)

    async def read(limit: int) -> bytes:
        return await _read(raw, headers, limit)

    def body() -> ByteStream | None:
        stream: ByteStream | None = raw.body
        return None if stream is jsnull else stream

    return Request(method, path, query, headers, read, request_id, body)


async def _read(request: Any, headers: RawHeaders, limit: int) -> bytes:
    """Read the body, but never more than `limit` bytes and a chunk of it."""
    announced = headers.get("content-length")
    if announced and announced.isdecimal() and (len(announced) > 15 or int(announced) > limit):
        raise FileTooLarge("body", f"is longer than {limit} bytes")
    if request.body is jsnull:
        return b""
    content = bytearray()
    reader = request.body.getReader()
    while True:
        chunk = await call(reader, "read")
        if chunk.done:
            return bytes(content)
        content += chunk.value.to_bytes()
        if len(content) > limit:
            reader.releaseLock()
            raise FileTooLarge("body", f"is longer than {limit} bytes")


async def answer(raw: Any, fetch: Callable[[Request], Awaitable[Response]]) -> Any:
    """Answer workerd's Request with workerd's Response.

    Args:
        raw: the raw JavaScript object.
        fetch: what answers.
    """
    request = to_request(raw)
    response = await fetch(request)
    if request.method not in ("GET", "HEAD"):
        await _drain(raw)
    return to_response(response)


async def _drain(raw: Any) -> None:
    """Read what nobody read of the body, for a while.

    A client that is still sending would otherwise find its connection reset, and never see the
    answer that says why.
    """
    body = raw.body
    if body is jsnull or (body.locked and not _release(body)):
        return
    signal = js.AbortSignal.timeout(DRAIN_MS)
    # A client that has gone, or sends on for ever, is left alone.
    with suppress(JsException):
        await call(body, "pipeTo", js.WritableStream.new(), to_object({"signal": signal}))


def to_response(response: Response) -> Any:
    """Make workerd's Response. A stream in it is handed on untouched.

    Raises:
        ValueError: a header has a line feed in it.
    """
    headers = response.headers
    lines = "".join([f"{name}\n{value}\n" for name, value in headers.items()])
    # A line feed in a value would make another header of what follows it.
    if lines.count("\n") != 2 * len(headers):
        raise ValueError("a header has a line feed in it")
    body = response.body
    if isinstance(body, bytes):
        body = to_js(body)
    return _respond(body, response.status, lines)
