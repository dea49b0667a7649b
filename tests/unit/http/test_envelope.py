import json

import pytest

from media_engine.errors import (
    InvalidField,
    MediaError,
    MediaNotFound,
    MethodNotAllowed,
    MissingFields,
    NotConfigured,
    RangeNotSatisfiable,
    Unforeseen,
)
from media_engine.http.envelope import error_response, json_response
from media_engine.http.message import Response

ENVELOPE_HEADERS = {
    "Content-Type": "application/json; charset=utf-8",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


def members(response: Response) -> object:
    assert isinstance(response.body, str)
    return json.loads(response.body)


def test_an_error_says_what_why_and_under_which_name_it_is_logged() -> None:
    response = error_response(MediaNotFound(reason="the row is another tenant's"), "8f2c-LHR")
    assert response.status == 404
    assert response.headers == {**ENVELOPE_HEADERS, "X-Request-Id": "8f2c-LHR"}
    assert response.body == (
        '{"error":"There is no such file.","code":"MEDIA_NOT_FOUND","status":404,'
        '"requestId":"8f2c-LHR"}'
    )


@pytest.mark.parametrize(
    ("error", "detail"),
    [
        (InvalidField("fileSize", "must be a whole number"), {"field": "fileSize"}),
        (MissingFields(["fileName", "service"]), {"fields": ["fileName", "service"]}),
        (NotConfigured("GATEWAY_KEYS", "is not set"), {"setting": "GATEWAY_KEYS"}),
    ],
)
def test_an_error_names_what_it_is_about(error: MediaError, detail: dict[str, object]) -> None:
    assert members(error_response(error, "r")) == {
        "error": error.message,
        "code": error.code,
        "status": error.status,
        "requestId": "r",
        **detail,
    }


def test_an_error_brings_its_own_headers() -> None:
    assert error_response(MethodNotAllowed(["GET", "HEAD"]), "r").headers["Allow"] == "GET, HEAD"
    outside = error_response(RangeNotSatisfiable(1000), "r")
    assert outside.headers["Content-Range"] == "bytes */1000"
    assert outside.headers["Cache-Control"] == "no-store"


def test_what_nobody_foresaw_tells_nothing() -> None:
    response = error_response(Unforeseen(), "8f2c-LHR")
    assert response.status == 500
    assert response.headers == {**ENVELOPE_HEADERS, "X-Request-Id": "8f2c-LHR"}
    assert members(response) == {
        "error": "Something went wrong here.",
        "code": "INTERNAL_ERROR",
        "status": 500,
        "requestId": "8f2c-LHR",
    }


def test_data_is_sent_compactly_and_never_cached() -> None:
    response = json_response(201, {"mediaId": "media_a", "sizes": [1, 2], "album": None})
    assert response.status == 201
    assert response.headers == ENVELOPE_HEADERS
    assert response.body == '{"mediaId":"media_a","sizes":[1,2],"album":null}'


def test_data_names_its_request_where_it_is_known() -> None:
    assert json_response(200, {}, "8f2c-LHR").headers["X-Request-Id"] == "8f2c-LHR"


def test_any_text_can_be_sent() -> None:
    text = "Ü \u2028 \ud800 \x00 </script>"
    response = json_response(200, {"fileName": text})
    assert isinstance(response.body, str)
    assert response.body.isascii()
    assert members(response) == {"fileName": text}


def test_a_number_that_json_has_not_is_not_sent() -> None:
    with pytest.raises(ValueError, match="JSON"):
        json_response(200, {"bytes": float("nan")})
