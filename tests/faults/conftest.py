"""The house in which all runs take place, and what they came to together."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime.wrangler import LocalWorker
from tests.conftest import free_port
from tests.faults.house import House
from tests.faults.run import Result
from tests.postgres import PostgresMissing

RUNS = 100

_total = Result()


def seeds() -> range:
    """Return the seeds to run: FAULT_SEEDS is a number of runs, one seed `=17`, or `1000..1999`."""
    asked = os.environ.get("FAULT_SEEDS") or f"1..{RUNS}"
    first, _, last = asked.partition("..")
    return range(int(first), int(last or first) + 1)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "seed" in metafunc.fixturenames:
        metafunc.parametrize("seed", seeds())


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory, unhurried: Path) -> Iterator[House]:
    """All processes, started once."""
    folder = tmp_path_factory.mktemp("faults")
    # One address asks again and again whether a stranger is let in.
    guesses = "simple = { limit = 100, period = 60 }"
    text = unhurried.read_text()
    assert text.count(guesses) == 1
    config = unhurried.with_name("faults.toml")
    config.write_text(text.replace(guesses, "simple = { limit = 1000000, period = 60 }"))
    worker = LocalWorker(
        port=free_port(),
        state=folder / "state",
        config=config,
        registry=tmp_path_factory.mktemp("registry"),
    )
    try:
        with House(folder, worker, free_port()) as running:
            yield running
    except PostgresMissing as missing:
        pytest.skip(str(missing))


@pytest.fixture
def total(request: pytest.FixtureRequest, seed: int) -> Iterator[Result]:
    """What all runs came to; it is said after each how far they are."""
    yield _total
    reporter = request.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None:
        place = seeds().index(seed) + 1
        reporter.write_line(f" seed {seed}, {place} of {len(seeds())}: {_total.brief()}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what all runs came to."""
    if _total.runs:
        terminalreporter.section("faults")
        for line in _total.lines():
            terminalreporter.write_line(line)
