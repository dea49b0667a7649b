"""Texts as HTTP/1.1 can carry them, and how they are spoiled.

Targets are visible ASCII, headers are Latin-1 without controls. What HTTP/1.1 cannot carry is
refused by the platform and never reaches the engine.
"""

from hypothesis import strategies as st

VISIBLE = st.characters(min_codepoint=0x21, max_codepoint=0x7E)
FIELD = st.characters(
    min_codepoint=0x20, max_codepoint=0xFF, exclude_characters=[chr(c) for c in range(0x7F, 0xA0)]
)
JUNK = st.text(FIELD, max_size=20)


def once_in(draw: st.DrawFn, times: int) -> bool:
    """Return True once in so many times. What shrinks, shrinks to what is not rare."""
    return draw(st.integers(1, times)) == times


@st.composite
def spoiled(draw: st.DrawFn, text: str, alphabet: st.SearchStrategy[str]) -> str:
    """Return the text with one place of it wrong."""
    at = draw(st.integers(0, len(text)))
    before, after = text[:at], text[at:]
    change = draw(st.sampled_from(["add", "replace", "drop", "swap", "turn"]))
    if change == "add":
        return before + draw(alphabet) + after
    if change == "replace":
        return before + draw(alphabet) + after[1:]
    if change == "drop":
        return before + after[1:]
    if change == "swap":
        # As bytes, because other letters than ASCII's can leave Latin-1.
        return before + after.encode("latin-1").swapcase().decode("latin-1")
    return after + before
