"""GET /api/media/url, /api/media/refresh and the development redirect; whose files are whose."""

from datetime import UTC, datetime
from typing import Any, cast
from urllib.parse import quote

import jwt
import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.template import Context, RequestContext, Template
from django.test import RequestFactory
from django.utils import timezone

from media_shim import attachments, delivery
from media_shim.delivery import MOST_KEYS
from media_shim.errors import MediaGone, MediaNotFound, UploadIncomplete
from media_shim.models import MediaObject, MediaQuerySet, Status
from media_shim.testing import make_media
from media_shim.testing.worker import FakeWorker
from tests.shim.conftest import SECRET, Browser, Upload

SESSION_QUERIES = 2
"""What Django asks to know who is signed in."""

TAG = Template("{% load media_shim %}{% media_url file %}")
UNVERIFIED: dict[str, Any] = {"options": {"verify_signature": False}}

ADDRESSES = ["/api/media/url", "/api/media/refresh"]


@pytest.fixture
def _debug(settings: Any) -> None:
    settings.DEBUG = True


@pytest.mark.parametrize("path", ADDRESSES)
def test_the_owner_is_given_a_fresh_url_and_told_until_when(
    as_alice: Browser, alice: User, committed: Upload, double: FakeWorker, path: str
) -> None:
    media = committed(alice)
    calls = list(double.called)

    response = as_alice.get(path, {"key": media.key})

    assert response.status_code == 200
    answer = response.json()
    assert answer.keys() == {"key", "url", "urlExpiresAt"}
    address, _, token = answer["url"].partition("?t=")
    assert address == f"https://media.test/m/{media.key}"
    claims = jwt.decode(token, SECRET, algorithms=["HS256"], audience="media")
    assert claims["key"] == media.key
    assert datetime.fromisoformat(answer["urlExpiresAt"]) == datetime.fromtimestamp(
        claims["exp"], UTC
    )
    assert double.called == calls


@pytest.mark.parametrize("path", ADDRESSES)
def test_a_file_that_is_not_committed_has_no_url(
    as_alice: Browser, alice: User, upload: Upload, path: str
) -> None:
    response = as_alice.get(path, {"key": upload(alice).key})

    assert (response.status_code, response.json()["code"]) == (409, "UPLOAD_INCOMPLETE")


@pytest.mark.parametrize("path", ADDRESSES)
@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({}, "MISSING_FIELDS"),
        ({"key": ""}, "MISSING_FIELDS"),
        ({"key": " "}, "INVALID_FIELD"),
        ({"key": "a\x00b"}, "INVALID_FIELD"),
        ({"key": "x" * 1025}, "INVALID_FIELD"),
    ],
)
def test_a_wrong_key_is_named(
    as_alice: Browser, path: str, query: dict[str, str], code: str
) -> None:
    response = as_alice.get(path, query)

    error = response.json()
    assert (response.status_code, error["code"]) == (400, code)
    assert "key" in (error.get("field"), *error.get("fields", ()))


@pytest.mark.usefixtures("_debug")
@pytest.mark.parametrize("status", [Status.PENDING, Status.COMMITTED])
def test_what_alice_uploads_is_for_bob_as_if_it_were_not_there(
    as_bob: Browser,
    alice: User,
    upload: Upload,
    committed: Upload,
    double: FakeWorker,
    status: Status,
) -> None:
    media = upload(alice) if status == Status.PENDING else committed(alice)
    before = MediaObject.objects.values().get()
    calls = list(double.called)

    def answers(key: str) -> list[tuple[int, dict[str, Any]]]:
        responses = [
            as_bob.send("/api/media/commit", {"key": key}),
            as_bob.send("/api/media/commit", {"key": key, "attachTo": "post:1"}),
            as_bob.get("/api/media/url", {"key": key}),
            as_bob.get("/api/media/refresh", {"key": key}),
            as_bob.get(f"/m/{key}"),
        ]
        bodies = [response.json() for response in responses]
        for body in bodies:
            del body["requestId"]
        return [
            (response.status_code, body) for response, body in zip(responses, bodies, strict=True)
        ]

    of_alice = answers(media.key)

    assert {status for status, _ in of_alice} == {404}
    assert {body["code"] for _, body in of_alice} == {"MEDIA_NOT_FOUND"}
    assert of_alice == answers("t/acme/app/2026/11/nothing.jpg")
    assert MediaObject.objects.values().get() == before
    assert double.called == calls


@pytest.mark.usefixtures("_debug", "_followers")
def test_whom_the_application_lets_see_a_file_is_given_its_url(
    as_bob: Browser, alice: User, bob: User, committed: Upload
) -> None:
    media = committed(alice)

    for path in ADDRESSES:
        assert as_bob.get(path, {"key": media.key}).status_code == 200
    assert as_bob.get(f"/m/{media.key}").status_code == 302
    assert as_bob.send("/api/media/commit", {"key": media.key}).status_code == 404
    bob.groups.clear()
    assert as_bob.get(ADDRESSES[0], {"key": media.key}).status_code == 404


@pytest.mark.usefixtures("_followers")
def test_a_hundred_urls_cost_one_query_and_no_call(
    as_bob: Browser,
    alice: User,
    bob: User,
    double: FakeWorker,
    django_assert_num_queries: Any,
) -> None:
    media = [make_media(alice, file_name=f"{number}.png") for number in range(MOST_KEYS)]
    keys = [each.key for each in media]
    calls = list(double.called)

    with django_assert_num_queries(1):
        minted = delivery.urls_for(bob, keys)
    with django_assert_num_queries(SESSION_QUERIES + 1):
        answer = as_bob.send("/api/media/urls", {"keys": keys}).json()["urls"]
    with django_assert_num_queries(0):
        mine = [delivery.mint(each, alice, timezone.now()) for each in media]

    assert list(minted) == [entry["key"] for entry in answer] == keys
    for key, entry, own in zip(keys, answer, mine, strict=True):
        for url in (minted[key].url, entry["url"], own.url):
            token = url.removeprefix(f"https://media.test/m/{key}?t=")
            claims = jwt.decode(token, SECRET, algorithms=["HS256"], audience="media")
            assert claims["key"] == key
    assert double.called == calls


@pytest.mark.parametrize("path", ADDRESSES)
def test_one_url_costs_one_query(
    as_alice: Browser, alice: User, committed: Upload, path: str, django_assert_num_queries: Any
) -> None:
    media = committed(alice)

    with django_assert_num_queries(1):
        delivery.url_for(alice, media.key)
    with django_assert_num_queries(SESSION_QUERIES + 1):
        as_alice.get(path, {"key": media.key})


def test_several_files_are_answered_in_order_each_with_what_is_so(
    as_alice: Browser, alice: User, bob: User, committed: Upload, upload: Upload
) -> None:
    private, public = committed(alice), committed(alice, visibility="public")
    pending, of_bob = upload(alice), committed(bob)
    removed = committed(alice)
    attachments.remove(alice, removed.id)
    keys = [each.key for each in (public, of_bob, pending, removed, private, public)]

    answer = as_alice.send("/api/media/urls", {"keys": [*keys, "t/acme/nothing.jpg"]}).json()

    first, second, third, fourth, fifth, sixth, seventh = answer["urls"]
    assert first == sixth
    assert first == {
        "key": public.key,
        "url": f"https://media.test/m/{public.key}",
        "urlExpiresAt": None,
    }
    assert second == {"key": of_bob.key, "code": "MEDIA_NOT_FOUND"}
    assert third == {"key": pending.key, "code": "UPLOAD_INCOMPLETE"}
    assert fourth == {"key": removed.key, "code": "MEDIA_GONE"}
    assert fifth["url"].startswith(f"https://media.test/m/{private.key}?t=")
    assert fifth["urlExpiresAt"].endswith("Z")
    assert seventh["code"] == "MEDIA_NOT_FOUND"
    assert list(delivery.urls_for(alice, keys)) == [public.key, private.key]


@pytest.mark.parametrize(
    ("keys", "code"),
    [
        (None, "MISSING_FIELDS"),
        ("", "MISSING_FIELDS"),
        ([], "INVALID_FIELD"),
        ("t/acme/x.jpg", "INVALID_FIELD"),
        ({"t/acme/x.jpg": 1}, "INVALID_FIELD"),
        (["t/acme/x.jpg", 7], "INVALID_FIELD"),
        (["t/acme/x.jpg", ""], "INVALID_FIELD"),
        (["a\x00b"], "INVALID_FIELD"),
        (["x" * 1025], "INVALID_FIELD"),
        (["x"] * (MOST_KEYS + 1), "INVALID_FIELD"),
    ],
)
def test_wrong_keys_are_named(as_alice: Browser, keys: object, code: str) -> None:
    response = as_alice.send("/api/media/urls", {"keys": keys})

    error = response.json()
    assert (response.status_code, error["code"]) == (400, code)
    assert "keys" in (error.get("field"), *error.get("fields", ()))


def test_urls_want_somebody_to_be_signed_in(nobody: Browser) -> None:
    assert nobody.send("/api/media/urls", {"keys": ["x"]}).status_code == 401


@pytest.mark.parametrize("path", ADDRESSES)
@pytest.mark.parametrize("status", ["removing", "removed"])
def test_a_file_that_was_removed_has_no_url(
    as_alice: Browser, alice: User, path: str, status: str
) -> None:
    media = make_media(alice, status=status, visibility="public")

    response = as_alice.get(path, {"key": media.key})

    assert (response.status_code, response.json()["code"]) == (410, "MEDIA_GONE")
    with pytest.raises(MediaGone):
        delivery.mint(media, alice, timezone.now())


def test_nothing_is_minted_for_a_file_that_is_not_committed(alice: User, upload: Upload) -> None:
    with pytest.raises(UploadIncomplete):
        delivery.mint(upload(alice), alice, timezone.now())


@pytest.mark.usefixtures("_debug")
def test_the_development_redirect_leads_to_a_fresh_url(
    as_alice: Browser, alice: User, committed: Upload
) -> None:
    media = committed(alice)

    response = as_alice.get(f"/m/{quote(media.key)}")

    assert response.status_code == 302
    assert response["Location"].startswith(f"https://media.test/m/{media.key}?t=")
    assert response["Cache-Control"] == "no-store"


@pytest.mark.usefixtures("_debug")
def test_the_development_redirect_wants_somebody_to_be_signed_in(
    nobody: Browser, alice: User, committed: Upload
) -> None:
    assert nobody.get(f"/m/{committed(alice).key}").status_code == 401


def test_there_is_no_redirect_in_production(
    as_alice: Browser, alice: User, committed: Upload
) -> None:
    response = as_alice.get(f"/m/{committed(alice).key}")

    assert (response.status_code, response.json()["code"]) == (404, "MEDIA_NOT_FOUND")


def nobody_views(_viewer: User, files: MediaQuerySet) -> MediaQuerySet:
    return files.none()


def test_who_may_see_a_file_no_more_gets_no_url_by_committing_it_again(
    as_alice: Browser, alice: User, committed: Upload, settings: Any, shim_settings: Any
) -> None:
    """Nor does an application that hides what is not attached make a commit fail."""
    settings.MEDIA_SHIM = shim_settings | {"VIEWABLE": f"{__name__}.{nobody_views.__name__}"}
    media = committed(alice)

    response = as_alice.send("/api/media/commit", {"key": media.key})

    assert as_alice.get(ADDRESSES[1], {"key": media.key}).status_code == 404
    file = response.json()["media"]
    assert (response.status_code, file["status"]) == (200, "committed")
    assert (file["url"], file["urlExpiresAt"]) == (None, None)


def test_nobody_is_no_owner_of_what_a_removed_account_had(alice: User, committed: Upload) -> None:
    """To a database the owner of both is NULL."""
    media = committed(alice)
    attachments.remove_all_of(alice)
    assert not MediaObject.objects.exclude(owner=None).exists()

    with pytest.raises(MediaNotFound):
        delivery.url_for(cast("User", AnonymousUser()), media.key)
    with pytest.raises(MediaNotFound):
        attachments.remove(cast("User", AnonymousUser()), media.id)


def everybody_views_what_is_attached(viewer: User, files: MediaQuerySet) -> MediaQuerySet:
    return files.owned_by(viewer) | files.filter(attached_to="demo.profile:1")


def test_who_is_not_signed_in_sees_what_the_application_shows_to_everybody(
    alice: User, settings: Any, shim_settings: Any
) -> None:
    hook = f"{__name__}.{everybody_views_what_is_attached.__name__}"
    settings.MEDIA_SHIM = shim_settings | {"VIEWABLE": hook}
    shown, own = make_media(alice, attached_to="demo.profile:1"), make_media(alice)
    keys = [shown.key, own.key]

    assert list(delivery.urls_for(cast("User", AnonymousUser()), keys)) == [shown.key]
    assert list(delivery.urls_for(alice, keys)) == keys


def test_a_template_has_a_url_for_whoever_looks_and_asks_nobody(
    alice: User, bob: User, committed: Upload, django_assert_num_queries: Any
) -> None:
    media = committed(alice)
    request = RequestFactory().get("/")
    request.user = bob

    with django_assert_num_queries(0):
        url = TAG.render(RequestContext(request, {"file": media}))

    minted = delivery.mint(media, bob, timezone.now()).url
    subjects = {jwt.decode(each.partition("?t=")[2], **UNVERIFIED)["sub"] for each in (url, minted)}
    assert len(subjects) == 1
    assert url.startswith(f"https://media.test/m/{media.key}?t=")


def test_a_template_without_a_request_says_what_it_needs(alice: User, committed: Upload) -> None:
    with pytest.raises(TypeError, match="render the template with the request"):
        TAG.render(Context({"file": committed(alice)}))
