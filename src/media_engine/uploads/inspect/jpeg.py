"""JPEG: ISO/IEC 10918-1 (ITU T.81), annex B.

A file is a row of segments, each with its length, up to the scan (SOS), behind which come coded
bits without a length. The dimensions are in the frame header (SOF), after whatever the camera
has to say, which can be hundreds of kilobytes.

Whether a file is cut off is told by its end, without reading all of it. In coded bits a byte FF
is followed by one of few others, and EOI is none of them: bits that run to the file's last byte
without EOI are cut off. Phones append things to their pictures (a motion photo's video, a
maker's trailer), so EOI need not be last, and what could not be coded bits at all is something
appended.
"""

import re
from typing import Final, NamedTuple

from media_engine.uploads.inspect.exif import orientation
from media_engine.uploads.inspect.facts import Facts, sized
from media_engine.uploads.inspect.refusal import Cause, Refusal, malformed
from media_engine.uploads.inspect.window import Window

_SOS: Final = 0xDA
_APP1: Final = 0xE1
_EXIF: Final = b"Exif\0\0"
_EOI: Final = b"\xff\xd9"

_SHOWN_FRAMES: Final = frozenset({0xC0, 0xC1, 0xC2})
"""Baseline, extended and progressive, all with Huffman codes: what browsers decode."""

_OTHER_FRAMES: Final = frozenset({
    0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF,
})  # fmt: skip
"""Lossless, hierarchical, arithmetic."""

_WITHOUT_LENGTH: Final = frozenset({0x00, 0x01, *range(0xD0, 0xDA)})

_NOT_CODED: Final = re.compile(rb"\xff[\x01-\xbf\xc0-\xc3\xc5-\xcb\xcd-\xcf\xd8\xde\xdf\xf0-\xfd]")
"""What can stand neither in a scan nor at the head of a segment between two scans."""


class _Segment(NamedTuple):
    marker: int
    body: int
    end: int


async def inspect(window: Window) -> Facts:
    """Look into a JPEG."""
    frame: tuple[int, int] | None = None
    turned = 1
    segment = await _segment(window, 2)
    while segment.marker != _SOS:
        if segment.marker in _SHOWN_FRAMES:
            if frame is not None:
                raise malformed("The JPEG has two frame headers.")
            frame = await _dimensions(window, segment)
        elif segment.marker in _OTHER_FRAMES:
            raise Refusal(
                Cause.UNSUPPORTED,
                "The JPEG is coded in a way (lossless, hierarchical or arithmetic) that browsers "
                "do not show.",
            )
        elif segment.marker == _APP1 and turned == 1:
            turned = await _orientation(window, segment)
        segment = await _segment(window, segment.end)
    if frame is None:
        raise malformed("The JPEG has no frame header before its scan.")
    await _require_end(window, segment.end)
    width, height = frame
    if turned >= 5:
        width, height = height, width
    return Facts(width=width, height=height, animated=False, alpha=False, orientation=turned)


async def _segment(window: Window, offset: int) -> _Segment:
    first, marker = await window.take(offset, 2, "a JPEG segment")
    # A marker may be preceded by any number of bytes FF (§B.1.1.2).
    while first == marker == 0xFF:
        offset += 1
        first, marker = await window.take(offset, 2, "a JPEG segment")
    if first != 0xFF or marker in _WITHOUT_LENGTH:
        raise malformed(f"The JPEG has no segment where one must be, at byte {offset}.")
    length = int.from_bytes(await window.take(offset + 2, 2, "a JPEG segment"))
    if length < 2:
        raise malformed(f"The JPEG has a segment of impossible length at byte {offset}.")
    end = offset + 2 + length
    window.reaches(end, "a JPEG segment")
    return _Segment(marker, offset + 4, end)


async def _dimensions(window: Window, segment: _Segment) -> tuple[int, int]:
    """Read the frame header (§B.2.2)."""
    header = await window.take(segment.body, 6, "the JPEG's frame header")
    precision, components = header[0], header[5]
    if segment.end - segment.body != 6 + 3 * components or components not in (1, 3, 4):
        raise malformed("The JPEG's frame header does not have the components that it counts.")
    if precision != 8:
        raise Refusal(
            Cause.UNSUPPORTED, f"The JPEG has {precision} bits a sample; browsers show 8."
        )
    return sized("The JPEG", int.from_bytes(header[3:5]), int.from_bytes(header[1:3]))


async def _orientation(window: Window, segment: _Segment) -> int:
    if segment.end - segment.body < len(_EXIF):
        return 1
    if await window.take(segment.body, len(_EXIF), "a JPEG segment") != _EXIF:
        return 1
    start = segment.body + len(_EXIF)
    return orientation(await window.take(start, segment.end - start, "a JPEG segment"))


async def _require_end(window: Window, scan: int) -> None:
    tail = await window.tail(scan, "the JPEG's scan")
    if _EOI not in tail and not _NOT_CODED.search(tail):
        raise Refusal(Cause.CUT_OFF, "The JPEG is cut off: its picture has no end (no EOI marker).")
