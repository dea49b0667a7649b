"""POST /api/media/sign-upload."""

from typing import Any

import httpx
import pytest
from django.contrib.auth.models import User

from media_shim.models import MediaObject, Status
from media_shim.testing.worker import GATEWAY_KEY, FakeWorker, refusal
from tests.shim.conftest import PICTURE, Browser

PATH = "/api/media/sign-upload"

TOO_BIG = 10 * 1024 * 1024 + 1


def test_an_upload_is_answered_with_everything_that_the_put_needs(as_alice: Browser) -> None:
    response = as_alice.send(PATH, PICTURE)

    assert response.status_code == 201
    answer = response.json()
    media = MediaObject.objects.get()
    assert answer["upload"].pop("expiresAt").endswith("Z")
    assert answer == {
        "mediaId": media.id,
        "key": media.key,
        "upload": {
            "method": "PUT",
            "url": f"https://store.test/bucket/{media.key}?X-Amz-Signature=5ec3e7",
            "headers": {
                "content-type": "image/jpeg",
                "content-disposition": 'inline; filename="sea.jpg"',
                "if-none-match": "*",
            },
        },
    }


def test_an_upload_that_was_issued_has_a_pending_row_that_knows_whose_it_is(
    as_alice: Browser, alice: User
) -> None:
    as_alice.send(PATH, PICTURE)

    media = MediaObject.objects.get()
    assert (media.owner, media.tenant, media.status) == (alice, "acme", Status.PENDING)
    assert (media.kind, media.content_type, media.bytes) == ("image", "image/jpeg", 1234)
    assert (media.file_name, media.visibility) == ("sea.jpg", "private")
    assert (media.attached_to, media.committed_at) == (None, None)


def test_the_worker_is_told_who_asks_and_what_for(
    as_alice: Browser, alice: User, double: FakeWorker
) -> None:
    as_alice.send(PATH, PICTURE | {"album": "summer", "visibility": "public"})

    (call,) = double.calls
    assert call.name == "POST /upload/presign"
    assert call.headers["x-gateway-key"] == GATEWAY_KEY
    assert call.headers["x-user-id"] == str(alice.pk)
    assert call.headers["x-tenant-id"] == "acme"
    assert call.headers["x-user-permissions"] == "media:files.read,media:files.write"
    assert call.body == {
        "fileName": "sea.jpg",
        "contentType": "image/jpeg",
        "fileSize": 1234,
        "service": "app",
        "visibility": "public",
        "album": "summer",
    }


def test_a_user_without_a_tenant_uploads_files_of_their_own(
    as_alice: Browser, alice: User, double: FakeWorker, settings: Any, shim_settings: Any
) -> None:
    settings.MEDIA_SHIM = shim_settings | {"TENANT": None}

    answer = as_alice.send(PATH, PICTURE).json()

    assert "x-tenant-id" not in double.calls[0].headers
    assert answer["key"].startswith(f"u/{alice.pk}/app/")


@pytest.mark.parametrize(
    ("kind", "content_type"),
    [
        ("image", "image/jpeg"),
        ("image", "image/png"),
        ("image", "image/webp"),
        ("image", "image/gif"),
        ("image", "image/svg+xml"),
        ("image", "image/avif"),
        ("video", "video/mp4"),
        ("video", "video/webm"),
        ("document", "application/pdf"),
    ],
)
def test_every_type_is_taken_as_its_own_kind_and_as_no_other(
    as_alice: Browser, kind: str, content_type: str
) -> None:
    for claimed in ("image", "video", "document"):
        response = as_alice.send(PATH, {"kind": claimed, "contentType": content_type, "bytes": 1})
        if claimed == kind:
            assert response.status_code == 201
        else:
            assert (response.status_code, response.json()["code"]) == (400, "UNSUPPORTED_MIME")


def test_a_type_is_taken_without_its_parameters_and_in_small_letters(
    as_alice: Browser, double: FakeWorker
) -> None:
    as_alice.send(PATH, PICTURE | {"contentType": " Image/JPEG; charset=binary"})

    assert double.calls[0].body["contentType"] == "image/jpeg"


def test_a_file_without_a_name_is_called_after_its_kind(
    as_alice: Browser, double: FakeWorker
) -> None:
    as_alice.send(PATH, {"kind": "video", "contentType": "video/mp4", "bytes": 1})

    assert double.calls[0].body["fileName"] == "video.mp4"


@pytest.mark.parametrize("name", ["a\u200d.jpg", "海.jpg", "ß" * 255, "a b.jpg", "../../x.jpg"])
def test_a_name_may_be_any_text(as_alice: Browser, double: FakeWorker, name: str) -> None:
    assert as_alice.send(PATH, PICTURE | {"fileName": name}).status_code == 201
    assert double.calls[0].body["fileName"] == name


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"kind": "audio"}, "INVALID_FIELD", "kind"),
        ({"kind": "IMAGE"}, "INVALID_FIELD", "kind"),
        ({"kind": 1}, "INVALID_FIELD", "kind"),
        ({"kind": ["image"]}, "INVALID_FIELD", "kind"),
        ({"contentType": "text/html"}, "UNSUPPORTED_MIME", "contentType"),
        ({"contentType": "image/*"}, "UNSUPPORTED_MIME", "contentType"),
        ({"contentType": "jpeg"}, "UNSUPPORTED_MIME", "contentType"),
        ({"contentType": "video/mp4"}, "UNSUPPORTED_MIME", "contentType"),
        ({"contentType": 7}, "INVALID_FIELD", "contentType"),
        ({"contentType": "image/jpeg\r\nx: y"}, "INVALID_FIELD", "contentType"),
        ({"bytes": 0}, "INVALID_FIELD", "bytes"),
        ({"bytes": -1}, "INVALID_FIELD", "bytes"),
        ({"bytes": 1.5}, "INVALID_FIELD", "bytes"),
        ({"bytes": "1234"}, "INVALID_FIELD", "bytes"),
        ({"bytes": True}, "INVALID_FIELD", "bytes"),
        ({"bytes": [1]}, "INVALID_FIELD", "bytes"),
        ({"bytes": TOO_BIG}, "FILE_TOO_LARGE", "bytes"),
        ({"bytes": 10**400}, "FILE_TOO_LARGE", "bytes"),
        ({"fileName": 7}, "INVALID_FIELD", "fileName"),
        ({"fileName": ""}, "INVALID_FIELD", "fileName"),
        ({"fileName": "  "}, "INVALID_FIELD", "fileName"),
        ({"fileName": "x" * 256}, "INVALID_FIELD", "fileName"),
        ({"fileName": "a\x00.jpg"}, "INVALID_FIELD", "fileName"),
        ({"fileName": "a\r\nb.jpg"}, "INVALID_FIELD", "fileName"),
        ({"fileName": "\ud800.jpg"}, "INVALID_FIELD", "fileName"),
        ({"visibility": "secret"}, "INVALID_FIELD", "visibility"),
        ({"visibility": ""}, "INVALID_FIELD", "visibility"),
        ({"visibility": True}, "INVALID_FIELD", "visibility"),
        ({"album": ""}, "INVALID_FIELD", "album"),
        ({"album": "../x"}, "INVALID_FIELD", "album"),
        ({"album": "a/b"}, "INVALID_FIELD", "album"),
        ({"album": "x" * 65}, "INVALID_FIELD", "album"),
        ({"album": 7}, "INVALID_FIELD", "album"),
    ],
)
def test_a_wrong_field_is_named_and_nothing_is_left_behind(
    as_alice: Browser, double: FakeWorker, changes: dict[str, object], code: str, field: str
) -> None:
    response = as_alice.send(PATH, PICTURE | changes)

    error = response.json()
    assert (response.status_code, error["status"]) == (400, 400)
    assert (error["code"], error["field"]) == (code, field)
    assert error["error"].startswith(field)
    assert not MediaObject.objects.exists()
    assert not double.files


@pytest.mark.parametrize("missing", ["kind", "contentType", "bytes"])
@pytest.mark.parametrize("nothing", [None, ""])
def test_a_field_that_is_null_or_empty_is_missing(
    as_alice: Browser, missing: str, nothing: object
) -> None:
    error = as_alice.send(PATH, PICTURE | {missing: nothing}).json()

    assert (error["code"], error["fields"]) == ("MISSING_FIELDS", [missing])


def test_all_missing_fields_are_named_at_once(as_alice: Browser) -> None:
    error = as_alice.send(PATH, {}).json()

    assert (error["code"], error["status"]) == ("MISSING_FIELDS", 400)
    assert error["fields"] == ["kind", "contentType", "bytes"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"text"',
        b"\xff\xfe{",
        b"kind=image",
        b"[" * 100_000,
        b'{"bytes": ' + b"9" * 5000 + b"}",
    ],
)
def test_a_body_that_is_no_json_object_is_refused(as_alice: Browser, body: bytes) -> None:
    # Django's client leaves the type of an empty body out.
    headers = {"content-type": "application/json"}

    response = as_alice.post(PATH, body, content_type="application/json", headers=headers)

    error = response.json()
    assert (response.status_code, error["code"]) == (400, "INVALID_FIELD")
    assert error["field"] == "body"


def test_a_body_that_is_too_long_is_refused(as_alice: Browser, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100

    error = as_alice.send(PATH, PICTURE | {"fileName": "x" * 200}).json()

    assert (error["code"], error["field"]) == ("INVALID_FIELD", "body")


def test_a_member_that_nobody_knows_is_left_alone(as_alice: Browser) -> None:
    assert as_alice.send(PATH, PICTURE | {"method": "put"}).status_code == 201


@pytest.mark.parametrize(
    "fault",
    [
        httpx.ConnectError("refused"),
        httpx.ReadTimeout("silent"),
        httpx.RemoteProtocolError("cut"),
        httpx.Response(502, text="<html>"),
        httpx.Response(200, json=["no", "object"]),
        httpx.Response(201, json={"mediaId": "media_1"}),
        httpx.Response(302, headers={"location": "https://elsewhere.test"}),
        httpx.Response(500, json={"detail": "no envelope"}),
    ],
)
def test_a_worker_that_does_not_answer_as_itself_leaves_no_row(
    as_alice: Browser, double: FakeWorker, fault: httpx.Response | Exception
) -> None:
    double.answer_next(fault)

    response = as_alice.send(PATH, PICTURE)

    assert (response.status_code, response.json()["code"]) == (502, "WORKER_UNAVAILABLE")
    assert not MediaObject.objects.exists()
    assert double.called == ["POST /upload/presign"]


def test_a_refusal_of_the_workers_reaches_the_browser_as_it_is(
    as_alice: Browser, double: FakeWorker
) -> None:
    double.answer_next(refusal(429, "RATE_LIMITED", "Too many.", headers={"retry-after": "60"}))

    response = as_alice.send(PATH, PICTURE)

    error = response.json()
    assert (response.status_code, error["code"], error["error"]) == (
        429,
        "RATE_LIMITED",
        "Too many.",
    )
    assert response["Retry-After"] == "60"
    assert error["requestId"] != "w0rker"
    assert not MediaObject.objects.exists()


def test_a_gateway_key_that_the_worker_does_not_know_is_a_setting_to_mend(
    as_alice: Browser, settings: Any, shim_settings: Any
) -> None:
    settings.MEDIA_SHIM = shim_settings | {"GATEWAY_KEY": "another"}

    error = as_alice.send(PATH, PICTURE).json()

    assert (error["status"], error["code"]) == (503, "r2_not_configured")
    assert error["setting"] == "MEDIA_SHIM.GATEWAY_KEY"


def test_a_setting_that_the_worker_misses_is_named(as_alice: Browser, double: FakeWorker) -> None:
    sentence = "R2_BUCKET_NAME is not set."
    double.answer_next(refusal(503, "R2_NOT_CONFIGURED", sentence, setting="R2_BUCKET_NAME"))

    error = as_alice.send(PATH, PICTURE).json()

    assert (error["status"], error["code"]) == (503, "r2_not_configured")
    assert error["setting"] == "R2_BUCKET_NAME"


@pytest.mark.parametrize("missing", ["WORKER_URL", "GATEWAY_KEY", "TOKEN_KEYS"])
def test_a_missing_setting_is_named_and_the_worker_not_asked(
    as_alice: Browser, double: FakeWorker, settings: Any, shim_settings: Any, missing: str
) -> None:
    settings.MEDIA_SHIM = shim_settings | {missing: None}

    response = as_alice.send(PATH, PICTURE)

    error = response.json()
    assert (response.status_code, error["code"]) == (503, "r2_not_configured")
    assert error["setting"] == f"MEDIA_SHIM.{missing}"
    assert not double.calls


def test_without_any_settings_the_first_one_is_named(as_alice: Browser, settings: Any) -> None:
    del settings.MEDIA_SHIM

    error = as_alice.send(PATH, PICTURE).json()

    assert (error["code"], error["setting"]) == ("r2_not_configured", "MEDIA_SHIM.WORKER_URL")


def first_name_of(user: User) -> str:
    return user.first_name


@pytest.mark.parametrize("tenant", ["a/b", "", "x" * 65])
def test_a_tenant_that_cannot_be_part_of_a_key_is_a_setting_to_mend(
    as_alice: Browser,
    double: FakeWorker,
    alice: User,
    settings: Any,
    shim_settings: dict[str, Any],
    tenant: str,
) -> None:
    settings.MEDIA_SHIM = shim_settings | {"TENANT": f"{__name__}.first_name_of"}
    alice.first_name = tenant
    alice.save()

    error = as_alice.send(PATH, PICTURE).json()

    assert (error["status"], error["setting"]) == (503, "MEDIA_SHIM.TENANT")
    assert not double.calls
