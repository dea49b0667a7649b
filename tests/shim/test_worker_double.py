"""The double answers as the real Worker does: every test here runs against both."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.media import JPEG
from tests.shim.worker_double import GATEWAY_KEY, LARGEST, WorkerDouble

PICTURE = {
    "fileName": "sea.jpg",
    "contentType": "image/jpeg",
    "fileSize": len(JPEG),
    "service": "app",
    "visibility": "private",
}
ALICE = {
    "x-gateway-key": GATEWAY_KEY,
    "x-user-id": "1",
    "x-tenant-id": "acme",
    "x-user-permissions": "media:files.read,media:files.write",
}
STRANGERS = [ALICE | {"x-tenant-id": "globex"}, ALICE | {"x-tenant-id": ""}]


@dataclass
class Side:
    """One of the two.

    Attributes:
        http: speaks to it.
        put: does with a presigned upload what a browser does.
    """

    http: httpx.Client
    put: Callable[[dict[str, Any]], object]

    def presign(self, who: dict[str, str] = ALICE, /, **changes: object) -> httpx.Response:
        body = {name: value for name, value in (PICTURE | changes).items() if value is not None}
        return self.http.post("/upload/presign", json=body, headers=who)

    def complete(self, media_id: str, who: dict[str, str] = ALICE) -> httpx.Response:
        return self.http.patch("/upload/complete", json={"mediaId": media_id}, headers=who)


@pytest.fixture(params=["double", "Worker"])
def side(request: pytest.FixtureRequest, double: WorkerDouble) -> Iterator[Side]:
    if request.param == "double":
        with httpx.Client(base_url="https://worker.test") as http:
            yield Side(http, lambda upload: double.put(upload["key"]))
    else:
        with httpx.Client(base_url=request.getfixturevalue("worker").url) as http:
            yield Side(
                http,
                lambda upload: httpx.put(
                    upload["uploadUrl"], headers=upload["headers"], content=JPEG
                ).raise_for_status(),
            )


def refused(response: httpx.Response) -> tuple[int, str, object]:
    """Return the status, the code, and what is to blame, if the answer is an envelope."""
    error = response.json()
    assert {"error", "code", "status", "requestId"} <= error.keys()
    assert error["status"] == response.status_code
    return response.status_code, error["code"], error.get("field", error.get("fields"))


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
