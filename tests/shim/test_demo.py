"""The demo: its users, its session, its gallery."""

import json
import logging
from datetime import timedelta
from io import StringIO

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.utils import timezone

from demo.log import JsonLines
from demo.models import Profile
from demo.views import GALLERY_SIZE
from media_shim.models import MediaObject, Status
from media_shim.testing.worker import FakeWorker
from tests.shim.conftest import PICTURE, Browser, Upload

SESSION = "/api/session"
GALLERY = "/api/gallery"


def make_users() -> str:
    output = StringIO()
    call_command("demo_users", stdout=output)
    return output.getvalue()


def sign_in(browser: Browser, name: str, password: str) -> tuple[int, dict[str, object]]:
    response = browser.send(SESSION, {"username": name, "password": password})
    return response.status_code, response.json()


def test_the_demos_users_are_made_once() -> None:
    assert make_users() == "alice of acme: made\nbob of globex: made\n"
    password = User.objects.get(username="alice").password
    Profile.objects.filter(user__username="bob").delete()

    assert make_users() == "alice of acme: there\nbob of globex: there\n"

    assert User.objects.get(username="alice").password == password
    assert set(Profile.objects.values_list("user__username", "tenant")) == {
        ("alice", "acme"),
        ("bob", "globex"),
    }


def test_a_user_signs_in_is_known_and_signs_out(nobody: Browser) -> None:
    make_users()
    assert nobody.get(SESSION).json() == {"user": None}

    status, answer = sign_in(nobody, "alice", "alice")

    pk = User.objects.get(username="alice").pk
    alice = {"id": pk, "username": "alice", "tenant": "acme", "gallery": f"gallery:{pk}"}
    assert (status, answer) == (200, {"user": alice})
    assert nobody.get(SESSION).json() == {"user": alice}
    assert nobody.delete(SESSION).json() == {"user": None}
    assert nobody.get(SESSION).json() == {"user": None}


@pytest.mark.parametrize(("name", "password"), [("alice", "bob"), ("carol", "carol")])
def test_wrong_credentials_are_refused_alike(nobody: Browser, name: str, password: str) -> None:
    make_users()

    status, answer = sign_in(nobody, name, password)

    assert (status, answer["code"]) == (401, "CREDENTIALS_REFUSED")
    assert nobody.get(SESSION).json() == {"user": None}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "MISSING_FIELDS"),
        ({"username": "alice"}, "MISSING_FIELDS"),
        ({"username": "alice", "password": ""}, "MISSING_FIELDS"),
        ({"username": 7, "password": "alice"}, "INVALID_FIELD"),
        ({"username": "alice", "password": ["alice"]}, "INVALID_FIELD"),
        ({"username": "a\x00", "password": "alice"}, "INVALID_FIELD"),
        ({"username": "alice", "password": "x" * 151}, "INVALID_FIELD"),
    ],
)
def test_credentials_that_are_none_are_named(
    nobody: Browser, body: dict[str, object], code: str
) -> None:
    response = nobody.send(SESSION, body)

    assert (response.status_code, response.json()["code"]) == (400, code)


def test_signing_in_needs_the_token_that_asking_for_the_session_gives() -> None:
    make_users()
    browser = Browser(enforce_csrf_checks=True)
    assert sign_in(browser, "alice", "alice")[0] == 403

    browser.get(SESSION)
    cookie = browser.cookies["csrftoken"]

    assert not cookie["httponly"]
    body = {"username": "alice", "password": "alice"}
    response = browser.send(SESSION, body, headers={"x-csrftoken": cookie.value})
    assert response.status_code == 200


def test_the_gallery_shows_the_users_own_committed_files_newest_first(
    as_alice: Browser, alice: User, bob: User, upload: Upload, committed: Upload
) -> None:
    older, newer = committed(alice), committed(alice, visibility="public")
    MediaObject.objects.filter(pk=older.pk).update(created_at=timezone.now() - timedelta(days=1))
    upload(alice)
    committed(bob)

    response = as_alice.get(GALLERY)

    items = response.json()["items"]
    assert [item["key"] for item in items] == [newer.key, older.key]
    assert [item["urlExpiresAt"] is None for item in items] == [True, False]
    assert response["Cache-Control"] == "no-store"


def test_the_gallery_has_an_end(as_alice: Browser, alice: User) -> None:
    MediaObject.objects.bulk_create(
        MediaObject(
            id=f"media_{number}",
            key=f"u/1/app/{number}.jpg",
            owner=alice,
            kind="image",
            content_type="image/jpeg",
            bytes=1,
            file_name="x.jpg",
            visibility="private",
            status=Status.COMMITTED,
            committed_at=timezone.now(),
        )
        for number in range(GALLERY_SIZE + 1)
    )

    assert len(as_alice.get(GALLERY).json()["items"]) == GALLERY_SIZE


def test_the_gallery_is_for_who_is_signed_in(nobody: Browser) -> None:
    assert nobody.get(GALLERY).status_code == 401


def test_users_attach_files_to_their_own_gallery_only(
    as_alice: Browser,
    alice: User,
    bob: User,
    double: FakeWorker,
    settings: object,
    shim_settings: dict[str, object],
) -> None:
    resolver = {"ATTACH_RESOLVER": "demo.access.may_attach"}
    settings.MEDIA_SHIM = shim_settings | resolver  # type: ignore[attr-defined]
    key = as_alice.send("/api/media/sign-upload", PICTURE).json()["key"]
    double.put(key)

    def attach(user: User) -> int:
        body = {"key": key, "attachTo": f"gallery:{user.pk}"}
        return int(as_alice.send("/api/media/commit", body).status_code)

    assert attach(bob) == 403
    assert attach(alice) == 200


def test_the_application_says_that_it_runs(nobody: Browser) -> None:
    response = nobody.get("/healthz")

    assert (response.status_code, response.json()) == (200, {"status": "ok"})
    assert response["Cache-Control"] == "no-store"


def test_a_line_of_the_log_is_json_with_all_that_was_logged() -> None:
    facts = {"name": "media_shim", "levelname": "INFO", "msg": "media.commit.ok", "created": 0}
    line = JsonLines().format(logging.makeLogRecord(facts | {"bytes": 7, "status": Status.PENDING}))

    assert json.loads(line) == {
        "time": "1970-01-01T00:00:00+00:00",
        "level": "info",
        "event": "media.commit.ok",
        "bytes": 7,
        "status": "pending",
    }
