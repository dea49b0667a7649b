"""MP4: ISO/IEC 14496-12 (the boxes' numbers below are its sections) and 14496-14.

The index (`moov`) stands before the media (`mdat`), behind it, or, where the movie is made of
fragments, before each fragment's own. It is walked, not read: in a long video it has megabytes of
tables, and what must be known is in a few small boxes between them. Both must be there, and end
inside the file; fragments after the first are not looked at.

    moov ─ mvhd                       duration, in ticks of its own clock; how all is turned
         ├ trak ┬ tkhd                how the picture is turned in that
         │      └ mdia ┬ hdlr         whether it is a picture at all
         │             └ minf ─ stbl ─ stsd    codec and dimensions
         └ mvex ─ mehd                the duration of a movie made of fragments
    sidx                              or this: the fragments' durations

The dimensions are those of the coded picture. A track's header may stretch them to others; but
what must be decoded is what limits are about.
"""

from typing import Final, NamedTuple

from media_engine.uploads.inspect.facts import Facts, lasting, sized
from media_engine.uploads.inspect.isobmff import Box, Boxes, content, descend
from media_engine.uploads.inspect.refusal import Cause, Refusal, malformed
from media_engine.uploads.inspect.window import Window

_MOST_REFERENCES: Final = 4096
"""How many parts of a segment index are added up: half a day of ten seconds each."""

_MATRIX_BYTES: Final = 36


class _Header(NamedTuple):
    ticks: int
    duration: int
    on_its_side: bool


class _Picture(NamedTuple):
    width: int
    height: int
    codec: str
    on_its_side: bool


class Movie(NamedTuple):
    """What an index says.

    Attributes:
        ticks: how many a second of the movie has.
        duration: in ticks; 0 if it is not known.
        picture: width and height, as it is shown, and codec of the first track that is one.
    """

    ticks: int
    duration: int
    picture: tuple[int, int, str]


async def inspect(window: Window) -> Facts:
    """Look into an MP4."""
    boxes = Boxes.of_file(window)
    movie: Movie | None = None
    media = False
    segments: int | None = None
    while movie is None or not media:
        box = await boxes.next()
        if box is None:
            missing = "index (moov)" if movie is None else "media (mdat)"
            raise Refusal(Cause.CUT_OFF, f"The MP4 has no {missing}: it is cut off.")
        if box.kind == b"moov" and movie is None:
            movie = await read_movie(window, box)
        elif box.kind == b"sidx" and segments is None:
            segments = await _segments(window, box)
        media = media or box.kind == b"mdat"
    width, height, codec = movie.picture
    return Facts(
        width=width,
        height=height,
        duration=lasting("The MP4", movie.duration, movie.ticks) or segments,
        codec=codec,
    )


async def read_movie(window: Window, moov: Box) -> Movie:
    """Read an index (§8.2.1), no further than it must be.

    Raises:
        Refusal: it lacks what every movie has, or none of its tracks is a picture.
    """
    boxes = Boxes(window, moov.body, moov.end)
    header: _Header | None = None
    picture: _Picture | None = None
    extended = 0
    while not (header and picture and (header.duration or extended)):
        box = await boxes.next()
        if box is None:
            break
        if box.kind == b"mvhd" and header is None:
            header = await _movie_header(window, box)
        elif box.kind == b"trak" and picture is None:
            picture = await _picture(window, box)
        elif box.kind == b"mvex":
            extended = await _extended_duration(window, box)
    if header is None:
        raise malformed("The movie has no header (mvhd).")
    if picture is None:
        raise Refusal(Cause.OTHER_TYPE, "The file has no picture in it, only sound or data.")
    width, height = picture.width, picture.height
    if picture.on_its_side != header.on_its_side:
        width, height = height, width
    return Movie(header.ticks, header.duration or extended, (width, height, picture.codec))


async def _movie_header(window: Window, box: Box) -> _Header:
    """Read a movie's header (§8.2.2)."""
    version = (await content(window, box, 1))[0]
    if version == 1:
        header = await content(window, box, 84)
        ticks, duration, unknown = header[20:24], header[24:32], 2**64 - 1
    else:
        header = await content(window, box, 72)
        ticks, duration, unknown = header[12:16], header[16:20], 2**32 - 1
    if not any(ticks):
        raise malformed("The movie's clock stands still: its header (mvhd) has a timescale of 0.")
    length = int.from_bytes(duration)
    return _Header(
        int.from_bytes(ticks),
        0 if length == unknown else length,
        on_its_side=_is_quarter_turn(header[-_MATRIX_BYTES:]),
    )


async def _extended_duration(window: Window, mvex: Box) -> int:
    """Return the duration of a movie of fragments in ticks (§8.8.2), or 0."""
    box = await Boxes(window, mvex.body, mvex.end).find(b"mehd")
    if box is None:
        return 0
    version = (await content(window, box, 1))[0]
    return int.from_bytes((await content(window, box, 12 if version == 1 else 8))[4:])


async def _picture(window: Window, trak: Box) -> _Picture | None:
    """Read a track; None if it is no picture (§8.4.3)."""
    mdia = await descend(window, trak, b"mdia")
    handler = await content(window, await descend(window, mdia, b"hdlr"), 12)
    # AVIF's tracks are `pict`.
    if handler[8:12] not in {b"vide", b"pict"}:
        return None
    stsd = await descend(window, mdia, b"minf", b"stbl", b"stsd")
    # The first sample entry (§8.5.2, §12.1.3): its type, and the coded picture's dimensions.
    entry = (await content(window, stsd, 44))[8:]
    width, height = sized("The movie", int.from_bytes(entry[32:34]), int.from_bytes(entry[34:36]))
    header = await descend(window, trak, b"tkhd")
    version = (await content(window, header, 1))[0]
    matrix = (await content(window, header, 88 if version == 1 else 76))[-_MATRIX_BYTES:]
    return _Picture(width, height, _codec(entry[4:8]), on_its_side=_is_quarter_turn(matrix))


def _codec(kind: bytes) -> str:
    name = kind.decode("latin-1").rstrip()
    if not (name.isascii() and name.isprintable() and name):
        raise malformed("The movie's picture has a codec without a name.")
    return name


def _is_quarter_turn(matrix: bytes) -> bool:
    """Tell whether a matrix turns what it is for by a quarter, or by three (§6.2.2)."""
    a, b, c, d = (int.from_bytes(matrix[at : at + 4]) for at in (0, 4, 12, 16))
    return a == d == 0 and b != 0 and c != 0


async def _segments(window: Window, sidx: Box) -> int | None:
    """Return what the parts of a segment index last together, in milliseconds (§8.16.3)."""
    version = (await content(window, sidx, 1))[0]
    start = 32 if version == 1 else 24
    header = await content(window, sidx, start)
    ticks, count = int.from_bytes(header[8:12]), int.from_bytes(header[-2:])
    if ticks == 0 or count > _MOST_REFERENCES:
        return None
    references = (await content(window, sidx, start + 12 * count))[start:]
    total = sum(int.from_bytes(references[at + 4 : at + 8]) for at in range(0, 12 * count, 12))
    return lasting("The MP4", total, ticks)
