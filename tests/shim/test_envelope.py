"""What all endpoints have in common: sessions, methods, CSRF, caching, bugs."""

import json
from typing import Any

import pytest
from django.contrib.auth.models import User

from media_shim import services
from media_shim.testing.worker import FakeWorker
from tests.shim.conftest import PICTURE, Browser, Upload

POSTS = ["/api/media/sign-upload", "/api/media/commit"]
GETS = ["/api/media/url", "/api/media/refresh", "/m/u/1/app/x.jpg"]


@pytest.fixture(autouse=True)
def _debug(settings: Any) -> None:
    settings.DEBUG = True


@pytest.mark.parametrize("path", [*POSTS, *GETS])
def test_who_is_not_signed_in_is_told_so_and_not_led_to_a_page(
    nobody: Browser, double: FakeWorker, path: str
) -> None:
    response = nobody.send(path, PICTURE) if path in POSTS else nobody.get(path)

    assert response.status_code == 401
    error = response.json()
    assert error.keys() == {"error", "code", "status", "requestId"}
    assert (error["code"], error["status"]) == ("UNAUTHORIZED", 401)
    assert response["Cache-Control"] == "no-store"
    assert not double.calls


@pytest.mark.parametrize("path", [*POSTS, *GETS])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_a_method_that_is_not_there_is_answered_with_those_that_are(
    as_alice: Browser, path: str, method: str
) -> None:
    allowed = ["POST"] if path in POSTS else ["GET", "HEAD"]

    response = as_alice.generic(method, path)

    assert response["Cache-Control"] == "no-store"
    if method in allowed:
        assert response.status_code != 405
    else:
        assert response.status_code == 405
        assert response["Allow"] == ", ".join(allowed)
        assert method == "HEAD" or response.json()["code"] == "METHOD_NOT_ALLOWED"


@pytest.mark.parametrize("path", POSTS)
def test_a_post_without_a_csrf_token_is_refused_as_json(
    alice: User, double: FakeWorker, path: str
) -> None:
    response = Browser(alice, enforce_csrf_checks=True).send(path, PICTURE)

    assert (response.status_code, response.json()["code"]) == (403, "CSRF_FAILED")
    assert response["Cache-Control"] == "no-store"
    assert not double.calls


def test_a_post_with_the_pages_csrf_token_is_taken(alice: User) -> None:
    browser = Browser(alice, enforce_csrf_checks=True)
    browser.get("/api/session")
    token = browser.cookies["csrftoken"].value

    response = browser.send(POSTS[0], PICTURE, headers={"x-csrftoken": token})

    assert response.status_code == 201


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/jsonp",
        "",
    ],
)
def test_json_that_a_form_of_another_site_could_send_is_not_taken(
    alice: User, double: FakeWorker, path: str, content_type: str
) -> None:
    """Where a project checks no CSRF token, a browser's preflight is what keeps others out."""
    browser = Browser(alice, enforce_csrf_checks=True)
    browser.get("/api/session")
    token = browser.cookies["csrftoken"].value

    response = browser.post(
        path, json.dumps(PICTURE), content_type=content_type, headers={"x-csrftoken": token}
    )

    error = response.json()
    assert (response.status_code, error["code"]) == (400, "INVALID_FIELD")
    assert error["field"] == "content-type"
    assert not double.calls


def test_a_type_of_json_may_have_parameters(as_alice: Browser) -> None:
    response = as_alice.post(
        POSTS[0], json.dumps(PICTURE), content_type="Application/JSON; charset=utf-8"
    )

    assert response.status_code == 201


def test_what_led_to_a_request_that_was_forged_is_not_told_to_the_log(
    alice: User, caplog: pytest.LogCaptureFixture
) -> None:
    """Django says why it refused, and repeats the Referer: a URL, which can have a secret."""
    browser = Browser(alice, enforce_csrf_checks=True)

    browser.post(
        POSTS[0],
        PICTURE,
        content_type="application/json",
        secure=True,
        headers={"referer": "https://evil.test/reset?token=5ec3e7"},
    )

    (record,) = [record for record in caplog.records if record.name == "media_shim"]
    assert vars(record)["reason"] == "Referer checking failed"


def test_no_answer_may_be_cached(
    as_alice: Browser, alice: User, upload: Upload, committed: Upload
) -> None:
    key = {"key": committed(alice).key}
    answers = [
        as_alice.send("/api/media/sign-upload", PICTURE),
        as_alice.send("/api/media/commit", {"key": upload(alice).key}),
        as_alice.get("/api/media/url", key),
        as_alice.get("/api/media/refresh", key),
        as_alice.get(f"/m/{key['key']}"),
    ]

    assert [answer.status_code for answer in answers] == [201, 200, 200, 200, 302]
    assert {answer["Cache-Control"] for answer in answers} == {"no-store"}


def test_every_refusal_has_a_request_id_of_its_own(nobody: Browser) -> None:
    ids = {nobody.get("/api/media/url").json()["requestId"] for _ in range(3)}

    assert len(ids) == 3


def test_a_bug_is_counted_and_left_to_django(
    as_alice: Browser, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(services, "commit", lambda *_: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        as_alice.send("/api/media/commit", {"key": "k"})

    (record,) = [record for record in caplog.records if record.message == "media.commit.fail"]
    assert vars(record)["code"] == "INTERNAL_ERROR"
