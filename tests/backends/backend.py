"""How a backend of the document is built and started: with what a reader writes around it.

Nothing is downloaded. Go and Next.js' handlers need their language's standard library alone; where
NestJS would be, a few decorators stand.
"""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TypeAlias

import pytest

from runtime.process import ROOT, Process
from tests.backends.document import program
from tests.conftest import free_port

HERE: Final = Path(__file__).parent
BIN: Final = ROOT / "node_modules" / ".bin"
NODE: Final = str(BIN / "node")
START_SECONDS: Final = 60
GO_IS_MISSING: Final = "no Go: install it (Debian: apt-get install golang-go)"

Build: TypeAlias = Callable[[Path], Sequence[str]]
"""Builds a backend in a folder; returns the command that starts it."""


def next_js(folder: Path) -> Sequence[str]:
    """The route handlers, called as Next.js calls them."""
    _library(folder)
    shutil.copy(HERE / "session.mjs", folder / "lib")
    _write(folder, "app/api/media/[...path]/route.js")
    shutil.copy(HERE / "next_server.mjs", folder)
    (folder / "package.json").write_text('{"type": "module"}')
    return [NODE, str(folder / "next_server.mjs")]


def nest(folder: Path) -> Sequence[str]:
    """The controller, compiled with its decorators."""
    _library(folder)
    _write(folder, "media.controller.ts")
    (folder / "tsconfig.json").write_text('{"compilerOptions": {"experimentalDecorators": true}}')
    _run([str(BIN / "esbuild"), "media.controller.ts", "--outfile=media.controller.mjs"], folder)
    package = folder / "node_modules" / "@nestjs" / "common"
    package.mkdir(parents=True)
    shutil.copy(HERE / "nest_common.mjs", package / "index.mjs")
    (package / "package.json").write_text('{"name": "@nestjs/common", "exports": "./index.mjs"}')
    shutil.copy(HERE / "nest_server.mjs", folder)
    return [NODE, str(folder / "nest_server.mjs")]


def go(folder: Path) -> Sequence[str]:
    """The package, compiled with the machine's Go."""
    if shutil.which("go") is None:
        pytest.skip(GO_IS_MISSING)
    _write(folder, "media/media.go")
    shutil.copy(HERE / "main.go", folder)
    (folder / "go.mod").write_text("module backend\n\ngo 1.18\n")
    _run(["go", "vet", "./..."], folder)
    _run(["go", "build", "-o", "backend", "."], folder)
    return [str(folder / "backend")]


BACKENDS: Final[Mapping[str, Build]] = {"Next.js": next_js, "NestJS": nest, "Go": go}


@contextmanager
def running(build: Build, folder: Path, settings: Mapping[str, str]) -> Iterator[str]:
    """Build a backend, run it while the block runs, and give its URL."""
    command, port = build(folder), free_port()
    env = {**os.environ, **settings, "PORT": str(port)}
    log = folder / "log"
    with log.open("wb") as output, Process(command, env, output) as process:
        url = f"http://127.0.0.1:{port}"
        process.wait_for(f"{url}/up", START_SECONDS)
        yield url


def _library(folder: Path) -> None:
    _write(folder, "lib/media.mjs")
    shutil.copy(HERE / "files.mjs", folder / "lib")


def _write(folder: Path, path: str) -> None:
    file = folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(program(path), encoding="utf-8")


def _run(command: Sequence[str], folder: Path) -> None:
    env = {**os.environ, "GOPROXY": "off", "GOFLAGS": "-mod=mod"}
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
