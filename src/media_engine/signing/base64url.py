"""Base64 for URLs (RFC 4648 §5), without padding, in its one canonical spelling.

Two texts must never mean the same bytes: a token that can be respelled is not the token that was
signed. So what is decoded must be exactly what encoding gives back.
"""

from binascii import a2b_base64, b2a_base64
from typing import Final

_TO_URL: Final = bytes.maketrans(b"+/", b"-_")
_FROM_URL: Final = bytes.maketrans(b"-_", b"+/")


def encode(data: bytes) -> str:
    """Return the bytes as base64url without padding."""
    return b2a_base64(data, newline=False).translate(_TO_URL).rstrip(b"=").decode("ascii")


def decode(text: str) -> bytes:
    """Return the bytes that the text stands for.

    Raises:
        ValueError: it is not canonical base64url (RFC 4648 §3.5): a character from outside the
            alphabet, padding, white space, or bits left over that are not zero.
    """
    data = a2b_base64(text.encode("ascii").translate(_FROM_URL) + b"==")
    if encode(data) != text:
        raise ValueError("not canonical base64url")
    return data
