"""Writing the blocks of one request, under one lease.

A block that fills a part becomes one. What is left at the end of a request is kept aside, under the
name of the two that is free, so that what stood for these bytes before stays until the row names
the other. A file that is whole with its first block needs no parts: it is held until it is known
that nothing is wrong with it, and then stored once.
"""

from dataclasses import replace
from typing import Final

from media_engine.errors import MediaGone, UploadLocked
from media_engine.http.message import ByteStream
from media_engine.ports import (
    Clock,
    Intake,
    MultipartRefused,
    ObjectHead,
    ObjectStore,
    StoredPart,
)
from media_engine.transfers.model import STAGING, Arrived, Transfer, store_number
from media_engine.transfers.queries import TransferQueries

LEASE_MS: Final = 20_000
"""How long a writer is believed to live that gives no sign, in milliseconds."""


class Writer:
    """Writes the blocks of one request, under one lease.

    Attributes:
        transfer: the transfer, as far as it was written.
        in_parts: how many of its bytes are in parts; those that follow come once more.
    """

    def __init__(
        self,
        queries: TransferQueries,
        store: ObjectStore,
        clock: Clock,
        transfer: Transfer,
        lease: str,
    ) -> None:
        self._queries = queries
        self._store = store
        self._clock = clock
        self._lease = lease
        self._stored: list[Arrived] = []
        self._whole: ByteStream | None = None
        self.in_parts = transfer.received - transfer.tail
        # What was kept aside comes once more, in front. It stays there until other bytes stand
        # for it.
        self._kept = transfer.tail_name
        self.transfer = transfer

    def needs_parts(self, size: int) -> bool:
        """Tell whether a block of this size is a part, and the store has begun none."""
        transfer = self.transfer
        return (
            transfer.upload_id is None
            and size == transfer.part_size
            and self.in_parts + size != transfer.length
        )

    async def write(self, intake: Intake, *, ends: bool) -> None:
        """Store a block: as a part, or aside until more comes. What is whole without parts is held
        until it is known that nothing is wrong with it.
        """
        size = intake.size
        transfer = self.transfer
        is_last = self.in_parts + size == transfer.length or (
            ends and intake.ended and not intake.broken and transfer.length is None
        )
        if is_last and transfer.upload_id is None:
            self._hold(intake.take(), size)
        elif transfer.upload_id is not None and (is_last or size == transfer.part_size):
            number = self.in_parts // transfer.part_size + 1
            stored = await self._part(transfer, transfer.upload_id, number, intake, size)
            self._stored.append(Arrived(number, stored))
            self.in_parts += size
            self._move(tail=0)
        else:
            name = "b" if self._kept == "a" else "a"
            key = f"{STAGING}{transfer.id}/{name}"
            await self._store.write(key, intake.take(), size, ObjectHead(), once=False)
            self._move(tail=size, name=name)

    def _hold(self, block: ByteStream, size: int) -> None:
        self._whole = block
        self.in_parts += size
        self._move(tail=0)

    async def store_whole(self) -> None:
        """Store what is whole as one object. One that is there already is what was sent before."""
        transfer = self.transfer
        head = ObjectHead() if transfer.is_partial else transfer.head
        # A piece of a file may be empty, and then there is no block.
        if self._whole is not None:
            await self._store.write(transfer.key, self._whole, transfer.received, head, once=True)

    async def _part(
        self, transfer: Transfer, upload_id: str, number: int, intake: Intake, size: int
    ) -> StoredPart:
        place = store_number(number, transfer.turn)
        try:
            return await self._store.put_part(transfer.key, upload_id, place, intake.take(), size)
        except MultipartRefused as refused:
            raise MediaGone(reason=str(refused)) from refused

    def _move(self, *, tail: int, name: str | None = None) -> None:
        kept = self.transfer.tail_name if name is None else name
        self.transfer = replace(
            self.transfer, received=self.in_parts + tail, tail=tail, tail_name=kept
        )

    async def commit(self) -> None:
        """Record what was stored.

        Raises:
            UploadLocked: the lease was taken by somebody else.
        """
        if self._whole is not None:
            # Until it is stored, it is as if nothing had come.
            return
        until = self._clock.now() + LEASE_MS
        if not await self._queries.advance(self.transfer, self._lease, self._stored, until):
            raise UploadLocked
        self._stored = []

    async def keep_on(self) -> None:
        """Give a sign of life.

        Raises:
            UploadLocked: the lease was taken by somebody else.
        """
        if not await self._queries.prolong(
            self.transfer, self._lease, self._clock.now() + LEASE_MS
        ):
            raise UploadLocked
