"""The ports in memory, for tests in CPython. `tests/contracts` proves them equal to the real ones.

Each counts its operations, so that a test can assert what a call costs.
"""

import base64
import hashlib
import json
import sqlite3
import weakref
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from media_engine.errors import DatabaseError, MediaError
from media_engine.http.message import ByteStream
from media_engine.ports import (
    MOST_LISTED,
    MOST_READ,
    BrokenOff,
    Collected,
    FormBroken,
    HttpRequest,
    HttpUnreachable,
    ListedObject,
    MultipartRefused,
    NoRoom,
    ObjectHead,
    ObjectInfo,
    ObjectPage,
    ObjectRange,
    Piece,
    QueueUnavailable,
    RangeOutside,
    Rows,
    Statement,
    StoredObject,
    StoredPart,
    TooLong,
)

MIGRATIONS = Path(__file__).parents[1] / "worker" / "migrations"


SMALLEST_PART = 5 * 1024 * 1024


@dataclass
class MemoryStream:
    """A stream whose bytes a test can see.

    Attributes:
        content: its bytes.
        cancelled: whether it was let go.
        whole: whether it ends after them; otherwise it breaks off.
    """

    content: bytes
    cancelled: bool = False
    whole: bool = True

    def cancel(self) -> None:
        self.cancelled = True


class MemoryStore:
    """`ports.ObjectStore` in a dict.

    Attributes:
        operations: how often each operation was called.
        multiparts: the multipart uploads that are neither joined nor abandoned, by id.
        most_listed: how many objects it lists at once, whatever is asked for.
    """

    def __init__(self, clock: "FixedClock | None" = None) -> None:
        self.operations: Counter[str] = Counter()
        self._clock = clock or FixedClock()
        self._objects: dict[str, tuple[ObjectInfo, bytes]] = {}
        self._verified: dict[str, str] = {}
        self.multiparts: dict[str, Multipart] = {}
        self.most_listed = MOST_LISTED

    def put(
        self,
        key: str,
        content: bytes,
        content_type: str = "",
        content_disposition: str = "",
        sha256: str | None = None,
    ) -> ObjectInfo:
        """Store an object, as a presigned PUT does. `sha256` is what the store verified."""
        self._verified.pop(key, None)
        if sha256 is not None:
            self._verified[key] = sha256
        info = ObjectInfo(
            key=key,
            size=len(content),
            etag=f'"{hashlib.md5(content).hexdigest()}"',
            uploaded_at=self._clock.now(),
            content_type=content_type,
            content_disposition=content_disposition,
            tombstone=False,
        )
        self._objects[key] = (info, content)
        return info

    def keys(self) -> set[str]:
        """Return the keys of all objects, tombstones included."""
        return set(self._objects)

    def content(self, key: str) -> bytes:
        """Return an object's bytes, without an operation."""
        return self._objects[key][1]

    async def head(self, key: str, /) -> ObjectInfo | None:
        self.operations["head"] += 1
        found = self._objects.get(key)
        if found is None:
            return None
        return replace(found[0], sha256=self._verified.get(key))

    async def get(
        self,
        key: str,
        /,
        *,
        wanted: ObjectRange | None = None,
        etag: str | None = None,
        unless: str | None = None,
    ) -> StoredObject | None:
        self.operations["get"] += 1
        found = self._objects.get(key)
        if found is None or etag not in (None, found[0].etag):
            return None
        info, content = found
        if unless == info.etag:
            return StoredObject(info, None)
        if wanted is not None and not wanted.touches(info.size):
            whole = await self.get(key, etag=etag)
            assert whole is not None
            raise RangeOutside(whole)
        return StoredObject(info, MemoryStream(_cut(content, wanted)))

    async def write(
        self,
        key: str,
        body: ByteStream,
        size: int,
        head: ObjectHead,
        /,
        *,
        once: bool,
    ) -> ObjectInfo | None:
        self.operations["put"] += 1
        if once and key in self._objects:
            return None
        content = _whole(body, size)
        return self.put(key, content, head.content_type, head.content_disposition)

    async def read(self, key: str, offset: int, length: int, /, *, etag: str) -> bytes | None:
        assert 0 < length <= MOST_READ
        self.operations["read"] += 1
        found = self._objects.get(key)
        if found is None or found[0].etag != etag:
            return None
        return found[1][offset : offset + length]

    async def digest(self, key: str, /, *, etag: str) -> str | None:
        self.operations["digest"] += 1
        found = self._objects.get(key)
        if found is None or found[0].etag != etag:
            return None
        return hashlib.sha256(found[1]).hexdigest()

    async def bury(self, key: str, /) -> None:
        self.operations["put"] += 1
        info = self.put(key, b"")
        self._objects[key] = (replace(info, tombstone=True), b"")

    async def delete(self, keys: Sequence[str], /) -> None:
        self.operations["delete"] += 1
        for key in keys:
            self._objects.pop(key, None)

    async def list(self, prefix: str, after: str | None, limit: int, /) -> ObjectPage:
        assert 0 < limit <= MOST_LISTED
        self.operations["list"] += 1
        keys = sorted(
            key for key in self._objects if key.startswith(prefix) and key > (after or "")
        )
        infos = [self._objects[key][0] for key in keys[: min(limit, self.most_listed)]]
        listed = [
            ListedObject(info.key, info.size, info.etag, info.uploaded_at, info.tombstone)
            for info in infos
        ]
        return ObjectPage(listed, len(keys) > len(listed))

    async def begin(self, key: str, head: ObjectHead, /) -> str:
        self.operations["begin"] += 1
        upload_id = f"upload-{self.operations['begin']}"
        self.multiparts[upload_id] = Multipart(key, head)
        return upload_id

    async def put_part(
        self, key: str, upload_id: str, number: int, body: ByteStream, length: int, /
    ) -> StoredPart:
        self.operations["put_part"] += 1
        content = _whole(body, length)
        multipart = self._multipart(key, upload_id)
        assert 1 <= number <= 10_000
        etag = f"part-{self.operations['put_part']}"
        multipart.parts[number] = (etag, content)
        return StoredPart(number, etag)

    async def join(self, key: str, upload_id: str, parts: Sequence[StoredPart], /) -> ObjectInfo:
        self.operations["join"] += 1
        multipart = self._multipart(key, upload_id)
        named = sorted(parts, key=lambda part: part.number)
        if any(multipart.parts.get(part.number, ("", b""))[0] != part.etag for part in named):
            raise MultipartRefused("no such part")
        contents = [multipart.parts[part.number][1] for part in named]
        sizes = {len(content) for content in contents[:-1]}
        if sizes and (len(sizes) > 1 or min(sizes) < max(SMALLEST_PART, len(contents[-1]))):
            raise MultipartRefused("parts differ in size")
        del self.multiparts[upload_id]
        head = multipart.head
        return self.put(key, b"".join(contents), head.content_type, head.content_disposition)

    async def abandon(self, key: str, upload_id: str, /) -> None:
        self.operations["abandon"] += 1
        multipart = self.multiparts.get(upload_id)
        if multipart is not None and multipart.key == key:
            del self.multiparts[upload_id]

    def _multipart(self, key: str, upload_id: str) -> "Multipart":
        multipart = self.multiparts.get(upload_id)
        if multipart is None or multipart.key != key:
            raise MultipartRefused("no such upload")
        return multipart


@dataclass
class Multipart:
    """A multipart upload: its parts by number, each with its etag."""

    key: str
    head: ObjectHead
    parts: dict[int, tuple[str, bytes]] = field(default_factory=dict)


def _whole(body: ByteStream, size: int) -> bytes:
    assert isinstance(body, MemoryStream)
    if not body.whole or len(body.content) != size:
        raise BrokenOff("the test says so")
    return body.content


def _cut(content: bytes, wanted: ObjectRange | None) -> bytes:
    if wanted is None:
        return content
    if wanted.suffix is not None:
        return content[-wanted.suffix :]
    offset = wanted.offset or 0
    end = None if wanted.length is None else offset + wanted.length
    return content[offset:end]


class MemoryCache:
    """`ports.Cache` in a dict. What it is filled with is there at once.

    Attributes:
        entries: the object in each entry, and its bytes.
        tags: the tag of each entry.
        operations: how often each operation was called; an entry that is deleted is one.
        handed_out: the streams that it gave.
    """

    def __init__(self) -> None:
        self.handed_out: list[MemoryStream] = []
        self.entries: dict[str, tuple[ObjectInfo, bytes]] = {}
        self.tags: dict[str, str] = {}
        self.operations: Counter[str] = Counter()

    async def get(self, entry: str, /, *, wanted: ObjectRange | None = None) -> StoredObject | None:
        self.operations["get"] += 1
        if entry not in self.entries:
            return None
        info, content = self.entries[entry]
        outside = wanted is not None and not wanted.touches(info.size)
        stream = MemoryStream(content if outside else _cut(content, wanted))
        self.handed_out.append(stream)
        if outside:
            raise RangeOutside(StoredObject(info, stream))
        return StoredObject(info, stream)

    def fill(self, entry: str, tag: str, stored: StoredObject, /) -> ByteStream:
        self.operations["fill"] += 1
        assert isinstance(stored.body, MemoryStream)
        if len(stored.body.content) == stored.info.size:
            self.entries[entry] = (stored.info, stored.body.content)
            self.tags[entry] = tag
        return stored.body

    async def delete(self, entries: Sequence[str], /) -> None:
        self.operations["delete"] += len(entries)
        for entry in entries:
            self.entries.pop(entry, None)

    def keep(self, *entries: str) -> None:
        """Have some object in each of these entries."""
        for entry in entries:
            info = ObjectInfo(entry.partition("/")[2], 5, '"kept"', 0, "", "", tombstone=False)
            self.entries[entry] = (info, b"bytes")


class MemoryStreams:
    """`ports.Streams`. The stream it returns is filled when it is read.

    Attributes:
        room: how many bytes can be collected.
    """

    def __init__(self) -> None:
        self.room = 24 * 1024 * 1024

    def concatenate(self, pieces: Sequence[Piece], length: int, /) -> "JoinedStream":
        return JoinedStream(pieces, length)

    def intake(
        self, streams: Sequence[ByteStream], algorithm: str | None = None, /
    ) -> "MemoryIntake":
        return MemoryIntake(streams, algorithm)

    def form(self, stream: ByteStream, boundary: str, /) -> "MemoryForm":
        assert isinstance(stream, MemoryStream)
        return MemoryForm(stream, boundary)

    async def collect(self, stream: ByteStream, most: int, /) -> Collected:
        assert isinstance(stream, MemoryStream)
        if len(stream.content) > most:
            raise TooLong
        if len(stream.content) > self.room:
            raise NoRoom
        if not stream.whole:
            raise BrokenOff("the test says so")
        return Collected(len(stream.content), MemoryStream(stream.content))


class MemoryIntake:
    """`ports.Intake` whose bodies are all there."""

    def __init__(self, streams: Sequence[ByteStream], algorithm: str | None = None) -> None:
        self._unread = list(streams)
        self._rest = b""
        self._filled = b""
        self._last = b""
        self._algorithm = algorithm
        self._breaks = False
        self.size = 0
        self.ended = False
        self.broken = False

    async def fill(self, size: int, milliseconds: int, /) -> None:  # noqa: ARG002
        while self._unread:
            stream = self._unread.pop(0)
            if isinstance(stream, JoinedStream):
                self._last = await stream.read()
                self._breaks = len(self._last) < stream.length
            else:
                assert isinstance(stream, MemoryStream)
                self._last = stream.content
                self._breaks = not stream.whole
            self._rest += self._last
        room = size - len(self._filled)
        self._filled += self._rest[:room]
        self.ended = len(self._rest) < room
        self.broken = self.ended and self._breaks
        self._rest = self._rest[room:]
        self.size = len(self._filled)

    def take(self) -> MemoryStream:
        block, self._filled, self.size = MemoryStream(self._filled), b"", 0
        return block

    async def digest(self) -> str:
        assert self._algorithm is not None
        hashed = hashlib.new(self._algorithm.replace("-", ""), self._last)
        return base64.b64encode(hashed.digest()).decode()


class MemoryForm:
    """`ports.Form` in memory."""

    def __init__(self, stream: MemoryStream, boundary: str) -> None:
        _, *self._fields = (b"\r\n" + stream.content).split(f"\r\n--{boundary}".encode())
        self._value = b""

    async def next(self) -> str | None:
        if not self._fields:
            raise FormBroken
        field_ = self._fields.pop(0)
        if field_.startswith(b"--"):
            return None
        head, blank, self._value = field_.partition(b"\r\n\r\n")
        if not blank or not self._fields:
            raise FormBroken
        return head.decode(errors="replace")

    async def text(self, limit: int, /) -> str:
        try:
            text = self._value.decode()
        except UnicodeDecodeError:
            raise FormBroken from None
        if len(self._value) > limit:
            raise FormBroken
        return text

    def intake(self) -> MemoryIntake:
        return MemoryIntake([self.stream()])

    def stream(self) -> MemoryStream:
        return MemoryStream(self._value)


@dataclass
class JoinedStream:
    """A stream that opens its pieces when it is read, and not before."""

    pieces: Sequence[Piece]
    length: int

    def cancel(self) -> None:
        self.pieces = ()

    async def read(self) -> bytes:
        """Return all of it; less than `length` if a piece cannot be opened."""
        content = b""
        for piece in self.pieces:
            if isinstance(piece, bytes):
                content += piece
                continue
            try:
                stream = await piece()
            except MediaError:
                break
            assert isinstance(stream, MemoryStream)
            content += stream.content
        return content


class SqliteDatabase:
    """`ports.Database` on the standard library's SQLite, with the real migrations applied.

    Attributes:
        statements: how many statements were run.
    """

    def __init__(self) -> None:
        self.statements = 0
        self._connection = sqlite3.connect(":memory:", isolation_level=None)
        self._connection.row_factory = sqlite3.Row
        # From Python 3.13 on, a connection that is forgotten open is warned of.
        weakref.finalize(self, self._connection.close)
        for migration in sorted(MIGRATIONS.glob("*.sql")):
            self._connection.executescript(migration.read_text())

    async def run(self, statement: Statement, /) -> Rows:
        return (await self.batch([statement]))[0]

    async def batch(self, statements: Sequence[Statement], /) -> Sequence[Rows]:
        self.statements += len(statements)
        self._connection.execute("BEGIN")
        try:
            results = [self._rows(statement) for statement in statements]
        except sqlite3.Error as error:
            self._connection.execute("ROLLBACK")
            raise DatabaseError(reason=str(error)) from error
        self._connection.execute("COMMIT")
        return results

    def _rows(self, statement: Statement) -> Rows:
        rows = self._connection.execute(statement.sql, statement.values).fetchall()
        # What D1 bills, SQLite does not tell.
        return Rows(rows=[dict(row) for row in rows], rows_read=0, rows_written=0)


@dataclass
class MemoryDelivery:
    """`ports.Delivery` of a `MemoryQueue`."""

    id: str
    text: str
    attempts: int
    again: "Callable[[MemoryDelivery, int], None]"
    settled: bool = False

    @property
    def body(self) -> object:
        return json.loads(self.text)

    def ack(self) -> None:
        self.settled = True

    def retry(self, delay: int, /) -> None:
        if not self.settled:
            self.settled = True
            self.again(self, delay)


class MemoryQueue:
    """`ports.Queue` in a list. A message becomes due as the clock goes on.

    Attributes:
        operations: how often each operation was called.
        down: whether it takes nothing.
    """

    def __init__(self, clock: "FixedClock | None" = None) -> None:
        self.operations: Counter[str] = Counter()
        self.down = False
        self._clock = clock or FixedClock()
        self._waiting: list[tuple[int, MemoryDelivery]] = []

    async def send(self, message: Mapping[str, object], /, *, delay: int = 0) -> None:
        self.operations["send"] += 1
        if self.down:
            raise QueueUnavailable("the test says so")
        name = f"message-{self.operations['send']}"
        self._wait(MemoryDelivery(name, json.dumps(message), 1, self._again), delay)

    def waiting(self) -> list[tuple[int, object]]:
        """Return what is in it: in how many seconds it is due, and the message."""
        now = self._clock.now()
        return [((due - now) // 1000, delivery.body) for due, delivery in self._waiting]

    def deliver(self, most: int = 100) -> list[MemoryDelivery]:
        """Take out a batch of what is due."""
        due = [entry for entry in self._waiting if entry[0] <= self._clock.now()][:most]
        self._waiting = [entry for entry in self._waiting if entry not in due]
        return [delivery for _, delivery in due]

    def _wait(self, delivery: MemoryDelivery, delay: int) -> None:
        self._waiting.append((self._clock.now() + 1000 * delay, delivery))

    def _again(self, delivery: MemoryDelivery, delay: int) -> None:
        self._wait(
            MemoryDelivery(delivery.id, delivery.text, delivery.attempts + 1, self._again), delay
        )


@dataclass(frozen=True)
class Served:
    """What a server that a test plays answers.

    Attributes:
        status: the status.
        headers: by name, in small letters.
        body: its bytes.
        missing: how many bytes more it announces and does not send.
        hangs: whether it keeps the connection open all the same.
        pause: how many milliseconds go by between its headers and its body.
    """

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    missing: int = 0
    hangs: bool = False
    pause: int = 0


class NoAnswer(Exception):
    """The server that a test plays does not answer.

    Args:
        hangs: whether it keeps the connection open all the same.
    """

    def __init__(self, *, hangs: bool) -> None:
        super().__init__(hangs)
        self.hangs = hangs


Serve = Callable[[HttpRequest], Served]
"""Plays a server: what it answers to a request whose headers are in small letters. It may raise
`NoAnswer`. `tests.servers` plays it over a real connection."""


class MemoryHttp:
    """`ports.HttpClient` without a network.

    Args:
        serve: plays every server there is.

    Attributes:
        requests: what was asked.
        answers: what was answered.
    """

    def __init__(self, serve: Serve) -> None:
        self.requests: list[HttpRequest] = []
        self.answers: list[MemoryAnswer] = []
        self._serve = serve

    async def send(
        self, request: HttpRequest, /, *, timeout: int, patience: int | None = None
    ) -> "MemoryAnswer":
        assert timeout > 0
        assert patience is None or 0 < patience <= timeout
        headers = {name.lower(): value for name, value in request.headers.items()}
        if not all(value.isprintable() for value in headers.values()):
            raise HttpUnreachable("a header cannot be sent")
        self.requests.append(request)
        try:
            answer = MemoryAnswer(self._serve(replace(request, headers=headers)))
        except NoAnswer as silence:
            raise HttpUnreachable(repr(silence)) from silence
        self.answers.append(answer)
        return answer


class MemoryAnswer:
    """`ports.HttpAnswer` of a `MemoryHttp`."""

    def __init__(self, served: Served) -> None:
        self.status = served.status
        self.body = MemoryStream(served.body, whole=not served.missing)
        self._served = served

    @property
    def headers(self) -> "MemoryAnswer":
        return self

    def get(self, name: str, /) -> str | None:
        return self._served.headers.get(name.lower())

    async def read(self, limit: int, /) -> bytes:
        if self._served.missing and limit > len(self._served.body):
            raise HttpUnreachable("it broke off")
        return self._served.body[:limit]


@dataclass
class FixedClock:
    """`ports.Clock` that goes on only when a test says so."""

    instant: int = 1_795_000_000_000

    def now(self) -> int:
        return self.instant

    def advance(self, milliseconds: int) -> None:
        self.instant += milliseconds


class MemoryLimiter:
    """`ports.RateLimiter` that counts in windows of a minute, as the platform's does.

    Args:
        most: how many events of a key a window may have; None for any number.
        clock: what time it is.
    """

    def __init__(self, most: int | None, clock: FixedClock) -> None:
        self.events: Counter[str] = Counter()
        self._most = most
        self._clock = clock
        self._window = 0

    async def allow(self, key: str, /) -> bool:
        window = self._clock.now() // 60_000
        if window != self._window:
            self.events.clear()
            self._window = window
        self.events[key] += 1
        return self._most is None or self.events[key] <= self._most


class Later:
    """`ports.Background` that does nothing until a test lets it."""

    def __init__(self) -> None:
        self.work: list[Coroutine[Any, Any, None]] = []

    def __call__(self, work: Coroutine[Any, Any, None], /) -> None:
        self.work.append(work)


class Counting:
    """`ports.Entropy` whose bytes are foreseen, and different each time."""

    def __init__(self) -> None:
        self._calls = 0

    def __call__(self, count: int, /) -> bytes:
        self._calls += 1
        return hashlib.shake_256(str(self._calls).encode()).digest(count)


@dataclass
class MemoryLog:
    """Keeps the events that would be lines in the log."""

    events: list[Mapping[str, object]] = field(default_factory=list)

    def __call__(self, event: Mapping[str, object]) -> None:
        self.events.append(event)
