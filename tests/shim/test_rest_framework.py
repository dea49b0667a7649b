"""The shim behind Django REST framework."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.core.cache import cache
from django.db import connection

from media_shim.models import MediaObject
from media_shim.testing.worker import FakeWorker
from tests.shim.conftest import PICTURE, Browser, Upload

pytest.importorskip("rest_framework", reason="no DRF: pip install djangorestframework")

from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import DjangoModelPermissions
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView

from media_shim.rest_framework.fields import MediaKeysField
from media_shim.rest_framework.views import Endpoint
from tests.shim.drf_project import Posts, ThreeAnHour

SIGN = "/api/media/sign-upload"


class NameIsToken(BaseAuthentication):
    """Takes a user's name for their token."""

    def authenticate(self, request: Any) -> tuple[User, None] | None:
        scheme, _, name = request.headers.get("authorization", "").partition(" ")
        if scheme != "Token":
            return None
        user = User.objects.filter(username=name).first()
        if user is None:
            raise AuthenticationFailed("no such token")
        return user, None

    def authenticate_header(self, request: Any) -> str:  # noqa: ARG002
        return "Token"


@pytest.fixture(autouse=True)
def _project(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    settings.ROOT_URLCONF = "tests.shim.drf_project"
    settings.REST_FRAMEWORK = {
        "EXCEPTION_HANDLER": "media_shim.rest_framework.envelope.handler",
        "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    }
    # The classes have read the settings when they were made.
    monkeypatch.setattr(APIView, "authentication_classes", [NameIsToken, SessionAuthentication])
    monkeypatch.setattr(APIView, "permission_classes", list(api_permissions()))
    cache.clear()
    yield
    cache.clear()


def api_permissions() -> tuple[Any, ...]:
    from rest_framework.permissions import IsAuthenticated

    return (IsAuthenticated,)


def with_token(name: str, **options: Any) -> Browser:
    return Browser(enforce_csrf_checks=True, headers={"authorization": f"Token {name}"}, **options)


def refused(response: Any) -> tuple[int, str]:
    error = response.json()
    assert {"error", "code", "status", "requestId"} <= error.keys()
    assert (response["Cache-Control"], error["status"]) == ("no-store", response.status_code)
    return response.status_code, error["code"]


def test_a_token_signs_commits_and_reads_without_csrf(alice: User, double: FakeWorker) -> None:
    app = with_token(alice.username)

    signed = app.send(SIGN, PICTURE)
    key = signed.json()["key"]
    double.put(key)
    committed = app.send("/api/media/commit", {"key": key})
    url = app.get("/api/media/url", {"key": key})
    urls = app.send("/api/media/urls", {"keys": [key]})
    removed = app.delete(f"/api/media/files/{signed.json()['mediaId']}")

    assert [each.status_code for each in (signed, committed, url, urls, removed)] == [
        201,
        200,
        200,
        200,
        204,
    ]
    assert url.json() == urls.json()["urls"][0]
    assert url["Cache-Control"] == "no-store"


def test_a_session_needs_the_csrf_token(alice: User) -> None:
    browser = Browser(alice, enforce_csrf_checks=True)

    assert refused(browser.send(SIGN, PICTURE)) == (403, "CSRF_FAILED")
    assert refused(browser.delete("/api/media/files/media_1")) == (403, "CSRF_FAILED")
    assert not MediaObject.objects.exists()
    assert Browser(alice).send(SIGN, PICTURE).status_code == 201


@pytest.mark.parametrize("browser", [Browser(), with_token("nobody")])
def test_nobody_is_let_in(browser: Browser) -> None:
    response = browser.send(SIGN, PICTURE)

    assert refused(response) == (401, "UNAUTHORIZED")
    assert response["WWW-Authenticate"] == "Token"


def test_nobody_may_be_none(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.REST_FRAMEWORK = settings.REST_FRAMEWORK | {"UNAUTHENTICATED_USER": None}
    monkeypatch.setattr(APIView, "permission_classes", [])

    assert refused(Browser().send(SIGN, PICTURE)) == (401, "UNAUTHORIZED")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 400, "MISSING_FIELDS"),
        (PICTURE | {"contentType": "text/html"}, 400, "UNSUPPORTED_MIME"),
        ("{", 400, "INVALID_FIELD"),
    ],
)
def test_what_the_shim_refuses_it_refuses_here(
    alice: User, as_alice: Browser, settings: Any, body: object, status: int, code: str
) -> None:
    here = with_token(alice.username).send(SIGN, body)
    settings.ROOT_URLCONF = "demo.urls"
    there = as_alice.send(SIGN, body)

    assert refused(here) == refused(there) == (status, code)
    own = [{**each.json(), "requestId": ""} for each in (here, there)]
    assert own[0] == own[1]


def test_a_method_that_is_none_is_told_which_are(alice: User) -> None:
    response = with_token(alice.username).get(SIGN)

    assert refused(response) == (405, "METHOD_NOT_ALLOWED")
    assert response["Allow"] == "POST"


def test_what_is_accepted_does_not_matter(alice: User, committed: Upload) -> None:
    app, key = with_token(alice.username), committed(alice).key

    assert app.get("/api/media/url", {"key": key}, headers={"accept": "image/*"}).json()["url"]


def test_throttles_apply(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Endpoint, "throttle_classes", [ThreeAnHour])
    app = with_token(alice.username)

    answers = [app.send(SIGN, PICTURE) for _ in range(4)]

    assert [answer.status_code for answer in answers] == [201, 201, 201, 429]
    assert refused(answers[3]) == (429, "RATE_LIMITED")
    assert 0 < int(answers[3]["Retry-After"]) <= 3600


def test_permissions_apply(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    class Never(DjangoModelPermissions):
        def has_permission(self, request: Any, view: object) -> bool:  # noqa: ARG002
            return False

    monkeypatch.setattr(Endpoint, "permission_classes", [Never])

    assert refused(with_token(alice.username).send(SIGN, PICTURE)) == (403, "FORBIDDEN")


def test_the_recipe_makes_a_post_with_its_files(alice: User, upload: Upload) -> None:
    keys = [upload(alice).key for _ in range(2)]

    response = with_token(alice.username).send("/posts", {"name": "Sea", "media": keys})

    assert response.status_code == 201
    post = Group.objects.get(name="Sea")
    assert response.json() == {"id": post.pk, "name": "Sea"}
    attached = MediaObject.objects.filter(attached_to=f"auth.group:{post.pk}").order_by("position")
    assert [each.key for each in attached] == keys


def test_the_recipe_makes_nothing_where_a_file_cannot_be_used(
    alice: User, bob: User, upload: Upload
) -> None:
    keys = [upload(alice).key, upload(bob).key]

    response = with_token(alice.username).send("/posts", {"name": "Sea", "media": keys})

    assert refused(response) == (422, "media_commit_failed")
    (failed,) = response.json()["failed"]
    assert (failed["key"], failed["code"]) == (keys[1], "MEDIA_NOT_FOUND")
    assert not Group.objects.exists()


@pytest.mark.parametrize(
    "keys", [[], ["a", "a"], ["a\x00b"], ["a\nb"], [""], ["x" * 1025], "a", [{}], None]
)
def test_keys_that_cannot_be_some(keys: object) -> None:
    field = MediaKeysField()

    from rest_framework.exceptions import ValidationError

    with pytest.raises(ValidationError):
        field.run_validation(keys)


def test_keys_in_their_order() -> None:
    assert MediaKeysField().run_validation(["t/b.jpg", "t/a.jpg"]) == ["t/b.jpg", "t/a.jpg"]
    assert MediaKeysField(max_length=1).max_length == 1


def test_errors_of_others_are_drfs(alice: User) -> None:
    request = APIRequestFactory().post("/posts", {"name": "Sea"}, format="json")
    request.user = alice

    response = Posts.as_view(authentication_classes=[], permission_classes=[])(request)

    assert (response.status_code, list(response.data)) == (400, ["media"])


@pytest.mark.django_db(transaction=True)
def test_what_a_refusal_interrupts_is_undone_with_its_request(
    alice: User, committed: Upload, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As DRF does it with its own exceptions: a post is there with its files, or it is not."""
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
    path, media = "/posts-in-the-requests-transaction", committed(alice)

    refused = with_token("alice").send(path, {"name": "first", "media": [media.key, "u/1/x.jpg"]})

    assert (refused.status_code, refused.json()["code"]) == (422, "media_commit_failed")
    assert not Group.objects.exists()
    made = with_token("alice").send(path, {"name": "second", "media": [media.key]})
    assert made.status_code == 201
    assert Group.objects.get().name == "second"
