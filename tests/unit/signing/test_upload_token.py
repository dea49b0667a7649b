"""Upload tokens, by vectors and beside PyJWT."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import jwt as pyjwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_engine.errors import TokenRefused
from media_engine.signing import token as delivery
from media_engine.signing.keyring import Keyring
from media_engine.signing.upload_token import AUDIENCE, UploadClaims, mint, verify

VECTORS = json.loads(
    (Path(__file__).parents[2] / "vectors" / "upload_token.json").read_text("utf-8")
)
KEYRING = Keyring.parse(VECTORS["keyring"])
NOW = VECTORS["now"]
NAMES = {"mediaId": "media_id", "type": "content_type", "bytes": "length", "maxBytes": "most"}


def said(claims: dict[str, Any]) -> UploadClaims:
    return UploadClaims(**{NAMES.get(name, name): value for name, value in claims.items()})


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: case["name"])
def test_a_token_is_accepted_or_refused_as_its_vector_says(case: dict[str, Any]) -> None:
    if "code" in case:
        with pytest.raises(TokenRefused) as refusal:
            verify(case["token"], KEYRING, NOW)
        assert refusal.value.code == case["code"]
    else:
        assert verify(case["token"], KEYRING, NOW) == said(case["claims"])


names = st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True)
sizes = st.integers(1, 5 * 1024**4)


@st.composite
def claims_alive_now(draw: st.DrawFn) -> UploadClaims:
    exact = draw(st.booleans())
    size = draw(sizes)
    exp = draw(st.integers(NOW + 1, NOW + 3600))
    return UploadClaims(
        media_id=draw(st.from_regex(r"media_[A-Za-z0-9_-]{21}", fullmatch=True)),
        scope=draw(st.sampled_from(["t:", "u:"])) + draw(names),
        content_type=draw(st.sampled_from(["image/jpeg", "image/svg+xml", "video/mp4"])),
        length=size if exact else None,
        most=None if exact else size,
        exp=exp,
        iat=draw(st.none() | st.integers(exp - 3660, NOW + 60)),
    )


@given(claims_alive_now())
def test_what_we_sign_we_verify_and_so_does_pyjwt(claims: UploadClaims) -> None:
    token = mint(claims, KEYRING)
    assert verify(token, KEYRING, NOW) == claims
    payload = pyjwt.decode(
        token,
        KEYRING.signing[1],
        algorithms=["HS256"],
        audience=AUDIENCE,
        options={"verify_exp": False, "verify_iat": False},
    )
    assert payload["mediaId"] == claims.media_id
    assert payload.get("bytes") == claims.length
    assert payload.get("maxBytes") == claims.most


@given(claims_alive_now())
def test_it_opens_no_file(claims: UploadClaims) -> None:
    with pytest.raises(TokenRefused):
        delivery.verify(mint(claims, KEYRING), KEYRING, NOW)


def test_a_delivery_token_opens_no_upload() -> None:
    token = delivery.mint(delivery.Claims(exp=NOW + 60, key="t/acme/x/1.jpg"), KEYRING)
    with pytest.raises(TokenRefused):
        verify(token, KEYRING, NOW)


@given(
    st.fixed_dictionaries(
        {"aud": st.just(AUDIENCE), "exp": st.just(NOW + 60)},
        optional=dict.fromkeys(
            ("mediaId", "scope", "type", "bytes", "maxBytes", "iat"),
            st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just([]),
        ),
    )
)
def test_no_signed_payload_does_worse_than_be_refused(payload: dict[str, object]) -> None:
    token = pyjwt.encode(
        payload, KEYRING.signing[1], algorithm="HS256", headers={"kid": KEYRING.signing[0]}
    )
    with pytest.raises(TokenRefused):
        verify(token, KEYRING, NOW)


def test_a_claim_that_cannot_be_is_not_signed() -> None:
    claims = said(VECTORS["cases"][0]["claims"])
    for wrong in ({"most": 5}, {"length": None}, {"length": 0}, {"scope": "acme"}):
        with pytest.raises(ValueError, match=r"."):
            replace(claims, **wrong)
