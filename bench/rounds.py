"""The rounds: in each, everything is measured once, one after the other."""

import sys
from collections.abc import Mapping, Sequence
from typing import Protocol

from bench.contestant import Running
from bench.load import Sample
from bench.report import Rounds
from bench.workload import Workload


class Sampler(Protocol):
    """Measures one Worker at one thing, for one slot."""

    def __call__(self, one: Running, task: Workload, *, warm: bool) -> Sample:
        """Return what was measured; what is measured before it is warm is forgotten."""


def progress(text: str) -> None:
    print(f"· {text}", file=sys.stderr, flush=True)


def run_rounds(
    turns: Mapping[Workload, Sequence[Running]], rounds: int, sample: Sampler
) -> dict[Workload, Rounds]:
    """Measure everything once in each round; the first round warms up and is forgotten.

    Args:
        turns: who is measured at what.
        rounds: how many are kept.
        sample: measures.
    """
    measured: dict[Workload, dict[Running, list[Sample]]] = {
        task: {one: [] for one in field} for task, field in turns.items()
    }
    for number in range(rounds + 1):
        progress(f"round {number} of {rounds}" if number else "warming up")
        for task, samples in measured.items():
            # Nobody always follows the same neighbour.
            turn = number % len(samples)
            order = list(samples)
            for one in order[turn:] + order[:turn]:
                found = sample(one, task, warm=number > 0)
                if number:
                    samples[one].append(found)
    return {
        task: {one.contestant: samples for one, samples in each.items()}
        for task, each in measured.items()
    }
