"""Transfers: opening one, taking its parts or its stream, making a file of it.

A transfer is written before anything is stored for it, and it fills a row of `media_files` that was
written before that; so whatever a crash leaves, a row knows it. One transfer fills one file, in one
way: a file that was looked at and found good can then not be replaced by other bytes that were
still on their way.

Finishing is a chain that can be cut anywhere and is gone through again from its beginning: the
transfer says `joining`, the store joins, the file is completed as after a presigned PUT (its size,
type and content are looked at, its status changes if it is still pending), the transfer says
`done`. A store that refuses to join because it has joined already has the object, which is looked
for. One that refuses for another reason has not the parts that our rows name: all are forgotten,
and the client is told to send them again.

A stream has one writer at a time. It holds a lease that it prolongs with each step and that is over
when it dies; who takes it over does so by compare and set, and a writer whose lease was taken
notices with its next step, which changes no row. What it had stored lies under numbers of its own
turn, so it has taken nothing away.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from media_engine.errors import (
    AlreadyCommitted,
    ChecksumMismatch,
    FileTooLarge,
    InvalidField,
    MediaError,
    MediaGone,
    MediaNotFound,
    OffsetMismatch,
    TokenKeyMismatch,
    UploadIncomplete,
    UploadLocked,
    WayTaken,
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
from media_engine.signing.gateway import WRITE, Identity
from media_engine.transfers.model import (
    LIFE_MS,
    STAGING,
    Arrived,
    Progress,
    Stage,
    Transfer,
    Way,
    part_size_for,
    store_number,
)
from media_engine.transfers.queries import TransferQueries
from media_engine.transfers.sender import Sender, member_of
from media_engine.transfers.writer import LEASE_MS, Writer
from media_engine.uploads.model import NANOID_LENGTH, MediaFile, UploadRequest, nanoid

TICK_MS: Final = 5_000
"""How long a writer waits for bytes before it gives a sign, in milliseconds."""

Begin = Callable[[Identity, UploadRequest, int], Awaitable[MediaFile]]
"""Writes the pending row of a file, of which no byte comes after an instant."""

Complete = Callable[[Identity, str], Awaitable[MediaFile]]
"""Looks at what was stored and makes an uploaded file of it."""


@dataclass(frozen=True, slots=True)
class Checksum:
    """What the bytes of a request must hash to.

    Attributes:
        algorithm: as `ports.Streams` names it.
        digest: the hash, in base64.
    """

    algorithm: str
    digest: str


class TransferService:
    """Takes files that come in parts or in a stream.

    Args:
        queries: the transfers' rows.
        store: the bytes.
        streams: cuts bodies into blocks.
        clock: what time it is.
        entropy: where ids come from.
        begin: writes the row of a file.
        complete: makes an uploaded file of what was stored.
    """

    def __init__(
        self,
        queries: TransferQueries,
        store: ObjectStore,
        streams: Streams,
        clock: Clock,
        entropy: Entropy,
        begin: Begin,
        complete: Complete,
    ) -> None:
        self._queries = queries
        self._store = store
        self._streams = streams
        self._clock = clock
        self._entropy = entropy
        self._begin = begin
        self._complete = complete

    async def open(
        self, identity: Identity, way: Way, upload: UploadRequest, *, exact: bool, note: str | None
    ) -> Transfer:
        """Write the row of a file and that of the transfer that fills it. Two rows written.

        Args:
            identity: who uploads.
            way: in which way the file comes.
            upload: what it will be.
            exact: whether its size is known; else it is the most that it may have.
            note: what the client wants to be told again.

        Raises:
            Forbidden: the caller may not write.
        """
        now = self._clock.now()
        # Until then the file's key can be written to, so that long a tombstone would keep it.
        file = await self._begin(identity, upload, now + LIFE_MS)
        transfer = Transfer(
            id=self._id(),
            media_id=file.id,
            is_partial=False,
            scope=file.scope,
            uploaded_by=file.uploaded_by,
            content_type=file.content_type,
            file_name=file.file_name,
            key=file.key,
            way=way,
            length=file.file_size if exact else None,
            most=file.file_size,
            part_size=part_size_for(file.file_size),
            upload_id=None,
            received=0,
            tail=0,
            tail_name=None,
            note=note,
            stage=Stage.OPEN,
            turn=0,
            created_at=now,
            expires_at=now + LIFE_MS,
        )
        inserted = await self._queries.insert(transfer)
        if inserted is None:
            raise WayTaken
        return inserted

    async def open_partial(
        self,
        identity: Identity,
        whole: Transfer | None,
        length: int | None,
        most: int,
        note: str | None,
    ) -> Transfer:
        """Open a transfer of a piece of a file, which is joined under a key apart.

        Args:
            identity: who sends.
            whole: the transfer of the file, where a token has named one.
            length: how long the piece is; None where that is not known.
            most: how long it may be where no file says so.
            note: what the client wants to be told again.

        Raises:
            Forbidden: the caller may not write.
            FileTooLarge: the piece is longer than the file may be.
        """
        identity.require(WRITE)
        most = most if whole is None else whole.most
        if (length or 0) > most:
            raise FileTooLarge("Upload-Length", f"must be at most {most} bytes")
        if whole is not None:
            others = await self._queries.bytes_of_pieces(whole.media_id)
            if others + (most if length is None else length) > 2 * most:
                # Twice, because a client that tries again may have left some behind.
                raise FileTooLarge("Upload-Length", "makes the pieces longer than twice the file")
        now = self._clock.now()
        identifier = self._id()
        partial = Transfer(
            id=identifier,
            # A piece that is for no file yet is for itself.
            media_id=identifier if whole is None else whole.media_id,
            is_partial=True,
            scope=identity.scope,
            uploaded_by=identity.user_id,
            content_type="",
            file_name="",
            key=f"{STAGING}{identifier}/whole",
            way=Way.TUS,
            length=length,
            most=most,
            part_size=part_size_for(most),
            upload_id=None,
            received=0,
            tail=0,
            tail_name=None,
            note=note,
            stage=Stage.OPEN,
            turn=0,
            created_at=now,
            expires_at=now + LIFE_MS,
        )
        inserted = await self._queries.insert(partial)
        if inserted is None:
            raise WayTaken
        return inserted

    async def find(self, sender: Sender, transfer_id: str) -> Transfer:
        """Return a transfer that this sender may go on with.

        Raises:
            Forbidden: the caller may not write.
            MediaNotFound: the sender's scope has no such transfer.
            TokenKeyMismatch: the token is for another upload.
        """
        sender.identity.require(WRITE)
        transfer = await self._queries.find(sender.identity.scope, transfer_id)
        if transfer is None:
            raise MediaNotFound
        if sender.claims is not None and sender.claims.media_id != transfer.media_id:
            raise TokenKeyMismatch("media")
        return transfer

    async def of_file(self, identity: Identity, media_id: str) -> Transfer:
        """Return the transfer that fills a file.

        Raises:
            Forbidden: the caller may not write.
            MediaNotFound: the caller's scope has none.
        """
        identity.require(WRITE)
        transfer = await self._queries.of_file(identity.scope, media_id)
        if transfer is None:
            raise MediaNotFound
        return transfer

    async def choose_way(self, transfer: Transfer, way: Way, note: str | None = None) -> Transfer:
        """Let a transfer come in this way.

        Raises:
            MediaGone: it takes nothing any more.
            AlreadyCommitted: it is done.
            WayTaken: it has begun to come in another.
        """
        now = self._clock.now()
        transfer.require_alive(now)
        if transfer.stage is Stage.DONE:
            raise AlreadyCommitted
        chosen = await self._queries.choose_way(transfer, way, note, now)
        if chosen is None:
            raise WayTaken
        return chosen

    async def set_length(
        self, transfer: Transfer, length: int, part_size: int | None = None
    ) -> Transfer:
        """Say how long a transfer is, and how long its parts are.

        Raises:
            InvalidField: it has another length, or no byte.
            FileTooLarge: it may not be so long.
        """
        if length > transfer.most:
            raise FileTooLarge("length", f"must be at most {transfer.most} bytes")
        if length < 1 and not transfer.is_partial:
            raise InvalidField("length", "must be at least 1")
        size = transfer.part_size if part_size is None else part_size
        if (length, size) == (transfer.length, transfer.part_size):
            return transfer
        changed = await self._queries.set_length(transfer, length, size)
        if changed is None:
            raise InvalidField("length", "is not what was said before")
        return changed

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
        return await self.progress(transfer)

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
        return await self._completed(transfer)

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
        return await self._completed(transfer)

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

    async def _completed(self, transfer: Transfer) -> MediaFile:
        """Complete the file of a transfer whose bytes are all stored under its key."""
        uploader = member_of(transfer.scope, transfer.uploaded_by)
        try:
            file = await self._complete(uploader, transfer.media_id)
        except MediaError:
            await self._queries.follow([transfer.key])
            raise
        if transfer.stage is not Stage.DONE:
            await self._queries.close(transfer)
            await self._remove_tails(transfer)
        return file

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
            await self._completed(transfer)
        return replace(transfer, stage=Stage.DONE)

    async def complete(self, transfer: Transfer) -> MediaFile:
        """Complete the file of a transfer that came in one PUT."""
        return await self._completed(transfer)

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

    async def _remove_tails(self, transfer: Transfer) -> None:
        """Remove what was kept aside of a whole, if anything was: not within its only turn."""
        if transfer.tail_name is not None or transfer.turn > 1:
            await self._store.delete(transfer.tails)

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
        """Take all of a transfer at once, as `stream` does, however long it then is."""

        async def opened() -> Intake:
            return intake

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
                await self._completed(writer.transfer)
            elif whole:
                await self._queries.close(writer.transfer)
                await self._remove_tails(writer.transfer)
        finally:
            await self._queries.give_back(transfer, lease)
        found = await self._queries.find(transfer.scope, transfer.id)
        if found is None:
            raise MediaGone
        return found

    async def _write(
        self, writer: "Writer", intake: Intake, checksum: Checksum | None, *, ends: bool
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
            known = await self.set_length(writer.transfer, writer.transfer.received)
            writer.transfer = replace(writer.transfer, length=known.length)
        transfer = writer.transfer
        if transfer.length is None or transfer.received < transfer.length:
            return False
        if transfer.upload_id is None:
            await writer.store_whole()
            return True
        arrived = await self._queries.parts(transfer)
        await self.join(transfer, [part.stored for part in arrived])
        return True

    def _lease(self) -> tuple[int, int]:
        now = self._clock.now()
        return now + LEASE_MS, now

    def _id(self) -> str:
        return nanoid(self._entropy(NANOID_LENGTH))
