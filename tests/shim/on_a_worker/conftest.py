"""Both sides of the double's contract, as a fixture: a test that asks for it runs on each."""

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

import httpx
import pytest
from django.utils import timezone

from media_shim.testing.worker import WORKER_URL, FakeWorker
from tests.shim.on_a_worker.sides import Side
from tests.worker.bucket import remove, store
from tests.worker.state import grow_older, lose

if TYPE_CHECKING:
    from tests.conftest import RunningWorker

HOUR_MS = 3_600_000


@pytest.fixture(params=["double", "Worker"])
def side(request: pytest.FixtureRequest) -> Iterator[Side]:
    if request.param == "double":
        double: FakeWorker = request.getfixturevalue("double")
        clock, began = request.getfixturevalue("monkeypatch"), timezone.now()

        def run_double(keys: list[str], hours: float) -> None:  # noqa: ARG001
            clock.setattr(timezone, "now", lambda: began + timedelta(hours=hours))
            double.run_cron()

        with httpx.Client(base_url=WORKER_URL) as http:
            yield Side(http, double.lose_row, double.lose_object, double.add_object, run_double)
        return
    worker: RunningWorker = request.getfixturevalue("worker")
    age = 0.0

    def run_cron(keys: list[str], hours: float) -> None:
        nonlocal age
        grow_older(worker.state, keys, int((hours - age) * HOUR_MS))
        age = hours
        httpx.get(f"{worker.url}/cdn-cgi/handler/scheduled", timeout=60).raise_for_status()

    def add_object(
        key: str, content: bytes, content_type: str, file_name: str | None = None
    ) -> None:
        described = {"ContentType": content_type}
        if file_name is not None:
            described["ContentDisposition"] = f'inline; filename="{file_name}"'
        store(worker.url, key, content, **described)

    with httpx.Client(base_url=worker.url) as http:
        yield Side(
            http,
            lambda key: lose(worker.state, key),
            lambda key: remove(worker.url, key),
            add_object,
            run_cron,
        )
