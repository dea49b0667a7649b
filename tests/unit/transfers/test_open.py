"""`POST /upload/open` and `/upload/token`: one transfer for one name, and what it costs."""

from typing import Any
from urllib.parse import urlsplit

import pytest

from media_engine.http.message import Response
from media_engine.idempotency.model import KEY_LIFE_MS
from media_engine.signing.upload_token import LIFE, verify
from tests.unit.engine import ALICE_HEADERS, Engine, finish, members, to_json
from tests.unit.transfers.sending import VIDEO, bearer, code, opened
from tests.unit.uploads.stepped import Call, SteppedDatabase

ALICE = {"userId": "alice", "tenantId": "acme", "permissions": ["media:files.write"]}
FIELDS = {**VIDEO, "fileSize": 1000}


def ask(engine: Engine, key: str = "the-key", **fields: object) -> Response:
    headers = {**ALICE_HEADERS, "idempotency-key": key}
    return engine.fetch("POST", "/upload/open", headers, to_json({**FIELDS, **fields}))


def test_the_same_request_gets_the_same_transfer_and_the_same_token() -> None:
    engine = Engine()
    first = ask(engine)
    engine.clock.advance(60_000)
    again = ask(engine)
    assert (first.status, again.status) == (201, 201)
    assert first.body == again.body
    assert len(engine.rows()) == len(engine.rows("transfers")) == 1
    assert engine.account()["used_files"] == 1


def test_what_a_name_costs() -> None:
    engine = Engine()
    opened(engine, 1000)
    assert engine.database.statements == 2
    ask(engine)
    assert engine.database.statements == 2 + 7
    ask(engine)
    assert engine.database.statements == 2 + 7 + 8


def test_a_size_that_is_not_known_yet_is_opened_once_too() -> None:
    engine = Engine()
    first, again = (ask(engine, fileSize=None, maxFileSize=5000) for _ in range(2))
    assert first.status == 201
    assert first.body == again.body


def test_once_the_token_is_dead_another_one_opens_the_same_transfer() -> None:
    engine = Engine()
    first = members(ask(engine))
    engine.clock.advance(LIFE * 1000 - 1)
    assert members(ask(engine)) == first
    engine.clock.advance(1)
    again = members(ask(engine))
    assert again["uploadToken"] != first["uploadToken"]
    assert (again["mediaId"], again["uploadId"]) == (first["mediaId"], first["uploadId"])
    begun = engine.fetch("POST", "/media/upload/init", bearer(again), b"{}")
    assert members(begun)["upload_id"] == first["uploadId"]


def test_a_token_is_answered_with_none_that_outlives_it() -> None:
    """Else whoever has one could renew it alone, and the application would not be asked again."""
    engine = Engine()
    chunked, form = opened(engine, 1000), opened(engine, 1000)
    engine.clock.advance((LIFE - 60) * 1000)
    begun = engine.fetch("POST", "/media/upload/init", bearer(chunked), b"{}")
    asked = members(engine.fetch("GET", "/s3/params?type=video/mp4", bearer(form)))
    token = urlsplit(asked["url"]).path.split("/")[2]

    assert asked["expires"] == 60
    for answered in (members(begun)["upload_token"], token):
        assert verify(answered, engine.settings.token_keys, engine.now).exp == engine.now + 60
    engine.clock.advance(60_000)
    late = engine.fetch("POST", urlsplit(asked["url"]).path, {}, b"")
    assert code(late) == "401 TOKEN_EXPIRED"


def test_what_the_gateway_is_answered_with_lives_an_hour() -> None:
    engine = Engine()
    fields = to_json({"file_name": "a.mp4", "content_type": "video/mp4", "file_size": 1000})
    begun = members(engine.fetch("POST", "/media/upload/init", ALICE_HEADERS, fields))
    asked = members(engine.fetch("GET", "/s3/params?filename=a&type=video/mp4", ALICE_HEADERS))
    token = urlsplit(asked["url"]).path.split("/")[2]

    assert asked["expires"] == LIFE
    for answered in (begun["upload_token"], token):
        assert verify(answered, engine.settings.token_keys, engine.now).exp == engine.now + LIFE


def test_another_request_by_the_same_name_is_refused() -> None:
    engine = Engine()
    ask(engine)
    assert code(ask(engine, fileSize=1001)) == "422 IDEMPOTENCY_KEY_REUSED"
    assert len(engine.rows()) == 1


def test_a_name_is_free_again_after_a_day() -> None:
    engine = Engine()
    first = members(ask(engine))
    engine.clock.advance(KEY_LIFE_MS)
    assert members(ask(engine))["mediaId"] == first["mediaId"]
    engine.clock.advance(1)
    assert members(ask(engine))["mediaId"] != first["mediaId"]


def test_what_was_given_up_is_gone_for_the_same_request() -> None:
    engine = Engine()
    first = members(ask(engine))
    engine.delete(first["mediaId"])
    assert code(ask(engine)) == "410 MEDIA_GONE"


def test_a_request_that_did_not_fit_may_come_again_with_its_name() -> None:
    engine = Engine({"TENANT_QUOTA_FILES": "1"})
    taken = engine.presign()
    assert code(ask(engine)) == "402 QUOTA_EXCEEDED"
    engine.delete(taken["mediaId"])
    assert ask(engine).status == 201


@pytest.mark.parametrize("steps", range(5))
def test_whatever_a_request_died_of_its_repetition_opens_the_transfer(steps: int) -> None:
    engine = Engine(database=SteppedDatabase())
    answers: list[dict[str, Any]] = []
    first = Call("open", engine.app.rpc.open(ALICE, FIELDS, "the-key"), answers.append)
    for _ in range(steps):
        first.step()
    first.die()
    engine.clock.advance(60_000)
    for _ in range(2):
        Call("open", engine.app.rpc.open(ALICE, FIELDS, "the-key"), answers.append).run()
    assert answers[-1] == answers[-2]
    assert answers[-1]["status"] == "pending_upload"
    [row] = engine.rows()
    [transfer] = engine.rows("transfers")
    assert transfer["media_id"] == row["id"]
    assert transfer["expires_at"] == row["url_expires_at"]


def test_of_requests_at_once_one_opens_the_transfer_and_all_get_it() -> None:
    for steps in range(6):
        engine = Engine(database=SteppedDatabase())
        answers: list[dict[str, Any]] = []
        calls = [
            Call("open", engine.app.rpc.open(ALICE, FIELDS, "the-key"), answers.append)
            for _ in range(2)
        ]
        for _ in range(steps):
            if not calls[0].over:
                calls[0].step()
        calls[1].run()
        if not calls[0].over:
            calls[0].run()
        assert answers[0] == answers[1]
        assert len(engine.rows("transfers")) == 1


def test_over_rpc_it_is_the_same() -> None:
    engine = Engine()
    over_http = members(ask(engine))
    assert finish(engine.app.rpc.open(ALICE, FIELDS, "the-key")) == over_http
    engine.clock.advance(1000)
    renewed = finish(engine.app.rpc.token(ALICE, over_http["mediaId"]))
    assert renewed["uploadId"] == over_http["uploadId"]
    assert renewed["uploadToken"] != over_http["uploadToken"]


@pytest.mark.parametrize(
    ("media_id", "wanted"),
    [
        (None, "MISSING_FIELDS"),
        (7, "INVALID_FIELD"),
        ("media_" + 21 * "x", "MEDIA_NOT_FOUND"),
    ],
)
def test_over_rpc_a_token_needs_a_transfer(media_id: object, wanted: str) -> None:
    assert finish(Engine().app.rpc.token(ALICE, media_id))["code"] == wanted
