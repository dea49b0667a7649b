"""PNG: the W3C recommendation, third edition, with animation (APNG) in it.

A row of chunks, each with its length; IHDR is the first and has the dimensions, IEND the last.
What stands between the first IDAT and the end is not looked at, but IEND must be in the last
64 KiB: a file that was cut off has none, and a program may append a little.
"""

from typing import Final
from zlib import crc32

from media_engine.uploads.inspect.facts import Facts, sized
from media_engine.uploads.inspect.refusal import Cause, Refusal, malformed
from media_engine.uploads.inspect.window import Window

_SIGNATURE_BYTES: Final = 8
_HEADER_BYTES: Final = 13
_HEADER_START: Final = b"\0\0\0\x0dIHDR"
_MOST_CHUNK_BYTES: Final = 2**31 - 1
_END: Final = b"\0\0\0\0IEND\xaeB`\x82"

_DEPTHS: Final = {0: {1, 2, 4, 8, 16}, 2: {8, 16}, 3: {1, 2, 4, 8}, 4: {8, 16}, 6: {8, 16}}
"""For each colour type the bits a sample that it can have (§11.2.1)."""

_WITH_ALPHA: Final = frozenset({4, 6})


async def inspect(window: Window) -> Facts:
    """Look into a PNG."""
    if await window.take(_SIGNATURE_BYTES, 8, "the PNG's header") != _HEADER_START:
        raise malformed("The PNG does not begin with a header (IHDR) of 13 bytes.")
    width, height, alpha = await _header(window)
    animated = False
    offset = _SIGNATURE_BYTES + 12 + _HEADER_BYTES
    length, name = await _chunk(window, offset)
    while name != b"IDAT":
        if name == b"IEND":
            raise malformed("The PNG has no picture (IDAT).")
        animated = animated or name == b"acTL"
        alpha = alpha or name == b"tRNS"
        offset += 12 + length
        length, name = await _chunk(window, offset)
    if _END not in await window.tail(offset, "the PNG's picture"):
        raise Refusal(
            Cause.CUT_OFF, "The PNG is cut off: it has no end (IEND) in its last 65,536 bytes."
        )
    return Facts(width=width, height=height, animated=animated, alpha=alpha)


async def _chunk(window: Window, offset: int) -> tuple[int, bytes]:
    """Return the length of a chunk's data and its name (§5.3)."""
    head = await window.take(offset, 8, "a PNG chunk")
    length, name = int.from_bytes(head[:4]), head[4:]
    if length > _MOST_CHUNK_BYTES or not name.isalpha():
        raise malformed(f"The PNG has no chunk where one must be, at byte {offset}.")
    window.reaches(offset + 12 + length, "a PNG chunk")
    return length, name


async def _header(window: Window) -> tuple[int, int, bool]:
    """Return width, height, and whether each pixel has its own alpha (§11.2.1)."""
    chunk = await window.take(_SIGNATURE_BYTES + 4, 4 + _HEADER_BYTES + 4, "the PNG's header")
    name_and_data, checksum = chunk[:-4], int.from_bytes(chunk[-4:])
    if crc32(name_and_data) != checksum:
        raise malformed("The PNG's header (IHDR) does not have the checksum that it should.")
    depth, colour, compression, filtering, interlace = chunk[12:17]
    if depth not in _DEPTHS.get(colour, ()) or compression or filtering or interlace > 1:
        raise malformed("The PNG's header (IHDR) has values that no PNG has.")
    width, height = int.from_bytes(chunk[4:8]), int.from_bytes(chunk[8:12])
    return *sized("The PNG", width, height), colour in _WITH_ALPHA
