"""A store in which something happens between two steps of ours."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Literal

from media_engine.errors import R2Unavailable
from media_engine.ports import ObjectInfo
from tests.fakes import MemoryStore

Moment = Literal["before", "after"]


class InterruptedStore(MemoryStore):
    """Fails once, or lets somebody else work once.

    Attributes:
        after_head: what happens once, when the next `head` has looked.
        fails: whether the next `bury` or `delete` fails, before or after it did its work.
    """

    after_head: Callable[[], Awaitable[object]] | None = None
    fails: Moment | None = None

    async def head(self, key: str, /) -> ObjectInfo | None:
        info = await super().head(key)
        happens, self.after_head = self.after_head, None
        if happens is not None:
            await happens()
        return info

    async def bury(self, key: str, /) -> None:
        self._fail("before")
        await super().bury(key)
        self._fail("after")

    async def delete(self, keys: Sequence[str], /) -> None:
        self._fail("before")
        await super().delete(keys)
        self._fail("after")

    def _fail(self, moment: Moment) -> None:
        if self.fails == moment:
            self.fails = None
            raise R2Unavailable(reason="the test says so")
