"""Opening a transfer, finding it again, and what is decided about it before its bytes come.

A transfer is written before anything is stored for it, and it fills a row of `media_files` that was
written before that; so whatever a crash leaves, a row knows it. One transfer fills one file, in one
way: a file that was looked at and found good can then not be replaced by other bytes that were
still on their way.
"""

from collections.abc import Awaitable, Callable

from media_engine.errors import (
    AlreadyCommitted,
    FileTooLarge,
    InvalidField,
    MediaNotFound,
    TokenKeyMismatch,
    WayTaken,
)
from media_engine.idempotency.model import Claim
from media_engine.ports import Clock, Entropy
from media_engine.signing.gateway import WRITE, Identity
from media_engine.transfers.model import LIFE_MS, STAGING, Stage, Transfer, Way, part_size_for
from media_engine.transfers.queries import TransferQueries
from media_engine.transfers.sender import Sender
from media_engine.uploads.model import NANOID_LENGTH, MediaFile, UploadRequest, nanoid

Begin = Callable[[Identity, UploadRequest, int, Claim | None], Awaitable[MediaFile]]
"""Writes the pending row of a file, of which no byte comes after an instant; once for a claim."""


class TransferOpener:
    """Opens transfers.

    Args:
        queries: the transfers' rows.
        clock: what time it is.
        entropy: where ids come from.
        begin: writes the row of a file.
    """

    def __init__(
        self, queries: TransferQueries, clock: Clock, entropy: Entropy, begin: Begin
    ) -> None:
        self._queries = queries
        self._clock = clock
        self._entropy = entropy
        self._begin = begin

    async def open(
        self,
        identity: Identity,
        way: Way,
        upload: UploadRequest,
        *,
        exact: bool,
        note: str | None,
        claim: Claim | None = None,
    ) -> Transfer:
        """Write the row of a file and that of the transfer that fills it. Two rows written.

        With a claim five statements more, and a repetition costs another one. A request that died
        between the two rows has its repetition write the second.

        Args:
            identity: who uploads.
            way: in which way the file comes.
            upload: what it will be.
            exact: whether its size is known; else it is the most that it may have.
            note: what the client wants to be told again.
            claim: the request's own name: what it opened before is returned.

        Raises:
            Forbidden: the caller may not write.
            IdempotencyKeyReused: another request had that name.
            MediaGone: what the request has opened before was given up or deleted.
        """
        # Until then the file's key can be written to, so that long a tombstone would keep it.
        until = self._clock.now() + LIFE_MS
        file = await self._begin(identity, upload, until, claim)
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
            note=note,
            created_at=file.created_at,
            expires_at=file.url_expires_at,
        )
        inserted = await self._queries.insert(transfer)
        if inserted is None and claim is not None:
            inserted = await self._queries.of_file(file.scope, file.id)
        if inserted is None:
            raise WayTaken
        inserted.require_alive(self._clock.now())
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
            note=note,
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

    def _id(self) -> str:
        return nanoid(self._entropy(NANOID_LENGTH))
