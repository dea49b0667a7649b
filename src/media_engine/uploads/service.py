"""Presign and complete: how a file comes to be.

The row is written before the URL is given out, so nothing can be stored that no row knows. The
URL stores exactly what the row says (type, length, name) and only once (`if-none-match: *`).

Complete looks at the object and then changes the row, and another complete, or the cron, may
come between. Whoever changes the status first decides: `UPDATE … WHERE status =
'pending_upload'` changes one row or none, and who changed none reads again and reports what
the other one made of it. Bytes are removed only after the status says so, and a tombstone
keeps their place until the URL is dead; the cron removes that, and what a crash left. Whoever has
a token could see what was refused, so the cron also purges the caches of it.
"""

from dataclasses import dataclass

from media_engine.errors import ContentMismatch, MediaGone, MediaNotFound, UploadIncomplete
from media_engine.http.disposition import content_disposition
from media_engine.ports import Clock, Entropy, ObjectInfo, ObjectStore
from media_engine.settings import S3Settings
from media_engine.signing.gateway import WRITE, Identity
from media_engine.signing.sigv4 import presign
from media_engine.uploads.model import (
    NANOID_LENGTH,
    UPLOAD_URL_LIFE_MS,
    MediaFile,
    Status,
    UploadRequest,
    instant,
    media_type,
    nanoid,
)
from media_engine.uploads.queries import UploadQueries


@dataclass(frozen=True, slots=True)
class PresignedUpload:
    """A URL that stores one file once.

    Attributes:
        file: the pending file.
        url: where to PUT it.
        headers: what the PUT must send, letter for letter; its Content-Length is signed too.
    """

    file: MediaFile
    url: str
    headers: dict[str, str]

    def to_wire(self) -> dict[str, object]:
        """Return the upload as the API shows it."""
        return {
            "mediaId": self.file.id,
            "key": self.file.key,
            "uploadUrl": self.url,
            "method": "PUT",
            "headers": self.headers,
            "expiresAt": instant(self.file.url_expires_at),
        }


class UploadService:
    """Signs uploads and completes them.

    Args:
        queries: the files' rows.
        store: the files' bytes.
        clock: what time it is.
        entropy: where ids come from.
        s3: where uploads are signed for.
    """

    def __init__(
        self,
        queries: UploadQueries,
        store: ObjectStore,
        clock: Clock,
        entropy: Entropy,
        s3: S3Settings,
    ) -> None:
        self._queries = queries
        self._store = store
        self._clock = clock
        self._entropy = entropy
        self._s3 = s3

    async def presign(self, identity: Identity, upload: UploadRequest) -> PresignedUpload:
        """Write a pending row and sign the PUT that will fill it. One row written.

        Raises:
            Forbidden: the caller may not write.
        """
        identity.require(WRITE)
        now = self._clock.now()
        file = self._pending(identity, upload, now, now + UPLOAD_URL_LIFE_MS)
        signed = self._sign(file, now)
        await self._queries.insert_pending(file)
        return signed

    async def begin(self, identity: Identity, upload: UploadRequest, until: int) -> MediaFile:
        """Write a pending row for bytes that the Worker brings itself. One row written.

        Args:
            identity: who uploads.
            upload: what.
            until: when no byte will come any more, in milliseconds since 1970. From an hour after
                that on the cron may take away what is there.

        Raises:
            Forbidden: the caller may not write.
        """
        identity.require(WRITE)
        file = self._pending(identity, upload, self._clock.now(), until)
        await self._queries.insert_pending(file)
        return file

    def _pending(
        self, identity: Identity, upload: UploadRequest, now: int, until: int
    ) -> MediaFile:
        identifier = nanoid(self._entropy(NANOID_LENGTH))
        return MediaFile(
            id=f"media_{identifier}",
            scope=identity.scope,
            key=upload.key(identity.scope, identifier, now),
            service=upload.service,
            album=upload.album,
            file_name=upload.file_name,
            content_type=upload.content_type,
            file_size=upload.file_size,
            status=Status.PENDING_UPLOAD,
            visibility=upload.visibility,
            managed_by=identity.shim,
            uploaded_by=identity.user_id,
            etag=None,
            url_expires_at=until,
            created_at=now,
            uploaded_at=None,
        )

    def _sign(self, file: MediaFile, now: int) -> PresignedUpload:
        headers = {
            "content-type": file.content_type,
            "content-disposition": content_disposition("inline", file.file_name),
            "if-none-match": "*",
        }
        url = presign(
            method="PUT",
            endpoint=self._s3.endpoint,
            bucket=self._s3.bucket,
            key=file.key,
            headers={**headers, "content-length": str(file.file_size)},
            credentials=self._s3.credentials,
            now=now,
            expires_in=UPLOAD_URL_LIFE_MS // 1000,
        )
        return PresignedUpload(file, url, headers)

    async def complete(self, identity: Identity, media_id: str) -> MediaFile:
        """Make an uploaded file of what was stored. Idempotent.

        Costs a row read, one class B operation and a row written; a repetition a row read.

        Raises:
            Forbidden: the caller may not write.
            MediaNotFound: the caller's scope has no such file.
            UploadIncomplete: nothing was stored yet.
            ContentMismatch: what was stored is not what was declared; it is removed.
            MediaGone: the file was refused, expired or deleted.
        """
        identity.require(WRITE)
        file = await self._queries.find(identity.scope, media_id)
        if file is None:
            raise MediaNotFound
        if file.status is not Status.PENDING_UPLOAD:
            return _uploaded(file)
        stored = await self._store.head(file.key)
        if stored is None:
            raise UploadIncomplete("Nothing was uploaded yet: PUT the file, then complete.")
        return await self.accept(file, stored)

    async def accept(self, file: MediaFile, stored: ObjectInfo) -> MediaFile:
        """Make an uploaded file of a pending one whose bytes are there. A row written.

        Args:
            file: as it was when it was read.
            stored: what is stored under its key.

        Raises:
            ContentMismatch: what was stored is not what was declared; it is removed.
            MediaGone: the file was refused, expired or deleted meanwhile.
        """
        mismatch = _mismatch(file, stored)
        if mismatch is not None:
            await self._reject(file, mismatch)
        uploaded = await self._queries.mark_uploaded(file, stored.etag, self._clock.now())
        if uploaded is not None:
            return uploaded
        return _uploaded(await self._queries.find(file.scope, file.id))

    async def give_up(self, file: MediaFile) -> None:
        """Refuse a pending file whose bytes will not come. A row written.

        If some did all the same, the cron takes them away.
        """
        await self._queries.reject(file, self._clock.now())

    async def _reject(self, file: MediaFile, mismatch: str) -> None:
        """Refuse the file and take its bytes away, if it is still pending.

        Raises:
            ContentMismatch: it was refused.
        """
        now = self._clock.now()
        if await self._queries.reject(file, now):
            if file.can_be_stored_again(now):
                await self._store.bury(file.key)
            else:
                await self._store.delete([file.key])
            raise ContentMismatch(mismatch)


def _uploaded(file: MediaFile | None) -> MediaFile:
    if file is None or file.status is not Status.UPLOADED:
        raise MediaGone
    return file


def _mismatch(file: MediaFile, stored: ObjectInfo) -> str | None:
    if stored.size != file.file_size:
        return f"{stored.size} bytes were stored, and {file.file_size} were declared."
    if media_type(stored.content_type) != file.content_type:
        return f"{stored.content_type} was stored, and {file.content_type} was declared."
    return None
