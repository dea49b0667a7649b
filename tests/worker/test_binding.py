"""The engine as a service binding of another Worker: a real one, in JavaScript, under workerd."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conftest import RunningWorker, RunWorker
from tests.media import JPEG
from tests.worker.patience import eventually

PERMISSIONS = ["media:files.read", "media:files.write"]
ALICE = {"userId": "alice", "tenantId": "acme", "permissions": PERMISSIONS}
BOB = {"userId": "bob", "tenantId": "globex", "permissions": PERMISSIONS}
NOBODY: dict[str, object] = {"permissions": PERMISSIONS}
ALICE_HEADERS = {
    "x-user-id": "alice",
    "x-tenant-id": "acme",
    "x-user-permissions": ",".join(PERMISSIONS),
}
PHOTO = {"fileName": "a.jpg", "contentType": "image/jpeg", "fileSize": len(JPEG), "service": "blog"}


@pytest.fixture(scope="module")
def caller(worker: RunningWorker, run_worker: RunWorker) -> Iterator[RunningWorker]:
    """A Worker that has the engine as its binding MEDIA."""
    del worker  # It has to run: the binding finds it by its name.
    config = Path(__file__).parent / "binding" / "wrangler.toml"
    with run_worker(config=config, ready="/ready") as running:
        yield running


@pytest.fixture(scope="module")
def uploaded(caller: RunningWorker) -> str:
    """The id of a file that Alice uploaded over RPC."""
    presigned = call(caller, "presign", ALICE, PHOTO)
    httpx.put(presigned["uploadUrl"], headers=presigned["headers"], content=JPEG).raise_for_status()
    completed = call(caller, "complete", ALICE, presigned["mediaId"])
    assert completed["status"] == "uploaded"
    media_id: str = presigned["mediaId"]
    return media_id


def call(caller: RunningWorker, method: str, *arguments: object) -> Any:
    answer = httpx.post(f"{caller.url}/rpc/{method}", json=arguments, timeout=60)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_file_uploaded_over_rpc_opens_at_the_url_it_resolves_to(
    caller: RunningWorker, uploaded: str
) -> None:
    file = call(caller, "resolve", ALICE, [uploaded])["files"][uploaded]
    assert file["urlExpiresAt"] is not None
    assert httpx.get(file["url"]).content == JPEG


def test_a_presign_over_rpc_can_name_itself(caller: RunningWorker) -> None:
    first, again = (call(caller, "presign", ALICE, PHOTO, "the-key") for _ in range(2))
    assert first == again
    other = call(caller, "presign", ALICE, {**PHOTO, "album": "x"}, "the-key")
    assert other["code"] == "IDEMPOTENCY_KEY_REUSED"
    assert call(caller, "presign", ALICE, PHOTO, None)["mediaId"] != first["mediaId"]


def test_a_transfer_opened_over_rpc_is_filled_by_its_token_and_renewed(
    caller: RunningWorker,
) -> None:
    opened, again = (call(caller, "open", ALICE, PHOTO, "the-key") for _ in range(2))
    assert opened == again, "the same name as a presign's, of another call"
    renewed = call(caller, "token", ALICE, opened["mediaId"])
    assert renewed["uploadId"] == opened["uploadId"]
    sent = httpx.post(
        f"{renewed['uploadUrl']}/media/upload/simple",
        params={"file_name": "a.jpg"},
        headers={"content-type": "image/jpeg"},
        content=JPEG,
    )
    assert sent.status_code == 201, sent.text
    assert call(caller, "resolve", ALICE, [opened["mediaId"]])["files"][opened["mediaId"]]
    assert call(caller, "open", ALICE, PHOTO, "the-key")["status"] == "uploaded"
    other = call(caller, "open", ALICE, {**PHOTO, "album": "x"}, "the-key")
    assert other["code"] == "IDEMPOTENCY_KEY_REUSED"
    assert call(caller, "token", BOB, opened["mediaId"])["code"] == "MEDIA_NOT_FOUND"


def test_a_null_over_rpc_is_a_field_that_is_not_there(caller: RunningWorker) -> None:
    presigned = call(caller, "presign", {**ALICE, "tenantId": None}, {**PHOTO, "album": None})
    assert presigned["key"].startswith("u/alice/blog/2")


def test_completing_twice_over_rpc_gives_the_same_file(
    caller: RunningWorker, uploaded: str
) -> None:
    first = call(caller, "complete", ALICE, uploaded)
    assert call(caller, "complete", ALICE, uploaded) == first


def test_another_tenant_resolves_nothing(caller: RunningWorker, uploaded: str) -> None:
    assert call(caller, "resolve", BOB, [uploaded])["files"] == {uploaded: None}


def test_another_tenant_completes_nothing(caller: RunningWorker, uploaded: str) -> None:
    assert call(caller, "complete", BOB, uploaded)["code"] == "MEDIA_NOT_FOUND"


def test_who_sees_a_file_is_changed_over_rpc_and_it_is_deleted(caller: RunningWorker) -> None:
    presigned = call(caller, "presign", {**ALICE, "shim": "backend"}, PHOTO)
    httpx.put(presigned["uploadUrl"], headers=presigned["headers"], content=JPEG).raise_for_status()
    media_id = presigned["mediaId"]
    file = call(caller, "complete", ALICE, media_id)
    shim = {**ALICE, "shim": "backend"}
    shown = call(caller, "update", shim, media_id, {"visibility": "public"})
    assert shown == {**file, "visibility": "public", "managedBy": "backend"}
    assert call(caller, "update", ALICE, media_id, {"visibility": "private"})["code"] == (
        "MEDIA_MANAGED"
    )
    assert call(caller, "delete", ALICE, media_id)["code"] == "MEDIA_MANAGED"
    numbered = {"visibility": "public", "revision": 7}
    assert call(caller, "update", shim, media_id, numbered) == shown
    late = {"visibility": "private", "revision": 6}
    assert call(caller, "update", shim, media_id, late) == shown
    assert call(caller, "delete", shim, media_id, 5) == {"mediaId": media_id, "deleted": True}
    for _ in range(2):
        assert call(caller, "delete", shim, media_id) == {"mediaId": media_id, "deleted": True}
    assert call(caller, "update", shim, media_id, {"visibility": "public"})["code"] == "MEDIA_GONE"
    assert call(caller, "resolve", ALICE, [media_id])["files"] == {media_id: None}


def test_a_message_that_cannot_be_read_is_told_of(
    caller: RunningWorker, worker: RunningWorker
) -> None:
    messages = [{"kind": "purge", "tags": "m-a"}, "text", None, [[None]], 7]
    httpx.post(f"{caller.url}/queue", json=messages).raise_for_status()
    told: set[str] = set()
    for _ in eventually():
        lines = [line for line in worker.log.read_text().splitlines() if "unreadable" in line]
        told = {name for line in lines for name in json.loads(line)["messages"]}
        if len(told) == len(messages):
            break
    assert len(told) == len(messages)


@pytest.mark.parametrize(
    ("method", "arguments", "code"),
    [
        ("presign", (NOBODY, PHOTO), "UNAUTHORIZED"),
        ("presign", (None, PHOTO), "UNAUTHORIZED"),
        ("presign", ({**ALICE, "tenantId": "a/b"}, PHOTO), "INVALID_FIELD"),
        ("presign", ({**ALICE, "permissions": "all"}, PHOTO), "INVALID_FIELD"),
        ("presign", ({**ALICE, "permissions": []}, PHOTO), "FORBIDDEN"),
        ("presign", (ALICE, None), "MISSING_FIELDS"),
        ("presign", (ALICE, {**PHOTO, "fileSize": "5"}), "INVALID_FIELD"),
        ("presign", (ALICE, {**PHOTO, "fileSize": 5.5}), "INVALID_FIELD"),
        ("presign", (ALICE, PHOTO, 7), "INVALID_FIELD"),
        ("open", (NOBODY, PHOTO), "UNAUTHORIZED"),
        ("open", (ALICE, None), "MISSING_FIELDS"),
        ("open", (ALICE, {**PHOTO, "fileSize": None, "maxFileSize": "5"}), "INVALID_FIELD"),
        ("open", ({**ALICE, "permissions": []}, PHOTO), "FORBIDDEN"),
        ("open", (ALICE, PHOTO, ["a"]), "INVALID_FIELD"),
        ("token", (ALICE, None), "MISSING_FIELDS"),
        ("token", (ALICE, 7), "INVALID_FIELD"),
        ("token", (ALICE, "media_" + 21 * "x"), "MEDIA_NOT_FOUND"),
        ("token", ({**ALICE, "permissions": []}, "media_" + 21 * "x"), "FORBIDDEN"),
        ("ingest", (NOBODY, {}), "UNAUTHORIZED"),
        ("ingest", (ALICE, None), "MISSING_FIELDS"),
        ("ingest", (ALICE, {"url": "http://10.0.0.1/", "service": "blog"}), "SSRF_BLOCKED"),
        ("ingest", (ALICE, {"url": "http://10.0.0.1/", "service": "blog"}, 7), "INVALID_FIELD"),
        ("complete", (ALICE, None), "MISSING_FIELDS"),
        ("complete", (ALICE, {"mediaId": 1}), "INVALID_FIELD"),
        ("resolve", (ALICE, None), "MISSING_FIELDS"),
        ("resolve", (ALICE, []), "INVALID_FIELD"),
        ("resolve", (ALICE, [1]), "INVALID_FIELD"),
        ("resolve", ({**ALICE, "permissions": []}, ["media_" + 21 * "x"]), "FORBIDDEN"),
        ("delete", (ALICE, None), "MISSING_FIELDS"),
        ("delete", (ALICE, 7), "INVALID_FIELD"),
        ("delete", (ALICE, "media_" + 21 * "x"), "MEDIA_NOT_FOUND"),
        ("delete", ({**ALICE, "shim": "a b"}, "media_" + 21 * "x"), "INVALID_FIELD"),
        ("update", (ALICE, "media_" + 21 * "x", {}), "MISSING_FIELDS"),
        ("update", (ALICE, "media_" + 21 * "x", None), "MISSING_FIELDS"),
        ("update", (ALICE, "media_" + 21 * "x", {"visibility": 1}), "INVALID_FIELD"),
        ("delete", (ALICE, "media_" + 21 * "x", 0), "INVALID_FIELD"),
        ("delete", (ALICE, "media_" + 21 * "x", 2.5), "INVALID_FIELD"),
        (
            "update",
            (ALICE, "media_" + 21 * "x", {"visibility": "public", "revision": "7"}),
            "INVALID_FIELD",
        ),
    ],
)
def test_a_call_that_is_wrong_returns_the_envelope(
    caller: RunningWorker, method: str, arguments: tuple[object, ...], code: str
) -> None:
    answer = call(caller, method, *arguments)
    assert answer["code"] == code
    assert answer["requestId"]
    assert answer["error"]


def test_ids_are_resolved_over_the_bindings_fetch(caller: RunningWorker, uploaded: str) -> None:
    answer = httpx.post(
        f"{caller.url}/internal/resolve", headers=ALICE_HEADERS, json={"ids": [uploaded]}
    )
    assert answer.status_code == 200, answer.text
    assert answer.json()["files"][uploaded]["fileName"] == "a.jpg"


def test_the_binding_has_no_other_routes(caller: RunningWorker) -> None:
    answer = httpx.post(f"{caller.url}/upload/presign", headers=ALICE_HEADERS, json=PHOTO)
    assert answer.status_code == 404
    assert answer.json()["code"] == "NOT_FOUND"


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_what_is_internal_is_not_there_from_outside(worker: RunningWorker, method: str) -> None:
    headers = {**ALICE_HEADERS, "x-gateway-key": "dev-gateway-key"}
    answer = httpx.request(method, f"{worker.url}/internal/resolve", headers=headers)
    assert answer.status_code == 404
    assert answer.json()["code"] == "NOT_FOUND"
