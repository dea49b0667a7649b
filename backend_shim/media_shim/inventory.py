"""What the Worker shows of its rows and its objects to the shim that manages them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class ManagedRow:
    """A row of the Worker's.

    Attributes:
        media_id: the file's id.
        key: where its bytes are.
        status: as the Worker calls it.
        visibility: who may see it.
        content_type: its type.
        bytes: its length.
        file_name: what it is called.
        etag: its object's, once that was found.
        revision: the number of the last change that the Worker heard of.
        changed_at: when the row was changed last.
    """

    media_id: str
    key: str
    status: str
    visibility: str
    content_type: str
    bytes: int
    file_name: str
    etag: str | None
    revision: int
    changed_at: datetime

    @classmethod
    def of(cls, members: Mapping[str, Any]) -> "ManagedRow":
        """Make a row of what the Worker shows.

        Raises:
            KeyError, TypeError, ValueError: it is none.
        """
        return cls(
            media_id=members["mediaId"],
            key=members["key"],
            status=members["status"],
            visibility=members["visibility"],
            content_type=members["contentType"],
            bytes=int(members["fileSize"]),
            file_name=members["fileName"],
            etag=members["etag"],
            revision=int(members["revision"]),
            changed_at=datetime.fromisoformat(members["updatedAt"]),
        )


@dataclass(frozen=True, slots=True)
class ListedObject:
    """An object of the store, which is the shim's or nobody's.

    Attributes:
        key: its name.
        bytes: its length.
        etag: changes with its bytes.
        is_tombstone: whether it only keeps the place of a file that is gone.
        is_owned: whether the Worker has a row of this shim's for it; else it has none at all.
        stored_at: when it was stored.
    """

    key: str
    bytes: int
    etag: str
    is_tombstone: bool
    is_owned: bool
    stored_at: datetime

    @classmethod
    def of(cls, members: Mapping[str, Any]) -> "ListedObject":
        """Make an object of what the Worker shows. Raises as `ManagedRow.of`."""
        return cls(
            key=members["key"],
            bytes=int(members["fileSize"]),
            etag=members["etag"],
            is_tombstone=bool(members["gone"]),
            is_owned=members["owner"] == "self",
            stored_at=datetime.fromisoformat(members["uploadedAt"]),
        )


@dataclass(frozen=True, slots=True)
class Page(Generic[_T]):
    """A page of a list.

    Attributes:
        entries: what is on it, in the binary order of keys. It can be empty and not the last.
        next: where the next page begins; None if this is the last one.
    """

    entries: Sequence[_T]
    next: str | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a row that was to be made again.

    Attributes:
        key: its file's.
        outcome: restored, exists, no_object, gone or mismatch.
        status: of the row that exists, where one does.
        field: what the object contradicts, where it does.
    """

    key: str
    outcome: str
    status: str | None
    field: str | None

    @classmethod
    def of(cls, members: Mapping[str, Any]) -> "Verdict":
        """Make a verdict of what the Worker says. Raises as `ManagedRow.of`."""
        return cls(members["key"], members["verdict"], members.get("status"), members.get("field"))
