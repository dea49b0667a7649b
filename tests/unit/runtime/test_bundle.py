"""The local Pyodide bundle, built from a package of a few bytes."""

import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import capnp
import pytest

from runtime import bundle
from runtime.bundle import (
    BUNDLE_NAME,
    SCHEMA,
    SUBSTITUTIONS,
    WRAPPED_NAMES,
    BundleError,
    ensure_bundle,
    patch_loader,
)

HERE = SCHEMA.parents[1]
"""The folder that has `runtime`."""

LOADER = "".join(f"{wanted.find}\n" * wanted.times for wanted in SUBSTITUTIONS)


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A package like npm's `pyodide`."""
    folder = tmp_path / "node_modules" / "pyodide"
    folder.mkdir(parents=True)
    (folder / "package.json").write_text('{"version": "314.0.6"}')
    (folder / "pyodide.asm.mjs").write_text(LOADER)
    (folder / "pyodide.asm.wasm").write_bytes(b"\0asm the interpreter")
    (folder / "python_stdlib.zip").write_bytes(b"PK the library")
    return folder


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "bundles"


def modules(folder: Path) -> dict[str, tuple[str, str, bytes]]:
    """Return the type, the kind and the content of each module of a bundle, by its name."""
    schema = capnp.load(str(SCHEMA))
    with (folder / BUNDLE_NAME).open("rb") as file:
        message = schema.Bundle.read(file)
        return {
            module.name: (str(module.type), kind := module.which(), bytes(getattr(module, kind)))
            for module in message.modules
        }


def test_a_bundle_holds_the_package_with_its_loader_patched(package: Path, cache: Path) -> None:
    assert modules(ensure_bundle(package, cache)) == {
        "pyodideRuntime-internal:python_stdlib.zip": ("internal", "data", b"PK the library"),
        "pyodideRuntime-internal:pyodide.asm.wasm": ("internal", "wasm", b"\0asm the interpreter"),
        "pyodideRuntime-internal:pyodide.asm": ("internal", "src", patch_loader(LOADER).encode()),
    }


def test_a_patched_loader_has_nothing_left_that_a_worker_forbids() -> None:
    patched = patch_loader(LOADER)
    for wanted in SUBSTITUTIONS:
        assert patched.count(wanted.replace) >= wanted.times
    for forbidden in ("new WebAssembly.Module(", "WebAssembly.instantiate(", "Date.now"):
        assert forbidden not in patched.replace("monotonicDateNow", "")
    first_line = patched.partition("\n")[0]
    assert first_line.startswith("import {")
    assert first_line.endswith('} from "pyodide-internal:builtin_wrappers";')
    for name in WRAPPED_NAMES:
        assert name in first_line


@pytest.mark.parametrize("wanted", SUBSTITUTIONS, ids=lambda wanted: wanted.find)
def test_a_substitution_that_moved_is_named(
    wanted: bundle.Substitution, package: Path, cache: Path
) -> None:
    for loader, found in (
        (LOADER.replace(f"{wanted.find}\n", "", 1), wanted.times - 1),
        (f"{LOADER}{wanted.find}\n", wanted.times + 1),
    ):
        (package / "pyodide.asm.mjs").write_text(loader)
        with pytest.raises(BundleError) as refused:
            ensure_bundle(package, cache)
        assert f"{found} of {wanted.find!r}, not {wanted.times}" in str(refused.value)
    assert not list(cache.rglob("*.bin")), "half a bundle was left"


def test_a_package_that_is_not_installed_is_told_how_to_get(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="make setup"):
        ensure_bundle(tmp_path / "pyodide", tmp_path)


def built(folder: Path) -> tuple[int, int]:
    """Return what changes when the bundle is written again."""
    stat = (folder / BUNDLE_NAME).stat()
    return stat.st_ino, stat.st_mtime_ns


def test_a_bundle_is_built_once(package: Path, cache: Path) -> None:
    folder = ensure_bundle(package, cache)
    first = built(folder)
    assert ensure_bundle(package, cache) == folder
    assert built(folder) == first


def test_a_bundle_that_went_away_is_built_again(package: Path, cache: Path) -> None:
    folder = ensure_bundle(package, cache)
    (folder / BUNDLE_NAME).unlink()
    assert ensure_bundle(package, cache) == folder
    assert modules(folder)


def test_another_version_is_another_bundle(package: Path, cache: Path) -> None:
    old = ensure_bundle(package, cache)
    (package / "package.json").write_text('{"version": "315.0.0"}')
    (package / "python_stdlib.zip").write_bytes(b"PK the next library")
    new = ensure_bundle(package, cache)
    assert "315.0.0" in new.name
    assert new != old
    assert modules(new) != modules(old)


BUILD = """
import sys
from pathlib import Path
from runtime.bundle import ensure_bundle
print(ensure_bundle(Path(sys.argv[1]), Path(sys.argv[2])))
"""


def build(package: Path, cache: Path, recipe: Path) -> Path:
    """Build in a process of its own, by the recipe in a folder that has `runtime`."""
    command = [sys.executable, "-c", BUILD, str(package), str(cache)]
    run = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=recipe)
    return Path(run.stdout.strip())


@pytest.mark.parametrize(
    ("file", "line"),
    [("bundle.py", "# Another way to do it."), ("bundle.capnp", "# Another way to write it.")],
)
def test_another_recipe_is_another_bundle(
    file: str, line: str, package: Path, cache: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy" / "runtime"
    shutil.copytree(HERE / "runtime", copy)
    old = ensure_bundle(package, cache)
    assert build(package, cache, copy.parent) == old
    with (copy / file).open("a") as recipe:
        recipe.write(f"\n{line}\n")
    assert build(package, cache, copy.parent) != old


def test_builds_side_by_side_do_no_harm(package: Path, cache: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        builds = [pool.submit(build, package, cache, HERE) for _ in range(2)]
    [folder] = {each.result() for each in builds}
    assert len(modules(folder)) == 3
    assert [path.name for path in folder.iterdir()] == [BUNDLE_NAME], "something was left"
