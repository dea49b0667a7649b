"""The figures, as ratios first: ours beside each of the others, round by round.

The rounds are interleaved, so both sides of a ratio were measured seconds apart and whatever else
the machine did met both. A ratio's spread over the rounds tells how far to believe it.
"""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from statistics import median

from bench.contestant import Contestant
from bench.load import Sample
from bench.workload import Workload
from runtime.process import ROOT

Rounds = Mapping[Contestant, Sequence[Sample]]
"""What the rounds of one workload measured of each contestant, in the order of the rounds."""

MEASURES = ("rate", "p50", "p99", "cpu", "memory", "generator")
COMPARED = ("rate", "p50", "p99", "cpu", "memory")
RESULTS = ROOT / "bench" / "results"


def table(workload: Workload, rounds: Rounds) -> str:
    """Return the figures of one workload, in 80 columns: medians, and the spread of the rate."""
    units, waits = workload.units, workload.units.wait_digits
    lines = [
        f"{workload.title}; {workload.connections} connections",
        f"{'':24}{units.rate:>5}  {'ours is':20}{units.cpu:>7}{'ours':>6}"
        f"{'p50':>6}{'p99':>6}{'MB':>4}",
    ]
    for contestant, samples in rounds.items():
        middle = {measure: median(_values(samples, measure)) for measure in MEASURES}
        rate, cpu = (_ratios(_ours(rounds), samples, measure) for measure in ("rate", "cpu"))
        compared = f"{median(rate):.2f} ({min(rate):.2f} to {max(rate):.2f})"
        lines.append(
            f"  {contestant.title:22}{middle['rate']:>5.0f}"
            f"  {'' if contestant.ours else compared:20}"
            f"{middle['cpu']:>7.{units.cpu_digits}f}{median(cpu):>6.2f}{middle['p50']:>6.{waits}f}{middle['p99']:>6.{waits}f}"
            f"{middle['memory'] / 1e6:>4.0f}"
        )
    return "\n".join(lines)


def result(rounds: Rounds) -> dict[str, object]:
    """Return the figures of one workload for the file of results."""
    return {contestant.name: _figures(samples, rounds) for contestant, samples in rounds.items()}


def keep(bench: str, measured: Mapping[Workload, Rounds], machine: object, now: datetime) -> Path:
    """Write the file of results, one of each day for each bench, and return it."""
    file = RESULTS / f"{bench}-{now:%Y-%m-%d}.json"
    figures = {task.name: result(rounds) for task, rounds in measured.items()}
    kept = {"date": f"{now:%Y-%m-%dT%H:%M:%SZ}", "machine": machine, "results": figures}
    file.parent.mkdir(exist_ok=True)
    # A list of figures stays on its line.
    text = re.sub(r"\[\s+([^\[\]{}]*?)\s+\]", _on_one_line, json.dumps(kept, indent=2))
    file.write_text(f"{text}\n")
    return file


def _figures(samples: Sequence[Sample], rounds: Rounds) -> dict[str, object]:
    ours = _ours(rounds)
    return {
        "oursIs": {measure: _spread(_ratios(ours, samples, measure)) for measure in COMPARED},
        "samples": {
            measure: [round(value, 3) for value in _values(samples, measure)]
            for measure in MEASURES
        },
    }


def _ours(rounds: Rounds) -> Sequence[Sample]:
    return next(samples for contestant, samples in rounds.items() if contestant.ours)


def _values(samples: Sequence[Sample], measure: str) -> list[float]:
    return [getattr(sample, measure) for sample in samples]


def _ratios(ours: Sequence[Sample], theirs: Sequence[Sample], measure: str) -> list[float]:
    """Return ours divided by theirs, for each round."""
    pairs = zip(_values(ours, measure), _values(theirs, measure), strict=True)
    return [our / their for our, their in pairs]


def _spread(ratios: Sequence[float]) -> dict[str, float]:
    found = {"median": median(ratios), "least": min(ratios), "most": max(ratios)}
    return {name: round(value, 3) for name, value in found.items()}


def _on_one_line(figures: re.Match[str]) -> str:
    return f"[{' '.join(figures[1].split())}]"
