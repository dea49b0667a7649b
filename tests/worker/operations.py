"""The calls that bring a file in or take it away: what goes before each, and what a client does
whose call broke off.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from urllib.parse import quote, urlsplit
from zlib import crc32

import httpx

from tests.media import photo_saying
from tests.media.sent import video_of
from tests.worker.bucket import store
from tests.worker.caller import Caller
from tests.worker.test_transfers import PART, TUS, bearer, opened

SHORT = 70_000
LONG = PART + 1_000
TAIL = 400
"""How many bytes of a stream wait to become a part when its last request begins."""


@dataclass
class Subject:
    """One file that one call is about.

    Attributes:
        name: what no other one is called.
        content: its bytes.
        world: where a file is fetched from.
        known: what was answered about it so far.
        ends_as: what it is when its client had its way: "uploaded", "refused" or "deleted".
    """

    name: str
    content: bytes
    world: str
    known: dict[str, Any] = field(default_factory=dict)
    ends_as: str = "uploaded"

    @property
    def media_id(self) -> str | None:
        found: str | None = self.known.get("mediaId")
        return found


@dataclass(frozen=True)
class Operation:
    """A call.

    Attributes:
        content: the bytes of the file that is called so.
        prepare: brings a file up to the call.
        call: is the call: one request.
        come_back: does what the client does whose call broke off, to the end; returns the last
            answer.
    """

    content: Callable[[str], bytes]
    prepare: Callable[[Caller, Subject], None]
    call: Callable[[Caller, Subject], httpx.Response]
    come_back: Callable[[Caller, Subject], httpx.Response]


def photo(name: str) -> bytes:
    return photo_saying(name.encode())


def picture_at(path: str) -> bytes:
    """Return what the world gives at a path."""
    return photo_saying(path.encode())


def short_video(name: str) -> bytes:
    return video_of(SHORT, crc32(name.encode()))


def long_video(name: str) -> bytes:
    return video_of(LONG, crc32(name.encode()))


def nothing(caller: Caller, subject: Subject) -> None:
    """Begin with the call."""


def fields(subject: Subject) -> dict[str, Any]:
    return {
        "fileName": f"{subject.name}.jpg",
        "contentType": "image/jpeg",
        "fileSize": len(subject.content),
        "service": "blog",
        "sha256": sha256(subject.content).hexdigest(),
    }


def presign(caller: Caller, subject: Subject) -> httpx.Response:
    return caller.presign_named(subject.name, **fields(subject))


def upload(caller: Caller, subject: Subject) -> httpx.Response:
    signed = presign(caller, subject).json()
    subject.known |= signed
    assert caller.put(signed, subject.content).status_code in (200, 412)
    return caller.complete(signed["mediaId"])


def presign_and_put(caller: Caller, subject: Subject) -> None:
    subject.known |= presign(caller, subject).json()
    assert caller.put(subject.known, subject.content).status_code == 200


def presign_and_store_something_else(caller: Caller, subject: Subject) -> None:
    subject.ends_as = "refused"
    subject.known |= presign(caller, subject).json()
    store(caller.url, subject.known["key"], b"something else", ContentType="image/jpeg")


def complete(caller: Caller, subject: Subject) -> httpx.Response:
    return caller.complete(subject.media_id)


def have_uploaded(caller: Caller, subject: Subject) -> None:
    upload(caller, subject).raise_for_status()
    subject.ends_as = "deleted"


def delete(caller: Caller, subject: Subject) -> httpx.Response:
    return caller.delete(subject.media_id)


def ingest(caller: Caller, subject: Subject) -> httpx.Response:
    return caller.http.post(
        f"{caller.url}/upload/ingest-url",
        headers=caller.headers,
        json={"url": f"{subject.world}/{subject.name}", "service": "blog"},
    )


def open_transfer(caller: Caller, subject: Subject) -> httpx.Response:
    named = {"fileName": "a.mp4", "contentType": "video/mp4", "service": "blog"}
    size = {"fileSize": len(subject.content)}
    return caller.http.post(
        f"{caller.url}/upload/open", headers=caller.headers, json={**named, **size}
    )


def have_opened(caller: Caller, subject: Subject) -> None:
    subject.known |= opened(caller, len(subject.content))


def init(caller: Caller, subject: Subject) -> httpx.Response:
    url = f"{caller.url}/media/upload/init"
    return caller.http.post(url, headers=bearer(subject.known), json={})


def have_begun(caller: Caller, subject: Subject) -> None:
    have_opened(caller, subject)
    assert init(caller, subject).status_code == 201


def send_chunk(caller: Caller, subject: Subject, index: int) -> httpx.Response:
    place = f"upload_id={subject.known['uploadId']}&chunk_index={index}"
    headers = bearer(subject.known, **{"content-type": "application/octet-stream"})
    content = subject.content[index * PART : (index + 1) * PART]
    return caller.http.post(
        f"{caller.url}/media/upload/chunk?{place}", headers=headers, content=content
    )


def have_sent_chunks(caller: Caller, subject: Subject) -> None:
    have_begun(caller, subject)
    for index in range(-(-len(subject.content) // PART)):
        assert send_chunk(caller, subject, index).status_code == 200


def finalize(caller: Caller, subject: Subject) -> httpx.Response:
    url = f"{caller.url}/media/upload/{subject.known['uploadId']}/finalize"
    return caller.http.post(url, headers=bearer(subject.known))


def send_missing_chunks(caller: Caller, subject: Subject) -> httpx.Response:
    if "uploadId" not in subject.known:
        have_opened(caller, subject)
    begun = init(caller, subject)
    if begun.status_code == 409 and begun.json()["code"] == "ALREADY_COMMITTED":
        return finalize(caller, subject)
    assert begun.status_code == 201, begun.text
    url = f"{caller.url}/media/upload/{subject.known['uploadId']}/status"
    status = caller.http.get(url, headers=bearer(subject.known)).json()
    for index in status["missing_chunks"]:
        assert send_chunk(caller, subject, index).status_code == 200
    return finalize(caller, subject)


def have_sent_all_but_a_tail(caller: Caller, subject: Subject) -> None:
    """Send a part, then some bytes that wait to become one."""
    have_opened(caller, subject)
    headers = bearer(subject.known, **TUS, **{"upload-length": str(len(subject.content))})
    created = caller.http.post(f"{caller.url}/files/tus", headers=headers)
    subject.known["path"] = urlsplit(created.headers["location"]).path
    assert send_stream(caller, subject, 0, PART + TAIL).status_code == 204


def send_stream(caller: Caller, subject: Subject, at: int, to: int | None) -> httpx.Response:
    stream = {"upload-offset": str(at), "content-type": "application/offset+octet-stream"}
    return caller.http.patch(
        caller.url + subject.known["path"],
        headers=bearer(subject.known, **TUS, **stream),
        content=subject.content[at:to],
    )


def send_tail(caller: Caller, subject: Subject) -> httpx.Response:
    return send_stream(caller, subject, PART + TAIL, None)


def resume(caller: Caller, subject: Subject) -> httpx.Response:
    url = caller.url + subject.known["path"]
    head = caller.http.head(url, headers=bearer(subject.known, **TUS))
    offset = int(head.headers["upload-offset"])
    if offset < len(subject.content):
        answer = send_stream(caller, subject, offset, None)
        assert answer.status_code == 204, answer.text
    return complete(caller, subject)


def have_put_parts(caller: Caller, subject: Subject) -> None:
    have_opened(caller, subject)
    base = f"{caller.url}/s3/multipart"
    headers = bearer(subject.known)
    described = {"filename": "a.mp4", "type": "video/mp4", "metadata": {}}
    begun = caller.http.post(base, headers=headers, json=described).json()
    query = f"?key={quote(begun['key'], safe='')}"
    parts = []
    for number in range(1, -(-len(subject.content) // PART) + 1):
        part = f"{base}/{begun['uploadId']}/{number}{query}"
        url = caller.http.get(part, headers=headers).json()["url"]
        put = httpx.put(url, content=subject.content[(number - 1) * PART : number * PART])
        assert put.status_code == 200, put.text
        parts.append({"PartNumber": number, "ETag": put.headers["etag"]})
    subject.known |= {
        "parts": parts,
        "path": f"/s3/multipart/{begun['uploadId']}/complete{query}",
    }


def join_parts(caller: Caller, subject: Subject) -> httpx.Response:
    return caller.http.post(
        caller.url + subject.known["path"],
        headers=bearer(subject.known),
        json={"parts": subject.known["parts"]},
    )


def have_asked_where_to_send(caller: Caller, subject: Subject) -> None:
    have_opened(caller, subject)
    answer = caller.http.get(
        f"{caller.url}/s3/params?filename=a.mp4&type=video/mp4", headers=bearer(subject.known)
    )
    subject.known["path"] = urlsplit(answer.json()["url"]).path


def send_form_with_token(caller: Caller, subject: Subject) -> httpx.Response:
    return caller.http.post(
        caller.url + subject.known["path"],
        files={"file": ("a.mp4", subject.content, "video/mp4")},
    )


def send_form_again(caller: Caller, subject: Subject) -> httpx.Response:
    answer = send_form_with_token(caller, subject)
    if answer.status_code == 409 and answer.json()["code"] == "ALREADY_COMMITTED":
        return complete(caller, subject)
    return answer


def send_form(caller: Caller, subject: Subject) -> httpx.Response:
    return caller.http.post(
        f"{caller.url}/media/upload/simple",
        headers=caller.headers,
        files={"file": ("a.jpg", subject.content, "image/jpeg")},
    )


OPERATIONS: Mapping[str, Operation] = {
    "presign": Operation(photo, nothing, presign, upload),
    "complete": Operation(photo, presign_and_put, complete, complete),
    "refusal": Operation(photo, presign_and_store_something_else, complete, complete),
    "deletion": Operation(photo, have_uploaded, delete, delete),
    "ingest": Operation(lambda name: picture_at(f"/{name}"), nothing, ingest, ingest),
    "form": Operation(photo, nothing, send_form, send_form),
    "form-with-token": Operation(
        long_video, have_asked_where_to_send, send_form_with_token, send_form_again
    ),
    "open": Operation(short_video, nothing, open_transfer, send_missing_chunks),
    "init": Operation(short_video, have_opened, init, send_missing_chunks),
    "chunk": Operation(
        short_video,
        have_begun,
        lambda caller, subject: send_chunk(caller, subject, 0),
        send_missing_chunks,
    ),
    "finalize": Operation(short_video, have_sent_chunks, finalize, send_missing_chunks),
    "tus": Operation(long_video, have_sent_all_but_a_tail, send_tail, resume),
    "multipart": Operation(long_video, have_put_parts, join_parts, join_parts),
}
"""By name."""
