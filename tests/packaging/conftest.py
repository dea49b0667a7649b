"""The shim as a team gets it: built, and installed where nothing of this repository is."""

from pathlib import Path

import pytest

from runtime.process import ROOT
from tests.packaging.interpreter import uv


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built out of the source distribution."""
    folder = tmp_path_factory.mktemp("dist")
    uv("build", "--quiet", ROOT / "backend_shim", "--out-dir", folder)
    (built,) = folder.glob("*.whl")
    return built
