"""Writes GIFs of one colour, without compressing them."""

from struct import pack

TRAILER = b";"
LOOP = b"!\xff\x0bNETSCAPE2.0\x03\x01\0\0\0"
TRANSPARENT = b"!\xf9\x04\x01\0\0\0\0"

_CLEAR, _END, _WIDTH = 4, 5, 3


def screen(width: int, height: int, version: bytes = b"89a") -> bytes:
    """Return the header and a table of four colours."""
    return b"GIF" + version + pack("<HHBBB", width, height, 0x81, 0, 0) + bytes(range(12))


def blocks(data: bytes) -> bytes:
    """Return data as sub-blocks."""
    pieces = [data[at : at + 255] for at in range(0, len(data), 255)]
    return b"".join(bytes([len(piece)]) + piece for piece in pieces) + b"\0"


def comment(text: bytes) -> bytes:
    return b"!\xfe" + blocks(text)


def image(width: int, height: int) -> bytes:
    """Return an image; the codes are cleared before they would grow."""
    codes = []
    for at in range(width * height):
        codes += [_CLEAR, 1] if at % 2 == 0 else [1]
    codes.append(_END)
    data = bytearray()
    # Eight codes are three bytes.
    for at in range(0, len(codes), 8):
        number = sum(code << (_WIDTH * place) for place, code in enumerate(codes[at : at + 8]))
        data += number.to_bytes(_WIDTH, "little")
    return b"," + pack("<HHHHB", 0, 0, width, height, 0) + b"\2" + blocks(bytes(data))


def gif(width: int = 24, height: int = 16, *, between: bytes = b"", frames: int = 1) -> bytes:
    """Return a GIF.

    Args:
        width: in pixels.
        height: in pixels.
        between: blocks in front of the first image.
        frames: how many images it has.
    """
    return screen(width, height) + between + image(width, height) * frames + TRAILER
