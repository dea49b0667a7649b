"""Files that lie about their dimensions, and pictures and documents that break off."""

from media_engine.uploads.inspect import Cause, Facts
from tests.corpus import boxes, elements, gif, jpeg, pdf, png, webp
from tests.corpus.case import Case

HUGE = 2**31

DIMENSIONS = [
    Case("a JPEG of no width", "image/jpeg", jpeg.jpeg(header=jpeg.frame(0, 9)), Cause.MALFORMED),
    Case("a JPEG of no height", "image/jpeg", jpeg.jpeg(header=jpeg.frame(9, 0)), Cause.MALFORMED),
    Case(
        "the largest JPEG",
        "image/jpeg",
        jpeg.jpeg(header=jpeg.frame(65_535, 65_535)),
        Facts(65_535, 65_535, animated=False, alpha=False),
    ),
    Case("a PNG of no width", "image/png", png.png(first=png.header(0, 9)), Cause.MALFORMED),
    Case("a PNG of 2³¹", "image/png", png.png(first=png.header(HUGE, 9)), Cause.MALFORMED),
    Case(
        "the largest PNG",
        "image/png",
        png.png(first=png.header(HUGE - 1, HUGE - 1)),
        Facts(HUGE - 1, HUGE - 1, animated=False, alpha=False),
    ),
    Case(
        "a GIF of no width", "image/gif", gif.screen(0, 9) + gif.image(1, 1) + b";", Cause.MALFORMED
    ),
    Case("a WebP of no width", "image/webp", webp.riff(webp.lossy(0, 9)), Cause.MALFORMED),
    Case(
        "an AVIF of no width",
        "image/avif",
        boxes.avif(
            boxes.meta(boxes.pitm(), boxes.iinf(), boxes.iprp(boxes.ispe(0, 9))), boxes.MDAT
        ),
        Cause.MALFORMED,
    ),
    Case(
        "an AVIF of 2³¹",
        "image/avif",
        boxes.avif(
            boxes.meta(boxes.pitm(), boxes.iinf(), boxes.iprp(boxes.ispe(HUGE, 9))), boxes.MDAT
        ),
        Cause.MALFORMED,
    ),
    Case(
        "an MP4 of no height",
        "video/mp4",
        boxes.mp4(
            boxes.moov(boxes.mvhd(), boxes.trak(description=boxes.stsd(height=0))), boxes.MDAT
        ),
        Cause.MALFORMED,
    ),
    Case(
        "a WebM of 2³¹",
        "video/webm",
        elements.webm(
            elements.segment(elements.tracks(elements.track(width=HUGE)), elements.cluster())
        ),
        Cause.MALFORMED,
    ),
    Case(
        "a WebM of no width",
        "video/webm",
        elements.webm(
            elements.segment(elements.tracks(elements.track(width=0)), elements.cluster())
        ),
        Cause.MALFORMED,
    ),
]

_TWO_FRAMES = jpeg.frame(24, 16) * 2
_OUTSIDE = webp.frame(24, 16, left=1)

LIES = [
    Case(
        "a JPEG segment past the end",
        "image/jpeg",
        jpeg.SOI + b"\xff\xe1\xff\xff" + bytes(99),
        Cause.CUT_OFF,
    ),
    Case("a JPEG segment of length 0", "image/jpeg", jpeg.SOI + b"\xff\xe1\0\0", Cause.MALFORMED),
    Case("a JPEG segment of length 1", "image/jpeg", jpeg.SOI + b"\xff\xe1\0\1", Cause.MALFORMED),
    Case("a JPEG without a frame", "image/jpeg", jpeg.jpeg(header=b""), Cause.MALFORMED),
    Case("a JPEG with two frames", "image/jpeg", jpeg.jpeg(header=_TWO_FRAMES), Cause.MALFORMED),
    Case("a JPEG that is over at once", "image/jpeg", jpeg.SOI + jpeg.EOI, Cause.MALFORMED),
    Case("a JPEG in a JPEG", "image/jpeg", jpeg.SOI + jpeg.jpeg(), Cause.MALFORMED),
    Case(
        "a JPEG frame that is too short",
        "image/jpeg",
        jpeg.jpeg(header=jpeg.segment(0xC0, b"\x08\0\x10")),
        Cause.MALFORMED,
    ),
    Case(
        "a JPEG frame of 200 components",
        "image/jpeg",
        jpeg.jpeg(header=jpeg.segment(0xC0, b"\x08\0\x10\0\x18\xc8")),
        Cause.MALFORMED,
    ),
    Case(
        "a JPEG that is lossless",
        "image/jpeg",
        jpeg.jpeg(header=jpeg.frame(24, 16, marker=0xC3)),
        Cause.UNSUPPORTED,
    ),
    Case(
        "a JPEG of 12 bits",
        "image/jpeg",
        jpeg.jpeg(header=jpeg.frame(24, 16, marker=0xC1, precision=12)),
        Cause.UNSUPPORTED,
    ),
    Case("a JPEG without an end", "image/jpeg", jpeg.jpeg(after=b""), Cause.CUT_OFF),
    Case(
        "a long JPEG without an end",
        "image/jpeg",
        jpeg.jpeg(after=bytes(range(255)) * 300 + b"\xff\0\xff\xd0"),
        Cause.CUT_OFF,
    ),
    Case(
        "a PNG header that says it is longer",
        "image/png",
        png.SIGNATURE + png.chunk(b"IHDR", bytes(13), length=14),
        Cause.MALFORMED,
    ),
    Case(
        "a PNG header with another checksum",
        "image/png",
        png.png(first=png.header(24, 16)[:-1] + b"\0"),
        Cause.MALFORMED,
    ),
    Case(
        "a PNG of 3 bits a sample",
        "image/png",
        png.png(first=png.header(24, 16, 3, 2)),
        Cause.MALFORMED,
    ),
    Case(
        "a PNG with an unknown compression",
        "image/png",
        png.png(first=png.header(24, 16, rest=b"\1\0\0")),
        Cause.MALFORMED,
    ),
    Case(
        "a PNG as only Apple reads it",
        "image/png",
        png.png(first=png.chunk(b"CgBI", bytes(4)) + png.header(24, 16)),
        Cause.MALFORMED,
    ),
    Case(
        "a PNG without a picture",
        "image/png",
        png.SIGNATURE + png.header(24, 16) + png.END,
        Cause.MALFORMED,
        "no picture",
    ),
    Case(
        "a PNG chunk past the end",
        "image/png",
        png.png(before=png.chunk(b"iCCP", length=9999)),
        Cause.CUT_OFF,
    ),
    Case(
        "a PNG chunk of 2³¹",
        "image/png",
        png.png(before=png.chunk(b"iCCP", length=HUGE)),
        Cause.MALFORMED,
    ),
    Case("a PNG without an end", "image/png", png.png(after=b""), Cause.CUT_OFF, "IEND"),
    Case(
        "a PNG with very much behind its end", "image/png", png.png() + bytes(66_000), Cause.CUT_OFF
    ),
    Case("a GIF without an image", "image/gif", gif.screen(24, 16) + b";", Cause.MALFORMED),
    Case("a GIF without an end", "image/gif", gif.gif()[:-1], Cause.CUT_OFF),
    Case("a long GIF without an end", "image/gif", gif.gif(400, 400)[:-1], Cause.CUT_OFF),
    Case(
        "a GIF with a block that is none",
        "image/gif",
        gif.screen(24, 16) + b"\x11" + gif.image(24, 16) + b";",
        Cause.MALFORMED,
    ),
    Case(
        "a WebP container past the end",
        "image/webp",
        webp.riff(webp.lossless(), length=9999),
        Cause.CUT_OFF,
    ),
    Case("a WebP container of nothing", "image/webp", webp.riff(length=4), Cause.MALFORMED),
    Case(
        "a WebP chunk past its container",
        "image/webp",
        webp.riff(webp.chunk(b"VP8L", bytes(9), length=99)) + bytes(99),
        Cause.MALFORMED,
    ),
    Case(
        "a WebP canvas that its picture does not fill",
        "image/webp",
        webp.riff(webp.extended(9999, 9999), webp.lossless()),
        Cause.MALFORMED,
    ),
    Case(
        "a WebP canvas without a picture", "image/webp", webp.riff(webp.extended()), Cause.MALFORMED
    ),
    Case(
        "a WebP canvas of 9 bytes",
        "image/webp",
        webp.riff(webp.chunk(b"VP8X", bytes(9)), webp.lossless()),
        Cause.MALFORMED,
    ),
    Case(
        "an animated WebP without frames",
        "image/webp",
        webp.riff(webp.extended(flags=2), webp.lossless()),
        Cause.MALFORMED,
    ),
    Case(
        "a WebP frame that is not on the canvas",
        "image/webp",
        webp.riff(webp.extended(flags=2), webp.ANIMATION, _OUTSIDE),
        Cause.MALFORMED,
    ),
    Case(
        "a WebP frame of 3 bytes",
        "image/webp",
        webp.riff(webp.extended(flags=2), webp.chunk(b"ANMF", bytes(3))),
        Cause.MALFORMED,
    ),
    Case(
        "a WebP without a key frame",
        "image/webp",
        webp.riff(webp.lossy(start=bytes(3))),
        Cause.MALFORMED,
    ),
    Case(
        "a WebP of a version to come",
        "image/webp",
        webp.riff(webp.chunk(b"VP8L", b"\x2f\0\0\0\xe0")),
        Cause.MALFORMED,
    ),
    Case(
        "a WebP that begins with something else",
        "image/webp",
        webp.riff(webp.chunk(b"EXIF", bytes(20))),
        Cause.MALFORMED,
    ),
]

PDFS = [
    Case("a PDF without a version", "application/pdf", b"%PDF-x.y\n%%EOF", Cause.MALFORMED),
    Case("a PDF without an end", "application/pdf", pdf.pdf()[:-7], Cause.CUT_OFF),
    Case(
        "a PDF with two kilobytes behind its end",
        "application/pdf",
        pdf.pdf(after=b"x" * 2048),
        Cause.CUT_OFF,
    ),
]
