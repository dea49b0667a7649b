"""Who uploads what the minted URLs open."""

from collections.abc import Iterator

import httpx
import pytest

from tests.conftest import RunningWorker
from tests.worker.caller import Caller, headers_of


@pytest.fixture(scope="module")
def alice(worker: RunningWorker) -> Iterator[Caller]:
    """A user who acts for the tenant acme."""
    with httpx.Client(timeout=60) as http:
        yield Caller(http, worker.url, headers_of("alice", "acme"))
