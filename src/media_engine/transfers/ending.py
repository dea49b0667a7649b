"""Ending a transfer that becomes no file, and letting go of what the store keeps of one.

Its row says so first. From then on the store is asked to join nothing, and whoever removes what is
there removes it for good.
"""

from collections.abc import Sequence

from media_engine.errors import AlreadyCommitted
from media_engine.ports import Clock, ObjectStore
from media_engine.transfers.model import Stage, Transfer
from media_engine.transfers.queries import TransferQueries


class TransferEnder:
    """Ends transfers.

    Args:
        queries: the transfers' rows.
        store: the bytes.
        clock: what time it is.
    """

    def __init__(self, queries: TransferQueries, store: ObjectStore, clock: Clock) -> None:
        self._queries = queries
        self._store = store
        self._clock = clock

    async def interrupt(self, keys: Sequence[str]) -> None:
        """End the transfers that were filling files which are given up or deleted. Idempotent.

        After it the store joins nothing under these keys: whoever goes on to remove what is there
        removes it for good. A statement, and where there was a transfer two operations at most.

        Args:
            keys: the files' keys; their rows say already what becomes of them.
        """
        for transfer in await self._queries.follow(keys):
            await self.let_go(transfer)

    async def give_up(self, transfer: Transfer) -> None:
        """Let go of a transfer for whoever was sending it, and of what was stored for it.

        The file is given up with it. What the store may have under the file's key, and copies of
        that, are owed by its row, as after a deletion that was cut off; the cron goes on with it.

        Raises:
            AlreadyCommitted: it is done.
        """
        given_up = await self._queries.give_up(transfer, self._clock.now())
        if given_up is None:
            raise AlreadyCommitted
        await self.let_go(given_up)
        if transfer.is_partial:
            await self._queries.drop([transfer])

    async def let_go(self, transfer: Transfer) -> None:
        """Remove what the store keeps of a transfer beside its file."""
        await self.abandon(transfer)
        if transfer.aside:
            await self._store.delete(transfer.aside)

    async def abandon(self, transfer: Transfer) -> None:
        """Let the store abandon the multipart upload of a transfer that was not joined."""
        if transfer.upload_id is not None and transfer.stage is not Stage.DONE:
            await self._store.abandon(transfer.key, transfer.upload_id)

    async def remove_aside(self, transfers: Sequence[Transfer]) -> None:
        """Remove what the store keeps of at most 300 transfers beside their files."""
        keys = [key for transfer in transfers for key in transfer.aside]
        if keys:
            await self._store.delete(keys)

    async def let_go_of_piece(self, piece: Transfer) -> None:
        """Let go of a piece whose bytes are in the whole."""
        await self._store.delete(piece.aside)
        await self._queries.drop([piece])
