"""The shim's suite against the installed wheel, on every Python and Django that it is for."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from runtime.process import ROOT
from tests.packaging.interpreter import environment, python
from tests.postgres import PostgresMissing, binaries

LTS: Final = "5.2.19"
NEWEST: Final = "6.1.3"
LOWEST: Final = "lowest"
"""The oldest Django, httpx and PyJWT that the shim says it works with."""

AT_A_TIME: Final = 2

NEEDS_A_WORKER: Final = "on_a_worker"
"""The part of the suite that needs a real one, which is no matter of versions."""

CONFIGURATION: Final = """\
[pytest]
addopts = --strict-markers --import-mode=importlib -p no:cacheprovider
filterwarnings = error
markers = postgres: the test runs on PostgreSQL
pythonpath = . backend_shim worker
"""

FROM_THE_WHEEL: Final = """\
import sys

import media_shim
from tests.databases import django_db_setup, pytest_collection_modifyitems

assert media_shim.__file__.startswith(sys.prefix), media_shim.__file__
"""


@dataclass(frozen=True)
class Pair:
    """A Python, a Django, and whether the suite runs on PostgreSQL beside SQLite."""

    python: str
    django: str
    on_postgres: bool = False

    def __str__(self) -> str:
        return f"python{self.python}-django-{self.django}"


PAIRS: Final = [
    Pair("3.11", LOWEST),
    Pair("3.11", LTS, on_postgres=True),
    Pair("3.12", LTS),
    Pair("3.12", NEWEST, on_postgres=True),
    Pair("3.13", LTS),
    Pair("3.13", NEWEST, on_postgres=True),
    Pair("3.14", LTS),
    Pair("3.14", NEWEST, on_postgres=True),
]


@pytest.fixture(scope="module")
def outcomes(
    request: pytest.FixtureRequest, wheel: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[Pair, Future[str]]]:
    """What the suite said, of each pair that is asked for; some run at a time."""
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        yield {
            pair: pool.submit(_run, pair, wheel, tmp_path_factory.mktemp("pair"))
            for pair in PAIRS
            if any(_pair_of(item) == pair for item in request.session.items)
        }


def _pair_of(item: pytest.Item) -> object:
    call: Any = getattr(item, "callspec", None)
    return call and call.params.get("pair")


@pytest.mark.parametrize("pair", PAIRS, ids=str)
def test_the_suite_passes_on_the_installed_wheel(
    pair: Pair, outcomes: dict[Pair, Future[str]]
) -> None:
    said = outcomes[pair].result()

    assert " passed" in said
    if pair.on_postgres:
        _say_if_missing()


def _say_if_missing() -> None:
    try:
        binaries()
    except PostgresMissing as missing:
        pytest.skip(f"on SQLite it passes; {missing}")


def _run(pair: Pair, wheel: Path, folder: Path) -> str:
    """Run the suite in an environment of its own; return its last line.

    Raises:
        AssertionError: it failed; with what it said.
    """
    packages = [f"{wheel}[postgres]", "pytest", "pytest-django"]
    interpreter = (
        environment(folder / "venv", python(pair.python), *packages, resolution="lowest-direct")
        if pair.django == LOWEST
        else environment(folder / "venv", python(pair.python), *packages, f"django=={pair.django}")
    )
    _tree(folder / "tree")
    marks = [] if pair.on_postgres else ["-m", "not postgres"]
    done = subprocess.run(
        [interpreter, "-m", "pytest", "-q", *marks, "tests/shim"],
        cwd=folder / "tree",
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6_000:] + done.stderr[-2_000:]
    return done.stdout.splitlines()[-1]


def _tree(folder: Path) -> None:
    """Copy the suite and what it uses of this repository, and nothing of the app."""
    ignored = shutil.ignore_patterns("__pycache__", NEEDS_A_WORKER)
    for part in ("tests/shim", "tests/media", "backend_shim/demo", "web"):
        shutil.copytree(ROOT / part, folder / part, ignore=ignored)
    for file in (
        "tests/databases.py",
        "tests/postgres.py",
        "backend_shim/README.md",
        "backend_shim/manage.py",
        "worker/runtime/__init__.py",
        "worker/runtime/process.py",
    ):
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / file, folder / file)
    (folder / "pytest.ini").write_text(CONFIGURATION)
    (folder / "conftest.py").write_text(FROM_THE_WHEEL)
