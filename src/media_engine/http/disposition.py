"""Content-Disposition: RFC 6266, with the encoding of RFC 8187.

A file name comes from whoever uploaded the file and ends in a header, on a disk and on a screen.
So nothing in it may end the header's line, name another directory, or change the direction in
which the rest of it is read ("gpj.exe" shown as "exe.jpg").
"""

import re
from typing import Final, Literal
from urllib.parse import quote, unquote

MAX_FILENAME_BYTES: Final = 255
"""What the file systems of our days allow, in bytes of UTF-8."""

_LONGEST_EXTENSION_BYTES: Final = 16

# Separators of paths; controls (C0, DEL, C1) and what separates lines and paragraphs; marks,
# embeddings and isolates of direction; invisible marks of no width or order; lone surrogates,
# which have no UTF-8.
_UNWANTED: Final = re.compile(
    r"[/\\"
    r"\x00-\x1f\x7f-\x9f\u2028\u2029"
    r"\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
    r"\u200b\ufeff\ufff9-\ufffb"
    r"\ud800-\udfff]"
)

# Outside of these a quoted-string would need an escape, which some browsers do not undo, or
# could be taken for percent-encoding, which some undo (RFC 6266, appendix D).
_NOT_PLAIN: Final = re.compile(r'[^ -~]|["\\%]')

_NAMED: Final = re.compile(r"; filename=\"([^\"]*)\"(?:; filename\*=UTF-8''(\S+))?")
"""The end of what `content_disposition` writes."""

_ATTR_CHARS: Final = "!#$&+^`|~"
"""RFC 8187's attr-char, besides the letters, digits and `-._~` that `quote` leaves alone."""


def content_disposition(kind: Literal["inline", "attachment"], filename: str) -> str:
    """Write a Content-Disposition.

    Args:
        kind: whether the browser is to show the file or to save it.
        filename: what it is to be called; it is cleaned first.

    Returns:
        The header's value, in printable ASCII: `filename` for everybody, and `filename*` beside
        it where that could not hold the name as it is.
    """
    name = clean_filename(filename)
    plain = _NOT_PLAIN.sub("_", name)
    if plain == name:
        return f'{kind}; filename="{name}"'
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe=_ATTR_CHARS)}"


def filename_of(disposition: str) -> str | None:
    """Return the name in a header that `content_disposition` has written.

    Args:
        disposition: the header's value; of one that somebody else wrote there may be no name.

    Returns:
        The name, cleaned; None if there is none.
    """
    found = _NAMED.search(disposition)
    if found is None:
        return None
    plain, encoded = found.groups()
    return clean_filename(plain if encoded is None else unquote(encoded))


def clean_filename(name: str) -> str:
    """Return the name without what a file name must not have; cleaning it again changes nothing.

    Separators, controls and marks of direction are left out, as are blanks and dots at both ends
    (a leading dot hides a file, a trailing one is dropped by Windows). A name that is too long
    loses the end of its stem and keeps its extension.

    Args:
        name: any text.

    Returns:
        At most `MAX_FILENAME_BYTES` bytes of UTF-8, never empty: "file" if nothing is left.
    """
    return _shorten(_UNWANTED.sub("", name).strip(" .")) or "file"


def _shorten(name: str) -> str:
    encoded = name.encode()
    if len(encoded) <= MAX_FILENAME_BYTES:
        return name
    _, dot, extension = name.rpartition(".")
    tail = (dot + extension).encode()
    if len(tail) > _LONGEST_EXTENSION_BYTES:
        tail = b""
    # A character that is cut in the middle goes altogether.
    head = encoded[: MAX_FILENAME_BYTES - len(tail)].decode(errors="ignore")
    return head.rstrip(" .") + tail.decode()
