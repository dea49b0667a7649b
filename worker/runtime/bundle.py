"""Build the Pyodide bundle that a local workerd loads, from the npm package `pyodide`.

`wrangler dev` with a Python entry starts workerd, and workerd downloads a bundle of Pyodide
from Cloudflare at its first start. The same bundle can be made from files that the npm
registry already gave us, so that a laptop on a train, or a CI without the wide internet, runs
the real runtime too. Deployed Workers are not touched by any of this.

What must be true of the file that is written:

* It is named `pyodide_dev.capnp.bin`: workerd looks for exactly that name in the folder given
  by `--pyodide-bundle-disk-cache-dir` when the compatibility flag `python_workers_development`
  is set.
* It is one Cap'n Proto message (`bundle.capnp`) of three *internal* modules.
* Two of the modules are the package's files, unchanged. The third, the Emscripten loader,
  calls things that a Worker forbids (compiling WebAssembly from bytes, randomness and the
  clock at start-up). Each such call goes to workerd's own replacement instead. A substitution
  that is found fewer or more times than `SUBSTITUTIONS` says means that Pyodide has moved:
  the build fails and names it, because a bundle that is half patched fails much later and
  much less clearly.

Run as a program, it prints the folder that holds the bundle, and builds it when it is
missing or was made from something else.
"""

import hashlib
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from runtime.process import ROOT

SCHEMA = Path(__file__).with_name("bundle.capnp")
BUNDLE_NAME = "pyodide_dev.capnp.bin"

WRAPPERS = "pyodide-internal:builtin_wrappers"
WRAPPED_NAMES = (
    "addEventListener",
    "getRandomValues",
    "location",
    "monotonicDateNow",
    "newWasmModule",
    "patchedLoadLibData",
    "wasmInstantiate",
)


class BundleError(Exception):
    """The bundle cannot be built; the message says what moved and what to do."""


@dataclass(frozen=True)
class Substitution:
    """Text of `pyodide.asm.mjs`, what replaces it, and how often it must be there."""

    find: str
    replace: str
    times: int


LOAD_LIB_DATA = """function loadLibData(){\
var loaded=patchedLoadLibData(Module,libName,flags.rpath);\
return flags.loadAsync?Promise.resolve(loaded):loaded}\
function loadLibDataFromDisk(){"""

SUBSTITUTIONS: Sequence[Substitution] = (
    Substitution("new WebAssembly.Module(", "newWasmModule(", 4),
    Substitution("WebAssembly.instantiate(", "wasmInstantiate(", 2),
    Substitution("Date.now", "monotonicDateNow", 22),
    Substitution("crypto.getRandomValues(", "getRandomValues(Module,", 1),
    Substitution("function loadLibData(){", LOAD_LIB_DATA, 1),
    Substitution("getMemory(", "Module.getMemoryPatched(Module,libName,", 1),
    Substitution(
        "export default _createPyodideModule;",
        "export default _createPyodideModule;export{_createPyodideModule};",
        1,
    ),
)


def patch_loader(source: str) -> str:
    """Route what a Worker forbids to workerd's wrappers.

    Args:
        source: the text of `pyodide.asm.mjs`.

    Returns:
        The loader that workerd can run.

    Raises:
        BundleError: a substitution was not found as often as it must be.
    """
    for wanted in SUBSTITUTIONS:
        found = source.count(wanted.find)
        if found != wanted.times:
            raise BundleError(
                f"pyodide.asm.mjs has {found} of {wanted.find!r}, not {wanted.times}: "
                "this version of Pyodide moved something. Compare it with the pinned one, then "
                "change SUBSTITUTIONS in worker/runtime/bundle.py together with the pin."
            )
        source = source.replace(wanted.find, wanted.replace)
    return f'import {{{",".join(WRAPPED_NAMES)}}} from "{WRAPPERS}";\n{source}'


def write_bundle(package: Path, target: Path) -> None:
    """Write the bundle made from the npm package at `package` to the file `target`.

    The file appears whole or not at all: two builds side by side do no harm.
    """
    import capnp

    schema = capnp.load(str(SCHEMA))
    message = schema.Bundle.new_message()
    modules = message.init("modules", 3)
    contents = (
        ("python_stdlib.zip", "data", (package / "python_stdlib.zip").read_bytes()),
        ("pyodide.asm.wasm", "wasm", (package / "pyodide.asm.wasm").read_bytes()),
        ("pyodide.asm", "src", patch_loader((package / "pyodide.asm.mjs").read_text()).encode()),
    )
    for module, (name, kind, content) in zip(modules, contents, strict=True):
        module.name = f"pyodideRuntime-internal:{name}"
        setattr(module, kind, content)
        module.type = "internal"

    target.parent.mkdir(parents=True, exist_ok=True)
    handle, unfinished = tempfile.mkstemp(dir=target.parent, prefix=".bundle-")
    with os.fdopen(handle, "wb") as file:
        message.write(file)
    Path(unfinished).replace(target)


def ensure_bundle(package: Path, cache: Path) -> Path:
    """Build the bundle unless one of the same pin and the same recipe is there.

    Args:
        package: the folder of the npm package `pyodide`.
        cache: where bundles are kept, a folder for each pin and recipe.

    Returns:
        The folder for workerd's `--pyodide-bundle-disk-cache-dir`.

    Raises:
        BundleError: the package is missing, or a substitution was not found.
    """
    try:
        version = json.loads((package / "package.json").read_text())["version"]
    except FileNotFoundError as error:
        raise BundleError(f"{package} is not installed: run `make setup`.") from error
    recipe = hashlib.sha256(Path(__file__).read_bytes() + SCHEMA.read_bytes()).hexdigest()[:12]
    folder = cache / f"pyodide-{version}-{recipe}"
    if not (folder / BUNDLE_NAME).exists():
        write_bundle(package, folder / BUNDLE_NAME)
    return folder


def main() -> int:
    try:
        print(ensure_bundle(ROOT / "node_modules" / "pyodide", ROOT / ".tools" / "bundles"))
    except BundleError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
