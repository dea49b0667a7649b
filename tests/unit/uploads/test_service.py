"""Presign and complete, through the routes that offer them."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from hashlib import md5
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest

from media_engine.errors import DatabaseError
from media_engine.housekeeping.plan import DAY_MS, HOUR_MS, PENDING_LIFE_MS
from media_engine.ports import Rows, Statement
from media_engine.signing.gateway import OWNER, READ, WRITE, Identity
from media_engine.signing.sigv4 import presign
from media_engine.uploads.examination import Examiner
from media_engine.uploads.limits import PROFILES
from media_engine.uploads.model import UploadRequest
from media_engine.uploads.queries import UploadQueries
from media_engine.uploads.service import UploadService
from tests.fakes import (
    Counting,
    FixedClock,
    Later,
    MemoryLimiter,
    MemoryStore,
    SqliteDatabase,
)
from tests.media import JPEG
from tests.unit.engine import ALICE, ALICE_HEADERS, PHOTO, Engine, finish, members, to_json
from tests.unit.interrupted import InterruptedStore

ANNA = {"userId": "anna", "tenantId": "acme", "permissions": [WRITE]}
"""A colleague of Alice's, as a service binding names her."""

BOB_HEADERS = {**ALICE_HEADERS, "x-user-id": "bob", "x-tenant-id": "globex"}


def interrupted_engine() -> tuple[Engine, InterruptedStore]:
    store = InterruptedStore()
    return Engine(store=store), store


def code(engine: Engine, media_id: object, headers: Mapping[str, str] = ALICE_HEADERS) -> str:
    """Complete, and return the status with the code of the refusal."""
    answer = engine.fetch("PATCH", "/upload/complete", headers, to_json({"mediaId": media_id}))
    return f"{answer.status} {members(answer).get('code', '')}".strip()


def status(engine: Engine) -> str:
    """Return the status of the only row."""
    [row] = engine.rows()
    return str(row["status"])


def test_presign_answers_what_the_client_has_to_send() -> None:
    engine = Engine()
    answer = engine.fetch(
        "POST", "/upload/presign", ALICE_HEADERS, to_json({**PHOTO, "fileName": "Strand ü.jpg"})
    )
    assert answer.status == 201
    upload = members(answer)
    assert upload.keys() == {"mediaId", "key", "uploadUrl", "method", "headers", "expiresAt"}
    assert upload["method"] == "PUT"
    assert upload["headers"] == {
        "content-type": "image/jpeg",
        "content-disposition": (
            "inline; filename=\"Strand _.jpg\"; filename*=UTF-8''Strand%20%C3%BC.jpg"
        ),
        "if-none-match": "*",
    }
    assert upload["mediaId"].removeprefix("media_") in upload["key"]


def test_presign_writes_one_row_that_knows_all_there_is_to_know() -> None:
    engine = Engine()
    upload = engine.presign(album="summer", visibility="public")
    now = engine.clock.now()
    assert engine.database.statements == 1
    assert engine.rows() == [
        {
            "id": upload["mediaId"],
            "scope": "t:acme",
            "key": upload["key"],
            "service_code": "blog",
            "album": "summer",
            "file_name": "beach.jpg",
            "mime_type": "image/jpeg",
            "file_size": len(JPEG),
            "status": "pending_upload",
            "visibility": "public",
            "managed_by": None,
            "uploaded_by": "alice",
            "etag": None,
            "url_expires_at": now + HOUR_MS,
            "created_at": now,
            "updated_at": now,
            "uploaded_at": None,
            "purge_due_at": None,
            "charged": 1,
            "sha256": None,
            "stored_sha256": None,
            "hashing_since": None,
            "revision": 0,
            "width": None,
            "height": None,
            "duration_ms": None,
            "codec": None,
            "animated": None,
            "alpha": None,
        }
    ]


def test_a_user_without_a_tenant_uploads_for_themselves() -> None:
    engine = Engine()
    headers = {name: value for name, value in ALICE_HEADERS.items() if name != "x-tenant-id"}
    upload = members(engine.fetch("POST", "/upload/presign", headers, to_json(PHOTO)))
    assert upload["key"].startswith("u/alice/blog/")
    assert engine.rows()[0]["scope"] == "u:alice"


def test_no_two_uploads_have_a_key_or_an_id_in_common() -> None:
    engine = Engine()
    uploads = [engine.presign() for _ in range(20)]
    assert len({upload["key"] for upload in uploads}) == 20
    assert len({upload["mediaId"] for upload in uploads}) == 20


def test_the_url_is_signed_for_this_file_and_for_nothing_else() -> None:
    engine = Engine()
    upload = engine.presign(fileSize=12_345)
    url = urlsplit(upload["uploadUrl"])
    parameters = dict(parse_qsl(url.query, strict_parsing=True))
    assert f"{url.scheme}://{url.netloc}" == "https://account.r2.cloudflarestorage.com"
    assert unquote(url.path) == f"/media/{upload['key']}"
    assert parameters["X-Amz-SignedHeaders"] == (
        "content-disposition;content-length;content-type;host;if-none-match"
    )
    assert parameters["X-Amz-Expires"] == "3600"
    assert parameters["X-Amz-Credential"].startswith("the-access-key/")
    assert upload["uploadUrl"] == presign(
        method="PUT",
        endpoint=engine.settings.s3.endpoint,
        bucket="media",
        key=upload["key"],
        headers={**upload["headers"], "content-length": "12345"},
        credentials=engine.settings.s3.credentials,
        now=engine.clock.now(),
        expires_in=3600,
    )


def test_the_url_says_when_it_dies() -> None:
    engine = Engine()
    upload = engine.presign()
    parameters = dict(parse_qsl(urlsplit(upload["uploadUrl"]).query))
    assert parameters["X-Amz-Date"] == "20261118T110640Z"
    assert upload["expiresAt"] == "2026-11-18T12:06:40.000Z"


class BrokenDatabase(SqliteDatabase):
    """Fails before or after each statement."""

    def __init__(self, *, done: bool) -> None:
        super().__init__()
        self._done = done

    async def batch(self, statements: Sequence[Statement], /) -> Sequence[Rows]:
        if self._done:
            await super().batch(statements)
        raise DatabaseError(reason="the test says so")


@pytest.mark.parametrize("done", [True, False])
def test_no_url_is_given_out_unless_its_row_is_known_to_be_written(*, done: bool) -> None:
    settings = Engine().settings
    queries, store = UploadQueries(BrokenDatabase(done=done)), MemoryStore()
    service = UploadService(
        queries,
        store,
        Examiner(queries, store, PROFILES["default"], Later()),
        MemoryLimiter(None, FixedClock()),
        FixedClock(),
        Counting(),
        settings.s3,
    )
    upload = UploadRequest.parse(PHOTO, settings.max_bytes)
    with pytest.raises(DatabaseError):
        finish(service.presign(ALICE, upload))


def test_a_refused_presign_leaves_no_row() -> None:
    engine = Engine()
    for fields in ({"fileSize": 0}, {"contentType": "text/html"}, {"service": "a/b"}):
        assert engine.presign(**fields)["status"] == 400
    assert engine.rows() == []


def test_a_completed_upload_is_a_file() -> None:
    engine = Engine()
    upload = engine.presign(album="summer")
    engine.put(upload)
    engine.clock.advance(1_500)
    answer = engine.complete(upload["mediaId"])
    assert answer.status == 200
    assert members(answer) == {
        "mediaId": upload["mediaId"],
        "key": upload["key"],
        "status": "uploaded",
        "fileName": "beach.jpg",
        "contentType": "image/jpeg",
        "fileSize": len(JPEG),
        "service": "blog",
        "album": "summer",
        "visibility": "private",
        "managedBy": None,
        "etag": f'"{md5(JPEG).hexdigest()}"',
        "sha256": None,
        "width": 8,
        "height": 8,
        "durationMs": None,
        "codec": None,
        "animated": False,
        "alpha": False,
        "createdAt": "2026-11-18T11:06:40.000Z",
        "uploadedAt": "2026-11-18T11:06:41.500Z",
    }


def test_completing_again_gives_the_same_file_and_asks_the_store_no_more() -> None:
    engine = Engine()
    file = engine.upload()
    engine.clock.advance(HOUR_MS)
    operations, statements = engine.store.operations.total(), engine.database.statements
    assert members(engine.complete(file["mediaId"])) == file
    assert engine.store.operations.total() == operations
    assert engine.database.statements == statements + 1


def test_complete_costs_two_looks_at_the_store_and_two_statements() -> None:
    engine = Engine()
    upload = engine.presign()
    engine.put(upload)
    statements = engine.database.statements
    engine.complete(upload["mediaId"])
    assert engine.store.operations == {"head": 1, "read": 1}
    assert engine.database.statements == statements + 2


def test_an_upload_of_which_nothing_was_stored_stays_open() -> None:
    engine = Engine()
    upload = engine.presign()
    assert code(engine, upload["mediaId"]) == "409 UPLOAD_INCOMPLETE"
    assert status(engine) == "pending_upload"
    engine.put(upload)
    assert code(engine, upload["mediaId"]) == "200"


DECLARED = f"and {len(JPEG)} were declared."


@pytest.mark.parametrize(
    ("content", "content_type", "said"),
    [
        (
            JPEG[:-1],
            "image/jpeg",
            f"{len(JPEG) - 1} bytes were stored, {DECLARED}",
        ),
        (
            JPEG + b"!",
            "image/jpeg",
            f"{len(JPEG) + 1} bytes were stored, {DECLARED}",
        ),
        (b"", "image/jpeg", f"0 bytes were stored, {DECLARED}"),
        (JPEG, "image/png", "image/png was stored, and image/jpeg was declared."),
        (JPEG, "text/html", "text/html was stored, and image/jpeg was declared."),
        (JPEG, "", " was stored, and image/jpeg was declared."),
    ],
)
def test_what_is_not_what_was_declared_is_refused_and_taken_away(
    content: bytes, content_type: str, said: str
) -> None:
    engine = Engine()
    upload = engine.presign()
    engine.store.put(upload["key"], content, content_type)
    answer = engine.complete(upload["mediaId"])
    assert (answer.status, members(answer)["code"]) == (422, "CONTENT_MISMATCH")
    assert members(answer)["error"] == said
    assert status(engine) == "rejected"
    tombstone = finish(engine.store.head(upload["key"]))
    assert tombstone is not None
    assert tombstone.tombstone
    assert tombstone.size == 0


def test_what_was_refused_stays_refused() -> None:
    engine = Engine()
    upload = engine.presign()
    engine.put(upload, b"no")
    assert code(engine, upload["mediaId"]) == "422 CONTENT_MISMATCH"
    engine.put(upload)
    for _ in range(2):
        assert code(engine, upload["mediaId"]) == "410 MEDIA_GONE"
    assert status(engine) == "rejected"


def test_the_stored_type_may_have_parameters() -> None:
    engine = Engine()
    upload = engine.presign()
    engine.store.put(upload["key"], JPEG, "Image/JPEG; charset=binary")
    assert code(engine, upload["mediaId"]) == "200"


def test_an_upload_of_another_scope_is_not_found() -> None:
    engine = Engine()
    upload = engine.presign()
    engine.put(upload)
    own = {name: value for name, value in ALICE_HEADERS.items() if name != "x-tenant-id"}
    named_as_the_tenant = {**own, "x-user-id": "acme"}
    owner = {**BOB_HEADERS, "x-user-permissions": OWNER}
    for headers in (BOB_HEADERS, own, named_as_the_tenant, owner):
        assert code(engine, upload["mediaId"], headers) == "404 MEDIA_NOT_FOUND"
    assert engine.store.operations.total() == 0
    assert status(engine) == "pending_upload"


def test_a_colleague_may_complete_what_the_tenant_owns() -> None:
    engine = Engine()
    upload = engine.presign()
    engine.put(upload)
    assert code(engine, upload["mediaId"], {**ALICE_HEADERS, "x-user-id": "anna"}) == "200"
    assert engine.rows()[0]["uploaded_by"] == "alice"


def test_an_upload_that_never_was_is_not_found() -> None:
    assert code(Engine(), "media_" + "a" * 21) == "404 MEDIA_NOT_FOUND"


@pytest.mark.parametrize("body", [{}, {"mediaId": None}])
def test_complete_without_an_id_names_it(body: dict[str, object]) -> None:
    answer = Engine().fetch("PATCH", "/upload/complete", ALICE_HEADERS, to_json(body))
    assert members(answer)["code"] == "MISSING_FIELDS"
    assert members(answer)["fields"] == ["mediaId"]


@pytest.mark.parametrize("permissions", ["", READ, "media:files", f"{WRITE}x"])
def test_nobody_uploads_without_the_permission(permissions: str) -> None:
    engine = Engine()
    upload = engine.presign()
    engine.put(upload)
    headers = {**ALICE_HEADERS, "x-user-permissions": permissions}
    answer = engine.fetch("POST", "/upload/presign", headers, to_json(PHOTO))
    assert (answer.status, members(answer)["code"]) == (403, "FORBIDDEN")
    assert code(engine, upload["mediaId"], headers) == "403 FORBIDDEN"
    assert status(engine) == "pending_upload"


def test_an_owner_may_write_in_their_own_scope() -> None:
    engine = Engine()
    headers = {**ALICE_HEADERS, "x-user-permissions": OWNER}
    upload = members(engine.fetch("POST", "/upload/presign", headers, to_json(PHOTO)))
    engine.put(upload)
    assert code(engine, upload["mediaId"], headers) == "200"


def test_the_cron_may_give_an_upload_up_while_it_is_completed() -> None:
    engine, store = interrupted_engine()
    upload = engine.presign()
    engine.put(upload)

    async def cron() -> None:
        engine.clock.advance(PENDING_LIFE_MS + 1)
        await engine.app.clean()

    store.after_head = cron
    assert code(engine, upload["mediaId"]) == "410 MEDIA_GONE"
    assert status(engine) == "gone"
    assert store.keys() == set()


def test_the_cron_may_give_a_wrong_upload_up_while_it_is_refused() -> None:
    engine, store = interrupted_engine()
    upload = engine.presign()
    engine.put(upload, b"no")

    async def cron() -> None:
        engine.clock.advance(PENDING_LIFE_MS + 1)
        await engine.app.clean()

    store.after_head = cron
    assert code(engine, upload["mediaId"]) == "410 MEDIA_GONE"
    assert status(engine) == "gone"
    assert store.keys() == set(), "a tombstone that no row knows would stay for ever"


def test_the_cron_may_come_too_late_for_an_upload_that_is_being_completed() -> None:
    engine, store = interrupted_engine()
    upload = engine.presign()
    engine.put(upload)
    engine.clock.advance(PENDING_LIFE_MS)
    store.after_head = engine.app.clean
    assert code(engine, upload["mediaId"]) == "200"
    engine.clock.advance(PENDING_LIFE_MS)
    finish(engine.app.clean())
    assert store.keys() == {upload["key"]}


def another_complete(
    engine: Engine, media_id: str
) -> Callable[[], Awaitable[Mapping[str, object]]]:
    return lambda: engine.app.rpc.complete(ANNA, media_id)


def test_another_complete_may_win_and_both_get_the_file() -> None:
    engine, store = interrupted_engine()
    upload = engine.presign()
    engine.put(upload)
    file: dict[str, Any] = {}

    async def other() -> None:
        file.update(await another_complete(engine, upload["mediaId"])())
        engine.clock.advance(1_000)

    store.after_head = other
    answer = engine.complete(upload["mediaId"])
    assert answer.status == 200
    assert file["status"] == "uploaded"
    assert members(answer) == file


def test_another_complete_may_refuse_and_both_report_it() -> None:
    engine, store = interrupted_engine()
    upload = engine.presign()
    engine.put(upload, b"no")
    store.after_head = another_complete(engine, upload["mediaId"])
    assert code(engine, upload["mediaId"]) == "410 MEDIA_GONE"
    assert status(engine) == "rejected"
    assert store.operations["put"] == 1, "the bytes were buried twice"


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_store_that_fails_while_it_buries_leaves_the_rest_to_the_cron(moment: Any) -> None:
    engine, store = interrupted_engine()
    upload = engine.presign()
    engine.put(upload, b"no")
    store.fails = moment
    assert code(engine, upload["mediaId"]) == "502 R2_UNAVAILABLE"
    assert code(engine, upload["mediaId"]) == "410 MEDIA_GONE"
    engine.clock.advance(HOUR_MS)
    finish(engine.app.clean())
    info = finish(store.head(upload["key"]))
    assert info is not None
    assert info.tombstone, "the bytes do not wait for the death of their URL"
    engine.clock.advance(DAY_MS)
    finish(engine.app.clean())
    assert store.keys() == set()
    assert status(engine) == "gone"


def test_what_is_refused_when_its_url_is_dead_leaves_no_tombstone() -> None:
    engine = Engine()
    upload = engine.presign()
    engine.put(upload, b"no")
    engine.clock.advance(2 * HOUR_MS + 1)
    assert code(engine, upload["mediaId"]) == "422 CONTENT_MISMATCH"
    assert engine.store.keys() == set()
    assert status(engine) == "rejected"


def test_an_identity_is_what_decides_and_not_the_body() -> None:
    engine = Engine()
    engine.presign(scope="t:globex", tenantId="globex", userId="bob")
    [row] = engine.rows()
    assert (row["scope"], row["uploaded_by"]) == ("t:acme", "alice")


def test_the_same_two_calls_are_offered_over_rpc() -> None:
    engine = Engine()
    caller = {"userId": "alice", "tenantId": "acme", "permissions": [WRITE]}
    upload: dict[str, Any] = finish(engine.app.rpc.presign(caller, PHOTO))
    engine.put(upload)
    file = finish(engine.app.rpc.complete(caller, upload["mediaId"]))
    assert file == members(engine.complete(upload["mediaId"]))


def test_a_permission_is_asked_for_before_anything_is_looked_up() -> None:
    engine = Engine()
    reader = Identity("alice", "acme", frozenset({READ}))
    answer = finish(
        engine.app.rpc.complete(
            {"userId": reader.user_id, "tenantId": reader.tenant_id, "permissions": [READ]},
            "media_" + "a" * 21,
        )
    )
    assert answer["code"] == "FORBIDDEN"
    assert engine.database.statements == 0
