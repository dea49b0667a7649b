"""How a file goes, or stops being public. The order is what matters; any step can be the last one.

    the row says so          one guarded statement, which also notes that a purge is due
    → a running transfer     of an upload: it ends, and the store joins nothing more for it
    → the bytes              replaced by a tombstone while its URL could store again, else removed
    → the copies             this data centre's at once, the others' by a purge (`purging.service`)
    → the row is settled     `gone`; or, while there is a tombstone, nothing is due any more

After the first step the database lets nobody in any more, and nothing undoes it: a complete that
comes too late finds no pending row. After the second a token opens nothing either. What is cut off
has a row that says what is due; whoever repeats the call goes on with it, and so does the cron.

If the store does not answer, the caller is told, because the bytes are still there. If the queue
does not answer, the caller is not: what was asked for is done here, and the cron sends the purge.
"""

from collections.abc import Awaitable, Callable, Sequence

from media_engine.errors import MediaGone, MediaManaged, MediaNotFound, UploadIncomplete
from media_engine.library.queries import LibraryQueries
from media_engine.ports import Clock, ObjectStore, QueueUnavailable
from media_engine.signing.gateway import WRITE, Identity
from media_engine.uploads.model import MediaFile, Status, Visibility


class RemovalService:
    """Deletes files, and changes who sees them.

    Args:
        queries: the files' rows.
        store: the files' bytes.
        clock: what time it is.
        interrupt: ends the transfers that were filling the files of these keys.
        withdraw: takes the copies of these keys out of caches; raises `QueueUnavailable`.
        changed: is told the keys of files of which the database says something else now.
    """

    def __init__(
        self,
        queries: LibraryQueries,
        store: ObjectStore,
        clock: Clock,
        interrupt: Callable[[Sequence[str]], Awaitable[None]],
        withdraw: Callable[[Sequence[str]], Awaitable[None]],
        changed: Callable[[Sequence[str]], None],
    ) -> None:
        self._queries = queries
        self._store = store
        self._clock = clock
        self._interrupt = interrupt
        self._withdraw = withdraw
        self._changed = changed

    async def delete(self, identity: Identity, media_id: str, revision: int | None = None) -> None:
        """Delete a file, or give up an upload. Idempotent, and never late.

        Costs two rows written, one operation of the store and two messages; an upload that is
        given up costs a statement more, and what its transfer has at the store. A repetition of
        what is done costs a row read.

        Args:
            identity: who asks.
            media_id: the file's id.
            revision: the number that the caller gave to this change, or None.

        Raises:
            Forbidden: the caller may not write.
            MediaNotFound: the caller's scope has no such file.
            MediaManaged: only a shim that is not the caller may delete it.
            R2Unavailable: the bytes are still there; repeat the call.
        """
        identity.require(WRITE)
        now = self._clock.now()
        file = await self._queries.condemn(identity.scope, media_id, identity.shim, revision, now)
        if file is None:
            file = await self._find(identity, media_id)
            if file.purge_due_at is None:
                return
        self._changed([file.key])
        if file.status is Status.EXPIRED:
            await self._interrupt([file.key])
        reserved = file.can_be_stored_again(now)
        if reserved:
            await self._store.bury(file.key)
        else:
            await self._store.delete([file.key])
        if not await self._withdrawn(file):
            return
        if reserved:
            await self._queries.settle(file)
        else:
            await self._queries.bury(file, now)

    async def show_to(
        self,
        identity: Identity,
        media_id: str,
        visibility: Visibility,
        revision: int | None = None,
    ) -> MediaFile:
        """Change who sees a file, and return it. Idempotent.

        Costs a row written; what stops being public, two rows and two messages.

        Args:
            identity: who asks.
            media_id: the file's id.
            visibility: who is to see it.
            revision: the number that the caller gave to this change. A change with a smaller
                number than the last one is late, and changes nothing. None comes when it comes.

        Raises:
            Forbidden: the caller may not write.
            MediaNotFound: the caller's scope has no such file.
            MediaManaged: only a shim that is not the caller may change it.
            UploadIncomplete: it is not uploaded yet.
            MediaGone: it was deleted, refused or given up.
        """
        identity.require(WRITE)
        now = self._clock.now()
        file = await self._queries.show_to(
            identity.scope, media_id, visibility, identity.shim, revision, now
        )
        if file is None:
            file = _uploaded(await self._find(identity, media_id))
        self._changed([file.key])
        if file.purge_due_at is not None and await self._withdrawn(file):
            await self._queries.settle(file)
        return file

    async def _find(self, identity: Identity, media_id: str) -> MediaFile:
        file = await self._queries.find(identity.scope, media_id)
        if file is None:
            raise MediaNotFound
        if file.managed_by not in (None, identity.shim):
            raise MediaManaged
        return file

    async def _withdrawn(self, file: MediaFile) -> bool:
        """Take the file's copies away; say whether nothing is due any more."""
        try:
            await self._withdraw([file.key])
        except QueueUnavailable:
            return False
        return True


def _uploaded(file: MediaFile) -> MediaFile:
    if file.status is Status.PENDING_UPLOAD:
        raise UploadIncomplete("Nothing was completed yet: complete the upload, then change it.")
    if file.status is not Status.UPLOADED:
        raise MediaGone
    return file
