"""One parameter of a query, without parsing all of it."""

import re
from typing import Final
from urllib.parse import unquote_plus

from media_engine.errors import InvalidField

_DIGITS: Final = re.compile(r"[0-9]{1,16}")
"""More of them than these, no number has that JSON can carry."""


def first(query: str, name: str) -> str | None:
    """Return the first value of a parameter.

    Of a parameter that is given twice the first counts, here as in the browser's
    `URLSearchParams.get`, and the others are never looked at: nothing checks one and uses
    another. A parameter without `=` is not there, nor is one whose name is percent-encoded.

    Args:
        query: the query string without its question mark, still encoded.
        name: the parameter's name, of characters that no one encodes.

    Returns:
        The value, decoded once, with `+` for a space; None if the parameter is not there.
    """
    wanted = name + "="
    if query.startswith(wanted):
        start = len(wanted)
    else:
        at = query.find("&" + wanted)
        if at < 0:
            return None
        start = at + 1 + len(wanted)
    end = query.find("&", start)
    value = query[start:] if end < 0 else query[start:end]
    return unquote_plus(value) if "%" in value or "+" in value else value


def whole_number(query: str, name: str) -> int | None:
    """Return the first value of a parameter that is a whole number; None if it is not there.

    Raises:
        InvalidField: it is there and is none.
    """
    value = first(query, name)
    if value is None:
        return None
    if not _DIGITS.fullmatch(value):
        raise InvalidField(name, "must be a whole number")
    return int(value)
