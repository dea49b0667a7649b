"""A picture that no other one equals, so that what comes back cannot be somebody else's."""

import zlib
from secrets import token_bytes
from struct import pack
from typing import Final

SIDE: Final = 8
"""In pixels."""

CONTENT_TYPE: Final = "image/png"


def noise() -> bytes:
    """Return a PNG of grey pixels at random."""
    rows = b"".join(b"\0" + token_bytes(SIDE) for _ in range(SIDE))
    header = pack(">IIBBBBB", SIDE, SIDE, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, content) for name, content in chunks)


def _chunk(name: bytes, content: bytes) -> bytes:
    body = name + content
    return pack(">I", len(content)) + body + pack(">I", zlib.crc32(body))
