"""On what was measured: a ratio holds on other machines, an absolute does not."""

import json
import os
import platform
import subprocess

from runtime.process import ROOT

PACKAGES = ("wrangler", "workerd", "pyodide", "node", "render2")


def describe() -> dict[str, object]:
    """Return the machine, what else it was busy with, and the versions of all that took part."""
    return {
        "processor": _line("/proc/cpuinfo", "model name"),
        "cores": len(os.sched_getaffinity(0)),
        "memory": _line("/proc/meminfo", "MemTotal"),
        "system": platform.platform(),
        "loadBefore": os.getloadavg()[0],
        "versions": {
            **{name: _version(name) for name in PACKAGES},
            "wrk": subprocess.run(["wrk", "--version"], capture_output=True, text=True, check=False)
            .stdout.partition(" [")[0]
            .removeprefix("wrk "),
        },
    }


def _line(file: str, name: str) -> str:
    with open(file) as lines:  # noqa: PTH123
        found = next((line for line in lines if line.startswith(name)), ":")
    return found.partition(":")[2].strip()


def _version(package: str) -> str:
    text = (ROOT / "node_modules" / package / "package.json").read_text()
    return str(json.loads(text)["version"])
