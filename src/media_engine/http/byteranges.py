"""Several ranges in one answer: `multipart/byteranges` (RFC 9110 §14.6, RFC 2046 §5.1).

Ranges that overlap are sent as one, so that no request makes an answer that is longer than the
object and its headers; the others keep the order in which they were asked for (§15.3.7.2).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from media_engine.http.ranges import content_range

MOST_PARTS: Final = 8
"""How many parts an answer has at most. Each of them is a read of the store."""


class Part(NamedTuple):
    """Bytes of an object.

    Attributes:
        offset: the first of them.
        length: how many, at least one.
    """

    offset: int
    length: int

    @property
    def end(self) -> int:
        """The first byte after them."""
        return self.offset + self.length


def coalesce(parts: Sequence[Part]) -> Sequence[Part]:
    """Join the parts that overlap; each stays where the first of those it is made of was."""
    joined: list[tuple[int, Part]] = []
    for place, part in sorted(enumerate(parts), key=lambda placed: placed[1].offset):
        if joined and part.offset < joined[-1][1].end:
            first, before = joined[-1]
            end = max(before.end, part.end)
            joined[-1] = min(first, place), Part(before.offset, end - before.offset)
        else:
            joined.append((place, part))
    return [part for _, part in sorted(joined)]


@dataclass(frozen=True, slots=True)
class Multipart:
    """The body of an answer with several parts.

    Attributes:
        parts: the parts, none of which overlaps another.
        size: the length of the object in bytes.
        part_type: the object's content type.
        boundary: what stands between the parts: 1 to 70 letters, digits, `_` or `-`, which
            nobody could have put into the object.
    """

    parts: Sequence[Part]
    size: int
    part_type: str
    boundary: str

    @property
    def content_type(self) -> str:
        """The content type of the answer."""
        return f"multipart/byteranges; boundary={self.boundary}"

    @property
    def length(self) -> int:
        """The length of the body in bytes."""
        return sum(
            piece.length if isinstance(piece, Part) else len(piece) for piece in self.pieces()
        )

    def pieces(self) -> Iterator[bytes | Part]:
        """Yield the body in order: text as it is sent, and parts to be read from the object."""
        for place, part in enumerate(self.parts):
            lead = "\r\n" if place else ""
            yield (
                f"{lead}--{self.boundary}\r\n"
                f"Content-Type: {self.part_type}\r\n"
                f"Content-Range: {content_range(*part, self.size)}\r\n\r\n"
            ).encode("ascii")
            yield part
        yield f"\r\n--{self.boundary}--\r\n".encode("ascii")
