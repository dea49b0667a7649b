"""Requests as nobody's library would send them: the bytes of the request, as they are."""

import http.client
import json
import socket
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

TIMEOUT_SECONDS = 20


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: http.client.HTTPMessage
    content: bytes

    def json(self) -> Any:
        return json.loads(self.content)


def send(url: str, method: str | bytes, target: str | bytes, *headers: bytes) -> Answer:
    """Send one request without a body.

    Args:
        url: where the Worker listens.
        method: the verb, or what stands in its place.
        target: the path, and nothing in it is encoded or normalised.
        headers: further lines.
    """
    host = urlsplit(url).netloc
    verb, path = (part.encode() if isinstance(part, str) else part for part in (method, target))
    lines = [
        verb + b" " + path + b" HTTP/1.1",
        b"Host: " + host.encode(),
        b"Connection: close",
        *headers,
    ]
    name, _, port = host.partition(":")
    with socket.create_connection((name, int(port)), timeout=TIMEOUT_SECONDS) as connection:
        connection.sendall(b"\r\n".join(lines) + b"\r\n\r\n")
        response = http.client.HTTPResponse(connection, method=verb.decode("latin-1"))
        response.begin()
        return Answer(response.status, response.headers, response.read())
