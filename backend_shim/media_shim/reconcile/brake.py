"""What stops a repair that looks like one in the wrong environment.

The classical disaster is a copy of one environment's database that is reconciled with another's
Worker: to such a run most of what there is looks strange, and it would tidy it away.
"""

from collections.abc import Mapping
from typing import Final

from media_shim.reconcile.drift import QUARANTINES, REMOVES, Drift
from media_shim.reconcile.survey import Seen

ALWAYS_ALLOWED: Final = 100
PART: Final = 10
"""So many-th part of what there is may go without a question."""


def objection(counts: Mapping[Drift, int], seen: Seen) -> str | None:
    """Return why nothing is to be repaired before a person has looked; None if nothing is odd.

    Args:
        counts: how many files have each kind of drift.
        seen: how much there is.
    """
    quarantined = sum(counts.get(drift, 0) for drift in QUARANTINES)
    removed = sum(counts.get(drift, 0) for drift in REMOVES)
    odd = []
    if _is_much(quarantined, max(seen.rows, seen.objects)):
        odd.append(f"quarantine {quarantined} of {max(seen.rows, seen.objects)} files")
    if _is_much(removed, seen.app):
        odd.append(f"remove {removed} of {seen.app} files")
    if not odd:
        return None
    return (
        f"This repair would {' and '.join(odd)}. Nothing was changed. Look first whether "
        "this is the right database, the right WORKER_URL, and the SHIM_ID and SERVICE that the "
        "files were uploaded with. If it is meant, add --yes-really."
    )


def _is_much(some: int, of: int) -> bool:
    return some > ALWAYS_ALLOWED and some * PART > of
