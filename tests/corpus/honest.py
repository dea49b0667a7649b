"""Files as honest programs write them, and what is known of each."""

from media_engine.uploads.inspect import Facts
from tests.corpus import boxes, elements, gif, jpeg, pdf, png, webp
from tests.corpus.case import Case

KIB = 1024

PHOTO = Facts(24, 16, animated=False, alpha=False)
MOVIE = Facts(24, 16, duration=2500, codec="avc1")
UNTIMED = Facts(24, 16, codec="avc1")
RECORDING = Facts(24, 16, duration=2500, codec="vp09")
DOCUMENT = Facts()

ICC = b"".join(jpeg.segment(0xE2, b"ICC_PROFILE\0" + bytes(65_000)) for _ in range(9))
"""A profile for printing, which has half a megabyte."""

MOTION = boxes.mp4()
"""The video that a phone appends to a photo."""

JPEGS = [
    Case("a JPEG", "image/jpeg", jpeg.jpeg(), PHOTO),
    Case(
        "a progressive JPEG", "image/jpeg", jpeg.jpeg(header=jpeg.frame(24, 16, marker=0xC2)), PHOTO
    ),
    Case(
        "a JPEG of a phone held upright",
        "image/jpeg",
        jpeg.jpeg(before=jpeg.oriented(6)),
        Facts(16, 24, animated=False, alpha=False, orientation=6),
    ),
    Case(
        "a JPEG turned upside down, in the other byte order",
        "image/jpeg",
        jpeg.jpeg(before=jpeg.oriented(3, "II")),
        Facts(24, 16, animated=False, alpha=False, orientation=3),
    ),
    Case(
        "a JPEG whose EXIF is nonsense",
        "image/jpeg",
        jpeg.jpeg(before=jpeg.exif(b"MM\0*\xff\xff\xff\xff\xff\xff") + jpeg.oriented(9)),
        PHOTO,
    ),
    Case(
        "a photo of 108 million pixels",
        "image/jpeg",
        jpeg.jpeg(header=jpeg.frame(12_000, 9_000)),
        Facts(12_000, 9_000, animated=False, alpha=False),
    ),
    Case("a JPEG with a profile of 585 KB in front", "image/jpeg", jpeg.jpeg(before=ICC), PHOTO),
    Case("a motion photo", "image/jpeg", jpeg.jpeg(after=jpeg.EOI + MOTION), PHOTO),
    Case(
        "a JPEG with a long trailer of its maker",
        "image/jpeg",
        jpeg.jpeg(after=jpeg.EOI + bytes(range(1, 256)) * 600 + b"SEFT"),
        PHOTO,
    ),
    Case("a JPEG with bytes that fill", "image/jpeg", jpeg.jpeg(before=b"\xff" * 9), PHOTO),
    Case(
        "a JPEG with two scans",
        "image/jpeg",
        jpeg.jpeg(after=jpeg.comment(b"between") + jpeg.scan(24, 16) + jpeg.EOI),
        PHOTO,
    ),
]

PNGS = [
    Case("a PNG", "image/png", png.png(), PHOTO),
    Case("a pixel", "image/png", png.png(1, 1), Facts(1, 1, animated=False, alpha=False)),
    Case(
        "a PNG with alpha",
        "image/png",
        png.png(colour=6),
        Facts(24, 16, animated=False, alpha=True),
    ),
    Case(
        "a PNG with one colour that is none",
        "image/png",
        png.png(before=png.chunk(b"tRNS", b"\0\0")),
        Facts(24, 16, animated=False, alpha=True),
    ),
    Case(
        "an animated PNG",
        "image/png",
        png.png(before=png.chunk(b"acTL", b"\0\0\0\2\0\0\0\0")),
        Facts(24, 16, animated=True, alpha=False),
    ),
    Case(
        "a PNG with a large profile in front",
        "image/png",
        png.png(before=png.chunk(b"iCCP", bytes(600 * KIB))),
        PHOTO,
    ),
    Case("a PNG with a line end appended", "image/png", png.png(after=png.END + b"\n"), PHOTO),
]

GIFS = [
    Case("a GIF", "image/gif", gif.gif(), PHOTO),
    Case("a GIF of 1987", "image/gif", gif.gif().replace(b"89a", b"87a"), PHOTO),
    Case(
        "a GIF of two frames",
        "image/gif",
        gif.gif(frames=2),
        Facts(24, 16, animated=True, alpha=False),
    ),
    Case(
        "a GIF that loops and can be seen through",
        "image/gif",
        gif.gif(between=gif.LOOP + gif.TRANSPARENT),
        Facts(24, 16, animated=True, alpha=True),
    ),
    Case(
        "a GIF of 90 KB, of which the rest is not known",
        "image/gif",
        gif.gif(400, 400),
        Facts(400, 400, animated=None, alpha=False),
    ),
    Case("a GIF with zeros behind it", "image/gif", gif.gif() + bytes(100), PHOTO),
]

WEBPS = [
    Case("a lossless WebP", "image/webp", webp.riff(webp.lossless()), PHOTO),
    Case(
        "a lossless WebP with alpha",
        "image/webp",
        webp.riff(webp.lossless(alpha=True)),
        Facts(24, 16, animated=False, alpha=True),
    ),
    Case("a lossy WebP", "image/webp", webp.riff(webp.lossy()), PHOTO),
    Case(
        "a WebP with a profile and alpha",
        "image/webp",
        webp.riff(
            webp.extended(flags=0x30),
            webp.chunk(b"ICCP", bytes(200 * KIB + 1)),
            webp.chunk(b"ALPH", bytes(9)),
            webp.lossy(),
        ),
        Facts(24, 16, animated=False, alpha=True),
    ),
    Case(
        "an animated WebP",
        "image/webp",
        webp.riff(webp.extended(flags=2), webp.ANIMATION, webp.frame(12, 16, left=6)),
        Facts(24, 16, animated=True, alpha=False),
    ),
]

_TILED = boxes.meta(
    boxes.pitm(2),
    boxes.iinf(boxes.infe(1), boxes.infe(2, b"grid")),
    boxes.iprp(boxes.ispe(8, 8), boxes.ispe(), own=boxes.ipma((1, (0x81,)), (2, (0x82,)))),
)
_WIDE = boxes.meta(
    boxes.pitm(70_000, version=1),
    boxes.iinf(boxes.infe(70_000, version=3), version=1),
    boxes.iprp(boxes.ispe(), own=boxes.ipma((70_000, (0x8001,)), version=1, wide=True)),
)

AVIFS = [
    Case("an AVIF", "image/avif", boxes.avif(), PHOTO),
    Case(
        "an AVIF with its data in front", "image/avif", boxes.avif(boxes.MDAT, boxes.meta()), PHOTO
    ),
    Case(
        "an AVIF with its data in its description",
        "image/avif",
        boxes.avif(
            boxes.meta(
                boxes.pitm(), boxes.iinf(), boxes.iprp(boxes.ispe()), boxes.box(b"idat", bytes(9))
            )
        ),
        PHOTO,
    ),
    Case("an AVIF put together of others", "image/avif", boxes.avif(_TILED, boxes.MDAT), PHOTO),
    Case("an AVIF with wide numbers", "image/avif", boxes.avif(_WIDE, boxes.MDAT), PHOTO),
    Case(
        "an AVIF that is turned and has alpha",
        "image/avif",
        boxes.avif(
            boxes.meta(
                boxes.pitm(),
                boxes.iinf(),
                boxes.iprp(boxes.ispe(), boxes.IROT, boxes.ALPHA),
            ),
            boxes.MDAT,
        ),
        Facts(16, 24, animated=False, alpha=True),
    ),
    Case(
        "an AVIF that is a HEIF first",
        "image/avif",
        boxes.brands(b"mif1", b"mif1", b"avif") + boxes.meta() + boxes.MDAT,
        PHOTO,
    ),
    Case(
        "an AVIF that moves",
        "image/avif",
        boxes.brands(b"avis", b"avis", b"avif") + boxes.meta() + boxes.moov() + boxes.MDAT,
        Facts(24, 16, animated=True, alpha=False),
    ),
    Case(
        "an AVIF that moves and has no still picture",
        "image/avif",
        boxes.brands(b"avis", b"avis")
        + boxes.moov(boxes.mvhd(), boxes.trak(b"pict", description=boxes.stsd(b"av01")))
        + boxes.MDAT,
        Facts(24, 16, animated=True),
    ),
]

MP4S = [
    Case("an MP4 with its index in front", "video/mp4", boxes.mp4(), MOVIE),
    Case("an MP4 with its index behind", "video/mp4", boxes.mp4(boxes.MDAT, boxes.moov()), MOVIE),
    Case(
        "an MP4 whose media go on to its end",
        "video/mp4",
        boxes.mp4(boxes.moov(), boxes.box(b"mdat", bytes(64), length=0)),
        MOVIE,
    ),
    Case(
        "an MP4 with lengths of 64 bits",
        "video/mp4",
        boxes.mp4(
            boxes.box(b"mdat", bytes(64), large=True),
            boxes.box(b"moov", boxes.mvhd(version=1), boxes.trak(), large=True),
        ),
        MOVIE,
    ),
    Case(
        "an MP4 of a phone held upright",
        "video/mp4",
        boxes.mp4(
            boxes.moov(boxes.mvhd(), boxes.trak(header=boxes.tkhd(boxes.QUARTER))), boxes.MDAT
        ),
        Facts(16, 24, duration=2500, codec="avc1"),
    ),
    Case(
        "an MP4 of a phone held upright, with times of 64 bits",
        "video/mp4",
        boxes.mp4(
            boxes.moov(
                boxes.mvhd(version=1), boxes.trak(header=boxes.tkhd(boxes.QUARTER, version=1))
            ),
            boxes.MDAT,
        ),
        Facts(16, 24, duration=2500, codec="avc1"),
    ),
    Case(
        "an MP4 that is turned as a whole",
        "video/mp4",
        boxes.mp4(boxes.moov(boxes.mvhd(matrix=boxes.QUARTER), boxes.trak()), boxes.MDAT),
        Facts(16, 24, duration=2500, codec="avc1"),
    ),
    Case(
        "an MP4 that is turned, and turned back",
        "video/mp4",
        boxes.mp4(
            boxes.moov(
                boxes.mvhd(matrix=boxes.QUARTER), boxes.trak(header=boxes.tkhd(boxes.QUARTER))
            ),
            boxes.MDAT,
        ),
        MOVIE,
    ),
    Case(
        "an MP4 whose sound comes first, with long tables, and whose codec is HEVC",
        "video/mp4",
        boxes.mp4(
            boxes.MDAT,
            boxes.moov(
                boxes.mvhd(),
                boxes.trak(b"soun", tables=boxes.box(b"stsz", bytes(300 * KIB))),
                boxes.trak(description=boxes.stsd(b"hvc1")),
                boxes.trak(b"soun"),
            ),
        ),
        Facts(24, 16, duration=2500, codec="hvc1"),
    ),
    Case(
        "an MP4 with boxes that nobody knows",
        "video/mp4",
        boxes.mp4(
            boxes.box(b"free", bytes(20)),
            boxes.moov(boxes.box(b"uuid", bytes(20)), boxes.mvhd(), boxes.trak()),
            boxes.box(b"wide"),
            boxes.MDAT,
        ),
        MOVIE,
    ),
    Case(
        "an MP4 that was a QuickTime movie, too",
        "video/mp4",
        boxes.brands(b"qt  ", b"qt  ", b"mp42") + boxes.moov() + boxes.MDAT,
        MOVIE,
    ),
    Case("an MP4 of fragments", "video/mp4", boxes.fragmented(), UNTIMED),
    Case(
        "an MP4 of fragments that says how long it is",
        "video/mp4",
        boxes.fragmented(extends=boxes.mvex(2500)),
        MOVIE,
    ),
    Case(
        "an MP4 of fragments that says so in 64 bits",
        "video/mp4",
        boxes.fragmented(extends=boxes.mvex(2500, version=1)),
        MOVIE,
    ),
    Case(
        "an MP4 of fragments with an index of them",
        "video/mp4",
        boxes.fragmented(boxes.sidx(1000, 1000, 500)),
        MOVIE,
    ),
    Case(
        "an MP4 of fragments with an index in 64 bits",
        "video/mp4",
        boxes.fragmented(boxes.sidx(1000, 1500, version=1)),
        MOVIE,
    ),
    Case(
        "an MP4 of which nobody knows how long it is",
        "video/mp4",
        boxes.mp4(boxes.moov(boxes.mvhd(2**32 - 1), boxes.trak()), boxes.MDAT),
        UNTIMED,
    ),
]

WEBMS = [
    Case("a WebM", "video/webm", elements.webm(), RECORDING),
    Case(
        "a WebM as a browser records it",
        "video/webm",
        elements.recorded(),
        Facts(24, 16, codec="vp09"),
    ),
    Case(
        "a WebM whose sound comes first, of H.264",
        "video/webm",
        elements.webm(
            elements.element(0xEC, bytes(40)),
            elements.segment(
                elements.element(0xEC, bytes(40)),
                elements.tracks(
                    elements.track(2, b"A_OPUS"), elements.track(1, b"V_MPEG4/ISO/AVC")
                ),
                elements.info(2.5, scale=1_000_000_000, wide=False),
                elements.cluster(),
            ),
        ),
        MOVIE,
    ),
    Case(
        "a WebM that does not say how fast its clock is",
        "video/webm",
        elements.webm(
            elements.segment(elements.info(scale=None), elements.tracks(), elements.cluster())
        ),
        RECORDING,
    ),
]

PDFS = [
    Case("a PDF", "application/pdf", pdf.pdf(), DOCUMENT),
    Case("a PDF padded with zeros", "application/pdf", pdf.pdf(after=bytes(4 * KIB)), DOCUMENT),
]

HONEST = [*JPEGS, *PNGS, *GIFS, *WEBPS, *AVIFS, *MP4S, *WEBMS, *PDFS]

SMALL = [case for case in HONEST if len(case.content) < 4 * KIB]
"""Those that can be cut at every byte."""
