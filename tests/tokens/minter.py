"""How a program of the document is run: each language with its own tool and its own library.

Nothing is downloaded. Python's and JavaScript's libraries come with the project; those of Go and
PHP are looked for where a developer of that language has them, and where there are none the
minter says what to install.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

import pytest

from runtime.process import ROOT
from tests.tokens.document import program

GO_MODULE: Final = "github.com/golang-jwt/jwt"
GO_VERSIONS: Final = ("v5", "v4")
DEBIAN_GO_SOURCES: Final = Path("/usr/share/gocode/src")
GO_IS_MISSING: Final = (
    "no Go with golang-jwt: install Go and the library (Debian: apt-get install golang-go"
    " golang-github-golang-jwt-jwt-dev)"
)
PHP_IS_MISSING: Final = (
    "no PHP with firebase/php-jwt: install PHP and Composer (Debian: apt-get install php-cli"
    " composer), then `composer global require firebase/php-jwt`"
)


@dataclass(frozen=True)
class Minter:
    """A program that prints URLs.

    Attributes:
        command: what runs it, without the key.
        folder: where it is run.
    """

    command: Sequence[str]
    folder: Path

    def url(self, key: str, settings: Mapping[str, str]) -> str:
        """Return the URL that it prints for a file.

        Args:
            key: the file's key.
            settings: the settings of the application.
        """
        done = subprocess.run(
            [*self.command, key],
            cwd=self.folder,
            env={**os.environ, **settings},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()


MakeMinter: TypeAlias = Callable[[Path], Minter]


def python(folder: Path) -> Minter:
    """The program on the Python of these tests."""
    (folder / "mint.py").write_text(program("python"), encoding="utf-8")
    return Minter([sys.executable, "mint.py"], folder)


def javascript(folder: Path) -> Minter:
    """The program on the Node of this project."""
    (folder / "mint.mjs").write_text(program("js"), encoding="utf-8")
    (folder / "node_modules").symlink_to(ROOT / "node_modules")
    return Minter([str(ROOT / "node_modules" / ".bin" / "node"), "mint.mjs"], folder)


def go(folder: Path) -> Minter:
    """The program, built with the newest version of its library that is on this machine."""
    library = _go_library()
    if library is None:
        pytest.skip(GO_IS_MISSING)
    version, sources = library
    module = f"{GO_MODULE}/{version}"
    source = program("go").replace(f"{GO_MODULE}/v5", module)
    (folder / "main.go").write_text(source, encoding="utf-8")
    (folder / "go.mod").write_text(
        f"module mint\n\ngo 1.18\n\nrequire {module} {version}.0.0\n\n"
        f"replace {module} => {sources}\n",
        encoding="utf-8",
    )
    _said(["go", "build", "-mod=mod", "-o", "mint", "."], cwd=folder)
    return Minter([str(folder / "mint")], folder)


def _go_library() -> tuple[str, Path] | None:
    """Return the version and the sources of golang-jwt: what was downloaded, or the system's."""
    if shutil.which("go") is None:
        return None
    downloaded = Path(_said(["go", "env", "GOMODCACHE"])) / GO_MODULE
    packaged = DEBIAN_GO_SOURCES / GO_MODULE
    for version in GO_VERSIONS:
        for sources in (*downloaded.glob(f"{version}@*"), packaged / version, packaged):
            go_mod = sources / "go.mod"
            if go_mod.exists() and f"{GO_MODULE}/{version}" in go_mod.read_text(encoding="utf-8"):
                return version, sources
    return None


def php(folder: Path) -> Minter:
    """The program with the library that Composer keeps for the user."""
    if shutil.which("php") is None or shutil.which("composer") is None:
        pytest.skip(PHP_IS_MISSING)
    ask = ["composer", "--no-interaction", "global", "config", "vendor-dir", "--absolute"]
    vendor = Path(_said(ask))
    if not (vendor / "firebase" / "php-jwt").exists():
        pytest.skip(PHP_IS_MISSING)
    (folder / "mint.php").write_text(program("php"), encoding="utf-8")
    (folder / "vendor").symlink_to(vendor)
    return Minter(["php", "mint.php"], folder)


def _said(command: Sequence[str], cwd: Path | None = None) -> str:
    env = {**os.environ, "GOPROXY": "off"}
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


MINTERS: Final[Mapping[str, MakeMinter]] = {
    "Python": python,
    "JavaScript": javascript,
    "Go": go,
    "PHP": php,
}
