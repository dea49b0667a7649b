import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_engine.signing import base64url

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


@given(st.binary())
def test_bytes_are_spelled_as_the_standard_library_does_without_its_padding(data: bytes) -> None:
    assert base64url.encode(data) == base64.urlsafe_b64encode(data).decode().rstrip("=")


@given(st.binary())
def test_what_is_encoded_decodes_to_itself(data: bytes) -> None:
    assert base64url.decode(base64url.encode(data)) == data


@given(st.text(alphabet=ALPHABET + "+/= \n."))
def test_only_one_text_decodes_to_given_bytes(text: str) -> None:
    try:
        data = base64url.decode(text)
    except ValueError:
        return
    assert base64url.encode(data) == text


@pytest.mark.parametrize(
    "text",
    [
        "A",
        "AA==",
        "AB",
        "AAB",
        "AAAAA",
        "+_AA",
        "/-AA",
        "AA AA",
        "AAAA\n",
        "ÀÀÀÀ",
        "AA\0AA",
        "\ud800",
    ],
)
def test_what_is_not_canonical_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        base64url.decode(text)
