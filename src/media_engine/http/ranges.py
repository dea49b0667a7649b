"""Range requests: RFC 9110 §14.

Two questions that must be kept apart, because their answers differ:

    can the header be read?      no: it is ignored, and the whole is served with 200 (§14.2)
    does it touch the object?    no: 416, and Content-Range says how long the object is (§15.5.17)

One range that cannot be read spoils the header; one that does not touch the object does not, as
long as another one does. Whoever asks knows the method: Range counts for GET alone (§14.2).
"""

from typing import Final, NamedTuple, TypeAlias


class IntRange(NamedTuple):
    """Bytes counted from the start; the first byte is 0.

    Attributes:
        first: the first byte wanted.
        last: the last byte wanted, itself included; None for all that follow.
    """

    first: int
    last: int | None


class SuffixRange(NamedTuple):
    """Bytes counted from the end.

    Attributes:
        length: how many of the last bytes are wanted.
    """

    length: int


RangeSpec: TypeAlias = IntRange | SuffixRange

_MOST_DIGITS: Final = 15
_BEYOND: Final = 10**_MOST_DIGITS
"""Stands for every longer number: no object is so large, a JavaScript number still holds it, and
reading thousands of digits is work that a client could order."""


def parse(header: str) -> tuple[RangeSpec, ...] | None:
    """Read a Range header (RFC 9110 §14.1.1, §14.1.2).

    The unit may be in any capitals. Blanks around a range are skipped, wherever a list may have
    them and after the `=` too, and so are the empty elements of a list; blanks inside a range
    are not.

    Args:
        header: the header's value.

    Returns:
        The ranges in the order they were asked for, at least one; None if the unit is not bytes
        or anything in it cannot be read, so that the header is to be ignored.
    """
    if header[:6].lower() != "bytes=" or not header.isascii():
        return None
    specs = []
    for element in header[6:].split(","):
        text = element.strip(" \t")
        if not text:
            continue
        spec = _parse_one(text)
        if spec is None:
            return None
        specs.append(spec)
    return tuple(specs) or None


def resolve(spec: RangeSpec, size: int) -> tuple[int, int] | None:
    """Lay a range on an object.

    Args:
        spec: the range.
        size: the object's length in bytes.

    Returns:
        The offset of the first byte and how many follow from it, at least one, all of them
        inside the object; None if no byte of the range is.
    """
    if isinstance(spec, SuffixRange):
        length = min(spec.length, size)
        return (size - length, length) if length else None
    first, last = spec
    if first >= size:
        return None
    if last is None or last >= size:
        last = size - 1
    return first, last - first + 1


def content_range(offset: int, length: int, size: int) -> str:
    """Write a Content-Range for bytes that are served (RFC 9110 §14.4).

    Args:
        offset: the first byte.
        length: how many bytes, at least one.
        size: the object's length.
    """
    return f"bytes {offset}-{offset + length - 1}/{size}"


def _parse_one(text: str) -> RangeSpec | None:
    """Read one range. The text is ASCII, so that a digit is one of 0 to 9."""
    first, dash, last = text.partition("-")
    if not dash or not (first or last):
        return None
    if (first and not first.isdigit()) or (last and not last.isdigit()):
        return None
    if not first:
        return SuffixRange(_number(last))
    if not last:
        return IntRange(_number(first), None)
    spec = IntRange(_number(first), _number(last))
    # Backwards is invalid, not unsatisfiable (§14.1.2).
    return spec if spec.first <= _number(last) else None


def _number(digits: str) -> int:
    if len(digits) <= _MOST_DIGITS:
        return int(digits)
    significant = digits.lstrip("0")
    return int(significant or "0") if len(significant) <= _MOST_DIGITS else _BEYOND
