"""Large and many files, over HTTP: parts direct to the store, chunks, forms, tus."""

import base64
import hashlib
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import jwt
import pytest

from tests.media.sent import photo_of, video_of
from tests.worker.caller import Caller
from tests.worker.tokens import KID, SECRET, file_url

MIB = 1024 * 1024
PART = 5 * MIB
CONTENT = video_of(2 * PART + 12_345)
DIGEST = hashlib.sha256(CONTENT).hexdigest()
VIDEO = {"fileName": "a.mp4", "contentType": "video/mp4", "service": "blog"}
TUS = {"tus-resumable": "1.0.0"}


def opened(caller: Caller, size: int = len(CONTENT), **fields: object) -> dict[str, Any]:
    """Open a transfer, as the application's backend does for a browser."""
    answer = caller.http.post(
        f"{caller.url}/upload/open",
        headers=caller.headers,
        json={**VIDEO, "fileSize": size, **fields},
    )
    assert answer.status_code == 201, answer.text
    transfer: dict[str, Any] = answer.json()
    return transfer


def bearer(transfer: dict[str, Any], **headers: str) -> dict[str, str]:
    return {"authorization": f"Bearer {transfer['uploadToken']}", **headers}


def digest_of(caller: Caller, key: str) -> str:
    """Return the hash of a file as it is delivered."""
    answer = httpx.get(file_url(caller.url, key), timeout=60)
    assert answer.status_code == 200, answer.text
    return hashlib.sha256(answer.content).hexdigest()


def test_parts_go_to_the_store_directly_and_make_the_file(alice: Caller) -> None:
    transfer = opened(alice)
    base = f"{alice.url}/u/{transfer['uploadToken']}/s3/multipart"
    begun = httpx.post(base, json={"filename": "a.mp4", "type": "video/mp4", "metadata": {}}).json()
    query = f"?key={quote(begun['key'], safe='')}"
    parts = []
    for number in (1, 2, 3):
        answer = httpx.get(f"{base}/{begun['uploadId']}/{number}{query}")
        url = answer.json()["url"]
        content = CONTENT[(number - 1) * PART : number * PART]
        assert httpx.put(url, content=b"of another length").status_code == 403
        put = httpx.put(url, content=content, timeout=60)
        assert put.status_code == 200, put.text
        parts.append({"PartNumber": number, "ETag": put.headers["etag"]})
    answer = httpx.post(
        f"{base}/{begun['uploadId']}/complete{query}", json={"parts": parts}, timeout=60
    )
    assert answer.status_code == 200, answer.text
    assert digest_of(alice, begun["key"]) == DIGEST
    file = alice.complete(transfer["mediaId"]).json()
    assert (file["status"], file["contentType"]) == ("uploaded", "video/mp4")


def test_a_token_cannot_renew_itself(alice: Caller) -> None:
    transfer = opened(alice)
    claims = jwt.decode(transfer["uploadToken"], options={"verify_signature": False})
    claims["exp"] = int(time.time()) + 30
    token = jwt.encode(claims, SECRET, algorithm="HS256", headers={"kid": KID})

    asked = httpx.get(f"{alice.url}/u/{token}/s3/params?filename=a.mp4&type=video/mp4").json()

    answered = urlsplit(asked["url"]).path.split("/")[2]
    assert asked["expires"] <= 30
    assert jwt.decode(answered, options={"verify_signature": False})["exp"] == claims["exp"]


def test_a_file_that_is_deleted_while_its_parts_come_takes_none_any_more(alice: Caller) -> None:
    transfer = opened(alice)
    base = f"{alice.url}/u/{transfer['uploadToken']}/s3/multipart"
    begun = httpx.post(base, json={"filename": "a.mp4", "type": "video/mp4", "metadata": {}}).json()
    query = f"?key={quote(begun['key'], safe='')}"
    part = f"{base}/{begun['uploadId']}/1{query}"
    url = httpx.get(part).json()["url"]
    assert httpx.put(url, content=CONTENT[:PART], timeout=60).status_code == 200
    target = f"{alice.url}/files/{transfer['mediaId']}"
    assert alice.http.delete(target, headers=alice.headers).json()["deleted"] is True
    assert httpx.put(url, content=CONTENT[:PART], timeout=60).status_code == 404
    answer = httpx.get(part)
    assert (answer.status_code, answer.json()["code"]) == (410, "MEDIA_GONE")
    assert httpx.get(file_url(alice.url, begun["key"])).status_code == 410
    assert alice.http.delete(target, headers=alice.headers).status_code == 200


def chunk(caller: Caller, transfer: dict[str, Any], index: int, content: bytes) -> httpx.Response:
    return caller.http.post(
        f"{caller.url}/media/upload/chunk",
        headers=bearer(transfer),
        data={"upload_id": transfer["uploadId"], "chunk_index": str(index)},
        files={"chunk": ("chunk.bin", content, "application/octet-stream")},
    )


def test_chunks_of_forms_come_in_any_order_at_once_and_twice(alice: Caller) -> None:
    transfer = opened(alice)
    init = alice.http.post(
        f"{alice.url}/media/upload/init", headers=bearer(transfer), json={}
    ).json()
    assert (init["chunk_size"], init["total_chunks"]) == (PART, 3)
    chunks = [CONTENT[at : at + PART] for at in range(0, len(CONTENT), PART)]
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda i: chunk(alice, transfer, i, chunks[i]), [2, 0, 1, 1, 2, 0]))
    assert [answer.status_code for answer in answers] == [200] * 6, answers[0].text
    status = alice.http.get(
        f"{alice.url}/media/upload/{init['upload_id']}/status", headers=bearer(transfer)
    ).json()
    assert (status["progress"], status["missing_chunks"]) == (100, [])
    done = alice.http.post(
        f"{alice.url}/media/upload/{init['upload_id']}/finalize", headers=bearer(transfer)
    )
    assert done.status_code == 200, done.text
    assert digest_of(alice, done.json()["file_path"]) == DIGEST


def test_a_chunk_as_the_body_and_one_of_a_wrong_length(alice: Caller) -> None:
    transfer = opened(alice)
    url = f"{alice.url}/media/upload"
    alice.http.post(f"{url}/init", headers=bearer(transfer), json={})
    for index, at in enumerate(range(0, len(CONTENT), PART)):
        query = f"upload_id={transfer['uploadId']}&chunk_index={index}"
        target = f"{url}/chunk?{query}"
        content = CONTENT[at : at + PART]
        wrong = alice.http.post(target, headers=bearer(transfer), content=content[:-1])
        assert (wrong.status_code, wrong.json()["field"]) == (400, "chunk")
        short = chunk(alice, transfer, index, content[:-1])
        assert (short.status_code, short.json()["field"]) == (400, "chunk"), short.text
        right = alice.http.post(target, headers=bearer(transfer), content=content)
        assert right.status_code == 200, right.text
    done = alice.http.post(f"{url}/{transfer['uploadId']}/finalize", headers=bearer(transfer))
    assert digest_of(alice, done.json()["file_path"]) == DIGEST


@pytest.mark.parametrize("size", [600, 70_000, PART, PART + 1, len(CONTENT)])
def test_a_file_of_a_form_comes_at_once(alice: Caller, size: int) -> None:
    answer = alice.http.post(
        f"{alice.url}/media/upload/simple",
        headers=alice.headers,
        data={"post_id": "post-456", "service": "avatar"},
        files={"file": ("video.mp4", video_of(size), "video/mp4")},
    )
    assert answer.status_code == 201, answer.text
    file = answer.json()
    assert (file["file_size"], file["service"]) == (size, "avatar")
    assert digest_of(alice, file["file_path"]) == hashlib.sha256(video_of(size)).hexdigest()


def test_a_bad_image_does_not_spoil_the_others(alice: Caller) -> None:
    answer = alice.http.post(
        f"{alice.url}/media/upload/images",
        headers=alice.headers,
        files=[
            ("images", ("1.jpg", photo_of(200_000), "image/jpeg")),
            ("images", ("2.txt", CONTENT[:100], "text/plain")),
            ("images", ("3.png", CONTENT[: 10 * MIB + 1], "image/png")),
            ("images", ("4.jpg", photo_of(PART + 3), "image/jpeg")),
        ],
    )
    assert answer.status_code == 200, answer.text
    verdicts = [one["status"] for one in answer.json()["results"]]
    assert verdicts == ["uploaded", "refused", "refused", "uploaded"]
    last = answer.json()["results"][3]["media"]
    assert digest_of(alice, last["file_path"]) == hashlib.sha256(photo_of(PART + 3)).hexdigest()


def test_a_file_that_is_too_large_is_told_so_before_all_of_it_came(alice: Caller) -> None:
    image = ("3.png", CONTENT * 8, "image/png")
    for url in ("simple", "images"):
        answer = alice.http.post(
            f"{alice.url}/media/upload/{url}", headers=alice.headers, files={"file": image}
        )
        assert "FILE_TOO_LARGE" in answer.text
    transfer = opened(alice)
    begun = create(alice, transfer)
    answer = patch(alice, transfer, begun, 0, CONTENT * 2)
    assert (answer.status_code, answer.json()["code"]) == (400, "FILE_TOO_LARGE")


def create(caller: Caller, transfer: dict[str, Any]) -> str:
    headers = bearer(transfer, **TUS, **{"upload-length": str(len(CONTENT))})
    answer = caller.http.post(f"{caller.url}/files/tus", headers=headers)
    assert answer.status_code == 201, answer.text
    location: str = answer.headers["location"]
    return location


def patch(
    caller: Caller, transfer: dict[str, Any], url: str, offset: int, content: Any, **more: str
) -> httpx.Response:
    headers = bearer(
        transfer,
        **TUS,
        **{"upload-offset": str(offset), "content-type": "application/offset+octet-stream"},
        **more,
    )
    return caller.http.patch(url, headers=headers, content=content)


def offset_of(caller: Caller, transfer: dict[str, Any], url: str) -> int:
    answer = caller.http.head(url, headers=bearer(transfer, **TUS))
    assert answer.status_code == 200
    return int(answer.headers["upload-offset"])


def test_tus_takes_requests_of_any_size(alice: Caller) -> None:
    transfer = opened(alice)
    url = create(alice, transfer)
    offset = 0
    for size in (1, 10_000, PART, PART - 10_005):
        piece = CONTENT[offset : offset + size]
        digest = base64.b64encode(hashlib.sha1(piece).digest()).decode()
        answer = patch(alice, transfer, url, offset, piece, **{"upload-checksum": f"sha1 {digest}"})
        offset += len(piece)
        assert (answer.status_code, answer.headers["upload-offset"]) == (204, str(offset))
        assert offset_of(alice, transfer, url) == offset
    other = {"upload-checksum": "sha1 qvTGHdzF6KLavt4PO0gs2a6pQ00="}
    wrong = patch(alice, transfer, url, offset, b"x", **other)
    assert wrong.status_code == 460

    def rest() -> Any:
        """A body whose length nobody says."""
        yield CONTENT[offset : offset + 10]
        yield CONTENT[offset + 10 :]

    assert patch(alice, transfer, url, offset, rest()).status_code == 204
    assert digest_of(alice, transfer["key"]) == DIGEST


def begin_to_send(transfer: dict[str, Any], url: str, content: bytes) -> socket.socket:
    """Send the beginning of a request that says it has all of the file; return its connection."""
    parts = urlsplit(url)
    head = (
        f"PATCH {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\n"
        f"Authorization: Bearer {transfer['uploadToken']}\r\nTus-Resumable: 1.0.0\r\n"
        "Content-Type: application/offset+octet-stream\r\nUpload-Offset: 0\r\n"
        f"Content-Length: {len(CONTENT)}\r\n\r\n"
    )
    line = socket.create_connection((parts.hostname or "", parts.port or 0), timeout=30)
    line.sendall(head.encode() + content)
    return line


def await_offset(caller: Caller, transfer: dict[str, Any], url: str, least: int) -> int:
    """Wait until so many bytes are there; return how many are."""
    end = time.monotonic() + 30
    while (offset := offset_of(caller, transfer, url)) < least:
        assert time.monotonic() < end, f"only {offset} bytes are there"
        time.sleep(0.05)
    return offset


def test_what_came_of_a_client_that_left_is_kept(alice: Caller) -> None:
    transfer = opened(alice)
    url = create(alice, transfer)
    sent = PART + 300_000
    with begin_to_send(transfer, url, CONTENT[:sent]):
        await_offset(alice, transfer, url, PART)
        locked = patch(alice, transfer, url, PART, CONTENT[PART:])
        assert (locked.status_code, locked.json()["code"]) == (423, "UPLOAD_LOCKED")
    assert await_offset(alice, transfer, url, sent) == sent, "every byte that arrived is kept"
    end = time.monotonic() + 30
    while (answer := patch(alice, transfer, url, sent, CONTENT[sent:])).status_code == 423:
        assert time.monotonic() < end, "the lease outlived its holder"
        time.sleep(0.05)
    assert answer.status_code == 204, answer.text
    assert digest_of(alice, transfer["key"]) == DIGEST


def test_pages_may_ask_first(alice: Caller) -> None:
    answer = httpx.options(
        f"{alice.url}/files/tus",
        headers={"origin": "http://app.test", "access-control-request-method": "POST"},
    )
    assert answer.status_code == 204
    assert answer.headers["tus-version"] == "1.0.0"
    assert answer.headers["access-control-allow-origin"] == "http://app.test"
