"""The PostgreSQL of the tests: it keeps what it was told, and nothing of it stays."""

from collections.abc import Iterator

import psycopg
import pytest

from tests.postgres import Postgres, PostgresMissing, binaries

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
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT number FROM kept").fetchall() == [(7,)]
        assert connection.execute("SHOW fsync").fetchone() == ("on",)


def test_a_stop_waits_for_nobody(server: Postgres) -> None:
    with psycopg.connect(server.url) as connection:
        server.stop()
        assert "database system is shut down" in server.log.read_text()
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")

    server.start()


def test_a_database_in_a_hurry_leaves_nothing_behind() -> None:
    try:
        binaries()
    except PostgresMissing as missing:
        pytest.skip(str(missing))
    with Postgres() as running, psycopg.connect(running.url) as connection:
        assert connection.execute("SHOW fsync").fetchone() == ("off",)

    assert not running._folder or not running._folder.exists()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(running.url)
