"""The deployed demo on PostgreSQL, under a server of each of Django's two interfaces."""

import os
import re
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from runtime.dev import read_variables
from runtime.process import Process
from tests.conftest import ENV_FILE, START_SECONDS, RunningWorker, free_port
from tests.deployment.environment import DEPLOY, PRODUCTION, environment, manage, python
from tests.media import JPEG
from tests.postgres import Postgres, PostgresMissing

SERVERS: Final = {
    "gunicorn": ("gunicorn", "--config", str(DEPLOY / "gunicorn.conf.py"), "--chdir", "."),
    "uvicorn": ("uvicorn", "demo.asgi:application", "--lifespan=off", "--no-access-log"),
}
HOST: Final = "app.example.com"
BY_THE_PROXY: Final = {"host": HOST, "x-forwarded-proto": "https"}


@pytest.fixture(scope="module")
def deployed(
    worker: RunningWorker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, str]]:
    """The environment of a deployment that is ready to be served."""
    secrets = read_variables(ENV_FILE)
    try:
        postgres = Postgres()
    except PostgresMissing as missing:
        pytest.skip(str(missing))
    with postgres:
        env = environment(
            PRODUCTION,
            DATABASE_URL=postgres.url,
            MEDIA_WORKER_URL=worker.url,
            MEDIA_GATEWAY_KEY=secrets["GATEWAY_KEYS"],
            MEDIA_TOKEN_KEYS=secrets["MEDIA_TOKEN_KEYS"],
            STATIC_ROOT=str(tmp_path_factory.mktemp("static")),
            WEB_CONCURRENCY="2",
        )
        for command in ("migrate", "collectstatic --noinput", "demo_users"):
            done = manage(env, *command.split())
            assert done.returncode == 0, done.stderr
        yield env


@dataclass
class Site:
    """The demo as its server gives it to a proxy."""

    name: str
    url: str
    port: int
    process: Process
    log: Path


@contextmanager
def _serving(name: str, env: dict[str, str], folder: Path) -> Iterator[Site]:
    port = free_port()
    command = [f"{Path(sys.executable).parent}/{SERVERS[name][0]}", *SERVERS[name][1:]]
    command += [f"--port={port}"] if name == "uvicorn" else []
    log = folder / f"{name}.log"
    with log.open("wb") as output, Process(command, env | {"PORT": str(port)}, output) as process:
        # The names that it answers to are not those of this machine.
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and process.ended() is None:
            if _is_up(port, env):
                break
            time.sleep(0.1)
        else:
            pytest.fail(f"{name} did not start:\n{log.read_text()}")
        yield Site(name, f"http://127.0.0.1:{port}", port, process, log)


def _is_up(port: int, env: dict[str, str]) -> bool:
    """Ask as the container's health check asks."""
    probe = str(DEPLOY / "probe.py")
    return python(env | {"PORT": str(port)}, probe, "/healthz").returncode == 0


@pytest.fixture(scope="module", params=SERVERS)
def site(
    request: pytest.FixtureRequest,
    deployed: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Site]:
    with _serving(request.param, deployed, tmp_path_factory.mktemp("served")) as running:
        yield running


class Visitor:
    """A browser behind the proxy: it keeps cookies that are for TLS alone."""

    def __init__(self, site: Site) -> None:
        self._http = httpx.Client(base_url=site.url, headers=BY_THE_PROXY, timeout=60)
        self._cookies: dict[str, str] = {}

    def call(self, method: str, path: str, body: object = None) -> Any:
        response = self._http.request(
            method,
            path,
            json=body,
            headers={
                "cookie": "; ".join(f"{name}={value}" for name, value in self._cookies.items()),
                "x-csrftoken": self._cookies.get("csrftoken", ""),
                "referer": f"https://{HOST}/",
            },
        )
        for set_cookie in response.headers.get_list("set-cookie"):
            assert "Secure" in set_cookie
            name, _, value = set_cookie.partition(";")[0].partition("=")
            self._cookies[name] = value
        assert response.status_code < 300, response.text
        return response.json() if response.content else None

    def sign_in_and_upload(self) -> dict[str, Any]:
        """Store a picture as alice; return what the application says of it."""
        self.call("GET", "/api/session")
        self.call("POST", "/api/session", {"username": "alice", "password": "alice"})
        wanted = {"kind": "image", "contentType": "image/jpeg", "bytes": len(JPEG)}
        signed = self.call("POST", "/api/media/sign-upload", wanted)
        upload = signed["upload"]
        put = httpx.request(
            upload["method"], upload["url"], headers=upload["headers"], content=JPEG
        )
        assert put.status_code == 200, put.text
        committed = self.call("POST", "/api/media/commit", {"key": signed["key"]})
        media: dict[str, Any] = committed["media"]
        return media

    def close(self) -> None:
        self._http.close()


def test_a_file_is_signed_stored_committed_and_loaded(site: Site) -> None:
    visitor = Visitor(site)

    media = visitor.sign_in_and_upload()

    assert media["status"] == "committed"
    assert httpx.get(media["url"]).content == JPEG
    visitor.close()


def test_all_three_stores_are_well(site: Site) -> None:
    response = httpx.get(f"{site.url}/api/media/health", headers={"host": HOST})

    assert response.json() == {
        "status": "ok",
        "database": "ok",
        "r2": "ok",
        "d1": "ok",
        "reason": None,
    }


def test_the_pages_files_are_hashed_compressed_and_kept_for_ever(site: Site) -> None:
    page = httpx.get(site.url, headers=BY_THE_PROXY).text
    (script,) = re.findall(r'src="(/static/demo/page\.[0-9a-f]{12}\.js)"', page)

    while script:
        answer = httpx.get(site.url + script, headers=BY_THE_PROXY)
        assert answer.status_code == 200
        assert answer.headers["content-encoding"] == "gzip"
        assert answer.headers["cache-control"] == "max-age=315360000, public, immutable"
        imported = re.search(r'from "\./([a-z]+\.[0-9a-f]{12}\.js)"', answer.text)
        script = f"/static/demo/{imported[1]}" if imported else ""


def test_what_comes_without_tls_is_sent_where_there_is(site: Site) -> None:
    plain = httpx.get(f"{site.url}/admin/?a=b", headers={"host": HOST})
    secure = httpx.get(f"{site.url}/admin/login/", headers=BY_THE_PROXY)
    unknown = httpx.get(f"{site.url}/admin/login/", headers=BY_THE_PROXY | {"host": "evil.test"})

    assert (plain.status_code, plain.headers["location"]) == (301, f"https://{HOST}/admin/?a=b")
    assert secure.status_code == 200
    assert secure.headers["strict-transport-security"] == "max-age=31536000"
    assert unknown.status_code == 400


def test_what_was_deleted_is_told_to_the_worker_by_the_process_that_stays(
    site: Site, deployed: dict[str, str], tmp_path: Path
) -> None:
    visitor = Visitor(site)
    media = visitor.sign_in_and_upload()
    visitor.call("DELETE", f"/api/media/files/{media['mediaId']}")
    command = [sys.executable, "backend_shim/manage.py", "media_outbox", "--stay"]

    with (tmp_path / "outbox.log").open("wb") as log, Process(command, deployed, log) as outbox:
        deadline = time.monotonic() + START_SECONDS
        while httpx.get(media["url"]).status_code != 410 and time.monotonic() < deadline:
            time.sleep(0.1)
        assert httpx.get(media["url"]).status_code == 410
        os.kill(outbox.pid, signal.SIGTERM)
        assert _ended(outbox) == 0
    visitor.close()


@pytest.mark.parametrize("name", SERVERS)
def test_it_ends_in_order_when_it_is_asked_to(
    name: str, deployed: dict[str, str], tmp_path: Path
) -> None:
    with _serving(name, deployed, tmp_path) as site:
        httpx.get(f"{site.url}/api/media/url?key=a-secret-of-the-query", headers=BY_THE_PROXY)
        os.kill(site.process.pid, signal.SIGTERM)
        assert _ended(site.process) in (0, -signal.SIGTERM)
    said = site.log.read_text()
    assert "Traceback" not in said
    assert "a-secret-of-the-query" not in said


def _ended(process: Process) -> int | None:
    """Wait for a process that was asked to end; return its exit code, or None if it goes on."""
    deadline = time.monotonic() + 20
    while process.ended() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    return process.ended()
