"""What may be uploaded, and what a browser asks for when it wants to upload."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from django.db.models import TextChoices

from media_shim import fields
from media_shim.errors import InvalidField, UnsupportedMime


class Kind(TextChoices):
    IMAGE = "image"
    VIDEO = "video"
    DOCUMENT = "document"


class Method(TextChoices):
    """How the bytes come: in one PUT, or in pieces as Uppy, tus or the chunked API send them."""

    PUT = "put"
    MULTIPART = "multipart"
    TUS = "tus"
    CHUNKED = "chunked"


class Visibility(TextChoices):
    PRIVATE = "private"
    PUBLIC = "public"


CONTENT_TYPES: Final[Mapping[str, tuple[Kind, str]]] = {
    "image/jpeg": (Kind.IMAGE, "jpg"),
    "image/png": (Kind.IMAGE, "png"),
    "image/webp": (Kind.IMAGE, "webp"),
    "image/gif": (Kind.IMAGE, "gif"),
    "image/svg+xml": (Kind.IMAGE, "svg"),
    "image/avif": (Kind.IMAGE, "avif"),
    "video/mp4": (Kind.VIDEO, "mp4"),
    "video/webm": (Kind.VIDEO, "webm"),
    "application/pdf": (Kind.DOCUMENT, "pdf"),
}
"""The types, with the kind that each belongs to and how the name of such a file ends."""

LONGEST_NAME: Final = 255
"""Of a file, in characters."""


@dataclass(frozen=True, slots=True)
class UploadWanted:
    """An upload that may be asked for: every field was looked at.

    How large a file may be is the Worker's to say, which knows its limits.

    Attributes:
        kind: image, video or document.
        content_type: one of `CONTENT_TYPES`, and of this kind.
        bytes: the file's exact length.
        file_name: what the user calls it.
        visibility: whether its URL needs a token.
        album: the album it belongs to for ever, or None.
        method: how its bytes come.
    """

    kind: Kind
    content_type: str
    bytes: int
    file_name: str
    visibility: Visibility
    album: str | None
    method: Method = Method.PUT

    @classmethod
    def parse(cls, body: Mapping[str, object]) -> "UploadWanted":
        """Read the body of `POST /api/media/sign-upload`.

        Raises:
            MissingFields: naming all that are missing.
            InvalidField: or `UnsupportedMime`, naming the first that is wrong.
        """
        fields.require(body, "kind", "contentType", "bytes")
        kind = Kind(fields.choice(body, "kind", Kind.values))
        content_type = _content_type(body, kind)
        return cls(
            kind=kind,
            content_type=content_type,
            bytes=_bytes(body),
            file_name=fields.optional_text(body, "fileName", LONGEST_NAME)
            or f"{kind}.{CONTENT_TYPES[content_type][1]}",
            visibility=Visibility(
                fields.choice(body, "visibility", Visibility.values, Visibility.PRIVATE)
            ),
            album=fields.optional_identifier(body, "album"),
            method=Method(fields.choice(body, "method", Method.values, Method.PUT)),
        )


def _content_type(body: Mapping[str, object], kind: Kind) -> str:
    """Return the type alone, in small letters, if it is of this kind: `image/PNG; q=1` is a PNG."""
    written = fields.text(body, "contentType", LONGEST_NAME)
    content_type = written.partition(";")[0].strip().lower()
    of_kind = [name for name, (its_kind, _) in CONTENT_TYPES.items() if its_kind is kind]
    if content_type not in of_kind:
        raise UnsupportedMime("contentType", f"must be, for this kind, {' or '.join(of_kind)}")
    return content_type


def _bytes(body: Mapping[str, object]) -> int:
    value = body["bytes"]
    if not isinstance(value, int) or isinstance(value, bool):
        raise InvalidField("bytes", "must be a whole number")
    if value < 1:
        raise InvalidField("bytes", "must be at least 1")
    return value
