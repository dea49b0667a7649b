"""A request for an access token that names itself is given the same one, as long as that lives."""

import pytest

from media_engine.http.message import Response
from media_engine.signing.gateway import READ, WRITE
from tests.unit.engine import ALICE_HEADERS, ENVIRONMENT, Engine, members, to_json
from tests.unit.sharing.test_service import ALBUM, PATH, UNKNOWN, claims_of, read, revoke

OTHER_KEYS = "k2:dGhlLXNlY29uZC1rZXktaXMtMzItYnl0ZXMtbG9uZy1v"
NAMED = {**ALICE_HEADERS, "idempotency-key": "the-key"}


def ask(engine: Engine, **fields: object) -> Response:
    return engine.fetch("POST", PATH, NAMED, to_json(fields))


def code(answer: Response) -> str:
    return f"{answer.status} {members(answer).get('code', '')}".strip()


def test_the_same_request_for_an_album_gets_the_same_token() -> None:
    engine = Engine()
    first = ask(engine, **ALBUM)
    engine.clock.advance(86_399_999)
    again = ask(engine, **ALBUM)
    assert (first.status, again.status, again.body) == (201, 201, first.body)


def test_the_same_request_for_a_selection_gets_the_same_token_whatever_was_deleted_since() -> None:
    engine = Engine()
    files = [engine.upload(), engine.upload()]
    ids = [files[1]["mediaId"], files[0]["mediaId"], files[1]["mediaId"]]
    first = ask(engine, ids=ids)
    engine.clock.advance(60_000)
    engine.delete(files[0]["mediaId"])
    again = ask(engine, ids=ids)
    assert (first.status, again.body) == (201, first.body)
    assert len(engine.rows("media_sets")) == 1
    assert read(engine, members(again)["token"], files[1]["key"]) == 200


def test_what_a_name_costs() -> None:
    engine = Engine()
    ids = [engine.upload()["mediaId"]]
    for fields, most in (({**ALBUM}, 5), ({"ids": ids}, 1 + 6)):
        for _ in range(2):
            engine.database.statements = 0
            headers = {**NAMED, "idempotency-key": f"key-{most}"}
            assert engine.fetch("POST", PATH, headers, to_json(fields)).status == 201
            assert engine.database.statements <= most


def test_no_token_is_kept() -> None:
    engine = Engine()
    token = members(ask(engine, **ALBUM))["token"]
    [row] = engine.rows("idempotency_keys")
    assert token not in str(row)
    assert token.rpartition(".")[2] not in str(row)


def test_after_a_rotation_the_same_token_is_signed_by_the_other_key() -> None:
    engine = Engine()
    first = members(ask(engine, **ALBUM))
    keys = f"{OTHER_KEYS},{ENVIRONMENT['MEDIA_TOKEN_KEYS']}"
    rotated = Engine({"MEDIA_TOKEN_KEYS": keys}, database=engine.database, clock=engine.clock)
    again = members(ask(rotated, **ALBUM))
    assert again["token"] != first["token"]
    said, said_again = claims_of(engine, first["token"]), claims_of(rotated, again["token"])
    for claim in ("jti", "pfx", "iat", "exp"):
        assert said[claim] == said_again[claim]


def test_another_request_by_the_same_name_is_refused() -> None:
    engine = Engine()
    ids = [engine.upload()["mediaId"]]
    ask(engine, **ALBUM)
    for fields in ({**ALBUM, "album": "x"}, {**ALBUM, "expiresIn": 60}, {"ids": ids}):
        assert code(ask(engine, **fields)) == "422 IDEMPOTENCY_KEY_REUSED"
    assert engine.rows("media_sets") == []


def test_a_name_is_its_callers_own() -> None:
    engine = Engine()
    first = members(ask(engine, **ALBUM))
    for changed in ({"x-user-id": "anna"}, {"x-tenant-id": "globex"}):
        answer = engine.fetch("POST", PATH, {**NAMED, **changed}, to_json(ALBUM))
        assert members(answer)["tokenId"] != first["tokenId"]


def test_once_the_token_is_dead_its_name_is_free() -> None:
    engine = Engine()
    file = engine.upload()
    for fields in ({**ALBUM, "expiresIn": 60}, {"ids": [file["mediaId"]], "expiresIn": 60}):
        engine.clock.advance(60_000 - engine.clock.now() % 1000)
        first = members(ask(engine, **fields))
        engine.clock.advance(59_999)
        assert members(ask(engine, **fields)) == first
        engine.clock.advance(1)
        assert members(ask(engine, **fields))["tokenId"] != first["tokenId"]
        engine.clock.advance(60_000)


def test_a_token_that_was_taken_back_is_not_given_out_again() -> None:
    engine = Engine()
    ids = [engine.upload()["mediaId"]]
    for fields in ({**ALBUM}, {"ids": ids}):
        headers = {**NAMED, "idempotency-key": "".join(fields)}
        granted = members(engine.fetch("POST", PATH, headers, to_json(fields)))
        revoke(engine, granted["tokenId"])
        again = engine.fetch("POST", PATH, headers, to_json(fields))
        assert code(again) == "410 TOKEN_REVOKED"


def test_a_selection_that_was_refused_keeps_no_name() -> None:
    engine = Engine()
    answer = ask(engine, ids=[UNKNOWN])
    assert (answer.status, members(answer)["mediaId"]) == (404, UNKNOWN)
    assert engine.rows("idempotency_keys") == []
    assert ask(engine, ids=[engine.upload()["mediaId"]]).status == 201


@pytest.mark.parametrize(("permissions", "status"), [(WRITE, 403), (READ, 201)])
def test_a_name_is_no_permission(permissions: str, status: int) -> None:
    engine = Engine()
    ask(engine, **ALBUM)
    headers = {**NAMED, "x-user-permissions": permissions}
    assert engine.fetch("POST", PATH, headers, to_json(ALBUM)).status == status
