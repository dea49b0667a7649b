"""How a backend of the document is built and started: with what a reader writes around it.

NestJS and Next.js are themselves, compiled and built as their developers do it, and get no setting
before they run: an image is built where no secrets are. Go needs its standard library alone.
"""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, TypeAlias

import pytest

from runtime.process import ROOT, Process, StartError
from tests.backends.document import program
from tests.backends.packages import installed
from tests.conftest import free_port

HERE: Final = Path(__file__).parent
NODE: Final = str(ROOT / "node_modules" / ".bin" / "node")
START_SECONDS: Final = 60
GO_IS_MISSING: Final = "no Go: install it (Debian: apt-get install golang-go)"

Build: TypeAlias = Callable[[], AbstractContextManager[Sequence[str]]]
"""Builds a backend; gives the command that starts it, which works while the block runs."""


@contextmanager
def next_js() -> Iterator[Sequence[str]]:
    """The route handlers in an application of Next.js, built for production."""
    with _application("next", "lib") as folder:
        _write(folder, "app/api/media/[...path]/route.ts")
        cli = [NODE, str(folder.parent / "node_modules" / "next" / "dist" / "bin" / "next")]
        _run([*cli, "build"], folder)
        yield [*cli, "start", str(folder), "--hostname", "127.0.0.1"]


@contextmanager
def nest() -> Iterator[Sequence[str]]:
    """The controller in an application of NestJS, its types checked and compiled by TypeScript."""
    with _application("nest", "src/lib") as folder:
        _write(folder, "src/media/media.controller.ts")
        _write(folder, "src/media/media.module.ts")
        _run([NODE, str(folder.parent / "node_modules" / "typescript" / "bin" / "tsc")], folder)
        yield [NODE, str(folder / "dist" / "main.js")]


@contextmanager
def go() -> Iterator[Sequence[str]]:
    """The package, compiled with the machine's Go."""
    if shutil.which("go") is None:
        pytest.skip(GO_IS_MISSING)
    with TemporaryDirectory() as made:
        folder = Path(made)
        _write(folder, "media/media.go")
        shutil.copy(HERE / "go" / "main.go", folder)
        (folder / "go.mod").write_text("module backend\n\ngo 1.18\n")
        _run(["go", "vet", "./..."], folder)
        _run(["go", "build", "-o", "backend", "."], folder)
        yield [str(folder / "backend")]


BACKENDS: Final[Mapping[str, Build]] = {"Next.js": next_js, "NestJS": nest, "Go": go}


@contextmanager
def running(command: Sequence[str], folder: Path, settings: Mapping[str, str]) -> Iterator[str]:
    """Run a backend while the block runs, and give its URL; its log goes into the folder."""
    port = free_port()
    env = {**_surroundings(), **settings, "PORT": str(port)}
    log = folder / "log"
    with log.open("wb") as output, Process(command, env, output) as process:
        url = f"http://127.0.0.1:{port}"
        try:
            process.wait_for(f"{url}/up", START_SECONDS)
        except StartError as error:
            pytest.fail(f"the backend did not start: {error}\n{log.read_text()}")
        yield url


@contextmanager
def _application(name: str, library: str) -> Iterator[Path]:
    """Make an application of TypeScript out of a folder here, where it finds its packages."""
    with TemporaryDirectory(dir=installed(), prefix=f"{name}-") as made:
        folder = Path(made)
        shutil.copytree(HERE / name, folder, dirs_exist_ok=True)
        (folder / library).mkdir(parents=True, exist_ok=True)
        (folder / library / "media.ts").write_text(program("lib/media.ts"), encoding="utf-8")
        shutil.copy(HERE / "files.ts", folder / library)
        yield folder


def _write(folder: Path, path: str) -> None:
    file = folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(program(path), encoding="utf-8")


def _run(command: Sequence[str], folder: Path) -> None:
    done = subprocess.run(
        command, cwd=folder, env=_surroundings(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def _surroundings() -> dict[str, str]:
    """Return the environment of a build and of a backend: nothing is fetched, nothing is told."""
    quiet = {"NEXT_TELEMETRY_DISABLED": "1", "npm_config_offline": "true"}
    return {**os.environ, **quiet, "GOPROXY": "off", "GOFLAGS": "-mod=mod"}
