"""Finding a file's bytes: in the edge cache, or else with one operation of the store.

Who may have the file was decided before, but for one case: a stranger, who has no token, is let in
by the database, and is asked about only when the public cache has nothing. That is safe because a
stranger's visit reaches public entries and no others, and nothing comes into a public entry
but by a stranger who was let in.

The database is asked in one more case: the store has no object, so it must say whether there ever
was one.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

from media_engine.delivery.model import cache_entry, cache_tag
from media_engine.delivery.policy import Grant
from media_engine.delivery.queries import DeliveryQueries
from media_engine.errors import MediaAbsent, MediaGone, MediaNotFound
from media_engine.http.byteranges import Multipart, Part
from media_engine.http.message import ByteStream
from media_engine.ports import (
    Cache,
    ObjectInfo,
    ObjectRange,
    ObjectStore,
    RangeOutside,
    StoredObject,
    Streams,
)

MOST_LARGE_KEYS: Final = 4_096
"""How many files are remembered to be too large for the cache, so that it is not asked for them."""


@dataclass(frozen=True, slots=True)
class Visit:
    """One request for one file.

    Attributes:
        key: the file's key.
        grant: the right by which it is asked for; a stranger's is still to be confirmed.
        admit: confirms a stranger's right, or raises; None where there is nothing to confirm.
    """

    key: str
    grant: Grant
    admit: Callable[[], Awaitable[Grant]] | None = None

    @property
    def entry(self) -> str:
        """The entry of the cache that this visit may reach."""
        return cache_entry(self.key, private=self.grant.private)


@dataclass(frozen=True, slots=True)
class Found:
    """A file that was found.

    Attributes:
        info: the file.
        body: the stream of the bytes that were asked for; None if none were, or if whoever asks has
            them already.
        cached: whether it came out of the edge cache.
        fills: the entry that the stream is to fill while it is sent; None if none is.
    """

    info: ObjectInfo
    body: ByteStream | None = field(repr=False)
    cached: bool
    fills: str | None = None

    def let_go(self) -> None:
        """Let the stream go unread."""
        if self.body is not None:
            self.body.cancel()


class OutsideFile(Exception):
    """The range asked for does not touch the file.

    Args:
        found: the file, with a stream of all its bytes.
    """

    def __init__(self, found: Found) -> None:
        super().__init__(found.info.key)
        self.found = found


class DeliveryService:
    """Opens files.

    Args:
        store: the files' bytes.
        cache: copies of them, near to who asks.
        queries: where files stand.
        streams: joins the parts of a file.
        cache_bytes: how large a file the cache is filled with, in bytes; 0 leaves the cache alone.
    """

    def __init__(
        self,
        store: ObjectStore,
        cache: Cache,
        queries: DeliveryQueries,
        streams: Streams,
        cache_bytes: int,
    ) -> None:
        self._store = store
        self._cache = cache
        self._queries = queries
        self._streams = streams
        self._cache_bytes = cache_bytes
        self._large: set[str] = set()

    async def look(self, visit: Visit) -> Found:
        """Return the file without its bytes. One class B operation, or a look into the cache.

        Raises:
            MediaNotFound: there is no such file.
            MediaGone: there was one.
        """
        if self._may_be_cached(visit):
            cached = await self._cache.get(visit.entry)
            if cached is not None:
                cached.let_go()
                return Found(cached.info, None, cached=True)
        grant = await self._admit(visit)
        info = await self._store.head(visit.key)
        if info is None or info.tombstone:
            raise await self._absent(visit, grant)
        return Found(info, None, cached=False)

    async def open(
        self, visit: Visit, wanted: ObjectRange | None, unless: str | None = None
    ) -> Found:
        """Return the file with a stream of the bytes wanted. One class B operation, or none.

        Args:
            visit: who asks for what.
            wanted: the bytes wanted; None for all.
            unless: if given, the entity tag of the file that the caller has already: it may come
                without a stream.

        Raises:
            MediaNotFound: there is no such file.
            MediaGone: there was one.
            OutsideFile: no byte wanted is in it.
        """
        if self._may_be_cached(visit):
            try:
                cached = await self._cache.get(visit.entry, wanted=wanted)
            except RangeOutside as outside:
                whole = outside.stored
                raise OutsideFile(Found(whole.info, whole.body, cached=True)) from None
            if cached is not None:
                return Found(cached.info, cached.body, cached=True)
        grant = await self._admit(visit)
        try:
            read = await self._store.get(visit.key, wanted=wanted, unless=unless)
        except RangeOutside as outside:
            raise OutsideFile(await self._found(visit, grant, outside.stored, None)) from None
        return await self._found(visit, grant, read, wanted)

    async def _found(
        self,
        visit: Visit,
        grant: Grant,
        stored: StoredObject | None,
        wanted: ObjectRange | None,
    ) -> Found:
        if stored is None:
            raise await self._absent(visit, grant)
        if stored.info.tombstone:
            stored.let_go()
            raise await self._absent(visit, grant)
        fits = self._fits(stored.info)
        fills = visit.entry if fits and wanted is None and stored.body is not None else None
        return Found(stored.info, stored.body, cached=False, fills=fills)

    def body(self, found: Found) -> ByteStream | None:
        """Return the stream of a file that is sent whole; the cache is filled while it is read."""
        if found.fills is None or found.body is None:
            return found.body
        stored = StoredObject(found.info, found.body)
        return self._cache.fill(found.fills, cache_tag(found.info.key), stored)

    def join(self, visit: Visit, found: Found, multipart: Multipart) -> ByteStream:
        """Return the body of several parts.

        Each costs one class B operation when its turn has come, or none where the file was found
        in the cache and is still there. Should the file be replaced by a tombstone meanwhile, the
        body breaks off.
        """

        def opening(part: Part) -> Callable[[], Awaitable[ByteStream]]:
            return lambda: self._open_part(visit, found, ObjectRange(part.offset, part.length))

        pieces = [
            opening(piece) if isinstance(piece, Part) else piece for piece in multipart.pieces()
        ]
        return self._streams.concatenate(pieces, multipart.length)

    async def _open_part(self, visit: Visit, found: Found, wanted: ObjectRange) -> ByteStream:
        if found.cached:
            cached = await self._cache.get(visit.entry, wanted=wanted)
            if cached is not None and cached.body is not None:
                if cached.info.etag == found.info.etag:
                    return cached.body
                cached.let_go()
        stored = await self._store.get(visit.key, wanted=wanted, etag=found.info.etag)
        if stored is None or stored.body is None:
            raise MediaGone(reason="while its parts were sent")
        return stored.body

    async def _admit(self, visit: Visit) -> Grant:
        return visit.grant if visit.admit is None else await visit.admit()

    def _may_be_cached(self, visit: Visit) -> bool:
        return self._cache_bytes > 0 and visit.key not in self._large

    def _fits(self, info: ObjectInfo) -> bool:
        if info.size > self._cache_bytes:
            # A key always names the same bytes, so what is too large once is so for ever.
            if len(self._large) >= MOST_LARGE_KEYS:
                self._large.clear()
            self._large.add(info.key)
            return False
        return info.size > 0

    async def _absent(self, visit: Visit, grant: Grant) -> MediaAbsent:
        # What the database has just said needs not be asked again.
        gone = not grant.confirmed and (await self._queries.standing(visit.key)).gone
        return MediaGone() if gone else MediaNotFound()
