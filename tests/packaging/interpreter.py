"""The Pythons that the machine has, and environments of their own that uv makes with them."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime.process import ROOT

PYENV = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"


def uv(*arguments: str | Path) -> None:
    """Run uv; a registry that cannot be reached skips the test."""
    own = sorted((ROOT / ".tools").glob("uv-*/bin/uv"))
    program = own[-1] if own else shutil.which("uv")
    if program is None:
        pytest.skip("no uv to make environments with: `make test` sets it up")
    done = subprocess.run([program, *arguments], capture_output=True, text=True, check=False)
    if "Failed to fetch" in done.stderr:
        pytest.skip(f"the package registry does not answer:\n{done.stderr}")
    assert done.returncode == 0, done.stderr


def python(version: str) -> Path:
    """Return the machine's Python of a version such as `3.12`; without one, skip the test."""
    for candidate in _candidates(version):
        asked = subprocess.run(
            [candidate, "-c", "import sqlite3, sys; print('%d.%d' % sys.version_info[:2])"],
            capture_output=True,
            text=True,
            check=False,
        )
        if asked.stdout.strip() == version:
            return candidate
    pytest.skip(f"no Python {version}: install it to have the shim tested with it")


def _candidates(version: str) -> Iterator[Path]:
    yield from PYENV.glob(f"{version}.*/bin/python")
    on_the_path = shutil.which(f"python{version}")
    if on_the_path:
        yield Path(on_the_path)


def environment(folder: Path, interpreter: Path, *packages: str, **options: str) -> Path:
    """Make a virtual environment with packages in it, of the versions that are locked.

    Args:
        folder: where; it is made.
        interpreter: the Python to make it with.
        packages: what to install, as uv's command line wants it.
        options: more options for the installation, by their names.

    Returns:
        Its Python.
    """
    uv("venv", "--quiet", "--python", interpreter, folder)
    locked = folder / "locked.txt"
    locked.write_text("\n".join(_locked()))
    uv(
        *("pip", "install", "--quiet", "--python", folder / "bin" / "python"),
        *("--constraints", locked),
        *(f"--{name}={value}" for name, value in options.items()),
        *packages,
    )
    return folder / "bin" / "python"


def _locked() -> Iterator[str]:
    """Yield the versions of what is tested with. What the shim itself needs is free."""
    for line in (ROOT / "requirements" / "dev.txt").read_text().splitlines():
        if "==" in line and line.startswith(("pytest", "pluggy", "iniconfig", "psycopg")):
            yield line.removesuffix(" \\")
