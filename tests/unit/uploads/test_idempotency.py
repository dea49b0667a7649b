"""A presign that names itself makes one upload, however often it comes."""

from typing import Any

import pytest

from media_engine.errors import InvalidField
from media_engine.housekeeping.plan import HOUR_MS, PENDING_LIFE_MS
from media_engine.idempotency.model import KEY_LIFE_MS, Claim
from media_engine.ports import Statement
from tests.media import JPEG
from tests.unit.engine import ALICE, ALICE_HEADERS, PHOTO, Engine, finish, members, to_json


def test_the_same_request_gets_the_same_answer() -> None:
    engine = Engine()
    first = engine.presign("the-key")
    engine.clock.advance(60_000)
    assert engine.presign("the-key") == first
    assert len(engine.rows()) == 1
    assert engine.account()["used_files"] == 1


def test_the_order_of_its_members_does_not_make_it_another_request() -> None:
    engine = Engine()
    headers = {**ALICE_HEADERS, "idempotency-key": "the-key"}
    bodies = [dict(PHOTO), dict(reversed(list(PHOTO.items())))]
    answers = [
        engine.fetch("POST", "/upload/presign", headers, to_json(body)).body for body in bodies
    ]
    assert answers[0] == answers[1]


@pytest.mark.parametrize("changed", [{"fileSize": 1}, {"album": "x"}, {"unknown": 1}])
def test_another_request_by_the_same_name_is_refused(changed: dict[str, object]) -> None:
    engine = Engine()
    engine.presign("the-key")
    refused = engine.presign("the-key", **changed)
    assert (refused["status"], refused["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")
    assert len(engine.rows()) == 1


@pytest.mark.parametrize(
    "headers",
    [{"x-user-id": "anna"}, {"x-tenant-id": "globex"}, {"x-user-id": "bob", "x-tenant-id": "x"}],
)
def test_a_name_is_its_callers_own(headers: dict[str, str]) -> None:
    engine = Engine()
    first = engine.presign("the-key")
    sent = {**ALICE_HEADERS, "idempotency-key": "the-key", **headers}
    other = members(engine.fetch("POST", "/upload/presign", sent, to_json(PHOTO)))
    assert other["mediaId"] != first["mediaId"]


def test_requests_without_a_name_are_never_the_same() -> None:
    engine = Engine()
    assert engine.presign()["mediaId"] != engine.presign()["mediaId"]


def test_the_same_request_over_rpc_gets_the_same_answer() -> None:
    engine = Engine()
    alice = {"userId": "alice", "tenantId": "acme", "permissions": ["media:files.write"]}
    over_http = engine.presign("the-key")
    assert finish(engine.app.rpc.presign(alice, PHOTO, "the-key")) == over_http


def test_what_was_uploaded_meanwhile_keeps_its_url() -> None:
    engine = Engine()
    first = engine.presign("the-key")
    engine.put(first)
    engine.complete(first["mediaId"])
    engine.clock.advance(2 * HOUR_MS)
    assert engine.presign("the-key") == first
    assert engine.rows()[0]["status"] == "uploaded"


def test_what_is_pending_when_its_url_has_ended_gets_a_new_one() -> None:
    engine = Engine()
    first = engine.presign("the-key")
    engine.clock.advance(3 * HOUR_MS)
    finish(engine.app.clean())
    assert engine.account()["used_files"] == 0
    renewed = engine.presign("the-key")
    assert (renewed["mediaId"], renewed["key"]) == (first["mediaId"], first["key"])
    assert renewed["uploadUrl"] != first["uploadUrl"]
    assert renewed["expiresAt"] == "2026-11-18T15:06:40.000Z"
    assert engine.account()["used_files"] == 1, "its room is reserved anew"
    # It may be completed for a day from now on.
    engine.put(renewed)
    engine.clock.advance(PENDING_LIFE_MS)
    finish(engine.app.clean())
    assert engine.complete(renewed["mediaId"]).status == 200


def test_what_cannot_be_renewed_for_want_of_room_says_so() -> None:
    engine = Engine({"TENANT_QUOTA_FILES": "1"})
    engine.presign("the-key")
    engine.clock.advance(3 * HOUR_MS)
    finish(engine.app.clean())
    engine.presign()
    assert engine.presign("the-key")["code"] == "QUOTA_EXCEEDED"


def test_what_was_refused_is_gone_for_the_same_request() -> None:
    engine = Engine()
    first = engine.presign("the-key")
    engine.put(first, b"no")
    engine.complete(first["mediaId"])
    refused = engine.presign("the-key")
    assert (refused["status"], refused["code"]) == (410, "MEDIA_GONE")


def test_a_request_that_did_not_fit_may_come_again_with_its_name() -> None:
    engine = Engine({"TENANT_QUOTA_FILES": "1"})
    taken = engine.presign()
    assert engine.presign("the-key")["code"] == "QUOTA_EXCEEDED"
    engine.put(taken, b"no")
    engine.complete(taken["mediaId"])
    assert "mediaId" in engine.presign("the-key", album="other")


def test_a_name_is_free_again_after_a_day_whether_or_not_the_cron_has_run() -> None:
    for cron in (False, True):
        engine = Engine()
        first = engine.presign("the-key")
        engine.clock.advance(KEY_LIFE_MS)
        assert engine.presign("the-key")["mediaId"] == first["mediaId"]
        engine.clock.advance(1)
        if cron:
            finish(engine.app.clean())
            assert engine.log.events[-1]["keys"] == 1
        assert engine.presign("the-key", album="x")["mediaId"] != first["mediaId"]


def test_a_name_whose_file_is_forgotten_is_free() -> None:
    engine = Engine()
    first = engine.presign("the-key")
    finish(engine.database.run(Statement("DELETE FROM media_files")))
    assert engine.presign("the-key")["mediaId"] != first["mediaId"]


@pytest.mark.parametrize("key", ["", " ", "a b", "a" * 256, "ü", "a\x7f", "a\n"])
def test_what_cannot_be_a_name_is_refused(key: str) -> None:
    refused = Engine().presign(key)
    assert (refused["status"], refused["code"]) == (400, "INVALID_FIELD")
    assert refused["field"] == "Idempotency-Key"


@pytest.mark.parametrize("key", ["a", '"8e03978e-40d5-43dd-bc93-6894a57f9324"', "!" * 255])
def test_what_can_be_a_name_is_taken_as_it_is(key: str) -> None:
    engine = Engine()
    assert engine.presign(key) == engine.presign(key)


@pytest.mark.parametrize("key", [1, ["a"], {}, True])
def test_over_rpc_a_name_must_be_text(key: Any) -> None:
    with pytest.raises(InvalidField):
        Claim.parse(ALICE, "presign", key, {})


def test_one_name_may_stand_for_a_request_of_each_call() -> None:
    engine = Engine()
    presigned = engine.presign("the-key")
    headers = {**ALICE_HEADERS, "idempotency-key": "the-key"}
    opened = members(engine.fetch("POST", "/upload/open", headers, to_json(PHOTO)))
    assert opened["mediaId"] != presigned["mediaId"]
    assert len(engine.rows("idempotency_keys")) == 2


def test_what_only_rpc_can_say_makes_a_fingerprint_too() -> None:
    claims = [Claim.parse(ALICE, "presign", "a", {"x": value}) for value in (b"1", b"1", b"2")]
    assert claims[0] == claims[1] != claims[2]


def test_a_refused_body_keeps_no_name() -> None:
    engine = Engine()
    assert engine.presign("the-key", fileSize=0)["status"] == 400
    assert "mediaId" in engine.presign("the-key", fileSize=len(JPEG))
