"""Files of any length, for tests that send them: what follows their heads does not matter."""

import base64
import zlib
from random import Random
from struct import pack
from typing import Final

from tests.media import PHOTO

_VIDEO_HEAD: Final = zlib.decompress(
    base64.b85decode(
        "c-muNV30^FsVvAW&d+540uY^BU}D6;z*wG}pI-(P%E>LuNMS$$%r6)iIFB%(14jIO2L?ibk-4NOF&oH;"
        "Dai)g$&6_lnf6Kmu>hDmKQ|>a5lAa$q~sLA)RbkWq@o*JmYbQE2Bh<fOOkScbXsvqaSD<ZVTonQhB*Bq"
        "0kw`);E|h>Si(Rd001+nA;A"
    )
)
"""The smallest MP4: ftyp, moov with one track, mdat."""


def video_of(size: int, seed: int = 7) -> bytes:
    """Return a video of so many bytes, of which no two stretches are alike."""
    rest = size - len(_VIDEO_HEAD)
    assert rest >= 8, "a video has a head"
    return _VIDEO_HEAD + pack(">I4s", rest, b"free") + Random(seed).randbytes(rest - 8)


def photo_of(size: int) -> bytes:
    """Return a photo of so many bytes."""
    photo = PHOTO.read_bytes()
    end = photo[-2:]
    return photo[:-2] + bytes(size - len(photo)) + end
