"""The server that the cases of `http_client` talk to. Workerd never runs it."""

import json
from urllib.parse import urlsplit

from media_engine.ports import HttpRequest
from tests.fakes import NoAnswer, Served

ANSWERS = {
    "/plain": Served(203, {"x-test": "one"}, b"0123456789"),
    "/large": Served(200, {}, b"x" * 300_000),
    "/empty": Served(200),
    "/204": Served(204),
    "/redirect": Served(302, {"location": "/plain"}, b"over there"),
    "/late": Served(200, {}, b"late", pause=1_500),
    "/cut": Served(200, {}, b"the beginning", missing=100),
    "/stall": Served(200, {}, b"the beginning", missing=100, hangs=True),
    **{f"/{status}": Served(status, {}, b"sorry") for status in (403, 429, 500, 503)},
}


def serve(request: HttpRequest) -> Served:
    """Play the server."""
    url = urlsplit(request.url)
    if not url.netloc or url.path in ("/hang", "/drop"):
        raise NoAnswer(hangs=url.path == "/hang")
    if url.path == "/cut-short":
        return Served(200, {}, request.body, missing=1)
    if url.path != "/mirror":
        return ANSWERS[url.path]
    seen = {
        "method": request.method,
        "path": f"{url.path}?{url.query}" if url.query else url.path,
        "type": request.headers.get("content-type"),
        "words": request.headers.get("x-two-words"),
        "body": request.body.hex(),
    }
    return Served(200, {}, json.dumps(seen).encode())
