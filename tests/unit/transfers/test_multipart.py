"""What Uppy's `@uppy/aws-s3` asks for, on fakes."""

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import pytest

from media_engine.http.message import Response
from media_engine.ports import ObjectInfo, StoredPart
from media_engine.signing.sigv4 import presign
from tests.fakes import MemoryStream
from tests.media.sent import video_of
from tests.unit.engine import ALICE_HEADERS, Engine, finish, members, to_json
from tests.unit.interrupted import InterruptedStore, Moment
from tests.unit.transfers.sending import (
    BOB_HEADERS,
    PART,
    bearer,
    code,
    opened,
    rows,
    stored,
)

SIZE = 2 * PART + 7
CONTENT = video_of(SIZE)
SMALL = video_of(600)
CREATE = to_json({"filename": "a.mp4", "type": "video/mp4", "metadata": {"name": "a.mp4"}})


def begin(engine: Engine, transfer: dict[str, Any]) -> dict[str, Any]:
    answer = engine.fetch("POST", "/s3/multipart", bearer(transfer), CREATE)
    assert answer.status == 200, answer.body
    return members(answer)


def begun(size: int = SIZE) -> tuple[Engine, dict[str, Any], dict[str, Any]]:
    engine = Engine()
    transfer = opened(engine, size)
    return engine, transfer, begin(engine, transfer)


def put(engine: Engine, number: int, content: bytes, upload: dict[str, Any]) -> str:
    """Store a part as its presigned URL does; return its ETag as the store answers it."""
    [upload_id] = [row["upload_id"] for row in rows(engine, "transfers")]
    part = finish(
        engine.store.put_part(upload["key"], upload_id, number, MemoryStream(content), len(content))
    )
    return f'"{part.etag}"'


def target(upload: dict[str, Any], below: str = "", **query: str) -> str:
    parameters = "&".join(f"{k}={quote(v, safe='')}" for k, v in query.items())
    return f"/s3/multipart/{upload['uploadId']}{below}?key={quote(upload['key'])}&{parameters}"


def send_form(engine: Engine, path: str, content: bytes) -> Response:
    body = (
        b'--x\r\nContent-Disposition: form-data; name="key"\r\n\r\nk\r\n'
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.mp4"\r\n'
        b"Content-Type: video/mp4\r\n\r\n" + content + b"\r\n--x--\r\n"
    )
    return engine.fetch("POST", path, {"content-type": "multipart/form-data; boundary=x"}, body)


def complete(
    engine: Engine, transfer: dict[str, Any], upload: dict[str, Any], parts: object
) -> Response:
    body = to_json({"parts": parts})
    return engine.fetch("POST", target(upload, "/complete"), bearer(transfer), body)


def parts_of(engine: Engine, upload: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"PartNumber": number, "ETag": put(engine, number, CONTENT[at : at + PART], upload)}
        for number, at in ((1, 0), (2, PART), (3, 2 * PART))
    ]


def test_parts_that_went_to_the_store_make_the_file() -> None:
    engine, transfer, upload = begun()
    assert upload["key"] == transfer["key"]
    answer = complete(engine, transfer, upload, parts_of(engine, upload))
    file = members(answer)
    assert file["location"] == f"https://media.example.com/m/{upload['key']}"
    assert stored(engine, upload["key"]) == CONTENT
    assert [row["status"] for row in engine.rows()] == ["uploaded"]
    assert members(complete(engine, transfer, upload, parts_of_done(upload))) == file


def parts_of_done(upload: dict[str, Any]) -> list[dict[str, Any]]:
    del upload
    return [{"PartNumber": number, "ETag": "x"} for number in (1, 2, 3)]


def test_the_length_of_a_part_is_signed_into_its_url() -> None:
    engine, transfer, upload = begun()
    for number, length in ((1, PART), (2, PART), (3, 7)):
        answer = engine.fetch("GET", target(upload, f"/{number}"), bearer(transfer))
        url = urlsplit(members(answer)["url"])
        query = dict(parse_qsl(url.query))
        assert query["partNumber"] == str(number)
        assert query["uploadId"] == "upload-1"
        assert query["X-Amz-SignedHeaders"] == "content-length;host"
        assert url.path == f"/media/{upload['key']}"
        assert url.geturl() == presign(
            method="PUT",
            endpoint=engine.settings.s3.endpoint,
            bucket="media",
            key=upload["key"],
            headers={"content-length": str(length)},
            credentials=engine.settings.s3.credentials,
            now=engine.clock.now(),
            expires_in=3600,
            query={"partNumber": str(number), "uploadId": "upload-1"},
        )
    answer = engine.fetch("GET", target(upload, "/batch", partNumbers="1,3"), bearer(transfer))
    urls = members(answer)["presignedUrls"]
    assert urls.keys() == {"1", "3"}


@pytest.mark.parametrize("number", ["0", "4", "x", "1.5", "-1"])
def test_there_is_no_url_for_a_part_that_cannot_be(number: str) -> None:
    engine, transfer, upload = begun()
    answer = engine.fetch("GET", target(upload, f"/{number}"), bearer(transfer))
    assert code(answer) == "400 INVALID_FIELD"


def test_what_the_steps_cost() -> None:
    engine = Engine()
    transfer = opened(engine, SIZE)
    assert (engine.store.operations.total(), engine.database.statements) == (0, 2)
    engine.database.statements = 0
    upload = begin(engine, transfer)
    assert (engine.store.operations, engine.database.statements) == ({"begin": 1}, 3)
    engine.database.statements = 0
    engine.fetch("GET", target(upload, "/1"), bearer(transfer))
    assert (engine.store.operations, engine.database.statements) == ({"begin": 1}, 1)
    parts = parts_of(engine, upload)
    engine.store.operations.clear()
    engine.database.statements = 0
    complete(engine, transfer, upload, parts)
    assert engine.store.operations == {"join": 1, "head": 1, "read": 1}
    assert engine.database.statements == 6


def test_the_log_has_no_token() -> None:
    engine = Engine()
    transfer = opened(engine, SIZE)
    for path in ("s3/multipart", "nowhere", "media/upload/x/status"):
        engine.fetch("GET", f"/u/{transfer['uploadToken']}/{path}", {})
        engine.fetch("POST", f"/u/{transfer['uploadToken']}/{path}", {}, b"{}")
    assert transfer["uploadToken"] not in str(engine.log.events)


def test_beginning_again_goes_on_with_what_was_begun() -> None:
    engine, transfer, upload = begun()
    assert begin(engine, transfer) == upload
    assert engine.store.operations["begin"] == 1


def test_a_client_that_will_forget_can_have_its_parts_remembered() -> None:
    engine, transfer, upload = begun()
    assert engine.fetch("GET", target(upload), bearer(transfer)).body == "[]"
    etag = put(engine, 2, CONTENT[PART : 2 * PART], upload)
    body = to_json({"ETag": etag})
    assert engine.fetch("PUT", target(upload, "/2"), bearer(transfer), body).status == 200
    answer = engine.fetch("GET", target(upload), bearer(transfer))
    assert json.loads(str(answer.body)) == [
        {"PartNumber": 2, "ETag": etag.strip('"'), "Size": PART}
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        [],
        [{"PartNumber": 1, "ETag": "a"}],
        [{"PartNumber": n, "ETag": "a"} for n in (1, 2, 2)],
        [{"PartNumber": n, "ETag": "a"} for n in (1, 2, 3, 4)],
        [{"PartNumber": n, "ETag": ""} for n in (1, 2, 3)],
        [{"PartNumber": n} for n in (1, 2, 3)],
        ["x"],
    ],
)
def test_parts_that_are_not_all_there_are_not_joined(wrong: object) -> None:
    engine, transfer, upload = begun()
    assert complete(engine, transfer, upload, wrong).status == 400
    assert engine.store.operations["join"] == 0


def test_parts_that_the_store_has_not_can_be_sent_again() -> None:
    engine, transfer, upload = begun()
    wrong = [{"PartNumber": n, "ETag": "a"} for n in (1, 2, 3)]
    assert code(complete(engine, transfer, upload, wrong)) == "409 UPLOAD_INCOMPLETE"
    assert complete(engine, transfer, upload, parts_of(engine, upload)).status == 200
    assert stored(engine, upload["key"]) == CONTENT


def test_an_upload_is_given_up() -> None:
    engine, transfer, upload = begun()
    assert engine.fetch("DELETE", target(upload), bearer(transfer)).body == "{}"
    assert engine.store.multiparts == {}
    answer = engine.fetch("GET", target(upload, "/1"), bearer(transfer))
    assert code(answer) == "410 MEDIA_GONE"
    assert [row["status"] for row in engine.rows()] == ["expired"]


def test_what_is_done_is_not_given_up() -> None:
    engine, transfer, upload = begun()
    complete(engine, transfer, upload, parts_of(engine, upload))
    answer = engine.fetch("DELETE", target(upload), bearer(transfer))
    assert code(answer) == "409 ALREADY_COMMITTED"
    assert stored(engine, upload["key"]) == CONTENT


def test_the_gateway_opens_and_begins_in_one_call_where_the_size_is_told() -> None:
    engine = Engine()
    assert code(engine.fetch("POST", "/s3/multipart", ALICE_HEADERS, CREATE)).startswith("400")
    described = {"filename": "a.mp4", "type": "video/mp4", "metadata": {"size": SIZE}}
    answer = engine.fetch("POST", "/s3/multipart", ALICE_HEADERS, to_json(described))
    upload = members(answer)
    assert upload["partSize"] == PART
    [row] = engine.rows()
    assert (row["file_size"], row["service_code"]) == (SIZE, "media")


def test_the_way_in_which_the_client_cuts_can_be_told() -> None:
    engine = Engine()
    transfer = opened(engine, SIZE)
    for size, status in ((PART - 1, 400), ("x", 400), (PART + 1, 200)):
        body = to_json({"filename": "a", "type": "video/mp4", "metadata": {"partSize": size}})
        answer = engine.fetch("POST", "/s3/multipart", bearer(transfer), body)
        assert answer.status == status
    assert members(answer)["partSize"] == PART + 1


def test_a_file_that_comes_at_once_has_a_form_for_uppy() -> None:
    engine = Engine()
    transfer = opened(engine, len(SMALL))
    answer = engine.fetch(
        "GET",
        "/s3/params?filename=a.mp4&type=video%2Fmp4&metadata%5Bname%5D=a.mp4",
        bearer(transfer),
    )
    asked = members(answer)
    assert asked["fields"] == {"key": transfer["key"]}
    answer = send_form(engine, urlsplit(asked["url"]).path, SMALL)
    assert answer.status == 201, answer.body
    assert stored(engine, transfer["key"]) == SMALL


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_form_that_comes_again_finishes_what_was_cut_off_at_its_end(moment: Moment) -> None:
    store = InterruptedStore()
    engine = Engine(store=store)
    transfer = opened(engine, SIZE)
    path = f"/u/{transfer['uploadToken']}/s3/form"
    original = store.join

    async def join(key: str, upload_id: str, parts: Sequence[StoredPart]) -> ObjectInfo:
        """Fail once, when all bytes are there."""
        store.join, store.fails = original, moment  # type: ignore[method-assign]
        return await original(key, upload_id, parts)

    store.join = join  # type: ignore[method-assign]
    assert code(send_form(engine, path, CONTENT)) == "502 R2_UNAVAILABLE"
    parts = store.operations["put_part"]
    assert send_form(engine, path, CONTENT).status == 201
    assert store.operations["put_part"] == parts, "nothing had to come again"
    assert stored(engine, transfer["key"]) == CONTENT


def test_a_file_that_comes_at_once_has_a_presigned_put_for_who_asks() -> None:
    engine = Engine()
    transfer = opened(engine, len(SMALL))
    answer = engine.fetch(
        "GET", "/s3/params?method=PUT&filename=a&type=video%2Fmp4", bearer(transfer)
    )
    asked = members(answer)
    assert asked["method"] == "PUT"
    assert "fields" not in asked
    assert asked["key"] == transfer["key"]
    signed = dict(parse_qsl(urlsplit(asked["url"]).query))["X-Amz-SignedHeaders"]
    assert signed == "content-disposition;content-length;content-type;host;if-none-match"
    assert set(asked["headers"]) == {"content-type", "content-disposition", "if-none-match"}


def test_one_way_excludes_the_others() -> None:
    """A file that was looked at must not be replaced by bytes that come in another way."""
    engine = Engine()
    transfer = opened(engine, SIZE)
    assert engine.fetch("GET", "/s3/params?method=PUT&filename=a", bearer(transfer)).status == 200
    answer = engine.fetch("POST", "/s3/multipart", bearer(transfer), CREATE)
    assert code(answer) == "409 UPLOAD_WAY_TAKEN"
    engine, transfer, _ = begun()
    answer = engine.fetch("GET", "/s3/params?method=PUT&filename=a", bearer(transfer))
    assert code(answer) == "409 UPLOAD_WAY_TAKEN"


def test_another_type_than_the_token_says_is_refused() -> None:
    engine = Engine()
    transfer = opened(engine, SIZE)
    body = to_json({"filename": "a", "type": "image/png", "metadata": {}})
    answer = engine.fetch("POST", "/s3/multipart", bearer(transfer), body)
    assert code(answer) == "400 INVALID_FIELD"


def test_a_most_becomes_an_exact_length() -> None:
    engine = Engine()
    body = to_json(
        {"fileName": "a", "contentType": "video/mp4", "service": "x", "maxFileSize": SIZE}
    )
    transfer = members(engine.fetch("POST", "/upload/open", ALICE_HEADERS, body))
    answers = []
    for metadata in ({}, {"size": SIZE + 1}, {"size": SIZE - 1}, {"size": SIZE}):
        described = {"filename": "a", "type": "video/mp4", "metadata": metadata}
        answer = engine.fetch("POST", "/s3/multipart", bearer(transfer), to_json(described))
        answers.append(answer.status)
    assert answers == [400, 400, 200, 200]
    assert [row["file_size"] for row in engine.rows()] == [SIZE - 1]


def test_a_token_is_renewed_for_who_may() -> None:
    engine, transfer, upload = begun()
    engine.clock.advance(3_600_000)
    answer = engine.fetch("GET", target(upload, "/1"), bearer(transfer))
    assert code(answer) == "401 TOKEN_EXPIRED"
    body = to_json({"mediaId": transfer["mediaId"]})
    assert code(engine.fetch("POST", "/upload/token", BOB_HEADERS, body)) == "404 MEDIA_NOT_FOUND"
    renewed = members(engine.fetch("POST", "/upload/token", ALICE_HEADERS, body))
    assert engine.fetch("GET", target(upload, "/1"), bearer(renewed)).status == 200


def test_another_key_is_not_found() -> None:
    engine, transfer, upload = begun()
    path = f"/s3/multipart/{upload['uploadId']}/1?key=t/acme/other.mp4"
    assert code(engine.fetch("GET", path, bearer(transfer))) == "404 MEDIA_NOT_FOUND"


def test_pages_of_allowed_origins_may_read_answers_and_refusals() -> None:
    engine = Engine({"UPLOAD_ORIGINS": "https://app.example.com"})
    transfer = opened(engine, SIZE)
    for origin, allowed in (
        ("https://app.example.com", "https://app.example.com"),
        ("https://evil.example.com", None),
    ):
        for body, status in ((CREATE, 200), (b"", 400)):
            headers = bearer(transfer, origin=origin)
            answer = engine.fetch("POST", "/s3/multipart", headers, body)
            assert answer.status == status
            assert answer.headers.get("Access-Control-Allow-Origin") == allowed
            assert answer.headers["Vary"] == "Origin"
        path = f"/u/{transfer['uploadToken']}/s3/multipart"
        for asked in ("/s3/multipart", path, "/files/tus", "/media/upload/chunk"):
            preflight = engine.fetch("OPTIONS", asked, {"origin": origin})
            assert preflight.status == 204
            assert preflight.headers.get("Access-Control-Allow-Origin") == allowed
