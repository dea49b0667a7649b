"""`resolve`: ids to URLs, for a service binding."""

from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from media_engine.delivery.policy import authorise
from media_engine.signing.gateway import OWNER, READ, WRITE
from tests.media import photo_saying
from tests.unit.engine import ALICE_HEADERS, PHOTO, Engine, finish, members, to_json

ALICE = {"userId": "alice", "tenantId": "acme", "permissions": [READ]}
BOB = {"userId": "bob", "tenantId": "globex", "permissions": [READ]}
UNKNOWN = "media_" + "x" * 21


def resolve(engine: Engine, ids: object, caller: object = ALICE) -> dict[str, Any]:
    answer: dict[str, Any] = finish(engine.app.rpc.resolve(caller, ids))
    return answer


def files(engine: Engine, ids: list[str], caller: object = ALICE) -> dict[str, Any]:
    resolved: dict[str, Any] = resolve(engine, ids, caller)["files"]
    return resolved


def test_a_private_file_resolves_to_a_url_that_opens_it() -> None:
    engine = Engine()
    file = engine.upload(photo_saying(b"the bytes"))
    resolved = files(engine, [file["mediaId"]])[file["mediaId"]]
    url = urlsplit(resolved["url"])
    assert f"{url.scheme}://{url.netloc}" == "https://media.example.com"
    key, token = unquote(url.path).removeprefix("/m/"), url.query.removeprefix("t=")
    assert key == file["key"]
    assert authorise(token, key, engine.settings.token_keys, engine.now).key == key
    assert engine.fetch("GET", f"{url.path}?{url.query}").status == 200
    assert resolved == {
        **file,
        "url": resolved["url"],
        "urlExpiresAt": "2026-11-18T11:16:40.000Z",
    }


def test_the_url_of_a_private_file_opens_for_ten_minutes() -> None:
    engine = Engine()
    file = engine.upload()
    url = urlsplit(files(engine, [file["mediaId"]])[file["mediaId"]]["url"])
    target = f"{url.path}?{url.query}"
    engine.clock.advance(599_999)
    assert engine.fetch("GET", target).status == 200
    engine.clock.advance(1)
    assert members(engine.fetch("GET", target))["code"] == "TOKEN_EXPIRED"


def test_a_public_file_resolves_to_a_url_without_a_token() -> None:
    engine = Engine()
    file = engine.upload(visibility="public")
    resolved = files(engine, [file["mediaId"]])[file["mediaId"]]
    assert resolved["url"] == f"https://media.example.com/m/{file['key']}"
    assert resolved["urlExpiresAt"] is None
    assert engine.fetch("GET", urlsplit(resolved["url"]).path).status == 200


def test_every_id_has_an_answer_in_the_order_of_the_question() -> None:
    engine = Engine()
    uploaded = [engine.upload()["mediaId"] for _ in range(4)]
    ids = [uploaded[2], UNKNOWN, uploaded[0], uploaded[3], uploaded[2], uploaded[1]]
    resolved = files(engine, ids)
    assert list(resolved) == [uploaded[2], UNKNOWN, uploaded[0], uploaded[3], uploaded[1]]
    assert resolved[UNKNOWN] is None
    assert [resolved[media_id]["mediaId"] for media_id in uploaded] == uploaded


def test_another_scope_resolves_nothing() -> None:
    engine = Engine()
    media_id = engine.upload()["mediaId"]
    for caller in (
        BOB,
        {**BOB, "permissions": [OWNER]},
        {"userId": "alice", "permissions": [READ]},
        {"userId": "acme", "permissions": [READ]},
    ):
        assert files(engine, [media_id], caller) == {media_id: None}


def test_what_is_not_uploaded_resolves_to_nothing() -> None:
    engine = Engine()
    pending, wrong = engine.presign()["mediaId"], engine.presign()
    engine.put(wrong, b"no")
    engine.complete(wrong["mediaId"])
    ids = [pending, wrong["mediaId"]]
    assert files(engine, ids) == dict.fromkeys(ids)
    engine.clock.advance(25 * 3_600_000)
    finish(engine.app.clean())
    assert {row["status"] for row in engine.rows()} == {"gone"}
    assert files(engine, ids) == dict.fromkeys(ids)


def test_a_thousand_ids_are_one_statement() -> None:
    engine = Engine()
    ids = [f"media_{number:021}" for number in range(1_000)]
    assert files(engine, ids) == dict.fromkeys(ids)
    assert engine.database.statements == 1
    assert engine.store.operations.total() == 0


def test_rows_are_found_by_their_ids_however_many_the_scope_has() -> None:
    engine = Engine()
    files(engine, [UNKNOWN])
    [step] = engine.database.plans()
    assert step.startswith("SEARCH media_files USING INDEX sqlite_autoindex_media_files_1 (id=?)")


@pytest.mark.parametrize(
    "ids",
    [
        [], "media_" + "a" * 21, {}, {"0": UNKNOWN}, 7, True, [UNKNOWN] * 1_001, [None], [7],
        [UNKNOWN, ""], [UNKNOWN, "media_"], [[UNKNOWN]], [UNKNOWN + "\n"],
    ],
)  # fmt: skip
def test_what_is_no_list_of_ids_is_refused(ids: object) -> None:
    engine = Engine()
    answer = resolve(engine, ids)
    assert (answer["status"], answer["code"], answer["field"]) == (400, "INVALID_FIELD", "ids")
    assert engine.database.statements == 0


def test_ids_that_are_missing_are_named() -> None:
    answer = resolve(Engine(), None)
    assert (answer["code"], answer["fields"]) == ("MISSING_FIELDS", ["ids"])


@pytest.mark.parametrize(
    ("permissions", "status"), [([], 403), ([WRITE], 403), ([READ], None), ([OWNER], None)]
)
def test_to_resolve_is_to_read(permissions: list[str], status: int | None) -> None:
    answer = resolve(Engine(), [UNKNOWN], {**ALICE, "permissions": permissions})
    assert answer.get("status") == status


@pytest.mark.parametrize("name", ["MEDIA_TOKEN_KEYS", "MEDIA_PUBLIC_URL"])
def test_a_setting_without_which_there_is_no_url_is_named(name: str) -> None:
    answer = resolve(Engine({name: ""}), [UNKNOWN])
    assert (answer["status"], answer["code"]) == (503, "MEDIA_NOT_CONFIGURED")
    assert answer["setting"] == name


def test_the_internal_route_answers_a_service_binding_as_rpc_does() -> None:
    engine = Engine()
    media_id = engine.upload()["mediaId"]
    headers = {name: value for name, value in ALICE_HEADERS.items() if name != "x-gateway-key"}
    body = to_json({"ids": [media_id, UNKNOWN]})
    response = engine.fetch("POST", "/internal/resolve", headers, body, internal=True)
    assert response.status == 200
    assert members(response) == resolve(engine, [media_id, UNKNOWN])


def test_the_internal_route_is_not_there_for_the_internet() -> None:
    response = Engine().fetch("POST", "/internal/resolve", ALICE_HEADERS, to_json({"ids": []}))
    assert (response.status, members(response)["code"]) == (404, "NOT_FOUND")


def test_a_service_binding_gets_no_public_route() -> None:
    engine = Engine()
    for method, path in (("GET", "/health"), ("POST", "/upload/presign"), ("GET", "/m/t/a")):
        response = engine.fetch(method, path, ALICE_HEADERS, to_json(PHOTO), internal=True)
        assert members(response)["code"] == "NOT_FOUND"
