"""`manage.py media_golive` on a real Worker: sound, and broken in each way that is looked for."""

import json
import logging
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import StringIO
from secrets import token_hex
from typing import Any
from unittest import mock

import httpx
import pytest
from django.core.management import CommandError, call_command

from media_shim.golive import checks
from media_shim.golive.report import WIDTH, Outcome, Row, counts, lines
from media_shim.golive.walk import BEHIND
from media_shim.testing.worker import FakeWorker
from runtime.dev import read_variables, shim_environment
from runtime.process import ROOT
from tests.conftest import ENV_FILE, RunningWorker
from tests.worker.patience import eventually
from tests.worker.state import kept

ORIGIN = "http://localhost:8000"
"""The simulator of R2 lets the pages of this machine in, and no others."""

CLOSED = ("--r2-dev", "https://pub-1.r2.dev", "--workers-dev", "https://media.me.workers.dev")
ALL_CHECKS = ["settings", *(check.name for check in checks.CHECKS), BEHIND]

On = Callable[[httpx.Request], httpx.Response]
Answer = Callable[[httpx.Request, On], httpx.Response]


@pytest.fixture
def tenant() -> str:
    """Whose files a test uploads: no other one's."""
    return f"golive-{token_hex(8)}"


@pytest.fixture
def real(settings: Any, worker: RunningWorker) -> RunningWorker:
    """The shim is configured for the real Worker, as on a laptop."""
    secrets = read_variables(ENV_FILE)
    settings.DEBUG = True
    settings.MEDIA_SHIM = {
        "WORKER_URL": worker.url,
        "GATEWAY_KEY": secrets["GATEWAY_KEYS"],
        "TOKEN_KEYS": secrets["MEDIA_TOKEN_KEYS"],
    }
    return worker


@contextmanager
def on_the_way(answer: Answer) -> Iterator[None]:
    """Let something between this machine and the Worker answer, or hand the request on."""
    network = httpx.HTTPTransport.handle_request

    def handle(transport: httpx.HTTPTransport, request: httpx.Request) -> httpx.Response:
        return answer(request, lambda asked: network(transport, asked))

    with mock.patch.object(httpx.HTTPTransport, "handle_request", handle):
        yield


def walked(tenant: str, *options: str) -> tuple[dict[str, dict[str, str]], bool]:
    """Return the rows by their checks, and whether the command was content."""
    out, is_content = StringIO(), True
    try:
        call_command(
            "media_golive", "--json", "--origin", ORIGIN, "--tenant", tenant, *options, stdout=out
        )
    except CommandError as error:
        is_content = False
        if error.returncode != 1:
            raise
    answer = json.loads(out.getvalue())
    assert answer["sound"] is is_content
    return {row["check"]: row for row in answer["checks"]}, is_content


def left(worker: RunningWorker, tenant: str) -> list[str]:
    """Return what is still there of what was uploaded."""
    return [
        key
        for key, row in kept(worker.state).rows.items()
        if row["scope"] == f"t:{tenant}" and row["status"] in ("pending_upload", "uploaded")
    ]


def failed(rows: dict[str, dict[str, str]]) -> set[str]:
    return {name for name, row in rows.items() if row["outcome"] == Outcome.FAILED}


def test_a_sound_deployment_passes_every_check(real: RunningWorker, tenant: str) -> None:
    def nobody_there(request: httpx.Request, on: On) -> httpx.Response:
        if request.url.host.endswith(".dev"):
            raise httpx.ConnectError("no such name")
        return on(request)

    with on_the_way(nobody_there):
        rows, is_content = walked(tenant, *CLOSED)

    assert is_content
    assert list(rows) == ALL_CHECKS
    assert {row["outcome"] for row in rows.values()} == {Outcome.PASSED}
    assert not any(row["advice"] for row in rows.values())
    assert left(real, tenant) == []


@pytest.mark.usefixtures("real")
def test_the_table_has_eighty_columns_and_no_secret(caplog: pytest.LogCaptureFixture) -> None:
    """Nor has the log, though httpx tells it of each request."""
    caplog.set_level("INFO")
    out = StringIO()

    call_command("media_golive", stdout=out)

    text = out.getvalue()
    assert max(map(len, text.splitlines())) <= WIDTH
    assert "passed    sign: two uploads were issued" in text
    assert "skipped   CORS preflight: --origin was not given" in text
    assert text.rstrip().endswith("18 passed, 0 failed, 3 skipped")
    for secret in ("?t=", "dev-gateway-key", "X-Amz"):
        assert secret not in text
        assert secret not in caplog.text
    assert not logging.getLogger("httpx").disabled


def test_a_failure_is_wrapped_and_says_what_to_do() -> None:
    row = Row("upload", Outcome.FAILED, "403 " * 30, "Compare the bucket. " * 10)

    text = lines(row)

    assert text.startswith("FAILED    upload: 403 403")
    assert "          → Compare the bucket." in text
    assert max(map(len, text.splitlines())) <= WIDTH
    assert counts([row]) == "0 passed, 1 failed, 0 skipped"


def is_delivery(request: httpx.Request) -> bool:
    return request.url.path.startswith("/m/")


def is_put(request: httpx.Request) -> bool:
    return request.method == "PUT"


def answered(response: httpx.Response, **changes: Any) -> httpx.Response:
    """Return an answer with some of it changed; a header that is None goes."""
    response.read()
    headers: dict[str, Any] = dict(response.headers)
    headers |= {"content-encoding": None, **changes.pop("headers", {})}
    content = changes.pop("content", response.content)
    return httpx.Response(
        changes.pop("status", response.status_code),
        headers={name: value for name, value in headers.items() if value is not None},
        content=content,
    )


def degraded(request: httpx.Request, on: On) -> httpx.Response:
    if request.url.path != "/health":
        return on(request)
    body = {"status": "degraded", "service": "media", "bindings": {"DB": False}}
    return httpx.Response(200, json={**body, "problems": ["DB is not bound."]})


def another_service(request: httpx.Request, on: On) -> httpx.Response:
    is_asked = request.url.path == "/health"
    return httpx.Response(200, json={"status": "ok"}) if is_asked else on(request)


def any_key_will_do(request: httpx.Request, on: On) -> httpx.Response:
    if "x-gateway-key" in request.headers:
        request.headers["x-gateway-key"] = "dev-gateway-key"
    return on(request)


def preflighted(**headers: str | None) -> Answer:
    def answer(request: httpx.Request, on: On) -> httpx.Response:
        response = on(request)
        is_asked = request.method == "OPTIONS"
        return answered(response, headers=headers) if is_asked else response

    return answer


def no_preflight(request: httpx.Request, on: On) -> httpx.Response:
    return httpx.Response(403) if request.method == "OPTIONS" else on(request)


def etag_is_hidden(request: httpx.Request, on: On) -> httpx.Response:
    hidden = {"access-control-expose-headers": None}
    return answered(on(request), headers=hidden) if is_put(request) else on(request)


def no_store(request: httpx.Request, on: On) -> httpx.Response:
    return httpx.Response(403) if is_put(request) else on(request)


def stores_again(request: httpx.Request, on: On) -> httpx.Response:
    return answered(on(request), status=200) if is_put(request) else on(request)


def stores_nothing(request: httpx.Request, on: On) -> httpx.Response:
    return httpx.Response(200, headers=EXPOSED) if is_put(request) else on(request)


EXPOSED = {"access-control-expose-headers": "ETag"}


def whenever(asked: Callable[[httpx.Request], bool], **changes: Any) -> Answer:
    """Change the answers of deliveries for which something is so."""

    def answer(request: httpx.Request, on: On) -> httpx.Response:
        response = on(request)
        is_asked = is_delivery(request) and asked(request)
        return answered(response, **changes) if is_asked else response

    return answer


def opened_with(header: str) -> Callable[[httpx.Request], bool]:
    return lambda request: header in request.headers


def has_token(request: httpx.Request) -> bool:
    return "t" in request.url.params


def served_whatever_is_asked(status: int) -> Answer:
    """Serve a picture where this refusal was due, as a cache that does not know tokens would."""

    def answer(request: httpx.Request, on: On) -> httpx.Response:
        response = on(request)
        is_refused = is_delivery(request) and response.status_code == status
        return answered(response, status=200) if is_refused else response

    return answer


def somebody_there(host: str) -> Answer:
    def answer(request: httpx.Request, on: On) -> httpx.Response:
        if request.url.host.endswith(host):
            return httpx.Response(200, content=b"open")
        if request.url.host.endswith(".dev"):
            raise httpx.ConnectError("no such name")
        return on(request)

    return answer


def nothing_is_deleted(request: httpx.Request, on: On) -> httpx.Response:
    if request.method == "DELETE":
        return httpx.Response(502, json={"error": "No.", "code": "R2_UNAVAILABLE", "status": 502})
    return on(request)


@pytest.mark.parametrize(
    ("red", "broken"),
    [
        ({"health"}, degraded),
        ({"health"}, another_service),
        ({"wrong gateway key"}, any_key_will_do),
        ({"CORS preflight"}, no_preflight),
        ({"CORS preflight"}, preflighted(**{"access-control-allow-origin": "https://other.test"})),
        ({"CORS preflight"}, preflighted(**{"access-control-allow-methods": "GET"})),
        ({"CORS preflight"}, preflighted(**{"access-control-allow-headers": "content-type"})),
        ({"upload"}, no_store),
        ({"upload"}, etag_is_hidden),
        ({"second upload refused"}, stores_again),
        ({"second upload refused", "commit"}, stores_nothing),
        ({"fetch"}, whenever(has_token, content=b"others")),
        ({"fetch"}, whenever(has_token, headers={"content-type": "text/html"})),
        ({"HEAD"}, whenever(lambda asked: asked.method == "HEAD", headers={"etag": '"x"'})),
        ({"range"}, whenever(opened_with("range"), status=200)),
        ({"range"}, whenever(opened_with("range"), content=b"0123456789")),
        ({"not modified"}, whenever(opened_with("if-none-match"), status=200)),
        (
            {
                "refused without a token",
                "refused with an expired one",
                "refused with another file's",
            },
            served_whatever_is_asked(401),
        ),
        ({"security headers"}, whenever(has_token, headers={"x-content-type-options": None})),
        ({"security headers"}, whenever(has_token, headers={"content-security-policy": "x"})),
        ({"security headers"}, whenever(has_token, headers={"cross-origin-resource-policy": None})),
        ({"security headers"}, whenever(has_token, headers={"cache-control": "public"})),
        (
            {"public file", "refused without a token"},
            whenever(lambda asked: not has_token(asked), status=404),
        ),
        (
            {"public file"},
            whenever(
                lambda asked: not has_token(asked), headers={"access-control-allow-origin": None}
            ),
        ),
        ({"r2.dev closed"}, somebody_there("r2.dev")),
        ({"workers.dev closed"}, somebody_there("workers.dev")),
        ({"deleted"}, served_whatever_is_asked(410)),
        ({"deleted", BEHIND}, nothing_is_deleted),
    ],
)
def test_what_is_broken_turns_its_row_red_and_no_other(
    real: RunningWorker, tenant: str, red: set[str], broken: Answer
) -> None:
    def answer(request: httpx.Request, on: On) -> httpx.Response:
        if request.url.host.endswith(".dev") and broken.__qualname__.split(".")[0] != (
            somebody_there.__name__
        ):
            raise httpx.ConnectError("no such name")
        return broken(request, on)

    with on_the_way(answer):
        rows, is_content = walked(tenant, *CLOSED)

    assert not is_content
    assert failed(rows) == red
    assert list(rows) == ALL_CHECKS
    assert all(rows[name]["advice"] for name in red)
    if BEHIND not in red:
        assert left(real, tenant) == []


def test_a_gateway_key_that_the_worker_does_not_know(
    real: RunningWorker, settings: Any, tenant: str
) -> None:
    settings.MEDIA_SHIM = settings.MEDIA_SHIM | {"GATEWAY_KEY": "another"}

    rows, _ = walked(tenant)

    assert failed(rows) == {"sign"}
    assert "GATEWAY_KEYS" in rows["sign"]["advice"]
    assert left(real, tenant) == []


def test_token_keys_that_are_not_the_workers(
    real: RunningWorker, settings: Any, tenant: str
) -> None:
    keys = read_variables(ENV_FILE)["MEDIA_TOKEN_KEYS"]
    settings.MEDIA_SHIM = settings.MEDIA_SHIM | {"TOKEN_KEYS": keys.replace("ZGV2", "ZGV3")}

    rows, _ = walked(tenant)

    assert failed(rows) == {"fetch"}
    assert "TOKEN_BAD_SIGNATURE" in rows["fetch"]["seen"]
    assert "MEDIA_TOKEN_KEYS" in rows["fetch"]["advice"]
    assert left(real, tenant) == []


def test_settings_that_are_missing_come_first(settings: Any, tenant: str) -> None:
    settings.MEDIA_SHIM = {}

    rows, is_content = walked(tenant)

    assert not is_content
    assert failed(rows) == {"settings"}
    assert rows["settings"]["advice"]
    assert rows["health"]["outcome"] == Outcome.SKIPPED


@pytest.mark.usefixtures("real")
def test_a_published_secret_does_not_go_live(settings: Any, tenant: str) -> None:
    settings.DEBUG = False

    rows, _ = walked(tenant)

    assert failed(rows) == {"settings"}
    assert "development secret" in rows["settings"]["seen"]


@pytest.mark.usefixtures("real")
def test_a_worker_that_is_not_there(settings: Any, tenant: str) -> None:
    settings.MEDIA_SHIM = settings.MEDIA_SHIM | {"WORKER_URL": "http://127.0.0.1:1"}

    rows, _ = walked(tenant)

    assert failed(rows) == {"health"}
    assert rows["health"]["seen"] == "ConnectError"


def test_nothing_is_left_wherever_it_is_interrupted(real: RunningWorker, tenant: str) -> None:
    """Before each request and after it: what was asked may have been done, or not."""
    total = 0

    def count(request: httpx.Request, on: On) -> httpx.Response:
        nonlocal total
        total += 1
        return on(request)

    with on_the_way(count):
        walked(tenant)
    assert total > 20
    for moment in range(1, total):
        for is_after in (False, True):
            with on_the_way(interrupting(moment, is_after)), pytest.raises(CommandError) as ended:
                walked(tenant)

            assert ended.value.returncode == 130
            assert left(real, tenant) == [], f"request {moment}, after: {is_after}"


def interrupting(moment: int, is_after: bool) -> Answer:
    """Interrupt at one request: before it reaches the Worker, or when the answer is on its way."""
    seen = 0

    def answer(request: httpx.Request, on: On) -> httpx.Response:
        nonlocal seen
        seen += 1
        if seen == moment:
            if is_after:
                on(request).read()
            raise KeyboardInterrupt
        return on(request)

    return answer


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_process_that_is_ended_leaves_nothing(
    worker: RunningWorker, tmp_path: Any, tenant: str, number: int
) -> None:
    """It hangs on a server that never answers, after it has uploaded; and is ended there."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(60)
        env = {
            **shim_environment(worker.url, read_variables(ENV_FILE), tmp_path),
            "PYTHONPATH": str(ROOT / "backend_shim"),
        }
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        command = ["media_golive", "--tenant", tenant, "--r2-dev", url]
        with (
            subprocess.Popen(
                [sys.executable, str(ROOT / "backend_shim" / "manage.py"), *command],
                env=env,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            ) as process,
            silent.accept()[0],
        ):
            assert len(left(worker, tenant)) == 2
            os.kill(process.pid, number)
            said, complained = process.communicate(timeout=30)

    assert process.returncode == 130
    assert "interrupted" in complained
    assert f"passed    {BEHIND}" in said
    for _ in eventually():
        if left(worker, tenant) == []:
            break
    assert left(worker, tenant) == []


@pytest.mark.usefixtures("real")
def test_the_double_is_not_asked(double: FakeWorker, tenant: str) -> None:
    walked(tenant)

    assert double.called == []


@pytest.mark.parametrize("tenant", ["a b", "", "x" * 65])
def test_a_tenant_that_cannot_be_one(tenant: str) -> None:
    with pytest.raises(CommandError, match="--tenant"):
        call_command("media_golive", "--tenant", tenant)
