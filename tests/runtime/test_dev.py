"""`make dev`: what it promises to people and to scripts, from start to the last process."""

import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from runtime.process import ROOT
from tests.conftest import START_SECONDS, free_port


@dataclass
class Dev:
    """A running `make dev`."""

    process: subprocess.Popen[str]
    worker_port: int
    shim_port: int
    state: Path

    def read_until(self, pattern: str) -> re.Match[str]:
        """Return the first line of its output that fits; the test's own time is the limit."""
        assert self.process.stdout is not None
        seen = []
        for line in self.process.stdout:
            seen.append(line)
            match = re.fullmatch(pattern, line.rstrip())
            if match:
                return match
        pytest.fail(f"it ended before it said {pattern!r}:\n{''.join(seen)}")

    def left_behind(self) -> list[str]:
        """Return the command lines of processes that still know this run's state folder."""
        return [line for line in _command_lines() if str(self.state) in line]


def _command_lines() -> Iterator[str]:
    for entry in Path("/proc").glob("[0-9]*/environ"):
        try:
            yield entry.read_text(errors="replace") + (entry.parent / "cmdline").read_text()
        except OSError:
            continue


@pytest.fixture
def dev(tmp_path: Path) -> Iterator[Dev]:
    """`make dev` on ports and a state of its own."""
    worker_port, shim_port = free_port(), free_port()
    env = {
        **os.environ,
        "WORKER_PORT": str(worker_port),
        "SHIM_PORT": str(shim_port),
        "STATE_DIR": str(tmp_path / "state"),
    }
    with subprocess.Popen(
        ["make", "dev"],
        cwd=ROOT,
        env=env,
        text=True,
        stdout=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        yield Dev(process, worker_port, shim_port, tmp_path / "state")
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)


def _listens(port: int) -> bool:
    with closing(socket.socket()) as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_dev_says_ready_serves_and_leaves_nothing_behind(dev: Dev) -> None:
    ready = dev.read_until(r"ready worker=(\S+) shim=(\S+)")
    assert ready[1] == f"http://127.0.0.1:{dev.worker_port}"
    assert ready[2] == f"http://127.0.0.1:{dev.shim_port}"
    assert httpx.get(f"{ready[1]}/health").json()["status"] == "ok"
    assert "Media Engine" in httpx.get(ready[2]).text
    assert dev.left_behind(), "this test can see its processes"

    # What a terminal does on Ctrl-C: everybody in the foreground is told, twice by the impatient.
    os.killpg(dev.process.pid, signal.SIGINT)
    os.killpg(dev.process.pid, signal.SIGINT)
    dev.read_until("· stopped")
    dev.process.wait(START_SECONDS)

    deadline = time.monotonic() + 5
    while dev.left_behind() and time.monotonic() < deadline:
        pass
    assert not dev.left_behind()
    assert not _listens(dev.worker_port)
    assert not _listens(dev.shim_port)


def test_dev_refuses_a_port_that_is_taken_and_says_how_to_choose_another(tmp_path: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        done = subprocess.run(
            ["make", "dev"],
            cwd=ROOT,
            env={**os.environ, "WORKER_PORT": str(port), "STATE_DIR": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode != 0
    assert f"WORKER_PORT={port + 1} make dev" in done.stderr
