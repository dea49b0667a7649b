"""Boxes and elements that lie about themselves or break off."""

from media_engine.uploads.inspect import Cause
from tests.corpus import boxes, elements
from tests.corpus.case import Case


def _index(*content: bytes) -> bytes:
    return boxes.mp4(boxes.moov(*content), boxes.MDAT)


def _described(*content: bytes) -> bytes:
    return boxes.avif(boxes.meta(*content), boxes.MDAT)


_NESTED = boxes.box(b"moov", bytes(8))
for _ in range(2000):
    _NESTED = boxes.box(b"moov", _NESTED)

BOXES = [
    Case("an MP4 without an index", "video/mp4", boxes.mp4(boxes.MDAT), Cause.CUT_OFF, "moov"),
    Case("an MP4 without media", "video/mp4", boxes.mp4(boxes.moov()), Cause.CUT_OFF, "mdat"),
    Case(
        "an MP4 whose media reach past its end",
        "video/mp4",
        boxes.mp4(boxes.moov(), boxes.box(b"mdat", bytes(64), length=9999)),
        Cause.CUT_OFF,
    ),
    Case(
        "an MP4 whose media reach past every end",
        "video/mp4",
        boxes.mp4(boxes.moov(), boxes.box(b"mdat", length=2**64 - 1, large=True)),
        Cause.CUT_OFF,
    ),
    Case(
        "a box shorter than its head",
        "video/mp4",
        boxes.mp4(boxes.box(b"free", length=7), boxes.moov(), boxes.MDAT),
        Cause.MALFORMED,
    ),
    Case(
        "a box shorter than its long head",
        "video/mp4",
        boxes.mp4(boxes.box(b"free", length=15, large=True), boxes.moov(), boxes.MDAT),
        Cause.MALFORMED,
    ),
    Case("a box of no length in a box", "video/mp4", _index(bytes(8)), Cause.MALFORMED),
    Case(
        "a box longer than the one it is in",
        "video/mp4",
        _index(boxes.box(b"mvhd", bytes(100), length=130)),
        Cause.MALFORMED,
        "The box mvhd at byte 32 is longer than its parent.",
    ),
    Case("an index in itself, 2,000 deep", "video/mp4", boxes.mp4(_NESTED), Cause.MALFORMED),
    Case("an index of nothing", "video/mp4", boxes.mp4(boxes.box(b"moov")), Cause.MALFORMED),
    Case(
        "an index of 5,000 boxes",
        "video/mp4",
        _index(*[boxes.box(b"free")] * 5000),
        Cause.TOO_COSTLY,
    ),
    Case(
        "a file of 5,000 boxes",
        "video/mp4",
        boxes.mp4(*[boxes.box(b"free")] * 5000),
        Cause.TOO_COSTLY,
    ),
    Case(
        "tracks far apart from each other",
        "video/mp4",
        _index(
            boxes.mvhd(),
            *[boxes.trak(b"soun", tables=boxes.box(b"stsz", bytes(600_000)))] * 8,
            boxes.trak(),
        ),
        Cause.TOO_COSTLY,
    ),
    Case(
        "a clock that stands still",
        "video/mp4",
        _index(boxes.mvhd(9, 0), boxes.trak()),
        Cause.MALFORMED,
    ),
    Case(
        "a movie of a thousand years",
        "video/mp4",
        _index(boxes.mvhd(2**63, 1, version=1), boxes.trak()),
        Cause.MALFORMED,
    ),
    Case("a movie without a header", "video/mp4", _index(boxes.trak()), Cause.MALFORMED),
    Case(
        "a movie header that is too short",
        "video/mp4",
        _index(boxes.full(b"mvhd", bytes(4)), boxes.trak()),
        Cause.MALFORMED,
    ),
    Case(
        "a track of nothing",
        "video/mp4",
        _index(boxes.mvhd(), boxes.box(b"trak")),
        Cause.MALFORMED,
    ),
    Case(
        "a track without descriptions",
        "video/mp4",
        _index(boxes.mvhd(), boxes.trak(description=boxes.full(b"stsd", bytes(4)))),
        Cause.MALFORMED,
    ),
    Case(
        "a codec without a name",
        "video/mp4",
        _index(boxes.mvhd(), boxes.trak(description=boxes.stsd(b"\0\n\xff "))),
        Cause.MALFORMED,
    ),
    Case(
        "an AVIF that is cut off in its description",
        "image/avif",
        boxes.avif(boxes.box(b"meta", length=9999)),
        Cause.CUT_OFF,
    ),
    Case("an AVIF without data", "image/avif", boxes.avif(boxes.meta()), Cause.CUT_OFF),
    Case("an AVIF without a description", "image/avif", boxes.avif(boxes.MDAT), Cause.CUT_OFF),
    Case(
        "an AVIF of which no item is the picture",
        "image/avif",
        _described(boxes.iinf(), boxes.iprp(boxes.ispe())),
        Cause.MALFORMED,
    ),
    Case(
        "an AVIF whose picture is not there",
        "image/avif",
        _described(boxes.pitm(7), boxes.iinf(), boxes.iprp(boxes.ispe())),
        Cause.MALFORMED,
    ),
    Case(
        "an AVIF that is coded with HEVC",
        "image/avif",
        _described(boxes.pitm(), boxes.iinf(boxes.infe(1, b"hvc1")), boxes.iprp(boxes.ispe())),
        Cause.UNSUPPORTED,
    ),
    Case(
        "an AVIF whose picture has no properties",
        "image/avif",
        _described(boxes.pitm(), boxes.iinf(), boxes.iprp(boxes.ispe(), own=boxes.ipma((2, (1,))))),
        Cause.MALFORMED,
    ),
    Case(
        "an AVIF whose picture has a property that is not there",
        "image/avif",
        _described(
            boxes.pitm(), boxes.iinf(), boxes.iprp(boxes.ispe(), own=boxes.ipma((1, (0, 99))))
        ),
        Cause.MALFORMED,
    ),
    Case(
        "an AVIF that says it has four thousand million associations",
        "image/avif",
        _described(
            boxes.pitm(),
            boxes.iinf(),
            boxes.iprp(boxes.ispe(), own=boxes.full(b"ipma", b"\xff" * 4, bytes(30_000))),
        ),
        Cause.TOO_COSTLY,
    ),
    Case(
        "an AVIF sequence whose movie is none",
        "image/avif",
        boxes.brands(b"avis") + boxes.box(b"moov") + boxes.MDAT,
        Cause.MALFORMED,
    ),
]


def _segment(*content: bytes) -> bytes:
    return elements.webm(elements.segment(*content))


ELEMENTS = [
    Case("a WebM of a header alone", "video/webm", elements.header(), Cause.CUT_OFF),
    Case(
        "a WebM that is cut off",
        "video/webm",
        elements.webm(elements.segment(said=elements.length(99_999))),
        Cause.CUT_OFF,
    ),
    Case(
        "a WebM whose media are cut off",
        "video/webm",
        elements.webm(
            elements.segment(
                elements.info(),
                elements.tracks(),
                elements.cluster(said=elements.length(9999)),
                said=elements.UNKNOWN,
            )
        ),
        Cause.CUT_OFF,
    ),
    Case(
        "a WebM without media",
        "video/webm",
        _segment(elements.info(), elements.tracks()),
        Cause.CUT_OFF,
        "Cluster",
    ),
    Case(
        "a WebM that does not say what it has",
        "video/webm",
        _segment(elements.info(), elements.cluster()),
        Cause.MALFORMED,
    ),
    Case(
        "an element of 2⁵⁶ bytes",
        "video/webm",
        _segment(elements.element(0xEC, said=b"\x01\xff\xff\xff\xff\xff\xff\xfe")),
        Cause.CUT_OFF,
    ),
    Case(
        "an element longer than the one it is in",
        "video/webm",
        _segment(
            elements.element(0x1654AE6B, elements.element(0xAE, said=elements.length(50))),
            elements.cluster(),
        ),
        Cause.MALFORMED,
    ),
    Case("an element without a number", "video/webm", _segment(b"\0\x81\0"), Cause.MALFORMED),
    Case(
        "an element without a length", "video/webm", _segment(b"\xec\0" + bytes(9)), Cause.MALFORMED
    ),
    Case(
        "tracks that nobody knows how long they are",
        "video/webm",
        _segment(elements.element(0x1654AE6B, elements.track(), said=elements.UNKNOWN)),
        Cause.MALFORMED,
    ),
    Case(
        "a clock in WebM that stands still",
        "video/webm",
        _segment(elements.info(scale=0), elements.tracks(), elements.cluster()),
        Cause.MALFORMED,
    ),
    *[
        Case(
            f"a WebM that lasts {duration}",
            "video/webm",
            _segment(elements.info(duration), elements.tracks(), elements.cluster()),
            Cause.MALFORMED,
        )
        for duration in (float("nan"), float("inf"), -1.0, 1e300)
    ],
    Case(
        "a WebM whose clock runs at 2⁶⁴",
        "video/webm",
        _segment(elements.info(1e9, scale=2**64 - 1), elements.tracks(), elements.cluster()),
        Cause.MALFORMED,
    ),
    Case(
        "a duration of 3 bytes",
        "video/webm",
        _segment(
            elements.element(0x1549A966, elements.element(0x4489, bytes(3))),
            elements.tracks(),
            elements.cluster(),
        ),
        Cause.MALFORMED,
    ),
    Case(
        "a width of 9 bytes",
        "video/webm",
        _segment(
            elements.tracks(
                elements.element(
                    0xAE,
                    elements.unsigned(0x83, 1),
                    elements.element(0xE0, elements.element(0xB0, bytes(9))),
                )
            ),
            elements.cluster(),
        ),
        Cause.MALFORMED,
    ),
    Case(
        "a codec in WebM without a name",
        "video/webm",
        _segment(elements.tracks(elements.track(codec=b"")), elements.cluster()),
        Cause.MALFORMED,
    ),
    Case(
        "5,000 elements of nothing",
        "video/webm",
        _segment(*[elements.element(0xEC, said=b"\x80")] * 5000, elements.cluster()),
        Cause.TOO_COSTLY,
    ),
    Case(
        "5,000 tracks of sound",
        "video/webm",
        _segment(elements.tracks(*[elements.track(2)] * 5000), elements.cluster()),
        Cause.TOO_COSTLY,
    ),
]
