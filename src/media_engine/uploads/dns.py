"""Questions to the domain name system and its answers, as messages (RFC 1035 §4). Pure.

Only as much as must be known here: which addresses a name has. The resolver follows aliases, and
puts what it came to into the same answer (RFC 8484).
"""

from enum import IntEnum
from ipaddress import IPv4Address, IPv6Address
from typing import Final

from media_engine.uploads.address import IpAddress

MEDIA_TYPE: Final = "application/dns-message"

MAX_BYTES: Final = 16 * 1024
"""How long an answer may be: some hundreds of addresses."""

_HEADER_BYTES: Final = 12
_IN: Final = 1
_IS_ANSWER: Final = 0x8000
_IS_CUT_OFF: Final = 0x0200
_RECURSION: Final = 0x0100
_NO_ERROR: Final = 0
_NO_SUCH_NAME: Final = 3
_POINTER: Final = 0xC0


class RecordType(IntEnum):
    """What is asked for."""

    A = 1
    AAAA = 28


class BadAnswer(ValueError):
    """No answer can be read here, or it says that something failed."""


def question(name: str, record: RecordType) -> bytes:
    """Write a question.

    Args:
        name: in ASCII, with labels of 1 to 63 characters, without a dot at its end.
        record: what is asked for.
    """
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    header = b"".join(
        # An id of 0, so that a cache on the way can know the question again (RFC 8484 §4.1).
        number.to_bytes(2, "big")
        for number in (0, _RECURSION, 1, 0, 0, 0)
    )
    return header + labels + b"\0" + record.to_bytes(2, "big") + _IN.to_bytes(2, "big")


def addresses(message: bytes) -> list[IpAddress]:
    """Read the addresses in an answer, whichever name they are of. None where there is no such
    name.

    Raises:
        BadAnswer: it is none.
    """
    flags = _number(message, 2)
    if not flags & _IS_ANSWER or flags & _IS_CUT_OFF:
        raise BadAnswer("it is no whole answer")
    code = flags & 0x0F
    if code == _NO_SUCH_NAME:
        return []
    if code != _NO_ERROR:
        raise BadAnswer(f"it has the code {code}")
    at = _HEADER_BYTES
    for _ in range(_number(message, 4)):
        at = _after_name(message, at) + 4
    found: list[IpAddress] = []
    for _ in range(_number(message, 6)):
        at = _after_name(message, at)
        record, network, length = (_number(message, at + place) for place in (0, 2, 8))
        at += 10 + length
        if at > len(message):
            raise BadAnswer("it is cut off")
        if network == _IN and record in (RecordType.A, RecordType.AAAA):
            found.append(_address(record, message[at - length : at]))
    return found


def _address(record: int, data: bytes) -> IpAddress:
    if record == RecordType.A and len(data) == 4:
        return IPv4Address(data)
    if record == RecordType.AAAA and len(data) == 16:
        return IPv6Address(data)
    raise BadAnswer("it has an address of another length")


def _number(message: bytes, at: int) -> int:
    if at + 2 > len(message):
        raise BadAnswer("it is cut off")
    return int.from_bytes(message[at : at + 2], "big")


def _after_name(message: bytes, at: int) -> int:
    """Return where the name ends that begins here. A pointer ends it, wherever it points."""
    while at < len(message):
        length = message[at]
        if length == 0:
            return at + 1
        if length & _POINTER == _POINTER:
            return at + 2
        if length & _POINTER:
            raise BadAnswer("it has a label of an unknown kind")
        at += 1 + length
    raise BadAnswer("it is cut off")
