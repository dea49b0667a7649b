import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_engine.errors import TokenMalformed, TokenRefused, TokenUnknownKey
from media_engine.signing import base64url, jwt
from media_engine.signing.keyring import Keyring

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "token.json").read_text("utf-8"))
KEYRING = Keyring.parse(VECTORS["keyring"])
TOKEN = jwt.sign({"aud": "media", "key": "u/user_789/avatar/2026/04/a.jpg"}, KEYRING)


@pytest.mark.parametrize("vector", VECTORS["signatures"], ids=lambda vector: vector["source"])
def test_a_signature_is_the_published_one(vector: dict[str, str]) -> None:
    secret = base64url.decode(vector["key"])
    assert jwt.signature(vector["signingInput"], secret) == vector["signature"]


def test_what_is_signed_is_verified() -> None:
    members: dict[str, object] = {"aud": "media", "sub": "größe", "n": [1, {"a": None}]}
    assert jwt.verify(jwt.sign(members, KEYRING), KEYRING) == members


def test_the_header_names_the_algorithm_the_first_key_and_the_type() -> None:
    header = json.loads(base64url.decode(TOKEN.partition(".")[0]))
    assert header == {"alg": "HS256", "kid": "dev1", "typ": "JWT"}


def test_a_text_takes_no_more_room_than_its_utf_8() -> None:
    payload = jwt.sign({"dl": "größe.jpg"}, KEYRING).split(".")[1]
    assert base64url.decode(payload).decode() == '{"dl":"größe.jpg"}'


@given(st.integers(0, len(TOKEN) - 1), st.characters())
def test_a_token_with_one_character_changed_is_refused(place: int, character: str) -> None:
    changed = TOKEN[:place] + character + TOKEN[place + 1 :]
    if changed == TOKEN:
        return
    with pytest.raises(TokenRefused):
        jwt.verify(changed, KEYRING)


@given(st.integers(0, len(TOKEN)), st.characters())
def test_a_token_with_one_character_more_is_refused(place: int, character: str) -> None:
    with pytest.raises(TokenRefused):
        jwt.verify(TOKEN[:place] + character + TOKEN[place:], KEYRING)


@given(st.integers(0, len(TOKEN) - 1))
def test_a_token_with_one_character_less_is_refused(place: int) -> None:
    with pytest.raises(TokenRefused):
        jwt.verify(TOKEN[:place] + TOKEN[place + 1 :], KEYRING)


@given(st.text() | st.from_regex(r"[A-Za-z0-9_=-]*\.[A-Za-z0-9_=-]*\.[A-Za-z0-9_=-]*"))
def test_no_text_does_worse_than_be_refused(text: str) -> None:
    with pytest.raises(TokenRefused):
        jwt.verify(text, KEYRING)


def test_a_header_that_was_refused_is_refused_again() -> None:
    header = base64url.encode(b'{"alg":"none","kid":"dev1"}')
    for _ in range(2):
        with pytest.raises(TokenMalformed) as refused:
            jwt.verify(f"{header}.e30.", KEYRING)
        assert refused.value.reason == "alg"


def test_a_key_that_was_taken_away_opens_nothing_any_more() -> None:
    jwt.verify(TOKEN, KEYRING)
    with pytest.raises(TokenRefused) as refused:
        jwt.verify(TOKEN, Keyring.empty())
    assert refused.value.code == "TOKEN_UNKNOWN_KEY"
    assert refused.value.reason == "kid 'dev1'"


@pytest.mark.parametrize("kid", ["\ud800", "a\nb", "é", "k" * 2000])
def test_a_strange_kid_is_no_trouble_to_the_log(kid: str) -> None:
    header = base64url.encode(json.dumps({"alg": "HS256", "kid": kid}).encode())
    with pytest.raises(TokenUnknownKey) as refused:
        jwt.verify(f"{header}.e30.", KEYRING)
    reason = str(refused.value.reason)
    assert reason.isascii()
    assert reason.isprintable()
    assert len(reason) < 100


def test_nothing_of_an_unsigned_payload_is_read() -> None:
    header, payload, _ = TOKEN.split(".")
    for unsigned in (payload, base64url.encode(b"[" * 1000), "%", ""):
        with pytest.raises(TokenRefused) as refused:
            jwt.verify(f"{header}.{unsigned}.{'A' * 43}", KEYRING)
        assert refused.value.code == "TOKEN_BAD_SIGNATURE"
