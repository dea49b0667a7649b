"""Writes PNGs of one colour."""

from struct import pack
from zlib import compress, crc32

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def chunk(name: bytes, data: bytes = b"", *, length: int | None = None) -> bytes:
    """Return a chunk, which may lie about its length."""
    said = len(data) if length is None else length
    return pack(">I", said) + name + data + pack(">I", crc32(name + data))


def header(
    width: int, height: int, depth: int = 8, colour: int = 0, rest: bytes = b"\0\0\0"
) -> bytes:
    return chunk(b"IHDR", pack(">IIBB", width, height, depth, colour) + rest)


END = chunk(b"IEND")


def png(
    width: int = 24,
    height: int = 16,
    *,
    colour: int = 0,
    before: bytes = b"",
    first: bytes | None = None,
    after: bytes = END,
) -> bytes:
    """Return a PNG.

    Args:
        width: in pixels.
        height: in pixels.
        colour: its colour type: 0, 2, 4 or 6.
        before: chunks between the header and the picture.
        first: the header, where it is not to be an honest one.
        after: what follows the picture.
    """
    samples = {0: 1, 2: 3, 4: 2, 6: 4}[colour]
    rows = (b"\0" + b"\x7f" * (width * samples)) * height
    head = header(width, height, colour=colour) if first is None else first
    return SIGNATURE + head + before + chunk(b"IDAT", compress(rows)) + after
