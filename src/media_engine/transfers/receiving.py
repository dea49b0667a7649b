"""Receiving the bytes of a transfer: in parts, or in a stream.

A stream has one writer at a time. It holds a lease that it prolongs with each step and that is over
when it dies; who takes it over does so by compare and set, and a writer whose lease was taken
notices with its next step, which changes no row. What it had stored lies under numbers of its own
turn, so it has taken nothing away.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from media_engine.errors import (
    ChecksumMismatch,
    FileTooLarge,
    InvalidField,
    MediaGone,
    OffsetMismatch,
    UploadLocked,
)
from media_engine.http.message import ByteStream
from media_engine.ports import (
    BrokenOff,
    Clock,
    Entropy,
    Intake,
    MultipartRefused,
    ObjectHead,
    ObjectStore,
    StoredPart,
    Streams,
)
from media_engine.transfers.finishing import TransferFinisher
from media_engine.transfers.model import STAGING, Arrived, Progress, Stage, Transfer, store_number
from media_engine.transfers.opening import TransferOpener
from media_engine.transfers.queries import TransferQueries
from media_engine.transfers.writer import LEASE_MS, Writer
from media_engine.uploads.model import NANOID_LENGTH, nanoid

TICK_MS: Final = 5_000
"""How long a writer waits for bytes before it gives a sign, in milliseconds."""


@dataclass(frozen=True, slots=True)
class Checksum:
    """What the bytes of a request must hash to.

    Attributes:
        algorithm: as `ports.Streams` names it.
        digest: the hash, in base64.
    """

    algorithm: str
    digest: str


class TransferReceiver:
    """Takes what comes of transfers.

    Args:
        queries: the transfers' rows.
        store: the bytes.
        streams: cuts bodies into blocks.
        clock: what time it is.
        entropy: where ids come from.
        opener: says how long a transfer is, where only its end tells.
        finisher: makes a file of what is whole.
    """

    def __init__(
        self,
        queries: TransferQueries,
        store: ObjectStore,
        streams: Streams,
        clock: Clock,
        entropy: Entropy,
        opener: TransferOpener,
        finisher: TransferFinisher,
    ) -> None:
        self._queries = queries
        self._store = store
        self._streams = streams
        self._clock = clock
        self._entropy = entropy
        self._opener = opener
        self._finisher = finisher

    async def begin(self, transfer: Transfer) -> Transfer:
        """Let the store begin the multipart upload of a transfer, if it has not.

        Raises:
            MediaGone: it takes nothing any more.
        """
        transfer.require_alive(self._clock.now())
        if transfer.upload_id is not None:
            return transfer
        head = ObjectHead() if transfer.is_partial else transfer.head
        upload_id = await self._store.begin(transfer.key, head)
        begun = await self._queries.begin(transfer, upload_id)
        if begun is not None:
            return begun
        # Another request was faster, or the transfer was given up.
        await self._store.abandon(transfer.key, upload_id)
        found = await self._queries.find(transfer.scope, transfer.id)
        if found is None or found.upload_id is None:
            raise MediaGone
        return found

    async def put_part(
        self, transfer: Transfer, number: int, body: ByteStream, length: int
    ) -> Progress:
        """Store a part, in any order and however often. One operation and three statements.

        Args:
            transfer: the transfer, which has begun.
            number: the part's place in the file, from 1.
            body: its bytes.
            length: how many they are.

        Raises:
            MediaGone: it takes nothing any more.
            InvalidField: there is no such part, or it has another length.
        """
        transfer.require_alive(self._clock.now())
        size = transfer.size_of(number)
        if not size:
            raise InvalidField("chunk_index", f"must be 0 to {transfer.parts - 1}")
        if length != size:
            raise InvalidField("chunk", f"must have {size} bytes, and has {length}")
        sending = await self._queries.begin_part(transfer, number)
        stored = await self._put(transfer, store_number(number, sending), body, length)
        await self._queries.record_part(transfer, Arrived(number, stored))
        return await self._finisher.progress(transfer)

    async def _put(
        self, transfer: Transfer, number: int, body: ByteStream, length: int
    ) -> StoredPart:
        if transfer.upload_id is None:
            raise MediaGone
        try:
            return await self._store.put_part(
                transfer.key, transfer.upload_id, number, body, length
            )
        except BrokenOff:
            raise InvalidField("chunk", f"must have {length} bytes") from None
        except MultipartRefused as refused:
            raise MediaGone(reason=str(refused)) from refused

    async def record(self, transfer: Transfer, parts: Sequence[Arrived]) -> None:
        """Take a client's word for what the store has of its parts: the joining will tell."""
        for part in parts:
            await self._queries.record_part(transfer, part)

    async def stream(
        self,
        transfer: Transfer,
        offset: int,
        bodies: Sequence[ByteStream],
        checksum: Checksum | None = None,
        *,
        ends: bool = False,
    ) -> Transfer:
        """Take bytes that follow those that are there, and finish what is whole with them.

        Args:
            transfer: the transfer.
            offset: behind how many bytes they come.
            bodies: the bytes.
            checksum: what the last of the bodies must hash to; nothing is kept that does not.
            ends: whether the transfer ends with them, however long it then is.

        Returns:
            The transfer as it is now.

        Raises:
            MediaGone: it takes nothing any more.
            OffsetMismatch: other bytes are there than the client thinks.
            UploadLocked: somebody else is sending.
            FileTooLarge: there are more bytes than the transfer may have.
            ChecksumMismatch: the bytes are not those that were meant.
            ContentMismatch: the file is not what was declared; it is removed.
        """
        algorithm = None if checksum is None else checksum.algorithm

        async def opened() -> Intake:
            return self._streams.intake([*await self._tail(transfer), *bodies], algorithm)

        return await self._take(transfer, offset, opened, checksum, ends=ends)

    async def take(self, transfer: Transfer, intake: Intake) -> Transfer:
        """Take all of a transfer at once, as `stream` does, however long it then is.

        Where all of it came before and only its finishing was cut off, that is finished instead.
        """

        async def opened() -> Intake:
            return intake

        transfer = await self._finisher.settle(transfer)
        if transfer.stage is Stage.DONE:
            return transfer
        if transfer.received:
            # What came of an earlier request counts for nothing: all of it comes again.
            transfer = await self.restart(transfer)
        return await self._take(transfer, 0, opened, None, ends=True)

    async def _tail(self, transfer: Transfer) -> list[ByteStream]:
        """Open what was kept aside."""
        if not transfer.tail or transfer.tail_name is None:
            return []
        found = await self._store.get(f"{STAGING}{transfer.id}/{transfer.tail_name}")
        if found is None or found.body is None:
            raise MediaGone(reason="a tail is gone")
        return [found.body]

    async def restart(self, transfer: Transfer) -> Transfer:
        """Let a stream begin again.

        Raises:
            UploadLocked: somebody is sending.
        """
        restarted = await self._queries.restart(transfer, self._clock.now())
        if restarted is None:
            raise UploadLocked
        return restarted

    async def _take(
        self,
        transfer: Transfer,
        offset: int,
        opened: Callable[[], Awaitable[Intake]],
        checksum: Checksum | None,
        *,
        ends: bool,
    ) -> Transfer:
        transfer.require_alive(self._clock.now())
        if offset != transfer.received or transfer.stage is Stage.DONE:
            raise OffsetMismatch(transfer.received)
        lease = self._id()
        lent = await self._queries.lend(transfer, offset, lease, *self._lease())
        if lent is None:
            raise UploadLocked
        writer = Writer(self._queries, self._store, self._clock, lent, lease)
        try:
            whole = await self._write(writer, await opened(), checksum, ends=ends)
            if whole and not writer.transfer.is_partial:
                await self._finisher.complete(writer.transfer)
            elif whole:
                await self._queries.close(writer.transfer)
                await self._finisher.remove_tails(writer.transfer)
        finally:
            await self._queries.give_back(transfer, lease)
        found = await self._queries.find(transfer.scope, transfer.id)
        if found is None:
            raise MediaGone
        return found

    async def _write(
        self, writer: Writer, intake: Intake, checksum: Checksum | None, *, ends: bool
    ) -> bool:
        """Write what comes; tell whether the transfer is whole and its object stored."""
        while not intake.ended:
            left = writer.transfer.limit - writer.in_parts
            # One byte more than there may be tells whether there are more.
            wanted = min(writer.transfer.part_size, left + 1)
            await intake.fill(wanted, TICK_MS)
            if intake.size > left:
                most = writer.transfer.limit
                raise FileTooLarge("body", f"must have at most {most} bytes in all")
            if intake.size < wanted and not intake.ended:
                await writer.keep_on()
                continue
            if intake.size == 0:
                continue
            if writer.needs_parts(intake.size):
                writer.transfer = await self.begin(writer.transfer)
            await writer.write(intake, ends=ends)
            if checksum is None:
                await writer.commit()
        if checksum is not None:
            if intake.broken or await intake.digest() != checksum.digest:
                raise ChecksumMismatch
            await writer.commit()
        if ends and not intake.broken and writer.transfer.length is None:
            known = await self._opener.set_length(writer.transfer, writer.transfer.received)
            writer.transfer = replace(writer.transfer, length=known.length)
        transfer = writer.transfer
        if transfer.length is None or transfer.received < transfer.length:
            return False
        if transfer.upload_id is None:
            await writer.store_whole()
            return True
        arrived = await self._queries.parts(transfer)
        await self._finisher.join(transfer, [part.stored for part in arrived])
        return True

    def _lease(self) -> tuple[int, int]:
        now = self._clock.now()
        return now + LEASE_MS, now

    def _id(self) -> str:
        return nanoid(self._entropy(NANOID_LENGTH))
