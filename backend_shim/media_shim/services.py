"""Sign an upload, and commit it.

The order is what makes this safe, because the Worker cannot take part in a transaction of ours:

1. The Worker is asked first and a row is written after, so a pending row means that an upload was
   issued. A crash in between leaves the Worker with a pending upload that its cron ends.
2. `commit` asks the Worker to complete *before* any transaction. What it answers is a fact, and is
   written down at once: the row is `committed` whatever happens next.
3. What is attached (`attachments`) is attached *in* a transaction, the application's own where
   there is one, without an HTTP call and under the row's lock. If it is refused, or the transaction
   rolls back, the file stays committed and unattached, and the same commit can be sent again.

The transactions of `commit` are durable: inside another one they raise, before the Worker is asked.
"""

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from media_shim import attachments, conf, signals
from media_shim.client import Identity, Opened, Presigned, Wanted, worker
from media_shim.errors import (
    AlreadyCommitted,
    MediaCommitFailed,
    MediaGone,
    MediaNotFound,
    NotConfigured,
    ShimError,
    WorkerRefused,
    WorkerUnavailable,
)
from media_shim.models import LEFT, MediaObject, Status
from media_shim.uploads import Method

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

    from media_shim.client import StoredFile
    from media_shim.uploads import UploadWanted

logger = logging.getLogger("media_shim")


def sign_upload(
    user: "AbstractBaseUser", wanted: "UploadWanted", idempotency_key: str | None = None
) -> tuple[MediaObject, Presigned | Opened]:
    """Have the Worker issue an upload, and remember whose it is.

    Args:
        user: whose file it will be.
        wanted: the upload.
        idempotency_key: under which the browser repeats it: the same upload is answered then.

    Returns:
        The pending row, and what the browser must send: one PUT, or a transfer in pieces.

    Raises:
        NotConfigured: a setting is missing or wrong.
        MediaGone: it is a repetition, and what was signed before has been removed.
        WorkerRefused: the Worker does not take such a file.
        WorkerUnavailable: the Worker did not answer.
    """
    shim = conf.current()
    identity = _identity(str(user.pk), shim.tenant(user))
    file = Wanted(
        file_name=wanted.file_name,
        content_type=wanted.content_type,
        file_size=wanted.bytes,
        service=shim.service,
        visibility=wanted.visibility,
        album=wanted.album,
    )
    ask = worker(shim).presign if wanted.method is Method.PUT else worker(shim).open
    try:
        issued = ask(identity, file, idempotency_key)
    except WorkerRefused as refused:
        raise refused.renaming("fileSize", "bytes") from None
    media, is_new = MediaObject.objects.get_or_create(
        id=issued.media_id,
        defaults={
            "key": issued.key,
            "owner_id": user.pk,
            "worker_user": identity.user_id,
            "tenant": identity.tenant_id,
            "kind": wanted.kind,
            "content_type": wanted.content_type,
            "bytes": wanted.bytes,
            "file_name": wanted.file_name,
            "visibility": wanted.visibility,
            "delivered_visibility": wanted.visibility,
        },
    )
    if media.status in LEFT:
        raise MediaGone
    if is_new:
        logger.info("media.sign_upload.issued", extra=facts(media))
    return media, issued


def renew_token(user: "AbstractBaseUser", key: str) -> tuple[MediaObject, Opened]:
    """Have the Worker give a new token for an upload in pieces.

    Raises:
        MediaNotFound: this user uploaded no such file.
        AlreadyCommitted: it is a file already.
        MediaGone: it was removed.
        WorkerRefused, WorkerUnavailable, NotConfigured: as `sign_upload`.
    """
    media = _uploaded_by(user, key)
    if media.status in LEFT:
        raise MediaGone
    if media.status != Status.PENDING:
        raise AlreadyCommitted
    identity = _identity(media.worker_user, media.tenant)
    return media, worker(conf.current()).token(identity, media.id)


def commit(user: "AbstractBaseUser", key: str, attach_to: str | None = None) -> MediaObject:
    """Make an uploaded file available, and attach it if so asked. Idempotent.

    Call it outside a transaction. To attach a file to a row that is made in the same request,
    commit without `attach_to` first, and call `attachments.attach` in the transaction that makes
    the row.

    Args:
        user: who uploaded it.
        key: its key.
        attach_to: what of the application's it belongs to, such as `post:17`, as ATTACH_RESOLVER
            understands it.

    Raises:
        MediaNotFound: this user uploaded no such file.
        MediaGone: it was removed.
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
        identity = _identity(media.worker_user, media.tenant)
        stored = worker(conf.current()).complete(identity, media.id)
        media = _record(media, stored)
    if media.status in LEFT:
        raise MediaGone
    if attach_to is not None:
        media = attachments.attach_by_name(user, key, attach_to)
    logger.info("media.commit.ok", extra=facts(media))
    return media


def commit_all(user: "AbstractBaseUser", keys: Sequence[str]) -> list[MediaObject]:
    """Make uploaded files available that belong together. Idempotent; outside a transaction.

    Each is committed whatever becomes of the others: what fails can be repeated, and what nothing
    is attached to goes by itself.

    Args:
        user: who uploaded them.
        keys: their keys.

    Returns:
        The files, in the order of their keys; each once.

    Raises:
        MediaCommitFailed: saying which of them cannot be used, and why.
        RuntimeError: there is a transaction around this call.
    """
    media: list[MediaObject] = []
    failures: dict[str, ShimError] = {}
    for key in dict.fromkeys(keys):
        try:
            media.append(commit(user, key))
        except ShimError as error:
            failures[key] = error
    if failures:
        failed = MediaCommitFailed(failures)
        logger.warning("media.commit.fail", extra={"user_id": user.pk, "code": failed.code})
        raise failed
    return media


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
        pending = MediaObject.objects.filter(pk=media.pk, status=Status.PENDING)
        is_ours = pending.update(
            status=Status.COMMITTED,
            file_name=stored.file_name,
            committed_at=now,
            updated_at=now,
        )
        media = MediaObject.objects.get(pk=media.pk)
        if is_ours:
            signals.media_committed.send(sender=MediaObject, media=media)
    return media


def _identity(user_id: str, tenant_id: str | None) -> Identity:
    """Return who is asking, if that can be said in a header and in a key."""
    if not conf.IDENTIFIER.fullmatch(user_id):
        raise NotConfigured("AUTH_USER_MODEL", "has ids that cannot be a part of a key")
    if tenant_id is not None and not conf.IDENTIFIER.fullmatch(tenant_id):
        raise NotConfigured("MEDIA_SHIM.TENANT", "gave an id that cannot be a part of a key")
    return Identity(user_id, tenant_id)


def facts(media: MediaObject) -> dict[str, object]:
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
