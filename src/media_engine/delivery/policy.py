"""Who may have a file, and under which headers: facts to decisions, nothing else.

What was stored is never trusted past the list of types that can be uploaded: any other type is
served as a download of unknown bytes. Even a listed type is kept from acting as a page of this
origin by a Content-Security-Policy that lets it load nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from urllib.parse import unquote_to_bytes

from media_engine.errors import NoSuchKey, TokenKeyMismatch
from media_engine.http.conditional import http_date
from media_engine.http.cors import PUBLIC_HEADERS
from media_engine.http.disposition import content_disposition
from media_engine.ports import ObjectInfo
from media_engine.signing.keyring import Keyring
from media_engine.signing.token import Claims, verify
from media_engine.uploads.model import MEDIA_TYPES, media_type

MAX_KEY_BYTES: Final = 1024

UNKNOWN_TYPE: Final = "application/octet-stream"

NEVER_STORED: Final = "private, no-store"
FOR_EVER: Final = "public, max-age=31536000, immutable"
FOR_A_DAY: Final = "public, max-age=86400"
FOR_A_MOMENT: Final = "public, max-age=30"

_CACHE_CONTROL: Final[Mapping[str, str]] = {
    "image": FOR_EVER,
    "video": FOR_EVER,
    "document": FOR_A_DAY,
}

SANDBOX: Final = "default-src 'none'; sandbox"
_SECURITY_POLICY: Final[Mapping[str, str]] = {
    # A player that is opened as a page loads itself and styles itself.
    "video/mp4": "default-src 'none'; media-src 'self'; style-src 'unsafe-inline'",
    "video/webm": "default-src 'none'; media-src 'self'; style-src 'unsafe-inline'",
    "image/svg+xml": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox",
    # Browsers' PDF viewers do not run inside a sandbox.
    "application/pdf": "default-src 'none'",
}


@dataclass(frozen=True, slots=True)
class Grant:
    """The right to one file.

    Attributes:
        private: whether it was a token that opened it.
        download: the name under which it is to be saved, or None to show it.
        life: how many seconds the right has still to live; a public file's is not counted.
        confirmed: whether the database said for this very request that the file is there.
    """

    private: bool
    download: str | None = None
    life: int = 0
    confirmed: bool = False


PUBLIC: Final = Grant(private=False)
CONFIRMED: Final = Grant(private=False, confirmed=True)


def key_of(encoded: str, prefixes: tuple[str, ...]) -> str:
    """Return the key that a path names. It is decoded exactly once.

    Args:
        encoded: the path after `/m/`, percent-encoded.
        prefixes: what a key must begin with.

    Raises:
        NoSuchKey: no file can have that key.
    """
    if "%" in encoded:
        try:
            key = unquote_to_bytes(encoded).decode()
        except UnicodeDecodeError:
            raise NoSuchKey(reason="key is not UTF-8") from None
    else:
        key = encoded
    if not key.startswith(prefixes):
        raise NoSuchKey(reason="key has no allowed prefix")
    if not _well_formed(key):
        raise NoSuchKey(reason="key is not well formed")
    return key


def _well_formed(key: str) -> bool:
    if len(key) > MAX_KEY_BYTES or len(key.encode()) > MAX_KEY_BYTES:
        return False
    if not key.isprintable() or "\\" in key:
        return False
    return not any(segment in ("", ".", "..") for segment in key.split("/"))


def authorise(token: str, key: str, keyring: Keyring, now: int) -> Claims:
    """Return what a token says that opens this file, as far as its text can tell.

    What only the database can tell, of a token with `jti` or `set`, is left to be asked.

    Args:
        token: as it came.
        key: the file's key.
        keyring: the keys that tokens are signed with.
        now: the time in seconds since 1970.

    Raises:
        TokenRefused: one of its subclasses, each its own reason.
    """
    claims = verify(token, keyring, now)
    if claims.set is None and not claims.covers(key):
        raise claims.refused(TokenKeyMismatch())
    return claims


@dataclass(frozen=True, slots=True)
class PrivatePolicy:
    """What the settings say of private files.

    Attributes:
        resource_policy: their `Cross-Origin-Resource-Policy`.
        max_age: how long a browser may keep them, in seconds; 0 lets it keep nothing.
    """

    resource_policy: str
    max_age: int

    def cache_control(self, life: int) -> str:
        """Return the `Cache-Control` of a file whose token has so many seconds to live."""
        return f"private, max-age={min(self.max_age, life)}" if self.max_age else NEVER_STORED


def file_headers(info: ObjectInfo, grant: Grant, private: PrivatePolicy) -> dict[str, str]:
    """Return the headers that a file is served with, but for its length and range.

    Args:
        info: the file.
        grant: the right by which it is served.
        private: how private files are served.
    """
    stored_type = media_type(info.content_type)
    headers = dict(_type_headers(stored_type, grant.private))
    known = stored_type in MEDIA_TYPES
    headers["Content-Disposition"] = _disposition(info, grant, shown=known)
    headers["ETag"] = info.etag
    headers["Last-Modified"] = http_date(info.uploaded_at // 1000)
    if grant.private:
        headers["Cache-Control"] = private.cache_control(grant.life)
        headers["Cross-Origin-Resource-Policy"] = private.resource_policy
    return headers


@lru_cache(maxsize=64)
def _type_headers(stored_type: str, private: bool) -> Mapping[str, str]:
    """Return the headers that all files of a type have."""
    known = MEDIA_TYPES.get(stored_type)
    headers = {
        "Content-Type": stored_type if known else UNKNOWN_TYPE,
        "Content-Security-Policy": _SECURITY_POLICY.get(stored_type, SANDBOX),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Accept-Ranges": "bytes",
    }
    if not private:
        headers["Cache-Control"] = _CACHE_CONTROL[known.kind] if known else FOR_A_DAY
        headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        headers.update(PUBLIC_HEADERS)
    return headers


def _disposition(info: ObjectInfo, grant: Grant, *, shown: bool) -> str:
    if grant.download is not None:
        return content_disposition("attachment", grant.download)
    stored = info.content_disposition
    if not (stored.isascii() and stored.isprintable()):
        # Not of our making: what we sign is one line of ASCII. Nothing of it can be believed.
        stored = ""
    if shown:
        return stored or "inline"
    return "attachment" + stored[stored.index(";") :] if ";" in stored else "attachment"
