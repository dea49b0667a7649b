"""Tokens for a file, and tokens that only look like it, all of them made with PyJWT."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import jwt
from hypothesis import strategies as st

from tests.fuzz.file import File
from tests.fuzz.text import VISIBLE, once_in, spoiled

names = st.one_of(
    st.text(max_size=30),
    # As PyJWT writes them: halves of surrogate pairs are escaped, and so they are valid JSON.
    st.text(st.characters(categories=["Cs", "Cc", "Cf", "Zl", "Zp"]), min_size=1, max_size=8),
    st.sampled_from([
        'a"b.jpg', "a\r\nSet-Cookie: a=b.jpg", "a;b=c.jpg", "../../etc/passwd", "\u202egpj.exe",
        "a%0d%0ab", "CON", ".", "..", " ", "a" * 2000 + ".jpg", "😀" * 300, "\\", "a\x00.jpg",
        "=?utf-8?q?a?=", "'", "\ufeff", "\ud83d.jpg", "\udc00\ud800",
    ]),
)  # fmt: skip
"""File names that a token may ask for."""

_LIVES = (60, 3_600, 3_601, 86_460, 86_461, 1, 0, -1, -3_600, 10**12)
_VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=9),
    st.lists(st.text(max_size=3), max_size=3),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
    st.sampled_from([10**400, 2**53, 2**63, -1, 1e308, "media", ["media", 7], "", "*"]),
)
_CLAIMS = ("aud", "exp", "nbf", "iat", "key", "pfx", "set", "jti", "sub", "dl", "crit", "x")


@dataclass(frozen=True)
class Signer:
    """Who mints the tokens.

    Attributes:
        keys: the secrets of the Worker by their ids.
        now: the second from which lives are counted.
        set_id: the id of a set of files.
        members: the keys of the files in it.
        revoked: the ids of tokens that were taken back.
    """

    keys: Mapping[str, bytes]
    now: int
    set_id: str
    members: Collection[str]
    revoked: Collection[str]


@st.composite
def tokens(draw: st.DrawFn, key: str, files: Sequence[File], signer: Signer) -> str:
    """Return a token for the key, or one that looks like it."""
    life = draw(st.sampled_from(_LIVES)) if once_in(draw, 12) else 600
    said: dict[str, Any] = {"aud": "media", "exp": signer.now + life}
    opened = (
        draw(st.sampled_from(["another", "pfx", "set", "both"])) if once_in(draw, 12) else "key"
    )
    if opened in ("key", "both"):
        said["key"] = key
    if opened == "another":
        said["key"] = draw(st.sampled_from(files)).key
    if opened in ("pfx", "both"):
        said["pfx"] = key[: draw(st.sampled_from([key.rfind("/") + 1, 2, 7, len(key)]))]
    if opened == "set":
        said["set"] = draw(st.sampled_from([signer.set_id, "none"]))
        said["jti"] = "j1"
    for claim, value in (
        ("jti", st.sampled_from(["j1", *signer.revoked])),
        ("nbf", st.integers(signer.now - 90, signer.now + 90)),
        ("iat", st.integers(signer.now - 3_600, signer.now + 90)),
        ("dl", names),
    ):
        if once_in(draw, 12):
            said[claim] = draw(value)
    if once_in(draw, 12):
        said[draw(st.sampled_from(_CLAIMS))] = draw(_VALUES)

    kid, secret = draw(st.sampled_from(sorted(signer.keys.items())))
    header: dict[str, Any] = {"kid": kid}
    algorithm: str = "HS256"
    if not once_in(draw, 12):
        return jwt.encode(said, secret, algorithm="HS256", headers=header)
    forged = draw(st.sampled_from(["secret", "kid", "none", "HS512", "crit", "text"]))
    if forged == "secret":
        secret = b"another secret, as long as it has to be"
    elif forged == "kid":
        header["kid"] = draw(st.sampled_from(["", "k9", kid.upper(), kid + "\x00", "../" + kid]))
    elif forged == "none":
        algorithm = "none"
    elif forged == "HS512":
        algorithm, secret = forged, secret + bytes(64)
    elif forged == "crit":
        header |= draw(st.sampled_from([{"crit": ["x"], "x": 1}, {"typ": "?"}, {"x": "{"}]))
    token = jwt.encode(
        said, None if algorithm == "none" else secret, algorithm=algorithm, headers=header
    )
    return draw(spoiled(token, VISIBLE)) if forged == "text" else token


@st.composite
def queries(draw: st.DrawFn, key: str, files: Sequence[File], signer: Signer) -> str:
    """Return a query that brings a token, none, or several."""
    if once_in(draw, 6):
        return ""
    token = quote(draw(tokens(key, files, signer)), safe="")
    if not once_in(draw, 8):
        return f"t={token}"
    kind = draw(st.sampled_from(["junk", "twice", "long", "name"]))
    if kind == "junk":
        return "t=" + draw(st.text(VISIBLE.filter(lambda c: c not in "#&"), max_size=60))
    if kind == "twice":
        other = quote(draw(tokens(key, files, signer)), safe="")
        return draw(st.sampled_from([f"t={token}&t={other}", f"t=&t={token}", f"t&t={token}"]))
    if kind == "long":
        rest = draw(st.sampled_from(["a", "%", "&t=", "=", "%00", "+", "t=t&"])) * 2_500
        return draw(st.sampled_from([f"t={token}{rest}", f"{rest}&t={token}", f"t={rest}{token}"]))
    return draw(st.sampled_from(["T", "tt", "%74", "t[]", "t%00", "t;"])) + f"={token}"
