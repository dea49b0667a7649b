"""A PostgreSQL of our own, made from the machine's binaries, that is gone when nobody needs it.

    with Postgres() as postgres:
        psycopg.connect(postgres.url)
        postgres.kill()   # as a power failure does
        postgres.start()  # what was committed is there, if it is `durable`

`initdb` and `postgres` refuse to run as root, and there run as somebody without rights. Whatever
becomes of the process that started it, a guard sees the end of a pipe from that process, stops the
server and removes its folder.
"""

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import psycopg

PATIENCE: Final = 60
"""In seconds: how long it may take to come up, or to go."""

UNPRIVILEGED: Final = ("postgres", "nobody")
"""Who runs the server where we are root: the first of them that the machine has."""

DEBIAN: Final = Path("/usr/lib/postgresql")
"""Where Debian keeps what its PATH does not have: a folder for each version."""

PROGRAMS: Final = ("initdb", "pg_ctl", "postgres")

HASTY: Final = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")
"""What a database does without that nobody will miss after a failure of power."""

IN_USE: Final = "pre-existing shared memory block"
"""What a server says that was started too early."""

GUARD: Final = 'cat; "$0" stop --pgdata="$1/data" --mode=immediate --silent; rm -rf "$1"'


class PostgresMissing(Exception):
    """The machine has no PostgreSQL; the message says what to install."""


class PostgresFailed(Exception):
    """It did not come up; the message ends with what it said last."""


def binaries() -> Path:
    """Return the folder of `initdb`, `pg_ctl` and `postgres`: the PATH's, or Debian's newest.

    Raises:
        PostgresMissing: there is none.
    """
    folders = sorted(DEBIAN.glob("*/bin"), key=lambda folder: int(folder.parent.name))
    on_the_path = shutil.which("initdb")
    if on_the_path:
        # Distributions link from the PATH into the folder that has all of them.
        folders.append(Path(on_the_path).resolve().parent)
    for folder in reversed(folders):
        if all((folder / name).exists() for name in PROGRAMS):
            return folder
    raise PostgresMissing("no PostgreSQL: install it (Debian: apt-get install postgresql)")


class Postgres:
    """A server with an empty database, on 127.0.0.1 and on a socket in its own folder.

    It starts when the block is entered. Its port and its data stay the same from start to start.

    Args:
        durable: whether a commit survives a power failure. It is slower then.
    """

    def __init__(self, *, durable: bool = False) -> None:
        self._binaries = binaries()
        self._durable = durable
        self._password = secrets.token_urlsafe()
        self._port = _free_port()
        self._rights: dict[str, Any] = _without_rights() if os.geteuid() == 0 else {}
        self._folder: Path | None = None
        self._server: subprocess.Popen[bytes] | None = None
        self._guard: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Return where the database is, with the password of a superuser."""
        return f"postgresql://postgres:{self._password}@127.0.0.1:{self._port}/postgres"

    @property
    def log(self) -> Path:
        """Return the file of what it says."""
        return self.folder / "log"

    @property
    def folder(self) -> Path:
        """Return the folder of all that it keeps."""
        assert self._folder is not None, "it has a folder inside of its block alone"
        return self._folder

    def start(self) -> None:
        """Start it, and return when it answers. After a failure it recovers by itself.

        Raises:
            PostgresFailed: it did not come up.
        """
        deadline = time.monotonic() + PATIENCE
        with self.log.open("ab") as log:
            while True:
                self._server = subprocess.Popen(
                    [
                        self._binaries / "postgres",
                        *("-D", self.folder / "data"),
                        *("-k", self.folder),
                        *("-h", "127.0.0.1"),
                        *("-p", str(self._port)),
                        *(() if self._durable else _options(HASTY)),
                    ],
                    cwd=self.folder,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                    **self._rights,
                )
                if self._answers(deadline):
                    return
                # What outlived a kill holds the memory of its server until it notices.
                if IN_USE not in self._said() or time.monotonic() > deadline:
                    self.kill()
                    raise PostgresFailed(f"PostgreSQL did not come up:\n{self._said()}")

    def kill(self) -> None:
        """End it at once and unprepared, with all of its processes."""
        if self._server is not None:
            for pid in (self._server.pid, *_children(self._server.pid)):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self._server.wait()
            self._server = None

    def stop(self) -> None:
        """End it in order: what is asked is broken off, and what was committed is written."""
        if self._server is not None:
            self._server.send_signal(signal.SIGINT)
            try:
                self._server.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.kill()
            self._server = None

    def __enter__(self) -> "Postgres":
        # A socket's path may have 107 bytes, so this is not in the folder of a test.
        self._folder = Path(tempfile.mkdtemp(prefix="postgres-"))
        if self._rights:
            os.chown(self._folder, self._rights["user"], self._rights["group"])
        try:
            self._guard = subprocess.Popen(
                ["/bin/sh", "-c", GUARD, self._binaries / "pg_ctl", self._folder],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                **self._rights,
            )
            self._initialise()
            self.start()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end()

    def _initialise(self) -> None:
        password = self.folder / "password"
        password.touch(0o600)
        password.write_text(self._password)
        if self._rights:
            os.chown(password, self._rights["user"], self._rights["group"])
        done = subprocess.run(
            [
                self._binaries / "initdb",
                *("-D", self.folder / "data"),
                *("--username", "postgres"),
                *("--auth", "scram-sha-256"),
                *("--pwfile", password),
                *("--encoding", "UTF8"),
                *("--locale", "C"),
                *(() if self._durable else ("--no-sync",)),
            ],
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            **self._rights,
        )
        if done.returncode != 0:
            raise PostgresFailed(f"initdb failed:\n{done.stdout.decode(errors='replace')}")

    def _answers(self, deadline: float) -> bool:
        """Tell whether it answers, before it ends or the time is up."""
        assert self._server is not None
        while time.monotonic() < deadline and self._server.poll() is None:
            with suppress(psycopg.OperationalError):
                psycopg.connect(self.url, connect_timeout=5).close()
                return True
            time.sleep(0.05)
        return False

    def _said(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-20:])

    def _end(self) -> None:
        try:
            self.stop()
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)
            if self._guard is not None:
                assert self._guard.stdin is not None
                self._guard.stdin.close()
                self._guard.wait()


def _options(settings: Sequence[str]) -> list[str]:
    return [word for setting in settings for word in ("-c", setting)]


def _without_rights() -> dict[str, Any]:
    """Return what makes a process of root's one of somebody else's."""
    for name in UNPRIVILEGED:
        with suppress(KeyError):
            user = pwd.getpwnam(name)
            return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    raise PostgresMissing(f"no user to run PostgreSQL as: there is none of {UNPRIVILEGED}")


def _children(pid: int) -> list[int]:
    """Return the processes that a process started, where the kernel tells (Linux)."""
    with suppress(OSError):
        return [
            int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        ]
    return []


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
