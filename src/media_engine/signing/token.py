"""The delivery token: a JWT that opens one file, one album or one set of files for a while.

A token is short-lived so that it need not be looked up: everything on the hot path is decided from
its text and the clock. What lives longer must carry a `jti`, by which it can be revoked.

Instants are NumericDates (RFC 7519 §2), in seconds. A fraction, which some clocks write, is cut
off, so that a token dies up to a second early and never late. `exp` has no leeway: its minter
chose it. `nbf` and `iat` are said by another machine's clock, and are forgiven `SKEW` seconds.
"""

import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from media_engine.errors import (
    TokenExpired,
    TokenMalformed,
    TokenNotYetValid,
    TokenRefused,
    TokenTtlTooLong,
)
from media_engine.signing import base64url, jwt
from media_engine.signing.keyring import Keyring

AUDIENCE: Final = "media"
SKEW: Final = 60
"""How far ahead the minter's clock may be, in seconds."""

LONGEST_LIFE: Final = 86_400 + SKEW
"""How long a token may live, in seconds."""

LONGEST_UNREVOCABLE_LIFE: Final = 3_600
"""How long a token without `jti` may live, in seconds."""

MOST_REMEMBERED: Final = 1024
"""How many tokens are remembered: 4 MiB, if all of them are as long as a token may be."""

LONGEST_TOLD: Final = 64
"""How much of an id in a token the log is told, in characters."""

_ALBUM: Final = re.compile(r"[tu](/[A-Za-z0-9_-]{1,64}){2}/a/[A-Za-z0-9_-]{1,64}/")

_LATEST: Final = 2**53 - 1
"""The last second that every JSON reader reads alike (RFC 8259 §6)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """What a token says. It opens exactly one of `key`, `pfx` and `set`.

    Attributes:
        exp: the second from which on it opens nothing.
        key: the key of the one object that it opens.
        pfx: the prefix of an album, with the slash at its end: it opens what is in there.
        set: the id of a set whose members the database knows.
        jti: the token's own id, by which it can be revoked; a set needs one.
        sub: the viewer, as an HMAC of their id.
        nbf: the second before which it opens nothing.
        iat: the second in which it was made.
        dl: the file name under which the file is to be saved.

    Raises:
        ValueError: it opens none or several, a prefix that is not an album, or a set without `jti`.
    """

    exp: int
    key: str | None = None
    pfx: str | None = None
    set: str | None = None
    jti: str | None = None
    sub: str | None = None
    nbf: int | None = None
    iat: int | None = None
    dl: str | None = None

    def __post_init__(self) -> None:
        if (self.key, self.pfx, self.set).count(None) != 2:
            raise ValueError("not one of key, pfx, set")
        if self.pfx is not None and not _ALBUM.fullmatch(self.pfx):
            raise ValueError("pfx is not an album")
        if self.set is not None and self.jti is None:
            raise ValueError("set without jti")

    def covers(self, key: str) -> bool:
        """Tell whether the token opens the object with this key, as far as its text can say.

        What a set holds is not in the token: a token for a set covers nothing here.
        """
        if self.pfx is not None:
            return key.startswith(self.pfx)
        return key == self.key

    def refused(self, refusal: TokenRefused) -> TokenRefused:
        """Return the refusal, which from now on tells the log whose token it was about."""
        told = {"jti": self.jti, "sub": self.sub}
        refusal.context = {name: value[:LONGEST_TOLD] for name, value in told.items() if value}
        return refusal


def pseudonym(user_id: str, keyring: Keyring) -> str:
    """Return what stands for a viewer in `sub`: 128 bits of an HMAC of their id, in base64url.

    What is signed in a JWT never begins with `viewer:`, so neither HMAC can serve as the other.
    """
    _, secret = keyring.signing
    return base64url.encode(hmac.digest(secret, f"viewer:{user_id}".encode(), "sha256")[:16])


def mint(claims: Claims, keyring: Keyring) -> str:
    """Return a token that says this, signed by the keyring's first key."""
    said = {name: getattr(claims, name) for name in _READERS}
    present = {name: value for name, value in said.items() if value is not None}
    return jwt.sign({"aud": AUDIENCE, **present}, keyring)


def verify(token: str, keyring: Keyring, now: int) -> Claims:
    """Return what a token says that one of the keys signed and that is alive.

    Whether it opens the file that was asked for is for `Claims.covers`.

    Args:
        token: the token's text.
        keyring: the keys that may have signed it.
        now: the time, in whole seconds since 1970.

    Raises:
        TokenMalformed: it is not a delivery token.
        TokenUnknownKey: it names a key that the keyring does not have.
        TokenBadSignature: the key that it names did not sign it.
        TokenExpired: `exp` has come.
        TokenNotYetValid: `nbf` or `iat` is still to come.
        TokenTtlTooLong: it lives too long, or too long for a token without `jti`.
    """
    claims = _signed(token, keyring)
    refusal = _untimely(claims, now)
    if refusal is not None:
        raise claims.refused(refusal)
    return claims


@lru_cache(maxsize=MOST_REMEMBERED)
def _signed(token: str, keyring: Keyring) -> Claims:
    """Return what a token says that one of the keys signed, dead or alive.

    Those seen last are remembered, because a player asks for a hundred ranges with one token and a
    page for a hundred pictures of an album. A refusal is not: nobody fills this with nonsense.
    """
    return _claims(jwt.verify(token, keyring))


def _claims(members: dict[str, object]) -> Claims:
    """Take the claims that are ours out of a payload and leave the others (RFC 7519 §4)."""
    if not _is_for_us(members.get("aud")):
        raise TokenMalformed("aud")
    if "exp" not in members:
        raise TokenMalformed("exp")
    said: dict[str, Any] = {}
    for name, value in members.items():
        reader = _READERS.get(name)
        if reader is not None:
            try:
                said[name] = reader(value)
            except ValueError:
                raise TokenMalformed(name) from None
    try:
        return Claims(**said)
    except ValueError as error:
        raise TokenMalformed(str(error)) from None


def _is_for_us(audience: object) -> bool:
    """RFC 7519 §4.1.3: one audience, or a list of them."""
    if isinstance(audience, list):
        return AUDIENCE in audience and all(isinstance(name, str) for name in audience)
    return audience == AUDIENCE


def _untimely(claims: Claims, now: int) -> TokenRefused | None:
    """Return why the token does not live now, or None if it does."""
    if now >= claims.exp:
        return TokenExpired()
    if claims.nbf is not None and claims.nbf > now + SKEW:
        return TokenNotYetValid("nbf")
    if claims.iat is not None and claims.iat > now + SKEW:
        return TokenNotYetValid("iat")
    born = now if claims.iat is None else min(now, claims.iat)
    if claims.exp - born > LONGEST_LIFE:
        return TokenTtlTooLong("exp")
    if claims.exp - born > LONGEST_UNREVOCABLE_LIFE and claims.jti is None:
        return TokenTtlTooLong("jti")
    return None


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("a claim is not a text")
    if not value.isascii():
        # JSON can escape half of a surrogate pair, and no header or log can hold one.
        value.encode("utf-8")
    return value


def _instant(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError("a claim is not an instant")
    if not 0 <= value <= _LATEST:
        raise ValueError("a claim is no instant of ours")
    return int(value)


_READERS: Final[Mapping[str, Callable[[object], Any]]] = {
    "key": _text,
    "pfx": _text,
    "set": _text,
    "exp": _instant,
    "jti": _text,
    "sub": _text,
    "nbf": _instant,
    "iat": _instant,
    "dl": _text,
}
"""Each claim of ours, and what reads its value."""
