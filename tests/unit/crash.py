"""A Worker that dies at a chosen await: before the world did what was asked, or after it.

It dies as an isolate does: nothing catches it, and nothing after it is done.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Literal, TypeVar

from media_engine.ports import ObjectInfo, ObjectRange, Rows, Statement, StoredObject
from tests.fakes import FixedClock, MemoryCache, MemoryQueue, MemoryStore
from tests.unit.engine import Engine, RecordingDatabase

T = TypeVar("T")
Moment = Literal["before", "after"]


class Crash(BaseException):
    """The isolate is gone."""


class Fuse:
    """Counts the awaits, and blows at one of them.

    Attributes:
        awaits: how many there were since it was set.
    """

    def __init__(self) -> None:
        self.awaits = 0
        self._blows_at: int | None = None
        self._moment: Moment = "before"

    def set(self, at: int, moment: Moment) -> None:
        """Blow at the await of this number, counted from 1."""
        self.awaits, self._blows_at, self._moment = 0, at, moment

    def take_out(self) -> bool:
        """Never blow again; say whether it has blown."""
        blown = self._blows_at is not None and self.awaits >= self._blows_at
        self._blows_at = None
        return blown

    async def around(self, work: Callable[[], Awaitable[T]]) -> T:
        """Do some work of the world, or die of it."""
        self.awaits += 1
        blows = self.awaits == self._blows_at
        if blows and self._moment == "before":
            raise Crash
        done = await work()
        if blows:
            raise Crash
        return done


class FusedStore(MemoryStore):
    def __init__(self, clock: FixedClock, fuse: Fuse) -> None:
        super().__init__(clock)
        self._fuse = fuse

    async def head(self, key: str, /) -> ObjectInfo | None:
        return await self._fuse.around(lambda: super(FusedStore, self).head(key))

    async def get(
        self,
        key: str,
        /,
        *,
        wanted: ObjectRange | None = None,
        etag: str | None = None,
        unless: str | None = None,
    ) -> StoredObject | None:
        return await self._fuse.around(
            lambda: super(FusedStore, self).get(key, wanted=wanted, etag=etag, unless=unless)
        )

    async def bury(self, key: str, /) -> None:
        await self._fuse.around(lambda: super(FusedStore, self).bury(key))

    async def delete(self, keys: Sequence[str], /) -> None:
        await self._fuse.around(lambda: super(FusedStore, self).delete(keys))


class FusedDatabase(RecordingDatabase):
    def __init__(self, fuse: Fuse) -> None:
        super().__init__()
        self._fuse = fuse

    async def batch(self, statements: Sequence[Statement], /) -> Sequence[Rows]:
        return await self._fuse.around(lambda: super(FusedDatabase, self).batch(statements))


class FusedCache(MemoryCache):
    def __init__(self, fuse: Fuse) -> None:
        super().__init__()
        self._fuse = fuse

    async def get(self, entry: str, /, *, wanted: ObjectRange | None = None) -> StoredObject | None:
        return await self._fuse.around(lambda: super(FusedCache, self).get(entry, wanted=wanted))

    async def delete(self, entries: Sequence[str], /) -> None:
        await self._fuse.around(lambda: super(FusedCache, self).delete(entries))


class FusedQueue(MemoryQueue):
    def __init__(self, clock: FixedClock, fuse: Fuse) -> None:
        super().__init__(clock)
        self._fuse = fuse

    async def send(self, message: Mapping[str, object], /, *, delay: int = 0) -> None:
        await self._fuse.around(lambda: super(FusedQueue, self).send(message, delay=delay))


def mortal_engine() -> tuple[Engine, Fuse]:
    """Return an engine, and the fuse of all that it stands on.

    It fills no cache: where a test has copies, it says itself when they are made.
    """
    fuse, clock = Fuse(), FixedClock()
    engine = Engine(
        {"EDGE_CACHE_MAX_BYTES": "0"},
        clock=clock,
        store=FusedStore(clock, fuse),
        database=FusedDatabase(fuse),
        cache=FusedCache(fuse),
        queue=FusedQueue(clock, fuse),
    )
    return engine, fuse
