"""Files that are two things at once, or another thing than they are declared as."""

import gzip
import io
import zipfile

from media_engine.uploads.inspect import Cause
from tests.corpus import boxes, elements, gif, jpeg, pdf, png, webp
from tests.corpus.case import Case
from tests.corpus.honest import DOCUMENT, MOVIE, PHOTO, RECORDING

HTML = b"<!DOCTYPE html><html><script>alert(document.domain)</script></html>"
JAVASCRIPT = b"*/=1;alert(1)/*"


def archive() -> bytes:
    """Return a ZIP with a program in it, as a JAR is one."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as zipped:
        zipped.writestr(zipfile.ZipInfo("Evil.class"), b"\xca\xfe\xba\xbe")
    return content.getvalue()


POLYGLOTS = [
    Case("a GIF that is a JAR", "image/gif", gif.gif() + archive(), PHOTO),
    Case("a long GIF that is a JAR", "image/gif", gif.gif(400, 400) + archive(), Cause.CUT_OFF),
    Case("a JPEG that is a ZIP", "image/jpeg", jpeg.jpeg() + archive(), PHOTO),
    Case("a PNG that is a ZIP", "image/png", png.png() + archive(), PHOTO),
    Case("a WebP that is a ZIP", "image/webp", webp.riff(webp.lossless()) + archive(), PHOTO),
    Case("an MP4 that is a ZIP", "video/mp4", boxes.mp4() + archive(), MOVIE),
    Case("a WebM that is a ZIP", "video/webm", elements.webm() + archive(), RECORDING),
    Case(
        "a JPEG with HTML in a comment", "image/jpeg", jpeg.jpeg(before=jpeg.comment(HTML)), PHOTO
    ),
    Case(
        "a JPEG with a script in its EXIF", "image/jpeg", jpeg.jpeg(before=jpeg.exif(HTML)), PHOTO
    ),
    Case("a GIF with HTML in a comment", "image/gif", gif.gif(between=gif.comment(HTML)), PHOTO),
    Case("a PNG with HTML in a text", "image/png", png.png(before=png.chunk(b"tEXt", HTML)), PHOTO),
    Case(
        "a JPEG that is JavaScript",
        "image/jpeg",
        jpeg.jpeg(before=jpeg.segment(0xE0, JAVASCRIPT + bytes(0x2F2A - 2 - len(JAVASCRIPT)))),
        PHOTO,
    ),
    Case(
        "a GIF that is JavaScript alone",
        "image/gif",
        b"GIF89a/*" + bytes(9) + b"*/=1;alert(1)",
        Cause.MALFORMED,
    ),
    Case("a PDF with a script", "application/pdf", pdf.pdf(comment=b"%" + HTML + b"\n"), DOCUMENT),
    Case(
        "HTML that is a PDF further on",
        "application/pdf",
        pdf.pdf(before=HTML + b"\n"),
        Cause.OTHER_TYPE,
        "The file is markup (SVG, HTML or XML), and application/pdf was declared.",
    ),
    Case(
        "a ZIP that is a PDF further on",
        "application/pdf",
        pdf.pdf(before=archive()),
        Cause.OTHER_TYPE,
        "The file is a ZIP archive, and application/pdf was declared.",
    ),
    Case("a JPEG start and HTML", "image/jpeg", b"\xff\xd8\xff" + HTML, Cause.CUT_OFF),
    Case("a GIF start and HTML", "image/gif", b"GIF89a" + HTML, Cause.MALFORMED),
    Case("a PNG start and HTML", "image/png", png.SIGNATURE + HTML, Cause.MALFORMED),
    Case("a PDF start and HTML", "application/pdf", b"%PDF-" + HTML, Cause.MALFORMED),
    Case("an MP4 start and HTML", "video/mp4", b"\0\0\0\x08ftyp" + HTML, Cause.CUT_OFF),
    Case("a WebM start and HTML", "video/webm", b"\x1a\x45\xdf\xa3" + HTML, Cause.CUT_OFF),
    Case("a WebP start and HTML", "image/webp", b"RIFF\x20\0\0\0WEBP" + HTML, Cause.MALFORMED),
]

OTHER_TYPES = [
    Case("nothing", "image/png", b"", Cause.CUT_OFF, "The file is empty."),
    Case(
        "a PNG declared as a JPEG",
        "image/jpeg",
        png.png(),
        Cause.OTHER_TYPE,
        "The file is a PNG image, and image/jpeg was declared.",
    ),
    Case(
        "HTML declared as a picture",
        "image/png",
        HTML,
        Cause.OTHER_TYPE,
        "The file is markup (SVG, HTML or XML), and image/png was declared.",
    ),
    Case(
        "a compressed SVG",
        "image/svg+xml",
        gzip.compress(b"<svg>" + bytes(10_000_000), mtime=0),
        Cause.OTHER_TYPE,
        "The file is compressed with gzip, and image/svg+xml was declared.",
    ),
    Case(
        "a Matroska file",
        "video/webm",
        elements.header(b"matroska") + elements.segment(),
        Cause.OTHER_TYPE,
        "document type matroska",
    ),
    Case(
        "a WebM without a document type",
        "video/webm",
        elements.element(0x1A45DFA3) + elements.segment(),
        Cause.OTHER_TYPE,
    ),
    Case(
        "a QuickTime movie",
        "video/mp4",
        boxes.brands(b"qt  ") + boxes.moov() + boxes.MDAT,
        Cause.OTHER_TYPE,
        "The file is a QuickTime movie, and video/mp4 was declared.",
    ),
    Case(
        "a HEIC",
        "image/avif",
        boxes.brands(b"heic", b"mif1", b"heic") + boxes.meta() + boxes.MDAT,
        Cause.OTHER_TYPE,
        "The file is a HEIF image (HEIC), and image/avif was declared.",
    ),
    Case(
        "an AVI", "video/mp4", b"RIFF\x20\0\0\0AVI " + bytes(24), Cause.OTHER_TYPE, "an AVI video"
    ),
    Case("a TIFF", "image/png", b"II*\0" + bytes(20), Cause.OTHER_TYPE, "a TIFF image"),
    Case("a program", "image/png", b"MZ" + bytes(200), Cause.OTHER_TYPE, "a Windows program"),
    Case("noise", "image/png", b"\x91" * 99, Cause.OTHER_TYPE, "of no type that is known"),
    Case("zeros", "video/mp4", bytes(99), Cause.OTHER_TYPE, "of no type that is known"),
    Case(
        "an MP4 of sound alone",
        "video/mp4",
        boxes.mp4(boxes.moov(boxes.mvhd(), boxes.trak(b"soun")), boxes.MDAT),
        Cause.OTHER_TYPE,
        "no picture",
    ),
    Case(
        "a WebM of sound alone",
        "video/webm",
        elements.webm(
            elements.segment(
                elements.info(), elements.tracks(elements.track(2)), elements.cluster()
            )
        ),
        Cause.OTHER_TYPE,
        "no picture",
    ),
]
