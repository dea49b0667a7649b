"""How a file comes to be: presign, PUT, complete."""

import hashlib
import json
import random
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from media_engine.http.disposition import content_disposition
from media_engine.uploads.filename import typed_filename
from tests.conftest import RunningWorker
from tests.media import JPEG, SMALLEST, photo_saying, video_head
from tests.worker.bucket import store
from tests.worker.caller import Caller, headers_of
from tests.worker.state import kept
from tests.worker.tokens import file_url

TESTS = Path(__file__).parents[1]
PHOTO = (TESTS / "media" / "photo.jpg").read_bytes()
DISPOSITIONS = json.loads((TESTS / "vectors" / "disposition.json").read_text(encoding="utf-8"))
NANOID = "[A-Za-z0-9_-]{21}"
MIB = 1024 * 1024


@pytest.mark.parametrize(
    ("content_type", "extension", "file_name"),
    [
        ("image/jpeg", "jpg", 'Grüße "aus" Köln.JPG'),
        ("video/mp4", "mp4", "holiday in 日本 2026.mov"),
        ("application/pdf", "pdf", "it's 100% done; really=true, 😀"),
    ],
)
def test_a_file_is_uploaded_and_opens_at_its_url(
    alice: Caller, content_type: str, extension: str, file_name: str
) -> None:
    content = PHOTO if content_type == "image/jpeg" else SMALLEST[content_type]
    file = alice.upload(content, fileName=file_name, contentType=content_type)

    year, month = file["createdAt"][:4], file["createdAt"][5:7]
    assert re.fullmatch(f"t/acme/blog/{year}/{month}/{NANOID}\\.{extension}", file["key"])
    assert file["mediaId"] == "media_" + file["key"].rpartition("/")[2].removesuffix(
        f".{extension}"
    )
    assert file["fileName"] == file_name
    assert file["etag"] == f'"{hashlib.md5(content).hexdigest()}"'
    assert (
        file
        | {
            "status": "uploaded",
            "contentType": content_type,
            "fileSize": len(content),
            "service": "blog",
            "album": None,
            "visibility": "private",
        }
        == file
    )

    opened = httpx.get(file_url(alice.url, file["key"]))
    assert opened.status_code == 200
    assert opened.content == content
    assert opened.headers["etag"] == file["etag"]


def test_an_upload_url_is_answered_with_all_that_the_put_needs(alice: Caller) -> None:
    answer = alice.presign(
        fileName="a.jpg", contentType="IMAGE/JPEG; q=1", fileSize=3, service="blog"
    )
    assert answer.status_code == 201
    assert answer.headers["cache-control"] == "no-store"
    signed = answer.json()
    assert signed.keys() == {"mediaId", "key", "uploadUrl", "method", "headers", "expiresAt"}
    assert signed["method"] == "PUT"
    assert signed["headers"] == {
        "content-type": "image/jpeg",
        "content-disposition": 'inline; filename="a.jpg"',
        "if-none-match": "*",
    }
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", signed["expiresAt"])


@pytest.mark.parametrize(
    "vector",
    [case for case in DISPOSITIONS["cases"] if case["kind"] == "inline" and case["filename"]],
    ids=lambda vector: vector["name"],
)
def test_a_file_name_is_signed_into_the_upload(alice: Caller, vector: dict[str, Any]) -> None:
    signed = alice.presigned(len(JPEG), fileName=vector["filename"])
    name = vector["expect"]["filename"]
    typed = typed_filename(name, "image/jpeg")
    expected = vector["expect"]["header"] if typed == name else content_disposition("inline", typed)
    assert signed["headers"]["content-disposition"] == expected
    assert alice.put(signed, JPEG).status_code == 200
    assert alice.complete(signed["mediaId"]).json()["fileName"] == vector["expect"]["filename"]


def test_a_file_of_an_album_has_the_album_in_its_key(alice: Caller) -> None:
    file = alice.upload(JPEG, album="summer_2026")
    assert re.fullmatch(f"t/acme/blog/a/summer_2026/{NANOID}\\.jpg", file["key"])
    assert file["album"] == "summer_2026"


def test_a_file_of_a_user_without_a_tenant_is_their_own(carol: Caller) -> None:
    file = carol.upload(JPEG, service="avatar")
    assert re.fullmatch(f"u/carol/avatar/\\d{{4}}/\\d\\d/{NANOID}\\.jpg", file["key"])


def test_every_upload_has_an_id_of_its_own(alice: Caller) -> None:
    assert len({alice.presigned(1)["mediaId"] for _ in range(20)}) == 20


@pytest.mark.parametrize(
    "fields",
    [
        {"fileName": "a" * 1024},
        {"service": "a" * 64, "album": "_-" * 32},
        {"album": None, "visibility": None},
        {"contentType": "image/jpeg", "size": 10 * MIB},
        {"contentType": "video/webm", "size": 500 * MIB},
        {"contentType": "application/pdf", "size": 10 * MIB},
        {"somethingElse": [1, 2, 3]},
    ],
    ids=lambda fields: ", ".join(fields),
)
def test_what_is_just_within_the_limits_is_accepted(alice: Caller, fields: dict[str, Any]) -> None:
    assert alice.presigned(**{"size": 1, **fields})["uploadUrl"]


def test_whoever_owns_the_system_may_upload(alice: Caller) -> None:
    owner = replace(alice, headers={**alice.headers, "x-user-permissions": "other, system:owner"})
    assert owner.upload(JPEG)["key"].startswith("t/acme/")


# What an upload URL stores.


def changed(signed: dict[str, Any], **headers: str | None) -> dict[str, Any]:
    """Return the upload with other headers; None leaves one out."""
    sent = {**signed["headers"], **{name.replace("_", "-"): headers[name] for name in headers}}
    return {**signed, "headers": {name: sent[name] for name in sent if sent[name] is not None}}


@pytest.mark.parametrize(
    ("headers", "content"),
    [
        ({"content_type": "text/html"}, JPEG),
        ({"content_type": "image/jpeg; charset=utf-8"}, JPEG),
        ({"content_type": None}, JPEG),
        ({"content_disposition": 'inline; filename="b.html"'}, JPEG),
        ({"content_disposition": None}, JPEG),
        ({"if_none_match": None}, JPEG),
        ({"if_none_match": '"x"'}, JPEG),
        ({}, JPEG[:-1]),
        ({}, JPEG + b" and more"),
        ({}, b""),
    ],
)
def test_an_upload_url_stores_nothing_but_what_was_declared(
    alice: Caller, worker: RunningWorker, headers: dict[str, str | None], content: bytes
) -> None:
    signed = alice.presigned(len(JPEG))
    assert alice.put(changed(signed, **headers), content).status_code == 403
    assert signed["key"] not in kept(worker.state).objects
    early = alice.complete(signed["mediaId"])
    assert (early.status_code, early.json()["code"]) == (409, "UPLOAD_INCOMPLETE")
    assert alice.put(signed, JPEG).status_code == 200, "the URL itself is still good"


@pytest.mark.parametrize(
    ("part", "other"),
    [
        ("/t/acme/", "/t/globex/"),
        ("/s3/media/", "/s3/other/"),
        ("X-Amz-Expires=3600", "X-Amz-Expires=604800"),
        ("%3Bif-none-match&", "&"),
        ("%3Bcontent-length%3B", "%3B"),
    ],
)
def test_an_upload_url_that_was_changed_stores_nothing(
    alice: Caller, worker: RunningWorker, part: str, other: str
) -> None:
    signed = alice.presigned(len(JPEG))
    assert part in signed["uploadUrl"]
    before = kept(worker.state)
    tampered = {**signed, "uploadUrl": signed["uploadUrl"].replace(part, other)}
    assert alice.put(tampered, JPEG).status_code in (403, 404)
    assert kept(worker.state) == before


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "POST"])
def test_an_upload_url_does_nothing_else(alice: Caller, method: str) -> None:
    signed = alice.presigned(len(JPEG))
    assert alice.put(signed, JPEG).status_code == 200
    answer = alice.http.request(method, signed["uploadUrl"], headers=signed["headers"])
    assert answer.status_code in (403, 405)
    assert alice.complete(signed["mediaId"]).status_code == 200


def test_an_upload_url_stores_once(alice: Caller) -> None:
    first, other, later = (photo_saying(text) for text in (b"first", b"other", b"later"))
    signed = alice.presigned(len(first))
    assert alice.put(signed, first).status_code == 200
    assert alice.put(signed, other).status_code == 412
    assert alice.complete(signed["mediaId"]).status_code == 200
    assert alice.put(signed, later).status_code == 412
    assert httpx.get(file_url(alice.url, signed["key"])).content == first


# Complete.


def test_completing_before_the_put_says_so_and_can_be_repeated(alice: Caller) -> None:
    signed = alice.presigned(len(JPEG))
    for _ in range(2):
        early = alice.complete(signed["mediaId"])
        assert (early.status_code, early.json()["code"]) == (409, "UPLOAD_INCOMPLETE")
    alice.put(signed, JPEG)
    assert alice.complete(signed["mediaId"]).status_code == 200


def test_completing_again_gives_the_same_file(alice: Caller) -> None:
    file = alice.upload(JPEG)
    again = alice.complete(file["mediaId"])
    assert again.status_code == 200
    assert again.json() == file


def test_of_completes_at_the_same_time_all_give_the_same_file(alice: Caller) -> None:
    signed = alice.presigned(len(JPEG))
    alice.put(signed, JPEG)
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(alice.complete, [signed["mediaId"]] * 10))
    assert [answer.status_code for answer in answers] == [200] * 10
    assert len({answer.text for answer in answers}) == 1


def test_a_colleague_of_the_same_tenant_completes_the_upload(
    alice: Caller, worker: RunningWorker
) -> None:
    signed = alice.presigned(len(JPEG))
    alice.put(signed, JPEG)
    colleague = replace(alice, headers=headers_of("anna", "acme"))
    assert colleague.complete(signed["mediaId"]).status_code == 200
    assert kept(worker.state).rows[signed["key"]]["uploaded_by"] == "alice"


@pytest.mark.parametrize(
    ("user", "tenant"),
    [("alice", "globex"), ("alice", "ACME"), ("alice", None), ("acme", None)],
)
def test_another_scope_has_no_such_file(alice: Caller, user: str, tenant: str | None) -> None:
    signed = alice.presigned(len(JPEG))
    alice.put(signed, JPEG)
    stranger = replace(alice, headers=headers_of(user, tenant))
    refused = stranger.complete(signed["mediaId"])
    assert (refused.status_code, refused.json()["code"]) == (404, "MEDIA_NOT_FOUND")
    assert alice.complete(signed["mediaId"]).status_code == 200


def test_a_tenant_has_no_file_of_a_user_of_the_same_name(carol: Caller) -> None:
    signed = carol.presigned(len(JPEG))
    carol.put(signed, JPEG)
    tenant = replace(carol, headers=headers_of("carol", "carol"))
    assert tenant.complete(signed["mediaId"]).status_code == 404
    assert carol.complete(signed["mediaId"]).status_code == 200


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (JPEG[:-1], "image/jpeg"),
        (JPEG + b"!", "image/jpeg"),
        (b"", "image/jpeg"),
        (JPEG, "text/html"),
    ],
    ids=["too short", "too long", "empty", "of another type"],
)
def test_what_is_not_what_was_declared_is_refused_and_removed_for_ever(
    alice: Caller, worker: RunningWorker, content: bytes, content_type: str
) -> None:
    signed = alice.presigned(len(JPEG))
    store(alice.url, signed["key"], content, ContentType=content_type)

    refused = alice.complete(signed["mediaId"])
    assert (refused.status_code, refused.json()["code"]) == (422, "CONTENT_MISMATCH")
    now = kept(worker.state)
    assert now.rows[signed["key"]]["status"] == "rejected"
    assert now.objects[signed["key"]] == 0, "the bytes are gone"

    assert alice.put(signed, JPEG).status_code == 412, "the URL stores nothing any more"
    again = alice.complete(signed["mediaId"])
    assert (again.status_code, again.json()["code"]) == (410, "MEDIA_GONE")
    opened = httpx.get(file_url(alice.url, signed["key"]))
    assert (opened.status_code, opened.json()["code"]) == (410, "MEDIA_GONE")


def test_of_completes_at_the_same_time_one_refuses_and_the_others_find_nothing(
    alice: Caller,
) -> None:
    signed = alice.presigned(len(JPEG))
    store(alice.url, signed["key"], b"something else", ContentType="image/jpeg")
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(alice.complete, [signed["mediaId"]] * 10))
    assert sorted(answer.json()["code"] for answer in answers) == [
        "CONTENT_MISMATCH",
        *["MEDIA_GONE"] * 9,
    ]


# A video that is too large to be held in memory by anybody.

VIDEO_BYTES = 50 * MIB


def video() -> Iterator[bytes]:
    """A video's bytes, the same each time, a MiB at once."""
    noise = random.Random(2026)
    head = video_head(VIDEO_BYTES)
    yield head + noise.randbytes(MIB - len(head))
    for _ in range(VIDEO_BYTES // MIB - 1):
        yield noise.randbytes(MIB)


def test_a_video_of_50_mib_comes_back_whole_and_in_ranges(alice: Caller) -> None:
    sent = hashlib.sha256()

    def body() -> Iterator[bytes]:
        for chunk in video():
            sent.update(chunk)
            yield chunk

    signed = alice.presigned(VIDEO_BYTES, fileName="long.mp4", contentType="video/mp4")
    assert alice.put(changed(signed, content_length=str(VIDEO_BYTES)), body()).status_code == 200
    assert alice.complete(signed["mediaId"]).json()["fileSize"] == VIDEO_BYTES
    url = file_url(alice.url, signed["key"])

    whole = hashlib.sha256()
    with alice.http.stream("GET", url) as answer:
        assert answer.headers["content-length"] == str(VIDEO_BYTES)
        for chunk in answer.iter_bytes():
            whole.update(chunk)
    assert whole.digest() == sent.digest()

    in_ranges = hashlib.sha256()
    step = 7_000_003
    for first in range(0, VIDEO_BYTES, step):
        last = min(first + step, VIDEO_BYTES) - 1
        part = alice.http.get(url, headers={"range": f"bytes={first}-{last}"})
        assert part.status_code == 206
        assert part.headers["content-range"] == f"bytes {first}-{last}/{VIDEO_BYTES}"
        in_ranges.update(part.content)
    assert in_ranges.digest() == sent.digest()
