"""`python -m bench.start`: import the Worker in Pyodide some times, and say what took how long."""

import json
import subprocess
import sys
from pathlib import Path
from statistics import median

from runtime.process import ROOT

SCRIPT = Path(__file__).with_name("imports.mjs")
ROUNDS = 5
SHOWN = 15


def imports() -> tuple[float, dict[str, float]]:
    """Return the milliseconds of the whole, and of each module alone, by name."""
    folders = [str(ROOT / "src"), str(ROOT / "python_modules")]
    done = subprocess.run(
        ["node", str(SCRIPT), *folders], capture_output=True, text=True, check=True, cwd=ROOT
    )
    said = json.loads(done.stdout)
    alone = {}
    for line in said["lines"]:
        # "import time:  self [us] | cumulative | imported package", as -X importtime has it.
        spent, _, name = line.removeprefix("import time:").split("|")
        if spent.strip().isdecimal():
            alone[name.strip()] = int(spent) / 1000
    return said["milliseconds"], alone


def main() -> int:
    rounds = [imports() for _ in range(ROUNDS)]
    modules = {name: median(alone.get(name, 0) for _, alone in rounds) for name in rounds[0][1]}
    engine = sum(spent for name, spent in modules.items() if name.startswith("media_engine"))
    print(f"importing the Worker: {median(whole for whole, _ in rounds):.0f} ms in Pyodide")
    print(f"  {len(modules)} modules, {engine:.0f} ms of it in the engine's own\n")
    slowest = sorted(modules.items(), key=lambda module: -module[1])[:SHOWN]
    for name, spent in slowest:
        print(f"  {spent:7.1f} ms  {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
