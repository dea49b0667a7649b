"""Writes MP4s and AVIFs: all boxes of an index, and media that are zeros."""

from struct import pack

UPRIGHT = pack(">9i", 1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)
QUARTER = pack(">9i", 0, 1 << 16, 0, -1 << 16, 0, 0, 0, 0, 1 << 30)


def box(kind: bytes, *content: bytes, length: int | None = None, large: bool = False) -> bytes:
    """Return a box, which may lie about its length, or say it in 64 bits."""
    body = b"".join(content)
    said = len(body) + (16 if large else 8) if length is None else length
    head = pack(">I4sQ", 1, kind, said) if large else pack(">I4s", said, kind)
    return head + body


def full(kind: bytes, *content: bytes, version: int = 0, flags: int = 0) -> bytes:
    """Return a box with a version and flags."""
    return box(kind, bytes([version]) + flags.to_bytes(3), *content)


def shortened(whole: bytes, length: int) -> bytes:
    """Return a box of which only the first bytes of what is in it are left."""
    return box(whole[4:8], whole[8 : 8 + length])


def brands(major: bytes = b"isom", *others: bytes) -> bytes:
    return box(b"ftyp", major, bytes(4), *(others or (major,)))


# MP4.

FTYP = brands(b"isom", b"isom", b"mp42")
MDAT = box(b"mdat", bytes(64))


def mvhd(
    duration: int = 2500, ticks: int = 1000, *, version: int = 0, matrix: bytes = UPRIGHT
) -> bytes:
    times = pack(">QQIQ" if version else ">IIII", 0, 0, ticks, duration)
    return full(b"mvhd", times, bytes(16), matrix, bytes(28), version=version)


def tkhd(matrix: bytes = UPRIGHT, *, version: int = 0) -> bytes:
    times = pack(">QQIIQ", 0, 0, 1, 0, 2500) if version else pack(">IIIII", 0, 0, 1, 0, 2500)
    sides = pack(">II", 24 << 16, 16 << 16)
    return full(b"tkhd", times, bytes(16), matrix, sides, version=version, flags=3)


def stsd(codec: bytes = b"avc1", width: int = 24, height: int = 16) -> bytes:
    entry = box(codec, bytes(24), pack(">HH", width, height), bytes(50))
    return full(b"stsd", pack(">I", 1), entry)


def trak(
    handler: bytes = b"vide",
    *,
    description: bytes | None = None,
    header: bytes | None = None,
    tables: bytes = b"",
) -> bytes:
    """Return a track.

    Args:
        handler: `vide` for a picture, `soun` for sound.
        description: its sample description.
        header: its track header.
        tables: what follows the description.
    """
    stbl = box(b"stbl", stsd() if description is None else description, tables)
    hdlr = full(b"hdlr", bytes(4), handler, bytes(13))
    return box(
        b"trak", tkhd() if header is None else header, box(b"mdia", hdlr, box(b"minf", stbl))
    )


def moov(*content: bytes) -> bytes:
    return box(b"moov", *(content or (mvhd(), trak())))


def mp4(*content: bytes) -> bytes:
    """Return an MP4 of these boxes behind its brands; with its index in front if there are none."""
    return FTYP + b"".join(content or (moov(), MDAT))


def mvex(duration: int | None = None, *, version: int = 0) -> bytes:
    layout = ">Q" if version else ">I"
    mehd = b"" if duration is None else full(b"mehd", pack(layout, duration), version=version)
    return box(b"mvex", mehd, full(b"trex", bytes(20)))


def sidx(*durations: int, ticks: int = 1000, version: int = 0) -> bytes:
    head = pack(">II", 1, ticks) + bytes(16 if version else 8) + pack(">HH", 0, len(durations))
    parts = (pack(">III", 100, duration, 1 << 31) for duration in durations)
    return full(b"sidx", head, *parts, version=version)


def fragmented(*between: bytes, extends: bytes | None = None) -> bytes:
    """Return an MP4 of one fragment, as a browser records it."""
    index = moov(mvhd(0), trak(), mvex() if extends is None else extends)
    moof = box(b"moof", full(b"mfhd", pack(">I", 1)))
    return brands(b"iso5", b"iso5", b"mp41") + index + b"".join(between) + moof + MDAT


# AVIF.

AVIF_BRANDS = brands(b"avif", b"avif", b"mif1", b"miaf")
ALPHA_URN = b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0"


def pitm(item: int = 1, *, version: int = 0) -> bytes:
    return full(b"pitm", pack(">I" if version else ">H", item), version=version)


def infe(item: int = 1, kind: bytes = b"av01", *, version: int = 2) -> bytes:
    number = pack(">I" if version == 3 else ">H", item)
    return full(b"infe", number, bytes(2), kind, b"\0", version=version)


def iinf(*entries: bytes, version: int = 0) -> bytes:
    entries = entries or (infe(),)
    count = pack(">I" if version else ">H", len(entries))
    return full(b"iinf", count, *entries, version=version)


def ispe(width: int = 24, height: int = 16) -> bytes:
    return full(b"ispe", pack(">II", width, height))


IROT = box(b"irot", b"\1")
ALPHA = full(b"auxC", ALPHA_URN)


def ipma(*associations: tuple[int, tuple[int, ...]], version: int = 0, wide: bool = False) -> bytes:
    """Return which properties, from 1 on, each item has."""
    entries = [pack(">I", len(associations))]
    for item, properties in associations:
        entries.append(pack(">I" if version else ">H", item) + bytes([len(properties)]))
        entries += [pack(">H" if wide else ">B", number) for number in properties]
    return full(b"ipma", *entries, version=version, flags=int(wide))


def iprp(*properties: bytes, own: bytes | None = None) -> bytes:
    """Return the properties, and which of them the picture has: all of them, if not said."""
    every = tuple(range(1, len(properties) + 1))
    return box(b"iprp", box(b"ipco", *properties), ipma((1, every)) if own is None else own)


def meta(*content: bytes) -> bytes:
    """Return what describes the picture: one of 24 by 16 pixels, unless something else is."""
    return full(b"meta", *(content or (pitm(), iinf(), iprp(ispe()))))


def avif(*content: bytes) -> bytes:
    """Return an AVIF of these boxes behind its brands."""
    return AVIF_BRANDS + b"".join(content or (meta(), MDAT))
