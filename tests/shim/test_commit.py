"""POST /api/media/commit, and the services behind it."""

from typing import Any

import httpx
import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction

from media_shim import attachments, services
from media_shim.errors import (
    AlreadyCommitted,
    AttachDenied,
    MediaNotFound,
    UploadIncomplete,
    WorkerUnavailable,
)
from media_shim.models import MediaObject, Status
from media_shim.testing.worker import FakeWorker, refusal
from tests.shim.conftest import PICTURE, Browser, Upload

PATH = "/api/media/commit"
COMPLETE = "PATCH /upload/complete"


def row(media: MediaObject) -> MediaObject:
    return MediaObject.objects.get(pk=media.pk)


def may_attach_to_posts(_user: object, attach_to: str) -> bool:
    return attach_to.startswith("post:")


@pytest.fixture
def _posts(settings: Any, shim_settings: Any) -> None:
    """The application lets everybody attach files to posts."""
    resolver = f"{__name__}.{may_attach_to_posts.__name__}"
    settings.MEDIA_SHIM = shim_settings | {"ATTACH_RESOLVER": resolver}


def test_a_committed_file_is_answered_with_its_url(
    as_alice: Browser, alice: User, upload: Upload
) -> None:
    media = upload(alice)

    response = as_alice.send(PATH, {"key": media.key})

    assert response.status_code == 200
    file = response.json()["media"]
    assert file.pop("url").startswith(f"https://media.test/m/{media.key}?t=")
    assert all(file.pop(name).endswith("Z") for name in ("urlExpiresAt", "committedAt"))
    assert file.pop("createdAt").endswith("Z")
    assert file == {
        "mediaId": media.id,
        "key": media.key,
        "kind": "image",
        "contentType": "image/jpeg",
        "bytes": 1234,
        "fileName": "sea.jpg",
        "visibility": "private",
        "status": "committed",
        "attachedTo": None,
    }


def test_a_public_file_is_answered_with_a_url_that_never_expires(
    as_alice: Browser, alice: User, upload: Upload
) -> None:
    media = upload(alice, visibility="public")

    file = as_alice.send(PATH, {"key": media.key}).json()["media"]

    assert (file["url"], file["urlExpiresAt"]) == (f"https://media.test/m/{media.key}", None)


def test_a_file_is_called_what_the_worker_made_of_its_name(
    as_alice: Browser, alice: User, upload: Upload
) -> None:
    media = upload(alice, fileName="../holiday/sea.jpg")

    file = as_alice.send(PATH, {"key": media.key}).json()["media"]

    assert (file["fileName"], row(media).file_name) == ("holidaysea.jpg",) * 2


def test_the_worker_is_asked_for_whom_the_file_was_signed(
    alice: User, upload: Upload, double: FakeWorker
) -> None:
    """A user who moved to another tenant in between still commits what they began."""
    media = upload(alice)
    alice.profile.tenant = "elsewhere"
    alice.profile.save()

    services.commit(alice, media.key)

    assert double.calls[-1].headers["x-tenant-id"] == "acme"


def test_a_second_commit_changes_nothing_and_asks_nobody(
    as_alice: Browser, alice: User, upload: Upload, double: FakeWorker
) -> None:
    media = upload(alice)
    first = as_alice.send(PATH, {"key": media.key}).json()["media"]
    committed = row(media)
    calls = list(double.called)

    second = as_alice.send(PATH, {"key": media.key}).json()["media"]

    assert double.called == calls
    assert second["committedAt"] == first["committedAt"]
    assert row(media).updated_at == committed.updated_at


def test_what_was_not_uploaded_yet_stays_pending(as_alice: Browser, double: FakeWorker) -> None:
    key = as_alice.send("/api/media/sign-upload", PICTURE).json()["key"]

    response = as_alice.send(PATH, {"key": key})

    assert (response.status_code, response.json()["code"]) == (409, "UPLOAD_INCOMPLETE")
    assert MediaObject.objects.get().status == Status.PENDING
    double.put(key)
    assert as_alice.send(PATH, {"key": key}).status_code == 200


def test_bytes_that_were_not_declared_are_never_committed(
    as_alice: Browser, alice: User, upload: Upload, double: FakeWorker
) -> None:
    media = upload(alice)
    double.put(media.key, size=99)

    first = as_alice.send(PATH, {"key": media.key})
    again = as_alice.send(PATH, {"key": media.key})

    assert (first.status_code, first.json()["code"]) == (422, "CONTENT_MISMATCH")
    assert (again.status_code, again.json()["code"]) == (410, "MEDIA_GONE")
    assert row(media).status == Status.PENDING


@pytest.mark.parametrize("status", [500, 502, 504])
def test_complete_is_repeated_when_the_worker_stumbles(
    alice: User, upload: Upload, double: FakeWorker, status: int
) -> None:
    media = upload(alice)
    double.answer_next(refusal(status, "DB_ERROR", "Try again."), httpx.ReadError("cut"))

    assert services.commit(alice, media.key).status == Status.COMMITTED
    assert double.called.count(COMPLETE) == 3


def test_a_worker_that_keeps_stumbling_is_left_alone_after_three_times(
    as_alice: Browser, alice: User, upload: Upload, double: FakeWorker
) -> None:
    media = upload(alice)
    double.answer_next(*[refusal(500, "DB_ERROR", "The database did not answer.")] * 9)

    response = as_alice.send(PATH, {"key": media.key})

    assert (response.status_code, response.json()["code"]) == (500, "DB_ERROR")
    assert double.called.count(COMPLETE) == 3
    assert row(media).status == Status.PENDING


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        (httpx.ReadTimeout("silent"), 502, "WORKER_UNAVAILABLE"),
        (httpx.ConnectTimeout("silent"), 502, "WORKER_UNAVAILABLE"),
        (refusal(503, "SOMETHING", "Later."), 503, "SOMETHING"),
        (refusal(429, "RATE_LIMITED", "Too many."), 429, "RATE_LIMITED"),
        (refusal(404, "MEDIA_NOT_FOUND", "No."), 404, "MEDIA_NOT_FOUND"),
    ],
)
def test_what_asks_for_time_or_means_no_is_not_repeated(
    as_alice: Browser,
    alice: User,
    upload: Upload,
    double: FakeWorker,
    fault: httpx.Response | Exception,
    status: int,
    code: str,
) -> None:
    media = upload(alice)
    double.answer_next(fault)

    response = as_alice.send(PATH, {"key": media.key})

    assert (response.status_code, response.json()["code"]) == (status, code)
    assert double.called.count(COMPLETE) == 1
    assert row(media).status == Status.PENDING


def test_a_broken_connection_is_reported_after_three_times(
    as_alice: Browser, alice: User, upload: Upload, double: FakeWorker
) -> None:
    media = upload(alice)
    double.answer_next(*[httpx.ConnectError("refused")] * 9)

    response = as_alice.send(PATH, {"key": media.key})

    assert (response.status_code, response.json()["code"]) == (502, "WORKER_UNAVAILABLE")
    assert double.called.count(COMPLETE) == 3


def test_an_answer_about_another_file_commits_nothing(
    alice: User, upload: Upload, double: FakeWorker
) -> None:
    media = upload(alice)
    stranger = {"mediaId": media.id, "key": "t/acme/app/other.jpg", "fileName": "x"}
    double.answer_next(httpx.Response(200, json=stranger))

    with pytest.raises(WorkerUnavailable):
        services.commit(alice, media.key)

    assert row(media).status == Status.PENDING


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ({}, "MISSING_FIELDS", "key"),
        ({"key": None}, "MISSING_FIELDS", "key"),
        ({"key": ""}, "MISSING_FIELDS", "key"),
        ({"key": 7}, "INVALID_FIELD", "key"),
        ({"key": ["u/1/app/x.jpg"]}, "INVALID_FIELD", "key"),
        ({"key": "u/1/app/\x00.jpg"}, "INVALID_FIELD", "key"),
        ({"key": "u/1/app/\udc00.jpg"}, "INVALID_FIELD", "key"),
        ({"key": "x" * 1025}, "INVALID_FIELD", "key"),
        ({"key": "ß" * 1024}, "INVALID_FIELD", "key"),
        ({"key": "k", "attachTo": 7}, "INVALID_FIELD", "attachTo"),
        ({"key": "k", "attachTo": ""}, "INVALID_FIELD", "attachTo"),
        ({"key": "k", "attachTo": {"post": 7}}, "INVALID_FIELD", "attachTo"),
        ({"key": "k", "attachTo": "post:\x00"}, "INVALID_FIELD", "attachTo"),
        ({"key": "k", "attachTo": "p" * 201}, "INVALID_FIELD", "attachTo"),
    ],
)
def test_a_wrong_field_is_named(
    as_alice: Browser, double: FakeWorker, body: dict[str, object], code: str, field: str
) -> None:
    response = as_alice.send(PATH, body)

    error = response.json()
    assert (response.status_code, error["code"]) == (400, code)
    assert field in (error.get("field"), *error.get("fields", ()))
    assert not double.calls


def test_attaching_is_denied_unless_the_application_allows_it(
    as_alice: Browser, alice: User, upload: Upload
) -> None:
    """The file is committed all the same, and can be attached where it is allowed."""
    media = upload(alice)

    response = as_alice.send(PATH, {"key": media.key, "attachTo": "post:1"})

    error = response.json()
    assert (response.status_code, error["code"]) == (403, "FORBIDDEN")
    assert error["field"] == "attachTo"
    assert (row(media).status, row(media).attached_to) == (Status.COMMITTED, None)


@pytest.mark.parametrize("pk", ["9" * 20, f"-{'9' * 180}", "1.5", "nan", "1_0", " ", "0x1", "1#"])
def test_what_is_no_primary_key_of_a_row_with_files_is_denied_like_any_name(
    as_alice: Browser, alice: User, upload: Upload, pk: str
) -> None:
    media = upload(alice)

    response = as_alice.send(PATH, {"key": media.key, "attachTo": f"demo.profile:{pk}"})

    assert (response.status_code, response.json()["code"]) == (403, "FORBIDDEN")
    assert (row(media).status, row(media).attached_to) == (Status.COMMITTED, None)


@pytest.mark.usefixtures("_posts")
class TestAttached:
    """Files of an application whose users may attach them to posts."""

    def test_a_file_is_attached_as_it_is_committed(
        self, as_alice: Browser, alice: User, upload: Upload
    ) -> None:
        media = upload(alice)

        file = as_alice.send(PATH, {"key": media.key, "attachTo": "post:1"}).json()["media"]

        assert (file["status"], file["attachedTo"]) == ("committed", "post:1")
        assert row(media).attached_to == "post:1"

    def test_a_file_is_attached_after_it_was_committed(
        self, as_alice: Browser, alice: User, committed: Upload
    ) -> None:
        media = committed(alice)

        file = as_alice.send(PATH, {"key": media.key, "attachTo": "post:1"}).json()["media"]

        assert file["attachedTo"] == "post:1"

    def test_attaching_again_to_the_same_changes_nothing(
        self, as_alice: Browser, alice: User, upload: Upload
    ) -> None:
        media = upload(alice)
        bodies = [{"key": media.key, "attachTo": "post:1"}] * 2 + [{"key": media.key}]

        answers = [as_alice.send(PATH, body) for body in bodies]

        assert [answer.status_code for answer in answers] == [200, 200, 200]
        assert {answer.json()["media"]["attachedTo"] for answer in answers} == {"post:1"}

    def test_an_attached_file_cannot_be_pointed_elsewhere(
        self, as_alice: Browser, alice: User, upload: Upload
    ) -> None:
        media = upload(alice)
        as_alice.send(PATH, {"key": media.key, "attachTo": "post:1"})

        response = as_alice.send(PATH, {"key": media.key, "attachTo": "post:2"})

        assert (response.status_code, response.json()["code"]) == (409, "ALREADY_COMMITTED")
        assert row(media).attached_to == "post:1"

    def test_where_it_would_point_is_not_even_asked(
        self, as_alice: Browser, alice: User, upload: Upload
    ) -> None:
        """A denial would tell that the one place exists and the other does not."""
        media = upload(alice)
        as_alice.send(PATH, {"key": media.key, "attachTo": "post:1"})

        error = as_alice.send(PATH, {"key": media.key, "attachTo": "secret:1"}).json()

        assert error["code"] == "ALREADY_COMMITTED"

    def test_a_pending_file_cannot_be_attached(self, alice: User, upload: Upload) -> None:
        media = upload(alice)

        with pytest.raises(UploadIncomplete):
            attachments.attach_by_name(alice, media.key, "post:1")

    def test_a_file_of_another_cannot_be_attached(
        self, alice: User, bob: User, committed: Upload
    ) -> None:
        media = committed(alice)

        with pytest.raises(MediaNotFound):
            attachments.attach_by_name(bob, media.key, "post:1")

        assert row(media).attached_to is None

    def test_a_transaction_that_rolls_back_leaves_the_file_unattached(
        self, alice: User, committed: Upload
    ) -> None:
        media = committed(alice)

        def make_a_post_and_fail() -> None:
            with transaction.atomic():
                attachments.attach_by_name(alice, media.key, "post:1")
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            make_a_post_and_fail()

        assert (row(media).status, row(media).attached_to) == (Status.COMMITTED, None)
        assert attachments.attach_by_name(alice, media.key, "post:2").attached_to == "post:2"

    def test_attaching_asks_the_worker_nothing(
        self, alice: User, committed: Upload, double: FakeWorker
    ) -> None:
        media = committed(alice)
        calls = list(double.called)

        attachments.attach_by_name(alice, media.key, "post:1")

        assert double.called == calls


def attach_elsewhere_meanwhile(user: User, _attach_to: str) -> bool:
    """Do what another request may do while this one decides, where rows cannot be locked."""
    MediaObject.objects.owned_by(user).update(attached_to="post:first")
    return True


def test_of_two_that_attach_at_once_one_wins(
    alice: User, committed: Upload, settings: Any, shim_settings: Any
) -> None:
    media = committed(alice)
    resolver = f"{__name__}.{attach_elsewhere_meanwhile.__name__}"
    settings.MEDIA_SHIM = shim_settings | {"ATTACH_RESOLVER": resolver}

    with transaction.atomic():
        with pytest.raises(AlreadyCommitted):
            attachments.attach_by_name(alice, media.key, "post:second")
        assert row(media).attached_to != "post:second"


def break_down(_user: object, _attach_to: str) -> bool:
    raise ZeroDivisionError


def test_a_resolver_that_breaks_down_attaches_nothing(
    alice: User, committed: Upload, settings: Any, shim_settings: Any
) -> None:
    media = committed(alice)
    resolver = f"{__name__}.{break_down.__name__}"
    settings.MEDIA_SHIM = shim_settings | {"ATTACH_RESOLVER": resolver}

    with pytest.raises(ZeroDivisionError):
        attachments.attach_by_name(alice, media.key, "post:1")

    assert row(media).attached_to is None


def test_denied_is_an_error_that_rolls_the_applications_transaction_back(
    alice: User, committed: Upload
) -> None:
    media = committed(alice)

    def make_a_post() -> None:
        with transaction.atomic():
            User.objects.create(username="stands for the post")
            attachments.attach_by_name(alice, media.key, "post:1")

    with pytest.raises(AttachDenied):
        make_a_post()

    assert not User.objects.filter(username="stands for the post").exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("_posts")
class TestOutsideOfTransactions:
    """These tests run without the transaction that keeps the others' traces from one another."""

    @pytest.fixture(params=[False, True], ids=["", "ATOMIC_REQUESTS"], autouse=True)
    def _atomic_requests(
        self, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", request.param)

    def test_the_worker_is_never_asked_inside_a_transaction(
        self, as_alice: Browser, double: FakeWorker
    ) -> None:
        key = as_alice.send("/api/media/sign-upload", PICTURE).json()["key"]
        double.put(key)
        response = as_alice.send(PATH, {"key": key, "attachTo": "post:1"})

        assert response.status_code == 200
        assert double.called == ["POST /upload/presign", COMPLETE]
        assert not any(call.in_transaction for call in double.calls)

    def test_a_commit_inside_a_transaction_is_a_mistake_and_asks_nobody(
        self, alice: User, upload: Upload, double: FakeWorker
    ) -> None:
        media = upload(alice)

        def commit_inside() -> None:
            with transaction.atomic():
                services.commit(alice, media.key)

        with pytest.raises(RuntimeError, match="durable"):
            commit_inside()

        assert COMPLETE not in double.called

    def test_what_the_worker_said_outlives_a_denial(
        self, as_alice: Browser, alice: User, upload: Upload
    ) -> None:
        media = upload(alice)

        response = as_alice.send(PATH, {"key": media.key, "attachTo": "secret:1"})

        assert response.status_code == 403
        assert (row(media).status, row(media).attached_to) == (Status.COMMITTED, None)
