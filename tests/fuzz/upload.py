"""Files that are mostly right, spoiled in a few places."""

from collections.abc import Sequence
from typing import Final

from hypothesis import strategies as st

from tests.corpus.case import Case
from tests.fuzz.text import once_in

_EDGES: Final = (
    0, 1, 2, 6, 7, 8, 15, 16, 0x7F, 0x80, 0xFF, 0x100, 0x7FFF, 0xFFFF, 2**24, 2**31 - 1, 2**31,
    2**32 - 1, 2**56 - 1, 2**63, 2**64 - 1,
)  # fmt: skip
"""Numbers at which a length or a dimension becomes another kind of wrong."""

_WORDS: Final = (
    b"\xff\xd9", b"\xff\xda", b"\xff\xc0", b"\xff\xff", b"IEND", b"IDAT", b"acTL", b"moov", b"mdat",
    b"trak", b"mvex", b"meta", b"grid", b"\0\0\0\1", b"VP8X", b"VP8L", b"ANMF", b"%%EOF",
    b"\x1f\x43\xb6\x75", b"\x01" + b"\xff" * 7, b"\xec\x80", b";", b",", b"<", b">", b"&",
    b"&#x6a;", b" onload=''", b"<script>", b"<!DOCTYPE svg [", b"url(http://x)", b"@import", b"]]>",
    b"\xef\xbb\xbf", b"\\75 rl(",
)  # fmt: skip
"""What means something in one of the formats."""


@st.composite
def spoiled_files(draw: st.DrawFn, cases: Sequence[Case]) -> tuple[str, bytes]:
    """Return a type, and a file of it that was changed in one to four places."""
    case = draw(st.sampled_from(cases))
    content = draw(_changed(case.content, cases))
    for _ in range(3):
        if once_in(draw, 3):
            content = draw(_changed(content, cases))
    return case.content_type, content


@st.composite
def _changed(draw: st.DrawFn, content: bytes, cases: Sequence[Case]) -> bytes:
    at = draw(st.integers(0, len(content)))
    before, after = content[:at], content[at:]
    piece = after[: draw(st.integers(0, 40))]
    match draw(st.sampled_from(_CHANGES)):
        case "flip":
            bit = bytes([after[0] ^ 1 << draw(st.integers(0, 7))]) if after else b""
            return before + bit + after[1:]
        case "number":
            size = draw(st.sampled_from([1, 2, 3, 4, 8]))
            number: bytes = (draw(st.sampled_from(_EDGES)) % 256**size).to_bytes(size)
            return before + (number if draw(st.booleans()) else number[::-1]) + after[size:]
        case "word":
            word = draw(st.sampled_from(_WORDS) | st.binary(max_size=12))
            return before + word + after[draw(st.sampled_from([0, len(word)])) :]
        case "drop":
            return before + after[len(piece) :]
        case "double":
            return before + piece * draw(st.integers(2, 200)) + after
        case "move":
            return after + before
        case "cut":
            return before
    other = draw(st.sampled_from(cases)).content
    start = draw(st.integers(0, len(other)))
    return before + other[start : start + 200] + after


_CHANGES: Final = (
    "flip", "flip", "flip", "flip", "number", "number", "number", "word", "word", "drop", "double",
    "move", "cut", "graft",
)  # fmt: skip
