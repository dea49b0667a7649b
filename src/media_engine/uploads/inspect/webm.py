"""WebM: Matroska (RFC 9559) with the document type `webm`. Ids are those of its table 53.

    EBML ─ DocType
    Segment ┬ Info ┬ TimestampScale       nanoseconds a tick
            │      └ Duration             in ticks
            ├ Tracks ─ TrackEntry ┬ TrackType, CodecID
            │                     └ Video ─ PixelWidth, PixelHeight
            └ Cluster                     the media; nothing behind the first is looked at

A browser that records (MediaRecorder) writes as it goes: neither its segment nor its clusters say
how long they are, and nobody knows the duration. Such a file is taken, its duration unknown, and
whether it is cut off cannot be told.
"""

from dataclasses import dataclass
from typing import Final

from media_engine.uploads.inspect.ebml import Element, Elements, number, text, unsigned
from media_engine.uploads.inspect.facts import Facts, lasting, sized
from media_engine.uploads.inspect.refusal import Cause, Refusal, malformed, quoted
from media_engine.uploads.inspect.window import Window

_DOC_TYPE: Final = 0x4282
_SEGMENT: Final = 0x18538067
_INFO: Final = 0x1549A966
_TIMESTAMP_SCALE: Final = 0x2AD7B1
_DURATION: Final = 0x4489
_TRACKS: Final = 0x1654AE6B
_TRACK_ENTRY: Final = 0xAE
_TRACK_TYPE: Final = 0x83
_CODEC_ID: Final = 0x86
_VIDEO: Final = 0xE0
_PIXEL_WIDTH: Final = 0xB0
_PIXEL_HEIGHT: Final = 0xBA
_CLUSTER: Final = 0x1F43B675

_PICTURE: Final = 1
_NANOSECONDS: Final = 1_000_000_000
_USUAL_SCALE: Final = 1_000_000
_LONGEST_TEXT: Final = 64

_CODECS: Final = {
    "V_VP8": "vp8",
    "V_VP9": "vp09",
    "V_AV1": "av01",
    "V_MPEG4/ISO/AVC": "avc1",
    "V_MPEGH/ISO/HEVC": "hvc1",
}


@dataclass(slots=True)
class _Track:
    kind: int = 0
    codec: str = ""
    width: int = 0
    height: int = 0


async def inspect(window: Window) -> Facts:
    """Look into a WebM."""
    top = Elements(window, 0, window.size)
    await _require_webm(window, await top.next())
    segment = await top.next()
    while segment is not None and segment.id != _SEGMENT:
        segment = await top.next()
    if segment is None:
        raise Refusal(Cause.CUT_OFF, "The WebM has nothing after its header: it is cut off.")
    duration: int | None = None
    track: _Track | None = None
    parts = Elements(window, segment.body, window.size if segment.end is None else segment.end)
    part = await parts.next()
    while part is not None and part.id != _CLUSTER:
        if part.id == _INFO:
            duration = await _duration(window, part)
        elif part.id == _TRACKS and track is None:
            track = await _picture(window, part)
        part = await parts.next()
    if part is None:
        raise Refusal(Cause.CUT_OFF, "The WebM has no media (Cluster): it is cut off.")
    if track is None:
        raise malformed("The WebM does not say what its media are (Tracks).")
    width, height = sized("The WebM", track.width, track.height)
    return Facts(width=width, height=height, duration=duration, codec=_codec(track))


async def _require_webm(window: Window, header: Element | None) -> None:
    """Make sure that the document type is WebM's (RFC 8794 §11.2.4)."""
    kind = "matroska"
    if header is not None:
        fields = _inside(window, header)
        while (field := await fields.next()) is not None:
            if field.id == _DOC_TYPE:
                kind = await text(window, field, _LONGEST_TEXT)
    if kind != "webm":
        raise Refusal(
            Cause.OTHER_TYPE,
            f"The file is of the document type {quoted(kind)}, and video/webm was declared.",
        )


async def _duration(window: Window, info: Element) -> int | None:
    """Return the duration in milliseconds (RFC 9559 §5.1.2), or None if it is not known."""
    scale, ticks = _USUAL_SCALE, 0.0
    fields = _inside(window, info)
    while (field := await fields.next()) is not None:
        if field.id == _TIMESTAMP_SCALE:
            scale = await unsigned(window, field)
        elif field.id == _DURATION:
            ticks = await number(window, field)
    if scale == 0:
        raise malformed("The WebM's clock stands still: it has a TimestampScale of 0.")
    return lasting("The WebM", ticks, _NANOSECONDS / scale)


async def _picture(window: Window, tracks: Element) -> _Track:
    """Return the first track that is a picture (RFC 9559 §5.1.4)."""
    entries = _inside(window, tracks)
    while (entry := await entries.next()) is not None:
        if entry.id == _TRACK_ENTRY:
            track = await _track(window, entry)
            if track.kind == _PICTURE:
                return track
    raise Refusal(Cause.OTHER_TYPE, "The file has no picture in it, only sound or data.")


async def _track(window: Window, entry: Element) -> _Track:
    track = _Track()
    fields = _inside(window, entry)
    while (field := await fields.next()) is not None:
        if field.id == _TRACK_TYPE:
            track.kind = await unsigned(window, field)
        elif field.id == _CODEC_ID:
            track.codec = await text(window, field, _LONGEST_TEXT)
        elif field.id == _VIDEO:
            sides = _inside(window, field)
            while (side := await sides.next()) is not None:
                if side.id == _PIXEL_WIDTH:
                    track.width = await unsigned(window, side)
                elif side.id == _PIXEL_HEIGHT:
                    track.height = await unsigned(window, side)
    return track


def _inside(window: Window, element: Element) -> Elements:
    """Go through what is in an element that must say how long it is."""
    if element.end is None:
        raise malformed(f"The element {element.id:X} does not say how long it is.")
    return Elements(window, element.body, element.end)


def _codec(track: _Track) -> str:
    name = _CODECS.get(track.codec, track.codec)
    if not (name.isascii() and name.isprintable() and name):
        raise malformed("The WebM's picture has a codec without a name.")
    return name
