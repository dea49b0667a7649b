"""No crash, and no network, loses what was committed, shows what was removed, or leaves anything.

A seed that fails is run again with `FAULT_SEEDS=17 make test PYTEST=tests/faults`.
"""

from tests.faults.house import House
from tests.faults.run import Result, run


def test_what_was_acknowledged_is_true_after_any_faults(
    house: House, total: Result, seed: int
) -> None:
    came = run(house, seed)
    total.add(came)
    assert not came.violations, "\n".join([f"seed {seed}", *came.violations])
