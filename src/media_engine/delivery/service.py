"""Finding a file's bytes, with one operation of the store and no look at the database.

The database is asked in two cases: no token came, so it must say whether the file is public;
and the store has no object, so it must say whether there ever was one.
"""

from collections.abc import Awaitable, Callable

from media_engine.delivery.policy import PUBLIC, Grant
from media_engine.delivery.queries import DeliveryQueries
from media_engine.errors import MediaAbsent, MediaGone, MediaNotFound, TokenMissing
from media_engine.http.byteranges import Multipart, Part
from media_engine.http.message import ByteStream
from media_engine.ports import (
    ObjectInfo,
    ObjectRange,
    ObjectStore,
    RangeOutside,
    StoredObject,
    Streams,
)


class DeliveryService:
    """Opens files.

    Args:
        store: the files' bytes.
        queries: where files stand.
        streams: joins the parts of a file.
    """

    def __init__(self, store: ObjectStore, queries: DeliveryQueries, streams: Streams) -> None:
        self._store = store
        self._queries = queries
        self._streams = streams

    async def admit(self, key: str) -> Grant:
        """Let everybody have a public file. Costs one row read.

        Raises:
            TokenMissing: it is private, or there is none: a stranger cannot tell which.
            MediaGone: it was public and is deleted.
        """
        standing = await self._queries.standing(key)
        if standing.public and standing.uploaded:
            return PUBLIC
        if standing.public and standing.gone:
            raise MediaGone
        raise TokenMissing

    async def look(self, key: str, grant: Grant) -> ObjectInfo:
        """Return what is known of the file. One class B operation.

        Raises:
            MediaNotFound: there is no such file.
            MediaGone: there was one.
        """
        info = await self._store.head(key)
        if info is None or info.tombstone:
            raise await self._absent(key, grant)
        return info

    async def open(self, key: str, grant: Grant, wanted: ObjectRange | None) -> StoredObject:
        """Return the file with a stream of the bytes wanted. One class B operation.

        Raises:
            MediaNotFound: there is no such file.
            MediaGone: there was one.
            RangeOutside: no byte wanted is in it.
        """
        try:
            stored = await self._store.get(key, wanted=wanted)
        except RangeOutside as outside:
            if not outside.stored.info.tombstone:
                raise
            stored = outside.stored
        if stored is None:
            raise await self._absent(key, grant)
        if stored.info.tombstone:
            stored.body.cancel()
            raise await self._absent(key, grant)
        return stored

    def join(self, info: ObjectInfo, multipart: Multipart) -> ByteStream:
        """Return the body of several parts. One class B operation each, when its turn has come.

        Should the file be replaced by a tombstone meanwhile, the body breaks off.
        """

        def opening(part: Part) -> Callable[[], Awaitable[ByteStream]]:
            async def open_part() -> ByteStream:
                wanted = ObjectRange(part.offset, part.length)
                stored = await self._store.get(info.key, wanted=wanted, etag=info.etag)
                if stored is None:
                    raise MediaGone(reason="while its parts were sent")
                return stored.body

            return open_part

        pieces = [
            opening(piece) if isinstance(piece, Part) else piece for piece in multipart.pieces()
        ]
        return self._streams.concatenate(pieces, multipart.length)

    async def _absent(self, key: str, grant: Grant) -> MediaAbsent:
        # Whom the database let in a moment ago needs not ask it again.
        gone = grant.private and (await self._queries.standing(key)).gone
        return MediaGone() if gone else MediaNotFound()
