"""EXIF: how a camera was held. A TIFF structure (TIFF 6.0 §2; EXIF 2.32 §4.6.4)."""

from typing import Final, Literal

_ORIENTATION: Final = 0x0112
_SHORT: Final = 3
_ENTRY_BYTES: Final = 12
_ORDERS: Final[dict[bytes, Literal["big", "little"]]] = {b"MM\0*": "big", b"II*\0": "little"}


def orientation(tiff: bytes) -> int:
    """Return how the picture is turned, 1 to 8; 1 where it is not said or cannot be read.

    What is wrong with EXIF refuses no picture: browsers ignore it, and cameras write much of it.

    Args:
        tiff: the structure, from its byte order on.
    """
    order = _ORDERS.get(tiff[:4])
    if order is None:
        return 1
    directory = int.from_bytes(tiff[4:8], order)
    count = int.from_bytes(tiff[directory : directory + 2], order)
    first = directory + 2
    # As many as are there, whatever the count says.
    last = min(first + count * _ENTRY_BYTES, len(tiff))
    for at in range(first, last - _ENTRY_BYTES + 1, _ENTRY_BYTES):
        if int.from_bytes(tiff[at : at + 2], order) == _ORIENTATION:
            kind = int.from_bytes(tiff[at + 2 : at + 4], order)
            value = int.from_bytes(tiff[at + 8 : at + 10], order)
            return value if kind == _SHORT and 1 <= value <= 8 else 1
    return 1
