"""Sign an upload, commit it, attach it, hand out its URL.

The order is what makes this safe, because the Worker cannot take part in a transaction of ours:

1. The Worker is asked first and a row is written after, so a pending row means that an upload was
   issued. A crash in between leaves the Worker with a pending upload that its cron ends.
2. `commit` asks the Worker to complete *before* any transaction. What it answers is a fact, and is
   written down at once: the row is `committed` whatever happens next.
3. `attach` runs *in* a transaction, the application's own where there is one, and makes no HTTP
   call. It holds the row's lock while it decides. If it refuses, or the transaction rolls back, the
   file stays committed and unattached, and the same commit can be sent again.

The transactions of `commit` are durable: inside another one they raise, before the Worker is asked.
"""

import logging
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from media_shim import conf
from media_shim.client import Identity, Presigned, worker
from media_shim.errors import (
    AlreadyCommitted,
    AttachDenied,
    MediaNotFound,
    NotConfigured,
    UploadIncomplete,
    WorkerRefused,
    WorkerUnavailable,
)
from media_shim.models import MediaObject, Status
from media_shim.tokens import DeliveryUrl, delivery_url

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

    from media_shim.client import StoredFile
    from media_shim.uploads import UploadWanted

logger = logging.getLogger("media_shim")


def sign_upload(user: "AbstractBaseUser", wanted: "UploadWanted") -> tuple[MediaObject, Presigned]:
    """Have the Worker issue an upload, and remember whose it is.

    Args:
        user: whose file it will be.
        wanted: the upload.

    Returns:
        The pending row, and what the browser must send.

    Raises:
        NotConfigured: a setting is missing or wrong.
        WorkerRefused: the Worker does not take such a file.
        WorkerUnavailable: the Worker did not answer.
    """
    shim = conf.current()
    identity = _identity(str(user.pk), shim.tenant(user))
    try:
        presigned = worker(shim).presign(
            identity,
            file_name=wanted.file_name,
            content_type=wanted.content_type,
            file_size=wanted.bytes,
            service=shim.service,
            visibility=wanted.visibility,
            album=wanted.album,
        )
    except WorkerRefused as refused:
        raise refused.renaming("fileSize", "bytes") from None
    media = MediaObject.objects.create(
        id=presigned.media_id,
        key=presigned.key,
        owner_id=user.pk,
        tenant=identity.tenant_id,
        kind=wanted.kind,
        content_type=wanted.content_type,
        bytes=wanted.bytes,
        file_name=wanted.file_name,
        visibility=wanted.visibility,
    )
    logger.info("media.sign_upload.issued", extra=_facts(media))
    return media, presigned


def commit(user: "AbstractBaseUser", key: str, attach_to: str | None = None) -> MediaObject:
    """Make an uploaded file available, and attach it if so asked. Idempotent.

    Call it outside a transaction. To attach a file to a row that is made in the same request,
    commit without `attach_to` first, and call `attach` in the transaction that makes the row.

    Args:
        user: who uploaded it.
        key: its key.
        attach_to: what of the application's it belongs to, such as `post:17`.

    Raises:
        MediaNotFound: this user uploaded no such file.
        AttachDenied: the user may not attach to this; the file is committed nevertheless.
        AlreadyCommitted: it is attached to something else.
        WorkerRefused: the Worker has no bytes for it, or others than were declared.
        WorkerUnavailable: the Worker did not answer.
        NotConfigured: a setting is missing or wrong.
        RuntimeError: there is a transaction around this call.
    """
    with transaction.atomic(durable=True):
        media = _uploaded_by(user, key)
    if media.status == Status.PENDING:
        identity = _identity(str(media.owner_id), media.tenant)
        stored = worker(conf.current()).complete(identity, media.id)
        media = _record(media, stored)
    if attach_to is not None:
        media = attach(user, key, attach_to)
    logger.info("media.commit.ok", extra=_facts(media))
    return media


def attach(user: "AbstractBaseUser", key: str, attach_to: str) -> MediaObject:
    """Attach a committed file to something of the application's, for ever. Idempotent.

    Call it in the transaction that makes or changes that something: both happen or neither does.

    Args:
        user: who uploaded the file.
        key: its key.
        attach_to: what it belongs to from now on; ATTACH_RESOLVER is asked whether it may.

    Raises:
        MediaNotFound: this user uploaded no such file.
        UploadIncomplete: it is not committed yet.
        AlreadyCommitted: it is attached to something else.
        AttachDenied: the user may not attach to this.
    """
    with transaction.atomic():
        media = MediaObject.objects.select_for_update().owned_by(user).filter(key=key).first()
        if media is None:
            raise MediaNotFound
        if media.status != Status.COMMITTED:
            raise UploadIncomplete
        if media.attached_to == attach_to:
            return media
        if media.attached_to is not None:
            raise AlreadyCommitted
        if not conf.current().attach_resolver(user, attach_to):
            raise AttachDenied
        # A database without row locks lets two of us come this far; only one changes the row.
        free = MediaObject.objects.filter(pk=media.pk, attached_to=None)
        if not free.update(attached_to=attach_to, updated_at=timezone.now()):
            raise AlreadyCommitted
        media.refresh_from_db()
        return media


def url_for(user: "AbstractBaseUser", key: str) -> tuple[MediaObject, DeliveryUrl]:
    """Return a file that this user may see, and a fresh URL for it.

    Raises:
        MediaNotFound: there is no such file, or the user may not see it.
        UploadIncomplete: it is not committed yet.
        NotConfigured: a setting is missing or wrong.
    """
    media = MediaObject.objects.filter(key=key).first()
    if media is None or not conf.current().can_view(user, media):
        raise MediaNotFound
    if media.status != Status.COMMITTED:
        raise UploadIncomplete
    return media, delivery_url(media, user, timezone.now())


def _uploaded_by(user: "AbstractBaseUser", key: str) -> MediaObject:
    media = MediaObject.objects.owned_by(user).filter(key=key).first()
    if media is None:
        raise MediaNotFound
    return media


def _record(media: MediaObject, stored: "StoredFile") -> MediaObject:
    """Write down that the Worker has the file. Of two that do so, the first sets the time."""
    if (stored.media_id, stored.key) != (media.id, media.key):
        raise WorkerUnavailable(reason="an answer about another file")
    now = timezone.now()
    with transaction.atomic(durable=True):
        MediaObject.objects.filter(pk=media.pk, status=Status.PENDING).update(
            status=Status.COMMITTED,
            file_name=stored.file_name,
            committed_at=now,
            updated_at=now,
        )
        media.refresh_from_db()
    return media


def _identity(user_id: str, tenant_id: str | None) -> Identity:
    """Return who is asking, if that can be said in a header and in a key."""
    if not conf.IDENTIFIER.fullmatch(user_id):
        raise NotConfigured("AUTH_USER_MODEL", "has ids that cannot be a part of a key")
    if tenant_id is not None and not conf.IDENTIFIER.fullmatch(tenant_id):
        raise NotConfigured("MEDIA_SHIM.TENANT", "gave an id that cannot be a part of a key")
    return Identity(user_id, tenant_id)


def _facts(media: MediaObject) -> dict[str, object]:
    """Return what the log may know of a file: ids, and nothing that a person wrote."""
    return {
        "media_id": media.id,
        "user_id": media.owner_id,
        "tenant_id": media.tenant,
        "kind": media.kind,
        "content_type": media.content_type,
        "bytes": media.bytes,
        "visibility": media.visibility,
        "attached_to": media.attached_to,
    }
