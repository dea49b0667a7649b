"""What the shim says of a file, as JSON. Names are camelCase; instants ISO 8601, UTC, with ms."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from media_shim.errors import ShimError

if TYPE_CHECKING:
    from media_shim.client import Opened, Presigned
    from media_shim.models import MediaObject
    from media_shim.tokens import DeliveryUrl


def instant(moment: datetime | None) -> str | None:
    """Return an instant as `2026-11-20T11:25:00.000Z`."""
    if moment is None:
        return None
    text = moment.astimezone(UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def upload(media: "MediaObject", presigned: "Presigned") -> dict[str, object]:
    """Return an upload that was issued: one PUT."""
    return {
        "mediaId": media.id,
        "key": media.key,
        "upload": {
            "method": presigned.method,
            "url": presigned.url,
            "headers": dict(presigned.headers),
            "expiresAt": presigned.expires_at,
        },
    }


def transfer(media: "MediaObject", opened: "Opened", public_url: str) -> dict[str, object]:
    """Return an upload in pieces: where any of the Worker's ways to send them begins.

    `headers` go with every request to a path under `url`; a client that sends no header begins
    every path with `tokenUrl` instead.
    """
    return {
        "mediaId": media.id,
        "key": media.key,
        "upload": {
            "url": public_url,
            "headers": {"authorization": f"Bearer {opened.token}"},
            "tokenUrl": opened.url,
            "tokenExpiresAt": opened.token_expires_at,
            "expiresAt": opened.expires_at,
        },
    }


def file(media: "MediaObject", delivery: "DeliveryUrl | None") -> dict[str, object]:
    """Return a committed file, with a URL for whoever asked; None where they may not see it."""
    return {
        "mediaId": media.id,
        "key": media.key,
        "kind": media.kind,
        "contentType": media.content_type,
        "bytes": media.bytes,
        "fileName": media.file_name,
        "visibility": media.visibility,
        "status": media.status,
        "attachedTo": media.attached_to,
        "createdAt": instant(media.created_at),
        "committedAt": instant(media.committed_at),
        **address(media.key, delivery),
    }


def address(key: str, delivery: "DeliveryUrl | None") -> dict[str, object]:
    """Return where a file can be loaded, and until when."""
    return {
        "key": key,
        "url": None if delivery is None else delivery.url,
        "urlExpiresAt": None if delivery is None else instant(delivery.expires_at),
    }


def outcome(key: str, outcome: "DeliveryUrl | ShimError") -> dict[str, object]:
    """Return one of several files that were asked for: where it is, or why it is not."""
    if isinstance(outcome, ShimError):
        return {"key": key, "code": outcome.code}
    return address(key, outcome)
