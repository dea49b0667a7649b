"""Boxes: ISO/IEC 14496-12 §4.2, which MP4 and AVIF are made of.

A box is its length, its type and what is in it, which can be boxes. Nothing here goes into a box
by itself: a parser descends along the few paths that it knows, so no file decides how deep.
"""

from typing import Final, NamedTuple

from media_engine.uploads.inspect.refusal import malformed, quoted
from media_engine.uploads.inspect.window import Window

_LARGE: Final = 1
_TO_THE_END: Final = 0
_WHAT: Final = "a box"


class Box(NamedTuple):
    """Where a box is.

    Attributes:
        kind: its four letters.
        body: the offset of what is in it.
        end: the offset behind it.
    """

    kind: bytes
    body: int
    end: int

    @property
    def name(self) -> str:
        return quoted(self.kind.decode("latin-1"))


class Boxes:
    """Goes through boxes that stand one after the other.

    Args:
        window: the file that they are in.
        start: the offset of the first.
        end: the offset behind the last: of the box that they are in, or of the file.
    """

    def __init__(self, window: Window, start: int, end: int) -> None:
        self._window = window
        self._offset = start
        self._end = end

    @classmethod
    def of_file(cls, window: Window) -> "Boxes":
        """Go through the boxes that the file is made of."""
        return cls(window, 0, window.size)

    async def next(self) -> Box | None:
        """Return the next box, or None behind the last. What is too short for one is none.

        Raises:
            Refusal: its length is less than its own head, or reaches past what it is in.
        """
        if self._end - self._offset < 8:
            return None
        head = await self._window.take(self._offset, 8, _WHAT)
        length, body = int.from_bytes(head[:4]), self._offset + 8
        if length == _LARGE:
            length, body = int.from_bytes(await self._window.take(body, 8, _WHAT)), body + 8
        elif length == _TO_THE_END and self._end == self._window.size:
            length = self._end - self._offset
        box = Box(head[4:], body, self._offset + length)
        if box.end < body:
            raise malformed(f"The box {box.name} at byte {self._offset} is shorter than its head.")
        self._window.reaches(box.end, f"the box {box.name}")
        if box.end > self._end:
            raise malformed(f"The box {box.name} at byte {self._offset} is longer than its parent.")
        self._offset = box.end
        return box

    async def find(self, kind: bytes) -> Box | None:
        """Return the next box of this kind, or None if none follows."""
        box = await self.next()
        while box is not None and box.kind != kind:
            box = await self.next()
        return box


async def descend(window: Window, box: Box, *path: bytes) -> Box:
    """Return the box at the end of a path, each step the first child of its kind.

    Raises:
        Refusal: there is none.
    """
    for kind in path:
        child = await Boxes(window, box.body, box.end).find(kind)
        if child is None:
            raise malformed(f"The box {box.name} has no {quoted(kind.decode('latin-1'))} in it.")
        box = child
    return box


async def content(window: Window, box: Box, length: int) -> bytes:
    """Return the first bytes of what is in a box.

    Args:
        window: the file.
        box: the box.
        length: how many bytes.

    Raises:
        Refusal: there are fewer in it.
    """
    if box.end - box.body < length:
        raise malformed(f"The box {box.name} is too short for what must be in it.")
    return await window.take(box.body, length, f"the box {box.name}")


async def whole(window: Window, box: Box) -> bytes:
    """Return all that is in a box. The window bounds how much that may be."""
    return await content(window, box, box.end - box.body)
