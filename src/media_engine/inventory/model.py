"""What a shim is shown: its rows, and the objects that are its own or nobody's."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from media_engine.ports import ListedObject, SqlValue
from media_engine.uploads.model import NANOID_LENGTH, instant

Owner = Literal["self", "nobody"]

_NAME: Final = "[A-Za-z0-9_-]{1,64}"
_KEY: Final = re.compile(
    rf"(?P<owner>[tu]/{_NAME})/(?P<service>{_NAME})"
    rf"/(?:[0-9]{{4}}/(?:0[1-9]|1[0-2])|a/(?P<album>{_NAME}))"
    rf"/(?P<identifier>[A-Za-z0-9_-]{{{NANOID_LENGTH}}})\.(?P<extension>[a-z0-9]+)"
)


@dataclass(frozen=True, slots=True)
class KeyName:
    """What the key of a file says.

    Attributes:
        key: the key.
        owner: its first two segments, such as `t/acme`.
        service: which part of the application the file is for.
        album: the album that it belongs to, or None.
        identifier: its nanoid.
        extension: how its type's files end.
    """

    key: str
    owner: str
    service: str
    album: str | None
    identifier: str
    extension: str

    @classmethod
    def read(cls, key: str) -> "KeyName | None":
        """Take a key apart; None if no file can have it."""
        found = _KEY.fullmatch(key)
        return None if found is None else cls(key, **found.groupdict())

    @property
    def media_id(self) -> str:
        """The id of the file that has this key."""
        return f"media_{self.identifier}"

    @property
    def scope(self) -> str:
        """Whose file it is: `t:{tenantId}` or `u:{userId}`."""
        return self.owner.replace("/", ":")


@dataclass(frozen=True, slots=True)
class ManagedFile:
    """The row of a file, as far as it matters to the shim that manages it.

    Instants are milliseconds since 1970.
    """

    media_id: str
    key: str
    status: str
    visibility: str
    content_type: str
    file_size: int
    file_name: str
    etag: str | None
    sha256: str | None
    revision: int
    created_at: int
    uploaded_at: int | None
    updated_at: int

    @classmethod
    def from_row(cls, row: Mapping[str, SqlValue]) -> "ManagedFile":
        """Make a file of a row that has these columns."""
        uploaded_at = row["uploaded_at"]
        return cls(
            media_id=str(row["id"]),
            key=str(row["key"]),
            status=str(row["status"]),
            visibility=str(row["visibility"]),
            content_type=str(row["mime_type"]),
            file_size=int(row["file_size"] or 0),
            file_name=str(row["file_name"]),
            etag=None if row["etag"] is None else str(row["etag"]),
            sha256=None if row["sha256"] is None else str(row["sha256"]),
            revision=int(row["revision"] or 0),
            created_at=int(row["created_at"] or 0),
            uploaded_at=None if uploaded_at is None else int(uploaded_at),
            updated_at=int(row["updated_at"] or 0),
        )

    def to_wire(self) -> dict[str, object]:
        """Return the file as the API shows it to its shim."""
        return {
            "mediaId": self.media_id,
            "key": self.key,
            "status": self.status,
            "visibility": self.visibility,
            "contentType": self.content_type,
            "fileSize": self.file_size,
            "fileName": self.file_name,
            "etag": self.etag,
            "sha256": self.sha256,
            "revision": self.revision,
            "createdAt": instant(self.created_at),
            "uploadedAt": None if self.uploaded_at is None else instant(self.uploaded_at),
            "updatedAt": instant(self.updated_at),
        }


@dataclass(frozen=True, slots=True)
class OwnedObject:
    """An object of the bucket, and whether it is the shim's or nobody's.

    Attributes:
        listed: the object.
        owner: `self` if the shim manages the file of this key; `nobody` if no file has it.
    """

    listed: ListedObject
    owner: Owner

    def to_wire(self) -> dict[str, object]:
        """Return the object as the API shows it."""
        return {
            "key": self.listed.key,
            "fileSize": self.listed.size,
            "etag": self.listed.etag,
            "uploadedAt": instant(self.listed.uploaded_at),
            "gone": self.listed.tombstone,
            "owner": self.owner,
        }
