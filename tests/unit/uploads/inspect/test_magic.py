"""What a file is by its first bytes."""

import pytest

from media_engine.uploads.inspect.magic import recognise
from tests.corpus import boxes


@pytest.mark.parametrize(
    ("start", "name", "media_type"),
    [
        (boxes.brands(b"isom"), "an MP4 video", "video/mp4"),
        (boxes.brands(b"M4V ", b"M4V ", b"isom"), "an MP4 video", "video/mp4"),
        (boxes.brands(b"3gp4", b"isom", b"3gp4"), "an MP4 video", "video/mp4"),
        (boxes.brands(b"qt  "), "a QuickTime movie", None),
        (boxes.brands(b"qt  ", b"qt  ", b"\0\0\0\0", b"\0\0\0\0"), "a QuickTime movie", None),
        (boxes.brands(b"qt  ", b"qt  ", b"mp42"), "an MP4 video", "video/mp4"),
        (boxes.brands(b"crx "), "a Canon raw image", None),
        (boxes.brands(b"avif"), "an AVIF image", "image/avif"),
        (boxes.brands(b"avis"), "an AVIF image", "image/avif"),
        (boxes.brands(b"mif1", b"mif1", b"avif"), "an AVIF image", "image/avif"),
        (boxes.brands(b"msf1", b"msf1", b"avis"), "an AVIF image", "image/avif"),
        (boxes.brands(b"mif1", b"mif1", b"heic"), "a HEIF image (HEIC)", None),
        (boxes.brands(b"heic", b"heic"), "a HEIF image (HEIC)", None),
        (boxes.brands(b"mif1", b"mif1") + b"avif", "a HEIF image (HEIC)", None),
        (b"\0\0\0\x0cjP  \r\n\x87\n", "a JPEG 2000 image", None),
        (b"RIFF\0\0\0\0WAVE", "WAV audio", None),
        (b"RIFF\0\0\0\0????", "of no type that is known here", None),
        (b"\x89PNG\r\n\x1a", "of no type that is known here", None),
        (b"\xff\xd8", "of no type that is known here", None),
        (b" \r\n\t<", "markup (SVG, HTML or XML)", "image/svg+xml"),
        (b"\x0b<", "of no type that is known here", None),
    ],
)
def test_a_file_is_what_its_first_bytes_say(
    start: bytes, name: str, media_type: str | None
) -> None:
    assert recognise(start) == (name, media_type)
