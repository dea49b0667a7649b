"""Everything that can be wrong with a call of the service API, and what is answered.

After every refusal everything is as it was: no row without a purpose, no object without a row.
"""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.conftest import RunningWorker
from tests.worker.caller import Caller
from tests.worker.state import kept

PRESIGN = ("POST", "/upload/presign")
COMPLETE = ("PATCH", "/upload/complete")
UPDATE = ("PATCH", "/files/media_" + "a" * 21)
DELETE = ("DELETE", "/files/media_" + "a" * 21)
each_call = pytest.mark.parametrize("call", [PRESIGN, COMPLETE, UPDATE], ids=lambda call: call[1])

PHOTO = {"fileName": "a.jpg", "contentType": "image/jpeg", "fileSize": 5, "service": "blog"}
MIB = 1024 * 1024
TOO_LONG = 64 * 1024 + 1

# What is no text, no number, no name, whatever the field.
NO_TEXT: list[object] = [7, 1.5, True, False, [], ["a"], {}, {"a": "b"}]
NO_NAME = ["", " ", "a b", "a/b", "..", "ü", "a.b", "a\n", "\x00", "a" * 65]


@pytest.fixture(autouse=True)
def _nothing_is_left_half_done(worker: RunningWorker) -> Iterator[None]:
    before = kept(worker.state)
    yield
    assert kept(worker.state) == before


def assert_refused(answer: httpx.Response, status: int, code: str, **details: Any) -> None:
    """It is the envelope, with these details and nothing else in it."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    sentence = body.pop("error")
    assert body.pop("requestId") == answer.headers["x-request-id"]
    assert body == {"code": code, "status": status, **details}
    named = details.get("fields", [details["field"]] if "field" in details else [])
    assert all(name in sentence for name in named)


def send(
    caller: Caller, call: tuple[str, str], content: Any, **headers: str | None
) -> httpx.Response:
    """Make a call with these bytes for a body, and other headers; None leaves one out."""
    usual = {**caller.headers, "content-type": "application/json"}
    changed = {**usual, **{name.replace("_", "-"): value for name, value in headers.items()}}
    sent = [(name.encode(), value.encode()) for name, value in changed.items() if value is not None]
    method, path = call
    return caller.http.request(method, caller.url + path, headers=sent, content=content)


# The fields of presign.


@pytest.mark.parametrize("field", list(PHOTO))
def test_a_field_that_is_missing_is_named(alice: Caller, field: str) -> None:
    without = {name: value for name, value in PHOTO.items() if name != field}
    assert_refused(alice.presign(**without), 400, "MISSING_FIELDS", fields=[field])
    assert_refused(alice.presign(**PHOTO | {field: None}), 400, "MISSING_FIELDS", fields=[field])


def test_all_fields_that_are_missing_are_named(alice: Caller) -> None:
    answer = alice.presign(filename="a.jpg", album="summer")
    assert_refused(answer, 400, "MISSING_FIELDS", fields=list(PHOTO))


UNUSABLE: dict[str, list[object]] = {
    "fileName": [*NO_TEXT, "", "  ", "\t\n", "a" * 1025],
    "contentType": NO_TEXT,
    "fileSize": ["5", "", [], [5], {}, True, False, 1.5, 5.0, 1e3, 0, -1, -(2**63)],
    "service": [*NO_TEXT, *NO_NAME],
    "album": [*NO_TEXT, *NO_NAME],
    "visibility": [*NO_TEXT, "", "PUBLIC", "secret", "public "],
}


@pytest.mark.parametrize(
    ("field", "value"),
    [(field, value) for field, values in UNUSABLE.items() for value in values],
    ids=repr,
)
def test_a_field_that_cannot_be_used_is_named(alice: Caller, field: str, value: object) -> None:
    answer = alice.presign(**{**PHOTO, field: value})
    assert_refused(answer, 400, "INVALID_FIELD", field=field)


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "jpeg",
        "image/",
        "image/jpg",
        "image/*",
        "*/*",
        "image/jpeg, text/html",
        "image/jpeg\r\nx: y",
        "image/tiff",
        "image/svg",
        "text/html",
        "text/plain",
        "application/octet-stream",
        "application/zip",
        "video/quicktime",
        "x" * 10_000,
    ],
    ids=lambda content_type: content_type[:24],
)
def test_a_type_that_is_not_on_the_list_is_refused(alice: Caller, content_type: str) -> None:
    answer = alice.presign(**{**PHOTO, "contentType": content_type})
    assert_refused(answer, 400, "UNSUPPORTED_MIME", field="contentType")


@pytest.mark.parametrize(
    ("content_type", "most"),
    [
        ("image/jpeg", 10 * MIB),
        ("image/svg+xml", 10 * MIB),
        ("video/mp4", 500 * MIB),
        ("application/pdf", 10 * MIB),
    ],
)
@pytest.mark.parametrize("over", [1, 10**12, 10**400])
def test_a_file_that_is_too_large_for_its_type_is_refused(
    alice: Caller, content_type: str, most: int, over: int
) -> None:
    answer = alice.presign(**{**PHOTO, "contentType": content_type, "fileSize": most + over})
    assert_refused(answer, 400, "FILE_TOO_LARGE", field="fileSize")


# The field of complete.


@pytest.mark.parametrize("body", [{}, {"mediaId": None}, {"mediaID": "x"}])
def test_an_id_that_is_missing_is_named(alice: Caller, body: dict[str, object]) -> None:
    answer = send(alice, COMPLETE, json.dumps(body).encode())
    assert_refused(answer, 400, "MISSING_FIELDS", fields=["mediaId"])


@pytest.mark.parametrize(
    "value",
    [
        *NO_TEXT,
        "",
        "media_",
        "media_" + "a" * 20,
        "media_" + "a" * 22,
        "MEDIA_" + "a" * 21,
        "image_" + "a" * 21,
        "a" * 27,
        "media_" + "a" * 20 + "\n",
        "media_" + "a" * 20 + "ü",
        "media_" + "a" * 20 + "/",
        "media_' OR '1'='1' --xxxxxx",
        "t/acme/blog/2026/11/aaaaaaaaaaaaaaaaaaaaa.jpg",
    ],
    ids=repr,
)
def test_an_id_that_cannot_be_one_is_named(alice: Caller, value: object) -> None:
    assert_refused(alice.complete(value), 400, "INVALID_FIELD", field="mediaId")


def test_an_id_that_nobody_was_given_is_not_found(alice: Caller) -> None:
    assert_refused(alice.complete("media_" + "a" * 21), 404, "MEDIA_NOT_FOUND")


# What the gateway says.

NO_ID = ["a b", "a/b", "..", "ü", "a,b", "t:acme", "'", "a" * 65, "😀"]


@each_call
@pytest.mark.parametrize(
    "key", [None, "", "dev-gateway-ke", "dev-gateway-keyy", "DEV-GATEWAY-KEY", "ü", "x" * 10_000]
)
def test_whoever_is_not_the_gateway_is_turned_away(
    alice: Caller, call: tuple[str, str], key: str | None
) -> None:
    assert_refused(send(alice, call, b"{}", x_gateway_key=key), 401, "UNAUTHORIZED")


@each_call
@pytest.mark.parametrize("user", [None, ""])
def test_a_call_for_nobody_is_turned_away(
    alice: Caller, call: tuple[str, str], user: str | None
) -> None:
    assert_refused(send(alice, call, b"{}", x_user_id=user), 401, "UNAUTHORIZED")


@each_call
@pytest.mark.parametrize(
    ("header", "value"),
    [
        *(("x-user-id", value) for value in NO_ID),
        # An empty one would move a tenant's files to a user.
        *(("x-tenant-id", value) for value in ("", *NO_ID)),
        # An empty one would leave a shim's files to everybody.
        *(("x-media-shim", value) for value in ("", *NO_ID)),
    ],
)
def test_an_id_of_the_gateway_that_is_none_is_named(
    alice: Caller, call: tuple[str, str], header: str, value: str
) -> None:
    answer = send(alice, call, b"{}", **{header.replace("-", "_"): value})
    assert_refused(answer, 400, "INVALID_FIELD", field=header)


@pytest.mark.parametrize("header", ["x-user-id", "x-tenant-id"])
def test_an_id_of_the_gateway_that_is_there_twice_is_none(alice: Caller, header: str) -> None:
    answer = alice.http.post(
        f"{alice.url}/upload/presign",
        headers=[*alice.headers.items(), (header, "mallory")],
        json=PHOTO,
    )
    assert_refused(answer, 400, "INVALID_FIELD", field=header)


@pytest.mark.parametrize(
    "permissions",
    [None, "", ",", "media:files.read", "media:files", "media:files.write.x", "MEDIA:FILES.WRITE"],
)
def test_whoever_may_not_write_uploads_nothing(alice: Caller, permissions: str | None) -> None:
    presign = send(alice, PRESIGN, json.dumps(PHOTO).encode(), x_user_permissions=permissions)
    assert_refused(presign, 403, "FORBIDDEN")
    unknown = json.dumps({"mediaId": "media_" + "a" * 21}).encode()
    complete = send(alice, COMPLETE, unknown, x_user_permissions=permissions)
    assert_refused(complete, 403, "FORBIDDEN")
    for call in (UPDATE, DELETE):
        answer = send(alice, call, b'{"visibility": "public"}', x_user_permissions=permissions)
        assert_refused(answer, 403, "FORBIDDEN")


# What has no body, or whose body says too little.


@pytest.mark.parametrize("body", [b"", b"{", b'{"visibility": 7}', b" " * TOO_LONG])
def test_what_a_delete_has_for_a_body_is_nothing_to_it(alice: Caller, body: bytes) -> None:
    assert_refused(send(alice, DELETE, body), 404, "MEDIA_NOT_FOUND")


@pytest.mark.parametrize("visibility", [*NO_TEXT, "", "Public", "secret", "public\n"])
def test_a_visibility_that_is_none_is_named(alice: Caller, visibility: object) -> None:
    body = json.dumps({"visibility": visibility}).encode()
    assert_refused(send(alice, UPDATE, body), 400, "INVALID_FIELD", field="visibility")


@pytest.mark.parametrize("media_id", ["x", "media_", "media_" + "a" * 20, "..", "%2e%2e", "%00"])
@pytest.mark.parametrize("method", ["DELETE", "PATCH"])
def test_an_id_in_a_path_that_is_none_is_named(alice: Caller, method: str, media_id: str) -> None:
    answer = send(alice, (method, f"/files/{media_id}"), b'{"visibility": "public"}')
    if media_id in ("..", "%2e%2e"):  # Of that, HTTP makes another path.
        assert_refused(answer, 404, "NOT_FOUND")
    else:
        assert_refused(answer, 400, "INVALID_FIELD", field="mediaId")


# The body.


@each_call
@pytest.mark.parametrize(
    "content_type", [None, "", "text/plain", "application/x-www-form-urlencoded", "text/json", "ü"]
)
def test_a_body_that_is_not_declared_as_json_is_not_read(
    alice: Caller, call: tuple[str, str], content_type: str | None
) -> None:
    answer = send(alice, call, json.dumps(PHOTO).encode(), content_type=content_type)
    assert_refused(answer, 400, "INVALID_FIELD", field="content-type")


@each_call
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b" ",
        b"{",
        b"}",
        b"{}{}",
        b"null",
        b"true",
        b"7",
        b'"text"',
        b"[]",
        b"[{}]",
        b"{'a': 1}",
        b'{"a": 1,}',
        b'{"a": 01}',
        b'{"a": NaN}',
        b'{"a": -Infinity}',
        b'{"a": 1e999}',
        b'{"a": ' + b"9" * 5_000 + b"}",
        b'{"a": "\x01"}',
        b'{"a": "\xff"}',
        b'{"a": "\xed\xa0\x80"}',
        b'{"a": "\\ud800"}',
        b'{"\\udfff": 1}',
        b"\xef\xbb\xbf{}",
        '{"a": 1}'.encode("utf-16"),
        b'{"mediaId": "a", "mediaId": "b"}',
        b'{"a": {"b": 1, "b": 1}}',
        b'{"a": 1, "\\u0061": 1}',
        b"fileName=a.jpg",
        b"--x\r\n\r\n--x--",
        b"\x1f\x8b\x08\x00",
        b"\x00" * 100,
    ],
    ids=lambda content: repr(content)[:24],
)
def test_a_body_that_is_not_one_plain_json_object_is_refused(
    alice: Caller, call: tuple[str, str], content: bytes
) -> None:
    assert_refused(send(alice, call, content), 400, "INVALID_FIELD", field="body")


@each_call
@pytest.mark.parametrize("brackets", [b"[" * 65_000, b'{"a":' * 13_000, b"[" * 33 + b"]" * 33])
def test_a_body_that_is_too_deep_is_refused_and_the_isolate_lives(
    alice: Caller, call: tuple[str, str], brackets: bytes
) -> None:
    content = b'{"a":' + brackets + b"}"
    assert_refused(send(alice, call, content), 400, "INVALID_FIELD", field="body")
    assert alice.http.get(f"{alice.url}/health").json()["status"] == "ok"


def in_chunks(content: bytes) -> Iterator[bytes]:
    """Give the bytes so that their length is not announced."""
    for start in range(0, len(content), 10_000):
        yield content[start : start + 10_000]


@each_call
@pytest.mark.parametrize(
    "content", [b"[" * 100_000, b" " * TOO_LONG], ids=["100,000 brackets", "a byte too much"]
)
def test_a_body_that_is_too_long_is_refused(
    alice: Caller, call: tuple[str, str], content: bytes
) -> None:
    assert_refused(send(alice, call, content), 400, "FILE_TOO_LARGE", field="body")
    assert_refused(send(alice, call, in_chunks(content)), 400, "FILE_TOO_LARGE", field="body")


@pytest.mark.parametrize(
    ("path", "gateway_key", "status", "code"),
    [
        ("/upload/presign", "dev-gateway-key", 400, "FILE_TOO_LARGE"),
        ("/upload/presign", "wrong", 401, "UNAUTHORIZED"),
        ("/upload/complete", "dev-gateway-key", 405, "METHOD_NOT_ALLOWED"),
        ("/nothing/here", "dev-gateway-key", 404, "NOT_FOUND"),
    ],
)
def test_a_client_that_sends_far_too_much_still_hears_why_it_was_refused(
    alice: Caller, path: str, gateway_key: str, status: int, code: str
) -> None:
    # A connection that is answered too early is only sometimes reset before the answer is read.
    for _ in range(10):
        answer = send(alice, ("POST", path), bytes(10 * MIB), x_gateway_key=gateway_key)
        assert (answer.status_code, answer.text[:1]) == (status, "{")
        assert answer.json()["code"] == code


def test_members_that_nobody_asked_for_change_nothing(alice: Caller) -> None:
    body = {"__proto__": {"mediaId": "x"}, "constructor": 1, "scope": "t:globex", "key": "u/x"}
    answer = send(alice, COMPLETE, json.dumps(body).encode())
    assert_refused(answer, 400, "MISSING_FIELDS", fields=["mediaId"])


# The routes.

ROUTES = {"/upload/presign": "POST", "/upload/complete": "PATCH", "/health": "GET, HEAD"}


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("path", list(ROUTES))
def test_a_route_has_its_methods_and_says_them(alice: Caller, path: str, method: str) -> None:
    allowed = ROUTES[path]
    answer = alice.http.request(method, alice.url + path)
    if method in allowed.split(", "):
        assert answer.status_code != 405
    else:
        assert answer.status_code == 405
        assert answer.headers["allow"] == allowed
        if method != "HEAD":
            assert answer.json()["code"] == "METHOD_NOT_ALLOWED"


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/upload",
        "/upload/",
        "/upload/presign/",
        "/upload/presign/x",
        "/Upload/Presign",
        "/upload%2Fpresign",
        "/upload/complete.json",
        "//upload/presign",
        "/internal/resolve",
        "/internal/",
        "/health/",
        "/.env",
        "/m",
        "/cdn-cgi/nothing",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "PATCH"])
def test_there_is_nothing_anywhere_else(alice: Caller, method: str, path: str) -> None:
    answer = alice.http.request(method, alice.url + path, headers=alice.headers)
    assert_refused(answer, 404, "NOT_FOUND")
