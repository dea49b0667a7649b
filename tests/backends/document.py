"""The programs in docs/backends.md, as a reader would copy them."""

import re
from typing import Final

from runtime.process import ROOT

BACKENDS: Final = ROOT / "docs" / "backends.md"

_PROGRAM: Final = r"^##+ [^\n]*`{path}`$.*?^```\w+\n(.*?)^```$"


def program(path: str) -> str:
    """Return the program whose heading names this path."""
    text = BACKENDS.read_text(encoding="utf-8")
    found: list[str] = re.findall(
        _PROGRAM.format(path=re.escape(path)), text, re.DOTALL | re.MULTILINE
    )
    assert len(found) == 1, f"{BACKENDS.name} has {len(found)} programs at {path}"
    return found[0]
