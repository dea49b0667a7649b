"""Every case of every suite, on the fake and on the real thing."""

import asyncio
import shutil
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from media_engine.ports import BrokenOff
from runtime.process import ROOT
from tests.conftest import RunWorker
from tests.contracts import (
    cache,
    costs,
    database,
    http_client,
    http_server,
    inventory,
    object_store,
    queue,
    quotas,
    rate_limiter,
    streams,
)
from tests.fakes import (
    FixedClock,
    JoinedStream,
    MemoryCache,
    MemoryHttp,
    MemoryLimiter,
    MemoryQueue,
    MemoryStore,
    MemoryStream,
    MemoryStreams,
    SqliteDatabase,
)
from tests.servers import serving

SUITES: dict[str, tuple[Any, ...]] = {
    "cache": cache.CASES,
    "object_store": object_store.CASES,
    "database": database.CASES,
    "costs": costs.CASES,
    "quotas": quotas.CASES,
    "inventory": inventory.CASES,
    "rate_limiter": rate_limiter.CASES,
    "streams": streams.CASES,
    "queue": queue.CASES,
    "http_client": http_client.CASES,
}
CASES = [(suite, case) for suite, cases in SUITES.items() for case in cases]
ONLY_IN_WORKERD = [
    *(("cache", case) for case in cache.CASES_OF_THE_ADAPTER),
    *(("streams", case) for case in streams.CASES_OF_THE_ADAPTER),
]


def each_of(cases: list[tuple[str, Any]]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        ("suite", "case"), cases, ids=[f"{suite}-{case.__name__}" for suite, case in cases]
    )


class MemoryHarness:
    def __init__(self) -> None:
        self.cache = MemoryCache()
        self.store = MemoryStore()
        self.streams = MemoryStreams()
        self.database = SqliteDatabase()
        self.limiter = MemoryLimiter(rate_limiter.MOST, FixedClock())
        self.unlimited = MemoryLimiter(None, FixedClock())
        self.clock = FixedClock()
        self.queue = MemoryQueue(self.clock)
        self.http = MemoryHttp(http_server.serve)
        self.url = "http://server.test"
        self._seen: list[queue.Seen] = []

    def now(self) -> int:
        return self.clock.now()

    async def seen(self, case: str, count: int) -> Sequence[queue.Seen]:
        while len(queue.of(case, self._seen)) < count:
            self.clock.advance(100)
            queue.consume(self.queue.deliver(), self._seen, self.clock.now())
        return queue.of(case, self._seen)

    async def put(
        self,
        key: str,
        content: bytes,
        content_type: str,
        content_disposition: str,
        sha256: str | None = None,
    ) -> None:
        self.store.put(key, content, content_type, content_disposition, sha256)

    async def stream(self, content: bytes) -> MemoryStream:
        return MemoryStream(content)

    async def broken_stream(self, content: bytes) -> MemoryStream:
        return MemoryStream(content, whole=False)

    async def kept(self) -> int:
        return 0

    async def read_block(self, block: MemoryStream) -> bytes:
        return block.content

    async def rest(self) -> None:
        """Nothing in memory goes on behind."""

    async def leave(self, stream: MemoryStream | JoinedStream) -> None:
        stream.cancel()

    async def running(self) -> int:
        return 0

    async def read(self, stream: MemoryStream | JoinedStream) -> bytes:
        if isinstance(stream, MemoryStream):
            return stream.content
        content = await stream.read()
        if len(content) < stream.length:
            raise BrokenOff("the test says so")
        return content


@each_of(CASES)
def test_the_fake_keeps_the_contract(suite: str, case: Any) -> None:
    del suite  # It is in the test's name.
    asyncio.run(case(MemoryHarness()))


@pytest.fixture(scope="module")
def contracts_url(tmp_path_factory: pytest.TempPathFactory, run_worker: RunWorker) -> Iterator[str]:
    """A Worker that runs the suites on the adapters."""
    stage = tmp_path_factory.mktemp("contracts")
    here = Path(__file__).parent
    suites = stage / "src" / "tests" / "contracts"
    suites.mkdir(parents=True)
    shutil.copy(here / "workerd" / "wrangler.toml", stage)
    shutil.copy(here / "workerd" / "contract_entry.py", stage / "src")
    for module in here.glob("*.py"):
        if not module.name.startswith("test_"):
            shutil.copy(module, suites)
    shutil.copytree(ROOT / "src" / "media_engine", stage / "src" / "media_engine")
    (stage / "python_modules").symlink_to(ROOT / "python_modules")
    with (
        serving(http_server.serve) as url,
        run_worker(
            config=stage / "wrangler.toml", ready="/ready/", variables={"SERVER_URL": url}
        ) as worker,
    ):
        yield worker.url


@each_of(CASES + ONLY_IN_WORKERD)
def test_workerd_keeps_the_contract(contracts_url: str, suite: str, case: Any) -> None:
    answer = httpx.post(f"{contracts_url}/{suite}/{case.__name__}", timeout=60)
    assert answer.status_code == 200, answer.text


def test_requests_whose_clients_have_left_leave_nothing_running(contracts_url: str) -> None:
    """A coroutine that is cut off between two promises would stay in Python for ever."""

    def leave(_: int) -> None:
        with pytest.raises(httpx.ReadTimeout):
            httpx.get(f"{contracts_url}/wait/500", timeout=httpx.Timeout(10, read=0.1))

    with ThreadPoolExecutor(20) as clients:
        list(clients.map(leave, range(60)))
    end = time.monotonic() + 10
    while httpx.get(f"{contracts_url}/running/now", timeout=10).text != "0":
        assert time.monotonic() < end
        time.sleep(0.1)
