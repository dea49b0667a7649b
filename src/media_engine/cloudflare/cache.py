"""The edge cache on a named cache of the Cache API.

An entry is a URL under the Worker's own host, which nobody can ask for: a named cache is reached
through the API alone. Its response says `public`, because the API silently stores nothing else;
what a client is told is made anew for each. What the object is comes in a header, so that a hit
knows all that the store would have said.
"""

import json
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import quote

import js
from pyodide.ffi import JsException
from workers import import_from_javascript

from media_engine.cloudflare.carrier import call, carrier, settled
from media_engine.http.message import ByteStream
from media_engine.ports import ObjectInfo, ObjectRange, RangeOutside, StoredObject

NAME: Final = "media"

_match = carrier.match
_describe_entry = carrier.describeEntry
_streams = import_from_javascript("media_engine/cloudflare/streams.mjs")
_fill = _streams.fill
_withdraw = _streams.withdraw


class EdgeCache:
    """`ports.Cache` on workerd's.

    Args:
        host: the Worker's own URL, without a slash at the end.
        ttl: how long an entry lives, in seconds.
    """

    __slots__ = ("_cache", "_root", "_ttl")

    def __init__(self, host: str, ttl: int) -> None:
        self._root = f"{host}/cache/"
        self._ttl = ttl
        self._cache: Any = None

    async def get(self, entry: str, /, *, wanted: ObjectRange | None = None) -> StoredObject | None:
        try:
            found = await settled(_match(await self._open(), self._url(entry), _range(wanted)))
        except JsException:
            return None
        if found is None:
            return None
        status, _, description = _describe_entry(found).partition(" ")
        if status not in ("200", "206"):
            if found.body is not None:
                found.body.cancel()
            if status == "416":
                await self._outside(entry)
            return None
        stored = StoredObject(_info(description), found.body)
        if wanted is None or status == "206" or wanted.covers(stored.info.size):
            return stored
        # The cache did not take the range for one, as it does not a suffix of no bytes.
        if not wanted.touches(stored.info.size):
            raise RangeOutside(stored)
        stored.let_go()
        return None

    async def _outside(self, entry: str) -> None:
        """Raise that a range was outside the object of an entry, if the entry is still there."""
        whole = await self.get(entry)
        if whole is not None:
            raise RangeOutside(whole)

    def fill(self, entry: str, tag: str, stored: StoredObject, /) -> ByteStream:
        info = stored.info
        if self._cache is None or stored.body is None:
            raise ValueError("an entry is filled after it was asked for, and with bytes")
        headers = {
            "Cache-Control": f"public, max-age={self._ttl}",
            "Cache-Tag": tag,
            carrier.DESCRIPTION: _description(info),
        }
        lines = "".join(f"{name}\n{value}\n" for name, value in headers.items())
        stream: ByteStream = _fill(self._cache, self._url(entry), stored.body, info.size, lines)
        return stream

    async def delete(self, entries: Sequence[str], /) -> None:
        cache = await self._open()
        for entry in entries:
            _withdraw(self._url(entry))
            try:
                await call(cache, "delete", self._url(entry))
            except JsException:
                # It goes when its time is over, or by a purge.
                continue

    async def _open(self) -> Any:
        if self._cache is None:
            self._cache = await call(js.caches, "open", NAME)
        return self._cache

    def _url(self, entry: str) -> str:
        return self._root + quote(entry)


def _range(wanted: ObjectRange | None) -> str | None:
    if wanted is None:
        return None
    if wanted.suffix is not None:
        return f"bytes=-{wanted.suffix}"
    offset = wanted.offset or 0
    last = "" if wanted.length is None else str(offset + wanted.length - 1)
    return f"bytes={offset}-{last}"


def _description(info: ObjectInfo) -> str:
    return json.dumps(
        [
            info.key,
            info.size,
            info.etag,
            info.uploaded_at,
            info.content_type,
            info.content_disposition,
            info.tombstone,
        ]
    )


def _info(description: str) -> ObjectInfo:
    return ObjectInfo(*json.loads(description))
