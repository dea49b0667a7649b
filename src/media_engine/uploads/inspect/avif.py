"""AVIF: HEIF (ISO/IEC 23008-12) with AV1 in it, in the boxes of ISO/IEC 14496-12.

A file has items, one of which is the picture (`pitm`); its dimensions are a property (`ispe`) in
a list of all properties (`ipco`), from which `ipma` gives each item its own. An image sequence has
a movie's index beside that, or alone.

    meta ─ pitm                     which item is the picture
         ├ iinf ─ infe              what it is coded with
         └ iprp ┬ ipco              every property there is
                └ ipma              which of them the item has
"""

from collections.abc import Sequence
from typing import Final

from media_engine.uploads.inspect.facts import Facts, sized
from media_engine.uploads.inspect.isobmff import Box, Boxes, content, descend, whole
from media_engine.uploads.inspect.mp4 import read_movie
from media_engine.uploads.inspect.refusal import Cause, Refusal, malformed
from media_engine.uploads.inspect.window import Window

_CODED: Final = frozenset({b"av01", b"grid"})
"""One AV1 picture, or one that is put together of several."""

_SEQUENCE: Final = b"avis"
_ALPHA: Final = b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0"


async def inspect(window: Window) -> Facts:
    """Look into an AVIF."""
    boxes = Boxes.of_file(window)
    animated = False
    meta: Box | None = None
    movie: Box | None = None
    media = False
    box = await boxes.next()
    while box is not None and not (media and (meta or movie)):
        if box.kind == b"ftyp":
            animated = _SEQUENCE in _brands(await whole(window, box))
        meta = meta or (box if box.kind == b"meta" else None)
        movie = movie or (box if box.kind == b"moov" else None)
        media = media or box.kind == b"mdat"
        box = await boxes.next()
    if meta is not None:
        width, height, alpha = await _picture(window, meta, media=media)
        return Facts(width=width, height=height, animated=animated, alpha=alpha)
    if movie is not None and animated and media:
        width, height, _ = (await read_movie(window, movie)).picture
        return Facts(width=width, height=height, animated=True)
    raise Refusal(Cause.CUT_OFF, "The AVIF does not have what describes its picture, or no data.")


def _brands(text: bytes) -> Sequence[bytes]:
    return [text[at : at + 4] for at in range(0, len(text), 4)]


async def _picture(window: Window, meta: Box, *, media: bool) -> tuple[int, int, bool]:
    """Return width, height, and whether there is a picture of its alpha beside it.

    Args:
        window: the file.
        meta: the box that describes its items.
        media: whether data follows it; else it must have some of its own.
    """
    # A full box: its version and flags stand before what is in it.
    inside = Box(meta.kind, meta.body + 4, meta.end)
    if not media and await Boxes(window, inside.body, inside.end).find(b"idat") is None:
        raise Refusal(Cause.CUT_OFF, "The AVIF has no data (mdat): it is cut off.")
    primary = await _primary_item(window, inside)
    await _require_av1(window, inside, primary)
    properties = await _properties(window, await descend(window, inside, b"iprp", b"ipco"))
    box = await descend(window, inside, b"iprp", b"ipma")
    numbers = _associated(window, await whole(window, box), primary)
    own = [properties[number - 1] for number in numbers if 0 < number <= len(properties)]
    extent, turn = _one(own, b"ispe"), _one(own, b"irot")
    if extent is None:
        raise malformed("The AVIF does not say how large its picture is (ispe).")
    header = await content(window, extent, 12)
    width, height = sized("The AVIF", int.from_bytes(header[4:8]), int.from_bytes(header[8:12]))
    if turn is not None and (await content(window, turn, 1))[0] & 1:
        width, height = height, width
    return width, height, await _has_alpha(window, properties)


async def _primary_item(window: Window, meta: Box) -> int:
    """Return the id of the item that is the picture (14496-12 §8.11.4)."""
    box = await descend(window, meta, b"pitm")
    version = (await content(window, box, 1))[0]
    return int.from_bytes((await content(window, box, 6 if version == 0 else 8))[4:])


async def _require_av1(window: Window, meta: Box, item: int) -> None:
    """Make sure that an item is coded as AVIF's are (14496-12 §8.11.6)."""
    box = await descend(window, meta, b"iinf")
    version = (await content(window, box, 1))[0]
    entries = Boxes(window, box.body + (6 if version == 0 else 8), box.end)
    entry = await entries.find(b"infe")
    while entry is not None:
        version = (await content(window, entry, 1))[0]
        digits = 4 if version == 3 else 2
        info = await content(window, entry, 10 + digits)
        if version >= 2 and int.from_bytes(info[4 : 4 + digits]) == item:
            if info[6 + digits :] not in _CODED:
                raise Refusal(Cause.UNSUPPORTED, "The AVIF's picture is not coded with AV1.")
            return
        entry = await entries.find(b"infe")
    raise malformed("The AVIF's picture is not among its items.")


async def _properties(window: Window, ipco: Box) -> list[Box]:
    boxes = Boxes(window, ipco.body, ipco.end)
    properties = []
    box = await boxes.next()
    while box is not None:
        properties.append(box)
        box = await boxes.next()
    return properties


def _associated(window: Window, ipma: bytes, item: int) -> list[int]:
    """Return the numbers, from 1 on, of an item's properties (23008-12 §9.3)."""
    version, wide = ipma[:1], bool(ipma[3:4] and ipma[3] & 1)
    digits, size = (2 if version == b"\0" else 4), (2 if wide else 1)
    at = 8
    for _ in range(int.from_bytes(ipma[4:8])):
        window.step()
        first = at + digits + 1
        count = int.from_bytes(ipma[first - 1 : first])
        behind = first + count * size
        if behind > len(ipma):
            break
        if int.from_bytes(ipma[at : at + digits]) == item:
            # The highest bit says that whoever shows the item must know the property.
            return [
                int.from_bytes(ipma[place : place + size]) & (0x7FFF if wide else 0x7F)
                for place in range(first, behind, size)
            ]
        at = behind
    raise malformed("The AVIF's picture has no properties.")


def _one(boxes: Sequence[Box], kind: bytes) -> Box | None:
    return next((box for box in boxes if box.kind == kind), None)


async def _has_alpha(window: Window, properties: Sequence[Box]) -> bool:
    """Tell whether a property says that an item is another one's alpha (23008-12 §6.5.8)."""
    for box in properties:
        if box.kind == b"auxC" and box.end - box.body >= 4 + len(_ALPHA):
            kind = await content(window, box, 4 + len(_ALPHA))
            if kind[4:] == _ALPHA:
                return True
    return False
