"""How much is tried: a little in every run of the tests, as much as you like by hand.

    FUZZ_EXAMPLES=100000 pytest tests/fuzz/test_delivery.py
    FUZZ_REQUESTS=20000 pytest tests/fuzz/test_worker.py

What is tried by hand is thrown anew each time; what every run tries is always the same.
"""

import os
from collections import Counter

from hypothesis import HealthCheck, settings

tried: dict[str, Counter[int]] = {}
"""For each suite how often each status was answered."""


def profile(variable: str, usual: int) -> settings:
    """Return how a suite is run.

    Args:
        variable: the environment variable that says how many attacks there are.
        usual: how many there are if it is not set.
    """
    return settings(
        max_examples=int(os.environ.get(variable, usual)),
        derandomize=variable not in os.environ,
        database=None,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
