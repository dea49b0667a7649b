"""The processes that tests share: real Workers on the local runtime, started once.

Their logs are shown with the tests that fail while they run.
"""

import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from runtime.dev import read_variables, shim_environment, start_shim
from runtime.process import ROOT, StartError
from runtime.wrangler import LocalWorker, start
from tests.databases import (
    django_db_setup,
    pytest_collection_modifyitems,
    pytest_terminal_summary,
)

# One for all suites: two would each make a database, at once.
__all__ = ["django_db_setup", "pytest_collection_modifyitems", "pytest_terminal_summary"]

ENV_FILE = ROOT / ".dev.vars.example"
START_SECONDS = 90
LOG_LINES = 60

_logs: list[Path] = []


@dataclass(frozen=True)
class RunningWorker:
    """A Worker that answers.

    Attributes:
        url: where it listens.
        state: the folder of its state.
        log: the file that its output goes to.
        pid: the id of its process group.
    """

    url: str
    state: Path
    log: Path
    pid: int


@dataclass(frozen=True)
class Stack:
    """A Worker and a demo application that uses it."""

    worker_url: str
    shim_url: str


RunWorker: TypeAlias = Callable[..., AbstractContextManager[RunningWorker]]


def free_port() -> int:
    """Return a port on which nobody listens now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport() -> Iterator[None]:
    """Show the end of every running process's log with a test that fails."""
    outcome = yield
    report = outcome.get_result()  # type: ignore[attr-defined]
    if report.failed:
        for log in _logs:
            tail = log.read_text(errors="replace").splitlines()[-LOG_LINES:]
            report.sections.append((f"the end of {log.name}", "\n".join(tail)))


@pytest.fixture(scope="session")
def unhurried(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The configuration of the Worker that tests start, where they say no other."""
    return _unhurried(tmp_path_factory.mktemp("unhurried"))


@pytest.fixture(scope="session")
def run_worker(tmp_path_factory: pytest.TempPathFactory, unhurried: Path) -> RunWorker:
    """Return what starts a Worker: `with run_worker(config=…, ready="/health") as worker`."""

    registry = tmp_path_factory.mktemp("registry")

    @contextmanager
    def run(ready: str = "/health", **options: Any) -> Iterator[RunningWorker]:
        folder = tmp_path_factory.mktemp("worker")
        local = replace(
            LocalWorker(
                port=free_port(),
                state=folder / "state",
                config=unhurried,
                env_file=ENV_FILE,
                registry=registry,
            ),
            **options,
        )
        log = folder / f"worker-{local.port}.log"
        with log.open("wb") as output, start(local, output) as process:
            _logs.append(log)
            try:
                process.wait_for(f"{local.url}{ready}", START_SECONDS)
            except StartError as error:
                pytest.fail(f"the Worker did not start: {error}\n{log.read_text()}")
            yield RunningWorker(local.url, local.state, log, process.pid)
            _logs.remove(log)

    return run


@pytest.fixture(scope="session")
def worker(run_worker: RunWorker) -> Iterator[RunningWorker]:
    """The Worker that every black-box test shares."""
    with run_worker() as running:
        yield running


def _unhurried(folder: Path) -> Path:
    """Write the Worker's configuration without its limit of presigns; return where.

    A suite uploads more in a minute than a tenant may. What is said of the limit is tested with
    the configuration as it is.
    """
    text = (ROOT / "wrangler.toml").read_text()
    for name in ("src/entry.py", "worker/migrations"):
        assert text.count(f'"{name}"') == 1
        text = text.replace(f'"{name}"', f'"{ROOT / name}"')
    limit = "simple = { limit = 60, period = 60 }"
    assert text.count(limit) == 1
    config = folder / "wrangler.toml"
    config.write_text(text.replace(limit, "simple = { limit = 1000000, period = 60 }"))
    (folder / "python_modules").symlink_to(ROOT / "python_modules")
    return config


@contextmanager
def _shim(worker: RunningWorker, folder: Path, **changed: str) -> Iterator[Stack]:
    port = free_port()
    env = {
        **shim_environment(worker.url, read_variables(ENV_FILE), folder),
        **changed,
    }
    log = folder / f"shim-{port}.log"
    with log.open("wb") as output, start_shim(port, env, output) as process:
        _logs.append(log)
        url = f"http://127.0.0.1:{port}"
        try:
            process.wait_for(f"{url}/healthz", START_SECONDS)
        except StartError as error:
            pytest.fail(f"the demo did not start: {error}\n{log.read_text()}")
        yield Stack(worker.url, url)
        _logs.remove(log)


@pytest.fixture(scope="session")
def stack(worker: RunningWorker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The demo application on the shared Worker, as `make dev` starts it."""
    with _shim(worker, tmp_path_factory.mktemp("shim")) as running:
        yield running


@pytest.fixture(scope="session")
def short_lived_stack(
    worker: RunningWorker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    """The same with URLs that live eight seconds."""
    with _shim(worker, tmp_path_factory.mktemp("short"), MEDIA_TOKEN_TTL="8") as running:
        yield running
