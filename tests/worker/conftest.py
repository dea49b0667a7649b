"""Who calls the Worker that all tests share."""

from collections.abc import Iterator

import httpx
import pytest

from tests.conftest import RunningWorker, RunWorker
from tests.worker.caller import Caller, headers_of


@pytest.fixture(scope="session")
def http() -> Iterator[httpx.Client]:
    """A client that asks for no compression, which Wrangler would do and the Worker does not."""
    with httpx.Client(timeout=60, headers={"accept-encoding": "identity"}) as client:
        yield client


@pytest.fixture(scope="session")
def cacheless(http: httpx.Client, run_worker: RunWorker) -> Iterator[Caller]:
    """Alice, who calls a Worker whose edge cache is turned off."""
    with run_worker(variables={"EDGE_CACHE_MAX_BYTES": "0"}) as running:
        yield Caller(http, running.url, headers_of("alice", "acme"))


@pytest.fixture(scope="session")
def alice(http: httpx.Client, worker: RunningWorker) -> Caller:
    """A user who acts for the tenant acme."""
    return Caller(http, worker.url, headers_of("alice", "acme"))


@pytest.fixture(scope="session")
def bob(http: httpx.Client, worker: RunningWorker) -> Caller:
    """A user who acts for another tenant."""
    return Caller(http, worker.url, headers_of("bob", "globex"))


@pytest.fixture(scope="session")
def carol(http: httpx.Client, worker: RunningWorker) -> Caller:
    """A user who acts for herself."""
    return Caller(http, worker.url, headers_of("carol", None))
