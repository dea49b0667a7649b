"""What the API is asked, and what its answers mean."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_engine.purging import api
from media_engine.settings import PurgeSettings

ZONE = PurgeSettings("https://api.test/client/v4", "the-zone", "the-precious-token", 60, 30)
SUCCESS = b'{"success":true,"errors":[],"messages":[],"result":{"id":"the-zone"}}'


def failure(*codes: object) -> bytes:
    return json.dumps({"success": False, "errors": [{"code": code} for code in codes]}).encode()


def test_the_request_is_that_of_the_api() -> None:
    request = api.request(ZONE, ["m-a", "m-b"])
    assert request.method == "POST"
    assert request.url == "https://api.test/client/v4/zones/the-zone/purge_cache"
    assert request.headers["Authorization"] == "Bearer the-precious-token"
    assert request.headers["Content-Type"] == "application/json"
    assert json.loads(request.body) == {"tags": ["m-a", "m-b"]}


def test_a_request_that_is_shown_does_not_show_the_token() -> None:
    assert "precious" not in f"{api.request(ZONE, ['m-a'])!r} {ZONE!r}"


def test_a_success_is_no_refusal() -> None:
    assert api.refusal(200, SUCCESS, None) is None


@pytest.mark.parametrize(
    ("status", "content", "advice", "codes"),
    [
        (403, failure(10000), api.CREDENTIALS_ADVICE, (10000,)),
        (401, b"", api.CREDENTIALS_ADVICE, ()),
        (400, failure(6003), api.CREDENTIALS_ADVICE, (6003,)),
        (400, failure(9109, 7), api.CREDENTIALS_ADVICE, (9109, 7)),
        (404, failure(7003, 7000), api.ZONE_ADVICE, (7003, 7000)),
        (400, failure(7003), api.ZONE_ADVICE, (7003,)),
        (429, failure(10429), api.RATE_ADVICE, (10429,)),
        (429, b"slow down", api.RATE_ADVICE, ()),
        (500, failure(1016), api.UNCLEAR_ADVICE, (1016,)),
        (502, b"<html>Bad gateway</html>", api.UNCLEAR_ADVICE, ()),
        (302, b"", api.UNCLEAR_ADVICE, ()),
        (200, failure(1100, 1016), api.UNCLEAR_ADVICE, (1100, 1016)),
        (200, b"", api.UNCLEAR_ADVICE, ()),
        (200, b"null", api.UNCLEAR_ADVICE, ()),
        (200, b"[]", api.UNCLEAR_ADVICE, ()),
        (200, b'{"success":1}', api.UNCLEAR_ADVICE, ()),
        (200, b'{"success":"true"}', api.UNCLEAR_ADVICE, ()),
        (200, SUCCESS[:-1], api.UNCLEAR_ADVICE, ()),
        (200, b"[" * 16_000, api.UNCLEAR_ADVICE, ()),
        (200, b"\xff", api.UNCLEAR_ADVICE, ()),
        (500, SUCCESS, api.UNCLEAR_ADVICE, ()),
        (400, b'{"errors":{"code":10000}}', api.UNCLEAR_ADVICE, ()),
        (400, b'{"errors":[null,7,{"code":"10000"},{"code":true}]}', api.UNCLEAR_ADVICE, ()),
    ],
)
def test_what_is_refused_comes_with_advice(
    status: int, content: bytes, advice: str, codes: tuple[int, ...]
) -> None:
    refusal = api.refusal(status, content, None)
    assert refusal == api.Refusal(advice, status, codes)


@pytest.mark.parametrize(
    ("header", "wait"),
    [
        (None, 0), ("", 0), ("0", 0), ("7", 7), ("999999", 999_999), ("1000000", 0), ("-1", 0),
        ("1.5", 0), ("٣", 0), ("Fri, 20 Nov 2026 10:00:00 GMT", 0),
    ],
)  # fmt: skip
def test_the_api_says_how_long_it_wants_to_be_left_alone(header: str | None, wait: int) -> None:
    refusal = api.refusal(429, b"", header)
    assert refusal is not None
    assert refusal.wait == wait


@given(st.integers(100, 599), st.binary(max_size=200), st.none() | st.text(max_size=20))
def test_no_answer_is_too_strange(status: int, content: bytes, header: str | None) -> None:
    assert api.refusal(status, content, header) is not None
