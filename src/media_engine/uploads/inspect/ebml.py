"""Elements: EBML (RFC 8794), which WebM is made of.

An element is its id, its length and what is in it. Both numbers are of variable length: the
zeros before the first one bit say how many bytes follow. A length of ones alone means that
nobody knew it when the element was begun, as in a recording: it goes on to the end of its parent.
"""

import math
from struct import unpack
from typing import Final, NamedTuple

from media_engine.uploads.inspect.refusal import malformed
from media_engine.uploads.inspect.window import Window

_MOST_ID_BYTES: Final = 4
_MOST_LENGTH_BYTES: Final = 8
_MOST_NUMBER_BYTES: Final = 8
_FLOATS: Final = {4: ">f", 8: ">d"}
_WHAT: Final = "an element"


class Element(NamedTuple):
    """Where an element is.

    Attributes:
        id: its number, with the bit that says how long it is: `0x1A45DFA3`.
        body: the offset of what is in it.
        end: the offset behind it; None if it does not say.
    """

    id: int
    body: int
    end: int | None


class Elements:
    """Goes through elements that stand one after the other.

    Args:
        window: the file that they are in.
        start: the offset of the first.
        end: the offset behind the last: of the element that they are in, or of the file.
    """

    def __init__(self, window: Window, start: int, end: int) -> None:
        self._window = window
        self._offset = start
        self._end = end

    async def next(self) -> Element | None:
        """Return the next element, or None behind the last, or behind one that has no end.

        Raises:
            Refusal: it has no number or no length, or reaches past what it is in.
        """
        if self._offset >= self._end:
            return None
        start = self._offset
        number, body = await self._number(start, _MOST_ID_BYTES)
        length, body = await self._number(body, _MOST_LENGTH_BYTES)
        ones = length.bit_length() - 1
        marker = 1 << ones
        if length == 2 * marker - 1:
            self._offset = self._end
            return Element(number, body, None)
        end = body + length - marker
        self._window.reaches(end, f"the element {number:X}")
        if end > self._end:
            raise malformed(f"The element {number:X} at byte {start} is longer than its parent.")
        self._offset = end
        return Element(number, body, end)

    async def _number(self, offset: int, most: int) -> tuple[int, int]:
        """Return a number with its marker bit, and the offset behind it (RFC 8794 §4)."""
        first = (await self._window.take(offset, 1, _WHAT))[0]
        size = 9 - first.bit_length()
        if size > most:
            raise malformed(f"There is no element where one must be, at byte {offset}.")
        return int.from_bytes(await self._window.take(offset, size, _WHAT)), offset + size


async def content(window: Window, element: Element, most: int) -> bytes:
    """Return what is in an element.

    Args:
        window: the file.
        element: the element.
        most: how many bytes it can have.

    Raises:
        Refusal: it has more, or does not say how many.
    """
    if element.end is None or element.end - element.body > most:
        raise malformed(f"The element {element.id:X} does not have a length that it can have.")
    return await window.take(
        element.body, element.end - element.body, f"the element {element.id:X}"
    )


async def unsigned(window: Window, element: Element) -> int:
    """Return an unsigned integer (§7.2); nothing is 0."""
    return int.from_bytes(await content(window, element, _MOST_NUMBER_BYTES))


async def number(window: Window, element: Element) -> float:
    """Return a floating-point number (§7.3); nothing is 0.

    Raises:
        Refusal: it is not one that can be measured with: finite, and not negative.
    """
    digits = await content(window, element, _MOST_NUMBER_BYTES)
    layout = _FLOATS.get(len(digits))
    value: float = 0.0 if not digits else unpack(layout, digits)[0] if layout else math.nan
    if not (math.isfinite(value) and value >= 0):
        raise malformed(f"The element {element.id:X} is not a number that can be measured with.")
    return value


async def text(window: Window, element: Element, most: int) -> str:
    """Return a string (§7.4), without the zeros that may end it.

    Args:
        window: the file.
        element: the element.
        most: how many bytes it can have.
    """
    return (await content(window, element, most)).partition(b"\0")[0].decode("latin-1")
