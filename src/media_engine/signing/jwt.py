"""A JSON Web Token (RFC 7519) in compact form (RFC 7515 §7.1), signed with HS256 by a known key.

What must be true, and why the order below is what it is:

1. Nothing is decoded from a token that is longer than any of ours.
2. The header is read first, because it names the key. Nothing else in it is believed: there is
   one algorithm, and a token that asks for another is refused rather than obeyed.
3. The payload is not even decoded before its signature has been compared.
4. A signature is compared as text, in constant time. Canonical base64url spells it in one way, so
   no character of a token can be changed and leave it valid.
"""

import hmac
import json
from functools import lru_cache
from typing import Final, NoReturn

from media_engine.errors import TokenBadSignature, TokenMalformed, TokenUnknownKey
from media_engine.signing import base64url
from media_engine.signing.keyring import Keyring

LONGEST: Final = 4096
"""How long a token may be, in characters."""

LONGEST_KID_TOLD: Final = 16
"""How long an unknown key's id may be to be told, in characters. Every key is longer."""

MOST_BRACKETS: Final = 64
"""How many brackets a segment may have, so that it is nested no deeper. Pyodide's JSON parser
recurses on the stack of the WebAssembly machine, and what overflows that ends the interpreter."""


def sign(members: dict[str, object], keyring: Keyring) -> str:
    """Return the token whose payload has these members, signed by the keyring's first key."""
    kid, secret = keyring.signing
    header = _segment({"alg": "HS256", "kid": kid, "typ": "JWT"})
    signing_input = f"{header}.{_segment(members)}"
    return f"{signing_input}.{signature(signing_input, secret)}"


def verify(token: str, keyring: Keyring) -> dict[str, object]:
    """Return the members of the payload of a token that a key of the keyring signed.

    Raises:
        TokenMalformed: it is no such token, or its payload is not one JSON object.
        TokenUnknownKey: the keyring has no key by the name that the token gives.
        TokenBadSignature: that key did not sign it.
    """
    if len(token) > LONGEST:
        raise TokenMalformed("length")
    segments = token.split(".")
    if len(segments) != 3 or not token.isascii():
        raise TokenMalformed("segments")
    header, payload, presented = segments
    kid = _kid(header)
    secret = keyring.get(kid)
    if secret is None:
        raise TokenUnknownKey(_told(kid))
    if not hmac.compare_digest(signature(f"{header}.{payload}", secret), presented):
        raise TokenBadSignature
    return _members(payload)


def signature(signing_input: str, secret: bytes) -> str:
    """Return the HS256 signature (RFC 7518 §3.2), as it stands in a token.

    Args:
        signing_input: the header and the payload as they stand there, with their period between.
        secret: the key's bytes.
    """
    return base64url.encode(hmac.digest(secret, signing_input.encode("ascii"), "sha256"))


@lru_cache(maxsize=32)
def _kid(header: str) -> str:
    """Return the key's id. Few headers are ever seen, so each is read once and remembered.

    `b64` would change what is signed (RFC 7797), and an extension that `crit` lists must be
    refused by whoever does not know it (RFC 7515 §4.1.11). None is known here.
    """
    members = _members(header)
    if members.get("alg") != "HS256":
        raise TokenMalformed("alg")
    for extension in ("crit", "b64"):
        if extension in members:
            raise TokenMalformed(extension)
    kid = members.get("kid")
    if not isinstance(kid, str):
        raise TokenMalformed("kid")
    return kid


def _told(kid: str) -> str:
    """Return what the log is told of an unknown key's id, which anybody can have written, in ASCII.

    Whoever signs may have put the key itself there, or a whole entry of the keyring.
    """
    return f"kid {kid!a}" if len(kid) <= LONGEST_KID_TOLD else f"a kid of {len(kid)} characters"


def _segment(members: dict[str, object]) -> str:
    text = json.dumps(members, ensure_ascii=False, separators=(",", ":"))
    return base64url.encode(text.encode("utf-8"))


def _members(segment: str) -> dict[str, object]:
    """Return the members of the JSON object that a segment holds."""
    try:
        text = base64url.decode(segment).decode("utf-8")
        if text.count("[") + text.count("{") > MOST_BRACKETS:
            raise TokenMalformed("brackets")
        members = _JSON.decode(text)
    except ValueError:
        raise TokenMalformed("json") from None
    if not isinstance(members, dict):
        raise TokenMalformed("json")
    return members


def _distinct(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Refuse a member that is there twice: two readers would believe two things (RFC 7519 §4)."""
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member is there twice")
    return members


def _refuse(constant: str) -> NoReturn:
    """Refuse NaN and the infinities, which Python reads and JSON does not have."""
    raise ValueError(f"{constant} is not JSON")


_JSON: Final = json.JSONDecoder(object_pairs_hook=_distinct, parse_constant=_refuse)
