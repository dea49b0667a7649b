"""Waiting for what another process does in its own time."""

import time
from collections.abc import Iterator

SECONDS = 20


def eventually(seconds: float = SECONDS) -> Iterator[None]:
    """Look again and again, `for _ in eventually(): …; break`, until it is there or time is up."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        yield
        time.sleep(0.05)
