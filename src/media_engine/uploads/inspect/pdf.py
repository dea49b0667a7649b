"""PDF: ISO 32000-2 §7.5.

The header is at byte 0, as the standard has it and as a browser looks for it; viewers look further,
and so take many a file for a PDF that is also something else. The end of the file is marked within
its last kilobyte, as Acrobat asks, blanks and zeros behind it not counted. Scripts in a PDF run in
the viewer's own sandbox, if it has any, and are not looked for: they can be compressed.
"""

import re
from typing import Final

from media_engine.uploads.inspect.facts import Facts
from media_engine.uploads.inspect.refusal import Cause, Refusal, malformed
from media_engine.uploads.inspect.window import Window

_HEADER: Final = re.compile(rb"%PDF-\d\.\d")
_HEADER_BYTES: Final = 8
_END: Final = b"%%EOF"
_END_BYTES: Final = 1024


async def inspect(window: Window) -> Facts:
    """Look at the two ends of a PDF."""
    if not _HEADER.fullmatch(await window.take(0, _HEADER_BYTES, "the PDF's header")):
        raise malformed("The PDF's header does not say which version it is of.")
    tail = (await window.tail(_HEADER_BYTES, "the PDF's end")).rstrip(b"\0\t\n\x0c\r ")
    if _END not in tail[-_END_BYTES:]:
        raise Refusal(Cause.CUT_OFF, "The PDF is cut off: it has no end (%%EOF) in its last 1,024 "
                      "bytes.")  # fmt: skip
    return Facts()
