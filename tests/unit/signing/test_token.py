import json
import re
from dataclasses import FrozenInstanceError, asdict
from pathlib import Path
from typing import Any

import jwt as pyjwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_engine.errors import TokenRefused
from media_engine.signing import base64url, jwt
from media_engine.signing.keyring import Keyring
from media_engine.signing.token import Claims, mint, pseudonym, verify

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "token.json").read_text("utf-8"))
KEYRING = Keyring.parse(VECTORS["keyring"])
NOW = int(VECTORS["now"])
ACCEPTED = [case for case in VECTORS["cases"] if "claims" in case]
REFUSED = [case for case in VECTORS["cases"] if "code" in case]
TIMELESS = [
    case
    for case in REFUSED
    if case["code"] in {"TOKEN_MALFORMED", "TOKEN_BAD_SIGNATURE", "TOKEN_UNKNOWN_KEY"}
]
READABLE = [case for case in VECTORS["cases"] if "header" in case and "payload" in case]

KEY = "t/acme/blog/2026/04/xK9mQ2pLxK9mQ2pLxK9mQ.webp"
ALBUM = "t/acme/blog/a/summer/"


def name(case: dict[str, Any]) -> str:
    return str(case["name"])


@pytest.mark.parametrize("case", ACCEPTED, ids=name)
def test_a_good_token_says_what_it_says(case: dict[str, Any]) -> None:
    assert verify(case["token"], KEYRING, NOW) == Claims(**case["claims"])


@pytest.mark.parametrize("case", REFUSED, ids=name)
def test_a_bad_token_is_refused_for_its_reason(case: dict[str, Any]) -> None:
    with pytest.raises(TokenRefused) as refused:
        verify(case["token"], KEYRING, NOW)
    assert refused.value.code == case["code"]


@pytest.mark.parametrize("case", TIMELESS, ids=name)
def test_a_token_that_was_never_good_is_not_called_expired(case: dict[str, Any]) -> None:
    with pytest.raises(TokenRefused) as refused:
        verify(case["token"], KEYRING, NOW + 10**9)
    assert refused.value.code == case["code"]


@pytest.mark.parametrize("case", READABLE, ids=name)
def test_a_vector_shows_what_its_token_holds(case: dict[str, Any]) -> None:
    header, payload, *_ = case["token"].split(".")
    assert base64url.decode(header).decode() == case["header"]
    assert base64url.decode(payload).decode() == case["payload"]


# What a JWT library of another make writes and reads is the proof that any can be used.

texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60)
names = st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True)
albums = st.builds("{}/{}/{}/a/{}/".format, st.sampled_from("tu"), names, names, names)


@st.composite
def claims_alive_now(draw: st.DrawFn) -> Claims:
    target = draw(st.sampled_from(["key", "pfx", "set"]))
    opened = draw({"key": texts, "pfx": albums, "set": texts}[target])
    jti = draw(texts if target == "set" else st.none() | texts)
    longest = 3_600 if jti is None else 86_460
    exp = draw(st.integers(NOW + 1, NOW + longest))
    return Claims(
        **{target: opened},
        exp=exp,
        jti=jti,
        sub=draw(st.none() | texts),
        nbf=draw(st.none() | st.integers(0, NOW + 60)),
        iat=draw(st.none() | st.integers(exp - longest, min(exp, NOW + 60))),
        dl=draw(st.none() | texts),
    )


def said(claims: Claims) -> dict[str, object]:
    return {claim: value for claim, value in asdict(claims).items() if value is not None}


@given(claims_alive_now(), st.sampled_from(["media", ["media"], ["app", "media"]]), st.booleans())
def test_what_pyjwt_signs_we_verify(
    claims: Claims, audience: str | list[str], second_key: bool
) -> None:
    kid = "k2" if second_key else "dev1"
    token = pyjwt.encode(
        {**said(claims), "aud": audience},
        KEYRING.get(kid),
        algorithm="HS256",
        headers={"kid": kid},
    )
    assert verify(token, KEYRING, NOW) == claims


@given(claims_alive_now())
def test_what_we_sign_pyjwt_verifies(claims: Claims) -> None:
    payload = pyjwt.decode(
        mint(claims, KEYRING),
        KEYRING.signing[1],
        algorithms=["HS256"],
        audience="media",
        options={
            # PyJWT asks the machine's clock; these times are ours.
            "verify_exp": False,
            "verify_nbf": False,
            "verify_iat": False,
        },
    )
    assert payload == {**said(claims), "aud": "media"}


@given(claims_alive_now())
def test_what_we_sign_we_verify(claims: Claims) -> None:
    assert verify(mint(claims, KEYRING), KEYRING, NOW) == claims


json_values: st.SearchStrategy[object] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "aud": st.just("media") | json_values,
            "exp": st.just(NOW + 60) | json_values,
            **dict.fromkeys(("key", "pfx", "set", "jti", "sub", "nbf", "iat", "dl"), json_values),
        },
    )
)
def test_no_signed_payload_does_worse_than_be_refused(payload: dict[str, object]) -> None:
    try:
        claims = verify(sign(payload), KEYRING, NOW)
    except TokenRefused:
        return
    assert payload["aud"] == "media" or "media" in payload["aud"]  # type: ignore[operator]
    assert claims.exp > NOW


def sign(payload: dict[str, object], **header: object) -> str:
    """Return a token that says this, sensible or not."""
    signing_input = ".".join(
        base64url.encode(json.dumps(part).encode())
        for part in ({"alg": "HS256", "kid": "dev1", **header}, payload)
    )
    return f"{signing_input}.{jwt.signature(signing_input, KEYRING.signing[1])}"


GOOD: dict[str, object] = {"aud": "media", "key": KEY, "exp": NOW + 600}
NO_INSTANTS: list[object] = ["1764000600", -1, True, 2**53, [], float(2**60)]
NO_TEXTS: list[object] = ["", 7, None, [], "\ud800"]


@pytest.mark.parametrize(
    ("header", "claims", "reason"),
    [
        ({"alg": "none"}, {}, "alg"),
        ({"crit": ["exp"]}, {}, "crit"),
        ({"b64": False}, {}, "b64"),
        ({"kid": 7}, {}, "kid"),
        ({"kid": "k9"}, {}, "kid 'k9'"),
        ({"kid": "\ud800" + "x" * 15}, {}, "kid '\\ud800" + "x" * 15 + "'"),
        ({"kid": "x" * 17}, {}, "a kid of 17 characters"),
        ({"kid": VECTORS["keyring"]}, {}, f"a kid of {len(VECTORS['keyring'])} characters"),
        ({"x": [[[[]]]] * 30}, {}, "brackets"),
        ({}, {"x": [[[[]]]] * 30}, "brackets"),
        ({}, {"aud": "mail"}, "aud"),
        ({}, {"exp": None}, "exp"),
        *(({}, {claim: value}, claim)
          for claim in ("exp", "nbf", "iat")
          for value in NO_INSTANTS),
        *(({}, {claim: value}, claim)
          for claim in ("key", "pfx", "set", "jti", "sub", "dl")
          for value in NO_TEXTS),
        ({}, {"pfx": "t/acme/blog/a/summer/"}, "not one of key, pfx, set"),
        ({}, {"nbf": NOW + 61}, "nbf"),
        ({}, {"iat": NOW + 61}, "iat"),
        ({}, {"exp": NOW + 3_601}, "jti"),
        ({}, {"exp": NOW + 86_461, "jti": "tok_1"}, "exp"),
    ],
)  # fmt: skip
def test_a_refusal_says_what_was_wrong_with_which_part(
    header: dict[str, object], claims: dict[str, object], reason: str
) -> None:
    with pytest.raises(TokenRefused) as refused:
        verify(sign({**GOOD, **claims}, **header), KEYRING, NOW)
    assert refused.value.reason == reason


def test_a_viewer_is_told_by_a_name_that_only_the_key_can_make() -> None:
    other = Keyring({"k9": b"x" * 32})
    names = {pseudonym(user, keys) for user in ("alice", "bob") for keys in (KEYRING, other)}
    assert len(names) == 4
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{22}", told) for told in names)
    assert pseudonym("alice", KEYRING) == pseudonym("alice", KEYRING)


def test_a_key_opens_itself_and_nothing_else() -> None:
    claims = Claims(exp=NOW, key=KEY)
    assert claims.covers(KEY)
    for other in (KEY[:-1], KEY + "x", KEY.upper(), KEY + "/x", "", "v/" + KEY + "/thumb.webp"):
        assert not claims.covers(other)


def test_an_album_opens_what_is_in_it_and_nothing_else() -> None:
    claims = Claims(exp=NOW, pfx=ALBUM)
    assert claims.covers(ALBUM + "xK9mQ2pLxK9mQ2pLxK9mQ.webp")
    for other in (
        ALBUM[:-1],
        "t/acme/blog/a/summer2/x.webp",
        "t/acme/blog/a/x.webp",
        "t/globex/blog/a/summer/x.webp",
        "v/" + ALBUM + "x.webp/thumb.webp",
        "",
    ):
        assert not claims.covers(other)


def test_a_set_opens_nothing_by_its_text() -> None:
    claims = Claims(exp=NOW, set="sh_1", jti="tok_1")
    assert not claims.covers("sh_1")
    assert not claims.covers(KEY)
    assert not claims.covers("")


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"key": KEY, "pfx": ALBUM},
        {"pfx": "t/acme/"},
        {"set": "sh_1"},
        {"key": KEY, "set": "sh_1", "jti": "tok_1"},
    ],
)
def test_claims_that_no_token_may_have_cannot_be_made(fields: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"pfx|jti"):
        Claims(exp=NOW, **fields)  # type: ignore[arg-type]


def test_claims_cannot_be_changed() -> None:
    claims = Claims(exp=NOW, key=KEY)
    with pytest.raises(FrozenInstanceError):
        claims.exp += 1  # type: ignore[misc]
