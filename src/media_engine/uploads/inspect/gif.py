"""GIF: CompuServe's specification of 1989.

A screen with its dimensions, then blocks: extensions and images, each a chain of sub-blocks of
at most 255 bytes, and a trailer. A chain cannot be jumped over, so only the first 64 KiB are
walked. A file that is not longer than that is known to its end; of a longer one the first image
is found, and the last byte must be the trailer, before zeros at most.
"""

from typing import Final

from media_engine.uploads.inspect.facts import Facts, sized
from media_engine.uploads.inspect.refusal import Cause, Refusal, malformed
from media_engine.uploads.inspect.window import PREFIX_BYTES, Window

_SCREEN_BYTES: Final = 13
_EXTENSION: Final = 0x21
_IMAGE: Final = 0x2C
_TRAILER: Final = 0x3B
_GRAPHIC_CONTROL: Final = 0xF9
_APPLICATION: Final = 0xFF
_LOOPS: Final = frozenset({b"NETSCAPE2.0", b"ANIMEXTS1.0"})
_WHAT: Final = "a GIF block"


class _Walk:
    """What was seen on the way through the blocks.

    Attributes:
        offset: where the next block begins.
        images: how many were seen.
        loops: an extension says that the frames are repeated.
        alpha: a colour of an image is none.
        ended: the trailer was seen.
    """

    def __init__(self, window: Window) -> None:
        self._window = window
        self.offset = _SCREEN_BYTES
        self.images = 0
        self.loops = False
        self.alpha = False
        self.ended = False

    async def go(self) -> None:
        """Walk to the trailer, or past an image and out of the first bytes."""
        while not self.ended and not self._far_enough(self.offset):
            block = await self._byte(self.offset)
            if block == _EXTENSION:
                await self._extension()
            elif block == _IMAGE:
                await self._image()
            elif block == _TRAILER:
                self.ended = True
            else:
                raise malformed(f"The GIF has no block where one must be, at byte {self.offset}.")

    async def _extension(self) -> None:
        label, length = await self._window.take(self.offset + 1, 2, _WHAT)
        if label == _GRAPHIC_CONTROL and length >= 1:
            flags = await self._byte(self.offset + 3)
            self.alpha = self.alpha or bool(flags & 1)
        elif label == _APPLICATION and length == 11:
            name = await self._window.take(self.offset + 3, length, _WHAT)
            self.loops = self.loops or name in _LOOPS
        await self._skip(self.offset + 2)

    async def _image(self) -> None:
        flags = await self._byte(self.offset + 9)
        self.images += 1
        # After the local colours and a byte that says how wide the codes are.
        await self._skip(self.offset + 10 + _colour_bytes(flags) + 1)

    async def _skip(self, offset: int) -> None:
        """Go on behind the sub-blocks that begin at `offset`, or to where that is far enough."""
        length = 1
        while length and not self._far_enough(offset):
            length = await self._byte(offset)
            offset += 1 + length
        self.offset = offset

    def _far_enough(self, offset: int) -> bool:
        return self.images > 0 and offset >= PREFIX_BYTES

    async def _byte(self, offset: int) -> int:
        return (await self._window.take(offset, 1, _WHAT))[0]


async def inspect(window: Window) -> Facts:
    """Look into a GIF."""
    screen = await window.take(0, _SCREEN_BYTES, "the GIF's header")
    width, height = int.from_bytes(screen[6:8], "little"), int.from_bytes(screen[8:10], "little")
    sized("The GIF", width, height)
    walk = _Walk(window)
    walk.offset += _colour_bytes(screen[10])
    await walk.go()
    if walk.images == 0:
        raise malformed("The GIF has no image.")
    if not walk.ended:
        await _require_trailer(window)
    animated = walk.loops or walk.images > 1
    return Facts(
        width=width,
        height=height,
        animated=True if animated else (False if walk.ended else None),
        alpha=walk.alpha,
    )


def _colour_bytes(flags: int) -> int:
    """Return how long the table of colours is that these flags announce."""
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


async def _require_trailer(window: Window) -> None:
    tail = (await window.tail(0, "the GIF's end")).rstrip(b"\0")
    if not tail.endswith(bytes([_TRAILER])):
        raise Refusal(
            Cause.CUT_OFF,
            "The GIF does not end with its trailer: it is cut off, or something is appended.",
        )
