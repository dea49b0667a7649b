"""The double answers as the real Worker does: every test here runs against both."""

import re
from uuid import uuid4

import httpx
import pytest

from media_shim.testing.samples import SAMPLES
from media_shim.testing.worker import LARGEST
from tests.media import JPEG
from tests.shim.on_a_worker.sides import ALICE, PICTURE, STRANGERS, Side, refused


@pytest.fixture(autouse=True)
def _database() -> None:
    """Neither side has anything to do with the application's database."""


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({}, r"t/acme/app/\d{4}/\d\d/{id}\.jpg"),
        ({"album": "summer"}, r"t/acme/app/a/summer/{id}\.jpg"),
        (
            {"contentType": "video/mp4", "fileName": "sea.mp4", "visibility": "public"},
            r"t/acme/app/\d{4}/\d\d/{id}\.mp4",
        ),
    ],
)
def test_presign(side: Side, changes: dict[str, object], key: str) -> None:
    response = side.presign(**changes)

    answer = response.json()
    assert response.status_code == 201
    assert answer.keys() == {"mediaId", "key", "uploadUrl", "method", "headers", "expiresAt"}
    assert answer["method"] == "PUT"
    assert answer["headers"] == {
        "content-type": changes.get("contentType", "image/jpeg"),
        "content-disposition": f'inline; filename="{changes.get("fileName", "sea.jpg")}"',
        "if-none-match": "*",
    }
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", answer["expiresAt"])
    prefix, _, nanoid = answer["mediaId"].partition("_")
    assert (prefix, len(nanoid)) == ("media", 21)
    assert re.fullmatch(key.replace("{id}", nanoid), answer["key"])


def test_presign_without_a_tenant(side: Side) -> None:
    who = {name: value for name, value in ALICE.items() if name != "x-tenant-id"}

    assert side.presign(who).json()["key"].startswith("u/1/app/")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"fileName": None}, (400, "MISSING_FIELDS", ["fileName"])),
        ({"fileSize": None, "service": None}, (400, "MISSING_FIELDS", ["fileSize", "service"])),
        ({"contentType": "text/html"}, (400, "UNSUPPORTED_MIME", "contentType")),
        ({"fileSize": LARGEST + 1}, (400, "FILE_TOO_LARGE", "fileSize")),
        ({"fileSize": 10**400}, (400, "FILE_TOO_LARGE", "fileSize")),
    ],
)
def test_presign_refused(
    side: Side, changes: dict[str, object], expected: tuple[int, str, object]
) -> None:
    assert refused(side.presign(**changes)) == expected


@pytest.mark.parametrize(
    ("header", "value", "status", "code"),
    [
        ("x-gateway-key", "another", 401, "UNAUTHORIZED"),
        ("x-gateway-key", "", 401, "UNAUTHORIZED"),
        ("x-user-permissions", "media:files.read", 403, "FORBIDDEN"),
    ],
)
def test_who_may_not(side: Side, header: str, value: str, status: int, code: str) -> None:
    assert refused(side.presign(ALICE | {header: value}))[:2] == (status, code)


def test_complete(side: Side) -> None:
    upload = side.presign(fileName="../holiday/sea.jpg").json()
    media_id = upload["mediaId"]

    assert refused(side.complete(media_id)) == (409, "UPLOAD_INCOMPLETE", None)
    side.put(upload)
    first, second = side.complete(media_id), side.complete(media_id)

    assert (first.status_code, second.status_code) == (200, 200)
    file = first.json()
    assert second.json() == file
    assert all(file.pop(name) for name in ("etag", "createdAt", "uploadedAt"))
    # What the shim does not look at, the double does not say.
    for name in ("sha256", "width", "height", "durationMs", "codec", "animated", "alpha"):
        file.pop(name, None)
    assert file == {
        **PICTURE,
        "mediaId": media_id,
        "key": upload["key"],
        "status": "uploaded",
        "fileName": "holidaysea.jpg",
        "album": None,
        "managedBy": None,
    }


def test_complete_of_another_scope_is_as_if_there_were_nothing(side: Side) -> None:
    upload = side.presign().json()
    side.put(upload)

    for stranger in STRANGERS:
        who = {name: value for name, value in stranger.items() if value}
        assert refused(side.complete(upload["mediaId"], who)) == (404, "MEDIA_NOT_FOUND", None)
    assert refused(side.complete("media_" + "x" * 21)) == (404, "MEDIA_NOT_FOUND", None)
    assert side.complete(upload["mediaId"]).status_code == 200


def test_a_route_that_is_not_there(side: Side) -> None:
    assert refused(side.http.get("/nothing", headers=ALICE)) == (404, "NOT_FOUND", None)


def named(key: str) -> dict[str, str]:
    return ALICE | {"idempotency-key": key}


def test_a_presign_that_names_itself_makes_one_upload(side: Side) -> None:
    who = named(f"one-{uuid4()}")

    first, second = side.presign(who), side.presign(who)

    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert side.presign(named(f"two-{uuid4()}")).json() != first.json()
    assert side.presign(who | {"x-user-id": "2"}).json() != first.json()


def test_the_same_name_for_another_upload_is_refused(side: Side) -> None:
    who = named(f"one-{uuid4()}")
    side.presign(who)

    assert refused(side.presign(who, fileName="hill.jpg")) == (
        422,
        "IDEMPOTENCY_KEY_REUSED",
        None,
    )


def test_the_name_of_an_upload_that_is_gone_is_refused(side: Side) -> None:
    who = named(f"one-{uuid4()}")
    side.delete(side.presign(who).json()["mediaId"])

    assert refused(side.presign(who)) == (410, "MEDIA_GONE", None)


@pytest.mark.parametrize("key", ["with a space", "x" * 256])
def test_a_name_that_cannot_be_one(side: Side, key: str) -> None:
    assert refused(side.presign(named(key))) == (400, "INVALID_FIELD", "Idempotency-Key")


@pytest.mark.parametrize(
    ("written", "header", "kept"),
    [
        ("sea", 'filename="sea.jpg"', "sea"),
        ("sea.JPEG", 'filename="sea.JPEG"', "sea.JPEG"),
        ("sea.jpg.exe", 'filename="sea.jpg.exe.jpg"', "sea.jpg.exe"),
        ("..", 'filename="file.jpg"', "file"),
        (
            'Grüße "100%".jpg',
            "filename=\"Gr__e _100__.jpg\"; filename*=UTF-8''Gr%C3%BC%C3%9Fe%20%22100%25%22.jpg",
            'Grüße "100%".jpg',
        ),
    ],
)
def test_a_name_is_kept_and_saved_as_its_type_ends(
    side: Side, written: str, header: str, kept: str
) -> None:
    upload = side.presign(fileName=written).json()

    assert upload["headers"]["content-disposition"] == f"inline; {header}"
    assert side.put(upload).status_code == 200
    assert side.complete(upload["mediaId"]).json()["fileName"] == kept


@pytest.mark.parametrize("content_type", SAMPLES)
def test_the_smallest_files_are_taken(side: Side, content_type: str) -> None:
    content = SAMPLES[content_type]
    upload = side.presign(contentType=content_type, fileSize=len(content)).json()

    assert side.put(upload, content).status_code == 200
    assert side.complete(upload["mediaId"]).status_code == 200


def test_the_store_takes_what_was_signed_and_takes_it_once(side: Side) -> None:
    upload = side.presign().json()

    assert side.put(upload, JPEG, {"content-type": "image/png"}).status_code == 403
    assert side.put(upload, JPEG + b"more").status_code == 403
    assert side.put(upload).status_code == 200
    assert side.put(upload).status_code == 412
    assert side.complete(upload["mediaId"]).status_code == 200
    assert side.put(upload).status_code == 412


def test_what_is_not_what_it_was_declared_as_is_refused_for_ever(side: Side) -> None:
    upload = side.presign().json()
    assert side.put(upload, b"<html>".ljust(len(JPEG))).status_code == 200

    first, second = side.complete(upload["mediaId"]), side.complete(upload["mediaId"])

    assert refused(first) == (422, "CONTENT_MISMATCH", "contentType")
    assert refused(second) == (410, "MEDIA_GONE", None)


def test_open(side: Side) -> None:
    first = side.open(fileSize=None, maxFileSize=LARGEST)
    again = side.http.post(
        "/upload/token", json={"mediaId": first.json()["mediaId"]}, headers=ALICE
    )

    assert (first.status_code, again.status_code) == (201, 200)
    opened, renewed = first.json(), again.json()
    assert opened["status"] == "pending_upload"
    assert opened["uploadUrl"].endswith(f"/u/{opened['uploadToken']}")
    assert opened.keys() == renewed.keys()
    for name in ("mediaId", "key", "uploadId", "status", "expiresAt"):
        assert opened[name] == renewed[name]
    assert refused(side.complete(opened["mediaId"])) == (409, "UPLOAD_INCOMPLETE", None)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"maxFileSize": None}, (400, "MISSING_FIELDS", ["fileSize"])),
        ({"maxFileSize": LARGEST + 1}, (400, "FILE_TOO_LARGE", "fileSize")),
        ({"contentType": "text/html"}, (400, "UNSUPPORTED_MIME", "contentType")),
    ],
)
def test_open_refused(
    side: Side, changes: dict[str, object], expected: tuple[int, str, object]
) -> None:
    wanted: dict[str, object] = {"fileSize": None, "maxFileSize": LARGEST, **changes}

    assert refused(side.open(**wanted)) == expected


def test_an_open_that_names_itself_opens_one_transfer(side: Side) -> None:
    who = named(f"one-{uuid4()}")

    first, second = side.open(who), side.open(who)

    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert side.presign(who).json()["mediaId"] != first.json()["mediaId"]
    assert refused(side.open(who, fileName="hill.jpg")) == (422, "IDEMPOTENCY_KEY_REUSED", None)
    assert refused(side.open(named("a b"))) == (400, "INVALID_FIELD", "Idempotency-Key")
    side.delete(first.json()["mediaId"])
    assert refused(side.open(who)) == (410, "MEDIA_GONE", None)


def test_a_token_is_for_what_was_opened_and_is_not_gone(side: Side) -> None:
    presigned = side.presign().json()["mediaId"]
    opened = side.open().json()["mediaId"]

    def token(media_id: object, who: dict[str, str] = ALICE) -> tuple[int, str, object]:
        return refused(side.http.post("/upload/token", json={"mediaId": media_id}, headers=who))

    assert token(presigned) == (404, "MEDIA_NOT_FOUND", None)
    assert token("nothing") == (400, "INVALID_FIELD", "mediaId")
    assert token(None) == (400, "MISSING_FIELDS", ["mediaId"])
    reader = ALICE | {"x-user-permissions": "media:files.read"}
    assert token(opened, reader)[:2] == (403, "FORBIDDEN")
    assert token(opened, STRANGERS[0])[:2] == (404, "MEDIA_NOT_FOUND")
    assert side.delete(opened).status_code == 200
    assert token(opened)[1] in ("MEDIA_GONE", "MEDIA_NOT_FOUND")


def test_delete(side: Side) -> None:
    media_id = side.uploaded()["mediaId"]

    first, second = side.delete(media_id), side.delete(media_id)

    assert (first.status_code, second.status_code) == (200, 200)
    assert first.json() == second.json() == {"mediaId": media_id, "deleted": True}
    assert refused(side.complete(media_id)) == (410, "MEDIA_GONE", None)
    assert refused(side.update(media_id, "public")) == (410, "MEDIA_GONE", None)


def test_an_upload_that_is_given_up_stores_nothing(side: Side) -> None:
    upload = side.presign().json()

    assert side.delete(upload["mediaId"]).json()["deleted"] is True

    assert side.put(upload).status_code == 412
    assert refused(side.complete(upload["mediaId"])) == (410, "MEDIA_GONE", None)


def test_the_owner_of_the_system_may_do_everything_in_their_scope(side: Side) -> None:
    owner = ALICE | {"x-user-permissions": "system:owner"}
    media_id = side.uploaded(owner)["mediaId"]

    assert side.update(media_id, "public", owner).status_code == 200
    assert side.delete(media_id, owner).status_code == 200


@pytest.mark.parametrize("revision", ["", "0", "-1", "x", "1.5", str(2**53)])
def test_a_deletion_with_a_number_that_is_none(side: Side, revision: str) -> None:
    path = f"/files/{side.uploaded()['mediaId']}?revision={revision}"

    assert refused(side.http.delete(path, headers=ALICE)) == (400, "INVALID_FIELD", "revision")


def test_a_file_whose_bytes_were_lost_is_still_one(side: Side) -> None:
    file = side.uploaded()
    side.lose_object(file["key"])

    assert side.complete(file["mediaId"]).json() == file
    assert side.update(file["mediaId"], "public").status_code == 200


def test_an_upload_whose_bytes_were_lost_can_be_sent_again(side: Side) -> None:
    upload = side.presign().json()
    side.put(upload)
    side.lose_object(upload["key"])

    assert refused(side.complete(upload["mediaId"])) == (409, "UPLOAD_INCOMPLETE", None)
    assert side.put(upload).status_code == 200
    assert side.complete(upload["mediaId"]).status_code == 200


def test_what_was_refused_can_be_deleted(side: Side) -> None:
    upload = side.presign().json()
    side.put(upload, b"<html>".ljust(len(JPEG)))
    side.complete(upload["mediaId"])

    assert side.delete(upload["mediaId"]).status_code == 200


def test_update(side: Side) -> None:
    file = side.uploaded()

    shown = side.update(file["mediaId"], "public")

    assert shown.status_code == 200
    assert shown.json() == file | {"visibility": "public"}
    assert side.update(file["mediaId"], "public").json() == shown.json()
    assert side.complete(file["mediaId"]).json() == shown.json()


@pytest.mark.parametrize(
    ("visibility", "expected"),
    [
        (None, (400, "MISSING_FIELDS", ["visibility"])),
        ("everybody", (400, "INVALID_FIELD", "visibility")),
        ("public", (409, "UPLOAD_INCOMPLETE", None)),
    ],
)
def test_update_refused(side: Side, visibility: object, expected: tuple[int, str, object]) -> None:
    media_id = side.presign().json()["mediaId"]

    assert refused(side.update(media_id, visibility)) == expected


def test_a_change_that_comes_late_changes_nothing(side: Side) -> None:
    media_id = side.uploaded()["mediaId"]

    def tell(visibility: str, revision: object) -> httpx.Response:
        body = {"visibility": visibility, "revision": revision}
        return side.http.patch(f"/files/{media_id}", json=body, headers=ALICE)

    assert tell("public", 7).json()["visibility"] == "public"
    assert tell("private", 6).json()["visibility"] == "public"
    assert tell("private", 7).json()["visibility"] == "private"
    assert side.update(media_id, "public").json()["visibility"] == "public"
    assert tell("private", 6).json()["visibility"] == "public"
    for wrong in (0, 2**53, "7", 1.5):
        assert refused(tell("public", wrong)) == (400, "INVALID_FIELD", "revision")
    deleted = side.http.delete(f"/files/{media_id}?revision=5", headers=ALICE)
    assert deleted.json() == {"mediaId": media_id, "deleted": True}


def test_who_may_not_delete_or_change(side: Side) -> None:
    media_id = side.uploaded()["mediaId"]
    reader = ALICE | {"x-user-permissions": "media:files.read"}

    for act in (side.delete, lambda *who: side.update(who[0], "public", who[1])):
        assert refused(act(media_id, reader))[:2] == (403, "FORBIDDEN")
        assert refused(act(media_id, STRANGERS[0])) == (404, "MEDIA_NOT_FOUND", None)
        assert refused(act("media_" + "x" * 21, ALICE)) == (404, "MEDIA_NOT_FOUND", None)
        assert refused(act("nothing", ALICE)) == (400, "INVALID_FIELD", "mediaId")


def test_what_a_shim_manages_it_alone_deletes_and_changes(side: Side) -> None:
    shim = ALICE | {"x-media-shim": "blog"}
    file = side.uploaded(shim)
    media_id = file["mediaId"]

    assert file["managedBy"] == "blog"
    for who in (ALICE, ALICE | {"x-media-shim": "shop"}):
        assert refused(side.delete(media_id, who)) == (409, "MEDIA_MANAGED", None)
        assert refused(side.update(media_id, "public", who)) == (409, "MEDIA_MANAGED", None)
    assert side.complete(media_id).status_code == 200
    assert side.update(media_id, "public", shim).json()["visibility"] == "public"
    assert side.delete(media_id, shim).status_code == 200


def test_an_identity_that_is_none(side: Side) -> None:
    nobody = {name: value for name, value in ALICE.items() if name != "x-user-id"}

    assert refused(side.presign(nobody))[:2] == (401, "UNAUTHORIZED")
    for name in ("x-user-id", "x-tenant-id", "x-media-shim"):
        assert refused(side.presign(ALICE | {name: "no id"})) == (400, "INVALID_FIELD", name)


def test_health(side: Side) -> None:
    answer = side.http.get("/health")

    assert answer.status_code == 200
    assert answer.json().keys() == {"status", "service", "version", "bindings", "problems"}
    assert (answer.json()["status"], answer.json()["problems"]) == ("ok", [])
