"""The double: what a test makes it do, and what it then sees."""

import json
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import Any

import httpx
from django.db import connection

from media_shim.testing.worker import cron
from media_shim.testing.worker.addresses import STORE_URL
from media_shim.testing.worker.answers import Refused
from media_shim.testing.worker.bucket import Bucket
from media_shim.testing.worker.routes import Routes
from media_shim.testing.worker.state import File, StoredObject, Stores


@dataclass(frozen=True)
class Call:
    """A request that the shim made.

    Attributes:
        name: its method and path.
        headers: its headers, names in small letters.
        query: its query.
        body: its JSON.
        in_transaction: whether there was a database transaction around it.
    """

    name: str
    headers: dict[str, str]
    query: dict[str, str]
    body: dict[str, Any]
    in_transaction: bool


@dataclass(frozen=True)
class _Failure:
    """How calls fail: whose name begins so, with what, and whether they were done before."""

    only: str
    answer: httpx.Response | Exception
    done: bool


class FakeWorker:
    """Answers as the Worker does.

    Attributes:
        calls: every request of the service API, the faulty ones included.
        files: the rows that the Worker has, by id.
        objects: what the store has, by key. What is deleted within two hours of its upload leaves
            an empty one that is `gone`, so that its URL stores nothing again.
        problems: what `GET /health` complains of.
    """

    def __init__(self) -> None:
        self._stores = Stores()
        self.calls: list[Call] = []
        self.files: dict[str, File] = self._stores.files
        self.objects: dict[str, StoredObject] = self._stores.objects
        self.problems: list[str] = []
        self._bucket = Bucket(self._stores)
        self._routes = Routes(self._stores, self.problems)
        self._next: deque[httpx.Response | Exception] = deque()
        self._failures: list[_Failure] = []
        self._one_at_a_time = Lock()

    # What a test sees.

    @property
    def called(self) -> list[str]:
        """The method and path of every call, in order."""
        return [call.name for call in self.calls]

    def of_key(self, key: str) -> File:
        """Return the file that has this key.

        Raises:
            KeyError: the Worker has none.
        """
        return self._stores.of_key(key)

    # What a browser does.

    def put(self, key: str, size: int | None = None, content: bytes | None = None) -> None:
        """Store a file's bytes, as the browser does.

        Args:
            key: the file's key.
            size: how many bytes: as many as were declared if None. What they are does not matter.
            content: the bytes themselves, where it does.
        """
        file = self.of_key(key)
        if content is not None:
            self._bucket.put(file, content)
        else:
            self._bucket.put(file, file.most if size is None else size)

    # What goes wrong.

    def answer_next(self, *answers: httpx.Response | Exception) -> None:
        """Give or raise these, in order, instead of what would be answered."""
        self._next.extend(answers)

    @contextmanager
    def failing(
        self,
        answer: httpx.Response | Exception | None = None,
        *,
        only: str = "",
        done: bool = False,
    ) -> Iterator[None]:
        """Let every call fail in this block.

        Args:
            answer: what is given or raised: `refusal(502, "R2_UNAVAILABLE", "Again.")`,
                `httpx.ReadTimeout("slow")`. If None the Worker cannot be reached.
            only: with what the method and path of those begin that fail: `PATCH /files/`.
            done: whether the Worker does what it is asked, and its answer is what gets lost.
        """
        failure = _Failure(only, answer or httpx.ConnectError("The Worker is down."), done)
        self._failures.append(failure)
        try:
            yield
        finally:
            self._failures.remove(failure)

    def lose_row(self, key: str) -> None:
        """Lose a file's row, as a database does that was restored from a backup; not its bytes."""
        del self.files[self.of_key(key).media_id]

    def lose_object(self, key: str) -> None:
        """Lose a file's bytes, as a bucket does from which somebody deletes them; not its row."""
        del self.objects[key]

    def add_object(
        self, key: str, content: bytes, content_type: str, file_name: str | None = None
    ) -> None:
        """Store an object of which the Worker's database knows nothing.

        Args:
            key: where; `t/<tenant>/<service>/<year>/<month>/<21 characters>.<ending>` for one that
                could be a file's.
            content: its bytes.
            content_type: its type.
            file_name: what it is called, if it says so.
        """
        now = self._stores.now()
        self.objects[key] = StoredObject.of(key, content, content_type, now, file_name)

    def run_cron(self) -> None:
        """Do what the Worker does by itself every hour.

        Uploads that nobody completed for a day are given up, what is deleted is cleared away once
        its URL is dead, and what is gone for ninety days is forgotten. The time is Django's
        `timezone.now()`: move that.
        """
        with self._one_at_a_time:
            cron.run(self._stores)

    # Where the network is.

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if str(request.url).startswith(f"{STORE_URL}/"):
            with self._one_at_a_time:
                return self._bucket.answer(request)
        name = f"{request.method} {request.url.path}"
        body = json.loads(request.content) if request.content else {}
        query, in_transaction = dict(request.url.params), connection.in_atomic_block
        self.calls.append(Call(name, dict(request.headers), query, body, in_transaction))
        if self._next:
            return _given(self._next.popleft())
        for failure in self._failures:
            if name.startswith(failure.only):
                if failure.done:
                    self._answer(request)
                return _given(failure.answer)
        return self._answer(request)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        try:
            with self._one_at_a_time:
                return self._routes.answer(request)
        except Refused as refused:
            return refused.answer


def _given(answer: httpx.Response | Exception) -> httpx.Response:
    if isinstance(answer, Exception):
        raise answer
    # Whoever reads an answer closes it.
    return httpx.Response(answer.status_code, headers=answer.headers, content=answer.read())
