"""The databases that an application's tests run on: SQLite, and PostgreSQL where there is one.

Each test that uses a database runs on both; `-m "not postgres"` leaves the second run out.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.postgres import Postgres, PostgresMissing, binaries

NOT_RUN = pytest.StashKey[str]()
"""What was left out, and why."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave PostgreSQL out where there is none, and keep why: once, and not for every test."""
    on_postgres = [item for item in items if item.get_closest_marker("postgres")]
    try:
        binaries()
    except PostgresMissing as missing:
        if on_postgres:
            config.stash[NOT_RUN] = f"{len(on_postgres)} tests on PostgreSQL: {missing}"
            config.hook.pytest_deselected(items=on_postgres)
            items[:] = [item for item in items if item not in on_postgres]


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    if NOT_RUN in config.stash:
        terminalreporter.write_line(f"NOT RUN {config.stash[NOT_RUN]}", yellow=True)


@pytest.fixture(
    scope="session", params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]
)
def django_db_setup(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    django_test_environment: None,  # noqa: ARG001
    django_db_blocker: Any,
) -> Iterator[None]:
    """The database that the tests run on: first each of them on one, then each on the other.

    SQLite's is in a file, as an application's is: what is in memory has other locks.
    """
    # Only who needs a database needs Django, and then has configured it.
    from django.contrib.contenttypes.models import ContentType
    from django.db import connections
    from django.test.utils import setup_databases, teardown_databases

    from demo import database

    with ExitStack() as until_the_end:
        if request.param == "sqlite":
            path = tmp_path_factory.mktemp("database") / "demo.sqlite3"
            chosen = database.sqlite(path) | {"TEST": {"NAME": path}}
        else:
            server = until_the_end.enter_context(Postgres())
            chosen = database.postgres(server.url)
        with django_db_blocker.unblock():
            _connect_to(chosen)
            # Its rows are remembered by their ids, which are other ones in another database.
            ContentType.objects.clear_cache()
            created = setup_databases(verbosity=0, interactive=False)
        yield
        with django_db_blocker.unblock():
            teardown_databases(created, verbosity=0)
            connections["default"].close()


def _connect_to(chosen: dict[str, Any]) -> None:
    """Make it the default database, for this thread and for those that come."""
    from django.db import connections

    connections["default"].close()
    del connections["default"]
    configured = connections.settings["default"]
    configured.clear()
    configured.update(chosen)
    connections.configure_settings(connections.settings)
