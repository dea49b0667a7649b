"""What becomes a file: its content, its hash, its duplicates; and what does not."""

from base64 import b64encode
from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from media_engine.uploads import examination
from tests.corpus.boxes import mp4
from tests.corpus.drawings import svg
from tests.corpus.jpeg import jpeg
from tests.corpus.png import png
from tests.fakes import MemoryStore
from tests.media import JPEG, SMALLEST, photo_saying
from tests.unit.engine import ALICE_HEADERS, Engine, finish, members, to_json

HASH = sha256(JPEG).hexdigest()
OTHER_HASH = sha256(b"other").hexdigest()


def stored(content: bytes, engine: Engine | None = None, **fields: Any) -> tuple[Engine, Any]:
    """Return an engine, and an upload of which everything was stored."""
    engine = engine or Engine()
    upload = engine.presign(fileSize=len(content), **fields)
    engine.put(upload, content)
    return engine, upload


def complete(engine: Engine, upload: Any) -> dict[str, Any]:
    return members(engine.complete(upload["mediaId"]))


@pytest.mark.parametrize("content_type", SMALLEST)
def test_a_file_of_each_type_is_taken(content_type: str) -> None:
    engine, upload = stored(SMALLEST[content_type], contentType=content_type)
    assert complete(engine, upload)["status"] == "uploaded"


def test_what_a_file_says_of_itself_is_kept_and_told() -> None:
    engine, upload = stored(mp4(), contentType="video/mp4")
    file = complete(engine, upload)
    [row] = engine.rows()
    for name, column in (
        ("width", "width"), ("height", "height"), ("durationMs", "duration_ms"), ("codec", "codec"),
    ):  # fmt: skip
        assert file[name] == row[column]
        assert file[name] is not None
    assert complete(engine, upload) == file


@pytest.mark.parametrize(
    ("content", "content_type", "told"),
    [
        (png(), "image/jpeg", {"field": "contentType", "cause": "other_type"}),
        (b"<html><script>", "image/png", {"field": "contentType", "cause": "other_type"}),
        (JPEG[:-2] + b"xx", "image/jpeg", {"cause": "cut_off"}),
        (svg("<script>alert(1)</script>"), "image/svg+xml", {"cause": "unsafe"}),
        (svg('<a onclick="x()"/>'), "image/svg+xml", {"cause": "unsafe"}),
    ],
)
def test_what_is_not_what_it_says_is_refused_told_why_and_removed(
    content: bytes, content_type: str, told: dict[str, str]
) -> None:
    engine, upload = stored(content, contentType=content_type)
    answer = complete(engine, upload)
    assert (answer["status"], answer["code"]) == (422, "CONTENT_MISMATCH")
    assert {name: answer.get(name) for name in told} == told
    assert engine.rows()[0]["status"] == "rejected"
    tombstone = finish(engine.store.head(upload["key"]))
    assert tombstone is not None
    assert tombstone.tombstone


@pytest.mark.parametrize(("width", "limit"), [(99, "minSide"), (4_097, "maxSide")])
def test_the_profile_says_how_large_a_picture_may_be(width: int, limit: str) -> None:
    picture = jpeg(width, 200)
    engine, upload = stored(picture)
    assert complete(engine, upload)["status"] == "uploaded"
    engine, upload = stored(picture, Engine({"UPLOAD_PROFILE": "social"}))
    answer = complete(engine, upload)
    assert (answer["status"], answer["code"], answer["limit"]) == (422, "OUTSIDE_LIMITS", limit)
    assert engine.rows()[0]["status"] == "rejected"
    assert engine.account()["used_bytes"] == 0


def test_the_profile_says_how_many_bytes_unless_another_setting_does() -> None:
    mib = 1024 * 1024
    for changed, most in (
        ({}, 10 * mib),
        ({"UPLOAD_PROFILE": "social"}, 20 * mib),
        ({"UPLOAD_PROFILE": "social", "MAX_IMAGE_BYTES": "5"}, 5),
    ):
        engine = Engine(changed)
        assert "mediaId" in engine.presign(fileSize=most)
        assert engine.presign(fileSize=most + 1)["code"] == "FILE_TOO_LARGE"


class ReplacingStore(MemoryStore):
    """Lets something happen before the next look into an object."""

    before_read: Callable[[], Awaitable[object]] | None = None

    async def read(self, key: str, offset: int, length: int, /, *, etag: str) -> bytes | None:
        happens, self.before_read = self.before_read, None
        if happens is not None:
            await happens()
        return await super().read(key, offset, length, etag=etag)


def test_an_object_that_changes_while_it_is_looked_at_is_looked_at_again_later() -> None:
    store = ReplacingStore()
    engine, upload = stored(JPEG, Engine(store=store))

    async def replaced() -> None:
        store.put(upload["key"], photo_saying(b"!")[: len(JPEG)], "image/jpeg")

    store.before_read = replaced
    assert complete(engine, upload)["code"] == "UPLOAD_INCOMPLETE"
    assert engine.rows()[0]["status"] == "pending_upload"
    engine.put(upload)
    assert complete(engine, upload)["status"] == "uploaded"


def test_another_complete_may_refuse_it_while_it_is_looked_at() -> None:
    store = ReplacingStore()
    engine, upload = stored(b"x" * len(JPEG), Engine(store=store))
    anna = {"userId": "anna", "tenantId": "acme", "permissions": ["media:files.write"]}

    async def refused() -> None:
        answer = await engine.app.rpc.complete(anna, upload["mediaId"])
        assert answer["code"] == "CONTENT_MISMATCH"

    store.before_read = refused
    assert complete(engine, upload)["code"] == "MEDIA_GONE"
    assert store.operations["put"] == 1


# The hash.


def test_a_hash_is_signed_into_the_upload() -> None:
    upload = Engine().presign(sha256=HASH.upper())
    assert upload["headers"]["x-amz-checksum-sha256"] == (b64encode(sha256(JPEG).digest()).decode())
    signed = dict(parse_qsl(urlsplit(upload["uploadUrl"]).query))["X-Amz-SignedHeaders"]
    assert "x-amz-checksum-sha256" in signed.split(";")


@pytest.mark.parametrize("value", ["", "ab", HASH[:-1], HASH + "0", "g" * 64, 5, [HASH], True])
def test_what_is_no_hash_is_refused(value: object) -> None:
    refused = Engine().presign(sha256=value)
    assert (refused["code"], refused["field"]) == ("INVALID_FIELD", "sha256")


def test_where_the_store_has_verified_the_hash_nothing_is_hashed() -> None:
    engine = Engine()
    upload = engine.presign(sha256=HASH)
    engine.put(upload, JPEG, sha256=HASH)
    assert complete(engine, upload)["sha256"] == HASH
    assert engine.store.operations["digest"] == 0


def test_where_it_has_not_the_bytes_are_hashed_once() -> None:
    engine, upload = stored(JPEG, sha256=HASH)
    assert complete(engine, upload)["sha256"] == HASH
    assert engine.store.operations == {"head": 1, "read": 1, "digest": 1}
    assert engine.rows()[0]["sha256"] == HASH


@pytest.mark.parametrize("verified", [None, HASH])
def test_bytes_of_another_hash_are_refused(verified: str | None) -> None:
    engine = Engine()
    upload = engine.presign(sha256=OTHER_HASH)
    engine.put(upload, JPEG, sha256=verified)
    answer = complete(engine, upload)
    assert (answer["code"], answer["field"]) == ("CONTENT_MISMATCH", "sha256")
    assert HASH in answer["error"]
    assert engine.rows()[0]["status"] == "rejected"


def test_without_a_hash_nothing_is_hashed_and_nothing_is_a_duplicate() -> None:
    engine, upload = stored(JPEG)
    file = complete(engine, upload)
    assert file["sha256"] is None
    assert "duplicateOf" not in file
    assert "duplicateOf" not in upload
    assert engine.store.operations["digest"] == 0


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is to be hashed takes long."""
    monkeypatch.setattr(examination, "MOST_HASHED_AT_ONCE", 0)


@pytest.mark.usefixtures("patient")
def test_what_takes_long_is_hashed_behind_the_answer() -> None:
    engine, upload = stored(JPEG, sha256=HASH)
    for _ in range(3):
        answer = engine.complete(upload["mediaId"])
        assert (answer.status, members(answer)["code"]) == (409, "HASH_PENDING")
        assert answer.headers["Retry-After"] == "5"
    [work] = engine.later.work
    finish(work)
    assert complete(engine, upload)["status"] == "uploaded"
    assert engine.store.operations["digest"] == 1


@pytest.mark.usefixtures("patient")
def test_what_took_long_and_is_wrong_is_refused() -> None:
    engine, upload = stored(JPEG, sha256=OTHER_HASH)
    assert complete(engine, upload)["code"] == "HASH_PENDING"
    finish(engine.later.work.pop())
    assert complete(engine, upload)["field"] == "sha256"


@pytest.mark.usefixtures("patient")
def test_whoever_died_while_hashing_is_succeeded_after_a_minute() -> None:
    engine, upload = stored(JPEG, sha256=HASH)
    complete(engine, upload)
    engine.later.work.pop().close()
    engine.clock.advance(60_000)
    complete(engine, upload)
    assert engine.later.work == []
    engine.clock.advance(1)
    complete(engine, upload)
    finish(engine.later.work.pop())
    assert complete(engine, upload)["status"] == "uploaded"


def test_an_object_that_goes_while_it_is_hashed_is_none() -> None:
    class Vanishing(MemoryStore):
        async def digest(self, key: str, /, *, etag: str) -> str | None:
            await self.delete([key])
            return await super().digest(key, etag=etag)

    engine, upload = stored(JPEG, Engine(store=Vanishing()), sha256=HASH)
    assert complete(engine, upload)["code"] == "UPLOAD_INCOMPLETE"


# Duplicates.


def test_who_has_these_bytes_already_is_told_at_presign_and_at_complete() -> None:
    engine, first = stored(JPEG, sha256=HASH)
    assert first["duplicateOf"] is None
    assert complete(engine, first)["duplicateOf"] is None
    engine.clock.advance(1)
    engine, second = stored(JPEG, engine, sha256=HASH)
    assert second["duplicateOf"] == first["mediaId"]
    for _ in range(2):
        assert complete(engine, second)["duplicateOf"] == first["mediaId"]
    assert complete(engine, first)["duplicateOf"] is None, "the older one is the original"


def test_of_several_the_oldest_is_named() -> None:
    engine = Engine()
    uploads = []
    for _ in range(3):
        engine, upload = stored(JPEG, engine, sha256=HASH)
        complete(engine, upload)
        engine.clock.advance(1)
        uploads.append(upload["mediaId"])
    assert engine.presign(sha256=HASH)["duplicateOf"] == uploads[0]


def test_what_is_not_uploaded_is_no_original() -> None:
    engine = Engine()
    engine.presign(sha256=HASH)
    assert engine.presign(sha256=HASH)["duplicateOf"] is None


def test_another_scope_learns_nothing() -> None:
    engine, upload = stored(JPEG, sha256=HASH)
    complete(engine, upload)
    body = to_json({
        "fileName": "a", "contentType": "image/jpeg", "fileSize": len(JPEG), "service": "blog",
        "sha256": HASH,
    })  # fmt: skip
    alone = {name: ALICE_HEADERS[name] for name in ALICE_HEADERS if name != "x-tenant-id"}
    for headers in (alone, {**ALICE_HEADERS, "x-tenant-id": "globex"}):
        answer = members(engine.fetch("POST", "/upload/presign", headers, body))
        assert answer["duplicateOf"] is None


# How often.


def test_a_tenant_presigns_so_often_a_minute() -> None:
    engine = Engine(presigns_a_minute=2)
    for _ in range(2):
        assert "mediaId" in engine.presign()
    colleague = {**ALICE_HEADERS, "x-user-id": "anna"}
    body = to_json({"fileName": "a", "contentType": "image/jpeg", "fileSize": 9, "service": "a"})
    answer = engine.fetch("POST", "/upload/presign", colleague, body)
    assert (answer.status, members(answer)["code"]) == (429, "RATE_LIMITED")
    assert answer.headers["Retry-After"] == "60"
    assert len(engine.rows()) == 2
    other = {**ALICE_HEADERS, "x-tenant-id": "globex"}
    assert engine.fetch("POST", "/upload/presign", other, body).status == 201
    engine.clock.advance(60_000)
    assert "mediaId" in engine.presign()


def test_who_may_not_write_does_not_count() -> None:
    engine = Engine(presigns_a_minute=1)
    reader = {**ALICE_HEADERS, "x-user-permissions": "media:files.read"}
    for _ in range(3):
        assert engine.fetch("POST", "/upload/presign", reader, b"{}").status in (400, 403)
    assert "mediaId" in engine.presign()
