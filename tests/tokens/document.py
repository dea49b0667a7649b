"""The programs in docs/tokens.md, as a reader would copy them."""

import re
from typing import Final

from runtime.process import ROOT

TOKENS: Final = ROOT / "docs" / "tokens.md"

_BLOCK: Final = r"^```{language}\n(.*?)^```$"


def program(language: str) -> str:
    """Return the one program in this language.

    Args:
        language: as the fence of the block names it.
    """
    blocks: list[str] = re.findall(
        _BLOCK.format(language=language),
        TOKENS.read_text(encoding="utf-8"),
        re.DOTALL | re.MULTILINE,
    )
    assert len(blocks) == 1, f"{TOKENS.name} has {len(blocks)} programs in {language}"
    return blocks[0]
