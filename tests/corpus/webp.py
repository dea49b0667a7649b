"""Writes WebPs: lossless ones of one colour; of lossy ones the header alone."""

from struct import pack


def riff(*chunks: bytes, length: int | None = None) -> bytes:
    """Return a container, which may lie about its length."""
    body = b"WEBP" + b"".join(chunks)
    return b"RIFF" + pack("<I", len(body) if length is None else length) + body


def chunk(name: bytes, data: bytes, *, length: int | None = None) -> bytes:
    said = len(data) if length is None else length
    return name + pack("<I", said) + data + b"\0" * (len(data) % 2)


def lossless(width: int = 24, height: int = 16, *, alpha: bool = False) -> bytes:
    """Return a chunk `VP8L`: five prefix codes of one symbol each, so a pixel takes no bits."""
    fields = [(width - 1, 14), (height - 1, 14), (int(alpha), 1), (0, 3), (0, 1), (0, 1), (0, 1)]
    for symbol in (0x7F, 0x7F, 0x7F, 0xFF, 0):
        fields += [(1, 1), (0, 1), (1, 1), (symbol, 8)]
    number = place = 0
    for value, bits in fields:
        number |= value << place
        place += bits
    return chunk(b"VP8L", b"\x2f" + number.to_bytes(-(-place // 8), "little"))


def lossy(width: int = 24, height: int = 16, *, start: bytes = b"\x9d\x01\x2a") -> bytes:
    """Return a chunk `VP8 ` that has a header and nothing to decode."""
    return chunk(b"VP8 ", b"\x30\x01\0" + start + pack("<HH", width, height) + bytes(16))


def extended(width: int = 24, height: int = 16, *, flags: int = 0) -> bytes:
    """Return a chunk `VP8X`: 2 is animated, 16 has alpha."""
    sides = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return chunk(b"VP8X", bytes([flags, 0, 0, 0]) + sides)


def frame(width: int = 24, height: int = 16, *, left: int = 0, picture: bytes = b"") -> bytes:
    """Return a chunk `ANMF`, `left` in steps of two pixels."""
    numbers = (left, 0, width - 1, height - 1, 100)
    head = b"".join(number.to_bytes(3, "little") for number in numbers) + b"\0"
    return chunk(b"ANMF", head + (picture or lossless(width, height)))


ANIMATION = chunk(b"ANIM", bytes(6))
