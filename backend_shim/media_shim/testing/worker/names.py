"""What a file is called: what the Worker makes of a name, and how that is written in a header."""

import re
from typing import Final
from urllib.parse import quote

from media_shim.uploads import CONTENT_TYPES

_UNWANTED: Final = re.compile(
    r"[/\\\x00-\x1f\x7f-\x9f\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
    r"\u200b\ufeff\ufff9-\ufffb\ud800-\udfff]"
)
"""Separators, controls, and marks that are not seen."""

_NOT_PLAIN: Final = re.compile(r'[^ -~]|["\\%]')
_OTHER_ENDINGS: Final = {
    "image/jpeg": {"jpeg", "jpe", "jfif"},
    "video/mp4": {"m4v"},
}


def cleaned(name: str) -> str:
    """Return a name without what no file name has."""
    return _UNWANTED.sub("", name).strip(" .") or "file"


def typed(name: str, content_type: str) -> str:
    """Return a clean name that ends as files of a type do."""
    usual = CONTENT_TYPES[content_type][1]
    ending = cleaned(name).rpartition(".")[2].lower()
    if "." in cleaned(name) and ending in {usual, *_OTHER_ENDINGS.get(content_type, ())}:
        return cleaned(name)
    return f"{cleaned(name)}.{usual}"


def disposition(name: str) -> str:
    """Return the header that says what a file is called (RFC 6266, RFC 8187)."""
    plain = _NOT_PLAIN.sub("_", name)
    if plain == name:
        return f'inline; filename="{name}"'
    return f"inline; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='!#$&+^`|~')}"
