"""WebP: RFC 9649.

A RIFF container, whose length is at its head. It holds one picture (`VP8 ` or `VP8L`), or begins
with `VP8X`, which says how large the canvas is; the picture or the frames come then. What stands
behind the container is not of the picture and is not looked at.
"""

from typing import Final, NamedTuple

from media_engine.uploads.inspect.facts import Facts, sized
from media_engine.uploads.inspect.refusal import malformed
from media_engine.uploads.inspect.window import Window

_HEAD_BYTES: Final = 12
_ANIMATION: Final = 0x02
_ALPHA: Final = 0x10


class _Chunk(NamedTuple):
    name: bytes
    body: int
    length: int

    @property
    def end(self) -> int:
        # A chunk of odd length is followed by a byte of padding (§2.3).
        return self.body + self.length + (self.length & 1)


class _Picture(NamedTuple):
    width: int
    height: int
    alpha: bool


async def inspect(window: Window) -> Facts:
    """Look into a WebP."""
    head = await window.take(0, _HEAD_BYTES, "the WebP's header")
    end = 8 + int.from_bytes(head[4:8], "little")
    window.reaches(end, "the WebP's container")
    chunk = await _chunk(window, _HEAD_BYTES, end)
    if chunk.name == b"VP8X":
        return await _canvas(window, chunk, end)
    width, height, alpha = await _picture(window, chunk)
    return Facts(width=width, height=height, animated=False, alpha=alpha)


async def _canvas(window: Window, extended: _Chunk, end: int) -> Facts:
    """Read the extended header (§2.7), and find what it announces."""
    if extended.length != 10:
        raise malformed("The WebP's extended header (VP8X) does not have 10 bytes.")
    header = await window.take(extended.body, 10, "the WebP's extended header")
    width = int.from_bytes(header[4:7], "little") + 1
    height = int.from_bytes(header[7:10], "little") + 1
    animated = bool(header[0] & _ANIMATION)
    wanted = {b"ANMF"} if animated else {b"VP8 ", b"VP8L"}
    chunk = await _chunk(window, extended.end, end)
    while chunk.name not in wanted:
        chunk = await _chunk(window, chunk.end, end)
    if animated:
        await _require_inside(window, chunk, width, height)
    elif (await _picture(window, chunk))[:2] != (width, height):
        raise malformed(
            f"The WebP says that it has {width} by {height} pixels, and its picture says otherwise."
        )
    return Facts(width=width, height=height, animated=animated, alpha=bool(header[0] & _ALPHA))


async def _chunk(window: Window, offset: int, end: int) -> _Chunk:
    """Return the chunk that begins at `offset`, inside a container that ends at `end`."""
    if offset + 8 > end:
        raise malformed("The WebP has no picture.")
    head = await window.take(offset, 8, "a WebP chunk")
    chunk = _Chunk(head[:4], offset + 8, int.from_bytes(head[4:], "little"))
    if chunk.body + chunk.length > end:
        raise malformed("The WebP has a chunk that is longer than the container it is in.")
    return chunk


async def _picture(window: Window, chunk: _Chunk) -> _Picture:
    if chunk.name == b"VP8 " and chunk.length >= 10:
        return _lossy(await window.take(chunk.body, 10, "the WebP's picture"))
    if chunk.name == b"VP8L" and chunk.length >= 5:
        return _lossless(await window.take(chunk.body, 5, "the WebP's picture"))
    raise malformed("The WebP does not begin with a picture (VP8, VP8L or VP8X).")


def _lossy(frame: bytes) -> _Picture:
    """Read the head of a VP8 key frame (RFC 6386 §9.1)."""
    if frame[0] & 1 or frame[3:6] != b"\x9d\x01\x2a":
        raise malformed("The WebP's picture (VP8) is no key frame.")
    width = int.from_bytes(frame[6:8], "little") & 0x3FFF
    height = int.from_bytes(frame[8:10], "little") & 0x3FFF
    return _Picture(*sized("The WebP", width, height), alpha=False)


def _lossless(stream: bytes) -> _Picture:
    """Read the head of a VP8L stream (RFC 9649 §3.4)."""
    bits = int.from_bytes(stream[1:], "little")
    if stream[0] != 0x2F or bits >> 29:
        raise malformed("The WebP's picture (VP8L) has no signature, or a version above 0.")
    return _Picture((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1, alpha=bool(bits >> 28 & 1))


async def _require_inside(window: Window, frame: _Chunk, width: int, height: int) -> None:
    """Make sure that a frame of an animation is on the canvas (§2.7.1.1)."""
    if frame.length < 16:
        raise malformed("The WebP has a frame (ANMF) that is too short.")
    head = await window.take(frame.body, 12, "a WebP frame")
    left, top, less_wide, less_high = (
        int.from_bytes(head[at : at + 3], "little") for at in (0, 3, 6, 9)
    )
    if 2 * left + less_wide + 1 > width or 2 * top + less_high + 1 > height:
        raise malformed("The WebP has a frame (ANMF) that is not on its canvas.")
