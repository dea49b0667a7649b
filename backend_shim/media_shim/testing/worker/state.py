"""The two stores behind the Worker: its rows of files, and the objects."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import md5
from typing import Any, Final

from django.utils import timezone

URL_LIFE: Final = timedelta(hours=1)
"""How long a presigned PUT opens."""

LATE_PUT: Final = timedelta(hours=1)
"""How long a PUT may go on that began while its URL was alive."""

TRANSFER_LIFE: Final = timedelta(days=1)
"""How long an upload in pieces goes on."""


@dataclass
class File:
    """A row of the Worker's.

    Attributes:
        media_id: its id.
        scope: whose it is, `t:<tenant>` or `u:<user>`.
        key: where it is.
        fields: what was declared, by the names of the API.
        managed_by: the shim that alone may delete or change it, or None.
        created_at: since when it is there.
        url_expires_at: until when its bytes can come.
        updated_at: when it was changed last.
        upload_id: the id of its transfer, if it was opened and not presigned.
        status: as the Worker calls it.
        etag: its object's, once that was found.
        uploaded_at: when it was completed.
        revision: the number of the newest change that a shim told.
    """

    media_id: str
    scope: str
    key: str
    fields: dict[str, Any]
    managed_by: str | None
    created_at: datetime
    url_expires_at: datetime
    updated_at: datetime
    upload_id: str | None = None
    status: str = "pending_upload"
    etag: str | None = None
    uploaded_at: datetime | None = None
    revision: int = 0

    @property
    def is_exact(self) -> bool:
        """Whether its size was declared, and not only the most that it may have."""
        return self.fields.get("fileSize") is not None

    @property
    def most(self) -> int:
        """How many bytes it may have."""
        most: int = self.fields["fileSize" if self.is_exact else "maxFileSize"]
        return most

    @property
    def visibility(self) -> str:
        """Who sees it."""
        return str(self.fields.get("visibility") or "private")


@dataclass(frozen=True)
class StoredObject:
    """What is stored under a key.

    Attributes:
        key: the key.
        size: how many bytes there are.
        etag: changes with the bytes.
        content_type: the type that it was stored with; empty if with none.
        uploaded_at: when it was stored.
        begins: what the bytes begin with; None where it does not matter.
        file_name: what it was called when it was stored, or None.
        gone: whether it only keeps the place of a file that is gone.
    """

    key: str
    size: int
    etag: str
    content_type: str
    uploaded_at: datetime
    begins: bytes | None = None
    file_name: str | None = None
    gone: bool = False

    @classmethod
    def of(
        cls,
        key: str,
        content: bytes | int,
        content_type: str,
        at: datetime,
        file_name: str | None = None,
    ) -> "StoredObject":
        """Return the object that has these bytes, or so many of which it does not matter what."""
        if isinstance(content, int):
            etag = _etag(f"{content} bytes of {key}".encode())
            return cls(key, content, etag, content_type, at, None, file_name)
        etag, begins = _etag(content), content[:16]
        return cls(key, len(content), etag, content_type, at, begins, file_name)

    @classmethod
    def tombstone(cls, key: str, at: datetime) -> "StoredObject":
        """Return what keeps the place of a file that is gone."""
        return cls(key, 0, _etag(b""), "", at, b"", gone=True)


@dataclass
class Stores:
    """Both stores. The time is Django's, so that what moves that for the application moves this.

    Attributes:
        files: the rows, by id.
        objects: the objects, by key.
    """

    files: dict[str, File] = field(default_factory=dict)
    objects: dict[str, StoredObject] = field(default_factory=dict)

    def now(self) -> datetime:
        """Return the time, in the milliseconds that the Worker counts in."""
        now = timezone.now().astimezone(UTC)
        return now.replace(microsecond=now.microsecond // 1000 * 1000)

    def of_key(self, key: str) -> File:
        """Return the file that has this key.

        Raises:
            KeyError: there is none.
        """
        for file in self.files.values():
            if file.key == key:
                return file
        raise KeyError(key)

    def clear(self, file: File) -> bool:
        """Take a file's bytes away, and say whether nothing can be stored in their place.

        While its URL could store again a tombstone keeps the place.
        """
        now = self.now()
        if now <= file.url_expires_at + LATE_PUT:
            self.objects[file.key] = StoredObject.tombstone(file.key, now)
            return False
        self.objects.pop(file.key, None)
        return True


def _etag(content: bytes) -> str:
    return f'"{md5(content, usedforsecurity=False).hexdigest()}"'
