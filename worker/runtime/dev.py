"""`make dev`: the Worker, the demo application and its outbox together, until interrupted.

Prints one line `ready worker=<url> shim=<url>` when both answer. Their own output follows, each
line with the name of who said it. Leaves no process behind.
"""

import os
import re
import signal
import socket
import sys
import threading
import time
from collections import deque
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import FrameType
from typing import IO

from runtime.bundle import BundleError
from runtime.process import ROOT, Process, StartError, run
from runtime.wrangler import LocalWorker, start

PYTHON = ROOT / ".venv" / "bin" / "python"
MANAGE = ROOT / "backend_shim" / "manage.py"

START_SECONDS = 90
INTERRUPTIONS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

_COLOUR = re.compile(rb"\x1b\[[0-9;]*m")


class Interrupted(Exception):
    """Somebody wants it to end."""


def shim_environment(worker_url: str, secrets: Mapping[str, str], state: Path) -> dict[str, str]:
    """Return the environment of the demo application.

    Args:
        worker_url: where the Worker listens.
        secrets: the Worker's own, of which the application shares two.
        state: the folder of the local state.

    Raises:
        StartError: a secret that both need is not there.
    """
    return {
        **os.environ,
        "MEDIA_WORKER_URL": worker_url,
        "MEDIA_TOKEN_KEYS": _secret(secrets, "MEDIA_TOKEN_KEYS"),
        "MEDIA_GATEWAY_KEY": _secret(secrets, "GATEWAY_KEYS").partition(",")[0],
        "STATE_DIR": str(state),
        "PYTHONUNBUFFERED": "1",
    }


def _secret(secrets: Mapping[str, str], name: str) -> str:
    if not secrets.get(name):
        raise StartError(f"{name} is not in .dev.vars: take its line from .dev.vars.example.")
    return secrets[name]


def port_of(name: str, usual: int) -> int:
    """Return the port that a variable of the environment chooses, or the usual one.

    Raises:
        StartError: the variable holds no port.
    """
    value = os.environ.get(name) or str(usual)
    if not (value.isascii() and value.isdecimal() and 0 < int(value) < 65_536):
        raise StartError(f"{name} is {value!r}: write a port, such as {name}={usual + 1}.")
    return int(value)


def read_variables(path: Path) -> dict[str, str]:
    """Read a file of `NAME=value` lines, as `.dev.vars` is."""
    lines = (line.strip() for line in path.read_text().splitlines())
    pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
    return {name.strip(): value.strip().strip("\"'") for name, _, value in pairs}


def start_shim(port: int, env: Mapping[str, str], log: IO[bytes] | None = None) -> Process:
    """Prepare the demo application's database and start it.

    Args:
        port: where it listens on 127.0.0.1.
        env: its whole environment.
        log: where its output goes; a pipe if None.

    Raises:
        StartError: its database could not be prepared.
    """
    for command in (("migrate", "--verbosity=0"), ("demo_users",)):
        run(f"manage.py {command[0]}", [str(PYTHON), str(MANAGE), *command], env)
    return Process(
        [str(PYTHON), str(MANAGE), "runserver", "--noreload", f"127.0.0.1:{port}"], env, log
    )


def start_outbox(env: Mapping[str, str]) -> Process:
    """Start what tells the Worker of deletions. The application's database is prepared already."""
    return Process([str(PYTHON), str(MANAGE), "media_outbox", "--stay"], env)


class Speaker:
    """Prints what a process says, line by line, with its name in front.

    While the process starts, its lines are only kept: they matter if it fails.

    Args:
        name: who speaks.
        process: the process, whose output is a pipe.
    """

    def __init__(self, name: str, process: Process) -> None:
        self._name = name
        self._process = process
        self._kept: deque[str] = deque(maxlen=40)
        self._aloud = threading.Event()
        threading.Thread(target=self._pump, daemon=True).start()

    def speak_up(self) -> None:
        """From now on print every line."""
        self._aloud.set()

    def kept(self) -> str:
        """Return the last lines that were not printed."""
        return "\n".join(self._kept)

    def _pump(self) -> None:
        for line in self._process.output:
            text = _COLOUR.sub(b"", line).decode(errors="replace").rstrip()
            if not text:
                continue
            if self._aloud.is_set():
                print(f"{self._name:>6} │ {text}", flush=True)
            else:
                self._kept.append(text)


def refuse_taken(name: str, port: int) -> None:
    """Refuse a port on which somebody listens already.

    Raises:
        StartError: naming the variable that chooses another one.
    """
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            raise StartError(
                f"somebody listens on port {port}. Stop that, or choose another port: "
                f"{name}={port + 1} make dev"
            )


def await_ready(name: str, process: Process, url: str, speaker: Speaker) -> None:
    """Wait until a process answers.

    Raises:
        StartError: it did not; the message ends with its last lines.
    """
    try:
        process.wait_for(url, START_SECONDS)
    except StartError as error:
        raise StartError(f"{name} did not come up: {error}\n{speaker.kept()}") from None


def serve(worker_port: int, shim_port: int, state: Path) -> None:
    """Run all until interrupted.

    Raises:
        StartError: one of them did not come up, or ended.
        Interrupted: somebody wants it to end.
    """
    refuse_taken("WORKER_PORT", worker_port)
    refuse_taken("SHIM_PORT", shim_port)
    secrets = read_variables(ROOT / ".dev.vars")
    worker = LocalWorker(port=worker_port, state=state)
    shim_url = f"http://127.0.0.1:{shim_port}"
    with ExitStack() as processes:
        print("· starting the Worker and the demo", flush=True)
        worker_process = processes.enter_context(start(worker))
        worker_speaker = Speaker("worker", worker_process)
        shim_env = shim_environment(worker.url, secrets, state)
        shim_process = processes.enter_context(start_shim(shim_port, shim_env))
        shim_speaker = Speaker("shim", shim_process)
        await_ready("the Worker", worker_process, f"{worker.url}/health", worker_speaker)
        await_ready("the demo", shim_process, f"{shim_url}/healthz", shim_speaker)
        outbox_process = processes.enter_context(start_outbox(shim_env))
        outbox_speaker = Speaker("outbox", outbox_process)
        print(f"ready worker={worker.url} shim={shim_url}", flush=True)
        print(f"· open {shim_url} and sign in as alice / alice; Ctrl-C ends it", flush=True)
        for speaker in (worker_speaker, shim_speaker, outbox_speaker):
            speaker.speak_up()
        running = {
            "the Worker": worker_process,
            "the demo": shim_process,
            "the outbox": outbox_process,
        }
        while True:
            for name, process in running.items():
                if process.ended() is not None:
                    raise StartError(f"{name} ended with exit code {process.ended()}")
            time.sleep(0.5)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    # A second Ctrl-C must not interrupt the clearing away.
    for number in INTERRUPTIONS:
        signal.signal(number, signal.SIG_IGN)
    raise Interrupted


def main() -> int:
    for number in INTERRUPTIONS:
        signal.signal(number, _interrupt)
    try:
        serve(
            worker_port=port_of("WORKER_PORT", 8787),
            shim_port=port_of("SHIM_PORT", 8000),
            state=ROOT / os.environ.get("STATE_DIR", ".wrangler/state"),
        )
    except Interrupted:
        print("· stopped", flush=True)
    except (StartError, BundleError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
