"""Programs that come and go: one that runs to its end, and one that stays with all it starts."""

import os
import signal
import subprocess
import time
import urllib.request
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO

ROOT = Path(__file__).resolve().parents[2]


class StartError(Exception):
    """A program did not come up, or failed; the message ends with what it said last."""


def run(what: str, command: Sequence[str], env: Mapping[str, str]) -> str:
    """Run a program to its end.

    Args:
        what: what it does, for the error.
        command: the program and its arguments.
        env: its whole environment.

    Returns:
        What it printed.

    Raises:
        StartError: it failed.
    """
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise StartError(f"{what} failed:\n{done.stdout}")
    return done.stdout


class Process:
    """A command in a process group of its own, so that what it starts ends with it.

    Args:
        command: the program and its arguments.
        log: where its output goes; a pipe if None.
        env: its whole environment.
    """

    def __init__(
        self, command: Sequence[str], env: Mapping[str, str], log: IO[bytes] | None = None
    ) -> None:
        self._popen = subprocess.Popen(
            command,
            cwd=ROOT,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if log is None else log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    @property
    def output(self) -> IO[bytes]:
        """Return what it prints, when it was given no log."""
        assert self._popen.stdout is not None
        return self._popen.stdout

    @property
    def pid(self) -> int:
        return self._popen.pid

    def ended(self) -> int | None:
        """Return its exit code, or None while it runs."""
        return self._popen.poll()

    def wait_for(self, url: str, seconds: float) -> None:
        """Wait until the URL answers 200.

        Raises:
            StartError: the process ended before, or the time was up.
        """
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.ended() is not None:
                raise StartError(f"it ended with exit code {self.ended()}")
            if _answers(url):
                return
            time.sleep(0.1)
        raise StartError(f"{url} did not answer within {seconds:.0f} s")

    def stop(self, seconds: float = 5) -> None:
        """Ask the whole group to end, then make it."""
        for demand in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError):
                os.killpg(self.pid, demand)
            deadline = time.monotonic() + seconds
            while time.monotonic() < deadline and _alive(self.pid):
                self._popen.poll()
                time.sleep(0.02)
        self._popen.wait()

    def __enter__(self) -> "Process":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


# What runs here is on this machine: no proxy stands between.
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def _answers(url: str) -> bool:
    try:
        with _opener.open(url, timeout=10) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
