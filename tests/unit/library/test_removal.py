"""Deleting a file and changing who sees it, through the routes that offer it."""

import re
from collections.abc import Mapping
from typing import Any

import pytest

from media_engine.housekeeping.plan import CALL_LIFE_MS, DAY_MS, HOUR_MS
from media_engine.http.message import Response
from media_engine.signing.gateway import OWNER, READ, WRITE
from media_engine.signing.token import Claims, mint
from media_engine.uploads.model import LATE_PUT_MS
from tests.unit.engine import ALICE_HEADERS, PHOTO, Engine, finish, members, to_json
from tests.unit.interrupted import InterruptedStore, Moment

ALICE = {"userId": "alice", "tenantId": "acme", "permissions": [WRITE]}
BOB_HEADERS = {**ALICE_HEADERS, "x-user-id": "bob", "x-tenant-id": "globex"}
SHIM_HEADERS = {**ALICE_HEADERS, "x-media-shim": "backend"}
UNKNOWN = "media_" + "x" * 21
URL_DEAD = HOUR_MS + LATE_PUT_MS + 1
PURGES_OFF = {"CLOUDFLARE_ZONE_ID": "", "CLOUDFLARE_API_TOKEN": ""}


def row(engine: Engine) -> dict[str, Any]:
    """Return the only row."""
    [only] = engine.rows()
    return only


def opened(engine: Engine, key: str, method: str = "GET") -> int:
    """Return the status with which a token opens the file."""
    token = mint(Claims(key=key, exp=engine.now + 60), engine.settings.token_keys)
    return engine.fetch(method, f"/m/{key}?t={token}").status


def code(answer: Response) -> str:
    return f"{answer.status} {members(answer).get('code', '')}".strip()


def sent_tags(engine: Engine) -> list[str]:
    """Return the tags of every message that is in the queue."""
    bodies = [body for _, body in engine.queue.waiting()]
    return [tag for body in bodies if isinstance(body, dict) for tag in body["tags"]]


def tag(file: Mapping[str, Any]) -> str:
    return "m-" + str(file["mediaId"]).removeprefix("media_")


# Delete.


def test_a_file_that_is_deleted_opens_to_nobody() -> None:
    engine = Engine()
    file = engine.upload()
    answer = engine.delete(file["mediaId"])
    assert (answer.status, members(answer)) == (200, {"mediaId": file["mediaId"], "deleted": True})
    for method in ("GET", "HEAD"):
        assert opened(engine, file["key"], method) == 410
    assert code(engine.fetch("GET", f"/m/{file['key']}")) == "401 TOKEN_MISSING"
    assert code(engine.complete(file["mediaId"])) == "410 MEDIA_GONE"


def test_a_public_file_that_is_deleted_is_gone_for_everybody() -> None:
    engine = Engine()
    file = engine.upload(visibility="public")
    engine.delete(file["mediaId"])
    assert code(engine.fetch("GET", f"/m/{file['key']}")) == "410 MEDIA_GONE"
    assert opened(engine, file["key"]) == 410


def test_a_file_whose_url_is_dead_is_gone_at_once_with_its_bytes() -> None:
    engine = Engine()
    file = engine.upload()
    engine.clock.advance(URL_DEAD)
    engine.delete(file["mediaId"])
    assert engine.store.keys() == set()
    assert (row(engine)["status"], row(engine)["purge_due_at"]) == ("gone", None)
    assert opened(engine, file["key"]) == 410


def test_while_its_url_could_store_again_a_tombstone_keeps_the_place() -> None:
    engine = Engine()
    file = engine.upload()
    engine.clock.advance(URL_DEAD - 1)
    engine.delete(file["mediaId"])
    info = finish(engine.store.head(file["key"]))
    assert info is not None
    assert info.tombstone
    assert (row(engine)["status"], row(engine)["purge_due_at"]) == ("deleting", None)
    engine.clock.advance(CALL_LIFE_MS)
    finish(engine.app.clean())
    assert engine.store.keys() == {file["key"]}, "a call may be about to put it there"
    engine.clock.advance(1)
    finish(engine.app.clean())
    assert engine.store.keys() == set()
    assert row(engine)["status"] == "gone"


def test_a_deleted_file_is_remembered_for_ninety_days() -> None:
    engine = Engine()
    file = engine.upload()
    engine.clock.advance(URL_DEAD)
    engine.delete(file["mediaId"])
    engine.clock.advance(90 * DAY_MS)
    finish(engine.app.clean())
    assert opened(engine, file["key"]) == 410
    assert engine.delete(file["mediaId"]).status == 200
    engine.clock.advance(1)
    finish(engine.app.clean())
    assert opened(engine, file["key"]) == 404
    assert code(engine.delete(file["mediaId"])) == "404 MEDIA_NOT_FOUND"


def test_its_copies_go_here_at_once_and_elsewhere_by_a_purge() -> None:
    engine = Engine()
    file = engine.upload()
    other = engine.upload()
    kept = {f"{entry}/{other['key']}" for entry in ("public", "private")}
    engine.cache.keep(*kept, *(f"{entry}/{file['key']}" for entry in ("public", "private")))
    engine.delete(file["mediaId"])
    assert engine.cache.entries.keys() == kept
    assert sent_tags(engine) == [tag(file)] * 2
    engine.consume()
    assert engine.api.tags == [tag(file)]


def test_deleting_again_is_no_failure_and_does_nothing() -> None:
    engine = Engine()
    for advance in (0, URL_DEAD):
        file = engine.upload()
        engine.clock.advance(advance)
        first = engine.delete(file["mediaId"])
        counts = (engine.store.operations.copy(), engine.queue.operations.copy(), engine.rows())
        again = engine.delete(file["mediaId"])
        assert (again.status, again.body) == (first.status, first.body)
        now = (engine.store.operations, engine.queue.operations, engine.rows())
        assert now == counts


def test_an_upload_that_is_deleted_is_given_up() -> None:
    engine = Engine()
    upload = engine.presign()
    engine.put(upload)
    assert engine.delete(upload["mediaId"]).status == 200
    assert row(engine)["status"] == "expired"
    info = finish(engine.store.head(upload["key"]))
    assert info is not None
    assert info.tombstone, "its URL stores nothing any more"
    assert code(engine.complete(upload["mediaId"])) == "410 MEDIA_GONE"
    assert opened(engine, upload["key"]) == 410
    engine.clock.advance(DAY_MS)
    finish(engine.app.clean())
    assert engine.store.keys() == set()
    assert row(engine)["status"] == "gone"


def test_a_delete_in_the_middle_of_a_complete_wins() -> None:
    store = InterruptedStore()
    engine = Engine(store=store)
    upload = engine.presign()
    engine.put(upload)

    async def delete() -> None:
        assert "code" not in await engine.app.rpc.delete(ALICE, upload["mediaId"])

    store.after_head = delete
    assert code(engine.complete(upload["mediaId"])) == "410 MEDIA_GONE"
    assert row(engine)["status"] == "expired"
    assert opened(engine, upload["key"]) == 410


def test_what_was_refused_can_be_deleted() -> None:
    engine = Engine()
    upload = engine.presign()
    engine.put(upload, b"no")
    assert code(engine.complete(upload["mediaId"])) == "422 CONTENT_MISMATCH"
    assert engine.delete(upload["mediaId"]).status == 200
    assert row(engine)["status"] == "rejected"
    assert sent_tags(engine) == [tag(upload)] * 2


@pytest.mark.parametrize("call", ["delete", "show_to"])
@pytest.mark.parametrize("media_id", ["x", "media_", "media_" + "x" * 22, "media_" + "ü" * 21])
def test_what_is_no_id_is_named(call: str, media_id: str) -> None:
    engine = Engine()
    answer = engine.delete(media_id) if call == "delete" else engine.show_to(media_id, "private")
    assert code(answer) == "400 INVALID_FIELD"
    assert members(answer)["field"] == "mediaId"
    assert engine.database.statements == 0


@pytest.mark.parametrize(
    "headers",
    [
        BOB_HEADERS,
        {**BOB_HEADERS, "x-user-permissions": OWNER},
        {name: value for name, value in ALICE_HEADERS.items() if name != "x-tenant-id"},
    ],
)
def test_another_scope_has_no_such_file(headers: Mapping[str, str]) -> None:
    engine = Engine()
    file = engine.upload(visibility="public")
    before = engine.rows()
    assert code(engine.delete(file["mediaId"], headers)) == "404 MEDIA_NOT_FOUND"
    assert code(engine.show_to(file["mediaId"], "private", headers)) == "404 MEDIA_NOT_FOUND"
    assert engine.rows() == before
    assert engine.fetch("GET", f"/m/{file['key']}").status == 200


def test_an_id_that_never_was_is_not_found() -> None:
    engine = Engine()
    assert code(engine.delete(UNKNOWN)) == "404 MEDIA_NOT_FOUND"
    assert code(engine.show_to(UNKNOWN, "public")) == "404 MEDIA_NOT_FOUND"


def test_a_colleague_of_the_same_tenant_deletes_what_the_tenant_owns() -> None:
    engine = Engine()
    file = engine.upload()
    assert engine.delete(file["mediaId"], {**ALICE_HEADERS, "x-user-id": "anna"}).status == 200
    assert opened(engine, file["key"]) == 410


def test_whoever_may_only_read_changes_nothing() -> None:
    engine = Engine()
    file = engine.upload(visibility="public")
    reader = {**ALICE_HEADERS, "x-user-permissions": READ}
    assert code(engine.delete(file["mediaId"], reader)) == "403 FORBIDDEN"
    assert code(engine.show_to(file["mediaId"], "private", reader)) == "403 FORBIDDEN"
    assert engine.fetch("GET", f"/m/{file['key']}").status == 200


def test_nobody_changes_anything_without_the_gateways_key() -> None:
    engine = Engine()
    file = engine.upload()
    headers = {name: value for name, value in ALICE_HEADERS.items() if name != "x-gateway-key"}
    assert code(engine.delete(file["mediaId"], headers)) == "401 UNAUTHORIZED"
    assert code(engine.show_to(file["mediaId"], "public", headers)) == "401 UNAUTHORIZED"
    assert row(engine)["status"] == "uploaded"


# Who manages it.


def managed(engine: Engine) -> dict[str, Any]:
    """Bring a file in as a shim does; return it."""
    body = to_json({**PHOTO, "visibility": "public"})
    upload = members(engine.fetch("POST", "/upload/presign", SHIM_HEADERS, body))
    engine.put(upload)
    return members(engine.complete(upload["mediaId"]))


def test_what_a_shim_has_presigned_is_managed_by_it() -> None:
    engine = Engine()
    assert managed(engine)["managedBy"] == "backend"
    assert row(engine)["managed_by"] == "backend"


@pytest.mark.parametrize("headers", [ALICE_HEADERS, {**ALICE_HEADERS, "x-media-shim": "another"}])
def test_only_its_shim_deletes_or_changes_a_managed_file(headers: Mapping[str, str]) -> None:
    engine = Engine()
    file = managed(engine)
    before = engine.rows()
    assert code(engine.delete(file["mediaId"], headers)) == "409 MEDIA_MANAGED"
    assert code(engine.show_to(file["mediaId"], "private", headers)) == "409 MEDIA_MANAGED"
    assert engine.rows() == before
    assert engine.queue.operations["send"] == 0
    assert engine.show_to(file["mediaId"], "private", SHIM_HEADERS).status == 200
    assert engine.delete(file["mediaId"], SHIM_HEADERS).status == 200
    assert engine.delete(file["mediaId"], SHIM_HEADERS).status == 200
    assert opened(engine, file["key"]) == 410
    assert code(engine.delete(file["mediaId"], headers)) == "409 MEDIA_MANAGED"


def test_whoever_owns_the_system_is_no_shim() -> None:
    engine = Engine()
    owner = {**ALICE_HEADERS, "x-user-permissions": OWNER}
    assert code(engine.delete(managed(engine)["mediaId"], owner)) == "409 MEDIA_MANAGED"


def test_another_scope_does_not_learn_that_a_file_is_managed() -> None:
    engine = Engine()
    assert code(engine.delete(managed(engine)["mediaId"], BOB_HEADERS)) == "404 MEDIA_NOT_FOUND"


def test_a_shim_may_delete_what_nobody_manages() -> None:
    engine = Engine()
    file = engine.upload()
    assert engine.delete(file["mediaId"], SHIM_HEADERS).status == 200


def test_over_rpc_a_shim_says_who_it_is_too() -> None:
    engine = Engine()
    media_id = managed(engine)["mediaId"]
    assert finish(engine.app.rpc.delete(ALICE, media_id))["code"] == "MEDIA_MANAGED"
    deleted = finish(engine.app.rpc.delete({**ALICE, "shim": "backend"}, media_id))
    assert deleted == {"mediaId": media_id, "deleted": True}


# Visibility.


def test_a_file_that_is_made_private_needs_a_token() -> None:
    engine = Engine()
    file = engine.upload(visibility="public")
    engine.clock.advance(5)
    answer = engine.show_to(file["mediaId"], "private")
    assert answer.status == 200
    assert members(answer) == {**file, "visibility": "private"}
    assert code(engine.fetch("GET", f"/m/{file['key']}")) == "401 TOKEN_MISSING"
    assert opened(engine, file["key"]) == 200
    assert row(engine)["updated_at"] == engine.clock.now()


def test_a_file_that_is_made_public_needs_none() -> None:
    engine = Engine()
    file = engine.upload()
    assert members(engine.show_to(file["mediaId"], "public")) == {**file, "visibility": "public"}
    assert engine.fetch("GET", f"/m/{file['key']}").status == 200


def test_what_stops_being_public_is_purged() -> None:
    engine = Engine()
    file = engine.upload(visibility="public")
    engine.cache.keep(f"public/{file['key']}")
    engine.show_to(file["mediaId"], "private")
    assert engine.cache.entries == {}
    assert sent_tags(engine) == [tag(file)] * 2
    assert row(engine)["purge_due_at"] is None


def test_what_becomes_public_is_not() -> None:
    engine = Engine()
    file = engine.upload()
    engine.show_to(file["mediaId"], "public")
    assert engine.queue.operations["send"] == 0
    assert row(engine)["purge_due_at"] is None


@pytest.mark.parametrize("visibility", ["private", "public"])
def test_to_be_what_it_is_changes_nothing(visibility: str) -> None:
    engine = Engine()
    file = engine.upload(visibility=visibility)
    before = engine.rows()
    engine.clock.advance(5)
    answer = engine.show_to(file["mediaId"], visibility)
    assert (answer.status, members(answer)) == (200, file)
    assert engine.rows() == before
    assert engine.queue.operations["send"] == 0


@pytest.mark.parametrize("body", [{}, {"visibility": None}, {"fileName": "b.jpg"}])
def test_what_is_to_change_has_to_be_said(body: dict[str, object]) -> None:
    engine = Engine()
    media_id = engine.upload()["mediaId"]
    answer = engine.fetch("PATCH", f"/files/{media_id}", ALICE_HEADERS, to_json(body))
    assert code(answer) == "400 MISSING_FIELDS"
    assert members(answer)["fields"] == ["visibility"]


@pytest.mark.parametrize("visibility", ["", "Public", "secret", 7, True, [], {}])
def test_a_visibility_that_is_none_is_refused(visibility: object) -> None:
    engine = Engine()
    media_id = engine.upload()["mediaId"]
    answer = engine.show_to(media_id, visibility)
    assert code(answer) == "400 INVALID_FIELD"
    assert members(answer)["field"] == "visibility"
    assert row(engine)["visibility"] == "private"


def test_a_field_that_nobody_knows_is_ignored_as_in_presign() -> None:
    engine = Engine()
    file = engine.upload()
    body = to_json({"visibility": "public", "somethingElse": [1, 2, 3]})
    answer = engine.fetch("PATCH", f"/files/{file['mediaId']}", ALICE_HEADERS, body)
    assert members(answer) == {**file, "visibility": "public"}


def test_what_is_not_uploaded_has_no_visibility_to_change() -> None:
    engine = Engine()
    upload = engine.presign()
    assert code(engine.show_to(upload["mediaId"], "public")) == "409 UPLOAD_INCOMPLETE"
    engine.delete(upload["mediaId"])
    assert code(engine.show_to(upload["mediaId"], "public")) == "410 MEDIA_GONE"
    file = engine.upload()
    engine.delete(file["mediaId"])
    assert code(engine.show_to(file["mediaId"], "public")) == "410 MEDIA_GONE"


# What is in the way.


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_store_that_does_not_answer_is_told_of_and_the_call_can_be_repeated(
    moment: Moment,
) -> None:
    store = InterruptedStore()
    engine = Engine(store=store)
    file = engine.upload(visibility="public")
    store.fails = moment
    assert code(engine.delete(file["mediaId"])) == "502 R2_UNAVAILABLE"
    assert row(engine)["status"] == "deleting"
    assert engine.fetch("GET", f"/m/{file['key']}").status == 410, "the row lets nobody in"
    assert engine.delete(file["mediaId"]).status == 200
    assert opened(engine, file["key"]) == 410
    assert sent_tags(engine) == [tag(file)] * 2
    assert row(engine)["purge_due_at"] is None


def test_a_store_that_does_not_answer_leaves_no_secret_way_to_the_file() -> None:
    store = InterruptedStore()
    engine = Engine({"EDGE_CACHE_MAX_BYTES": "0"}, store=store)
    file = engine.upload()
    store.fails = "before"
    engine.delete(file["mediaId"])
    assert opened(engine, file["key"]) == 200, "the bytes are there, which is what the 502 said"
    engine.clock.advance(HOUR_MS)
    finish(engine.app.clean())
    assert opened(engine, file["key"]) == 410, "and no longer than to the next run of the cron"


def test_a_queue_that_does_not_answer_does_not_stop_a_delete() -> None:
    engine = Engine()
    file = engine.upload()
    engine.cache.keep(f"private/{file['key']}")
    engine.queue.down = True
    assert engine.delete(file["mediaId"]).status == 200
    assert opened(engine, file["key"]) == 410
    assert engine.cache.entries == {}
    [event] = [event for event in engine.log.events if event["level"] == "error"]
    assert (event["event"], event["reason"]) == ("media.queue.unavailable", "the test says so")

    engine.clock.advance(HOUR_MS)
    finish(engine.app.clean())
    assert sent_tags(engine) == [], "it is still down"
    engine.queue.down = False
    engine.clock.advance(HOUR_MS)
    finish(engine.app.clean())
    engine.consume()
    assert engine.api.tags == [tag(file)], "the purge is not lost"
    engine.clock.advance(HOUR_MS)
    finish(engine.app.clean())
    assert (row(engine)["status"], engine.store.keys()) == ("gone", set())


def test_a_queue_that_does_not_answer_does_not_stop_a_withdrawal() -> None:
    engine = Engine()
    file = engine.upload(visibility="public")
    engine.queue.down = True
    assert engine.show_to(file["mediaId"], "private").status == 200
    assert engine.fetch("GET", f"/m/{file['key']}").status == 401
    engine.queue.down = False
    assert engine.show_to(file["mediaId"], "private").status == 200
    assert sent_tags(engine) == [tag(file)] * 2, "a repetition makes up for it"
    assert row(engine)["purge_due_at"] is None


def test_without_a_zone_everything_works_and_nothing_is_sent() -> None:
    engine = Engine(PURGES_OFF)
    public, file = engine.upload(visibility="public"), engine.upload()
    engine.clock.advance(URL_DEAD)
    assert engine.show_to(public["mediaId"], "private").status == 200
    assert engine.delete(file["mediaId"]).status == 200
    assert engine.queue.operations["send"] == 0
    assert {row["status"] for row in engine.rows()} == {"uploaded", "gone"}
    assert {row["purge_due_at"] for row in engine.rows()} == {None}


# Over RPC, in the log, and at what cost.


def test_over_rpc_the_same_is_answered() -> None:
    engine = Engine()
    file = engine.upload()
    shown = finish(engine.app.rpc.update(ALICE, file["mediaId"], {"visibility": "public"}))
    assert shown == {**file, "visibility": "public"}
    assert finish(engine.app.rpc.update(ALICE, file["mediaId"], None))["code"] == "MISSING_FIELDS"
    assert finish(engine.app.rpc.update(ALICE, 7, {}))["code"] == "INVALID_FIELD"
    deleted = finish(engine.app.rpc.delete(ALICE, file["mediaId"]))
    assert deleted == members(engine.delete(file["mediaId"]))
    assert finish(engine.app.rpc.delete(ALICE, None))["code"] == "MISSING_FIELDS"
    gone = finish(engine.app.rpc.update(ALICE, file["mediaId"], {"visibility": "public"}))
    assert gone["code"] == "MEDIA_GONE"
    assert finish(engine.app.rpc.delete(ALICE, UNKNOWN))["code"] == "MEDIA_NOT_FOUND"


def test_a_service_binding_has_no_route_for_it() -> None:
    engine = Engine()
    path = f"/files/{engine.upload()['mediaId']}"
    for method in ("DELETE", "PATCH"):
        answer = engine.fetch(method, path, ALICE_HEADERS, b"{}", internal=True)
        assert code(answer) == "404 NOT_FOUND"


def test_the_other_methods_are_named() -> None:
    answer = Engine().fetch("POST", f"/files/{UNKNOWN}", ALICE_HEADERS)
    assert code(answer) == "405 METHOD_NOT_ALLOWED"
    assert answer.headers["Allow"] == "DELETE, PATCH"


def test_the_log_tells_which_of_the_calls_it_was() -> None:
    engine = Engine()
    file = engine.upload()
    engine.log.events.clear()
    engine.show_to(file["mediaId"], "public")
    engine.delete(file["mediaId"])
    assert [event["event"] for event in engine.log.events] == [
        "media.files.patch",
        "media.files.delete",
    ]


def costs(engine: Engine) -> tuple[dict[str, int], int, int, int]:
    """Return what was counted: of the store, the database, the cache and the queue."""
    counted = (
        dict(engine.store.operations),
        engine.database.statements,
        engine.cache.operations["delete"],
        engine.queue.operations["send"],
    )
    engine.store.operations.clear()
    engine.cache.operations.clear()
    engine.queue.operations.clear()
    engine.database.statements = 0
    return counted


def test_a_delete_costs_two_statements_an_operation_and_two_messages() -> None:
    engine = Engine()
    young = engine.upload()
    costs(engine)
    engine.delete(young["mediaId"])
    assert costs(engine) == ({"put": 1}, 2, 2, 2)
    engine.delete(young["mediaId"])
    assert costs(engine) == ({}, 2, 0, 0)
    old = engine.upload()
    engine.clock.advance(URL_DEAD)
    costs(engine)
    engine.delete(old["mediaId"])
    assert costs(engine) == ({"delete": 1}, 2, 2, 2)
    engine.delete(UNKNOWN)
    assert costs(engine) == ({}, 2, 0, 0)


def test_a_change_of_visibility_costs_a_statement_and_a_withdrawal_its_purge() -> None:
    engine = Engine()
    file = engine.upload()
    costs(engine)
    engine.show_to(file["mediaId"], "public")
    assert costs(engine) == ({}, 1, 0, 0)
    engine.show_to(file["mediaId"], "private")
    assert costs(engine) == ({}, 2, 2, 2)
    engine.show_to(file["mediaId"], "private")
    assert costs(engine) == ({}, 2, 0, 0)


def test_rows_are_found_by_their_id_however_many_the_scope_has() -> None:
    engine = Engine()
    file, old = engine.upload(visibility="public"), engine.upload()
    engine.clock.advance(URL_DEAD)
    engine.database.seen.clear()
    engine.show_to(file["mediaId"], "private")
    engine.delete(old["mediaId"])
    engine.delete(old["mediaId"])
    assert len(engine.database.seen) == 6
    steps = engine.database.plans()
    assert len(steps) == 6
    for step in steps:
        assert re.fullmatch(
            r"SEARCH media_files USING INDEX sqlite_autoindex_media_files_1 \(id=\?\)", step
        )


def test_nothing_is_purged_before_the_bytes_are_away() -> None:
    store = InterruptedStore()
    engine = Engine(store=store)
    file = engine.upload()
    store.fails = "before"
    assert code(engine.delete(file["mediaId"])) == "502 R2_UNAVAILABLE"
    assert engine.queue.operations["send"] == 0
