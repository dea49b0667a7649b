"""Which page of an inventory is wanted. Pages are in the binary order of keys.

A page begins behind a key, not at a number: what comes or goes meanwhile moves nothing, and what
is there from the first page to the last is in one of them.
"""

from collections.abc import Sequence
from typing import Final

from media_engine.errors import InvalidField
from media_engine.ports import MOST_LISTED
from media_engine.signing import base64url

MOST_KEY_BYTES: Final = 1024
"""How long R2 lets a key be, in bytes of UTF-8."""

END_OF_KEYS: Final = "\U0010ffff"
"""Behind every key."""


def parse_limit(value: int | None) -> int:
    """Read a `limit`: how many entries a page has at most.

    Raises:
        InvalidField: it cannot be one.
    """
    if value is None:
        return MOST_LISTED
    if not 1 <= value <= MOST_LISTED:
        raise InvalidField("limit", f"must be 1 to {MOST_LISTED}")
    return value


def parse_prefix(value: str | None) -> str | None:
    """Read a `prefix`: what the keys begin with; None for all.

    Raises:
        InvalidField: it cannot be one, or does not say where it ends: `t/abc` would take
            `t/abcd/…` as well.
    """
    if value is not None and not value.endswith("/"):
        raise InvalidField("prefix", "must end in a slash, or it would take its neighbours too")
    return _key("prefix", value)


def parse_after(value: str | None) -> str | None:
    """Read an `after`: the key behind which the page begins.

    Raises:
        InvalidField: it cannot be one.
    """
    if value == "":
        raise InvalidField("after", "must not be empty")
    return _key("after", value)


def read_cursor(value: str | None) -> str | None:
    """Return the key that `write_cursor` has written; None for none.

    Raises:
        InvalidField: it has not.
    """
    if value is None:
        return None
    try:
        key = base64url.decode(value).decode()
    except ValueError:
        raise InvalidField("cursor", "is none that was given out") from None
    if not key:
        raise InvalidField("cursor", "is none that was given out")
    return _key("cursor", key)


def write_cursor(key: str | None) -> str | None:
    """Return what stands for the key behind which the next page begins."""
    return None if key is None else base64url.encode(key.encode())


def behind(prefix: str) -> str:
    """Return the first text behind all keys that begin with a prefix that ends in a slash."""
    return prefix[:-1] + chr(ord("/") + 1)


def narrowed(prefixes: Sequence[str], prefix: str | None) -> Sequence[str]:
    """Return the prefixes to go through, in their order; none of them is inside another.

    Args:
        prefixes: those that files have.
        prefix: the one that is wanted; None for all.

    Raises:
        InvalidField: it is in none of them.
    """
    if prefix is not None:
        if not prefix.startswith(tuple(prefixes)):
            raise InvalidField("prefix", f"must begin with one of {', '.join(prefixes)}")
        return [prefix]
    ordered: list[str] = []
    for one in sorted(prefixes):
        if not (ordered and one.startswith(ordered[-1])):
            ordered.append(one)
    return ordered


def _key(field: str, value: str | None) -> str | None:
    if value is not None and len(value.encode()) > MOST_KEY_BYTES:
        raise InvalidField(field, f"must have at most {MOST_KEY_BYTES} bytes")
    return value
