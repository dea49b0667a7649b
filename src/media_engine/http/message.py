"""A request and a response, as the slices see them.

`cloudflare.convert` makes the one from workerd's Request and workerd's Response from the other.
A body that comes from the store is an opaque stream: Python hands it on and never looks inside.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol


class ByteStream(Protocol):
    """A stream of bytes that only the platform can read: workerd's `ReadableStream`."""

    def cancel(self) -> object:
        """Let the stream go without reading it."""
        ...


class RequestHeaders(Protocol):
    """The request's headers, looked up one at a time: each look-up crosses into JavaScript."""

    def get(self, name: str, /) -> str | None:
        """Return the value of the header `name`, whatever its capitals, or None."""
        ...


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked.

    Attributes:
        method: the verb, in the capitals it came with.
        path: the path, still percent-encoded, beginning with a slash.
        query: the query string without its question mark, still encoded; empty if there is none.
        headers: looks a header up.
        read: reads the whole body, at most so many bytes; raises `FileTooLarge` past that.
        request_id: what names this request in the log and in an error.
        body: returns the body as a stream, or None if there is none; in place of `read`.
    """

    method: str
    path: str
    query: str
    headers: RequestHeaders
    read: Callable[[int], Awaitable[bytes]]
    request_id: str
    body: Callable[[], ByteStream | None] = lambda: None


@dataclass(slots=True)
class Response:
    """What is answered.

    Attributes:
        status: the status code.
        headers: names in the capitals they are sent with, values as sent.
        body: text, bytes, a stream that is handed on untouched, or nothing.
    """

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: str | bytes | ByteStream | None = None
