"""The processes under test: PostgreSQL, Django, the outbox and the Worker, with links between them.

They are started once and kept from run to run. Whoever is killed is brought up again, as whatever
supervises processes in production does it.
"""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from base64 import urlsafe_b64encode
from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from secrets import token_bytes, token_hex
from typing import IO, Any, Final

import httpx

from runtime.process import ROOT, Process, StartError, run
from runtime.wrangler import LocalWorker, start
from tests.faults.network import Network
from tests.faults.schedule import Link, Victim
from tests.postgres import Postgres

START_SECONDS: Final = 90
RETURN_SECONDS: Final = 25
"""How long a Worker that was killed may take, before Wrangler is started anew."""

PROCESSES: Final = 2
THREADS: Final = 6
"""Of Django: how many processes, and how many threads each has."""

SETTINGS: Final = "tests.faults.app.settings"

TOKEN: Final = re.compile(rb"eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,}|X-Amz-Signature=[0-9a-f]{16}")
"""A delivery token, an upload token, or a signature: what opens something."""


WRANGLERS: Final = (b"[wrangler", b"ProxyWorker")
"""What Wrangler's own lines have in them, in which it writes down addresses."""


class House:
    """Everything that runs.

    Args:
        folder: where all of it keeps what it keeps, and its logs.
        worker: how the Worker is started; its port, its state and its secrets are set here.
        port: a port for Django.

    Attributes:
        network: the links.
        ports: where each link begins.
        killed: how often who was killed.
        state: the folder of the Worker's state.
    """

    def __init__(self, folder: Path, worker: LocalWorker, port: int) -> None:
        self.killed: Counter[Victim] = Counter()
        self.network = Network()
        self.ports: dict[Link, int] = {}
        self.state = worker.state
        self._folder = folder
        self._gateway_key = f"gateway-{token_hex(16)}"
        self._token_key = urlsafe_b64encode(token_bytes(32)).rstrip(b"=").decode()
        self._secret_key = token_hex(32)
        self._local = worker
        self._port = port
        self._postgres = Postgres(durable=True)
        self._postgres_away = False
        self._logs: dict[str, IO[bytes]] = {}
        self._scanned: dict[str, int] = {}
        self._lock = threading.RLock()
        self._returns: list[threading.Thread] = []
        self._stack = ExitStack()

    def __enter__(self) -> "House":
        with self._stack:
            self._stack.enter_context(self._postgres)
            self._stack.enter_context(self.network)
            self._lay(Link.BROWSER_SHIM, self._port)
            self._lay(Link.BROWSER_WORKER, self._local.port)
            self._lay(Link.SHIM_WORKER, self._local.port)
            self._lay(Link.OUTBOX_WORKER, self._local.port)
            self._lay(Link.SHIM_DATABASE, _port_of(self._postgres.url))
            self._lay(Link.OUTBOX_DATABASE, _port_of(self._postgres.url))
            self._worker = self._start_worker()
            # Whoever is in their place by then is ended.
            self._stack.callback(lambda: self._worker.stop())
            direct = self._environment(None, None)
            run("migrating", [sys.executable, "-m", "django", "migrate", "-v0"], direct)
            self._start_django()
            self._stack.callback(lambda: self._django.stop())
            self._start_outbox()
            self._stack.callback(lambda: self._outbox.stop())
            self.caretaker = self._stack.enter_context(Caretaker(direct, self._log("caretaker")))
            self._worker.wait_for(f"{self.worker_url}/health", START_SECONDS)
            self._django.wait_for(f"{self._shim_url}/healthz", START_SECONDS)
            self._stack = self._stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def worker_url(self) -> str:
        """The Worker itself, past every link."""
        return self._local.url

    @property
    def _shim_url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def url(self, link: Link) -> str:
        """Return where a link begins that speaks HTTP."""
        return f"http://127.0.0.1:{self.ports[link]}"

    def token_keys(self) -> tuple[str, str]:
        """Return the id and the secret with which delivery tokens are signed."""
        return "f1", self._token_key

    def kill(self, victim: Victim, absence: float) -> None:
        """Kill somebody at once, and bring them up again after so many seconds, in a thread."""
        back = threading.Thread(target=self._bring_back, args=(victim, absence), name="return")
        with self._lock:
            if victim in (Victim.POSTGRES, Victim.WORKERD) and self._is_away(victim):
                return
            self._slay(victim)
            self.killed[victim] += 1
            self._returns.append(back)
        back.start()

    def await_all(self) -> None:
        """Return when everybody is up again."""
        while self._returns:
            self._returns.pop().join()
        try:
            self._worker.wait_for(f"{self.worker_url}/health", RETURN_SECONDS)
        except StartError:
            # Wrangler does not always notice that the process behind it is another one.
            _kill_group(self._worker.pid)
            self._worker.stop()
            self._worker = self._start_worker()
            self._worker.wait_for(f"{self.worker_url}/health", START_SECONDS)
        self._django.wait_for(f"{self._shim_url}/healthz", START_SECONDS)
        if self._outbox.ended() is not None:
            self._start_outbox()

    def let_django_finish(self) -> None:
        """Return when Django has ended what it was asked by those who have given up since.

        The network does not see it, because nobody waits for an answer any more.
        """
        busy = _children(self._django.pid)
        os.kill(self._django.pid, signal.SIGHUP)
        deadline = time.monotonic() + START_SECONDS
        while any(_command(process) for process in busy):
            assert time.monotonic() < deadline, "Django does not finish"
            time.sleep(0.02)
        self._django.wait_for(f"{self._shim_url}/healthz", START_SECONDS)

    def run_cron(self) -> None:
        """Have the Worker's cron run, now."""
        url = f"{self.worker_url}/cdn-cgi/handler/scheduled"
        httpx.get(url, timeout=60).raise_for_status()

    def secrets_in(self, text: bytes) -> set[str]:
        """Return which secrets are in a text: their names."""
        known = {
            "gateway key": self._gateway_key,
            "token key": self._token_key,
            "secret key": self._secret_key,
            "database password": self._postgres.url.split(":")[2].split("@")[0],
        }
        found = {name for name, secret in known.items() if secret.encode() in text}
        return found | ({"token"} if TOKEN.search(text) else set())

    def leaked(self) -> list[str]:
        """Return the lines of logs with a secret in them, of what was logged since the last look.

        Wrangler's own lines are left out: in production there is none.
        """
        leaks = []
        for name in self._logs:
            path = self._folder / f"{name}.log"
            with path.open("rb") as log:
                log.seek(self._scanned.get(name, 0))
                said = log.read()
            self._scanned[name] = self._scanned.get(name, 0) + len(said)
            for line in said.splitlines():
                if not any(word in line for word in WRANGLERS) and (found := self.secrets_in(line)):
                    leaks.append(f"{name}: {sorted(found)} in {line[:200]!r}")
        return leaks

    # Who comes, and who goes.

    def _lay(self, link: Link, target: int) -> None:
        self.ports[link] = self.network.lay(link, target)

    def _start_worker(self) -> Process:
        secrets = self._folder / "worker.vars"
        secrets.write_text(
            (ROOT / ".dev.vars.example").read_text()
            + f"MEDIA_TOKEN_KEYS=f1:{self._token_key}\nGATEWAY_KEYS={self._gateway_key}\n"
        )
        public = self.url(Link.BROWSER_WORKER)
        variables = {
            "MEDIA_PUBLIC_URL": public,
            "R2_S3_ENDPOINT": f"{public}/cdn-cgi/local/r2/s3",
        }
        self._local = replace(self._local, env_file=secrets, variables=variables)
        return start(self._local, self._log("worker"))

    def _start_django(self) -> None:
        self._django = Process(
            [
                *(sys.executable, "-m", "gunicorn", "--preload", "--no-control-socket"),
                *("--workers", str(PROCESSES), "--threads", str(THREADS)),
                *("--bind", f"127.0.0.1:{self._port}", "--log-level", "warning"),
                "tests.faults.app.wsgi:application",
            ],
            self._environment(Link.SHIM_WORKER, Link.SHIM_DATABASE),
            self._log("django"),
        )

    def _start_outbox(self) -> None:
        self._outbox = Process(
            [sys.executable, "-m", "django", "media_outbox", "--stay"],
            self._environment(Link.OUTBOX_WORKER, Link.OUTBOX_DATABASE),
            self._log("outbox"),
        )

    def _environment(self, worker: Link | None, database: Link | None) -> dict[str, str]:
        """Return the environment of a process of Django's that reaches others by these links."""
        port = _port_of(self._postgres.url) if database is None else self.ports[database]
        real = f":{_port_of(self._postgres.url)}/"
        url = self._postgres.url.replace(real, f":{port}/")
        return {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(("backend_shim", ".")),
            "DJANGO_SETTINGS_MODULE": SETTINGS,
            "FAULTS_SECRET_KEY": self._secret_key,
            # Whoever is cut off from nobody waits as long as a machine that is busy needs.
            "DATABASE_URL": url if database is None else f"{url}?connect_timeout=2",
            "MEDIA_TIMEOUT": "30" if worker is None else "2",
            "MEDIA_WORKER_URL": self._local.url if worker is None else self.url(worker),
            "MEDIA_PUBLIC_URL": self.url(Link.BROWSER_WORKER),
            "MEDIA_GATEWAY_KEY": self._gateway_key,
            "MEDIA_TOKEN_KEYS": f"f1:{self._token_key}",
            "PYTHONUNBUFFERED": "1",
        }

    def _log(self, name: str) -> IO[bytes]:
        if name not in self._logs:
            path = self._folder / f"{name}.log"
            self._logs[name] = self._stack.enter_context(path.open("ab"))
        return self._logs[name]

    def _is_away(self, victim: Victim) -> bool:
        if victim is Victim.POSTGRES:
            return self._postgres_away
        return self._workerd() is None

    def _slay(self, victim: Victim) -> None:
        match victim:
            case Victim.POSTGRES:
                self._postgres_away = True
                self._postgres.kill()
            case Victim.WORKERD:
                workerd = self._workerd()
                assert workerd is not None
                _kill(workerd)
            case Victim.DJANGO:
                _kill_group(self._django.pid)
            case Victim.DJANGO_PROCESS:
                for child in _children(self._django.pid)[:1]:
                    _kill(child)
            case Victim.OUTBOX:
                _kill_group(self._outbox.pid)

    def _bring_back(self, victim: Victim, absence: float) -> None:
        """Start a victim again. Gunicorn and Wrangler do it themselves for what they started."""
        time.sleep(absence)
        with self._lock:
            if victim is Victim.POSTGRES:
                self._postgres.start()
                self._postgres_away = False
            if victim is Victim.DJANGO and _is_dead(self._django):
                self._start_django()
            if victim is Victim.OUTBOX and _is_dead(self._outbox):
                self._start_outbox()

    def _workerd(self) -> int | None:
        """Return the workerd that runs the Worker and its simulators; another is in front of it."""
        front = f"entry=127.0.0.1:{self._local.port}".encode()
        for process in _descendants(self._worker.pid):
            command = _command(process)
            if b"workerd\0serve" in command and front not in command:
                return process
        return None


class Caretaker:
    """A process of Django's that is never killed and cut off from nobody: it looks after the rest.

    Args:
        environment: its environment.
        log: where it complains.
    """

    def __init__(self, environment: Mapping[str, str], log: IO[bytes]) -> None:
        self._popen = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.caretaker"],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )

    def ask(self, what: str, **arguments: object) -> Any:
        """Have something done, and return what came of it.

        Raises:
            RuntimeError: it failed; the log says why.
        """
        assert self._popen.stdin is not None
        assert self._popen.stdout is not None
        self._popen.stdin.write(json.dumps({"do": what, **arguments}) + "\n")
        self._popen.stdin.flush()
        line = self._popen.stdout.readline()
        answer = json.loads(line) if line else {"failed": "it has ended"}
        if "failed" in answer:
            raise RuntimeError(f"the caretaker could not {what}: {answer['failed']}")
        return answer["done"]

    def __enter__(self) -> "Caretaker":
        return self

    def __exit__(self, *_: object) -> None:
        assert self._popen.stdin is not None
        assert self._popen.stdout is not None
        self._popen.stdin.close()
        try:
            self._popen.wait(10)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            self._popen.wait()
        self._popen.stdout.close()


def _port_of(url: str) -> int:
    return int(url.rpartition("/")[0].rpartition(":")[2])


def _kill(process: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)


def _kill_group(group: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)


def _is_dead(process: Process) -> bool:
    """Return whether a process that was killed has ended; it has, or is just about to."""
    deadline = time.monotonic() + 5
    while process.ended() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    return process.ended() is not None


def _children(process: int) -> list[int]:
    with suppress(OSError):
        listed = Path(f"/proc/{process}/task/{process}/children").read_text()
        return [int(child) for child in listed.split()]
    return []


def _descendants(process: int) -> list[int]:
    found = _children(process)
    return found + [each for child in found for each in _descendants(child)]


def _command(process: int) -> bytes:
    with suppress(OSError):
        return Path(f"/proc/{process}/cmdline").read_bytes()
    return b""
