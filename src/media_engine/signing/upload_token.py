"""The upload token: a JWT that opens one upload for a while, and nothing else.

A browser holds it instead of an identity: the application's backend has asked for the upload in its
user's name, and hands the token on. It says which file may be filled, with what type and with how
many bytes, so that the Worker can refuse without looking anything up. Who uploads is not in it: a
JWT can be read, and the file's row knows.

    aud       media-upload; a delivery token is for `media` and opens no upload
    mediaId   the file
    scope     whose file it is: t:{tenantId} or u:{userId}
    type      its type
    bytes     its exact length, or else
    maxBytes  the most that it may have
    exp       at most an hour from now, and from `iat`

Instants are as in `token`: whole seconds, a fraction cut off.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from media_engine.errors import (
    TokenExpired,
    TokenMalformed,
    TokenNotYetValid,
    TokenTtlTooLong,
)
from media_engine.signing import jwt
from media_engine.signing.keyring import Keyring
from media_engine.signing.token import SKEW

AUDIENCE: Final = "media-upload"

LIFE: Final = 3_600
"""How long a token lives at most, in seconds."""

_MEDIA_ID: Final = re.compile(r"media_[A-Za-z0-9_-]{21}")
_SCOPE: Final = re.compile(r"[tu]:[A-Za-z0-9_-]{1,64}")
_TYPE: Final = re.compile(r"[a-z0-9.+-]{1,64}/[a-z0-9.+-]{1,64}")

_LATEST: Final = 2**53 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadClaims:
    """What an upload token says.

    Attributes:
        media_id: the file that it fills.
        scope: whose file that is.
        content_type: the file's type.
        length: the file's exact length in bytes; None where only its most is known.
        most: the most bytes that it may have; None where its length is known.
        exp: the second from which on it opens nothing.
        iat: the second in which it was made.

    Raises:
        ValueError: a claim cannot be what it says, or it has not one of `length` and `most`.
    """

    media_id: str
    scope: str
    content_type: str
    length: int | None = None
    most: int | None = None
    exp: int
    iat: int | None = None

    def __post_init__(self) -> None:
        for text, pattern in (
            (self.media_id, _MEDIA_ID),
            (self.scope, _SCOPE),
            (self.content_type, _TYPE),
        ):
            if not pattern.fullmatch(text):
                raise ValueError("a claim is not of its form")
        if (self.length, self.most).count(None) != 1:
            raise ValueError("not one of bytes, maxBytes")
        if self.length == 0 or self.most == 0:
            raise ValueError("no bytes")


def mint(claims: UploadClaims, keyring: Keyring) -> str:
    """Return a token that says this, signed by the keyring's first key."""
    said = {
        "mediaId": claims.media_id,
        "scope": claims.scope,
        "type": claims.content_type,
        "bytes": claims.length,
        "maxBytes": claims.most,
        "exp": claims.exp,
        "iat": claims.iat,
    }
    present = {name: value for name, value in said.items() if value is not None}
    return jwt.sign({"aud": AUDIENCE, **present}, keyring)


def verify(token: str, keyring: Keyring, now: int) -> UploadClaims:
    """Return what a token says that one of the keys signed and that is alive.

    Args:
        token: the token's text.
        keyring: the keys that may have signed it.
        now: the time, in whole seconds since 1970.

    Raises:
        TokenMalformed: it is not an upload token.
        TokenUnknownKey: it names a key that the keyring does not have.
        TokenBadSignature: the key that it names did not sign it.
        TokenExpired: `exp` has come.
        TokenNotYetValid: `iat` is still to come.
        TokenTtlTooLong: it lives longer than an hour.
    """
    members = jwt.verify(token, keyring)
    if members.get("aud") not in (AUDIENCE, [AUDIENCE]):
        raise TokenMalformed("aud")
    try:
        claims = UploadClaims(
            media_id=_text(members, "mediaId"),
            scope=_text(members, "scope"),
            content_type=_text(members, "type"),
            length=_number(members, "bytes"),
            most=_number(members, "maxBytes"),
            exp=_required(members, "exp"),
            iat=_number(members, "iat"),
        )
    except ValueError as error:
        raise TokenMalformed(str(error)) from None
    if now >= claims.exp:
        raise TokenExpired
    if claims.iat is not None and claims.iat > now + SKEW:
        raise TokenNotYetValid("iat")
    born = now if claims.iat is None else min(now, claims.iat)
    if claims.exp - born > LIFE + SKEW:
        raise TokenTtlTooLong("exp")
    return claims


def _text(members: Mapping[str, object], name: str) -> str:
    value = members.get(name)
    if not isinstance(value, str):
        raise ValueError(f"{name} is not a text")
    return value


def _number(members: Mapping[str, object], name: str) -> int | None:
    if name not in members:
        return None
    value = members[name]
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError(f"{name} is not a number")
    if not 0 <= value <= _LATEST:
        raise ValueError(f"{name} is no number of ours")
    return int(value)


def _required(members: Mapping[str, object], name: str) -> int:
    value = _number(members, name)
    if value is None:
        raise ValueError(f"{name} is missing")
    return value
