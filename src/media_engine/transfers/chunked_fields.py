"""What the chunked upload API calls things: the names that its clients were written for."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from media_engine.errors import InvalidField, MissingFields
from media_engine.uploads.model import MediaFile, instant

SERVICE: Final = "media"
"""Which part of the application a file is for, where the client does not say."""

FIELDS: Final[Mapping[str, str]] = {
    "file_name": "fileName",
    "content_type": "contentType",
    "file_size": "fileSize",
    "service": "service",
    "album": "album",
    "visibility": "visibility",
}
"""What this API calls the fields of a presign."""

MOST_VALUE: Final = 4_096
"""How long a value of a form may be, in bytes."""


def presign_fields(fields: Mapping[str, object]) -> dict[str, object]:
    """Return an upload's fields under the names that `POST /upload/presign` has for them."""
    ours = {name: fields[theirs] for theirs, name in FIELDS.items() if theirs in fields}
    return {"service": SERVICE, **{k: v for k, v in ours.items() if v is not None}}


@contextmanager
def their_names() -> Iterator[None]:
    """Name the fields of a refusal as this API does.

    Raises:
        MissingFields, InvalidField: what was refused, under its name here.
    """
    theirs = {ours: name for name, ours in FIELDS.items()}
    try:
        yield
    except MissingFields as error:
        raise MissingFields([theirs.get(name, name) for name in error.fields]) from None
    except InvalidField as error:
        if error.field not in theirs:
            raise
        why = error.message.removeprefix(error.field + " ").removesuffix(".")
        raise type(error)(theirs[error.field], why) from None


def media_fields(file: MediaFile) -> dict[str, object]:
    """Return a file as this API shows it."""
    return {
        "media_id": file.id,
        "file_path": file.key,
        "file_name": file.file_name,
        "content_type": file.content_type,
        "file_size": file.file_size,
        "status": file.status.value,
        "service": file.service,
        "album": file.album,
        "visibility": file.visibility,
        "created_at": instant(file.created_at),
        "uploaded_at": None if file.uploaded_at is None else instant(file.uploaded_at),
    }
