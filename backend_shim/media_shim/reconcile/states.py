"""What a file can be in each of the three places, and what each says of it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class App(StrEnum):
    """In the application."""

    NONE = "none"
    QUARANTINED = "quarantined"
    PENDING = "pending"
    COMMITTED = "committed"
    TELLING = "telling"
    """Removed, and the outbox has still to tell the Worker."""
    LEAVING = "leaving"
    """Being removed, and nobody tells the Worker."""
    REMOVED = "removed"


class Row(StrEnum):
    """In the Worker's database."""

    NONE = "none"
    PENDING = "pending_upload"
    UPLOADED = "uploaded"
    REJECTED = "rejected"
    EXPIRED = "expired"
    DELETING = "deleting"
    GONE = "gone"


class Stored(StrEnum):
    """In the store."""

    NONE = "none"
    BYTES = "bytes"
    TOMBSTONE = "tombstone"


@dataclass(frozen=True, slots=True)
class AppFile:
    """What the application says of a file.

    Attributes:
        media_id: its id.
        key: where its bytes are.
        state: what it is.
        visibility: who may see it.
        delivered_visibility: what the Worker is known to have.
        is_changing: whether the outbox has still to tell the Worker of another visibility.
        content_type: its type.
        bytes: its length; None where nobody knows.
        file_name: what it is called.
        attached_to: what of the application's it belongs to.
        is_orphaned: whether that is a row with files that is not there any more.
        changed_at: when the application changed it last.
    """

    media_id: str
    key: str
    state: App
    visibility: str
    delivered_visibility: str
    is_changing: bool
    content_type: str
    bytes: int | None
    file_name: str
    attached_to: str | None
    is_orphaned: bool
    changed_at: datetime
