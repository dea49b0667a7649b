"""Writes JPEGs: one colour of grey, which takes two bits a block."""

from struct import pack

SOI, EOI = b"\xff\xd8", b"\xff\xd9"

_ONES = bytes([1] * 64)
_ONE_CODE = bytes([1] + [0] * 15 + [0])
"""A Huffman table of one code, 0, which means 0: no difference, and the end of the block."""


def segment(marker: int, body: bytes = b"") -> bytes:
    """Return a segment; its length counts itself."""
    return pack(">BBH", 0xFF, marker, len(body) + 2) + body


def frame(width: int, height: int, *, marker: int = 0xC0, precision: int = 8) -> bytes:
    """Return a frame header of one component."""
    return segment(marker, pack(">BHHB", precision, height, width, 1) + b"\1\x11\0")


def comment(text: bytes) -> bytes:
    return segment(0xFE, text)


def exif(tiff: bytes) -> bytes:
    return segment(0xE1, b"Exif\0\0" + tiff)


def oriented(turned: int, order: str = "MM") -> bytes:
    """Return EXIF that says how the picture is turned."""
    sign = ">" if order == "MM" else "<"
    return exif(
        order.encode()
        + pack(f"{sign}HIH", 42, 8, 2)
        + pack(f"{sign}HHI4s", 0x010F, 2, 4, b"Cam\0")
        + pack(f"{sign}HHIHH", 0x0112, 3, 1, turned, 0)
        + pack(f"{sign}I", 0)
    )


def scan(width: int, height: int) -> bytes:
    """Return a scan header and the coded bits."""
    blocks = -(-width // 8) * -(-height // 8)
    bits = "00" * blocks
    bits += "1" * (-len(bits) % 8)
    return segment(0xDA, b"\1\1\0\0\x3f\0") + int(bits, 2).to_bytes(len(bits) // 8)


def jpeg(
    width: int = 24,
    height: int = 16,
    *,
    before: bytes = b"",
    header: bytes | None = None,
    after: bytes = EOI,
) -> bytes:
    """Return a JPEG.

    Args:
        width: in pixels.
        height: in pixels.
        before: segments in front of all others.
        header: the frame header, where it is not to be an honest one.
        after: what follows the scan.
    """
    return (
        SOI
        + before
        + segment(0xDB, b"\0" + _ONES)
        + (frame(width, height) if header is None else header)
        + segment(0xC4, b"\0" + _ONE_CODE)
        + segment(0xC4, b"\x10" + _ONE_CODE)
        + scan(width, height)
        + after
    )
