"""Finding a file's bytes, with one operation of the store and no look at the database.

The database is asked in two cases: no token came, so it must say whether the file is public;
and the store has no object, so it must say whether there ever was one.
"""

from media_engine.delivery.policy import PUBLIC, Grant
from media_engine.delivery.queries import DeliveryQueries
from media_engine.errors import MediaAbsent, MediaGone, MediaNotFound, TokenMissing
from media_engine.ports import ObjectInfo, ObjectRange, ObjectStore, RangeOutside, StoredObject


class DeliveryService:
    """Opens files.

    Args:
        store: the files' bytes.
        queries: where files stand.
    """

    def __init__(self, store: ObjectStore, queries: DeliveryQueries) -> None:
        self._store = store
        self._queries = queries

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

    async def look(self, key: str) -> ObjectInfo:
        """Return what is known of the file. One class B operation.

        Raises:
            MediaNotFound: there is no such file.
            MediaGone: there was one.
        """
        info = await self._store.head(key)
        if info is None or info.tombstone:
            raise await self._absent(key)
        return info

    async def open(self, key: str, wanted: ObjectRange | None) -> StoredObject:
        """Return the file with a stream of the bytes wanted. One class B operation.

        Raises:
            MediaNotFound: there is no such file.
            MediaGone: there was one.
            RangeOutside: no byte wanted is in it.
        """
        try:
            stored = await self._store.get(key, wanted=wanted)
        except RangeOutside as outside:
            if outside.info.tombstone:
                raise await self._absent(key) from None
            raise
        if stored is None:
            raise await self._absent(key)
        if stored.info.tombstone:
            stored.body.cancel()
            raise await self._absent(key)
        return stored

    async def _absent(self, key: str) -> MediaAbsent:
        standing = await self._queries.standing(key)
        return MediaGone() if standing.gone else MediaNotFound()
