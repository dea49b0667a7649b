"""A world that answers when a test says so: calls stop before and behind whatever they ask of it.

What a call awaits is done between two stops. So a test can let another call go on in between, or
end the call there, as an isolate ends.
"""

from collections.abc import Awaitable, Callable, Coroutine, Generator, Sequence
from typing import Any, TypeVar

from media_engine.ports import ObjectInfo, Rows, Statement
from tests.fakes import MemoryStore
from tests.unit.engine import RecordingDatabase

T = TypeVar("T")


class Stop:
    """Is awaited once, until the call is stepped on."""

    def __await__(self) -> Generator[None, None, None]:
        yield


async def _between_stops(work: Awaitable[T]) -> T:
    try:
        await Stop()
    except GeneratorExit:
        # The call ends here, and what it was about to ask for is never asked.
        if isinstance(work, Coroutine):
            work.close()
        raise
    done = await work
    await Stop()
    return done


class SteppedStore(MemoryStore):
    """A store whose every operation has two stops."""

    async def head(self, key: str, /) -> ObjectInfo | None:
        return await _between_stops(super().head(key))

    async def read(self, key: str, offset: int, length: int, /, *, etag: str) -> bytes | None:
        return await _between_stops(super().read(key, offset, length, etag=etag))

    async def digest(self, key: str, /, *, etag: str) -> str | None:
        return await _between_stops(super().digest(key, etag=etag))

    async def bury(self, key: str, /) -> None:
        await _between_stops(super().bury(key))

    async def delete(self, keys: Sequence[str], /) -> None:
        await _between_stops(super().delete(keys))


class SteppedDatabase(RecordingDatabase):
    """A database whose every round trip has two stops."""

    async def batch(self, statements: Sequence[Statement], /) -> Sequence[Rows]:
        return await _between_stops(super().batch(statements))


class Call:
    """A call on its way.

    Args:
        name: what it does.
        work: what does it.
        answered: takes its answer, if it lives to give one.

    Attributes:
        over: whether it has returned.
    """

    def __init__(
        self, name: str, work: Coroutine[Any, Any, Any], answered: Callable[[Any], None]
    ) -> None:
        self.name = name
        self.over = False
        self._work = work
        self._answered = answered

    def step(self) -> None:
        """Let it go on to its next stop, or to its end."""
        try:
            self._work.send(None)
        except StopIteration as returned:
            self.over = True
            self._answered(returned.value)

    def run(self) -> None:
        """Let it go on to its end, alone."""
        while not self.over:
            self.step()

    def die(self) -> None:
        """End it where it is."""
        self._work.close()
