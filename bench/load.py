"""One slot of load on one Worker, and what it cost."""

import json
import resource
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from bench.contestant import Running
from bench.procfs import cpu_seconds, peak_memory, reset_peak_memory
from bench.workload import Workload

SCRIPT = Path(__file__).with_name("load.lua")
AT_MOST = "60s"


class LoadError(Exception):
    """The load could not be made, or its answers were not what they have to be."""


@dataclass(frozen=True)
class Sample:
    """What one slot measured.

    Attributes:
        rate: requests a second, or what the workload's units say.
        p50: milliseconds that half of the requests took at most.
        p99: milliseconds that 99 of 100 took at most.
        cpu: CPU time of the Worker's workerd for each request, in microseconds; or what the
            workload's units say.
        memory: the most that it held, in bytes.
        generator: the share of one core that the load's own making took.
    """

    rate: float
    p50: float
    p99: float
    cpu: float
    memory: int
    generator: float


def require_wrk() -> None:
    """Refuse to begin without the load's maker.

    Raises:
        LoadError: it is not installed.
    """
    if shutil.which("wrk") is None:
        raise LoadError("wrk is not on the PATH. Install it (Debian: apt-get install wrk).")


def measure(running: Running, workload: Workload, seconds: float, folder: Path) -> Sample:
    """Ask one Worker for one thing, again and again, and measure.

    Args:
        running: the Worker.
        workload: what is asked.
        seconds: how long.
        folder: where a file may be left.

    Raises:
        LoadError: an answer failed, or was shorter than it has to be.
    """
    root = running.contestant.root
    targets = folder / f"{running.contestant.name}-{workload.name}.paths"
    if not targets.exists():
        targets.write_text("".join(f"{root}{target}\n" for target in workload.targets))
    options = [f"--header={name}: {value}" for name, value in workload.headers.items()]
    connections = f"--connections={workload.connections}"
    settings = ("--threads=1", connections, f"--duration={AT_MOST}", f"--script={SCRIPT}")
    reset_peak_memory(running.pid)
    arguments = [str(targets), *([workload.sent] if workload.sent else [])]
    own, cpu = _own_cpu(), cpu_seconds(running.pid)
    said = _run_for(["wrk", *settings, *options, running.url, "--", *arguments], seconds)
    own, cpu = _own_cpu() - own, cpu_seconds(running.pid) - cpu

    saw = json.loads(said.splitlines()[-1])
    elapsed = saw["microseconds"] / 1e6
    least = 0 if running.contestant.floor else len(workload.body)
    if saw["errors"] or not saw["requests"] or saw["bytes"] < saw["requests"] * least:
        raise LoadError(f"{running.contestant.title} did not bear {workload.name}: {saw}")
    return Sample(
        rate=saw["requests"] / elapsed,
        p50=saw["p50"] / 1000,
        p99=saw["p99"] / 1000,
        cpu=cpu / saw["requests"] * 1e6,
        memory=peak_memory(running.pid),
        generator=own / elapsed,
    )


def _run_for(command: list[str], seconds: float) -> str:
    """Run wrk for less than its shortest time: interrupted, it stops and tells what it saw."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as wrk:
        time.sleep(seconds)
        wrk.send_signal(signal.SIGINT)
        said, _ = wrk.communicate(timeout=30)
    return said


def _own_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
