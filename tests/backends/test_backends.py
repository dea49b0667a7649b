"""What docs/backends.md tells to copy works: its programs are run, and speak to a real Worker."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, TypeAlias

import httpx
import pytest

from runtime.dev import read_variables
from runtime.process import ROOT
from tests.backends.backend import BACKENDS, running
from tests.conftest import ENV_FILE, RunningWorker, RunWorker
from tests.media import JPEG, photo_saying
from tests.worker.state import kept

PRESIGNS_A_MINUTE = 60

Built: TypeAlias = Callable[[str], Sequence[str]]


@dataclass(frozen=True)
class Browser:
    """Somebody's browser.

    Attributes:
        http: speaks to the backend, and to whatever it names.
        user: who is signed in, with a tenant or without; empty for nobody.
    """

    http: httpx.Client
    user: str

    def call(self, method: str, path: str, **options: Any) -> httpx.Response:
        headers = {"x-test-user": self.user, **options.pop("headers", {})}
        return self.http.request(method, f"/api/media/{path}", headers=headers, **options)

    def sign(self, content: bytes = JPEG, name: str | None = None, **changes: Any) -> Any:
        wanted = {"fileName": "sea.jpg", "contentType": "image/jpeg", "bytes": len(content)}
        headers = {} if name is None else {"idempotency-key": name}
        return self.call("POST", "sign-upload", json={**wanted, **changes}, headers=headers)

    def uploaded(self, content: bytes = JPEG, **changes: Any) -> Any:
        """Bring a file all the way in; return what sign answered, with the URL beside it."""
        answer = self.sign(content, **changes)
        assert answer.status_code == 201, answer.text
        signed = answer.json()
        upload = signed["upload"]
        stored = httpx.request(
            upload["method"], upload["url"], headers=upload["headers"], content=content
        )
        assert stored.status_code == 200, stored.text
        committed = self.call("POST", "commit", json={"key": signed["key"]})
        assert committed.status_code == 200, committed.text
        media = committed.json()["media"]
        assert (media["mediaId"], media["status"]) == (signed["mediaId"], "committed")
        return signed | media

    def url(self, key: str, call: str = "url") -> httpx.Response:
        return self.call("GET", call, params={"key": key})


def refused(answer: httpx.Response) -> tuple[int, str]:
    error = answer.json()
    assert error["status"] == answer.status_code
    assert answer.headers["cache-control"] == "no-store"
    return answer.status_code, error["code"]


@pytest.fixture(scope="module")
def settings(worker: RunningWorker) -> dict[str, str]:
    secrets = read_variables(ENV_FILE)
    return {
        "MEDIA_WORKER_URL": worker.url,
        "MEDIA_PUBLIC_URL": worker.url,
        "MEDIA_GATEWAY_KEY": secrets["GATEWAY_KEYS"],
        "MEDIA_TOKEN_KEYS": secrets["MEDIA_TOKEN_KEYS"],
    }


@pytest.fixture(scope="session")
def built() -> Iterator[Built]:
    """Return what builds a backend, when it is first asked for, and gives what starts it."""
    with ExitStack() as stack:
        yield cache(lambda name: stack.enter_context(BACKENDS[name]()))


@pytest.fixture(scope="module", params=BACKENDS)
def backend(
    request: pytest.FixtureRequest,
    built: Built,
    settings: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[httpx.Client]:
    folder = tmp_path_factory.mktemp("backend")
    with (
        running(built(request.param), folder, settings) as url,
        httpx.Client(base_url=url, timeout=30) as http,
    ):
        yield http


@pytest.fixture
def alice(backend: httpx.Client) -> Browser:
    return Browser(backend, "alice:acme")


@pytest.fixture
def bob(backend: httpx.Client) -> Browser:
    return Browser(backend, "bob:acme")


def test_a_file_comes_in_and_its_url_opens_it(alice: Browser) -> None:
    file = alice.uploaded()

    assert file["key"].startswith("t/acme/app/")
    assert httpx.get(file["url"]).content == JPEG
    assert httpx.get(file["url"].partition("?")[0]).json()["code"] == "TOKEN_MISSING"
    for call in ("url", "refresh"):
        answer = alice.url(file["key"], call)
        assert answer.headers["cache-control"] == "no-store"
        assert answer.json().keys() == {"key", "url", "urlExpiresAt"}
        assert answer.json()["urlExpiresAt"].endswith(".000Z")
        assert httpx.get(answer.json()["url"]).content == JPEG


def test_a_users_own_file_needs_no_tenant(backend: httpx.Client) -> None:
    assert Browser(backend, "carol").uploaded()["key"].startswith("u/carol/app/")


def test_a_public_file_has_a_url_for_ever(alice: Browser) -> None:
    file = alice.uploaded(photo_saying(b"public"), visibility="public")

    assert (file["urlExpiresAt"], "?" in file["url"]) == (None, False)
    assert httpx.get(file["url"]).status_code == 200


def test_whoever_may_see_it_does_and_nobody_else(
    alice: Browser, bob: Browser, backend: httpx.Client
) -> None:
    file = alice.uploaded()
    missing = file["key"].replace("/app/", "/none/")

    assert httpx.get(Browser(backend, "friend").url(file["key"]).json()["url"]).content == JPEG
    assert refused(bob.url(file["key"])) == refused(bob.url(missing)) == (404, "MEDIA_NOT_FOUND")
    assert bob.url(file["key"]).text == bob.url(missing).text
    for who in (bob, Browser(backend, "friend")):
        committed = who.call("POST", "commit", json={"key": file["key"]})
        removed = who.call("DELETE", f"files/{file['mediaId']}")
        assert refused(committed) == refused(removed) == (404, "MEDIA_NOT_FOUND")
    assert httpx.get(alice.url(file["key"]).json()["url"]).status_code == 200


def test_what_is_not_uploaded_yet_has_no_url(alice: Browser) -> None:
    key = alice.sign().json()["key"]

    assert refused(alice.url(key)) == (409, "UPLOAD_INCOMPLETE")
    committed = alice.call("POST", "commit", json={"key": key})
    assert refused(committed) == (409, "UPLOAD_INCOMPLETE")


def test_a_repeated_sign_is_the_same_upload(alice: Browser) -> None:
    first, second = (alice.sign(name="the-same") for _ in range(2))

    assert first.json() == second.json()


def test_a_repeated_commit_is_the_same_file(alice: Browser) -> None:
    file = alice.uploaded()

    assert alice.call("POST", "commit", json={"key": file["key"]}).status_code == 200


def test_a_deleted_file_is_gone(alice: Browser) -> None:
    file = alice.uploaded()

    for _ in range(2):
        answer = alice.call("DELETE", f"files/{file['mediaId']}")
        assert (answer.status_code, answer.content) == (204, b"")

    assert httpx.get(file["url"]).status_code == 410
    assert refused(alice.url(file["key"])) == (410, "MEDIA_GONE")


def test_a_file_is_managed_by_the_backend_alone(
    alice: Browser, worker: RunningWorker, settings: dict[str, str]
) -> None:
    file = alice.uploaded()
    headers = {
        "x-gateway-key": settings["MEDIA_GATEWAY_KEY"],
        "x-user-id": "alice",
        "x-tenant-id": "acme",
        "x-user-permissions": "media:files.write",
    }

    deleted = httpx.delete(f"{worker.url}/files/{file['mediaId']}", headers=headers)

    assert refused(deleted) == (409, "MEDIA_MANAGED")
    assert kept(worker.state).rows[file["key"]]["managed_by"] == "app"


def test_what_the_worker_refuses_is_passed_on(alice: Browser) -> None:
    too_big = alice.sign(bytes=10**9)

    assert refused(alice.sign(contentType="text/html")) == (400, "UNSUPPORTED_MIME")
    assert refused(too_big) == (400, "FILE_TOO_LARGE")
    assert too_big.json()["field"] == "bytes"


@pytest.mark.parametrize("key", [None, 7, ["x"], {}, {"startsWith": "t/"}, ""])
def test_a_key_that_is_none_looks_for_no_file(alice: Browser, key: object) -> None:
    alice.uploaded()

    committed = alice.call("POST", "commit", json={"key": key})
    assert (committed.status_code, committed.json()["code"]) == (400, "INVALID_FIELD")
    assert refused(alice.call("GET", "url")) == (400, "INVALID_FIELD")
    assert alice.call("DELETE", "files").status_code in (400, 404)


@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "text/plain"])
def test_a_form_of_another_sites_does_nothing(alice: Browser, content_type: str) -> None:
    """A browser sends it with cookies, and asks nobody before."""
    key = alice.sign().json()["key"]
    form = f"key={key}" if "form" in content_type else json.dumps({"key": key})

    answer = alice.call("POST", "commit", content=form, headers={"content-type": content_type})

    assert refused(answer) == (400, "INVALID_FIELD")
    assert refused(alice.url(key)) == (409, "UPLOAD_INCOMPLETE")


@pytest.mark.parametrize("backend", ["Next.js", "Go"], indirect=True)
def test_a_body_without_end_is_not_read_to_its_end(alice: Browser) -> None:
    """NestJS' own parser has a limit."""
    body = json.dumps({"key": "x", "more": "y" * 100_000})

    answer = alice.call(
        "POST", "commit", content=body, headers={"content-type": "application/json"}
    )

    assert refused(answer) == (400, "INVALID_FIELD")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b'"key"'])
def test_a_body_that_is_no_object_is_refused(alice: Browser, content: bytes) -> None:
    for call in ("sign-upload", "commit"):
        answer = alice.call(
            "POST", call, content=content, headers={"content-type": "application/json"}
        )
        assert answer.status_code == 400, answer.text


def test_nobody_is_let_in(backend: httpx.Client) -> None:
    nobody = Browser(backend, "")

    assert refused(nobody.url("x")) == (401, "UNAUTHORIZED")
    assert refused(nobody.sign()) == (401, "UNAUTHORIZED")


def test_what_is_no_call_is_not_found(alice: Browser) -> None:
    # The framework says it, in its own words.
    for call in ("nothing", "url/nothing"):
        assert alice.call("GET", call).status_code == 404
    assert alice.call("POST", "nothing", json={}).status_code == 404


@pytest.mark.parametrize("name", BACKENDS)
def test_a_wrong_gateway_key_is_no_fault_of_the_users(
    name: str, built: Built, settings: dict[str, str], tmp_path: Path
) -> None:
    wrong = {**settings, "MEDIA_GATEWAY_KEY": "wrong"}
    with running(built(name), tmp_path, wrong) as url, httpx.Client(base_url=url) as http:
        assert refused(Browser(http, "alice:acme").sign()) == (503, "r2_not_configured")


@pytest.mark.parametrize("name", BACKENDS)
@pytest.mark.parametrize("status", [302, 307])
def test_the_gateway_key_is_not_taken_to_where_somebody_points(
    name: str, status: int, built: Built, settings: dict[str, str], tmp_path: Path
) -> None:
    seen: list[tuple[str, str]] = []

    class Elsewhere(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            seen.append((self.path, self.headers["x-gateway-key"]))
            self.send_response(status)
            self.send_header("location", f"http://localhost:{server.server_port}/other")
            self.send_header("content-length", "0")
            self.end_headers()

        do_GET = do_POST  # noqa: N815

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere) as server:
        Thread(target=server.serve_forever).start()
        there = {**settings, "MEDIA_WORKER_URL": f"http://127.0.0.1:{server.server_port}"}
        try:
            with running(built(name), tmp_path, there) as url, httpx.Client(base_url=url) as http:
                assert refused(Browser(http, "alice:acme").sign()) == (502, "WORKER_UNAVAILABLE")
        finally:
            server.shutdown()
    assert [path for path, _ in seen] == ["/upload/presign"]


@pytest.mark.parametrize("name", BACKENDS)
def test_a_worker_that_does_not_answer(
    name: str, built: Built, settings: dict[str, str], tmp_path: Path
) -> None:
    nowhere = {**settings, "MEDIA_WORKER_URL": "http://127.0.0.1:1"}
    with running(built(name), tmp_path, nowhere) as url, httpx.Client(base_url=url) as http:
        assert refused(Browser(http, "alice:acme").sign()) == (502, "WORKER_UNAVAILABLE")


@pytest.fixture(scope="module")
def limiting(run_worker: RunWorker, settings: dict[str, str]) -> Iterator[dict[str, str]]:
    """The settings for a Worker with the limits that it is deployed with."""
    with run_worker(config=ROOT / "wrangler.toml") as worker:
        yield {**settings, "MEDIA_WORKER_URL": worker.url}


@pytest.mark.parametrize("name", BACKENDS)
def test_who_asks_too_often_is_told_when_to_ask_again(
    name: str, built: Built, limiting: dict[str, str], tmp_path: Path
) -> None:
    with running(built(name), tmp_path, limiting) as url, httpx.Client(base_url=url) as http:
        alice = Browser(http, f"alice:{name.replace('.', '-')}")
        answers = (alice.sign() for _ in range(2 * PRESIGNS_A_MINUTE + 1))
        limited = next(answer for answer in answers if answer.status_code != 201)

    assert refused(limited) == (429, "RATE_LIMITED")
    assert limited.headers["retry-after"] == "60"
    assert limited.headers["cache-control"] == "no-store"
