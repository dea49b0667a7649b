"""Files that the application does not know: kept out of sight until a person decides.

A quarantined file is private in the Worker, and no URL of it is minted. It is released to a user,
for whom it is then a committed file that nothing uses, or deleted, through the outbox as any other.
"""

from datetime import datetime
from typing import TYPE_CHECKING

from django.db import transaction

from media_shim import outbox, signals
from media_shim.client import Identity
from media_shim.models import MediaObject, QuarantinedFile, Removal, Status
from media_shim.uploads import CONTENT_TYPES, Visibility

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

    from media_shim.client import MediaClient
    from media_shim.inventory import ManagedRow
    from media_shim.models import Found


def identity_of(key: str) -> Identity:
    """Return as whom the Worker is asked about a file of which the key is all that is known."""
    kind, owner, _ = key.split("/", 2)
    return Identity("media-reconcile", owner) if kind == "t" else Identity(owner, None)


def hold(client: "MediaClient", row: "ManagedRow", found: "Found", now: datetime) -> bool:
    """Make a file private and quarantine it, unless the application knows it by now. Idempotent.

    It is private before it is written down: what is interrupted in between is found again.

    Args:
        client: asks the Worker. Call this outside a transaction.
        row: the Worker's, of an uploaded file.
        found: how it was found.
        now: the time.

    Returns:
        Whether it is quarantined.

    Raises:
        WorkerRefused, WorkerUnavailable, NotConfigured: it is not.
    """
    if MediaObject.objects.filter(key=row.key).exists():
        return False
    identity = identity_of(row.key)
    # Above whatever a network may have held back of what was asked before.
    revision = max(outbox.least_revision(now), row.revision + 1)
    client.update(identity, row.media_id, Visibility.PRIVATE, revision)
    with transaction.atomic():
        if MediaObject.objects.filter(key=row.key).exists():
            return False
        QuarantinedFile.objects.update_or_create(
            key=row.key,
            defaults={"revision": revision},
            create_defaults={
                "media_id": row.media_id,
                "worker_user": identity.user_id,
                "tenant": identity.tenant_id,
                "content_type": row.content_type,
                "bytes": row.bytes,
                "file_name": row.file_name,
                "revision": revision,
                "found": found,
                "found_at": now,
            },
        )
    return True


def release(file: QuarantinedFile, user: "AbstractBaseUser", now: datetime) -> MediaObject:
    """Give a quarantined file to a user: private, committed now, attached to nothing.

    Unless it is attached within `UNATTACHED_TTL` it goes, as every file that nothing uses.

    Raises:
        ObjectDoesNotExist: somebody else has decided meanwhile.
    """
    with transaction.atomic():
        media = _known(file, owner=user, status=Status.COMMITTED, committed_at=now)
        signals.media_committed.send(sender=MediaObject, media=media)
    return media


def discard(file: QuarantinedFile, now: datetime) -> MediaObject:
    """Delete a quarantined file: its row is `removing` until the Worker has answered.

    Raises:
        ObjectDoesNotExist: somebody else has decided meanwhile.
    """
    with transaction.atomic():
        media = _known(file, status=Status.REMOVING, removal_reason=Removal.DELETED)
        media.revision = max(outbox.least_revision(now), media.revision + 1)
        media.save(update_fields=["revision"])
        outbox.tell_removal([media], now)
        signals.media_removing.send(sender=MediaObject, media=media)
    return media


def _known(file: QuarantinedFile, **fields: object) -> MediaObject:
    """Make a file of the application's of a quarantined one."""
    held = QuarantinedFile.objects.select_for_update().get(pk=file.pk)
    media = MediaObject.objects.create(
        id=held.media_id,
        key=held.key,
        worker_user=held.worker_user,
        tenant=held.tenant,
        kind=CONTENT_TYPES[held.content_type][0],
        content_type=held.content_type,
        bytes=held.bytes,
        file_name=held.file_name,
        visibility=Visibility.PRIVATE,
        delivered_visibility=Visibility.PRIVATE,
        revision=held.revision,
        **fields,
    )
    held.delete()
    return media
