"""Cloudflare's API as far as the engine knows it: one zone, and the purge of tags."""

import json
from collections import deque
from dataclasses import dataclass, field
from typing import Literal

from media_engine.ports import HttpRequest
from tests.fakes import NoAnswer, Served

ZONE_ID = "023e105f4ecef8ad9ca31a8372d0c353"
API_TOKEN = "precious-token-of-the-zone_0123456789abcd"

Failure = Literal["429", "500", "403", "failure in 200", "garbage", "silence", "hang"]

FAILURES: dict[Failure, Served] = {
    "429": Served(
        429,
        {"retry-after": "2"},
        b'{"success":false,"errors":[{"code":10429,"message":"Rate limited"}]}',
    ),
    "500": Served(500, {}, b'{"success":false,"errors":[{"code":1016,"message":"purge errors"}]}'),
    "403": Served(
        403, {}, b'{"success":false,"errors":[{"code":10000,"message":"Authentication error"}]}'
    ),
    "failure in 200": Served(
        200, {}, b'{"success":false,"errors":[{"code":1100,"message":"too long"}],"result":null}'
    ),
    # Somebody in between repeats what was sent.
    "garbage": Served(200, {}, f"<html>Bearer {API_TOKEN}</html>".encode()),
}


@dataclass
class CloudflareApi:
    """Plays the API. `MemoryHttp` and `tests.servers.serving` both take it.

    Attributes:
        fails: how the next calls fail, one after the other; None for one that does not.
        calls: the tags of each call that was accepted.
        tried: how many calls there were.
    """

    fails: deque[Failure | None] = field(default_factory=deque)
    calls: list[list[str]] = field(default_factory=list)
    tried: int = 0

    @property
    def tags(self) -> list[str]:
        """Every tag that was purged, as often as it was."""
        return [tag for call in self.calls for tag in call]

    def __call__(self, request: HttpRequest) -> Served:
        self.tried += 1
        if self.fails:
            failure = self.fails.popleft()
            if failure in ("silence", "hang"):
                raise NoAnswer(hangs=failure == "hang")
            if failure is not None:
                return FAILURES[failure]
        if request.headers.get("authorization") != f"Bearer {API_TOKEN}":
            return FAILURES["403"]
        path = "/" + request.url.split("/", 3)[3]
        if (request.method, path) != ("POST", f"/client/v4/zones/{ZONE_ID}/purge_cache"):
            return _refused(404, 7003, "Could not route, perhaps your object identifier is wrong?")
        return self._purge(json.loads(request.body))

    def _purge(self, body: dict[str, list[str]]) -> Served:
        if body.keys() != {"tags"} or not 0 < len(body["tags"]) <= 100:
            return _refused(400, 1012, "Request must contain one of files, tags, hosts, prefixes")
        self.calls.append(body["tags"])
        return Served(200, {}, b'{"success":true,"errors":[],"messages":[],"result":{"id":"1"}}')


def _refused(status: int, code: int, message: str) -> Served:
    error = {"success": False, "errors": [{"code": code, "message": message}], "result": None}
    return Served(status, {}, json.dumps(error).encode())
