"""What is in the wheel, and what type checkers make of it."""

import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from runtime.process import ROOT
from tests.packaging.interpreter import environment

SOURCE = ROOT / "backend_shim"
CLIENT = ROOT / "web" / "client"

RIGHT = """\
from media_shim.conf import current
from media_shim.errors import ShimError

seconds: int = current().token_ttl
refused: type[ShimError] = ShimError
"""
WRONG = RIGHT.replace("seconds: int", "seconds: str")


def test_the_wheel_has_the_app_and_nothing_else(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}

    app = {
        path.relative_to(SOURCE).as_posix()
        for path in (SOURCE / "media_shim").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    client = {f"media_shim/static/media_shim/client/{path.name}" for path in CLIENT.iterdir()}
    assert packed == app | client
    assert {"media_shim/py.typed", "media_shim/migrations/0001_initial.py"} <= packed


def test_its_types_are_found(wheel: Path, tmp_path: Path) -> None:
    python = environment(tmp_path / "venv", Path(sys.executable), str(wheel))

    def strict(program: str) -> subprocess.CompletedProcess[str]:
        (tmp_path / "program.py").write_text(program)
        options = ("--strict", "--config-file=", "--cache-dir=/dev/null")
        return subprocess.run(
            [sys.executable, "-m", "mypy", *options, f"--python-executable={python}", "program.py"],
            cwd=tmp_path,
            env={"PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            check=False,
        )

    assert strict(RIGHT).returncode == 0, strict(RIGHT).stdout
    assert 'has type "int", variable has type "str"' in strict(WRONG).stdout


@pytest.mark.parametrize("extra", ["", "[postgres]"])
def test_it_is_installed_with_what_it_needs(wheel: Path, tmp_path: Path, extra: str) -> None:
    python = environment(tmp_path / "venv", Path(sys.executable), f"{wheel}{extra}")
    needed = ["media_shim.client", "media_shim.tokens", *(["psycopg"] if extra else [])]

    subprocess.run([python, "-c", f"import {', '.join(needed)}"], check=True, cwd=tmp_path)
