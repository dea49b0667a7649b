"""What presign and complete promise beyond the file itself: room, repetition, hashes, content."""

import hashlib
import secrets
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Any

import httpx
import pytest

from runtime.process import ROOT
from tests.conftest import RunningWorker, RunWorker
from tests.corpus.drawings import svg
from tests.corpus.png import png
from tests.media import JPEG, SMALLEST, photo_saying, video_head
from tests.worker.caller import ACCESS, Caller, headers_of
from tests.worker.state import account, counting, grow_older, kept
from tests.worker.test_cron import HOUR_MS, clean
from tests.worker.tokens import file_url

MIB = 1024 * 1024
SIZE = len(JPEG)
PHOTO = {"fileName": "a.jpg", "contentType": "image/jpeg", "fileSize": SIZE, "service": "blog"}
HASH = hashlib.sha256(JPEG).hexdigest()


@pytest.fixture
def tenant() -> str:
    """A tenant that nobody else has."""
    return f"tenant-{secrets.token_hex(6)}"


@pytest.fixture
def dora(alice: Caller, tenant: str) -> Caller:
    """A user who acts for that tenant."""
    return replace(alice, headers=headers_of("dora", tenant))


def refusal(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


# Room.


def test_a_quota_holds_to_the_byte_and_what_is_deleted_or_refused_is_given_back(
    dora: Caller, tenant: str
) -> None:
    said = dora.set_quota(tenant, bytes=3 * SIZE, files=None)
    assert said.json() == {"bytes": 3 * SIZE, "files": None, "bytesUsed": 0, "filesUsed": 0}
    dora.upload(JPEG)
    wrong = dora.presigned(SIZE)
    refused = dora.presign(**{**PHOTO, "fileSize": SIZE + 1})
    assert refusal(refused) == (402, "QUOTA_EXCEEDED")
    assert refused.json()["bytesLeft"] == SIZE
    dora.put(wrong, b"x" * SIZE)
    assert dora.complete(wrong["mediaId"]).status_code == 422
    assert dora.presign(**{**PHOTO, "fileSize": 2 * SIZE}).status_code == 201
    assert refusal(dora.presign(**{**PHOTO, "fileSize": 1})) == (402, "QUOTA_EXCEEDED")


@pytest.mark.parametrize(
    "quota", [{"bytes": 7 * SIZE + 140, "files": 99}, {"bytes": None, "files": 7}]
)
def test_of_presigns_at_the_same_time_so_many_fit_as_fit(
    dora: Caller, worker: RunningWorker, tenant: str, quota: dict[str, int | None]
) -> None:
    dora.set_quota(tenant, **quota)
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: dora.presign(**PHOTO), range(20)))
    assert sorted(answer.status_code for answer in answers) == [201] * 7 + [402] * 13
    kept_account = account(worker.state, f"t:{tenant}")
    assert (kept_account["used_bytes"], kept_account["used_files"]) == (7 * SIZE, 7)
    assert counting(worker.state, f"t:{tenant}") == (7 * SIZE, 7)


def test_what_never_came_is_given_back_an_hour_after_its_url(
    dora: Caller, worker: RunningWorker, tenant: str
) -> None:
    dora.set_quota(tenant, bytes=SIZE, files=1)
    signed = dora.presigned(SIZE)
    dora.put(signed, JPEG)
    assert refusal(dora.presign(**PHOTO)) == (402, "QUOTA_EXCEEDED")
    grow_older(worker.state, [signed["key"]], 3 * HOUR_MS)
    clean(worker)
    assert account(worker.state, f"t:{tenant}")["used_bytes"] == 0
    other = dora.presigned(SIZE)
    late = dora.complete(signed["mediaId"])
    assert refusal(late) == (402, "QUOTA_EXCEEDED"), "somebody else has its room"
    dora.put(other, b"x" * SIZE)
    dora.complete(other["mediaId"])
    assert dora.complete(signed["mediaId"]).json()["status"] == "uploaded"
    assert account(worker.state, f"t:{tenant}")["used_bytes"] == SIZE


def test_nobody_sets_the_quota_of_another_tenant(dora: Caller, tenant: str) -> None:
    assert refusal(dora.set_quota("acme", bytes=1, files=1)) == (403, "FORBIDDEN")
    plain = dora.http.put(
        f"{dora.url}/tenants/{tenant}/quota", headers=dora.headers, json={"bytes": 1, "files": 1}
    )
    assert refusal(plain) == (403, "FORBIDDEN")


# Repetition.


def test_the_same_presign_by_name_from_many_at_once_makes_one_upload(
    dora: Caller, worker: RunningWorker, tenant: str
) -> None:
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: dora.presign_named("the-key", **PHOTO), range(10)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    assert counting(worker.state, f"t:{tenant}") == (SIZE, 1)
    signed = answers[0].json()
    assert dora.put(signed, JPEG).status_code == 200
    assert dora.complete(signed["mediaId"]).status_code == 200
    again = dora.presign_named("the-key", **PHOTO)
    assert again.json() == signed
    assert dora.put(again.json(), JPEG).status_code == 412, "call complete"


def test_another_presign_by_the_same_name_is_refused(dora: Caller) -> None:
    assert dora.presign_named("the-key", **PHOTO).status_code == 201
    other = {**PHOTO, "fileName": "b.jpg"}
    assert refusal(dora.presign_named("the-key", **other)) == (422, "IDEMPOTENCY_KEY_REUSED")
    assert refusal(dora.presign_named("a b", **other)) == (400, "INVALID_FIELD")


def test_the_same_transfer_by_name_from_many_at_once_is_opened_once(
    dora: Caller, worker: RunningWorker, tenant: str
) -> None:
    with ThreadPoolExecutor(10) as pool:
        asked = pool.map(lambda _: dora.named("/upload/open", "the-key", **PHOTO), range(10))
        answers = list(asked)
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    assert counting(worker.state, f"t:{tenant}") == (SIZE, 1)
    other = dora.named("/upload/open", "the-key", **{**PHOTO, "fileSize": 1})
    assert refusal(other) == (422, "IDEMPOTENCY_KEY_REUSED")
    assert dora.presign_named("the-key", **PHOTO).status_code == 201, "of another call"


def test_the_same_access_token_by_name_is_given_out_once(dora: Caller) -> None:
    file = dora.upload(JPEG)
    asked: dict[str, dict[str, Any]] = {
        "for-a-set": {"ids": [file["mediaId"]]},
        "for-an-album": {"service": "blog", "album": "summer"},
    }
    for name, fields in asked.items():
        ask = partial(dora.named, ACCESS, name, **fields)
        with ThreadPoolExecutor(5) as pool:
            answers = [one.result() for one in [pool.submit(ask) for _ in range(5)]]
        assert {answer.status_code for answer in answers} == {201}
        assert len({answer.text for answer in answers}) == 1
        other = ask(expiresIn=60)
        assert refusal(other) == (422, "IDEMPOTENCY_KEY_REUSED")
        token_id = answers[0].json()["tokenId"]
        assert dora.revoke(token_id).status_code == 204
        assert refusal(ask()) == (410, "TOKEN_REVOKED")


# Content.


@pytest.mark.parametrize("content_type", SMALLEST)
def test_a_file_of_each_type_comes_in(dora: Caller, content_type: str) -> None:
    file = dora.upload(SMALLEST[content_type], contentType=content_type)
    assert file["status"] == "uploaded"
    if content_type.startswith(("image/", "video/")):
        assert file["width"] > 0
        assert file["height"] > 0
    if content_type.startswith("video/"):
        assert file["codec"]


@pytest.mark.parametrize(
    ("content", "content_type", "told"),
    [
        (png(), "image/jpeg", {"field": "contentType", "cause": "other_type"}),
        (b"<!doctype html><script>", "image/png", {"field": "contentType", "cause": "other_type"}),
        (JPEG[:-2], "image/jpeg", {"cause": "cut_off"}),
        (svg("<script>alert(1)</script>"), "image/svg+xml", {"cause": "unsafe"}),
    ],
    ids=["another picture", "a page", "half a picture", "a drawing that runs something"],
)
def test_what_is_not_what_it_says_is_refused_and_removed(
    dora: Caller, worker: RunningWorker, content: bytes, content_type: str, told: dict[str, str]
) -> None:
    signed = dora.presigned(len(content), contentType=content_type)
    assert dora.put(signed, content).status_code == 200
    answer = dora.complete(signed["mediaId"])
    assert refusal(answer) == (422, "CONTENT_MISMATCH")
    assert {name: answer.json().get(name) for name in told} == told
    assert kept(worker.state).objects[signed["key"]] == 0
    assert dora.put(signed, content).status_code == 412


def test_ten_completes_at_the_same_time_give_one_file(dora: Caller, worker: RunningWorker) -> None:
    signed = dora.presigned(SIZE, sha256=HASH)
    dora.put(signed, JPEG)
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(dora.complete, [signed["mediaId"]] * 10))
    assert [answer.status_code for answer in answers] == [200] * 10
    assert len({answer.text for answer in answers}) == 1
    assert kept(worker.state).rows[signed["key"]]["status"] == "uploaded"


# Hashes.


def test_a_hash_is_verified_and_the_same_bytes_are_known_in_their_scope_alone(
    dora: Caller, alice: Caller
) -> None:
    first = dora.upload(JPEG, sha256=HASH)
    assert (first["sha256"], first["duplicateOf"]) == (HASH, None)
    again = dora.presigned(SIZE, sha256=HASH)
    assert again["duplicateOf"] == first["mediaId"]
    dora.put(again, JPEG)
    assert dora.complete(again["mediaId"]).json()["duplicateOf"] == first["mediaId"]
    stranger = replace(alice, headers=headers_of("eve", f"tenant-{secrets.token_hex(6)}"))
    assert stranger.presigned(SIZE, sha256=HASH)["duplicateOf"] is None


def test_bytes_of_another_hash_are_refused(dora: Caller) -> None:
    content = photo_saying(b"other")
    signed = dora.presigned(len(content), sha256=HASH)
    assert dora.put(signed, content).status_code == 200, "the simulator verifies no hash"
    answer = dora.complete(signed["mediaId"])
    assert refusal(answer) == (422, "CONTENT_MISMATCH")
    assert answer.json()["field"] == "sha256"


def test_the_hash_of_a_large_video_is_found_behind_the_answer(dora: Caller) -> None:
    size = 65 * MIB
    content = video_head(size) + bytes(size - len(video_head(size)))
    signed = dora.presigned(
        size,
        contentType="video/mp4",
        fileName="long.mp4",
        sha256=hashlib.sha256(content).hexdigest(),
    )
    assert dora.put(signed, content).status_code == 200
    assert refusal(answer := dora.complete(signed["mediaId"])) == (409, "HASH_PENDING")
    assert answer.headers["retry-after"] == "5"
    deadline = time.monotonic() + 30
    while (answer := dora.complete(signed["mediaId"])).status_code == 409:
        assert time.monotonic() < deadline, answer.text
        time.sleep(0.2)
    assert answer.json()["status"] == "uploaded"


# How often.


@pytest.fixture(scope="module")
def hurried(run_worker: RunWorker, alice: Caller) -> Iterator[Caller]:
    """Alice, who calls a Worker that is configured as it is deployed."""
    with run_worker(config=ROOT / "wrangler.toml") as running:
        yield replace(alice, url=running.url)


def test_a_tenant_presigns_sixty_times_a_minute(hurried: Caller) -> None:
    # The platform counts by the minute, which may end meanwhile.
    passed = 0
    while (answer := hurried.presign(**PHOTO)).status_code == 201:
        passed += 1
        assert passed <= 2 * 60
    assert passed >= 60
    assert refusal(answer) == (429, "RATE_LIMITED")
    assert answer.headers["retry-after"] == "60"
    other = replace(hurried, headers=headers_of("bob", "globex"))
    assert other.presign(**PHOTO).status_code == 201


def test_what_a_profile_allows_is_told(run_worker: RunWorker, alice: Caller) -> None:
    with run_worker(variables={"UPLOAD_PROFILE": "social", "TENANT_QUOTA_FILES": "1"}) as running:
        caller = replace(alice, url=running.url)
        signed = caller.presigned(SIZE)
        assert refusal(caller.presign(**PHOTO)) == (402, "QUOTA_EXCEEDED")
        caller.put(signed, JPEG)
        answer = caller.complete(signed["mediaId"])
        assert refusal(answer) == (422, "OUTSIDE_LIMITS")
        body: dict[str, Any] = answer.json()
        assert body["limit"] == "minSide"
        assert httpx.get(file_url(caller.url, signed["key"])).status_code == 410
