"""What a file is, and what may become one."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Final, Literal

from media_engine.errors import FileTooLarge, InvalidField, MissingFields, UnsupportedMime
from media_engine.http.disposition import clean_filename
from media_engine.ports import SqlValue
from media_engine.uploads.inspect import Facts

UPLOAD_URL_LIFE_MS: Final = 3_600_000
"""How long a presigned PUT opens, in milliseconds."""

LATE_PUT_MS: Final = 3_600_000
"""How long a PUT may go on that began while its URL was alive."""

NOTHING_KNOWN: Final = Facts()
"""Of a file into which nobody has looked yet."""

Visibility = Literal["private", "public"]


class Status(Enum):
    """Where a file is in its life.

    pending_upload → uploaded | rejected | expired; uploaded → deleting;
    rejected, expired, deleting → gone.
    """

    PENDING_UPLOAD = "pending_upload"
    UPLOADED = "uploaded"
    REJECTED = "rejected"
    EXPIRED = "expired"
    DELETING = "deleting"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class MediaType:
    """A type that can be uploaded.

    Attributes:
        kind: what limits apply: `image`, `video` or `document`.
        extension: the end of the key, whatever the client called its file.
    """

    kind: str
    extension: str


MEDIA_TYPES: Final[Mapping[str, MediaType]] = {
    "image/jpeg": MediaType("image", "jpg"),
    "image/png": MediaType("image", "png"),
    "image/webp": MediaType("image", "webp"),
    "image/gif": MediaType("image", "gif"),
    "image/svg+xml": MediaType("image", "svg"),
    "image/avif": MediaType("image", "avif"),
    "video/mp4": MediaType("video", "mp4"),
    "video/webm": MediaType("video", "webm"),
    "application/pdf": MediaType("document", "pdf"),
}

_SHA256 = re.compile(r"[0-9A-Fa-f]{64}")
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_ALPHABET: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
NANOID_LENGTH: Final = 21

MAX_REVISION: Final = 2**53 - 1
"""The greatest number that every JSON parser reads as it was written."""


def nanoid(entropy: bytes) -> str:
    """Return an id of nanoid's alphabet: a character for each byte, six bits of it used."""
    return "".join(_ALPHABET[byte & 63] for byte in entropy)


def media_type(content_type: str) -> str:
    """Return the type alone, in small letters: `image/PNG; q=1` is `image/png`."""
    return content_type.partition(";")[0].strip().lower()


@dataclass(frozen=True, slots=True)
class UploadRequest:
    """An upload that may be signed: every field was looked at.

    Attributes:
        file_name: what the client called it, cleaned.
        content_type: one of `MEDIA_TYPES`.
        file_size: its exact length in bytes.
        service: which part of the application it is for.
        album: the album it belongs to for ever, or None.
        visibility: whether its URL needs a token.
        sha256: of its bytes, in small hexadecimal letters, or None if it was not said.
    """

    file_name: str
    content_type: str
    file_size: int
    service: str
    album: str | None
    visibility: Visibility
    sha256: str | None = None

    @classmethod
    def parse(cls, fields: Mapping[str, object], max_bytes: Mapping[str, int]) -> "UploadRequest":
        """Read the fields of `POST /upload/presign`.

        Args:
            fields: as they came.
            max_bytes: the largest file of each kind, in bytes.

        Raises:
            MissingFields: naming all that are missing.
            InvalidField: or `UnsupportedMime`, `FileTooLarge`, naming the first that is wrong.
        """
        required = ("fileName", "contentType", "fileSize", "service")
        missing = [name for name in required if fields.get(name) is None]
        if missing:
            raise MissingFields(missing)
        content_type = parse_content_type(fields["contentType"])
        return cls(
            file_name=parse_file_name(fields["fileName"]),
            content_type=content_type,
            file_size=parse_file_size(
                fields["fileSize"], max_bytes[MEDIA_TYPES[content_type].kind]
            ),
            service=parse_name("service", fields["service"]),
            album=None if fields.get("album") is None else parse_name("album", fields["album"]),
            visibility=parse_visibility(fields.get("visibility")),
            sha256=_sha256(fields.get("sha256")),
        )

    def key(self, scope: str, identifier: str, now: int) -> str:
        """Return the key under which the file will be stored, for ever.

        Args:
            scope: whose file it is: `t:{tenantId}` or `u:{userId}`.
            identifier: its nanoid.
            now: the time in milliseconds.
        """
        if self.album is None:
            made = datetime.fromtimestamp(now / 1000, UTC)
            folder = f"{_owner(scope)}/{self.service}/{made:%Y/%m}/"
        else:
            folder = album_prefix(scope, self.service, self.album)
        return f"{folder}{identifier}.{MEDIA_TYPES[self.content_type].extension}"


def album_prefix(scope: str, service: str, album: str) -> str:
    """Return what the keys of an album's files begin with, and no others."""
    return f"{_owner(scope)}/{service}/a/{album}/"


def scope_of(key: str) -> str:
    """Return whose file has this key: `t:acme` has `t/acme/…`."""
    owner, _, rest = key.partition("/")
    return f"{owner}:{rest.partition('/')[0]}"


def _owner(scope: str) -> str:
    return scope.replace(":", "/", 1)


def parse_name(field: str, value: object) -> str:
    """Read the name of a service or of an album.

    Raises:
        InvalidField: it cannot be one.
    """
    if not (isinstance(value, str) and _NAME.fullmatch(value)):
        raise InvalidField(field, "must be 1 to 64 letters, digits, underscores or hyphens")
    return value


def parse_media_id(value: object) -> str:
    """Read a `mediaId`.

    Raises:
        MissingFields: there is none.
        InvalidField: it cannot be one.
    """
    if value is None:
        raise MissingFields(["mediaId"])
    if not (
        isinstance(value, str)
        and value.startswith("media_")
        and len(value) == len("media_") + NANOID_LENGTH
        and _NAME.fullmatch(value)
    ):
        raise InvalidField("mediaId", "is not the id of a file")
    return value


def parse_file_name(value: object) -> str:
    """Read a `fileName`; return it cleaned.

    Raises:
        InvalidField: it cannot be one.
    """
    if not isinstance(value, str):
        raise InvalidField("fileName", "must be a string")
    if not value.strip():
        raise InvalidField("fileName", "must not be empty")
    if len(value) > 1024:
        raise InvalidField("fileName", "must have at most 1,024 characters")
    return clean_filename(value)


def parse_content_type(value: object) -> str:
    """Read a `contentType`; return the type alone.

    Raises:
        InvalidField: it is no text.
        UnsupportedMime: it is none of `MEDIA_TYPES`.
    """
    if not isinstance(value, str):
        raise InvalidField("contentType", "must be a string")
    content_type = media_type(value)
    if content_type not in MEDIA_TYPES:
        raise UnsupportedMime("contentType", f"must be one of {', '.join(MEDIA_TYPES)}")
    return content_type


def parse_file_size(value: object, most: int) -> int:
    """Read a `fileSize`, of at most so many bytes.

    Raises:
        InvalidField: it cannot be one.
        FileTooLarge: it is larger.
    """
    if not isinstance(value, int) or isinstance(value, bool):
        raise InvalidField("fileSize", "must be a whole number of bytes")
    if value < 1:
        raise InvalidField("fileSize", "must be at least 1")
    if value > most:
        raise FileTooLarge("fileSize", f"must be at most {most} bytes for this type")
    return value


def parse_visibility(value: object) -> Visibility:
    """Read a `visibility`; what is not said is private.

    Raises:
        InvalidField: it cannot be one.
    """
    match value:
        case None | "private":
            return "private"
        case "public":
            return "public"
    raise InvalidField("visibility", "must be private or public")


def parse_revision(value: object, least: int = 1) -> int | None:
    """Read a `revision`; None where none was said.

    Args:
        value: as it came.
        least: the least that it can be: 0 is that of a file which was never changed.

    Raises:
        InvalidField: it cannot be one.
    """
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= MAX_REVISION:
        raise InvalidField("revision", f"must be a whole number from {least} to {MAX_REVISION}")
    return value


def _sha256(value: object) -> str | None:
    if value is None:
        return None
    if not (isinstance(value, str) and _SHA256.fullmatch(value)):
        raise InvalidField("sha256", "must be 64 hexadecimal digits")
    return value.lower()


@dataclass(frozen=True, slots=True)
class MediaFile:
    """A row of `media_files`. Instants are milliseconds since 1970.

    Attributes:
        managed_by: the shim that alone may delete it or change who sees it, or None.
        purge_due_at: since when caches are owed a purge of it, or None.
        sha256: of its bytes, in hexadecimal, as declared; verified once the file is uploaded.
        stored_sha256: what was found of a file that took long to hash, before it is uploaded.
        facts: what it says of itself, once it is uploaded.
        duplicate_of: the id of an older file of the scope that has the same bytes, where that was
            asked for.
    """

    id: str
    scope: str
    key: str
    service: str
    album: str | None
    file_name: str
    content_type: str
    file_size: int
    status: Status
    visibility: Visibility
    managed_by: str | None
    uploaded_by: str
    etag: str | None
    url_expires_at: int
    created_at: int
    uploaded_at: int | None
    purge_due_at: int | None = None
    sha256: str | None = None
    stored_sha256: str | None = None
    facts: Facts = NOTHING_KNOWN
    duplicate_of: str | None = None

    @classmethod
    def from_row(cls, row: Mapping[str, SqlValue]) -> "MediaFile":
        """Make a file of a row that has every column."""
        return cls(
            id=str(row["id"]),
            scope=str(row["scope"]),
            key=str(row["key"]),
            service=str(row["service_code"]),
            album=_optional_text(row["album"]),
            file_name=str(row["file_name"]),
            content_type=str(row["mime_type"]),
            file_size=int(row["file_size"] or 0),
            status=Status(row["status"]),
            visibility="public" if row["visibility"] == "public" else "private",
            managed_by=_optional_text(row["managed_by"]),
            uploaded_by=str(row["uploaded_by"]),
            etag=_optional_text(row["etag"]),
            url_expires_at=int(row["url_expires_at"] or 0),
            created_at=int(row["created_at"] or 0),
            uploaded_at=_optional_int(row["uploaded_at"]),
            purge_due_at=_optional_int(row["purge_due_at"]),
            sha256=_optional_text(row["sha256"]),
            stored_sha256=_optional_text(row["stored_sha256"]),
            facts=Facts(
                width=_optional_int(row["width"]),
                height=_optional_int(row["height"]),
                duration=_optional_int(row["duration_ms"]),
                codec=_optional_text(row["codec"]),
                animated=_optional_bool(row["animated"]),
                alpha=_optional_bool(row["alpha"]),
            ),
            duplicate_of=_optional_text(row.get("duplicate_of")),
        )

    def can_be_stored_again(self, now: int) -> bool:
        """Tell whether its upload URL, or a PUT that began with it, can still store under its key.

        Args:
            now: the time in milliseconds.
        """
        return now <= self.url_expires_at + LATE_PUT_MS

    def to_wire(self) -> dict[str, object]:
        """Return the file as the API shows it."""
        return {
            "mediaId": self.id,
            "key": self.key,
            "status": self.status.value,
            "fileName": self.file_name,
            "contentType": self.content_type,
            "fileSize": self.file_size,
            "service": self.service,
            "album": self.album,
            "visibility": self.visibility,
            "managedBy": self.managed_by,
            "etag": self.etag,
            "sha256": self.sha256,
            "width": self.facts.width,
            "height": self.facts.height,
            "durationMs": self.facts.duration,
            "codec": self.facts.codec,
            "animated": self.facts.animated,
            "alpha": self.facts.alpha,
            "createdAt": instant(self.created_at),
            "uploadedAt": None if self.uploaded_at is None else instant(self.uploaded_at),
        }

    def duplicate_to_wire(self) -> dict[str, object]:
        """Return what the answer says of a duplicate: nothing, where no hash was declared."""
        return {} if self.sha256 is None else {"duplicateOf": self.duplicate_of}


def _optional_text(value: SqlValue) -> str | None:
    return None if value is None else str(value)


def _optional_int(value: SqlValue) -> int | None:
    return None if value is None else int(value)


def _optional_bool(value: SqlValue) -> bool | None:
    return None if value is None else bool(value)


def instant(milliseconds: int) -> str:
    """Return an instant as the API writes it: ISO 8601, UTC, with milliseconds."""
    moment = datetime.fromtimestamp(milliseconds // 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{milliseconds % 1000:03d}Z"
