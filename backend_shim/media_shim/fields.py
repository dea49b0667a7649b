"""Reads one field of a body or a query, or says what is wrong with it.

What comes out can be stored and sent: no lone surrogate, which UTF-8 cannot write, and no control
character, of which NUL is more than PostgreSQL can store.
"""

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Final

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest

from media_shim.conf import IDENTIFIER
from media_shim.errors import InvalidField, MissingFields

LONGEST_KEY: Final = 1024
"""Of a file's key, in bytes."""

IDEMPOTENCY_KEY: Final = re.compile(r"[\x21-\x7e]{1,255}")

_CONTROL_AND_SURROGATE: Final = ("Cc", "Cs")


def json_object(request: HttpRequest) -> dict[str, object]:
    """Return the members of the JSON object that the request's body is.

    `Content-Type: application/json` is required, because a browser sends it to another origin only
    after that origin has agreed: a form of another site's could be JSON by its text.

    Raises:
        InvalidField: it is none, or is not declared as one; the field is called `body`, or
            `content-type`.
    """
    if request.content_type != "application/json":
        raise InvalidField("content-type", "must be application/json")
    try:
        body = json.loads(request.body)
    except (ValueError, RecursionError):
        raise InvalidField("body", "must be JSON") from None
    except RequestDataTooBig:
        raise InvalidField("body", "is too long") from None
    if not isinstance(body, dict):
        raise InvalidField("body", "must be a JSON object")
    return body


def require(fields: Mapping[str, object], *names: str) -> None:
    """Refuse when one of these is not there.

    Raises:
        MissingFields: naming all that are missing.
    """
    missing = [name for name in names if fields.get(name) in (None, "")]
    if missing:
        raise MissingFields(missing)


def text(fields: Mapping[str, object], name: str, longest: int) -> str:
    """Return a text that is there, of at most so many characters.

    Raises:
        InvalidField: it is no such text.
    """
    value = fields[name]
    if not isinstance(value, str):
        raise InvalidField(name, "must be a string")
    if not value.strip():
        raise InvalidField(name, "must not be blank")
    if len(value) > longest:
        raise InvalidField(name, f"must have at most {longest} characters")
    if any(unicodedata.category(character) in _CONTROL_AND_SURROGATE for character in value):
        raise InvalidField(name, "must not have control characters")
    return value


def optional_text(fields: Mapping[str, object], name: str, longest: int) -> str | None:
    """Return a text, or None where there is none. Raises as `text` does."""
    return None if fields.get(name) is None else text(fields, name, longest)


def optional_identifier(fields: Mapping[str, object], name: str) -> str | None:
    """Return an identifier, or None where there is none.

    Raises:
        InvalidField: it is no identifier.
    """
    value = fields.get(name)
    if value is None:
        return None
    if not (isinstance(value, str) and IDENTIFIER.fullmatch(value)):
        raise InvalidField(name, "must be 1 to 64 letters, digits, underscores or hyphens")
    return value


def choice(
    fields: Mapping[str, object], name: str, choices: Sequence[str], default: str | None = None
) -> str:
    """Return one of the choices, or the default where the field is not there.

    Raises:
        InvalidField: it is none of them.
    """
    value = default if fields.get(name) is None else fields[name]
    if not (isinstance(value, str) and value in choices):
        raise InvalidField(name, f"must be {' or '.join(choices)}")
    return value


def idempotency_key(request: HttpRequest) -> str | None:
    """Return the request's `Idempotency-Key`, or None where it has none.

    Raises:
        InvalidField: it is not 1 to 255 printable ASCII characters without spaces.
    """
    value = request.headers.get("idempotency-key")
    if value is not None and not IDEMPOTENCY_KEY.fullmatch(value):
        raise InvalidField(
            "Idempotency-Key", "must be 1 to 255 printable characters without spaces"
        )
    return value


def key(fields: Mapping[str, object]) -> str:
    """Return the `key` of a file.

    Raises:
        MissingFields: there is none.
        InvalidField: it cannot be one.
    """
    require(fields, "key")
    value = text(fields, "key", LONGEST_KEY)
    if len(value.encode()) > LONGEST_KEY:
        raise InvalidField("key", f"must have at most {LONGEST_KEY} bytes")
    return value


def keys(fields: Mapping[str, object], most: int) -> list[str]:
    """Return the `keys` of one to so many files.

    Raises:
        MissingFields: there are none.
        InvalidField: they cannot be some.
    """
    require(fields, "keys")
    values = fields["keys"]
    if not isinstance(values, list) or not 0 < len(values) <= most:
        raise InvalidField("keys", f"must be a list of 1 to {most} keys")
    try:
        return [key({"key": value}) for value in values]
    except (MissingFields, InvalidField):
        raise InvalidField("keys", "must hold nothing but keys of files") from None
