"""tus 1.0, on fakes."""

import base64
import hashlib
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media_engine.http.message import Response
from media_engine.transfers.writer import LEASE_MS
from tests.media.sent import video_of
from tests.unit.engine import ALICE_HEADERS, Engine, finish, members, to_json
from tests.unit.transfers.sending import (
    BOB_HEADERS,
    MIB,
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
LENGTH = str(len(SMALL))
TUS: Mapping[str, str] = {**ALICE_HEADERS, "tus-resumable": "1.0.0"}


def metadata(**values: str) -> str:
    return ",".join(f"{k} {base64.b64encode(v.encode()).decode()}" for k, v in values.items())


VIDEO = metadata(filename="ü.mp4", filetype="video/mp4")


class Client:
    """A client of tus that counts nothing itself."""

    def __init__(self, engine: Engine | None = None, **headers: str) -> None:
        self.engine = engine or Engine()
        self.headers = {**TUS, **headers}

    def create(self, body: bytes = b"", /, **headers: str) -> Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.engine.fetch("POST", "/files/tus", {**self.headers, **named}, body)

    def new(self, size: int = SIZE, **headers: str) -> str:
        answer = self.create(upload_length=str(size), upload_metadata=VIDEO, **headers)
        assert answer.status == 201, answer.body
        return path_of(answer)

    def patch(
        self, path: str, offset: int, body: bytes, *, broken: bool = False, **headers: str
    ) -> Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {
            **self.headers,
            "content-type": "application/offset+octet-stream",
            "upload-offset": str(offset),
            **named,
        }
        return self.engine.fetch("PATCH", path, sent, body, broken=broken)

    def head(self, path: str) -> Response:
        return self.engine.fetch("HEAD", path, self.headers)

    def offset(self, path: str) -> int:
        return int(self.head(path).headers["Upload-Offset"])


def path_of(answer: Response) -> str:
    return answer.headers["Location"].removeprefix("https://media.example.com")


def the_file(engine: Engine) -> bytes:
    [row] = engine.rows()
    assert row["status"] == "uploaded"
    return stored(engine, row["key"])


def test_a_file_comes_in_requests_of_any_size() -> None:
    client = Client()
    path = client.new()
    answer = client.head(path)
    assert (answer.status, answer.headers["Upload-Offset"]) == (200, "0")
    assert answer.headers["Upload-Length"] == str(SIZE)
    assert answer.headers["Upload-Metadata"] == VIDEO
    assert answer.headers["Cache-Control"] == "no-store"
    offset = 0
    for size in (3, PART - 4, 2, PART, 1, 5):
        answer = client.patch(path, offset, CONTENT[offset : offset + size])
        offset += size
        assert (answer.status, answer.headers["Upload-Offset"]) == (204, str(offset))
        assert client.offset(path) == offset
    assert offset == SIZE
    assert the_file(client.engine) == CONTENT
    assert client.engine.store.keys() == {client.engine.rows()[0]["key"]}
    assert client.engine.rows()[0]["file_name"] == "ü.mp4"


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, PART + 3), max_size=5), st.sets(st.integers(0, 5)))
def test_however_a_file_is_cut_and_broken_off_it_is_the_file(
    sizes: list[int], broken: set[int]
) -> None:
    client = Client()
    path = client.new()
    for turn, size in enumerate([*sizes, SIZE]):
        offset = client.offset(path)
        client.patch(path, offset, CONTENT[offset : offset + size], broken=turn in broken)
    offset = client.offset(path)
    client.patch(path, offset, CONTENT[offset:])
    assert the_file(client.engine) == CONTENT
    assert len(client.engine.store.keys()) == 1
    assert client.engine.store.multiparts == {}


def test_what_a_request_costs_does_not_grow_with_what_is_there() -> None:
    client = Client()
    engine = client.engine
    path = client.new()
    offset = 0
    for _ in range(10):
        engine.store.operations.clear()
        engine.database.statements = 0
        client.patch(path, offset, CONTENT[offset : offset + MIB])
        offset += MIB
        assert engine.store.operations.total() <= 3
        assert engine.database.statements <= 9


def test_a_small_file_is_stored_in_one_operation() -> None:
    client = Client()
    path = client.new(len(SMALL))
    client.patch(path, 0, SMALL)
    assert client.engine.store.operations == {"put": 1, "head": 1, "read": 1}
    assert the_file(client.engine) == SMALL
    assert client.offset(path) == len(SMALL)


def test_a_creation_can_bring_bytes() -> None:
    client = Client()
    answer = client.create(
        CONTENT[:10],
        upload_length=str(SIZE),
        upload_metadata=VIDEO,
        content_type="application/offset+octet-stream",
    )
    assert (answer.status, answer.headers["Upload-Offset"]) == (201, "10")
    client.patch(path_of(answer), 10, CONTENT[10:])
    assert the_file(client.engine) == CONTENT


def test_a_length_can_be_said_later() -> None:
    client = Client()
    answer = client.create(upload_defer_length="1", upload_metadata=VIDEO)
    path = path_of(answer)
    assert client.head(path).headers["Upload-Defer-Length"] == "1"
    client.patch(path, 0, CONTENT[:PART])
    assert client.patch(path, PART, b"", upload_length=str(SIZE)).status == 204
    assert client.head(path).headers["Upload-Length"] == str(SIZE)
    client.patch(path, PART, CONTENT[PART:])
    assert the_file(client.engine) == CONTENT
    assert client.engine.rows()[0]["file_size"] == SIZE


def test_a_length_is_not_said_twice() -> None:
    client = Client()
    path = client.new()
    assert code(client.patch(path, 0, b"x", upload_length="9")) == "400 INVALID_FIELD"


def test_bytes_that_do_not_follow_are_refused() -> None:
    client = Client()
    path = client.new()
    client.patch(path, 0, CONTENT[:10])
    assert code(client.patch(path, 0, CONTENT[:10])) == "409 OFFSET_MISMATCH"
    assert code(client.patch(path, 11, CONTENT[11:])) == "409 OFFSET_MISMATCH"
    assert client.offset(path) == 10


def test_more_bytes_than_were_said_are_refused() -> None:
    client = Client()
    path = client.new(len(SMALL))
    assert code(client.patch(path, 0, SMALL + b"!")) == "400 FILE_TOO_LARGE"
    length = {"content-length": str(len(SMALL) + 1)}
    answer = client.engine.fetch(
        "PATCH",
        path,
        {
            **TUS,
            **length,
            "content-type": "application/offset+octet-stream",
            "upload-offset": "0",
        },
        SMALL + b"!",
    )
    assert code(answer) == "400 FILE_TOO_LARGE"
    assert client.engine.store.keys() == set()
    assert client.patch(path, 0, SMALL).status == 204


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "md5"])
def test_bytes_with_a_checksum_count_all_or_not_at_all(algorithm: str) -> None:
    client = Client()
    path = client.new()

    def checksum(content: bytes) -> str:
        digest = hashlib.new(algorithm, content).digest()
        return f"{algorithm} {base64.b64encode(digest).decode()}"

    half = PART + 5
    client.patch(path, 0, CONTENT[:3])
    wrong = client.patch(path, 3, CONTENT[3:half], upload_checksum=checksum(b"other"))
    assert code(wrong) == "460 CHECKSUM_MISMATCH"
    assert client.offset(path) == 3
    torn = client.patch(
        path, 3, CONTENT[3:half], broken=True, upload_checksum=checksum(CONTENT[3:half])
    )
    assert code(torn) == "460 CHECKSUM_MISMATCH"
    assert client.offset(path) == 3
    right = client.patch(path, 3, CONTENT[3:half], upload_checksum=checksum(CONTENT[3:half]))
    assert right.status == 204
    client.patch(path, half, CONTENT[half:], upload_checksum=checksum(CONTENT[half:]))
    assert the_file(client.engine) == CONTENT


def test_a_small_file_with_a_wrong_checksum_is_not_stored() -> None:
    client = Client()
    path = client.new(len(SMALL))
    wrong = client.patch(path, 0, SMALL, upload_checksum="sha1 qvTGHdzF6KLavt4PO0gs2a6pQ00=")
    assert code(wrong) == "460 CHECKSUM_MISMATCH"
    assert client.engine.store.keys() == set()


@pytest.mark.parametrize("checksum", ["sha512 AAAA", "sha1", "sha1 AAAA", "sha1 ***", "x"])
def test_a_checksum_that_is_none_is_refused(checksum: str) -> None:
    client = Client()
    answer = client.patch(client.new(), 0, b"x", upload_checksum=checksum)
    assert code(answer) == "400 INVALID_FIELD"


def test_an_upload_is_terminated() -> None:
    client = Client()
    path = client.new()
    client.patch(path, 0, CONTENT[: PART + 5])
    answer = client.engine.fetch("DELETE", path, client.headers)
    assert (answer.status, answer.headers["Tus-Resumable"]) == (204, "1.0.0")
    assert client.head(path).status == 410
    assert client.engine.store.keys() == set()
    assert client.engine.store.multiparts == {}


def test_pieces_are_joined() -> None:
    client = Client()
    pieces = []
    for start, end in ((0, PART + 3), (PART + 3, PART + 3), (PART + 3, SIZE)):
        answer = client.create(
            upload_length=str(end - start), upload_concat="partial", upload_metadata=VIDEO
        )
        path = path_of(answer)
        if end > start:
            client.patch(path, 0, CONTENT[start:end])
        assert client.head(path).headers["Upload-Concat"] == "partial"
        pieces.append(answer.headers["Location"])
    answer = client.create(upload_concat=f"final;{' '.join(pieces)}", upload_metadata=VIDEO)
    assert answer.status == 201, answer.body
    assert answer.headers["Upload-Offset"] == str(SIZE)
    assert the_file(client.engine) == CONTENT
    assert len(client.engine.store.keys()) == 1
    assert client.head(path).status == 404


def test_pieces_that_are_not_whole_are_not_joined() -> None:
    client = Client()
    answer = client.create(upload_length=LENGTH, upload_concat="partial")
    piece = answer.headers["Location"]
    final = client.create(upload_concat=f"final;{piece}", upload_metadata=VIDEO)
    assert code(final) == "409 UPLOAD_INCOMPLETE"
    assert client.create(upload_concat="final;", upload_metadata=VIDEO).status == 400
    assert client.create(upload_concat="other", upload_metadata=VIDEO).status == 400


def test_a_token_opens_pieces_of_its_file() -> None:
    engine = Engine()
    transfer = opened(engine, SIZE)
    client = Client(engine)
    client.headers = bearer(transfer, **{"tus-resumable": "1.0.0"})
    pieces = []
    for start, end in ((0, PART), (PART, SIZE)):
        answer = client.create(upload_length=str(end - start), upload_concat="partial")
        client.patch(path_of(answer), 0, CONTENT[start:end])
        pieces.append(path_of(answer))
    answer = client.create(upload_concat="final;" + " ".join(pieces))
    assert answer.status == 201
    assert the_file(engine) == CONTENT


def test_a_token_does_not_open_pieces_without_end() -> None:
    engine = Engine()
    transfer = opened(engine, SIZE)
    client = Client(engine)
    client.headers = bearer(transfer, **{"tus-resumable": "1.0.0"})
    made = [client.create(upload_length=str(SIZE), upload_concat="partial") for _ in range(3)]
    assert [answer.status for answer in made] == [201, 201, 400]


def test_a_token_in_the_path_stays_in_the_location() -> None:
    engine = Engine()
    transfer = opened(engine, len(SMALL))
    path = f"/u/{transfer['uploadToken']}/files/tus"
    headers = {"tus-resumable": "1.0.0", "upload-length": LENGTH}
    answer = engine.fetch("POST", path, headers)
    assert path_of(answer) == f"{path}/{transfer['uploadId']}"
    sent = {**headers, "content-type": "application/offset+octet-stream", "upload-offset": "0"}
    assert engine.fetch("PATCH", path_of(answer), sent, SMALL).status == 204
    assert the_file(engine) == SMALL


def test_one_writer_at_a_time() -> None:
    client = Client()
    path = client.new()
    engine = client.engine
    answers = []
    original = engine.store.write

    async def meanwhile(*args: Any, **named: Any) -> Any:
        engine.store.write = original  # type: ignore[method-assign]
        answers.append(client.patch(path, 0, b"other"))
        return await original(*args, **named)

    engine.store.write = meanwhile  # type: ignore[method-assign]
    assert client.patch(path, 0, CONTENT[:10]).status == 204
    assert [code(answer) for answer in answers] == ["423 UPLOAD_LOCKED"]
    client.patch(path, 10, CONTENT[10:])
    assert the_file(engine) == CONTENT


def test_a_writer_that_died_is_taken_over_from_and_one_that_did_not_notices() -> None:
    client = Client()
    path = client.new()
    engine = client.engine
    answers = []
    original = engine.store.put_part

    async def sleeps(*args: Any) -> Any:
        """The writer gives no sign for so long that another takes over."""
        engine.store.put_part = original  # type: ignore[method-assign]
        engine.clock.advance(LEASE_MS)
        answers.append(client.patch(path, 0, CONTENT[: PART + 1]))
        return await original(*args)

    engine.store.put_part = sleeps  # type: ignore[method-assign]
    late = client.patch(path, 0, b"x" * PART + b"y")
    assert code(late) == "423 UPLOAD_LOCKED"
    assert [answer.status for answer in answers] == [204]
    assert client.offset(path) == PART + 1
    client.patch(path, PART + 1, CONTENT[PART + 1 :])
    assert the_file(engine) == CONTENT


def test_what_was_whole_and_not_finished_is_finished_when_it_is_asked_for() -> None:
    client = Client()
    path = client.new()
    client.patch(path, 0, CONTENT[:PART])
    engine = client.engine
    original = engine.store.join

    async def fails(*args: Any) -> Any:
        del args
        raise RuntimeError("the Worker was killed")

    engine.store.join = fails  # type: ignore[method-assign]
    assert client.patch(path, PART, CONTENT[PART:]).status == 500
    engine.store.join = original  # type: ignore[method-assign]
    assert [row["status"] for row in engine.rows()] == ["pending_upload"]
    assert client.offset(path) == SIZE
    assert the_file(engine) == CONTENT


def test_the_protocols_version_is_asked_for_and_said() -> None:
    engine = Engine()
    answer = engine.fetch("POST", "/files/tus", ALICE_HEADERS)
    assert (code(answer), answer.headers["Tus-Version"]) == ("412 TUS_VERSION", "1.0.0")
    options = engine.fetch("OPTIONS", "/files/tus")
    assert options.status == 204
    assert options.headers["Tus-Version"] == "1.0.0"
    assert options.headers["Tus-Max-Size"] == str(500 * MIB)
    assert "concatenation" in options.headers["Tus-Extension"]


@pytest.mark.parametrize(
    ("headers", "refusal"),
    [
        ({}, "400 MISSING_FIELDS"),
        ({"upload_length": "-1"}, "400 INVALID_FIELD"),
        ({"upload_length": "x"}, "400 INVALID_FIELD"),
        ({"upload_length": "5", "upload_defer_length": "1"}, "400 INVALID_FIELD"),
        ({"upload_defer_length": "2"}, "400 INVALID_FIELD"),
        ({"upload_length": str(501 * MIB)}, "400 FILE_TOO_LARGE"),
        ({"upload_length": "0"}, "400 INVALID_FIELD"),
        ({"upload_length": "5", "upload_metadata": "filename"}, "400 MISSING_FIELDS"),
        ({"upload_length": "5", "upload_metadata": "filename *"}, "400 INVALID_FIELD"),
        ({"upload_length": "5", "upload_metadata": "a YQ==,a YQ=="}, "400 INVALID_FIELD"),
        (
            {"upload_length": "5", "upload_metadata": metadata(filename="a", filetype="x/y")},
            "400 UNSUPPORTED_MIME",
        ),
    ],
)
def test_a_creation_that_cannot_be_is_refused(headers: dict[str, str], refusal: str) -> None:
    client = Client()
    answer = client.create(**{"upload_metadata": VIDEO, **headers})
    assert code(answer) == refusal
    assert answer.headers["Tus-Resumable"] == "1.0.0"
    assert rows(client.engine, "transfers") == []


def test_a_body_of_another_type_is_refused() -> None:
    client = Client()
    path = client.new()
    answer = client.patch(path, 0, b"x", content_type="application/json")
    assert code(answer) == "415 UNSUPPORTED_BODY"


def test_a_client_that_can_only_post_is_understood() -> None:
    client = Client()
    path = client.new(len(SMALL))
    headers = {
        **TUS,
        "x-http-method-override": "PATCH",
        "content-type": "application/offset+octet-stream",
        "upload-offset": "0",
    }
    assert client.engine.fetch("POST", path, headers, SMALL).status == 204
    assert the_file(client.engine) == SMALL


def test_another_scope_finds_nothing() -> None:
    client = Client()
    path = client.new()
    answer = client.engine.fetch("HEAD", path, {**BOB_HEADERS, "tus-resumable": "1.0.0"})
    assert answer.status == 404


def test_what_is_over_is_taken_away_with_all_that_was_kept_aside() -> None:
    client = Client()
    engine = client.engine
    path = client.new()
    client.patch(path, 0, CONTENT[: PART + 5])
    client.patch(path, PART + 5, CONTENT[PART + 5 : PART + 9])
    partial = path_of(client.create(upload_length=LENGTH, upload_concat="partial"))
    client.patch(partial, 0, SMALL)
    assert len(engine.store.keys()) == 3
    engine.clock.advance(24 * 3_600_000 + 1)
    assert client.head(path).status == 410
    finish(engine.app.clean())
    assert len(rows(engine, "transfers")) == 2, "a request that began in time may still go on"
    engine.clock.advance(3_600_000)
    finish(engine.app.clean())
    engine.clock.advance(60_000)
    finish(engine.app.clean())
    assert engine.store.keys() == set()
    assert engine.store.multiparts == {}
    assert rows(engine, "transfers") == []
    assert rows(engine, "transfer_parts") == []
    assert {row["status"] for row in engine.rows()} == {"gone"}


def test_a_file_that_is_done_outlives_its_transfer() -> None:
    client = Client()
    path = client.new(len(SMALL))
    client.patch(path, 0, SMALL)
    client.engine.clock.advance(26 * 3_600_000)
    finish(client.engine.app.clean())
    assert rows(client.engine, "transfers") == []
    assert the_file(client.engine) == SMALL


def test_a_most_that_the_token_says_holds() -> None:
    engine = Engine()
    body = to_json(
        {"fileName": "a", "contentType": "video/mp4", "service": "x", "maxFileSize": len(SMALL)}
    )
    answer = engine.fetch("POST", "/upload/open", ALICE_HEADERS, body)
    assert answer.status == 201
    token = bearer(members(answer), **{"tus-resumable": "1.0.0"})
    longer = engine.fetch("POST", "/files/tus", {**token, "upload-length": str(len(SMALL) + 1)})
    assert code(longer) == "400 FILE_TOO_LARGE"
    path = path_of(engine.fetch("POST", "/files/tus", {**token, "upload-defer-length": "1"}))
    sent = {**token, "content-type": "application/offset+octet-stream", "upload-offset": "0"}
    assert code(engine.fetch("PATCH", path, sent, SMALL + b"!")) == "400 FILE_TOO_LARGE"
