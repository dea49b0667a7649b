"""`/api/v1/media/access-token`: what a token opens, for whom, and what it costs."""

import json
from collections.abc import Mapping
from typing import Any

import jwt as pyjwt
import pytest

from media_engine.http.message import Response
from media_engine.signing.gateway import OWNER, READ, WRITE
from media_engine.signing.token import Claims, mint, pseudonym
from tests.unit.engine import ALICE_HEADERS, Engine, finish, members, to_json

PATH = "/api/v1/media/access-token"
DAY = 86_400
UNKNOWN = "media_" + "a" * 21
ALBUM = {"service": "blog", "album": "summer"}
BOB_HEADERS = {**ALICE_HEADERS, "x-user-id": "bob", "x-tenant-id": "globex"}
CAROL_HEADERS = {name: value for name, value in ALICE_HEADERS.items() if name != "x-tenant-id"} | {
    "x-user-id": "carol"
}


def ask(
    engine: Engine, fields: Mapping[str, object], headers: Mapping[str, str] = ALICE_HEADERS
) -> Response:
    return engine.fetch("POST", PATH, headers, to_json(fields))


def granted(engine: Engine, **fields: object) -> dict[str, Any]:
    """Return the token that Alice was given."""
    response = ask(engine, fields)
    assert response.status == 201
    assert response.headers["Cache-Control"] == "no-store"
    return members(response)


def revoke(engine: Engine, token_id: str, headers: Mapping[str, str] = ALICE_HEADERS) -> Response:
    return engine.fetch("DELETE", f"{PATH}/{token_id}", headers)


def read(engine: Engine, token: str, key: str) -> int:
    """Return the status with which a file is answered to who has the token."""
    return engine.fetch("GET", f"/view/{token}/{key}").status


def claims_of(engine: Engine, token: str) -> dict[str, Any]:
    """Return what the token says, as PyJWT reads it."""
    claims: dict[str, Any] = pyjwt.decode(
        token,
        engine.settings.token_keys.signing[1],
        algorithms=["HS256"],
        audience="media",
        options={"verify_exp": False, "verify_iat": False},
    )
    return claims


def test_a_token_for_an_album_says_what_it_opens_and_how_long() -> None:
    engine = Engine()
    answer = granted(engine, **ALBUM)
    assert answer == {
        "token": answer["token"],
        "tokenId": answer["tokenId"],
        "expiresAt": "2026-11-19T11:06:40.000Z",
        "url": f"https://media.example.com/view/{answer['token']}/",
        "prefix": "t/acme/blog/a/summer/",
    }
    assert claims_of(engine, answer["token"]) == {
        "aud": "media",
        "pfx": "t/acme/blog/a/summer/",
        "jti": answer["tokenId"],
        "sub": pseudonym("alice", engine.settings.token_keys),
        "iat": engine.now,
        "exp": engine.now + DAY,
    }
    assert engine.database.statements == 0


def test_a_token_for_an_album_opens_what_is_in_it_now_and_later_and_nothing_else() -> None:
    engine = Engine()
    before = engine.upload(album="summer")
    token = granted(engine, **ALBUM)["token"]
    after = engine.upload(album="summer")
    beside = [engine.upload(album="summer2"), engine.upload(), engine.upload(service="shop")]
    assert [read(engine, token, file["key"]) for file in (before, after)] == [200, 200]
    assert [read(engine, token, file["key"]) for file in beside] == [401, 401, 401]


def test_a_users_album_is_the_users_own() -> None:
    engine = Engine()
    assert members(ask(engine, ALBUM, CAROL_HEADERS))["prefix"] == "u/carol/blog/a/summer/"


def test_the_same_album_of_another_scope_is_another_album() -> None:
    engine = Engine()
    file = engine.upload(album="summer")
    token = members(ask(engine, ALBUM, BOB_HEADERS))["token"]
    assert read(engine, token, file["key"]) == 401


def test_a_token_for_a_selection_says_which_key_each_file_has() -> None:
    engine = Engine()
    first, second = engine.upload(), engine.upload()
    ids = [second["mediaId"], first["mediaId"], second["mediaId"]]
    answer = granted(engine, ids=ids)
    assert answer["keys"] == {second["mediaId"]: second["key"], first["mediaId"]: first["key"]}
    assert "prefix" not in answer
    claims = claims_of(engine, answer["token"])
    assert claims["set"] == claims["jti"] == answer["tokenId"]
    assert not claims.keys() & {"key", "pfx"}


def test_a_selection_is_written_down_for_as_long_as_its_token_lives() -> None:
    engine = Engine()
    files = [engine.upload() for _ in range(2)]
    answer = granted(engine, ids=[file["mediaId"] for file in files], expiresIn=90)
    [row] = engine.rows("media_sets")
    assert row == {
        "scope": "t:acme",
        "id": answer["tokenId"],
        "members": json.dumps([file["key"] for file in files]),
        "created_by": "alice",
        "created_at": engine.clock.now(),
        "expires_at": (engine.now + 90) * 1000,
    }


def test_a_token_for_a_selection_opens_its_files_alone() -> None:
    engine = Engine()
    chosen = [engine.upload(), engine.upload(visibility="public")]
    others = [engine.upload(), engine.upload(visibility="public")]
    token = granted(engine, ids=[file["mediaId"] for file in chosen])["token"]
    assert [read(engine, token, file["key"]) for file in chosen] == [200, 200]
    assert [read(engine, token, file["key"]) for file in others] == [401, 401]


def test_a_token_lives_as_long_as_was_asked_for() -> None:
    engine = Engine()
    file = engine.upload(album="summer")
    for fields in (ALBUM, {"ids": [file["mediaId"]]}):
        token = granted(engine, **fields, expiresIn=90)["token"]
        engine.clock.advance(89_999)
        assert read(engine, token, file["key"]) == 200
        engine.clock.advance(1)
        assert members(engine.fetch("GET", f"/view/{token}/{file['key']}"))["code"] == (
            "TOKEN_EXPIRED"
        )


def test_a_token_opens_for_a_whole_day() -> None:
    engine = Engine()
    file = engine.upload(album="summer")
    token = granted(engine, **ALBUM)["token"]
    engine.clock.advance(DAY * 1000 - 1)
    assert read(engine, token, file["key"]) == 200


def test_no_two_tokens_have_one_id() -> None:
    engine = Engine()
    assert len({granted(engine, **ALBUM)["tokenId"] for _ in range(50)}) == 50


@pytest.mark.parametrize("headers", [BOB_HEADERS, CAROL_HEADERS])
def test_a_file_of_another_scope_is_named_as_not_found(headers: Mapping[str, str]) -> None:
    engine = Engine()
    file = engine.upload()
    response = ask(engine, {"ids": [file["mediaId"]]}, headers)
    assert (response.status, members(response)["code"]) == (404, "MEDIA_NOT_FOUND")
    assert members(response)["mediaId"] == file["mediaId"]
    assert engine.rows("media_sets") == []


def test_the_first_file_that_is_not_there_is_named() -> None:
    engine = Engine()
    ids = [engine.upload()["mediaId"], UNKNOWN, engine.upload()["mediaId"], "media_" + "b" * 21]
    assert members(ask(engine, {"ids": ids}))["mediaId"] == UNKNOWN
    assert engine.rows("media_sets") == []


def test_a_file_that_is_not_uploaded_is_not_there() -> None:
    engine = Engine()
    pending, wrong = engine.presign(), engine.presign()
    engine.put(wrong, b"no")
    engine.complete(wrong["mediaId"])
    for upload in (pending, wrong):
        response = ask(engine, {"ids": [upload["mediaId"]]})
        assert (response.status, members(response)["mediaId"]) == (404, upload["mediaId"])


@pytest.mark.parametrize(
    ("permissions", "status"), [("", 403), (WRITE, 403), (READ, 201), (OWNER, 201)]
)
def test_to_give_out_and_to_take_back_is_to_read(permissions: str, status: int) -> None:
    engine = Engine()
    headers = {**ALICE_HEADERS, "x-user-permissions": permissions}
    assert ask(engine, ALBUM, headers).status == status
    assert revoke(engine, "x", headers).status == (204 if status == 201 else 403)
    assert len(engine.rows("revoked_tokens")) == (status == 201)


@pytest.mark.parametrize(("method", "path"), [("POST", PATH), ("DELETE", f"{PATH}/x")])
def test_only_the_gateway_may_ask(method: str, path: str) -> None:
    engine = Engine()
    for headers in ({**ALICE_HEADERS, "x-gateway-key": "wrong"}, {}):
        response = engine.fetch(method, path, headers, to_json(ALBUM))
        assert (response.status, members(response)["code"]) == (401, "UNAUTHORIZED")
    assert engine.database.statements == 0


def test_a_revoked_token_is_refused_in_its_own_scope() -> None:
    engine = Engine()
    file = engine.upload(album="summer")
    for fields in (ALBUM, {"ids": [file["mediaId"]]}):
        answer = granted(engine, **fields)
        response = revoke(engine, answer["tokenId"])
        assert (response.status, response.body) == (204, None)
        assert response.headers["Cache-Control"] == "no-store"
        assert read(engine, answer["token"], file["key"]) == 410


def test_to_revoke_is_idempotent_and_the_first_time_counts() -> None:
    engine = Engine()
    first = engine.clock.now()
    for _ in range(3):
        assert revoke(engine, "tok_1").status == 204
        engine.clock.advance(1_000)
    [row] = engine.rows("revoked_tokens")
    assert row == {
        "scope": "t:acme",
        "jti": "tok_1",
        "revoked_at": first,
        "expires_at": first + 2_000 + (DAY + 120) * 1000,
    }


def test_a_token_that_a_backend_minted_by_itself_is_revoked_alike() -> None:
    engine = Engine()
    file = engine.upload()
    claims = Claims(key=file["key"], jti="by-the-backend/7 ü", exp=engine.now + DAY)
    token = mint(claims, engine.settings.token_keys)
    assert revoke(engine, "by-the-backend%2F7%20%C3%BC").status == 204
    assert read(engine, token, file["key"]) == 410


def test_a_user_takes_a_token_of_their_own_back() -> None:
    engine = Engine()
    key = "u/carol/blog/a/summer/aB3nR7kWaB3nR7kWaB3nR.jpg"
    engine.store.put(key, b"bytes", "image/jpeg")
    answer = members(ask(engine, ALBUM, CAROL_HEADERS))
    assert revoke(engine, answer["tokenId"], CAROL_HEADERS).status == 204
    assert read(engine, answer["token"], key) == 410


@pytest.mark.parametrize("headers", [BOB_HEADERS, CAROL_HEADERS])
def test_nobody_revokes_a_token_of_another_scope(headers: Mapping[str, str]) -> None:
    engine = Engine()
    file = engine.upload(album="summer")
    answer = granted(engine, **ALBUM)
    assert revoke(engine, answer["tokenId"], headers).status == 204
    assert read(engine, answer["token"], file["key"]) == 200


@pytest.mark.parametrize(
    ("token_id", "status", "code"),
    [
        ("%ff", 400, "INVALID_FIELD"),
        ("x" * 3_073, 400, "INVALID_FIELD"),
        ("", 404, "NOT_FOUND"),
        ("a/b", 404, "NOT_FOUND"),
    ],
)
def test_what_no_token_is_called_is_refused(token_id: str, status: int, code: str) -> None:
    engine = Engine()
    response = revoke(engine, token_id)
    assert (response.status, members(response)["code"]) == (status, code)
    assert engine.rows("revoked_tokens") == []


def test_a_revocation_outlives_every_token_that_there_can_be() -> None:
    engine = Engine()
    file = engine.upload()
    # Its minter's clock is a minute ahead, and its life is the longest.
    claims = Claims(
        key=file["key"], jti="tok_1", iat=engine.now + 60, exp=engine.now + 60 + DAY + 60
    )
    token = mint(claims, engine.settings.token_keys)
    revoke(engine, "tok_1")
    for _ in range(24):
        engine.clock.advance(3_600_000)
        finish(engine.app.clean())
        assert read(engine, token, file["key"]) == 410
    engine.clock.instant = claims.exp * 1000 - 1
    finish(engine.app.clean())
    assert read(engine, token, file["key"]) == 410


def test_a_selection_costs_two_statements_however_large_it_is() -> None:
    engine = Engine()
    ids = [engine.upload()["mediaId"] for _ in range(60)]
    for count in (1, 60):
        engine.database.statements = 0
        granted(engine, ids=ids[:count])
        assert engine.database.statements == 2
    engine.database.statements = 0
    revoke(engine, "tok_1")
    assert engine.database.statements == 1
    assert engine.store.operations["get"] == 0


def test_files_are_found_by_their_ids_however_many_the_scope_has() -> None:
    engine = Engine()
    ask(engine, {"ids": [UNKNOWN]})
    [step] = engine.database.plans()
    assert step.startswith("SEARCH media_files USING INDEX sqlite_autoindex_media_files_1 (id=?)")


def test_no_token_is_in_the_log() -> None:
    engine = Engine()
    answer = granted(engine, **ALBUM)
    ask(engine, {})
    revoke(engine, answer["tokenId"])
    log = json.dumps(engine.log.events)
    assert answer["token"] not in log
    assert [event["event"] for event in engine.log.events] == [
        "media.api.v1.media.access-token",
        "media.refused",
        "media.api.v1.media.access-token.delete",
    ]
