"""Rows that were lost: what a shim says of them, and what the object says to that.

A key says whose file it is, its id and how its type's files end, so none of these is believed
against it. What the object says of itself, its length and its type, has to be what is declared; of
a file that nobody knows any more, a stray, the object is all there is to go by.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

from media_engine.errors import InvalidField, MissingFields
from media_engine.http.disposition import filename_of
from media_engine.inventory.model import KeyName
from media_engine.ports import ObjectInfo
from media_engine.uploads.model import (
    MEDIA_TYPES,
    UPLOAD_URL_LIFE_MS,
    Visibility,
    media_type,
    parse_content_type,
    parse_file_name,
    parse_file_size,
    parse_media_id,
    parse_name,
    parse_revision,
    parse_visibility,
)

MOST_ENTRIES: Final = 100
"""Each costs an operation of the store, one after the other."""

MOST_BYTES: Final = 5 * 2**40
"""How large R2 lets an object be. What a file may have today says nothing of one that is there."""

NOBODY_KNOWN: Final = "quarantine"
"""Who has uploaded a stray of which nobody knows that."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

Outcome = Literal["restored", "exists", "no_object", "gone", "mismatch"]


@dataclass(frozen=True, slots=True)
class Declaration:
    """What is said of a file besides what its key says. `created_at` is milliseconds since 1970."""

    visibility: Visibility
    file_name: str
    content_type: str
    file_size: int
    created_at: int


@dataclass(frozen=True, slots=True)
class LostFile:
    """A file whose row is to be made again.

    Attributes:
        name: its key, taken apart.
        uploaded_by: who has uploaded it.
        revision: the number of the last change to it.
        declared: what is said of it; None for a stray, of which nothing is known.
    """

    name: KeyName
    uploaded_by: str
    revision: int
    declared: Declaration | None

    @classmethod
    def parse(cls, fields: Mapping[str, object]) -> "LostFile":
        """Read one entry of `POST /managed/restore`.

        Raises:
            MissingFields: naming all that are missing.
            InvalidField: naming the first that is wrong.
        """
        stray = _flag("quarantine", fields.get("quarantine"))
        uploader = () if stray and fields.get("tenantId") is not None else ("userId",)
        declared = () if stray else ("fileName", "contentType", "fileSize", "createdAt")
        required = ("mediaId", "key", *uploader, *declared)
        missing = [name for name in required if fields.get(name) is None]
        if missing:
            raise MissingFields(missing)
        user_id = fields.get("userId")
        uploaded_by = NOBODY_KNOWN if user_id is None else parse_name("userId", user_id)
        name = _key_name(fields["key"], _owner(fields.get("tenantId"), uploaded_by))
        if parse_media_id(fields["mediaId"]) != name.media_id:
            raise InvalidField("mediaId", "is not the id of the file that has this key")
        revision = parse_revision(fields.get("revision"), least=0) or 0
        return cls(name, uploaded_by, revision, None if stray else _declaration(fields, name))

    def disagreement(self, stored: ObjectInfo) -> str | None:
        """Return the field in which the object is not what it should be; None if there is none.

        Args:
            stored: the object, by a HEAD.
        """
        known = MEDIA_TYPES.get(media_type(stored.content_type))
        size = stored.size if self.declared is None else self.declared.file_size
        if stored.size != size or size < 1:
            return "fileSize"
        # No two types end alike.
        if known is None or known.extension != self.name.extension:
            return "contentType"
        return None

    def row(self, stored: ObjectInfo, shim: str, now: int) -> dict[str, str | int | None]:
        """Return the columns of the file's row.

        Args:
            stored: the object, which agrees with what was declared.
            shim: who manages the file from now on.
            now: the time in milliseconds.
        """
        declared = self.declared or Declaration(
            visibility="private",
            file_name=filename_of(stored.content_disposition) or self._own_name(),
            content_type=media_type(stored.content_type),
            file_size=stored.size,
            created_at=stored.uploaded_at,
        )
        return {
            "id": self.name.media_id,
            "scope": self.name.scope,
            "key": self.name.key,
            "service_code": self.name.service,
            "album": self.name.album,
            "file_name": declared.file_name,
            "mime_type": declared.content_type,
            "file_size": declared.file_size,
            "status": "uploaded",
            "visibility": declared.visibility,
            "managed_by": shim,
            "uploaded_by": self.uploaded_by,
            "etag": stored.etag,
            # It was signed before the object was stored, and ends so long after that at the latest.
            "url_expires_at": stored.uploaded_at + UPLOAD_URL_LIFE_MS,
            "created_at": declared.created_at,
            "updated_at": now,
            "uploaded_at": stored.uploaded_at,
            "sha256": stored.sha256,
            "revision": self.revision,
        }

    def _own_name(self) -> str:
        return f"{self.name.identifier}.{self.name.extension}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of an entry.

    Attributes:
        name: the key of its file.
        outcome: what.
        status: of the file that is there, where one is.
        field: what the object contradicts, where it does.
    """

    name: KeyName
    outcome: Outcome
    status: str | None = None
    field: str | None = None

    def to_wire(self) -> dict[str, object]:
        """Return the verdict as the API shows it."""
        details = {"status": self.status, "field": self.field}
        return {
            "mediaId": self.name.media_id,
            "key": self.name.key,
            "verdict": self.outcome,
            **{name: value for name, value in details.items() if value is not None},
        }


def parse_lost(value: object) -> list[LostFile]:
    """Read the entries of `POST /managed/restore`.

    Raises:
        MissingFields: there are none, or one lacks something.
        InvalidField: or `UnsupportedMime`, `FileTooLarge`, naming the first field that is wrong
            with its entry, as in `files[3].key`.
    """
    if value is None:
        raise MissingFields(["files"])
    if not isinstance(value, list) or not 0 < len(value) <= MOST_ENTRIES:
        raise InvalidField("files", f"must be a list of 1 to {MOST_ENTRIES} files")
    lost: dict[str, LostFile] = {}
    for number, fields in enumerate(value):
        entry = _entry(f"files[{number}]", fields)
        if entry.name.identifier in lost:
            raise InvalidField(f"files[{number}].key", "is there twice")
        lost[entry.name.identifier] = entry
    return list(lost.values())


def _entry(place: str, fields: object) -> LostFile:
    if not isinstance(fields, dict):
        raise InvalidField(place, "must be an object")
    try:
        return LostFile.parse(fields)
    except MissingFields as error:
        raise MissingFields([f"{place}.{name}" for name in error.fields]) from None
    except InvalidField as error:
        raise type(error)(f"{place}.{error.field}", error.why) from None


def _flag(field: str, value: object) -> bool:
    if value is None:
        return False
    if not isinstance(value, bool):
        raise InvalidField(field, "must be true or false")
    return value


def _owner(tenant_id: object, user_id: str) -> str:
    return f"u/{user_id}" if tenant_id is None else f"t/{parse_name('tenantId', tenant_id)}"


def _key_name(value: object, owner: str) -> KeyName:
    name = KeyName.read(value) if isinstance(value, str) else None
    if name is None:
        raise InvalidField("key", "is not the key of a file")
    if name.owner != owner:
        raise InvalidField("key", f"must begin with {owner}/")
    return name


def _declaration(fields: Mapping[str, object], name: KeyName) -> Declaration:
    content_type = parse_content_type(fields["contentType"])
    if MEDIA_TYPES[content_type].extension != name.extension:
        raise InvalidField("key", f"must end as files of {content_type} do")
    return Declaration(
        visibility=parse_visibility(fields.get("visibility")),
        file_name=parse_file_name(fields["fileName"]),
        content_type=content_type,
        file_size=parse_file_size(fields["fileSize"], MOST_BYTES),
        created_at=_created_at(fields["createdAt"]),
    )


def _created_at(value: object) -> int:
    refusal = InvalidField("createdAt", "must be an instant since 1970, with its zone (ISO 8601)")
    try:
        moment = datetime.fromisoformat(value if isinstance(value, str) else "")
        # Of the last hours of the year 9999 some are beyond it in UTC.
        created_at = moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise refusal from None
    if moment.tzinfo is None or created_at < _EPOCH:
        raise refusal
    return (created_at - _EPOCH) // timedelta(milliseconds=1)
