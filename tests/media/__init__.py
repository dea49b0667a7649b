"""A photo and a video for tests that need real ones, and the smallest files that are ones."""

from collections.abc import Mapping
from pathlib import Path
from struct import pack
from typing import Final

from tests.corpus import boxes, elements, gif, jpeg, pdf, png, webp
from tests.corpus.drawings import svg

PHOTO = Path(__file__).with_name("photo.jpg")

JPEG: Final = jpeg.jpeg(8, 8)
"""The smallest photo: what is uploaded where it does not matter what is in it."""

SMALLEST: Final[Mapping[str, bytes]] = {
    "image/jpeg": JPEG,
    "image/png": png.png(),
    "image/webp": webp.riff(webp.lossless()),
    "image/gif": gif.gif(),
    "image/svg+xml": svg("<g/>"),
    "image/avif": boxes.avif(),
    "video/mp4": boxes.mp4(),
    "video/webm": elements.webm(),
    "application/pdf": pdf.pdf(),
}
"""A small file of each type that can be uploaded."""


def photo_saying(text: bytes) -> bytes:
    """Return a small photo that no other one equals: it has this text in a comment."""
    return jpeg.jpeg(8, 8, before=jpeg.comment(text))


def photo_holding(content: bytes) -> bytes:
    """Return a photo of any length: these bytes stand where its picture is coded."""
    return jpeg.jpeg(8, 8, after=content + jpeg.EOI)


def video_head(size: int) -> bytes:
    """Return the beginning of a video of so many bytes: it does not matter what follows."""
    head = boxes.mp4()
    return head + pack(">I4s", size - len(head), b"free")
