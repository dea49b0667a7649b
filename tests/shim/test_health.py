"""`GET /api/media/health`: it names the store that is unwell, soon, and no secret."""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread
from typing import Any

import httpx
import jwt
import pytest
from django.db import connections

from media_shim import health
from media_shim.testing.worker import GATEWAY_KEY, FakeWorker, refusal
from tests.shim.conftest import SECRET, Browser

PATH = "/api/media/health"
NO_FILE = refusal(404, "MEDIA_NOT_FOUND", "There is no such file.")
WELL = {"status": "ok", "database": "ok", "r2": "ok", "d1": "ok", "reason": None}


@pytest.fixture(autouse=True)
def _nothing_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_examination", health.Examination())


def test_all_is_well(nobody: Browser) -> None:
    response = nobody.get(PATH)

    assert (response.status_code, response.json()) == (200, WELL)
    assert response["Cache-Control"] == "no-store"


def test_the_worker_is_asked_for_no_file_with_a_token_that_opens_no_other(
    nobody: Browser, double: FakeWorker
) -> None:
    double.answer_next(NO_FILE)
    seen: list[httpx.URL] = []

    def asked(transport: object, request: httpx.Request) -> httpx.Response:  # noqa: ARG001
        seen.append(request.url)
        return double(request)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(httpx.HTTPTransport, "handle_request", asked)
        nobody.get(PATH)

    (url,) = seen
    claims = jwt.decode(url.params["t"], SECRET, algorithms=["HS256"], audience="media")
    assert url.path == f"/m/{claims['key']}" == f"/m/{health.NO_FILE}"
    assert claims["exp"] - claims["iat"] == 60
    assert "x-gateway-key" not in double.calls[0].headers


@pytest.mark.parametrize(
    ("answer", "r2", "d1", "reason"),
    [
        (refusal(502, "R2_UNAVAILABLE", "Again."), "unwell", "unknown", "R2_UNAVAILABLE"),
        (refusal(500, "DB_ERROR", "Again."), "ok", "unwell", "DB_ERROR"),
        (refusal(401, "TOKEN_UNKNOWN_KEY", "No."), "unknown", "unknown", "TOKEN_UNKNOWN_KEY"),
        (refusal(503, "R2_NOT_CONFIGURED", "No."), "unknown", "unknown", "R2_NOT_CONFIGURED"),
        (refusal(500, "<script>", "No."), "unknown", "unknown", "WORKER_UNAVAILABLE"),
        (httpx.Response(200, text="hello"), "unknown", "unknown", "WORKER_UNAVAILABLE"),
        (httpx.Response(200, json=[]), "unknown", "unknown", "WORKER_UNAVAILABLE"),
        (httpx.Response(404, json={"code": 1}), "unknown", "unknown", "WORKER_UNAVAILABLE"),
        (httpx.ConnectError("refused"), "unknown", "unknown", "WORKER_UNAVAILABLE"),
    ],
)
def test_what_the_worker_answers_tells_which_of_its_stores_is_unwell(
    nobody: Browser,
    double: FakeWorker,
    answer: httpx.Response | Exception,
    r2: str,
    d1: str,
    reason: str,
) -> None:
    double.answer_next(answer)

    response = nobody.get(PATH)

    unwell = {"status": "unwell", "database": "ok", "r2": r2, "d1": d1, "reason": reason}
    assert (response.status_code, response.json()) == (503, unwell)


def test_a_database_that_does_not_answer_is_named(
    nobody: Browser, double: FakeWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    double.answer_next(NO_FILE)
    monkeypatch.setitem(connections.settings["default"], "NAME", "/nowhere/at/all")

    response = nobody.get(PATH)

    assert (response.status_code, response.json()) == (
        503,
        WELL | {"status": "unwell", "database": "unwell"},
    )


def test_without_settings_the_worker_is_not_asked(
    nobody: Browser, double: FakeWorker, settings: Any
) -> None:
    del settings.MEDIA_SHIM

    body = nobody.get(PATH).json()

    assert (body["status"], body["reason"]) == ("unwell", "r2_not_configured")
    assert not double.calls


@contextmanager
def trickling(pause: float) -> Iterator[str]:
    """Play a server that sends a byte each `pause` seconds, for ever; give its URL."""
    over = Event()

    def trickle(listener: socket.socket) -> None:
        while not over.is_set():
            with suppress(OSError), listener.accept()[0] as connection:
                while not over.wait(pause):
                    connection.send(b"x")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(pause)
        thread = Thread(target=trickle, args=(listener,))
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        over.set()
        thread.join()


def test_stores_that_take_too_long_are_given_up_however_many_ask(
    nobody: Browser,
    settings: Any,
    shim_settings: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(health, "PATIENCE", 0.5)
    with trickling(pause=0.1) as url:
        settings.MEDIA_SHIM = shim_settings | {"WORKER_URL": url}
        for _ in range(4):
            monkeypatch.setattr(health._examination, "_found", None)
            begun = time.monotonic()
            response = nobody.get(PATH)
            # Without an end of its own the first would wait for as long as there are bytes.
            assert time.monotonic() - begun < 10
            assert response.status_code == 503
            assert response.json()["reason"] == "WORKER_UNAVAILABLE"
            assert response.json()["database"] == "ok"


def test_an_answer_is_kept_for_a_moment(double: FakeWorker) -> None:
    double.answer_next(NO_FILE, NO_FILE)
    examination = health.Examination()

    assert examination.result(100.0) is examination.result(100.0 + health.FRESH - 0.1)
    assert len(double.calls) == 1
    examination.result(100.0 + health.FRESH)
    assert len(double.calls) == 2


def test_no_secret_is_shown(nobody: Browser, double: FakeWorker) -> None:
    double.answer_next(httpx.ConnectError(f"https://worker.test/m/x?t=abc {GATEWAY_KEY}"))

    text = nobody.get(PATH).text

    assert GATEWAY_KEY not in text
    assert "worker.test" not in text


def test_it_is_only_asked(nobody: Browser) -> None:
    assert nobody.send(PATH, {}).status_code == 405
