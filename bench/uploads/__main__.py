"""`python -m bench.uploads`: measure presigns, and chunks beside a Worker that streams them."""

import argparse
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench.contestant import Running, starting
from bench.load import LoadError, Sample, measure, require_wrk
from bench.machine import describe
from bench.report import Rounds, keep, table
from bench.rounds import progress, run_rounds
from bench.uploads.chunks import BODIES, FORMS, send
from bench.uploads.contestants import HELLO, OURS, STREAM, VARIABLES
from bench.uploads.presigns import presigns, verify_presigns
from bench.workload import Workload
from runtime.bundle import BundleError
from runtime.process import ROOT, StartError


@dataclass(frozen=True)
class Plan:
    """How much is measured: in each round, presigns for so many seconds, and so many chunks."""

    rounds: int
    seconds: float
    chunks: int


FULL = Plan(rounds=6, seconds=2.0, chunks=32)
QUICK = Plan(rounds=2, seconds=0.5, chunks=8)
WARM_UP = Plan(rounds=0, seconds=0.5, chunks=8)


@contextmanager
def field_in(folder: Path) -> Iterator[Sequence[Running]]:
    """Start ours, and then the others: nobody else makes a database."""
    with ExitStack() as stack:
        progress(f"starting {2 + len(HELLO)} Workers")
        (folder / "state").mkdir()
        ours = stack.enter_context(starting(OURS, folder, variables=VARIABLES, limited=False))
        field = [ours.wait_for("/health")]
        others = [stack.enter_context(starting(other, folder)) for other in (STREAM, *HELLO)]
        yield [*field, *(other.wait_for("/health") for other in others)]


def bench(plan: Plan) -> dict[Workload, Rounds]:
    """Start, check, measure, stop.

    Raises:
        StartError: a Worker did not come up.
        LoadError: an answer was wrong.
    """
    presign = presigns()
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        with field_in(folder) as field:
            ours, stream, *hello = field
            verify_presigns(ours, presign)

            def sample(one: Running, task: Workload, *, warm: bool) -> Sample:
                much = plan if warm else WARM_UP
                if task is presign:
                    return measure(one, task, much.seconds, folder)
                return send(one, task, much.chunks)

            turns = {
                presign: [ours, *hello],
                BODIES: [ours, stream],
                FORMS: [ours, stream],
            }
            return run_rounds(turns, plan.rounds, sample)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.uploads", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="less sure, and no file")
    plan = QUICK if parser.parse_args().quick else FULL
    # Whoever asks for the end gets it with everything that was started.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
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
        file = keep("uploads", measured, machine, now)
        print(f"\nwritten to {file.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
