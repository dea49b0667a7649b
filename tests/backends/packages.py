"""The frameworks of the document's backends, from npm.

They are pinned by `package-lock.json` beside this file and live in a folder of their own, made when
a test first wants them: `make dev` does not wait for Next.js.
"""

import os
import shutil
import subprocess
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import pytest

from runtime.process import ROOT

TOOLS: Final = ROOT / ".tools"

_PINS: Final = tuple(Path(__file__).with_name(f"package{part}.json") for part in ("", "-lock"))
_UNREACHABLE: Final = ("npm error network", "EAI_AGAIN", "ENOTFOUND", "ECONNREFUSED", "ETIMEDOUT")


def installed() -> Path:
    """Return the folder whose `node_modules` has them, for applications that are made inside it.

    A registry that cannot be reached skips the test.
    """
    pinned = sha256(b"".join(file.read_bytes() for file in _PINS)).hexdigest()
    folder = TOOLS / f"backends-{pinned[:12]}"
    if not folder.exists():
        TOOLS.mkdir(exist_ok=True)
        # It gets its name when it is whole, whoever else installs it at the same time.
        with TemporaryDirectory(dir=TOOLS, prefix="backends-new-") as beside:
            _install(Path(beside) / "whole")
            _name(Path(beside) / "whole", folder)
    return folder


def _name(whole: Path, folder: Path) -> None:
    try:
        whole.rename(folder)
    except OSError:
        assert folder.exists(), folder


def _install(folder: Path) -> None:
    folder.mkdir()
    for file in _PINS:
        shutil.copy(file, folder)
    done = subprocess.run(
        ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier"],
        cwd=folder,
        env={**os.environ, "npm_config_loglevel": "error"},
        capture_output=True,
        text=True,
        check=False,
    )
    if any(sign in done.stderr for sign in _UNREACHABLE):
        pytest.skip(f"the package registry does not answer:\n{done.stderr}")
    assert done.returncode == 0, done.stderr
