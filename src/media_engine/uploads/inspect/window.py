"""A file in a store, looked at through a window that has a price.

A file can have 500 MB, and each look at it is an operation of the store. A parser asks for a few
bytes at a place; the window fetches some more than that and answers what follows out of them.
What a parser can order is bounded three ways, whatever the file says: reads, bytes and steps.

Parsers go forward. So the window keeps the first bytes and the last ones that it fetched, and
fetches twice as many as before when a parser reads on from there: a JPEG whose first segments
are long costs six reads, and a movie whose index is at its end costs few bytes.
"""

from typing import Final, Protocol

from media_engine.errors import R2Unavailable
from media_engine.uploads.inspect.refusal import Cause, Refusal

PREFIX_BYTES: Final = 64 * 1024
"""What is read first, and what most files need."""

MOST_READS: Final = 8
MOST_BYTES: Final = 2 * 1024 * 1024
"""Of all reads together."""

MOST_STEPS: Final = 4096
"""How many boxes, chunks, segments or blocks are looked at. A long video has about a hundred."""

_AHEAD_BYTES: Final = 16 * 1024
"""What is read at a place that a parser jumps to."""


class Reader(Protocol):
    """Reads parts of one object that does not change meanwhile (pin its entity tag)."""

    @property
    def size(self) -> int:
        """The object's length in bytes."""
        ...

    async def read(self, offset: int, length: int, /) -> bytes:
        """Return exactly `length` bytes, at least one, all of them inside the object.

        One operation of the store. Raises `R2Unavailable` when the store does not answer.
        """
        ...


class Window:
    """What a parser sees of a file.

    Args:
        reader: reads the file.

    Attributes:
        size: the file's length in bytes.
    """

    def __init__(self, reader: Reader) -> None:
        self.size = reader.size
        self._reader = reader
        self._first = b""
        self._latest = (0, b"")
        self._reads_left = MOST_READS
        self._bytes_left = MOST_BYTES
        self._steps_left = MOST_STEPS

    async def prefix(self) -> bytes:
        """Return the first `PREFIX_BYTES` bytes, or as many as there are."""
        if not self._first:
            self._first = await self._fetch(0, min(self.size, PREFIX_BYTES))
        return self._first

    async def take(self, offset: int, length: int, what: str) -> bytes:
        """Return `length` bytes from `offset` on. One step.

        Args:
            offset: the first byte.
            length: how many.
            what: what they belong to, such as "a PNG chunk".

        Raises:
            Refusal: the file ends before them, or they are not within the bounds of looking.
        """
        end = offset + length
        self.reaches(end, what)
        self.step()
        for start, content in (self._latest, (0, self._first)):
            if start <= offset and end <= start + len(content):
                return content[offset - start : end - start]
        content = await self._fetch(offset, length, self._ahead(offset))
        self._latest = (offset, content)
        return content[:length]

    async def tail(self, start: int, what: str) -> bytes:
        """Return the last `PREFIX_BYTES` bytes, or as many as there are from `start` on. One step.

        Args:
            start: where what is looked for can begin.
            what: what it is.
        """
        start = max(start, self.size - PREFIX_BYTES)
        return await self.take(start, self.size - start, what)

    async def whole(self, what: str) -> bytes:
        """Return all bytes.

        Args:
            what: what they are, to begin a sentence with.

        Raises:
            Refusal: they are more than `MOST_BYTES`.
        """
        if self.size > MOST_BYTES:
            raise Refusal(
                Cause.TOO_COSTLY,
                f"{what} is read whole to be checked, and can have at most {MOST_BYTES} bytes.",
            )
        prefix = await self.prefix()
        return prefix + await self.take(len(prefix), self.size - len(prefix), what)

    def reaches(self, end: int, what: str) -> None:
        """Make sure that the file has `end` bytes.

        Raises:
            Refusal: it ends before.
        """
        if end > self.size:
            raise Refusal(
                Cause.CUT_OFF,
                f"The file is cut off: it has {self.size} bytes, and {what} in it would end "
                f"at byte {end}.",
            )

    def step(self) -> None:
        """Count a step.

        Raises:
            Refusal: there were too many.
        """
        if self._steps_left == 0:
            raise Refusal(
                Cause.TOO_COSTLY, f"The file has more than {MOST_STEPS} parts before its picture."
            )
        self._steps_left -= 1

    def _ahead(self, offset: int) -> int:
        start, content = self._latest if self._latest[1] else (0, self._first)
        follows = start <= offset <= start + 2 * len(content)
        return 2 * len(content) if follows else _AHEAD_BYTES

    async def _fetch(self, offset: int, length: int, ahead: int = 0) -> bytes:
        """Read `length` bytes from the store, and up to `ahead` where there are so many."""
        if length == 0:
            return b""
        wanted = max(length, min(ahead, self._bytes_left, self.size - offset))
        if self._reads_left == 0 or wanted > self._bytes_left:
            raise Refusal(
                Cause.TOO_COSTLY,
                f"What must be known of the file is not within {MOST_BYTES} bytes of it, read in "
                f"{MOST_READS} pieces.",
            )
        self._reads_left -= 1
        self._bytes_left -= wanted
        content = await self._reader.read(offset, wanted)
        if len(content) != wanted:
            raise R2Unavailable(reason=f"{len(content)} bytes came of {wanted} from {offset}")
        return content
