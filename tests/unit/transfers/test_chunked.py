"""The chunked upload API, on fakes."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media_engine.http.message import ByteStream, Response
from media_engine.ports import StoredPart
from media_engine.transfers.model import Arrived, store_number
from media_engine.transfers.queries import TransferQueries
from tests.media.sent import photo_of, video_of
from tests.unit.engine import ALICE_HEADERS, Engine, finish, members, to_json
from tests.unit.interrupted import InterruptedStore
from tests.unit.transfers.sending import (
    BOB_HEADERS,
    MIB,
    OWNER_HEADERS,
    PART,
    bearer,
    code,
    opened,
    rows,
    stored,
)

SIZE = 2 * PART + 7
CONTENT = video_of(SIZE)
PHOTO = photo_of(200_000)
CHUNKS = [CONTENT[:PART], CONTENT[PART : 2 * PART], CONTENT[2 * PART :]]
INIT = {"file_name": "large_video.mp4", "file_size": SIZE, "content_type": "video/mp4"}


def init(engine: Engine, **fields: object) -> dict[str, Any]:
    body = to_json({**INIT, **fields})
    answer = engine.fetch("POST", "/media/upload/init", ALICE_HEADERS, body)
    assert answer.status == 201, answer.body
    return members(answer)


def send(
    engine: Engine, upload: dict[str, Any], index: object, chunk: bytes, **headers: str
) -> Response:
    target = f"/media/upload/chunk?upload_id={upload['upload_id']}&chunk_index={index}"
    length = {"content-length": str(len(chunk)), "content-type": "application/octet-stream"}
    return engine.fetch("POST", target, {**ALICE_HEADERS, **length, **headers}, chunk)


def status(engine: Engine, upload: dict[str, Any]) -> dict[str, Any]:
    target = f"/media/upload/{upload['upload_id']}/status"
    return members(engine.fetch("GET", target, ALICE_HEADERS))


def finalize(engine: Engine, upload: dict[str, Any]) -> Response:
    target = f"/media/upload/{upload['upload_id']}/finalize"
    return engine.fetch("POST", target, ALICE_HEADERS, b'{"post_id": "post-456"}')


def form(
    boundary: str, *fields: tuple[str, str | None, str, bytes]
) -> tuple[dict[str, str], bytes]:
    body = b""
    for name, file_name, content_type, value in fields:
        body += f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"'.encode()
        if file_name is not None:
            body += f'; filename="{file_name}"'.encode()
        if content_type:
            body += f"\r\nContent-Type: {content_type}".encode()
        body += b"\r\n\r\n" + value + b"\r\n"
    body += f"--{boundary}--\r\n".encode()
    headers = {
        **ALICE_HEADERS,
        "content-type": f"multipart/form-data; boundary={boundary}",
        "content-length": str(len(body)),
    }
    return headers, body


def test_init_says_how_the_file_is_cut() -> None:
    upload = init(Engine(), chunk_size=123)
    assert upload["chunk_size"] == PART
    assert upload["total_chunks"] == 3
    assert upload["media_id"].startswith("media_")
    assert upload["upload_token"]


def test_chunks_come_in_any_order_and_make_the_file() -> None:
    engine = Engine()
    upload = init(engine)
    answer = members(send(engine, upload, 2, CHUNKS[2]))
    assert answer["status"] == "received"
    assert answer["missing_chunks"] == [0, 1]
    assert answer["next_chunk"] == 0
    send(engine, upload, 0, CHUNKS[0])
    assert status(engine, upload)["status"] == "uploading"
    assert code(finalize(engine, upload)) == "409 UPLOAD_INCOMPLETE"
    send(engine, upload, 1, CHUNKS[1])
    whole = status(engine, upload)
    assert (whole["progress"], whole["status"], whole["finalized"]) == (100, "completed", False)
    file = members(finalize(engine, upload))
    assert stored(engine, file["file_path"]) == CONTENT
    assert (file["file_size"], file["status"]) == (SIZE, "uploaded")
    assert members(finalize(engine, upload)) == file
    assert status(engine, upload)["finalized"] is True
    assert rows(engine, "transfer_parts") == []


def test_a_chunk_costs_one_operation_and_finalizing_two() -> None:
    engine = Engine()
    upload = init(engine)
    assert engine.store.operations == {"begin": 1}
    assert engine.database.statements == 3
    for index, chunk in enumerate(CHUNKS):
        engine.database.statements = 0
        send(engine, upload, index, chunk)
        assert engine.store.operations["put_part"] == index + 1
        assert engine.database.statements == 4
    engine.store.operations.clear()
    engine.database.statements = 0
    finalize(engine, upload)
    assert engine.store.operations == {"join": 1, "head": 1, "read": 1}
    assert engine.database.statements == 7


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 2), max_size=8))
def test_a_chunk_that_comes_again_is_harmless(order: list[int]) -> None:
    engine = Engine()
    upload = init(engine)
    for index in [*order, 2, 1, 0]:
        assert send(engine, upload, index, CHUNKS[index]).status == 200
    assert stored(engine, members(finalize(engine, upload))["file_path"]) == CONTENT


def test_a_chunk_that_overlaps_itself_names_one_that_is_stored() -> None:
    engine = Engine()
    upload = init(engine)
    send(engine, upload, 0, CHUNKS[0])
    original = engine.store.put_part
    queries = TransferQueries(engine.database)

    async def overlapped(
        key: str, upload_id: str, number: int, body: ByteStream, length: int
    ) -> StoredPart:
        """Before this one is recorded, another request of the same chunk begins and ends."""
        engine.store.put_part = original  # type: ignore[method-assign]
        stored_part = await original(key, upload_id, number, body, length)
        transfer = await queries.find("t:acme", upload["upload_id"])
        assert transfer is not None
        sending = await queries.begin_part(transfer, 2)
        part = await original(key, upload_id, store_number(2, sending), body, length)
        await queries.record_part(transfer, Arrived(2, part))
        return stored_part

    engine.store.put_part = overlapped  # type: ignore[method-assign]
    send(engine, upload, 1, CHUNKS[1])
    send(engine, upload, 2, CHUNKS[2])
    assert stored(engine, members(finalize(engine, upload))["file_path"]) == CONTENT


def test_a_finalizing_that_was_cut_off_is_finished_by_the_next() -> None:
    store = InterruptedStore()
    engine = Engine(store=store)
    upload = init(engine)
    for index, chunk in enumerate(CHUNKS):
        send(engine, upload, index, chunk)
    for moment in ("before", "after"):
        store.fails = moment
        assert code(finalize(engine, upload)) == "502 R2_UNAVAILABLE"
    file = members(finalize(engine, upload))
    assert stored(engine, file["file_path"]) == CONTENT


def test_a_client_that_begins_anew_finds_that_nothing_is_missing() -> None:
    store = InterruptedStore()
    engine = Engine(store=store)
    transfer = opened(engine, SIZE)
    begin = ("POST", "/media/upload/init", bearer(transfer), b"{}")
    upload = members(engine.fetch(*begin))
    for index, chunk in enumerate(CHUNKS):
        send(engine, upload, index, chunk)
    store.fails = "after"
    assert code(finalize(engine, upload)) == "502 R2_UNAVAILABLE"
    assert members(engine.fetch(*begin))["upload_id"] == upload["upload_id"]
    assert status(engine, upload)["missing_chunks"] == []
    assert finalize(engine, upload).status == 200
    assert code(engine.fetch(*begin)) == "409 ALREADY_COMMITTED"


def test_chunks_that_the_store_has_not_any_more_are_told_to_be_missing() -> None:
    engine = Engine()
    upload = init(engine)
    for index, chunk in enumerate(CHUNKS):
        send(engine, upload, index, chunk)
    engine.store.multiparts["upload-1"].parts.popitem()
    assert code(finalize(engine, upload)) == "409 UPLOAD_INCOMPLETE"
    assert status(engine, upload)["missing_chunks"] == [0, 1, 2]
    for index, chunk in enumerate(CHUNKS):
        send(engine, upload, index, chunk)
    assert stored(engine, members(finalize(engine, upload))["file_path"]) == CONTENT


def test_the_row_of_a_file_stays_while_its_transfer_is_not_let_go_of() -> None:
    """What is joined all the same would otherwise be known to nobody."""
    store = InterruptedStore()
    engine = Engine(store=store)
    upload = init(engine)
    store.fails = "before"
    answer = engine.fetch("DELETE", f"/media/{upload['media_id']}", ALICE_HEADERS)
    assert code(answer) == "502 R2_UNAVAILABLE"
    engine.clock.advance(3 * 3_600_000)
    finish(engine.app.clean())
    assert [row["status"] for row in engine.rows()] == ["expired"]
    engine.clock.advance(23 * 3_600_000)
    finish(engine.app.clean())
    assert [row["status"] for row in engine.rows()] == ["gone"]
    assert store.multiparts == {}


def test_a_chunk_is_taken_from_a_form() -> None:
    engine = Engine()
    upload = init(engine)
    for index, chunk in enumerate(CHUNKS):
        headers, body = form(
            "x",
            ("upload_id", None, "", upload["upload_id"].encode()),
            ("chunk_index", None, "", str(index).encode()),
            ("chunk", "chunk_0000.bin", "application/octet-stream", chunk),
        )
        answer = engine.fetch("POST", "/media/upload/chunk", headers, body)
        assert answer.status == 200, answer.body
    assert stored(engine, members(finalize(engine, upload))["file_path"]) == CONTENT


@pytest.mark.parametrize(
    ("index", "chunk", "refusal"),
    [
        ("3", b"x", "INVALID_FIELD"),
        ("-1", b"x", "INVALID_FIELD"),
        ("x", b"x", "INVALID_FIELD"),
        ("", b"x", "MISSING_FIELDS"),
        ("0", b"x", "INVALID_FIELD"),
        ("0", CHUNKS[0] + b"x", "INVALID_FIELD"),
        ("2", CHUNKS[2][:-1], "INVALID_FIELD"),
    ],
)
def test_a_chunk_that_cannot_be_is_refused(index: str, chunk: bytes, refusal: str) -> None:
    engine = Engine()
    upload = init(engine)
    assert code(send(engine, upload, index, chunk)) == f"400 {refusal}"
    assert status(engine, upload)["received_chunks"] == 0


def test_a_chunk_of_a_form_that_is_too_short_or_too_long_is_refused() -> None:
    engine = Engine()
    upload = init(engine)
    for chunk in (CHUNKS[2][:-1], CHUNKS[2] + b"x"):
        headers, body = form(
            "x",
            ("upload_id", None, "", upload["upload_id"].encode()),
            ("chunk_index", None, "", b"2"),
            ("chunk", "c", "", chunk),
        )
        assert (
            code(engine.fetch("POST", "/media/upload/chunk", headers, body)) == "400 INVALID_FIELD"
        )
    assert status(engine, upload)["received_chunks"] == 0


def test_the_fields_of_a_refusal_have_this_apis_names() -> None:
    engine = Engine()
    answer = engine.fetch("POST", "/media/upload/init", ALICE_HEADERS, b"{}")
    assert members(answer)["fields"] == ["file_name", "content_type", "file_size"]
    body = to_json({**INIT, "file_size": 0})
    refusal = members(engine.fetch("POST", "/media/upload/init", ALICE_HEADERS, body))
    assert refusal["field"] == "file_size"
    assert refusal["error"] == "file_size must be at least 1."


def test_an_upload_is_its_scopes_alone() -> None:
    engine = Engine()
    upload = init(engine)
    target = f"/media/upload/{upload['upload_id']}/status"
    assert code(engine.fetch("GET", target, BOB_HEADERS)) == "404 MEDIA_NOT_FOUND"


def test_a_token_opens_its_upload_and_no_other() -> None:
    engine = Engine()
    mine, other = opened(engine, SIZE), init(engine)
    answer = engine.fetch("POST", "/media/upload/init", bearer(mine), b"{}")
    assert members(answer)["upload_id"] == mine["uploadId"]
    target = f"/media/upload/{other['upload_id']}/status"
    assert code(engine.fetch("GET", target, bearer(mine))) == "401 TOKEN_KEY_MISMATCH"
    path = f"/u/{mine['uploadToken']}/media/upload/{mine['uploadId']}/status"
    assert engine.fetch("GET", path).status == 200
    assert code(engine.fetch("GET", "/u/x/media/upload/1/status")) == "401 TOKEN_MALFORMED"


def test_nothing_is_taken_when_the_time_is_over() -> None:
    engine = Engine()
    upload = init(engine)
    for index, chunk in enumerate(CHUNKS[:2]):
        send(engine, upload, index, chunk)
    engine.clock.advance(24 * 3_600_000 + 1)
    assert code(send(engine, upload, 2, CHUNKS[2])) == "410 MEDIA_GONE"
    assert code(finalize(engine, upload)).startswith("4")


def test_cleaning_up_takes_away_what_is_over_and_only_that() -> None:
    engine = Engine()
    old = init(engine)
    send(engine, old, 0, CHUNKS[0])
    engine.clock.advance(25 * 3_600_000)
    new = init(engine)
    assert code(engine.fetch("POST", "/media/cleanup/expired", ALICE_HEADERS)) == "403 FORBIDDEN"
    engine.clock.advance(1)
    answer = engine.fetch("POST", "/media/cleanup/expired", OWNER_HEADERS)
    assert members(answer) == {"cleaned": 1}
    assert [row["id"] for row in rows(engine, "transfers")] == [new["upload_id"]]
    assert len(engine.store.multiparts) == 1
    assert {row["status"] for row in engine.rows()} == {"expired", "pending_upload"}
    finish(engine.app.clean())


def test_an_upload_can_be_given_up_and_a_file_be_deleted() -> None:
    engine = Engine()
    upload = init(engine)
    send(engine, upload, 0, CHUNKS[0])
    target = f"/media/{upload['media_id']}"
    assert engine.fetch("DELETE", target, ALICE_HEADERS).status == 200
    assert engine.store.multiparts == {}
    assert code(send(engine, upload, 1, CHUNKS[1])) == "410 MEDIA_GONE"
    file = engine.upload()
    assert code(engine.fetch("DELETE", f"/media/{file['mediaId']}", BOB_HEADERS)).startswith("404")
    assert engine.fetch("DELETE", f"/media/{file['mediaId']}", ALICE_HEADERS).status == 200
    assert stored(engine, file["key"]) == b""
    assert {row["status"] for row in engine.rows()} == {"expired", "deleting"}


def test_a_file_comes_at_once_in_a_form_or_as_the_body() -> None:
    engine = Engine()
    headers, body = form(
        "x",
        ("post_id", None, "", b"post-456"),
        ("service", None, "", b"avatar"),
        ("file", "b.jpg", "image/jpeg", PHOTO),
    )
    file = members(engine.fetch("POST", "/media/upload/simple", headers, body))
    assert stored(engine, file["file_path"]) == PHOTO
    assert (file["file_size"], file["service"], file["file_name"]) == (
        len(PHOTO),
        "avatar",
        "b.jpg",
    )
    assert engine.store.operations == {"put": 1, "head": 1, "read": 2}
    headers = {**ALICE_HEADERS, "content-type": "video/mp4", "content-length": str(SIZE)}
    answer = engine.fetch("POST", "/media/upload/simple?file_name=v.mp4", headers, CONTENT)
    file = members(answer)
    assert stored(engine, file["file_path"]) == CONTENT
    assert file["file_name"] == "v.mp4"


def test_a_bad_image_does_not_spoil_the_others() -> None:
    engine = Engine()
    headers, body = form(
        "x",
        ("images", "1.jpg", "image/jpeg", PHOTO),
        ("images", "2.txt", "text/plain", b"two"),
        ("images", "3.png", "image/png", b""),
        ("images", "4.png", "image/png", b"x" * (10 * MIB + 1)),
        ("images", "5.jpg", "image/jpeg", PHOTO),
    )
    answer = members(engine.fetch("POST", "/media/upload/images", headers, body))
    assert (answer["uploaded"], answer["failed"]) == (2, 3)
    verdicts = [
        (one["file_name"], one["status"], one.get("error", {}).get("code"))
        for one in answer["results"]
    ]
    assert verdicts == [
        ("1.jpg", "uploaded", None),
        ("2.txt", "refused", "INVALID_FIELD"),
        ("3.png", "refused", "INVALID_FIELD"),
        ("4.png", "refused", "FILE_TOO_LARGE"),
        ("5.jpg", "uploaded", None),
    ]
    assert engine.store.multiparts == {}
    statuses = sorted(row["status"] for row in engine.rows())
    assert statuses == ["expired", "expired", "uploaded", "uploaded"]


def test_ten_images_come_at_once_and_no_more() -> None:
    engine = Engine()
    fields = [("images", f"{n}.jpg", "image/jpeg", PHOTO) for n in range(11)]
    headers, body = form("x", *fields)
    answer = members(engine.fetch("POST", "/media/upload/images", headers, body))
    assert (answer["uploaded"], answer["failed"]) == (10, 1)
    headers, body = form("x")
    assert code(engine.fetch("POST", "/media/upload/images", headers, body)) == "400 MISSING_FIELDS"
    too_much = {**headers, "content-length": str(95 * MIB + 1)}
    assert (
        code(engine.fetch("POST", "/media/upload/images", too_much, body)) == "400 FILE_TOO_LARGE"
    )


def test_a_form_that_breaks_off_is_refused() -> None:
    engine = Engine()
    headers, body = form("x", ("file", "b.jpg", "image/jpeg", PHOTO))
    answer = engine.fetch("POST", "/media/upload/simple", headers, body[:-12])
    assert code(answer) == "400 INVALID_FIELD"


def test_the_formats_are_told() -> None:
    answer = members(Engine().fetch("GET", "/media/supported-formats", ALICE_HEADERS))
    assert "video/mp4" in answer["formats"]["video"]["types"]
    assert answer["formats"]["image"]["max_size"] == 10 * MIB
    assert answer["max_images"] == 10
