"""CSS in an SVG: what in it could fetch something.

Nothing is parsed. What fetches, fetches by one of a few words, so the words are looked for where
they may be: in comments, too, and in names that merely end in one. A word can be written with
escapes (CSS Syntax §4.3.7), so those are undone first.
"""

import re
from typing import Final

_ESCAPE: Final = re.compile(r"\\(?:([0-9a-fA-F]{1,6})(?:\r\n|[ \t\r\n\f])?|(.)|\n|\r\n?|\f)")

_FETCHES: Final = re.compile(
    r"@import"
    # Functions that take a URL as a mere string.
    r"|image-set\("
    r"|(?<![\w-])(?:src|image|cross-fade)\("
    # What old browsers ran.
    r"|expression\("
    r"|-moz-binding"
    r"|(?<![\w-])behavior\s*:",
    re.IGNORECASE,
)

# What follows is looked at, and not passed over: another URL may begin in it.
_URL: Final = re.compile(r"url\(\s*[\"']?\s*(?=(.{0,64}))", re.IGNORECASE | re.DOTALL)

_HARMLESS: Final = re.compile(
    r"#|data:(?:image/(?:png|jpeg|jpg|gif|webp|avif)|(?:application/(?:x-)?)?font[/-][\w.+-]+)[;,]",
    re.IGNORECASE,
)

_C0_OR_SPACE: Final = "".join(map(chr, range(0x21)))


def fetching(text: str) -> str | None:
    """Return what in a piece of CSS could fetch something, or None if nothing could.

    What is fetched from the file itself (`#…`), and pictures and fonts that it brings with it
    (`data:`), are not meant.

    Args:
        text: a style sheet, a declaration, or an attribute's value.
    """
    if "\\" in text:
        text = _ESCAPE.sub(_unescaped, text)
    found = _FETCHES.search(text)
    if found is not None:
        return found.group()
    for url in _URL.finditer(text):
        if not _HARMLESS.match(url.group(1)):
            return url.group() + url.group(1)
    return None


def harmless_reference(url: str) -> bool:
    """Tell whether a URL is of the file itself, or a picture that it brings with it.

    Args:
        url: as the attribute has it. What a browser drops of it (URL §4.4) is dropped here.
    """
    kept = re.sub(r"[\t\r\n]", "", url[:256].strip(_C0_OR_SPACE))
    return _HARMLESS.match(kept) is not None


def _unescaped(escape: re.Match[str]) -> str:
    digits, character = escape.groups()
    if digits is None:
        return character or ""
    code = int(digits, 16)
    return chr(code) if 0 < code < 0xD800 or 0xDFFF < code < 0x110000 else "\ufffd"
