"""The access-token endpoint: one right to many files, given out and taken back."""

import json
import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import jwt
import pytest

from tests.conftest import RunningWorker
from tests.media import JPEG, photo_saying
from tests.worker.caller import ACCESS, Caller
from tests.worker.state import kept_for_tokens
from tests.worker.test_bad_input import NO_NAME, NO_TEXT, assert_refused, send
from tests.worker.tokens import SECRET, mint

GRANT = ("POST", ACCESS)
ALBUM = {"service": "blog", "album": "gallery"}
UNKNOWN = "media_" + "a" * 21
DAY = 86_400
NO_LIVES: list[object] = ["60", "", [], {}, True, False, 1.5, 60.0, 0, -1, DAY + 1, 10**400]


def claims_of(token: str) -> dict[str, Any]:
    """Return what the token says, as any JWT library reads it."""
    claims: dict[str, Any] = jwt.decode(token, SECRET, algorithms=["HS256"], audience="media")
    return claims


# What is given out.


def test_one_token_opens_a_gallery_for_a_day(alice: Caller) -> None:
    files = [alice.upload(photo_saying(f"picture {n}".encode()), **ALBUM) for n in range(5)]
    before = int(time.time())
    granted = alice.access(**ALBUM)
    assert granted.keys() == {"token", "tokenId", "expiresAt", "url", "prefix"}
    assert granted["prefix"] == "t/acme/blog/a/gallery/"
    for number, file in enumerate(files):
        picture = photo_saying(f"picture {number}".encode())
        assert alice.http.get(granted["url"] + file["key"]).content == picture

    claims = claims_of(granted["token"])
    assert before + DAY <= claims["exp"] <= int(time.time()) + DAY
    assert claims["jti"] == granted["tokenId"]
    assert datetime.fromisoformat(granted["expiresAt"]).timestamp() == claims["exp"]
    assert "alice" not in json.dumps(claims)


def test_a_gallery_token_opens_what_comes_into_the_album_later(alice: Caller) -> None:
    url = alice.access(**ALBUM)["url"]
    later = alice.upload(photo_saying(b"later"), **ALBUM)
    assert alice.http.get(url + later["key"]).content == photo_saying(b"later")
    beside = alice.upload(photo_saying(b"beside"), album="gallery2")
    assert alice.http.get(url + beside["key"]).json()["code"] == "TOKEN_KEY_MISMATCH"


def test_one_token_opens_a_selection_of_any_albums(alice: Caller, worker: RunningWorker) -> None:
    photos = [photo_saying(text) for text in (b"one", b"two", b"three")]
    albums = (None, "x", None)
    files = [alice.upload(one, album=album) for one, album in zip(photos, albums, strict=True)]
    ids = [file["mediaId"] for file in files]
    granted = alice.access(ids=[*ids, ids[0]])
    assert granted["keys"] == {file["mediaId"]: file["key"] for file in files}
    for file, content in zip(files, photos, strict=True):
        assert alice.http.get(granted["url"] + granted["keys"][file["mediaId"]]).content == content
    [row] = [row for row in kept_for_tokens(worker.state)[1] if row["id"] == granted["tokenId"]]
    assert (row["scope"], row["created_by"]) == ("t:acme", "alice")
    assert json.loads(row["members"]) == [file["key"] for file in files]
    assert row["expires_at"] == claims_of(granted["token"])["exp"] * 1000


def test_of_a_thousand_ids_the_first_that_is_no_files_is_named(alice: Caller) -> None:
    file = alice.upload(JPEG)
    asked = [file["mediaId"], *(f"media_{number:021}" for number in range(999))]
    answer = alice.ask_for_access(ids=asked)
    assert_refused(answer, 404, "MEDIA_NOT_FOUND", mediaId=asked[1])


def test_a_user_has_albums_of_their_own(carol: Caller) -> None:
    file = carol.upload(photo_saying(b"hers"), **ALBUM)
    granted = carol.access(**ALBUM)
    assert granted["prefix"] == "u/carol/blog/a/gallery/"
    assert carol.http.get(granted["url"] + file["key"]).content == photo_saying(b"hers")


def test_a_shorter_life_is_given_if_it_is_wished_for(alice: Caller) -> None:
    claims = claims_of(alice.access(**ALBUM, expiresIn=90)["token"])
    assert claims["exp"] - claims["iat"] == 90


# What is taken back.


def test_a_token_that_is_taken_back_at_once_never_opens(alice: Caller) -> None:
    file = alice.upload(JPEG, **ALBUM)
    for fields in (ALBUM, {"ids": [file["mediaId"]]}):
        granted = alice.access(**fields)
        for _ in range(3):
            answer = alice.revoke(granted["tokenId"])
            assert (answer.status_code, answer.content) == (204, b"")
            assert answer.headers["cache-control"] == "no-store"
        refused = alice.http.get(granted["url"] + file["key"])
        assert (refused.status_code, refused.json()["code"]) == (410, "TOKEN_REVOKED")


@pytest.mark.parametrize("jti", ["by/the backend", "ü 😀", "a%2Fb", "'; --", "x" * 2_000])
def test_a_token_that_the_database_never_heard_of_is_taken_back(alice: Caller, jti: str) -> None:
    file = alice.upload(JPEG)
    token = mint(key=file["key"], jti=jti, life=DAY)
    assert alice.revoke(jti).status_code == 204
    answer = alice.http.get(f"{alice.url}/view/{token}/{file['key']}")
    assert (answer.status_code, answer.json()["code"]) == (410, "TOKEN_REVOKED")


def test_another_tenant_takes_nothing_back(alice: Caller, bob: Caller) -> None:
    file = alice.upload(JPEG, **ALBUM)
    granted = alice.access(**ALBUM)
    assert bob.revoke(granted["tokenId"]).status_code == 204
    assert alice.http.get(granted["url"] + file["key"]).content == JPEG


# What is refused. After every refusal everything is as it was.


@pytest.fixture
def untouched(worker: RunningWorker) -> Iterator[None]:
    before = kept_for_tokens(worker.state)
    yield
    assert kept_for_tokens(worker.state) == before


leaves_everything = pytest.mark.usefixtures("untouched")


@leaves_everything
def test_a_file_of_another_tenant_is_not_found_and_named(alice: Caller, bob: Caller) -> None:
    mine, theirs = alice.upload(JPEG)["mediaId"], bob.upload(JPEG)["mediaId"]
    answer = alice.ask_for_access(ids=[mine, theirs])
    assert_refused(answer, 404, "MEDIA_NOT_FOUND", mediaId=theirs)


@leaves_everything
def test_a_file_that_is_still_on_its_way_is_not_found(alice: Caller) -> None:
    pending = alice.presigned(5)["mediaId"]
    answer = alice.ask_for_access(ids=[pending])
    assert_refused(answer, 404, "MEDIA_NOT_FOUND", mediaId=pending)


@leaves_everything
@pytest.mark.parametrize(
    ("fields", "missing"),
    [
        ({}, ["service", "album"]),
        ({"service": "blog"}, ["album"]),
        ({"album": "gallery", "service": None}, ["service"]),
        ({"ids": None, "prefix": "t/acme/"}, ["service", "album"]),
    ],
)
def test_what_is_missing_is_named(
    alice: Caller, fields: dict[str, Any], missing: list[str]
) -> None:
    assert_refused(alice.ask_for_access(**fields), 400, "MISSING_FIELDS", fields=missing)


@leaves_everything
@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("service", value) for value in (*NO_TEXT, *NO_NAME)),
        *(("album", value) for value in (*NO_TEXT, *NO_NAME)),
        *(("expiresIn", value) for value in NO_LIVES),
    ],
    ids=repr,
)
def test_a_field_that_cannot_be_used_is_named(alice: Caller, field: str, value: object) -> None:
    answer = alice.ask_for_access(**{**ALBUM, field: value})
    assert_refused(answer, 400, "INVALID_FIELD", field=field)


@leaves_everything
@pytest.mark.parametrize(
    "ids",
    [
        "", UNKNOWN, 7, True, {}, {"0": UNKNOWN}, [], [None], [7], [[UNKNOWN]], [UNKNOWN, ""],
        [UNKNOWN[:-1]], [UNKNOWN + "\n"], ["t/acme/x.jpg"],
        [f"media_{number:021}" for number in range(1_001)],
    ],
    ids=lambda ids: repr(ids)[:24],
)  # fmt: skip
def test_what_is_no_list_of_ids_is_refused(alice: Caller, ids: object) -> None:
    assert_refused(alice.ask_for_access(ids=ids), 400, "INVALID_FIELD", field="ids")


@leaves_everything
def test_an_album_and_a_selection_are_two_wishes(alice: Caller) -> None:
    answer = alice.ask_for_access(ids=[UNKNOWN], **ALBUM)
    assert_refused(answer, 400, "INVALID_FIELD", field="ids")


@leaves_everything
@pytest.mark.parametrize("permissions", [None, "", "media:files.write", "media:files"])
def test_whoever_may_not_read_gives_nothing_out_and_takes_nothing_back(
    alice: Caller, permissions: str | None
) -> None:
    for call in (GRANT, ("DELETE", f"{ACCESS}/x")):
        answer = send(alice, call, json.dumps(ALBUM).encode(), x_user_permissions=permissions)
        assert_refused(answer, 403, "FORBIDDEN")


@leaves_everything
@pytest.mark.parametrize("header", ["x_gateway_key", "x_user_id"])
def test_whoever_is_nobody_is_turned_away(alice: Caller, header: str) -> None:
    for call in (GRANT, ("DELETE", f"{ACCESS}/x")):
        answer = send(alice, call, json.dumps(ALBUM).encode(), **{header: None})
        assert_refused(answer, 401, "UNAUTHORIZED")


@leaves_everything
@pytest.mark.parametrize("content", [b"", b"[]", b"{", b'{"ids":[],"ids":[]}', b'{"a":"\\ud800"}'])
def test_a_body_that_is_not_one_plain_json_object_is_refused(alice: Caller, content: bytes) -> None:
    assert_refused(send(alice, GRANT, content), 400, "INVALID_FIELD", field="body")


@leaves_everything
def test_a_body_that_is_too_long_is_refused(alice: Caller) -> None:
    answer = send(alice, GRANT, b" " * (64 * 1024 + 1))
    assert_refused(answer, 400, "FILE_TOO_LARGE", field="body")


@leaves_everything
@pytest.mark.parametrize("path", ["%ff", "%ed%a0%80", "x" * 3_073])
def test_an_id_that_no_token_has_is_refused(alice: Caller, path: str) -> None:
    answer = send(alice, ("DELETE", f"{ACCESS}/{path}"), b"")
    assert_refused(answer, 400, "INVALID_FIELD", field="tokenId")


@leaves_everything
@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", ACCESS, "POST"),
        ("DELETE", ACCESS, "POST"),
        ("PUT", ACCESS, "POST"),
        ("POST", f"{ACCESS}/x", "DELETE"),
        ("GET", f"{ACCESS}/x", "DELETE"),
    ],
)
def test_a_method_that_is_not_there_is_told_those_that_are(
    alice: Caller, method: str, path: str, allowed: str
) -> None:
    answer = alice.http.request(method, alice.url + path, headers=alice.headers)
    assert_refused(answer, 405, "METHOD_NOT_ALLOWED")
    assert answer.headers["allow"] == allowed


@leaves_everything
@pytest.mark.parametrize("path", [f"{ACCESS}/", f"{ACCESS}/a/b", "/api/v1/media", "/api/"])
def test_there_is_nothing_beside_it(alice: Caller, path: str) -> None:
    answer = alice.http.delete(alice.url + path, headers=alice.headers)
    assert_refused(answer, 404, "NOT_FOUND")


def test_no_token_is_logged(alice: Caller, worker: RunningWorker) -> None:
    granted = alice.access(**ALBUM)
    request_id = alice.ask_for_access().json()["requestId"]
    for _ in range(100):
        log = worker.log.read_text(errors="replace")
        if request_id in log:
            break
        alice.http.get(f"{alice.url}/health")
    assert request_id in log
    assert granted["token"] not in log
