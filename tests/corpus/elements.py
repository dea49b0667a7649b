"""Writes WebMs: all elements that describe the media, and media that are zeros."""

from struct import pack

UNKNOWN = b"\x01\xff\xff\xff\xff\xff\xff\xff"
"""A length that nobody knew."""


def length(value: int, size: int = 8) -> bytes:
    """Return a length of so many bytes."""
    return (value | 1 << 7 * size).to_bytes(size)


def element(number: int, *content: bytes, said: bytes | None = None) -> bytes:
    """Return an element, which may lie about its length."""
    body = b"".join(content)
    return number.to_bytes(-(-number.bit_length() // 8)) + (said or length(len(body))) + body


def unsigned(number: int, value: int) -> bytes:
    return element(number, value.to_bytes(max(1, -(-value.bit_length() // 8))))


def header(kind: bytes = b"webm") -> bytes:
    return element(0x1A45DFA3, unsigned(0x4286, 1), element(0x4282, kind))


def info(
    duration: float | None = 2500.0, *, scale: int | None = 1_000_000, wide: bool = True
) -> bytes:
    fields = b"" if scale is None else unsigned(0x2AD7B1, scale)
    if duration is not None:
        fields += element(0x4489, pack(">d" if wide else ">f", duration))
    return element(0x1549A966, fields)


def track(kind: int = 1, codec: bytes = b"V_VP9", width: int = 24, height: int = 16) -> bytes:
    video = element(0xE0, unsigned(0xB0, width), unsigned(0xBA, height))
    return element(0xAE, unsigned(0xD7, 1), unsigned(0x83, kind), element(0x86, codec), video)


def tracks(*entries: bytes) -> bytes:
    return element(0x1654AE6B, *(entries or (track(),)))


def cluster(*, said: bytes | None = None) -> bytes:
    return element(0x1F43B675, unsigned(0xE7, 0), element(0xA3, bytes(40)), said=said)


def segment(*content: bytes, said: bytes | None = None) -> bytes:
    return element(0x18538067, *(content or (info(), tracks(), cluster())), said=said)


def webm(*content: bytes) -> bytes:
    """Return a WebM of these elements behind its header."""
    return header() + b"".join(content or (segment(),))


def recorded() -> bytes:
    """Return a WebM as a browser records it: without lengths, without a duration."""
    return webm(segment(info(None), tracks(), cluster(said=UNKNOWN), said=UNKNOWN))
