"""The engine in memory, and what a test asks of it.

Nothing in memory ever waits, so whatever the engine awaits is finished in one step and no event
loop is needed.
"""

import json
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any, TypeVar

from media_engine.app import App, World
from media_engine.errors import FileTooLarge
from media_engine.http.message import Request, Response
from media_engine.ports import Rows, Statement
from media_engine.settings import ALL_BINDINGS, Settings
from media_engine.signing.gateway import READ, WRITE, Identity
from tests.cloudflare_api import API_TOKEN, ZONE_ID, CloudflareApi
from tests.fakes import (
    Counting,
    FixedClock,
    Later,
    MemoryCache,
    MemoryHttp,
    MemoryLimiter,
    MemoryLog,
    MemoryQueue,
    MemoryStore,
    MemoryStream,
    MemoryStreams,
    Serve,
    SqliteDatabase,
)
from tests.media import JPEG
from tests.unit.http.headers import Headers

T = TypeVar("T")

ENVIRONMENT: Mapping[str, str] = {
    "MEDIA_PUBLIC_URL": "https://media.example.com",
    "MEDIA_TOKEN_KEYS": "k1:dGhlLWZpcnN0LWtleS1pcy0zMi1ieXRlcy1sb25nLW9r",
    "GATEWAY_KEYS": "the-gateway,the-next-gateway",
    "R2_S3_ENDPOINT": "https://account.r2.cloudflarestorage.com",
    "R2_BUCKET_NAME": "media",
    "R2_ACCESS_KEY_ID": "the-access-key",
    "R2_SECRET_ACCESS_KEY": "the-secret-access-key",
    "CLOUDFLARE_ZONE_ID": ZONE_ID,
    "CLOUDFLARE_API_TOKEN": API_TOKEN,
}
"""A Worker that lacks nothing."""

ALICE = Identity("alice", "acme", frozenset({READ, WRITE}))
BOB = Identity("bob", "globex", frozenset({READ, WRITE}))
CAROL = Identity("carol", None, frozenset({READ, WRITE}))

ALICE_HEADERS: Mapping[str, str] = {
    "x-gateway-key": "the-gateway",
    "x-user-id": "alice",
    "x-tenant-id": "acme",
    "x-user-permissions": f"{READ},{WRITE}",
    "content-type": "application/json",
}

PHOTO: Mapping[str, object] = {
    "fileName": "beach.jpg",
    "contentType": "image/jpeg",
    "fileSize": len(JPEG),
    "service": "blog",
}
"""The fields of an upload that may be signed."""


def finish(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that waits for nothing; return what it returns."""
    try:
        coroutine.send(None)
    except StopIteration as returned:
        result: T = returned.value
        return result
    raise AssertionError("something waited")


class RecordingDatabase(SqliteDatabase):
    """Remembers the statements, so that a test can ask SQLite how it runs them."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[Statement] = []

    async def batch(self, statements: Sequence[Statement], /) -> Sequence[Rows]:
        self.seen += statements
        return await super().batch(statements)

    def plans(self, table: str = "media_files") -> list[str]:
        """Return each step by which SQLite comes to the rows of a table."""
        steps: list[str] = []
        for statement in self.seen:
            explained = Statement(f"EXPLAIN QUERY PLAN {statement.sql}", statement.values)
            rows = finish(super().batch([explained]))[0].rows
            steps += [str(row["detail"]) for row in rows if table in str(row["detail"])]
        return steps


class Engine:
    """An `App` on fakes.

    Args:
        changed: variables that are not as in `ENVIRONMENT`.
        bindings: the bindings that it has.
        store: its store, where a test brings its own; likewise the others.
        serve: plays the internet; Cloudflare's API if None.
        guesses: how many wrong guesses a network has in a minute; None for any number.
        presigns_a_minute: how many uploads a scope may presign; None for any number.
    """

    def __init__(
        self,
        changed: Mapping[str, str] = {},
        *,
        bindings: Sequence[str] = ALL_BINDINGS,
        store: MemoryStore | None = None,
        database: RecordingDatabase | None = None,
        cache: MemoryCache | None = None,
        queue: MemoryQueue | None = None,
        clock: FixedClock | None = None,
        serve: Serve | None = None,
        guesses: int | None = None,
        presigns_a_minute: int | None = None,
    ) -> None:
        self.clock = clock or FixedClock()
        self.store = store or MemoryStore(self.clock)
        self.database = database or RecordingDatabase()
        self.cache = cache or MemoryCache()
        self.queue = queue or MemoryQueue(self.clock)
        self.api = CloudflareApi()
        self.http = MemoryHttp(serve or self.api)
        self.streams = MemoryStreams()
        self.limiter = MemoryLimiter(guesses, self.clock)
        self.log = MemoryLog()
        self.presign_limiter = MemoryLimiter(presigns_a_minute, self.clock)
        self.later = Later()
        self.settings = Settings.from_env({**ENVIRONMENT, **changed}, bindings)
        self.app = App(
            self.settings,
            World(
                self.store,
                self.cache,
                self.streams,
                self.database,
                self.queue,
                self.http,
                self.clock,
                Counting(),
                MemoryLimiter(20, self.clock),
                self.limiter,
                self.presign_limiter,
                self.later,
                self.log,
            ),
        )

    @property
    def now(self) -> int:
        """The time in whole seconds since 1970."""
        return self.clock.now() // 1000

    def fetch(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        *,
        internal: bool = False,
        broken: bool = False,
    ) -> Response:
        """Send a request; `target` is a path, with a query if it has one.

        Args:
            broken: whether the client leaves behind the body, before it has ended.
        """
        path, _, query = target.partition("?")

        async def read(limit: int) -> bytes:
            if len(body) > limit:
                raise FileTooLarge("body", f"is longer than {limit} bytes")
            return body

        stream = MemoryStream(body, whole=not broken)
        request = Request(
            method,
            path,
            query,
            Headers(headers or {}),
            read,
            "request-1",
            # As in workerd, where what has a length has a body, though it be empty.
            lambda: stream if body or "content-length" in (headers or {}) else None,
        )
        return finish((self.app.fetch_internal if internal else self.app.fetch)(request))

    def rows(self, table: str = "media_files") -> list[dict[str, Any]]:
        """Return every row of a table, without counting the question."""
        asked = SqliteDatabase.batch(self.database, [Statement(f"SELECT * FROM {table}")])
        rows = [dict(row) for row in finish(asked)[0].rows]
        self.database.statements -= 1
        return rows

    def presign(self, key: str | None = None, **fields: object) -> dict[str, Any]:
        """Presign an upload of Alice's, and return the answer's members.

        Args:
            key: the request's `Idempotency-Key`, or None.
            fields: of the body, where it is not `PHOTO`.
        """
        named = {} if key is None else {"idempotency-key": key}
        body = to_json({**PHOTO, **fields})
        return members(self.fetch("POST", "/upload/presign", {**ALICE_HEADERS, **named}, body))

    def account(self, scope: str = "t:acme") -> dict[str, int | None]:
        """Return what a scope may have and has, without counting the question."""
        return next((row for row in self.rows("quotas") if row["scope"] == scope), {})

    def used(self) -> tuple[int, int]:
        """Return what the account says is used of the quota: bytes and files."""
        account = self.account()
        return account.get("used_bytes") or 0, account.get("used_files") or 0

    def charges(self) -> list[int]:
        """Return how many bytes each file counts that counts for the quota, by the files' rows."""
        return [
            row["file_size"]
            for row in self.rows()
            if row["status"] in ("pending_upload", "uploaded") and row["charged"]
        ]

    def complete(self, media_id: object) -> Response:
        """Complete an upload of Alice's."""
        return self.fetch(
            "PATCH", "/upload/complete", ALICE_HEADERS, to_json({"mediaId": media_id})
        )

    def delete(self, media_id: object, headers: Mapping[str, str] = ALICE_HEADERS) -> Response:
        """Delete a file of Alice's."""
        return self.fetch("DELETE", f"/files/{media_id}", headers)

    def show_to(
        self, media_id: object, visibility: object, headers: Mapping[str, str] = ALICE_HEADERS
    ) -> Response:
        """Change who sees a file of Alice's."""
        body = to_json({"visibility": visibility})
        return self.fetch("PATCH", f"/files/{media_id}", headers, body)

    def consume(self) -> None:
        """Hand the engine what the queue has for it now, batch after batch.

        What becomes of a message has to be said of each, or a fault in the batch brings it back.
        """
        while batch := self.queue.deliver():
            finish(self.app.consume(batch))
            assert all(delivery.settled for delivery in batch)

    def upload(self, content: bytes = JPEG, **fields: Any) -> dict[str, Any]:
        """Presign an upload of Alice's, store it and complete it; return the file."""
        presigned = self.presign(fileSize=len(content), **fields)
        self.put(presigned, content)
        return members(self.complete(presigned["mediaId"]))

    def put(
        self, presigned: Mapping[str, Any], content: bytes = JPEG, sha256: str | None = None
    ) -> None:
        """Store what was presigned, as the store does when the URL is used.

        Args:
            presigned: the answer.
            content: the bytes.
            sha256: of them, where the store verifies it.
        """
        self.store.put(
            presigned["key"],
            content,
            presigned["headers"]["content-type"],
            presigned["headers"]["content-disposition"],
            sha256,
        )


def to_json(value: object) -> bytes:
    return json.dumps(value).encode()


def members(response: Response) -> dict[str, Any]:
    """Return the members of the JSON object that was answered."""
    assert isinstance(response.body, str)
    value: dict[str, Any] = json.loads(response.body)
    return value
