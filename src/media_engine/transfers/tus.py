"""The headers of tus 1.0, as text and as what they mean: pure. Sections are the protocol's own.

https://tus.io/protocols/resumable-upload
"""

from binascii import Error as Base64Error
from binascii import a2b_base64, b2a_base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from media_engine.errors import InvalidField, MissingFields

VERSION: Final = "1.0.0"

EXTENSIONS: Final = (
    "creation,creation-with-upload,creation-defer-length,termination,expiration,checksum,"
    "concatenation"
)

ALGORITHMS: Final[Mapping[str, str]] = {"sha1": "SHA-1", "sha256": "SHA-256", "md5": "MD5"}
"""The hashes that may be used, and what the platform calls them. tus asks for sha1."""

DIGEST_BYTES: Final[Mapping[str, int]] = {"sha1": 20, "sha256": 32, "md5": 16}

BODY_TYPE: Final = "application/offset+octet-stream"

MOST_PIECES: Final = 100
"""How many partial uploads are joined at most."""


@dataclass(frozen=True, slots=True)
class Concat:
    """What `Upload-Concat` says.

    Attributes:
        pieces: the ids of the uploads that are joined; None where this is a piece itself.
    """

    pieces: tuple[str, ...] | None


def whole_number(name: str, text: str) -> int:
    """Read a header that is a length or an offset.

    Raises:
        InvalidField: it is none.
    """
    if not (text.isascii() and text.isdecimal() and len(text) < 16):
        raise InvalidField(name, "must be a number of bytes")
    return int(text)


def upload_length(length: str | None, deferred: str | None) -> int | None:
    """Return how long a new upload is; None where that is said later.

    Raises:
        MissingFields: neither is there.
        InvalidField: one cannot be used, or both are there.
    """
    if deferred is not None:
        if deferred != "1":
            raise InvalidField("Upload-Defer-Length", "must be 1")
        if length is not None:
            raise InvalidField("Upload-Length", "must not be beside Upload-Defer-Length")
        return None
    if length is None:
        raise MissingFields(["Upload-Length"])
    return whole_number("Upload-Length", length)


def parse_metadata(text: str | None) -> dict[str, str]:
    """Read `Upload-Metadata`: names and values in base64, with commas between.

    Raises:
        InvalidField: a name is there twice, or a value is no base64 of UTF-8.
    """
    values: dict[str, str] = {}
    for pair in (text or "").split(","):
        name, _, encoded = pair.strip().partition(" ")
        if not name:
            continue
        if name in values:
            raise InvalidField("Upload-Metadata", f"has {name[:64]} twice")
        try:
            values[name] = a2b_base64(encoded.strip(), strict_mode=True).decode("utf-8")
        except (Base64Error, ValueError):
            raise InvalidField("Upload-Metadata", f"has no base64 for {name[:64]}") from None
    return values


def parse_concat(text: str) -> Concat:
    """Read `Upload-Concat`: `partial`, or `final;` and the URLs of partial uploads.

    Raises:
        InvalidField: it is neither.
    """
    if text == "partial":
        return Concat(None)
    kind, _, urls = text.partition(";")
    pieces = tuple(url.rstrip("/").rpartition("/")[2] for url in urls.split())
    if kind != "final" or not 1 <= len(pieces) <= MOST_PIECES:
        raise InvalidField(
            "Upload-Concat", f"must be partial, or final; and 1 to {MOST_PIECES} URLs"
        )
    return Concat(pieces)


def parse_checksum(text: str) -> tuple[str, str]:
    """Read `Upload-Checksum`: an algorithm, and a hash in base64.

    Returns:
        What the platform calls the algorithm, and the hash in canonical base64.

    Raises:
        InvalidField: the algorithm is not known, or the hash is none of it.
    """
    name, _, encoded = text.partition(" ")
    if name not in ALGORITHMS:
        raise InvalidField("Upload-Checksum", f"must be by one of {', '.join(ALGORITHMS)}")
    try:
        digest = a2b_base64(encoded.strip(), strict_mode=True)
    except (Base64Error, ValueError):
        digest = b""
    if len(digest) != DIGEST_BYTES[name]:
        raise InvalidField("Upload-Checksum", "must have a hash in base64")
    return ALGORITHMS[name], b2a_base64(digest, newline=False).decode("ascii")
