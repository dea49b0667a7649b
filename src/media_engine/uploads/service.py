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

from base64 import b64encode
from dataclasses import dataclass

from media_engine.errors import (
    ContentMismatch,
    Forbidden,
    IdempotencyKeyInUse,
    MediaGone,
    MediaNotFound,
    OutsideLimits,
    RateLimited,
    UploadIncomplete,
)
from media_engine.http.disposition import content_disposition
from media_engine.idempotency.model import Claim, Making
from media_engine.ports import Clock, Entropy, ObjectInfo, ObjectStore, RateLimiter
from media_engine.settings import S3Settings
from media_engine.signing.gateway import OWNER, WRITE, Identity
from media_engine.signing.sigv4 import presign
from media_engine.uploads.examination import Examiner, Replaced
from media_engine.uploads.filename import typed_filename
from media_engine.uploads.model import (
    NANOID_LENGTH,
    UPLOAD_URL_LIFE_MS,
    MediaFile,
    Status,
    UploadRequest,
    instant,
    nanoid,
)
from media_engine.uploads.queries import UploadQueries
from media_engine.uploads.quota import Account, OwnQuota


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
            **self.file.duplicate_to_wire(),
        }


class UploadService:
    """Signs uploads and completes them.

    Args:
        queries: the files' rows.
        store: the files' bytes.
        examiner: looks at what was stored.
        limiter: counts what a scope presigns.
        clock: what time it is.
        entropy: where ids come from.
        s3: where uploads are signed for.
    """

    def __init__(
        self,
        queries: UploadQueries,
        store: ObjectStore,
        examiner: Examiner,
        limiter: RateLimiter,
        clock: Clock,
        entropy: Entropy,
        s3: S3Settings,
    ) -> None:
        self._queries = queries
        self._store = store
        self._examiner = examiner
        self._limiter = limiter
        self._clock = clock
        self._entropy = entropy
        self._s3 = s3

    async def presign(
        self, identity: Identity, upload: UploadRequest, claim: Claim | None = None
    ) -> PresignedUpload:
        """Write a pending row, which reserves its room, and sign the PUT that will fill it.

        One statement, and one row written beside the scope's account; one statement more with a
        hash, and six with a claim.

        Args:
            identity: who asks.
            upload: what they want to upload.
            claim: the request's own name: what it made before is signed again.

        Raises:
            Forbidden: the caller may not write.
            RateLimited: the scope has asked too often.
            QuotaExceeded: the scope has not so much room.
            IdempotencyKeyReused: another request had that name.
            MediaGone: what the request has made before was refused, expired or deleted.
        """
        identity.require(WRITE)
        if not await self._limiter.allow(identity.scope):
            raise RateLimited
        now = self._clock.now()
        file = self._pending(identity, upload, now, now + UPLOAD_URL_LIFE_MS)
        if claim is None:
            return self._sign(await self._queries.insert_pending(file))
        claimed = await self._queries.insert_claimed(file, claim)
        return self._sign(await self._still_open(claimed, now))

    async def begin(
        self, identity: Identity, upload: UploadRequest, until: int, claim: Claim | None = None
    ) -> MediaFile:
        """Write a pending row for bytes that come by way of a transfer. One row written.

        Five statements more with a claim.

        Args:
            identity: who uploads.
            upload: what.
            until: when no byte will come any more, in milliseconds since 1970. From an hour after
                that on the cron may take away what is there.
            claim: the request's own name: what it made before is returned.

        Raises:
            Forbidden: the caller may not write.
            QuotaExceeded: the scope has not so much room.
            IdempotencyKeyReused: another request had that name.
            MediaGone: what the request has made before was refused, expired or deleted.
        """
        identity.require(WRITE)
        file = self._pending(identity, upload, self._clock.now(), until)
        if claim is None:
            return await self._queries.insert_pending(file)
        claimed = await self._queries.insert_claimed(file, claim)
        if claimed.status not in (Status.PENDING_UPLOAD, Status.UPLOADED):
            raise MediaGone
        return claimed

    async def hold(self, claim: Claim, until: int) -> str | MediaFile:
        """Take the name of a request whose file the Worker fetches. Six statements.

        Args:
            claim: the name.
            until: when whoever comes again may believe that this request has died.

        Returns:
            The id of the file that is to be fetched; or the file, if it was before.

        Raises:
            IdempotencyKeyReused: another request had that name.
            IdempotencyKeyInUse: the request is under way.
            MediaGone: what it made was deleted.
        """
        identifier = self._identifier()
        making = Making.until(f"media_{identifier}", self._clock.now(), until)
        is_new, file = await self._queries.hold(claim, making)
        if is_new:
            return identifier
        if file is None or file.uploaded_at is None:
            raise IdempotencyKeyInUse
        return _uploaded(file)

    async def release(self, claim: Claim, identifier: str) -> None:
        """Give the name of a request back, if no file came of it. One statement."""
        await self._queries.release(claim, f"media_{identifier}")

    async def begin_held(
        self, identity: Identity, upload: UploadRequest, until: int, claim: Claim, identifier: str
    ) -> MediaFile:
        """Write the pending row of a file whose request has taken its name. One row written.

        Args:
            identity: who uploads.
            upload: what.
            until: when no byte will come any more, in milliseconds since 1970.
            claim: the request's name.
            identifier: what `hold` has returned for it.

        Raises:
            IdempotencyKeyInUse: the name was taken over by a repetition of the request.
            QuotaExceeded: the scope has not so much room.
        """
        file = self._pending(identity, upload, self._clock.now(), until, identifier)
        return await self._queries.insert_held(file, claim)

    def _identifier(self) -> str:
        return nanoid(self._entropy(NANOID_LENGTH))

    def _pending(
        self,
        identity: Identity,
        upload: UploadRequest,
        now: int,
        until: int,
        identifier: str | None = None,
    ) -> MediaFile:
        identifier = identifier or self._identifier()
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
            sha256=upload.sha256,
        )

    async def _still_open(self, file: MediaFile, now: int) -> MediaFile:
        """Return a file whose URL is of use: what is pending gets a new one when its is dead.

        An uploaded file keeps the URL that it came by: a PUT is answered with 412, as it would
        have been, and complete with the file.

        Raises:
            MediaGone: it was refused, expired or deleted.
            QuotaExceeded: its room was given away meanwhile.
        """
        if file.status is Status.PENDING_UPLOAD and file.url_expires_at <= now:
            renewed = await self._queries.renew(file, now + UPLOAD_URL_LIFE_MS, now)
            file = renewed or await self._outcome(file)
        if file.status not in (Status.PENDING_UPLOAD, Status.UPLOADED):
            raise MediaGone
        return file

    def _sign(self, file: MediaFile) -> PresignedUpload:
        """Sign the file's PUT. The same file gives the same URL, however often it is signed."""
        headers = {
            "content-type": file.content_type,
            "content-disposition": content_disposition(
                "inline", typed_filename(file.file_name, file.content_type)
            ),
            "if-none-match": "*",
        }
        if file.sha256 is not None:
            headers["x-amz-checksum-sha256"] = b64encode(bytes.fromhex(file.sha256)).decode()
        url = presign(
            method="PUT",
            endpoint=self._s3.endpoint,
            bucket=self._s3.bucket,
            key=file.key,
            headers={**headers, "content-length": str(file.file_size)},
            credentials=self._s3.credentials,
            now=file.url_expires_at - UPLOAD_URL_LIFE_MS,
            expires_in=UPLOAD_URL_LIFE_MS // 1000,
        )
        return PresignedUpload(file, url, headers)

    async def complete(self, identity: Identity, media_id: str) -> MediaFile:
        """Make an uploaded file of what was stored. Idempotent.

        Costs two statements and a row written; one class B operation, and those of a look into
        the file (`Examiner`). A repetition costs one statement.

        Raises:
            Forbidden: the caller may not write.
            MediaNotFound: the caller's scope has no such file.
            UploadIncomplete: nothing was stored yet.
            ContentMismatch: what was stored is not what was declared; it is removed.
            OutsideLimits: it is, and may not be; it is removed.
            HashPending: that is not known yet.
            QuotaExceeded: its room was given away, an hour after its URL had ended.
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
            OutsideLimits: it is, and is not allowed; it is removed.
            HashPending: that is not known yet.
            QuotaExceeded: its room was given away meanwhile.
            MediaGone: the file was refused, expired or deleted meanwhile.
        """
        now = self._clock.now()
        try:
            facts = await self._examiner.examine(file, stored, now)
            uploaded = await self._queries.mark_uploaded(file, stored.etag, facts, now)
        except (ContentMismatch, OutsideLimits) as wrong:
            await self._reject(file, wrong)
            uploaded = None
        except Replaced:
            uploaded = None
        return uploaded or await self._outcome(file)

    async def give_up(self, file: MediaFile) -> None:
        """Refuse a pending file whose bytes will not come. A row written.

        If some did all the same, the cron takes them away.
        """
        await self._queries.reject(file, self._clock.now())

    async def _outcome(self, file: MediaFile) -> MediaFile:
        """Return what somebody else made of the file meanwhile.

        Raises:
            UploadIncomplete: nothing, but its object is not the one that was looked at.
            MediaGone: it was refused, expired or deleted.
        """
        now_there = await self._queries.find(file.scope, file.id)
        if now_there is not None and now_there.status is Status.PENDING_UPLOAD:
            raise UploadIncomplete("What was stored has changed meanwhile: complete again.")
        return _uploaded(now_there)

    async def _reject(self, file: MediaFile, wrong: ContentMismatch | OutsideLimits) -> None:
        """Refuse the file and take its bytes away, if it is still pending.

        Raises:
            ContentMismatch: or `OutsideLimits`: it was refused.
        """
        now = self._clock.now()
        if await self._queries.reject(file, now):
            if file.can_be_stored_again(now):
                await self._store.bury(file.key)
            else:
                await self._store.delete([file.key])
            raise wrong

    async def set_quota(self, identity: Identity, tenant_id: str, quota: OwnQuota) -> Account:
        """Say what the caller's tenant may have. One statement.

        Raises:
            Forbidden: the caller does not own the system, or acts for another tenant.
        """
        identity.require(OWNER)
        if identity.tenant_id != tenant_id:
            raise Forbidden("A quota is set inside its own tenant.")
        return await self._queries.set_quota(identity.scope, quota)


def _uploaded(file: MediaFile | None) -> MediaFile:
    if file is None or file.status is not Status.UPLOADED:
        raise MediaGone
    return file
