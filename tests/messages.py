"""Answers of the domain name system, for tests that play a resolver."""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address
from typing import Final

ALIAS: Final = "alias"
"""A record that says that the name is another one's alias."""

_POINTER_TO_THE_QUESTION: Final = b"\xc0\x0c"


def answer(
    question: bytes, records: Sequence[IPv4Address | IPv6Address | str], code: int = 0
) -> bytes:
    """Answer a question (RFC 1035 §4.1).

    Args:
        question: the message that asks.
        records: addresses, and `ALIAS` for an alias among them.
        code: the response code.
    """
    header = question[:2] + bytes([0x81, 0x80 | code]) + question[4:6]
    counts = len(records).to_bytes(2, "big") + bytes(4)
    return header + counts + question[12:] + b"".join(map(_record, records))


def name_in(question: bytes) -> str:
    """Return the name that is asked for."""
    labels, at = [], 12
    while length := question[at]:
        labels.append(question[at + 1 : at + 1 + length].decode())
        at += 1 + length
    return ".".join(labels)


def record_in(question: bytes) -> int:
    """Return the type of record that is asked for: 1 for A, 28 for AAAA."""
    return int.from_bytes(question[-4:-2], "big")


def _record(record: IPv4Address | IPv6Address | str) -> bytes:
    if isinstance(record, str):
        kind, data = 5, b"\x03cdn" + _POINTER_TO_THE_QUESTION
    else:
        kind, data = (1 if record.version == 4 else 28), record.packed
    fields = kind.to_bytes(2, "big") + b"\0\1" + (60).to_bytes(4, "big")
    return _POINTER_TO_THE_QUESTION + fields + len(data).to_bytes(2, "big") + data
