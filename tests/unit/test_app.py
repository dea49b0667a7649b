"""What is true of every call: the envelope, the identity, and what the log may hold."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from media_engine.errors import DatabaseError
from media_engine.http.message import Response
from media_engine.ports import ObjectInfo, ObjectRange, StoredObject
from media_engine.signing.gateway import READ, WRITE
from media_engine.signing.token import Claims, mint
from tests.fakes import MemoryStore
from tests.unit.engine import ALICE_HEADERS, PHOTO, Engine, finish, members, to_json

KEY = "t/acme/blog/2026/11/aB3nR7kWaB3nR7kWaB3nR.jpg"
MEDIA_ID = "media_" + "a" * 21
CALLER = {"userId": "alice", "tenantId": "acme", "permissions": [READ, WRITE]}
BODY = to_json(PHOTO)


class ClumsyStore(MemoryStore):
    """A store with a fault that nobody foresaw."""

    async def head(self, key: str, /) -> ObjectInfo | None:
        raise ZeroDivisionError(f"the precious detail of {key}")

    async def get(
        self,
        key: str,
        /,
        *,
        wanted: ObjectRange | None = None,
        etag: str | None = None,
        unless: str | None = None,
    ) -> StoredObject | None:
        raise ZeroDivisionError(f"the precious detail of {key} {wanted} {etag} {unless}")


def without(name: str) -> dict[str, str]:
    return {header: value for header, value in ALICE_HEADERS.items() if header != name}


def presign(engine: Engine, headers: Mapping[str, str], body: bytes = BODY) -> Response:
    return engine.fetch("POST", "/upload/presign", headers, body)


def test_every_refusal_is_an_envelope_that_nobody_keeps() -> None:
    engine = Engine()
    for response in (
        engine.fetch("GET", "/nowhere"),
        engine.fetch("DELETE", "/upload/presign"),
        engine.fetch("GET", f"/m/{KEY}"),
        presign(engine, {}),
        presign(engine, ALICE_HEADERS, b"{}"),
        engine.complete(MEDIA_ID),
    ):
        envelope = members(response)
        assert envelope.keys() - {"field", "fields"} == {"error", "code", "status", "requestId"}
        assert envelope["status"] == response.status
        assert envelope["requestId"] == response.headers["X-Request-Id"] == "request-1"
        assert response.headers["Cache-Control"] == "no-store"
        assert response.headers["Content-Type"] == "application/json; charset=utf-8"
        assert response.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "path",
    ["/", "", "/m", "/upload", "/upload/", "/upload/presign/", "/Health", "/s/x/y", "/internal"],
)
def test_a_path_that_nobody_answers_is_not_found(path: str) -> None:
    response = Engine().fetch("GET", path, ALICE_HEADERS)
    assert (response.status, members(response)["code"]) == (404, "NOT_FOUND")


@pytest.mark.parametrize("path", ["/view/5ec3e7/u/a.jpg", "/share/5ec3e7", f"/{'x' * 16}5ec3e7"])
def test_a_path_that_nobody_answers_is_not_told_to_the_log(path: str) -> None:
    engine = Engine()
    engine.fetch("GET", path)
    assert "5ec3e7" not in json.dumps(engine.log.events)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/upload/presign", "POST"),
        ("post", "/upload/presign", "POST"),
        ("POST", "/upload/complete", "PATCH"),
        ("POST", "/health", "GET, HEAD"),
        ("BREW", "/health", "GET, HEAD"),
    ],
)
def test_a_method_that_is_not_there_is_told_those_that_are(
    method: str, path: str, allowed: str
) -> None:
    response = Engine().fetch(method, path, ALICE_HEADERS, BODY)
    assert (response.status, members(response)["code"]) == (405, "METHOD_NOT_ALLOWED")
    assert response.headers["Allow"] == allowed


@pytest.mark.parametrize("key", ["the-gateway", "the-next-gateway"])
def test_each_key_of_the_gateway_is_accepted(key: str) -> None:
    assert presign(Engine(), {**ALICE_HEADERS, "x-gateway-key": key}).status == 201


@pytest.mark.parametrize(
    "key", [None, "", " ", "the-gateway ", "The-Gateway", "the-gateway,the-next-gateway", "the"]
)
def test_without_a_key_of_the_gateway_nobody_is_anybody(key: str | None) -> None:
    engine = Engine()
    headers = without("x-gateway-key")
    if key is not None:
        headers["x-gateway-key"] = key
    for response in (
        presign(engine, headers),
        engine.fetch("PATCH", "/upload/complete", headers, to_json({"mediaId": MEDIA_ID})),
    ):
        assert (response.status, members(response)["code"]) == (401, "UNAUTHORIZED")
    assert engine.database.statements == 0


def test_the_key_is_asked_for_before_the_body_is_read() -> None:
    response = presign(Engine(), without("x-gateway-key"), b"not json")
    assert members(response)["code"] == "UNAUTHORIZED"


def test_a_call_needs_a_user() -> None:
    engine = Engine()
    for headers in (without("x-user-id"), {**ALICE_HEADERS, "x-user-id": ""}):
        assert members(presign(engine, headers))["code"] == "UNAUTHORIZED"
    assert engine.rows() == []


@pytest.mark.parametrize("name", ["x-user-id", "x-tenant-id"])
@pytest.mark.parametrize("value", ["a/b", "..", "a b", "a" * 65, "ü", "alice, bob"])
def test_an_id_that_could_not_stand_in_a_key_is_named(name: str, value: str) -> None:
    response = presign(Engine(), {**ALICE_HEADERS, name: value})
    assert (response.status, members(response)["field"]) == (400, name)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "INVALID_FIELD"),
        (b"not json", "INVALID_FIELD"),
        (b"[]", "INVALID_FIELD"),
        (b"null", "INVALID_FIELD"),
        (b"\xff", "INVALID_FIELD"),
        (b'{"fileName":"a","fileName":"b"}', "INVALID_FIELD"),
        (b"[" * 10_000, "INVALID_FIELD"),
        (b" " * 65_537, "FILE_TOO_LARGE"),
    ],
)
@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/upload/presign"), ("PATCH", "/upload/complete")]
)
def test_a_body_that_is_no_object_is_refused(
    method: str, path: str, body: bytes, code: str
) -> None:
    response = Engine().fetch(method, path, ALICE_HEADERS, body)
    assert (response.status, members(response)["code"]) == (400, code)
    assert members(response)["field"] == "body"


def test_a_body_that_is_not_declared_as_json_is_refused() -> None:
    for headers in (without("content-type"), {**ALICE_HEADERS, "content-type": "text/plain"}):
        response = presign(Engine(), headers)
        assert (response.status, members(response)["field"]) == (400, "content-type")


def test_what_nobody_foresaw_tells_nothing_and_is_logged_once_with_its_traceback() -> None:
    engine = Engine(store=ClumsyStore())
    media_id = engine.presign()["mediaId"]
    token = mint(Claims(key=KEY, exp=engine.now + 60), engine.settings.token_keys)
    for method, target, body in (
        ("PATCH", "/upload/complete", to_json({"mediaId": media_id})),
        ("GET", f"/m/{KEY}?t={token}", b""),
        ("HEAD", f"/m/{KEY}?t={token}", b""),
    ):
        engine.log.events.clear()
        response = engine.fetch(method, target, ALICE_HEADERS, body)
        assert response.status == 500
        assert members(response) == {
            "error": "Something went wrong here.",
            "code": "INTERNAL_ERROR",
            "status": 500,
            "requestId": "request-1",
        }
        [event] = engine.log.events
        assert (event["level"], event["event"]) == ("error", "media.crashed")
        assert event["requestId"] == "request-1"
        assert event["path"] == target.partition("?")[0]
        assert "Traceback" in str(event["error"])
        assert "ZeroDivisionError: the precious detail" in str(event["error"])
        assert token not in json.dumps(event)


class SilentDatabase:
    async def run(self, statement: object, /) -> Any:
        raise DatabaseError(reason=f"the precious detail of {statement}")

    batch = run


def test_what_the_database_said_is_for_the_log_alone() -> None:
    engine = Engine()
    engine.database.run = SilentDatabase().run  # type: ignore[method-assign]
    response = presign(engine, ALICE_HEADERS)
    assert (response.status, members(response)["code"]) == (500, "DB_ERROR")
    assert "precious" not in str(response.body)
    [event] = engine.log.events
    assert event["level"] == "error"
    assert "the precious detail" in str(event["reason"])


def test_a_refusal_is_one_line_that_says_who_was_refused_what_and_why() -> None:
    engine = Engine()
    engine.fetch("GET", f"/m/{KEY}")
    assert engine.log.events == [
        {
            "level": "info",
            "event": "media.refused",
            "requestId": "request-1",
            "method": "GET",
            "path": f"/m/{KEY}",
            "status": 401,
            "code": "TOKEN_MISSING",
            "reason": None,
        }
    ]


def test_a_call_is_one_line_that_says_who_called() -> None:
    engine = Engine()
    engine.presign()
    assert engine.log.events == [
        {
            "level": "info",
            "event": "media.upload.presign",
            "requestId": "request-1",
            "tenantId": "acme",
            "userId": "alice",
            "status": 201,
            "durationMs": 0,
        }
    ]


def test_a_delivery_is_no_line() -> None:
    engine = Engine()
    engine.store.put(KEY, b"bytes", "image/jpeg")
    token = mint(Claims(key=KEY, exp=engine.now + 60), engine.settings.token_keys)
    assert engine.fetch("GET", f"/m/{KEY}?t={token}").status == 200
    assert engine.log.events == []


def test_no_token_and_no_secret_is_in_any_line() -> None:
    engine = Engine()
    keys = engine.settings.token_keys
    tokens = [
        mint(Claims(key=KEY, exp=engine.now + 60), keys),
        mint(Claims(key=KEY + "x", exp=engine.now + 60), keys),
        mint(Claims(key=KEY, exp=engine.now - 60), keys),
        mint(Claims(key=KEY, exp=engine.now + 60), keys)[:-1] + "*",
        "the-wrong-token",
    ]
    for token in tokens:
        for method in ("GET", "HEAD", "POST"):
            engine.fetch(method, f"/m/{KEY}?t={token}")
            engine.fetch(method, f"/m/{KEY}?a=b&t={token}")
            engine.fetch(method, f"/nowhere?t={token}")
    presign(engine, {**ALICE_HEADERS, "x-gateway-key": "the-wrong-key"})
    url = engine.presign()["uploadUrl"]
    finish(engine.app.clean())
    log = json.dumps(engine.log.events)
    assert len(engine.log.events) > 30
    for secret in (*tokens, "t=", "the-wrong-key", "the-gateway", "the-secret-access-key", url):
        assert secret not in log
    assert "X-Amz-Signature" not in log


@pytest.mark.parametrize("call", ["presign", "complete", "resolve"])
@pytest.mark.parametrize(
    ("caller", "code"),
    [
        (None, "UNAUTHORIZED"),
        ("alice", "UNAUTHORIZED"),
        ([], "UNAUTHORIZED"),
        ({}, "UNAUTHORIZED"),
        ({"userId": ""}, "UNAUTHORIZED"),
        ({"userId": "a/b"}, "INVALID_FIELD"),
        ({"userId": 7}, "INVALID_FIELD"),
        ({"userId": "alice", "tenantId": ""}, "INVALID_FIELD"),
        ({"userId": "alice", "permissions": WRITE}, "INVALID_FIELD"),
        ({"userId": "alice", "permissions": []}, "FORBIDDEN"),
    ],
)
def test_a_call_over_rpc_needs_an_identity(call: str, caller: object, code: str) -> None:
    engine = Engine()
    argument: object = {"presign": PHOTO, "complete": MEDIA_ID, "resolve": [MEDIA_ID]}[call]
    envelope = finish(getattr(engine.app.rpc, call)(caller, argument))
    assert envelope["code"] == code
    assert envelope.keys() - {"field"} == {"error", "code", "status", "requestId"}
    assert len(envelope["requestId"]) == 21
    assert engine.database.statements == 0
    [event] = engine.log.events
    assert (event["method"], event["path"], event["code"]) == ("RPC", call, code)
    assert event["requestId"] == envelope["requestId"]


@pytest.mark.parametrize("fields", [None, 7, "fields", [], [PHOTO], {}])
def test_fields_that_are_no_object_are_missing_over_rpc(fields: object) -> None:
    envelope = finish(Engine().app.rpc.presign(CALLER, fields))
    assert envelope["code"] == "MISSING_FIELDS"
    assert envelope["fields"] == ["fileName", "contentType", "fileSize", "service"]


def test_what_nobody_foresaw_is_an_envelope_over_rpc_too() -> None:
    engine = Engine(store=ClumsyStore())
    media_id = engine.presign()["mediaId"]
    engine.log.events.clear()
    envelope = finish(engine.app.rpc.complete(CALLER, media_id))
    assert (envelope["code"], envelope["status"]) == ("INTERNAL_ERROR", 500)
    assert "precious" not in json.dumps(envelope)
    [event] = engine.log.events
    assert "ZeroDivisionError" in str(event["error"])
    assert event["requestId"] == envelope["requestId"]


def test_no_two_calls_over_rpc_have_one_name() -> None:
    engine = Engine()
    names = {str(finish(engine.app.rpc.resolve(None, []))["requestId"]) for _ in range(10)}
    assert len(names) == 10


def test_a_service_binding_needs_no_key_but_an_identity() -> None:
    engine = Engine()
    body = to_json({"ids": [MEDIA_ID]})
    ok = engine.fetch("POST", "/internal/resolve", without("x-gateway-key"), body, internal=True)
    assert ok.status == 200
    nobody = engine.fetch("POST", "/internal/resolve", without("x-user-id"), body, internal=True)
    assert (nobody.status, members(nobody)["code"]) == (401, "UNAUTHORIZED")


def test_what_one_refusal_took_along_is_not_in_the_next() -> None:
    """A setting that is wrong is wrong for every request, and each has an error of its own."""
    engine = Engine({"R2_BUCKET_NAME": "", "UPLOAD_ORIGINS": "https://app.test"})
    page = {**ALICE_HEADERS, "origin": "https://app.test"}
    first = engine.fetch("POST", "/s3/multipart", page, b"{}")
    second = presign(engine, ALICE_HEADERS)

    assert members(first)["setting"] == members(second)["setting"] == "R2_BUCKET_NAME"
    assert first.headers["Access-Control-Allow-Origin"] == "https://app.test"
    assert {"Access-Control-Allow-Origin", "Vary"}.isdisjoint(second.headers)
    assert all(problem.__traceback__ is None for problem in engine.settings.problems.values())
