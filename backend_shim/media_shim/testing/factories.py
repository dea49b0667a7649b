"""Files as an application's tests need them: made by the shim's own way, with the double behind."""

from typing import TYPE_CHECKING, Final, cast

import httpx
from django.utils import timezone

from media_shim import services
from media_shim.models import LEFT, MediaObject, Removal, Status
from media_shim.testing.samples import MP4, PDF, PNG
from media_shim.uploads import Kind, UploadWanted, Visibility

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

    from media_shim.client import Presigned

_SAMPLES: Final = {
    Kind.IMAGE: ("image/png", PNG),
    Kind.VIDEO: ("video/mp4", MP4),
    Kind.DOCUMENT: ("application/pdf", PDF),
}


def make_upload(
    owner: "AbstractBaseUser",
    *,
    kind: str = Kind.IMAGE,
    visibility: str = Visibility.PRIVATE,
    file_name: str | None = None,
) -> MediaObject:
    """Return a file that was signed and sent, and not committed yet.

    Args:
        owner: who uploads.
        kind: image, video or document; each is the smallest of its kind.
        visibility: private or public.
        file_name: what they call it; a name by its kind if None.
    """
    content_type, content = _SAMPLES[Kind(kind)]
    body = {
        "kind": kind,
        "contentType": content_type,
        "bytes": len(content),
        "visibility": visibility,
        "fileName": file_name,
    }
    media, issued = services.sign_upload(owner, UploadWanted.parse(body))
    presigned = cast("Presigned", issued)  # A small file comes in one PUT.
    stored = httpx.put(presigned.url, headers=presigned.headers, content=content)
    stored.raise_for_status()
    return media


def make_media(
    owner: "AbstractBaseUser",
    *,
    kind: str = Kind.IMAGE,
    visibility: str = Visibility.PRIVATE,
    attached_to: str | None = None,
    status: str = Status.COMMITTED,
    file_name: str | None = None,
) -> MediaObject:
    """Return a file in the state that a test begins with.

    Args:
        owner: whose it is.
        kind: image, video or document.
        visibility: private or public.
        attached_to: what of the application's it belongs to; nothing is asked whether it may.
        status: pending, committed, removing or removed; the Worker has the file in any case.
        file_name: what they call it; a name by its kind if None.
    """
    media = make_upload(owner, kind=kind, visibility=visibility, file_name=file_name)
    if status == Status.PENDING:
        return media
    media = services.commit(owner, media.key)
    media.status, media.attached_to = status, attached_to
    if status in LEFT:
        media.removal_reason = Removal.DELETED
    if status == Status.REMOVED:
        media.removed_at = timezone.now()
    media.save(update_fields=["status", "attached_to", "removal_reason", "removed_at"])
    return media
