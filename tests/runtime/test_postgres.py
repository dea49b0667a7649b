"""The PostgreSQL of the tests: it keeps what it was told, and nothing of it stays."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from runtime.process import ROOT
from tests import postgres
from tests.postgres import Postgres, PostgresMissing

DIES = """
import os, signal
from tests.postgres import Postgres

with Postgres() as server:
    print(server.folder, server.url, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    try:
        with Postgres(durable=True) as running:
            yield running
    except PostgresMissing as missing:
        pytest.skip(str(missing))


def setting(url: str, name: str) -> str:
    with psycopg.connect(url) as connection:
        (value,) = connection.execute("SELECT current_setting(%s)", [name]).fetchone() or ("",)
    return str(value)


def test_what_was_committed_outlives_a_kill(server: Postgres) -> None:
    url = server.url
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE kept (number int)")
        connection.execute("INSERT INTO kept VALUES (7)")
        server.kill()
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url)

    server.start()

    assert server.url == url
    assert setting(url, "fsync") == "on"
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT number FROM kept").fetchall() == [(7,)]


def test_a_stop_waits_for_nobody(server: Postgres) -> None:
    with psycopg.connect(server.url) as connection:
        server.stop()
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")
    assert server.log.read_text().endswith("database system is shut down\n")

    server.start()


@pytest.mark.usefixtures("server")
def test_nothing_of_it_stays_when_its_block_is_left() -> None:
    with Postgres() as hasty:
        folder = hasty.folder
        assert setting(hasty.url, "fsync") == "off"

    assert not folder.exists()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(hasty.url)


@pytest.mark.usefixtures("server")
def test_nothing_of_it_stays_when_the_process_that_started_it_is_killed() -> None:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, (ROOT, ROOT / "worker")))}
    killed = subprocess.run(
        [sys.executable, "-c", DIES], env=environment, capture_output=True, text=True, check=False
    )
    assert killed.returncode == -9, killed.stderr
    folder, url = killed.stdout.split()

    deadline = time.monotonic() + postgres.PATIENCE
    while Path(folder).exists() and time.monotonic() < deadline:
        time.sleep(0.05)

    assert not Path(folder).exists()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url)


def test_a_machine_without_it_is_told_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(postgres, "DEBIAN", tmp_path)

    with pytest.raises(PostgresMissing, match="apt-get install postgresql"):
        Postgres()


def test_debians_newest_is_taken_that_is_whole(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(postgres, "DEBIAN", tmp_path)
    for version in ("9", "17", "15", "18"):
        (tmp_path / version / "bin").mkdir(parents=True)
        for program in postgres.PROGRAMS[: 2 if version == "18" else None]:
            (tmp_path / version / "bin" / program).touch()

    assert postgres.binaries() == tmp_path / "17" / "bin"
