"""Files that try to cost much."""

from media_engine.uploads.inspect import Cause
from tests.corpus import boxes, gif, jpeg, png, webp
from tests.corpus.case import Case

COSTLY = [
    Case(
        "a JPEG of 20,000 empty segments",
        "image/jpeg",
        jpeg.jpeg(before=jpeg.segment(0xFE) * 20_000),
        Cause.TOO_COSTLY,
    ),
    Case(
        "a JPEG with 3 MB in front of its picture",
        "image/jpeg",
        jpeg.jpeg(before=jpeg.segment(0xE1, bytes(65_000)) * 48),
        Cause.TOO_COSTLY,
    ),
    Case(
        "a JPEG of bytes that fill",
        "image/jpeg",
        jpeg.jpeg(before=b"\xff" * 100_000),
        Cause.TOO_COSTLY,
    ),
    Case(
        "a PNG of 20,000 empty chunks",
        "image/png",
        png.png(before=png.chunk(b"tEXt") * 20_000),
        Cause.TOO_COSTLY,
    ),
    Case(
        "a PNG whose chunks are far apart",
        "image/png",
        png.png(before=png.chunk(b"tEXt", bytes(200_000)) * 12),
        Cause.TOO_COSTLY,
    ),
    Case(
        "a GIF of 20,000 blocks of one byte",
        "image/gif",
        gif.screen(24, 16) + b"!\xfe" + b"\1x" * 20_000 + b"\0" + gif.image(24, 16) + b";",
        Cause.TOO_COSTLY,
    ),
    Case(
        "a GIF with 3 MB of comment in front",
        "image/gif",
        gif.gif(between=gif.comment(bytes(3_000_000))),
        Cause.TOO_COSTLY,
    ),
    Case(
        "a WebP of 20,000 empty chunks",
        "image/webp",
        webp.riff(webp.extended(), webp.chunk(b"EXIF", b"") * 20_000, webp.lossless()),
        Cause.TOO_COSTLY,
    ),
    Case(
        "a brand box of 3 MB",
        "image/avif",
        boxes.box(b"ftyp", b"avif", bytes(3_000_000)) + boxes.meta() + boxes.MDAT,
        Cause.TOO_COSTLY,
    ),
]
