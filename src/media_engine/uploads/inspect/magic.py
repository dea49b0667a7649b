"""What the first bytes of a file are, whatever anybody says that they are.

Only what stands at byte 0 counts, as it does for a browser that is told not to sniff (`nosniff`)
and for most that are not. Many formats may begin later in a file (a ZIP is read from its end, a
PDF reader looks through a kilobyte), so one file can be two things: here it is the one that it
begins as, and it is served as that one and as nothing else.
"""

from typing import Final, NamedTuple


class Magic(NamedTuple):
    """What begins a file.

    Attributes:
        name: what the file is then, to be said after "The file is".
        media_type: the type under which it can be uploaded; None if it cannot.
    """

    name: str
    media_type: str | None = None


_MARKUP: Final = Magic("markup (SVG, HTML or XML)", "image/svg+xml")
_MATROSKA: Final = Magic("a WebM or Matroska video", "video/webm")
_UTF16: Final = Magic("text in UTF-16")

_STARTS: Final[tuple[tuple[bytes, Magic], ...]] = (
    (b"\xff\xd8\xff", Magic("a JPEG image", "image/jpeg")),
    (b"\x89PNG\r\n\x1a\n", Magic("a PNG image", "image/png")),
    (b"GIF87a", Magic("a GIF image", "image/gif")),
    (b"GIF89a", Magic("a GIF image", "image/gif")),
    (b"%PDF-", Magic("a PDF document", "application/pdf")),
    (b"\x1a\x45\xdf\xa3", _MATROSKA),
    (b"\x1f\x8b", Magic("compressed with gzip")),
    (b"PK\x03\x04", Magic("a ZIP archive")),
    (b"PK\x05\x06", Magic("a ZIP archive")),
    (b"7z\xbc\xaf\x27\x1c", Magic("a 7-Zip archive")),
    (b"Rar!\x1a\x07", Magic("a RAR archive")),
    (b"BM", Magic("a BMP image")),
    (b"II*\0", Magic("a TIFF image")),
    (b"MM\0*", Magic("a TIFF image")),
    (b"\0\0\1\0", Magic("a Windows icon")),
    (b"8BPS", Magic("a Photoshop document")),
    (b"\0\0\0\x0cJXL \r\n\x87\n", Magic("a JPEG XL image")),
    (b"\xff\x0a", Magic("a JPEG XL image")),
    (b"\0\0\0\x0cjP  \r\n\x87\n", Magic("a JPEG 2000 image")),
    (b"OggS", Magic("an Ogg file")),
    (b"ID3", Magic("MP3 audio")),
    (b"fLaC", Magic("FLAC audio")),
    (b"FLV\1", Magic("a Flash video")),
    (b"MZ", Magic("a Windows program")),
    (b"\x7fELF", Magic("a Linux program")),
    (b"#!", Magic("a script")),
    (b"%!PS", Magic("a PostScript document")),
    (b"{\\rtf", Magic("an RTF document")),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Magic("an old Office document")),
    (b"\xff\xfe", _UTF16),
    (b"\xfe\xff", _UTF16),
    (b"<\0", _UTF16),
    (b"\0<", _UTF16),
)

_RIFF: Final = {
    b"WEBP": Magic("a WebP image", "image/webp"),
    b"AVI ": Magic("an AVI video"),
    b"WAVE": Magic("WAV audio"),
}

_MP4: Final = Magic("an MP4 video", "video/mp4")
_AVIF: Final = Magic("an AVIF image", "image/avif")
_HEIF_BRANDS: Final = frozenset({
    b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"mif2", b"msf1",
})  # fmt: skip
_OTHER_BRANDS: Final = {b"qt  ": Magic("a QuickTime movie"), b"crx ": Magic("a Canon raw image")}

_UNKNOWN: Final = Magic("of no type that is known here")


def recognise(prefix: bytes) -> Magic:
    """Say what a file is by its first bytes.

    Args:
        prefix: the first bytes of the file, a kilobyte or all that there are.
    """
    if prefix[4:8] == b"ftyp":
        return _by_brands(prefix)
    if prefix[:4] == b"RIFF":
        return _RIFF.get(prefix[8:12], _UNKNOWN)
    for start, magic in _STARTS:
        if prefix.startswith(start):
            return magic
    if prefix.removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n").startswith(b"<"):
        return _MARKUP
    return _UNKNOWN


def _by_brands(prefix: bytes) -> Magic:
    """Say what a file of boxes is (ISO/IEC 14496-12 §4.3, and HEIF §10.2 for the brands).

    The major brand decides. AVIF says so there or, in older files, after HEIF's brand; a QuickTime
    movie that says that it is MP4, too, is one.
    """
    brands = prefix[8 : min(int.from_bytes(prefix[:4]), 1024)]
    major = brands[:4]
    others = {brands[at : at + 4] for at in range(8, len(brands) - 3, 4)}
    if major in {b"avif", b"avis"} or (major in _HEIF_BRANDS and others & {b"avif", b"avis"}):
        return _AVIF
    if major in _HEIF_BRANDS:
        return Magic("a HEIF image (HEIC)")
    if major in _OTHER_BRANDS and not others - {major, b"\0\0\0\0"}:
        return _OTHER_BRANDS[major]
    return _MP4
