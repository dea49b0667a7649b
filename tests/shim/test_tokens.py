"""Delivery URLs, read by another implementation of JWT than the Worker's."""

from datetime import UTC, datetime
from typing import Any

import jwt
import pytest
from django.contrib.auth.models import User

from media_shim.models import MediaObject
from media_shim.tokens import DeliveryUrl, delivery_url
from tests.shim.conftest import SECRET, TOKEN_KEYS

NOW = datetime(2026, 11, 20, 11, 25, 0, 750_000, tzinfo=UTC)
KEY = "u/user_789/avatar/2026/04/aB3nR7kW.jpg"


def file(key: str = KEY, visibility: str = "private", delivered: str | None = None) -> MediaObject:
    return MediaObject(
        id="media_aB3nR7kW",
        key=key,
        visibility=visibility,
        delivered_visibility=delivered or visibility,
    )


def url(media: MediaObject, viewer: int = 1) -> DeliveryUrl:
    return delivery_url(media, User(pk=viewer), NOW)


def token(delivery: DeliveryUrl) -> str:
    return delivery.url.partition("?t=")[2]


def claims(delivery: DeliveryUrl) -> dict[str, Any]:
    return jwt.decode(
        token(delivery),
        SECRET,
        algorithms=["HS256"],
        audience="media",
        options={"verify_exp": False, "verify_iat": False},
    )


def test_a_private_url_is_signed_by_the_first_key_and_opens_one_file_for_ten_minutes() -> None:
    delivery = url(file())

    assert delivery.url.startswith(f"https://media.test/m/{KEY}?t=")
    assert jwt.get_unverified_header(token(delivery)) == {
        "alg": "HS256",
        "typ": "JWT",
        "kid": "k2",
    }
    said = claims(delivery)
    issued = int(NOW.timestamp())
    assert said.pop("sub")
    assert said == {"aud": "media", "key": KEY, "iat": issued, "exp": issued + 600}


def test_what_is_said_of_its_end_is_what_the_token_says() -> None:
    delivery = url(file())

    assert delivery.expires_at == datetime(2026, 11, 20, 11, 35, 0, tzinfo=UTC)
    assert claims(delivery)["exp"] == delivery.expires_at.timestamp()


@pytest.mark.parametrize("ttl", [1, 3540, "60"])
def test_the_life_of_a_url_is_a_setting(settings: Any, shim_settings: Any, ttl: object) -> None:
    settings.MEDIA_SHIM = shim_settings | {"TOKEN_TTL": ttl}

    said = claims(url(file()))

    assert said["exp"] - said["iat"] == int(str(ttl))


def test_a_public_url_has_no_token_and_no_end() -> None:
    assert url(file(visibility="public")) == DeliveryUrl(f"https://media.test/m/{KEY}", None)


@pytest.mark.parametrize(("wanted", "delivered"), [("public", "private"), ("private", "public")])
def test_while_a_change_is_on_its_way_a_url_opens_either_way(wanted: str, delivered: str) -> None:
    assert claims(url(file(visibility=wanted, delivered=delivered)))["key"] == KEY


def test_a_key_is_percent_encoded_segment_by_segment() -> None:
    delivery = url(file("u/1/app/a b+c%2F?#é.jpg", visibility="public"))

    assert delivery.url == "https://media.test/m/u/1/app/a%20b%2Bc%252F%3F%23%C3%A9.jpg"


def test_without_a_public_url_browsers_are_sent_to_the_worker(
    settings: Any, shim_settings: Any
) -> None:
    settings.MEDIA_SHIM = shim_settings | {"PUBLIC_URL": None, "WORKER_URL": "http://w.test:8787/"}

    assert url(file()).url.startswith("http://w.test:8787/m/u/")


def test_a_viewer_is_the_same_in_every_url_and_cannot_be_read_from_it() -> None:
    alice, again, bob = (claims(url(file(), viewer))["sub"] for viewer in (1, 1, 2))

    assert alice == again != bob
    assert len(alice) == 22


def test_who_does_not_have_the_key_cannot_guess_the_viewer(
    settings: Any, shim_settings: Any
) -> None:
    before = claims(url(file()))["sub"]
    settings.MEDIA_SHIM = shim_settings | {"TOKEN_KEYS": TOKEN_KEYS.replace("MDEy", "MDEz")}

    after = jwt.decode(token(url(file())), options={"verify_signature": False})["sub"]

    assert after != before


def test_a_url_does_not_show_in_a_repr() -> None:
    assert "?t=" not in repr(url(file()))
