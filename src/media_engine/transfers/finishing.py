"""Making a file of a transfer whose bytes are all there.

Finishing is a chain that can be cut anywhere and is gone through again from its beginning: the
transfer says `joining`, the store joins, the file is completed as after a presigned PUT (its size,
type and content are looked at, its status changes if it is still pending), the transfer says
`done`. A store that refuses to join because it has joined already has the object, which is looked
for. One that refuses for another reason has not the parts that our rows name: all are forgotten,
and the client is told to send them again.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from media_engine.errors import MediaError, MediaGone, UploadIncomplete
from media_engine.ports import Clock, MultipartRefused, ObjectStore, StoredPart
from media_engine.signing.gateway import Identity
from media_engine.transfers.model import Arrived, Progress, Stage, Transfer
from media_engine.transfers.queries import TransferQueries
from media_engine.transfers.sender import member_of
from media_engine.uploads.model import MediaFile

Complete = Callable[[Identity, str], Awaitable[MediaFile]]
"""Looks at what was stored and makes an uploaded file of it."""


class TransferFinisher:
    """Makes files of transfers.

    Args:
        queries: the transfers' rows.
        store: the bytes.
        clock: what time it is.
        complete: makes an uploaded file of what was stored.
    """

    def __init__(
        self, queries: TransferQueries, store: ObjectStore, clock: Clock, complete: Complete
    ) -> None:
        self._queries = queries
        self._store = store
        self._clock = clock
        self._complete = complete

    async def progress(self, transfer: Transfer) -> Progress:
        """Return how much is there."""
        return Progress(transfer, await self._queries.parts(transfer))

    async def finish(self, transfer: Transfer) -> MediaFile:
        """Join the parts of a transfer that is whole, and complete its file. Idempotent.

        Raises:
            UploadIncomplete: a part has yet to come, or all have to come again.
            ContentMismatch: what came is not what was declared; it is removed.
            MediaGone: the transfer or the file was given up.
        """
        if transfer.stage is not Stage.DONE:
            progress = await self.progress(transfer)
            if progress.missing:
                raise UploadIncomplete(f"{len(progress.missing)} parts have yet to come.")
            await self.join(transfer, [part.stored for part in progress.arrived])
        return await self.complete(transfer)

    async def join_as_told(self, transfer: Transfer, parts: Sequence[Arrived]) -> MediaFile:
        """Join parts that went to the store directly, and complete the file. Idempotent.

        Args:
            transfer: the transfer.
            parts: every part, as the client was answered by the store.

        Raises:
            As `finish`.
        """
        if transfer.stage is not Stage.DONE:
            await self.join(transfer, [part.stored for part in parts])
        return await self.complete(transfer)

    async def join(self, transfer: Transfer, parts: Sequence[StoredPart]) -> None:
        """Make an object of these parts. A repetition finds the object.

        Raises:
            UploadIncomplete: the store has not these parts.
            MediaGone: the transfer was given up.
        """
        joining = await self._queries.join(transfer, self._clock.now())
        if joining is None or joining.upload_id is None:
            raise MediaGone
        try:
            await self._store.join(joining.key, joining.upload_id, parts)
        except MultipartRefused as refused:
            if await self._store.head(joining.key) is not None:
                return
            await self._queries.forget_parts(joining)
            raise UploadIncomplete(
                "The store has not the parts that were named: send them again.",
                reason=str(refused),
            ) from refused

    async def settle(self, transfer: Transfer) -> Transfer:
        """Finish a transfer whose bytes are all there and whose finishing was cut off."""
        if transfer.stage is Stage.DONE or transfer.received != transfer.length:
            return transfer
        transfer.require_alive(self._clock.now())
        if transfer.upload_id is not None:
            arrived = await self._queries.parts(transfer)
            await self.join(transfer, [part.stored for part in arrived])
        if transfer.is_partial:
            await self._queries.close(transfer)
        else:
            await self.complete(transfer)
        return replace(transfer, stage=Stage.DONE)

    async def complete(self, transfer: Transfer) -> MediaFile:
        """Complete the file of a transfer whose bytes are all stored under its key. Idempotent."""
        uploader = member_of(transfer.scope, transfer.uploaded_by)
        try:
            file = await self._complete(uploader, transfer.media_id)
        except MediaError:
            await self._queries.follow([transfer.key])
            raise
        if transfer.stage is not Stage.DONE:
            await self._queries.close(transfer)
            await self.remove_tails(transfer)
        return file

    async def remove_tails(self, transfer: Transfer) -> None:
        """Remove what was kept aside of a whole, if anything was: not within its only turn."""
        if transfer.tail_name is not None or transfer.turn > 1:
            await self._store.delete(transfer.tails)
