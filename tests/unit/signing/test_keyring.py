import base64

import pytest

from media_engine.signing.keyring import Keyring, KeyringError

FIRST = bytes(range(32))
SECOND = bytes(range(100, 148))
DEVELOPMENT = b"development-only-media-token-key-1"


def encoded(key: bytes) -> str:
    return base64.urlsafe_b64encode(key).decode()


def test_the_first_key_signs_and_all_verify() -> None:
    keyring = Keyring.parse(f"k2:{encoded(SECOND)},k1:{encoded(FIRST)}")
    assert keyring.signing == ("k2", SECOND)
    assert keyring.get("k2") == SECOND
    assert keyring.get("k1") == FIRST
    assert keyring.get("k3") is None


def test_a_key_may_be_padded_or_not() -> None:
    padded = encoded(FIRST)
    assert padded.endswith("=")
    unpadded = padded.rstrip("=")
    assert Keyring.parse(f"k1:{padded}") == Keyring.parse(f"k1:{unpadded}")


def test_white_space_around_entries_is_no_part_of_them() -> None:
    assert Keyring.parse(f" k1:{encoded(FIRST)} ,\n k2:{encoded(SECOND)}\n").get("k2") == SECOND


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "has no keys"),
        (" \n", "has no keys"),
        ("k1", "entry 1 is none"),
        (f":{encoded(FIRST)}", "entry 1 is none"),
        (f"k 1:{encoded(FIRST)}", "entry 1 is none"),
        (f"k1\n:{encoded(FIRST)}", "entry 1 is none"),
        (f"{'k' * 65}:{encoded(FIRST)}", "entry 1 is none"),
        (f"k1:{encoded(FIRST)},", "entry 2 is none"),
        (f"k1:{encoded(FIRST)};k2:{encoded(SECOND)}", "not base64url, in entry 1"),
        ("k1:", "shorter than 32 bytes, in entry 1"),
        (f"k1:{encoded(FIRST)},k2:{encoded(SECOND[:31])}", "shorter than 32 bytes, in entry 2"),
        (f"k1:{encoded(FIRST)},k1:{encoded(SECOND)}", "entry 2 twice"),
        (f"k1:{base64.b64encode(b'~' * 40).decode()}", "not base64url, in entry 1"),
        (f"k1:{encoded(FIRST)}=", "not base64url, in entry 1"),
        (f"k1:{encoded(FIRST)}====", "not base64url, in entry 1"),
        (f"k1:{encoded(SECOND)}====", "not base64url, in entry 1"),
        (f"k1:{encoded(FIRST)[:-2]}H", "not base64url, in entry 1"),
        (f"k1:{encoded(FIRST)[:20]} {encoded(FIRST)[20:]}", "not base64url, in entry 1"),
        (f"k1:é{encoded(FIRST)}", "not base64url, in entry 1"),
    ],
)
def test_what_is_no_keyring_is_refused_with_the_place_of_what_is_wrong(text: str, why: str) -> None:
    with pytest.raises(KeyringError) as refused:
        Keyring.parse(text)
    assert str(refused.value).startswith(("has ", "must ", "uses "))
    assert why in str(refused.value)


def test_an_id_may_be_64_characters_long() -> None:
    assert Keyring.parse(f"{'k' * 64}:{encoded(FIRST)}").get("k" * 64) == FIRST


@pytest.mark.parametrize(
    "text", ["{key}", "{key}:k1", "k1:{key}!", "k1:ok,{key}", "k1:{key},k1:{key}", "k1,{key}"]
)
def test_no_error_shows_a_key(text: str) -> None:
    key = encoded(SECOND)
    with pytest.raises(KeyringError) as refused:
        Keyring.parse(text.format(key=key))
    assert key not in str(refused.value)
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__ or refused.value.__context__ is None


def test_no_repr_shows_a_key() -> None:
    keyring = Keyring.parse(f"k1:{encoded(DEVELOPMENT)}")
    assert encoded(DEVELOPMENT) not in repr(keyring)
    assert "development-only" not in repr(keyring)


def test_a_development_key_is_known_in_any_place() -> None:
    ours, published = encoded(FIRST), encoded(DEVELOPMENT)
    assert Keyring.parse(f"dev1:{published}").has_development_key
    assert Keyring.parse(f"k1:{ours},dev1:{published}").has_development_key
    assert not Keyring.parse(f"k1:{ours}").has_development_key


def test_an_empty_keyring_knows_no_key_and_cannot_sign() -> None:
    keyring = Keyring.empty()
    assert keyring.get("k1") is None
    assert not keyring.has_development_key
    with pytest.raises(KeyringError, match="has no keys"):
        _ = keyring.signing
