"""A store in which something happens between two steps of ours."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Literal

from media_engine.errors import R2Unavailable
from media_engine.http.message import ByteStream
from media_engine.ports import ObjectHead, ObjectInfo, StoredPart
from tests.fakes import MemoryStore

Moment = Literal["before", "after"]


class InterruptedStore(MemoryStore):
    """Fails once, or lets somebody else work once.

    Attributes:
        after_head: what happens once, when the next `head` has looked.
        after_write: what happens once, when the next `write` has stored.
        fails: whether the next operation that changes something fails, before or after it did its
            work.
    """

    after_write: Callable[[], Awaitable[object]] | None = None
    after_head: Callable[[], Awaitable[object]] | None = None
    fails: Moment | None = None

    async def head(self, key: str, /) -> ObjectInfo | None:
        info = await super().head(key)
        happens, self.after_head = self.after_head, None
        if happens is not None:
            await happens()
        return info

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
        self._fail("before")
        written = await super().write(key, body, size, head, once=once)
        self._fail("after")
        happens, self.after_write = self.after_write, None
        if happens is not None:
            await happens()
        return written

    async def put_part(
        self, key: str, upload_id: str, number: int, body: ByteStream, length: int, /
    ) -> StoredPart:
        self._fail("before")
        part = await super().put_part(key, upload_id, number, body, length)
        self._fail("after")
        return part

    async def join(self, key: str, upload_id: str, parts: Sequence[StoredPart], /) -> ObjectInfo:
        self._fail("before")
        info = await super().join(key, upload_id, parts)
        self._fail("after")
        return info

    async def abandon(self, key: str, upload_id: str, /) -> None:
        self._fail("before")
        await super().abandon(key, upload_id)
        self._fail("after")

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
