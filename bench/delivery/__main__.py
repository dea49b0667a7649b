"""`make bench`: measure delivery beside other Workers. `--quick` tells the same, less surely."""

import argparse
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench.contestant import ENV_FILE, Contestant, Running, starting
from bench.delivery.contestants import OTHERS, OURS, OURS_CACHED
from bench.delivery.memory import describe as describe_memory
from bench.delivery.memory import measure_memory
from bench.delivery.verify import verify
from bench.delivery.workloads import Files, workloads
from bench.load import LoadError, Sample, measure, require_wrk
from bench.machine import describe
from bench.report import Rounds, keep, table
from bench.rounds import progress, run_rounds
from bench.workload import Workload
from media_engine.signing.keyring import Keyring
from media_engine.signing.sigv4 import Credentials
from runtime.bundle import BundleError
from runtime.dev import read_variables
from runtime.process import ROOT, StartError


@dataclass(frozen=True)
class Plan:
    """How long is measured: so many rounds, a slot of so many seconds for each thing in each."""

    rounds: int
    seconds: float


FULL = Plan(rounds=6, seconds=1.0)
QUICK = Plan(rounds=2, seconds=0.4)
WARM_UP_SECONDS = 0.4


@contextmanager
def field_for(files: Files, target: str, folder: Path) -> Iterator[Sequence[Running]]:
    """Start ours, store the objects, and start the others: nobody else makes a database.

    Args:
        files: the objects.
        target: what all of them answer when they are ready.
        folder: where everything is while it runs.
    """
    secrets = read_variables(ENV_FILE)
    with ExitStack() as stack:
        progress(f"starting {2 + len(OTHERS)} Workers")
        (folder / "state").mkdir()
        ours = stack.enter_context(starting(OURS, folder))
        field = [ours.wait_for("/health")]
        files.store(
            f"{ours.worker.url}/cdn-cgi/local/r2/s3",
            Credentials(secrets["R2_ACCESS_KEY_ID"], secrets["R2_SECRET_ACCESS_KEY"]),
        )
        others = [stack.enter_context(starting(other, folder)) for other in (OURS_CACHED, *OTHERS)]
        field += [other.wait_for(f"{other.contestant.root}{target}") for other in others]
        yield field


def takes_part(contestant: Contestant, task: Workload, first: Workload) -> bool:
    """Say whether a contestant is measured at a task: a floor once, a cache at what is cached."""
    if contestant.floor:
        return task is first
    return contestant.caches == task.cached


def bench(plan: Plan) -> dict[Workload, Rounds]:
    """Start, check, measure, stop.

    Raises:
        StartError: a Worker did not come up.
        LoadError: an answer was wrong.
    """
    files = Files()
    tasks = workloads(files, Keyring.parse(read_variables(ENV_FILE)["MEDIA_TOKEN_KEYS"]))
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        with field_for(files, tasks[0].targets[0], folder) as field:
            verify(field, tasks)

            def sample(one: Running, task: Workload, *, warm: bool) -> Sample:
                return measure(one, task, plan.seconds if warm else WARM_UP_SECONDS, folder)

            turns = {
                task: [one for one in field if takes_part(one.contestant, task, tasks[0])]
                for task in tasks
            }
            return run_rounds(turns, plan.rounds, sample)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.delivery", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="about a minute, and no file")
    parser.add_argument("--memory", action="store_true", help="only what 100 slow readers hold")
    options = parser.parse_args()
    plan = QUICK if options.quick else FULL
    # Whoever asks for the end gets it with everything that was started.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        if options.memory:
            progress("a file of 1 GiB")
            print(describe_memory(measure_memory()))
            return 0
        require_wrk()
        machine, now = describe(), datetime.now(UTC)
        measured = bench(plan)
    except (LoadError, StartError, BundleError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    for task, rounds in measured.items():
        print(f"\n{table(task, rounds)}")
    if plan is FULL:
        print(f"\nwritten to {keep('delivery', measured, machine, now).relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
