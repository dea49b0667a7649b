"""How a file is given out: RFC 9110 around it, tokens before it, security headers on it."""

import hashlib
import json
import random
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import quote, unquote, urlsplit

import httpx
import jwt
import pytest

from media_engine.uploads.model import MEDIA_TYPES
from tests.conftest import RunningWorker
from tests.media import JPEG, SMALLEST, photo_holding, photo_saying, video_head
from tests.unit.http.vectors import Case, StoredFile, received, requests
from tests.worker.bucket import remove, store
from tests.worker.caller import Caller
from tests.worker.state import await_cached
from tests.worker.tokens import KID, SECRET, file_url, mint
from tests.worker.wire import send

VECTORS = Path(__file__).parents[1] / "vectors"
MIB = 1024 * 1024

CONDITIONS_AND_RANGES = [*requests("ranges.json"), *requests("conditional.json")]
DISPOSITIONS = json.loads((VECTORS / "disposition.json").read_text(encoding="utf-8"))["cases"]
TOKENS = json.loads((VECTORS / "token.json").read_text(encoding="utf-8"))["cases"]


@pytest.fixture(scope="module")
def private(alice: Caller) -> dict[str, Any]:
    """A private photo."""
    return alice.upload(JPEG, fileName="mine.jpg")


@pytest.fixture(scope="module")
def public(alice: Caller) -> dict[str, Any]:
    """A photo for everybody."""
    return alice.upload(JPEG, fileName="ours.jpg", visibility="public")


def assert_refused(answer: Any, status: int, code: str) -> None:
    """It is the envelope, it says this, and nobody keeps it."""
    assert answer.status_code == status, answer.text
    body = answer.json()
    assert (body["code"], body["status"]) == (code, status)
    assert body["error"]
    assert body["requestId"] == answer.headers["x-request-id"]
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"


# Ranges and conditions.


def key_of(url: str) -> str:
    """Return the key in a URL of `/m/`."""
    return unquote(urlsplit(url).path.removeprefix("/m/"))


Sized: TypeAlias = Mapping[int, tuple[str, bytes, StoredFile]]
"""For each size that the vectors ask for, a file of it: its URL, its bytes, its validators."""


def store_sized(caller: Caller) -> Sized:
    """Store the files that the vectors ask for."""
    files = {}
    for size in {case.file.size for case in CONDITIONS_AND_RANGES}:
        content = random.Random(size).randbytes(size)
        # No photo is so small as some of them.
        key = f"t/acme/blog/2026/11/sized-{size}.jpg"
        store(caller.url, key, content, ContentType="image/jpeg")
        url = file_url(caller.url, key)
        head = caller.http.head(url).headers
        modified = int(parsedate_to_datetime(head["last-modified"]).timestamp())
        files[size] = (url, content, StoredFile(size, head["etag"], modified))
    return files


@pytest.fixture(scope="module")
def in_store(cacheless: Caller) -> Sized:
    """The files on a Worker that caches nothing."""
    return store_sized(cacheless)


@pytest.fixture(scope="module")
def in_cache(alice: Caller, worker: RunningWorker) -> Sized:
    """The files in the edge cache and nowhere else, but for the empty one, which is not cached."""
    files = store_sized(alice)
    keys = [key_of(url) for size, (url, _, _) in files.items() if size]
    for url, content, _ in files.values():
        assert alice.http.get(url).content == content
    await_cached(worker.state, *(f"private/{key}" for key in keys))
    remove(alice.url, *keys)
    return files


@pytest.mark.parametrize("where", ["in_store", "in_cache"])
@pytest.mark.parametrize("case", CONDITIONS_AND_RANGES, ids=lambda case: case.name)
def test_a_vector_of_rfc_9110_is_answered(
    alice: Caller, request: pytest.FixtureRequest, case: Case, where: str
) -> None:
    sized: Sized = request.getfixturevalue(where)
    url, content, file = sized[case.file.size]
    headers = [
        (name.encode(), value.encode("latin-1")) for name, value in case.headers_for(file).items()
    ]
    answer = alice.http.request(case.method, url, headers=headers)

    assert answer.status_code == case.status
    if case.method == "HEAD" or case.status == 304:
        assert answer.content == b""
    elif case.status == 206:
        parts = received(answer.headers, answer.content)
        assert tuple(content_range for content_range, _ in parts) == case.ranges
        for content_range, part in parts:
            first, _, last = content_range.split()[1].split("/")[0].partition("-")
            assert part == content[int(first) : int(last) + 1]
        assert answer.headers["content-length"] == str(len(answer.content))
    elif case.status == 416:
        assert (answer.headers["content-range"],) == case.ranges
    elif case.status == 200:
        assert answer.content == content
        assert answer.headers["content-length"] == str(len(content))
    if case.status in (200, 206, 304):
        assert answer.headers["etag"] == file.etag
        assert "last-modified" in answer.headers
    else:
        codes = {412: "PRECONDITION_FAILED", 416: "RANGE_NOT_SATISFIABLE"}
        if case.method != "HEAD":
            assert_refused(answer, case.status, codes[case.status])


def test_a_token_in_the_path_opens_what_it_opens_in_the_query(
    alice: Caller, private: dict[str, Any]
) -> None:
    url = file_url(alice.url, private["key"])
    address, _, token = url.partition("?t=")
    viewed = address.replace("/m/", f"/view/{token}/")
    for headers in ({}, {"range": "bytes=1-2"}, {"range": "bytes=0-0,-1"}, {"range": "bytes=99-"}):
        asked, seen = (alice.http.get(one, headers=headers) for one in (url, viewed))
        assert seen.status_code == asked.status_code
        assert seen.headers["content-length"] == asked.headers["content-length"]
    assert_refused(alice.http.get(viewed.replace(token, "x")), 401, "TOKEN_MALFORMED")
    assert_refused(alice.http.get(viewed + "x"), 401, "TOKEN_KEY_MISMATCH")
    assert alice.http.post(viewed).headers["allow"] == "GET, HEAD"


def test_not_modified_has_the_headers_of_the_file_but_for_its_length(
    alice: Caller, private: dict[str, Any]
) -> None:
    url = file_url(alice.url, private["key"])
    whole = alice.http.get(url).headers
    cached = alice.http.get(url, headers={"if-none-match": whole["etag"]})
    assert cached.status_code == 304
    assert described(cached.headers) == described(whole)


def described(headers: httpx.Headers) -> dict[str, str]:
    """Return what headers say about the file, not about the message."""
    return {
        name: value for name, value in headers.items() if name not in ("content-length", "date")
    }


@pytest.mark.parametrize("visibility", ["private", "public"])
def test_head_answers_as_get_without_the_body(alice: Caller, visibility: str) -> None:
    key = alice.upload(JPEG, visibility=visibility)["key"]
    url = file_url(alice.url, key) if visibility == "private" else f"{alice.url}/m/{key}"
    get, head = alice.http.get(url), alice.http.head(url)
    assert (head.status_code, head.content) == (200, b"")
    assert dict(head.headers) == dict(get.headers)


@pytest.mark.parametrize(
    ("path", "status"), [("/m/t/acme/x.jpg", 401), ("/m/x/acme/x.jpg", 404), ("/nothing", 404)]
)
def test_head_of_an_error_has_no_body(alice: Caller, path: str, status: int) -> None:
    get, head = alice.http.get(alice.url + path), alice.http.head(alice.url + path)
    assert (head.status_code, head.content) == (status, b"")
    for name in ("content-type", "cache-control"):
        assert head.headers[name] == get.headers[name]


# What a file is served with.

IMAGE_POLICY = "default-src 'none'; sandbox"
SVG_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"
VIDEO_POLICY = "default-src 'none'; media-src 'self'; style-src 'unsafe-inline'"
FOR_EVER = "public, max-age=31536000, immutable"

each_type = pytest.mark.parametrize(
    ("content_type", "security_policy", "public_cache"),
    [
        ("image/jpeg", IMAGE_POLICY, FOR_EVER),
        ("image/png", IMAGE_POLICY, FOR_EVER),
        ("image/webp", IMAGE_POLICY, FOR_EVER),
        ("image/gif", IMAGE_POLICY, FOR_EVER),
        ("image/avif", IMAGE_POLICY, FOR_EVER),
        ("image/svg+xml", SVG_POLICY, FOR_EVER),
        ("video/mp4", VIDEO_POLICY, FOR_EVER),
        ("video/webm", VIDEO_POLICY, FOR_EVER),
        ("application/pdf", "default-src 'none'", "public, max-age=86400"),
    ],
)


@each_type
def test_a_private_file_is_served_with_what_keeps_it_harmless(
    alice: Caller, content_type: str, security_policy: str, public_cache: str
) -> None:
    del public_cache  # It is private.
    file = alice.upload(SMALLEST[content_type], contentType=content_type, fileName="a b.x")
    extension = MEDIA_TYPES[content_type].extension
    answer = alice.http.get(file_url(alice.url, file["key"]))
    assert described(answer.headers) == {
        "content-type": content_type,
        "content-disposition": f'inline; filename="a b.x.{extension}"',
        "content-security-policy": security_policy,
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "accept-ranges": "bytes",
        "etag": file["etag"],
        "last-modified": answer.headers["last-modified"],
        "cache-control": "private, no-store",
        # What the development settings say.
        "cross-origin-resource-policy": "cross-origin",
    }


@each_type
def test_a_public_file_needs_no_token_and_is_kept_and_read_by_anybody(
    alice: Caller, content_type: str, security_policy: str, public_cache: str
) -> None:
    file = alice.upload(SMALLEST[content_type], contentType=content_type, visibility="public")
    answer = alice.http.get(f"{alice.url}/m/{file['key']}")
    assert answer.status_code == 200
    assert answer.content == SMALLEST[content_type]
    assert answer.headers["content-type"] == content_type
    assert answer.headers["content-security-policy"] == security_policy
    assert answer.headers["cache-control"] == public_cache
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    assert answer.headers["access-control-allow-origin"] == "*"
    exposed = answer.headers["access-control-expose-headers"].lower().split(", ")
    assert {"etag", "content-range", "content-length", "accept-ranges"} <= set(exposed)


@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [
        ("GET", {"range": "bytes=0-1"}, 206),
        ("GET", {"range": f"bytes={len(JPEG)}-"}, 416),
        ("GET", {"if-none-match": "*"}, 304),
        ("GET", {"if-match": '"x"'}, 412),
        ("HEAD", {}, 200),
    ],
)
def test_every_answer_about_a_public_file_is_read_by_any_page(
    alice: Caller, public: dict[str, Any], method: str, headers: dict[str, str], status: int
) -> None:
    answer = alice.http.request(method, f"{alice.url}/m/{public['key']}", headers=headers)
    assert answer.status_code == status
    assert answer.headers["access-control-allow-origin"] == "*"


def test_a_public_file_that_is_opened_with_a_token_is_kept_by_nobody(
    alice: Caller, public: dict[str, Any]
) -> None:
    answer = alice.http.get(file_url(alice.url, public["key"]))
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "private, no-store"
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize(
    ("stored_type", "served_type", "served_as"),
    [
        ("text/html", "application/octet-stream", 'attachment; filename="x.html"'),
        ("application/xhtml+xml", "application/octet-stream", 'attachment; filename="x.html"'),
        ("image/jpeg, text/html", "application/octet-stream", 'attachment; filename="x.html"'),
        ("nonsense", "application/octet-stream", 'attachment; filename="x.html"'),
        ("IMAGE/JPEG; charset=utf-8", "image/jpeg", 'inline; filename="x.html"'),
    ],
)
def test_a_stored_type_is_not_trusted_past_the_list(
    alice: Caller, stored_type: str, served_type: str, served_as: str
) -> None:
    # A key is written once, as an upload's is.
    key = f"t/acme/blog/2026/11/{quote(stored_type, safe='')}.html"
    store(
        alice.url,
        key,
        b"<script>alert(1)</script>",
        ContentType=stored_type,
        ContentDisposition='inline; filename="x.html"',
    )
    answer = alice.http.get(file_url(alice.url, key))
    assert answer.status_code == 200
    assert answer.headers["content-type"] == served_type
    assert answer.headers["content-disposition"] == served_as
    assert answer.headers["content-security-policy"] == IMAGE_POLICY
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "vector",
    [case for case in DISPOSITIONS if case["kind"] == "attachment" and case["filename"]],
    ids=lambda vector: vector["name"],
)
def test_a_token_says_under_which_name_the_file_is_saved(
    alice: Caller, private: dict[str, Any], vector: dict[str, Any]
) -> None:
    answer = alice.http.get(file_url(alice.url, private["key"], dl=vector["filename"]))
    assert answer.headers["content-disposition"] == vector["expect"]["header"]


def test_a_url_is_all_that_a_client_needs(alice: Caller, private: dict[str, Any]) -> None:
    answer = send(alice.url, "GET", file_url("", private["key"]))
    assert (answer.status, answer.content) == (200, JPEG)
    assert "set-cookie" not in answer.headers


# Tokens.


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ({"life": 0}, "TOKEN_EXPIRED"),
        ({"life": -3600}, "TOKEN_EXPIRED"),
        ({"nbf": 2_000_000_000}, "TOKEN_NOT_YET_VALID"),
        ({"iat": 2_000_000_000}, "TOKEN_NOT_YET_VALID"),
        ({"life": 3700}, "TOKEN_TTL_TOO_LONG"),
        ({"life": 86_600, "jti": "x"}, "TOKEN_TTL_TOO_LONG"),
        ({"iat": 0}, "TOKEN_TTL_TOO_LONG"),
        ({"kid": "dev2"}, "TOKEN_UNKNOWN_KEY"),
        ({"secret": b"another secret, as long as it must be"}, "TOKEN_BAD_SIGNATURE"),
        ({"aud": "mail"}, "TOKEN_MALFORMED"),
        ({"pfx": "t/acme/blog/a/summer/"}, "TOKEN_MALFORMED"),
        ({"dl": ""}, "TOKEN_MALFORMED"),
    ],
)
def test_a_token_that_does_not_hold_opens_nothing(
    alice: Caller, private: dict[str, Any], claims: dict[str, Any], code: str
) -> None:
    assert_refused(alice.http.get(file_url(alice.url, private["key"], **claims)), 401, code)


@pytest.mark.parametrize(
    "vector",
    # What these are refused for does not depend on the time. This Worker has no key k2.
    [
        case
        for case in TOKENS
        if case.get("code") in ("TOKEN_MALFORMED", "TOKEN_BAD_SIGNATURE", "TOKEN_UNKNOWN_KEY")
        and '"k2"' not in case.get("header", "")
    ],
    ids=lambda vector: vector["name"],
)
def test_a_vector_of_a_bad_token_is_refused(
    alice: Caller, private: dict[str, Any], vector: dict[str, Any]
) -> None:
    token = quote(vector["token"], safe="")
    answer = alice.http.get(f"{alice.url}/m/{private['key']}?t={token}")
    assert_refused(answer, 401, vector["code"])


def test_a_token_without_a_signature_opens_nothing(alice: Caller, private: dict[str, Any]) -> None:
    said = {"aud": "media", "exp": 2_000_000_000, "key": private["key"]}
    token = jwt.encode(said, None, algorithm="none", headers={"kid": KID})
    answer = alice.http.get(f"{alice.url}/m/{private['key']}?t={token}")
    assert_refused(answer, 401, "TOKEN_MALFORMED")


def test_a_token_signed_with_another_algorithm_opens_nothing(
    alice: Caller, private: dict[str, Any]
) -> None:
    said = {"aud": "media", "exp": 2_000_000_000, "key": private["key"]}
    secret = SECRET + bytes(64)
    token = jwt.encode(said, secret, algorithm="HS512", headers={"kid": KID})
    answer = alice.http.get(f"{alice.url}/m/{private['key']}?t={token}")
    assert_refused(answer, 401, "TOKEN_MALFORMED")


def test_a_token_opens_its_own_file_alone(alice: Caller, private: dict[str, Any]) -> None:
    other = alice.upload(photo_saying(b"other"))
    for key in (other["key"], private["key"].upper(), private["key"][:-1], private["key"] + "/x"):
        answer = alice.http.get(f"{alice.url}/m/{private['key']}?t={mint(key=key)}")
        assert_refused(answer, 401, "TOKEN_KEY_MISMATCH")


def test_one_token_opens_an_album_and_nothing_beside_it(alice: Caller) -> None:
    token = mint(pfx="t/acme/blog/a/summer/")
    inside = alice.upload(JPEG, album="summer")
    assert alice.http.get(f"{alice.url}/m/{inside['key']}?t={token}").content == JPEG
    for album in ("summer2", None):
        outside = alice.upload(JPEG, album=album)
        answer = alice.http.get(f"{alice.url}/m/{outside['key']}?t={token}")
        assert_refused(answer, 401, "TOKEN_KEY_MISMATCH")


@pytest.mark.parametrize(
    "headers", [{}, {"authorization": "Bearer {token}"}, {"cookie": "t={token}"}]
)
def test_a_private_file_needs_a_token_in_its_url(
    alice: Caller, private: dict[str, Any], headers: dict[str, str]
) -> None:
    token = mint(key=private["key"])
    sent = {name: value.format(token=token) for name, value in headers.items()}
    answer = alice.http.get(f"{alice.url}/m/{private['key']}", headers=sent)
    assert_refused(answer, 401, "TOKEN_MISSING")


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("t={token}", 200),
        ("w=100&t={token}&x=", 200),
        ("t={token}&t=bad", 200),
        ("t=bad&t={token}", 401),
        ("t=&t={token}", 401),
        ("T={token}", 401),
        ("tt={token}", 401),
        ("t", 401),
        ("{token}", 401),
        ("x=" + "x" * 10_000 + "&t={token}", 200),
        ("t=" + "x" * 10_000, 401),
        ("%74={token}", 401),
        ("t=%ff%fe", 401),
        ("t=%00", 401),
    ],
    ids=lambda value: str(value)[:24],
)
def test_the_token_is_the_first_t_of_the_query(
    alice: Caller, private: dict[str, Any], query: str, status: int
) -> None:
    target = f"/m/{private['key']}?" + query.format(token=mint(key=private["key"]))
    assert send(alice.url, "GET", target).status == status


def test_no_token_is_logged(alice: Caller, worker: RunningWorker, private: dict[str, Any]) -> None:
    good, bad = mint(key=private["key"]), mint(key=private["key"], life=-1)
    answers = [
        alice.http.get(f"{alice.url}/m/{private['key']}?t={token}") for token in (good, bad, "bad")
    ]
    last = answers[-1].headers["x-request-id"]
    # The log is written behind the answers. What stands before its last line is in it, too.
    for _ in range(100):
        log = worker.log.read_text(errors="replace")
        if last in log:
            break
        alice.http.get(f"{alice.url}/health")
    assert last in log
    assert good not in log
    assert bad not in log


# What is not there.


def test_a_file_that_is_not_there_is_not_found_by_who_may_know(alice: Caller) -> None:
    key = "t/acme/blog/2026/11/aaaaaaaaaaaaaaaaaaaaa.jpg"
    assert_refused(alice.http.get(file_url(alice.url, key)), 404, "MEDIA_NOT_FOUND")
    assert_refused(alice.http.get(f"{alice.url}/m/{key}"), 401, "TOKEN_MISSING")


@pytest.mark.parametrize("visibility", ["private", "public"])
def test_a_file_that_is_still_on_its_way_is_not_there(alice: Caller, visibility: str) -> None:
    signed = alice.presigned(len(JPEG), visibility=visibility)
    assert_refused(alice.http.get(file_url(alice.url, signed["key"])), 404, "MEDIA_NOT_FOUND")
    assert_refused(alice.http.get(f"{alice.url}/m/{signed['key']}"), 401, "TOKEN_MISSING")


def test_a_public_file_that_is_gone_is_said_to_be_for_a_while(alice: Caller) -> None:
    signed = alice.presigned(len(JPEG), visibility="public")
    store(alice.url, signed["key"], b"else", ContentType="image/jpeg")
    assert alice.complete(signed["mediaId"]).status_code == 422
    for method in ("GET", "HEAD"):
        answer = alice.http.request(method, f"{alice.url}/m/{signed['key']}")
        assert answer.status_code == 410
        assert answer.headers["cache-control"] == "public, max-age=30"
    assert_refused(alice.http.get(file_url(alice.url, signed["key"])), 410, "MEDIA_GONE")


def test_a_range_of_a_file_that_is_gone_is_gone(alice: Caller) -> None:
    signed = alice.presigned(len(JPEG))
    store(alice.url, signed["key"], b"else", ContentType="image/jpeg")
    assert alice.complete(signed["mediaId"]).status_code == 422
    url = file_url(alice.url, signed["key"])
    for value in ("bytes=0-1", "bytes=-1", "bytes=0-"):
        assert_refused(alice.http.get(url, headers={"range": value}), 410, "MEDIA_GONE")
    assert_refused(alice.http.get(url, headers={"if-match": '"x"'}), 410, "MEDIA_GONE")


@pytest.mark.parametrize(
    "path",
    [
        "",
        "x",
        "x/acme/a.jpg",
        "v/t/acme/a.jpg/thumb.webp",
        "T/acme/a.jpg",
        "/t/acme/a.jpg",
        "t//a.jpg",
        "t/acme/",
        "t/acme//a.jpg",
        "t%5Cacme%5Ca.jpg",
        "t/acme%5C..%5Ca.jpg",
        "t/acme/a%00.jpg",
        "t/acme/a%0d%0aSet-Cookie:%20a=b",
        "t/acme/a%7f.jpg",
        "t/acme/%ff.jpg",
        "t/acme/%c0%ae%c0%ae/a.jpg",
        "t/acme/%ed%a0%80.jpg",
        "t/acme/..%2F..%2Fa.jpg",
        "t/..%2Fa.jpg",
        "t/acme/.%2Fa.jpg",
        "%2ft/acme/a.jpg",
        "%252e%252e/t/acme/a.jpg",
        "t/acme/" + "a" * 1024,
        "t/acme/" + "%C3%BC" * 512,
    ],
    ids=lambda path: path[:32] or "nothing",
)
@pytest.mark.parametrize("query", ["", "?t=x"])
def test_a_path_that_can_be_no_files_is_not_found_whoever_asks(
    alice: Caller, path: str, query: str
) -> None:
    answer = send(alice.url, "GET", f"/m/{path}{query}")
    assert answer.status == 404
    assert answer.json()["code"] == "MEDIA_NOT_FOUND"
    assert answer.headers["cache-control"] == ("no-store" if query else "public, max-age=30")


@pytest.mark.parametrize(
    "spell",
    [
        lambda key: key.replace("/", "%252F"),
        lambda key: key.replace("t/", "%2574/", 1),
        lambda key: key.replace("/", "%5C"),
        lambda key: key.replace("/", "//", 1),
        lambda key: key + "/",
        lambda key: key + "%00",
        lambda key: key + "%20",
        lambda key: key + ".",
        lambda key: key + ";x",
        lambda key: key + "%3Ft=x",
        lambda key: key.replace("acme", "ACME"),
        lambda key: key.replace("blog", "blog/%252e%252e/blog"),
        lambda key: key.replace("blog", "blog/..%2Fblog"),
    ],
)
def test_a_file_has_no_second_name(alice: Caller, public: dict[str, Any], spell: Any) -> None:
    assert send(alice.url, "GET", f"/m/{public['key']}").status == 200
    assert send(alice.url, "GET", f"/m/{spell(public['key'])}").status in (401, 404)


@pytest.mark.parametrize("spell", [lambda key: key, lambda key: key.replace("t/", "%74%2F", 1)])
def test_a_path_is_decoded_once(alice: Caller, public: dict[str, Any], spell: Any) -> None:
    assert send(alice.url, "GET", f"/m/{spell(public['key'])}").status == 200


# Methods.


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND", "QUERY"])
@pytest.mark.parametrize("path", ["/m/t/acme/a.jpg", "/m/", "/m/x"])
def test_a_file_is_only_read(alice: Caller, method: str, path: str) -> None:
    answer = alice.http.request(method, alice.url + path)
    assert_refused(answer, 405, "METHOD_NOT_ALLOWED")
    assert answer.headers["allow"] == "GET, HEAD"


def test_a_page_of_another_origin_may_ask_for_ranges(alice: Caller) -> None:
    answer = alice.http.options(
        f"{alice.url}/m/t/acme/a.jpg",
        headers={
            "origin": "https://app.example.com",
            "access-control-request-method": "GET",
            "access-control-request-headers": "range",
        },
    )
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["access-control-allow-methods"] == "GET, HEAD"
    assert "range" in answer.headers["access-control-allow-headers"].lower().split(", ")
    assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize(
    ("method", "status"),
    [
        ("BREW", 501),
        ("get", 501),
        ("G" * 1000, 501),
        ("M-SEARCH", 501),
        ("PURGE", 405),
        ("LOCK", 405),
        (b"\x00", 400),
        (b"G\xc3\x89T", 400),
        ("", 400),
    ],
)
def test_a_verb_that_nobody_knows_breaks_nothing(
    alice: Caller, method: str | bytes, status: int
) -> None:
    assert send(alice.url, method, "/m/t/acme/a.jpg").status == status


@pytest.mark.parametrize("target", ["m/t/a", "/m/t/a b", b"/m/t/\xff", b"/m/t/a\x00b", "", "/m/ /"])
def test_a_request_line_that_is_none_breaks_nothing(alice: Caller, target: str | bytes) -> None:
    assert send(alice.url, "GET", target).status == 400


@pytest.mark.parametrize(
    "header",
    [
        b"Range: bytes=0-0\xff",
        b"Range: " + b"bytes=" + b"0-0," * 5_000,
        b"Range: bytes=" + b"9" * 10_000 + b"-",
        b"If-None-Match: \xff\xfe",
        b"If-None-Match: " + b'"a",' * 5_000,
        b"If-Match: " + b"W/" * 5_000,
        b"If-Modified-Since: " + b"Fri, " * 3_000,
        b"If-Range: \x80",
        b"X-Forwarded-Host: evil.example.com",
        b"Content-Length: 0",
        b"Range: bytes=0-0\r\nRange: bytes=1-1",
    ],
    ids=lambda header: header[:24].decode("latin-1"),
)
def test_a_header_that_makes_no_sense_breaks_nothing(
    alice: Caller, private: dict[str, Any], header: bytes
) -> None:
    answer = send(alice.url, "GET", file_url("", private["key"]), header)
    assert answer.status in (200, 206, 400, 412, 416)
    assert send(alice.url, "GET", file_url("", private["key"])).content == JPEG


# Many at once.


def test_fifty_readers_at_the_same_time_all_get_the_file(alice: Caller) -> None:
    content = photo_holding(random.Random(50).randbytes(200_000))
    url = file_url(alice.url, alice.upload(content)["key"])
    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(alice.http.get, [url] * 50))
    assert [answer.status_code for answer in answers] == [200] * 50
    assert all(answer.content == content for answer in answers)


def test_two_readers_of_one_video_do_not_disturb_each_other(alice: Caller) -> None:
    head = video_head(20 * MIB)
    content = head + random.Random(20).randbytes(20 * MIB - len(head))
    file = alice.upload(content, contentType="video/mp4", fileName="long.mp4")
    url, half = file_url(alice.url, file["key"]), len(content) // 2
    first, second = hashlib.sha256(), hashlib.sha256()
    with (
        alice.http.stream("GET", url, headers={"range": f"bytes=0-{half - 1}"}) as one,
        alice.http.stream("GET", url, headers={"range": f"bytes={half}-"}) as two,
    ):
        for chunk, other in zip(one.iter_bytes(64_000), two.iter_bytes(64_000), strict=True):
            first.update(chunk)
            second.update(other)
    assert first.digest() == hashlib.sha256(content[:half]).digest()
    assert second.digest() == hashlib.sha256(content[half:]).digest()


def test_a_reader_who_leaves_early_leaves_the_others_alone(
    alice: Caller, worker: RunningWorker
) -> None:
    head = video_head(20 * MIB)
    content = head + random.Random(21).randbytes(20 * MIB - len(head))
    file = alice.upload(content, contentType="video/mp4", fileName="long.mp4")
    url = file_url(worker.url, file["key"])
    for _ in range(5):
        with httpx.stream("GET", url) as left:
            next(left.iter_raw(1000))
    assert alice.http.get(url).content == content
