"""The corpus gets the same verdicts from the Python that a Worker runs on."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.corpus.drawings import DRAWINGS
from tests.corpus.honest import HONEST
from tests.corpus.hostile import HOSTILE

PROGRAM = Path(__file__).with_name("pyodide.mjs")


def test_a_worker_would_come_to_the_same_verdicts() -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node to run Pyodide with: `make test` finds the project's own")
    done = subprocess.run([node, str(PROGRAM)], check=True, capture_output=True, text=True)
    assert json.loads(done.stdout) == {
        "judged": len([*HONEST, *HOSTILE, *DRAWINGS]),
        "wrong": {},
        "platform": "emscripten",
    }
