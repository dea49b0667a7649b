"""`wrangler dev` on the local runtime, as a process group that comes and goes as one.

`wrangler.toml` stays what is deployed. What a laptop needs is added here and nowhere else: the
flags that let workerd take the local Pyodide bundle, the folder of its state, and the address at
which its own S3 endpoint is reached.
"""

import hashlib
import os
import signal
import subprocess
import time
import urllib.request
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO

from runtime.bundle import ROOT, ensure_bundle

BIN = ROOT / "node_modules" / ".bin"
MIGRATIONS = ROOT / "worker" / "migrations"

DEVELOPMENT_FLAGS = ("python_workers_development", "experimental")


class StartError(Exception):
    """A process did not come up; the message ends with the last lines of its log."""


@dataclass(frozen=True)
class LocalWorker:
    """How one local Worker is started.

    Attributes:
        port: where it listens on 127.0.0.1.
        state: the folder of R2's and D1's state, shared by Workers that share files.
        config: its configuration.
        flags: the compatibility flags of that configuration: Wrangler replaces them by those on
            the command line.
        variables: settings that this start overrides.
        env_file: where its settings and secrets are; `.dev.vars` beside the configuration if
            None.
        registry: the folder in which Workers find their service bindings; the user's own if None.
    """

    port: int
    state: Path
    config: Path = ROOT / "wrangler.toml"
    flags: Sequence[str] = ("python_workers", "global_fetch_strictly_public")
    variables: Mapping[str, str] = field(default_factory=dict)
    env_file: Path | None = None
    registry: Path | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def command(self) -> list[str]:
        """Return the command line."""
        variables = {
            "MEDIA_PUBLIC_URL": self.url,
            "R2_S3_ENDPOINT": f"{self.url}/cdn-cgi/local/r2/s3",
            **self.variables,
        }
        return [
            str(BIN / "wrangler"),
            "dev",
            f"--config={self.config}",
            f"--port={self.port}",
            "--ip=127.0.0.1",
            f"--persist-to={self.state}",
            "--infer-origin-from-routes=false",
            "--inspector-port=0",
            "--show-interactive-dev-session=false",
            "--test-scheduled",
            *(f"--compatibility-flags={flag}" for flag in (*self.flags, *DEVELOPMENT_FLAGS)),
            *(f"--var={name}:{value}" for name, value in variables.items()),
            *([] if self.env_file is None else [f"--env-file={self.env_file}"]),
        ]


def environment() -> dict[str, str]:
    """Return the environment in which Wrangler finds Node, workerd and the bundle."""
    bundle = ensure_bundle(ROOT / "node_modules" / "pyodide", ROOT / ".tools" / "bundles")
    return {
        **os.environ,
        "PATH": f"{BIN}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "MINIFLARE_WORKERD_PATH": str(ROOT / "worker" / "runtime" / "workerd"),
        "LOCAL_WORKERD": str(ROOT / "node_modules" / "workerd" / "bin" / "workerd"),
        "LOCAL_PYODIDE_BUNDLE": str(bundle),
        "CLOUDFLARE_CF_FETCH_ENABLED": "false",
        "WRANGLER_SEND_METRICS": "false",
        # Wrangler would otherwise trace every request, at half again its price.
        "X_LOCAL_OBSERVABILITY": "false",
        "NO_COLOR": "1",
        "CI": "1",
    }


def migrate(state: Path) -> None:
    """Bring the local D1 database up to date; do nothing when it is.

    Args:
        state: the folder of the local state.

    Raises:
        StartError: a migration failed.
    """
    digest = hashlib.sha256()
    for migration in sorted(MIGRATIONS.glob("*.sql")):
        digest.update(migration.name.encode() + b"\0" + migration.read_bytes())
    stamp = state / f".migrated-{digest.hexdigest()[:12]}"
    if stamp.exists():
        return
    command = ("d1", "migrations", "apply", "DB", "--local", f"--persist-to={state}")
    done = subprocess.run(
        [str(BIN / "wrangler"), *command],
        cwd=ROOT,
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise StartError(f"the D1 migrations failed:\n{done.stdout}{done.stderr}")
    stamp.touch()


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

    def wait(self) -> int:
        """Wait for its end and return its exit code."""
        return self._popen.wait()

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


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310
            return bool(answer.status == 200)
    except OSError:
        return False


def _alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def start(worker: LocalWorker, log: IO[bytes] | None = None) -> Process:
    """Start a Worker on the local runtime. Its database is migrated first.

    Raises:
        StartError: a migration failed.
        BundleError: the bundle cannot be built.
    """
    worker.state.mkdir(parents=True, exist_ok=True)
    migrate(worker.state)
    env = environment()
    if worker.registry is not None:
        env["WRANGLER_REGISTRY_PATH"] = str(worker.registry)
    return Process(worker.command(), env, log)
