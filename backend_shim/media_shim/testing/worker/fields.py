"""What a request may say, and how it is refused where it says something else."""

import json
import re
from typing import Any, Final

import httpx

from media_shim.conf import IDENTIFIER
from media_shim.testing.worker.answers import Invalid, Missing
from media_shim.testing.worker.names import cleaned
from media_shim.uploads import CONTENT_TYPES, Kind, Visibility

LARGEST: Final = 10 * 1024 * 1024
LARGEST_VIDEO: Final = 500 * 1024 * 1024
"""How many bytes a file may have, by the Worker's defaults."""

LONGEST_BODY: Final = 64 * 1024
MAX_REVISION: Final = 2**53 - 1
LONGEST_NAME: Final = 1024

_MEDIA_ID: Final = re.compile(r"media_[A-Za-z0-9_-]{21}")
_DIGITS: Final = re.compile(r"[0-9]{1,16}")


def json_object(request: httpx.Request, longest: int = LONGEST_BODY) -> dict[str, Any]:
    """Return the body of a request, which must be a JSON object of at most so many bytes."""
    if len(request.content) > longest:
        raise Invalid("body", f"is longer than {longest} bytes", "FILE_TOO_LARGE")
    try:
        body = json.loads(request.content)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise Invalid("body", "must be a JSON object")
    return body


def whole_number(query: httpx.QueryParams, name: str) -> int | None:
    """Return a parameter that is a whole number; None if it is not there."""
    value = query.get(name)
    if value is None:
        return None
    if not _DIGITS.fullmatch(value):
        raise Invalid(name, "must be a whole number")
    return int(value)


def upload(body: dict[str, Any], size: str) -> None:
    """Look at the fields of an upload, whose size has this name. Refusals know it as fileSize."""
    wanted = {**body, "fileSize": body.get(size)}
    require(wanted, "fileName", "contentType", "fileSize", "service")
    content_type(wanted["contentType"])
    file_name(wanted["fileName"])
    is_video = CONTENT_TYPES[body["contentType"]][0] is Kind.VIDEO
    file_size(wanted["fileSize"], LARGEST_VIDEO if is_video else LARGEST)
    for name in ("service", "album"):
        if body.get(name) is not None:
            identifier(name, body[name])
    visibility(body.get("visibility"))


def require(body: dict[str, Any], *names: str) -> None:
    """Name all that are missing."""
    missing = [name for name in names if body.get(name) is None]
    if missing:
        raise Missing(*missing)


def identifier(name: str, value: object) -> str:
    """Return the name of a service, an album, a user or a tenant."""
    if not (isinstance(value, str) and IDENTIFIER.fullmatch(value)):
        raise Invalid(name, "must be 1 to 64 letters, digits, underscores or hyphens")
    return value


def media_id(value: object) -> str:
    if value is None:
        raise Missing("mediaId")
    if not (isinstance(value, str) and _MEDIA_ID.fullmatch(value)):
        raise Invalid("mediaId", "is not the id of a file")
    return value


def content_type(value: object) -> str:
    if not isinstance(value, str):
        raise Invalid("contentType", "must be a string")
    if value not in CONTENT_TYPES:
        raise Invalid("contentType", "is none that is taken", "UNSUPPORTED_MIME")
    return value


def file_name(value: object) -> str:
    """Return a name, cleaned."""
    if not isinstance(value, str):
        raise Invalid("fileName", "must be a string")
    if not value.strip():
        raise Invalid("fileName", "must not be empty")
    if len(value) > LONGEST_NAME:
        raise Invalid("fileName", f"must have at most {LONGEST_NAME} characters")
    return cleaned(value)


def file_size(value: object, most: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise Invalid("fileSize", "must be a whole number of at least 1")
    if value > most:
        raise Invalid("fileSize", f"must be at most {most} bytes for this type", "FILE_TOO_LARGE")
    return value


def visibility(value: object) -> str:
    """Return who is to see a file: what is not said is private."""
    if value is None:
        return str(Visibility.PRIVATE)
    if value not in Visibility.values:
        raise Invalid("visibility", "must be private or public")
    return str(value)


def revision(value: object, least: int = 1) -> int | None:
    """Return the number of a change; None where it has none."""
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= MAX_REVISION:
        raise Invalid("revision", f"must be a whole number from {least} to {MAX_REVISION}")
    return value
