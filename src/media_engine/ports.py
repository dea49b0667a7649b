"""What the engine needs of the world outside, as protocols.

Each port has one adapter in `cloudflare/`, one fake in `tests/fakes.py`, and one suite in
`tests/contracts/` that both must pass: the fake in CPython, the adapter inside workerd.

Instants are whole milliseconds since 1970 (Unix time, UTC); sizes are bytes; a time to wait says
its unit.
"""

from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, TypeAlias

from media_engine.http.message import ByteStream, RequestHeaders

SqlValue: TypeAlias = str | int | None


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """What the store knows of an object besides its bytes.

    Attributes:
        key: its key.
        size: its length in bytes.
        etag: its strong entity tag, quoted as in an ETag header.
        uploaded_at: when it was stored, in milliseconds.
        content_type: as it was stored; empty if none was.
        content_disposition: as it was stored; empty if none was.
        tombstone: an empty object that only keeps a key from being written again.
        sha256: of its bytes, in hexadecimal, where the store verified it as they came; None where
            it did not, and from every call but `ObjectStore.head`.
    """

    key: str
    size: int
    etag: str
    uploaded_at: int
    content_type: str
    content_disposition: str
    tombstone: bool
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class ListedObject:
    """An object, as a listing of the store has it. What is not here only `ObjectStore.head` says.

    Attributes:
        key: its key.
        size: its length in bytes.
        etag: its strong entity tag, quoted as in an ETag header.
        uploaded_at: when it was stored, in milliseconds.
        tombstone: an empty object that only keeps a key from being written again.
    """

    key: str
    size: int
    etag: str
    uploaded_at: int
    tombstone: bool


@dataclass(frozen=True, slots=True)
class ObjectPage:
    """A page of a listing.

    Attributes:
        objects: in the binary order of their keys; of a page that is not the last one there is
            at least one.
        more: whether other objects follow.
    """

    objects: Sequence[ListedObject]
    more: bool


@dataclass(frozen=True, slots=True)
class ObjectRange:
    """Which bytes are wanted: `length` of them from `offset`, or the last `suffix`.

    Attributes:
        offset: the first byte; None when `suffix` is set.
        length: how many bytes, or None for all that follow.
        suffix: how many of the last bytes; None when `offset` is set.
    """

    offset: int | None = None
    length: int | None = None
    suffix: int | None = None

    def touches(self, size: int) -> bool:
        """Tell whether any of these bytes are in an object of `size` bytes."""
        if self.suffix is not None:
            return self.suffix > 0 and size > 0
        return (self.offset or 0) < size

    def covers(self, size: int) -> bool:
        """Tell whether these bytes are all of an object of `size` bytes."""
        if self.suffix is not None:
            return self.suffix >= size
        return not self.offset and (self.length is None or self.length >= size)


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object, and the stream of the bytes that were asked for.

    Attributes:
        info: the object.
        body: the stream; None where the caller has these bytes already.
    """

    info: ObjectInfo
    body: ByteStream | None

    def let_go(self) -> None:
        """Let the stream go unread."""
        if self.body is not None:
            self.body.cancel()


@dataclass(frozen=True, slots=True)
class ObjectHead:
    """What an object is stored with, and later answered with.

    Attributes:
        content_type: its type; empty for none.
        content_disposition: how it is called; empty for none.
    """

    content_type: str = ""
    content_disposition: str = ""


Piece: TypeAlias = bytes | Callable[[], Awaitable[ByteStream]]
"""A piece of a body: bytes, or what opens a stream of them when their turn has come."""


MOST_LISTED: Final = 1_000
"""How many objects a page of `ObjectStore.list` has at most."""

MOST_READ: Final = 2 * 1024 * 1024
"""How many bytes `ObjectStore.read` brings into memory at most."""


class RangeOutside(Exception):
    """The range asked for does not touch the object. Raised by `ObjectStore.get`.

    Args:
        stored: the object, whose size says why, with a stream of all its bytes.
    """

    def __init__(self, stored: StoredObject) -> None:
        super().__init__(stored.info.key)
        self.stored = stored


@dataclass(frozen=True, slots=True)
class StoredPart:
    """A part of a multipart upload, as the store has it.

    Attributes:
        number: its number, 1 to 10,000. Parts are joined in the order of their numbers, which
            need not follow one another.
        etag: what the store knows it by. A part that is stored again has another one.
    """

    number: int
    etag: str


class MultipartRefused(Exception):
    """The store does not go on with a multipart upload: it was joined or abandoned, or it has not
    the parts that were named, or they do not have the sizes that they must have.

    Args:
        reason: what the store said, for the log.
    """


class BrokenOff(Exception):
    """A stream ended before it should have, or did not end when it should have.

    Args:
        reason: what the platform said, for the log.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class TooLong(Exception):
    """A stream has more bytes than were asked for. Raised by `Streams.collect`."""


class NoRoom(Exception):
    """There is no memory left for what was asked. Raised by `Streams.collect`."""


class ObjectStore(Protocol):
    """The bytes: R2. Every call is one operation of the store.

    Every call raises `R2Unavailable` when the store does not answer.

    A body is a stream, or a block that `Intake` took: it is handed on and never looked into.
    """

    async def head(self, key: str, /) -> ObjectInfo | None:
        """Return what is known of the object, or None if there is none. A class B operation."""
        ...

    async def get(
        self,
        key: str,
        /,
        *,
        wanted: ObjectRange | None = None,
        etag: str | None = None,
        unless: str | None = None,
    ) -> StoredObject | None:
        """Return the object with a stream of its bytes, or None. A class B operation.

        Args:
            key: the object's key.
            wanted: the bytes wanted; None for all. What reaches past the end is cut.
            etag: if given, another object under this key counts as none.
            unless: if given, the object that has this entity tag comes without its bytes.

        Raises:
            RangeOutside: no byte of `wanted` is in the object. To know that costs a second
                operation.
        """
        ...

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
        """Store what a body has, whole or not at all. A class A operation.

        Args:
            key: the object's key.
            body: the body; a stream is read to its end, or let go.
            size: how many bytes it has.
            head: what it is stored with.
            once: whether what is under this key already, a tombstone for example, stays.

        Returns:
            The object; None where `once` kept another one.

        Raises:
            BrokenOff: the body broke off, or has fewer or more bytes.
        """
        ...

    async def read(self, key: str, offset: int, length: int, /, *, etag: str) -> bytes | None:
        """Return some bytes of the object itself. A class B operation.

        They enter Python's memory: at most `MOST_READ` of them are asked for.

        Args:
            key: the object's key.
            offset: the first byte.
            length: how many bytes, all of them inside the object.
            etag: another object under this key counts as none.
        """
        ...

    async def digest(self, key: str, /, *, etag: str) -> str | None:
        """Return the SHA-256 of the object's bytes, in hexadecimal, or None as `read` does.

        They are read to their end, and none enters Python. A class B operation.
        """
        ...

    async def bury(self, key: str, /) -> None:
        """Replace the object's bytes by an empty tombstone. A class A operation.

        A presigned PUT signs `if-none-match: *`, so while the tombstone is there no URL that is
        still alive can store under this key again.
        """
        ...

    async def delete(self, keys: Sequence[str], /) -> None:
        """Remove the objects, at most 1,000; those that are not there are no error."""
        ...

    async def list(self, prefix: str, after: str | None, limit: int, /) -> ObjectPage:
        """Return a page of the objects whose keys begin with a prefix. A class A operation.

        What is there before the first page is asked for, and stays, is in one of the pages.

        Args:
            prefix: what their keys begin with.
            after: the key behind which the page begins, whether it has an object or not; None
                for the first page.
            limit: how many objects there are at most, 1 to `MOST_LISTED`. There can be fewer, and
                more to follow.
        """
        ...

    async def begin(self, key: str, head: ObjectHead, /) -> str:
        """Begin a multipart upload; return its id. A class A operation.

        R2 itself abandons what is not joined within seven days.
        """
        ...

    async def put_part(
        self, key: str, upload_id: str, number: int, body: ByteStream, length: int, /
    ) -> StoredPart:
        """Store a part. A class A operation.

        Every part but the last has the same length, of at least 5 MiB. A part that is stored
        under a number again takes the place of the other.

        Raises:
            BrokenOff: as `write`.
            MultipartRefused: there is no such upload any more.
        """
        ...

    async def join(self, key: str, upload_id: str, parts: Sequence[StoredPart], /) -> ObjectInfo:
        """Make an object of these parts, and let go of others. A class A operation.

        It takes the place of an object that is there already.

        Raises:
            MultipartRefused: it is joined already, or the parts cannot be joined.
        """
        ...

    async def abandon(self, key: str, upload_id: str, /) -> None:
        """Let go of a multipart upload and its parts. No error where there is none any more."""
        ...


class Cache(Protocol):
    """Whole objects near to those who ask: the edge cache of one data centre.

    It may forget anything at any time, and what it cannot do it does not do: nothing here raises
    because the cache does not answer.
    """

    async def get(self, entry: str, /, *, wanted: ObjectRange | None = None) -> StoredObject | None:
        """Return the object in an entry with a stream of its bytes, or None.

        Args:
            entry: the entry's name.
            wanted: the bytes wanted; None for all. What reaches past the end is cut.

        Raises:
            RangeOutside: no byte of `wanted` is in the object.
        """
        ...

    def fill(self, entry: str, tag: str, stored: StoredObject, /) -> ByteStream:
        """Return the object's stream for whoever asked; the entry is filled while it is read.

        An entry is filled with all of the object or not at all. So that a slow reader holds no
        more memory than there is, an entry is left alone while the objects that are on their way
        into others are too large together.

        Args:
            entry: the entry's name.
            tag: by which it can be purged everywhere.
            stored: the object, with a stream of all its bytes.
        """
        ...

    async def delete(self, entries: Sequence[str], /) -> None:
        """Forget these entries, in this data centre, and what is on its way into them."""
        ...


class Intake(Protocol):
    """Takes a body in blocks of a size that the caller chooses.

    A block is filled in memory, because what arrived of a body must not be lost where its sender
    leaves. Python sees how long it is and never what is in it.

    Attributes:
        size: how many bytes of the block are there.
        ended: whether no more will come.
        broken: whether it ended because the body broke off.
    """

    size: int
    ended: bool
    broken: bool

    async def fill(self, size: int, milliseconds: int, /) -> None:
        """Read on until the block has `size` bytes, the body has ended, or the time is over."""
        ...

    def take(self) -> ByteStream:
        """Return the block as far as it is filled, for the store, and begin another."""
        ...

    async def digest(self) -> str:
        """Return the hash of the body so far, in base64; nothing is read after it."""
        ...


class FormBroken(Exception):
    """A form ends before its last boundary, or a head or a value in it is too long or no text."""


class Form(Protocol):
    """A body of `multipart/form-data` (RFC 7578), read field by field as it comes.

    Every call raises `FormBroken` where the form is none.
    """

    async def next(self) -> str | None:
        """Skip what is left of a field; return the head of the next one, or None after the last.

        A head is the header lines of a field, without the line that is empty.
        """
        ...

    async def text(self, limit: int, /) -> str:
        """Return the field's value as text, of at most so many bytes."""
        ...

    def intake(self) -> Intake:
        """Take the field's value in blocks."""
        ...

    def stream(self) -> ByteStream:
        """Return the field's value as a stream."""
        ...


class Streams(Protocol):
    """What can be done with streams without looking into them."""

    def concatenate(self, pieces: Sequence[Piece], length: int, /) -> ByteStream:
        """Return one stream of all the pieces, one after the other.

        It is filled while it is read. A piece that cannot be opened, or ends early, breaks it
        off, so that the reader has fewer than `length` bytes and knows it.

        Args:
            pieces: the pieces in their order.
            length: how many bytes they have together.
        """
        ...

    def intake(self, streams: Sequence[ByteStream], algorithm: str | None = None, /) -> Intake:
        """Take what these streams have, one after the other, in blocks.

        Args:
            streams: the streams.
            algorithm: `SHA-1`, `SHA-256` or `MD5`, by which the last stream is hashed.
        """
        ...

    def form(self, stream: ByteStream, boundary: str, /) -> Form:
        """Read a form whose fields are between these boundaries."""
        ...

    async def collect(self, stream: ByteStream, most: int, /) -> "Collected":
        """Read a stream whose length nobody knows to its end, and keep its bytes.

        Args:
            stream: the stream; it is read to its end, or let go.
            most: how many bytes it may have.

        Raises:
            TooLong: it has more.
            BrokenOff: it broke off.
            NoRoom: what is collected at the same time is too much together.
        """
        ...


@dataclass(frozen=True, slots=True)
class Collected:
    """A stream that has been read.

    Attributes:
        size: how many bytes it has.
        body: a stream of them. They are kept until it was read, or cancelled.
    """

    size: int
    body: ByteStream


@dataclass(frozen=True, slots=True)
class Statement:
    """One SQL statement and what is bound to its `?` marks, in their order."""

    sql: str
    values: tuple[SqlValue, ...] = ()


@dataclass(frozen=True, slots=True)
class Rows:
    """What a statement gave.

    Attributes:
        rows: a mapping by column name for each row.
        rows_read: how many rows the database looked at: what D1 bills.
        rows_written: how many rows and index entries it wrote.
    """

    rows: Sequence[Mapping[str, SqlValue]]
    rows_read: int
    rows_written: int

    def first(self) -> Mapping[str, SqlValue] | None:
        """Return the first row, or None."""
        return self.rows[0] if self.rows else None


class Database(Protocol):
    """The metadata: D1, which is SQLite. Raises `DatabaseError` when it does not answer."""

    async def run(self, statement: Statement, /) -> Rows:
        """Run one statement: one round trip, one transaction."""
        ...

    async def batch(self, statements: Sequence[Statement], /) -> Sequence[Rows]:
        """Run the statements in order in one transaction and one round trip: all or none."""
        ...


class RateLimiter(Protocol):
    """Counts what should be rare. It is a brake and no account: the platform counts for each of
    its locations alone, and roughly."""

    async def allow(self, key: str, /) -> bool:
        """Count one event under this key; tell whether there are still few enough of them.

        Where there is no limit, or it cannot be asked, there are always few enough.
        """
        ...


class QueueUnavailable(Exception):
    """The queue did not take a message. Raised by `Queue.send`.

    Args:
        reason: what it said, for the log.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Queue(Protocol):
    """Work for later: Cloudflare Queues.

    A message that was taken is delivered at least once, in no particular order.
    """

    async def send(self, message: Mapping[str, object], /, *, delay: int = 0) -> None:
        """Leave a message for the consumer.

        Args:
            message: what JSON can hold, and at most 128 KB of it.
            delay: how many seconds it is kept back, at most a day.

        Raises:
            QueueUnavailable: it was not taken, or nobody can tell.
        """
        ...


class Delivery(Protocol):
    """A message that the queue hands to its consumer, who says what becomes of it.

    The first word counts. Past its configuration's number of attempts, the queue lays a message
    aside in its dead letter queue.
    """

    @property
    def id(self) -> str:
        """What names the message in the log."""
        ...

    @property
    def body(self) -> object:
        """The message: what JSON holds, whoever sent it."""
        ...

    @property
    def attempts(self) -> int:
        """How often it was delivered, this time included."""
        ...

    def ack(self) -> None:
        """Be done with it."""
        ...

    def retry(self, delay: int, /) -> None:
        """Have it delivered again, in so many seconds at the earliest."""
        ...


class HttpUnreachable(Exception):
    """Nobody answered, the answer broke off, or the time was up.

    Args:
        reason: what the platform said, for the log. It can have the URL in it.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """What is asked of another server.

    Attributes:
        method: the verb.
        url: absolute, `http` or `https`.
        headers: by name. They can hold secrets, so that they are not shown.
        body: its bytes; empty for none.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)


class HttpAnswer(Protocol):
    """What another server answered. Its body is read, or handed on, or cancelled: one of them."""

    @property
    def status(self) -> int: ...

    @property
    def headers(self) -> RequestHeaders:
        """Looks a header up."""
        ...

    @property
    def body(self) -> ByteStream:
        """The body as a stream that is handed on untouched; an empty one where there is none."""
        ...

    async def read(self, limit: int, /) -> bytes:
        """Return the body, at most its first `limit` bytes; let go of the rest.

        Raises:
            HttpUnreachable: it broke off before.
        """
        ...


class HttpClient(Protocol):
    """Other people's servers."""

    async def send(
        self, request: HttpRequest, /, *, timeout: int, patience: int | None = None
    ) -> HttpAnswer:
        """Send a request and return the answer, whatever its status. No redirect is followed.

        Args:
            request: what is asked.
            timeout: how many milliseconds the whole may take, to the last byte of the body.
            patience: how many of them may go by until there is an answer; None for all.

        Raises:
            HttpUnreachable: there is no answer.
        """
        ...


class Background(Protocol):
    def __call__(self, work: Coroutine[Any, Any, None], /) -> None:
        """Let work go on behind the answer, for as long as the platform lets it (30 seconds)."""
        ...


class Clock(Protocol):
    def now(self) -> int:
        """Return the time in milliseconds since 1970."""
        ...


class Entropy(Protocol):
    def __call__(self, count: int, /) -> bytes:
        """Return `count` bytes that nobody can foretell."""
        ...
