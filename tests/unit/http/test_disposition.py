import re
from typing import Any, Literal
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_engine.http.disposition import clean_filename, content_disposition, filename_of
from tests.unit.http.vectors import read

CASES = read("disposition.json")["cases"]
KINDS: st.SearchStrategy[Literal["inline", "attachment"]] = st.sampled_from(
    ["inline", "attachment"]
)
# Any characters, with those that could do harm more often than by chance. `st.text` makes no half
# of a surrogate pair, so the characters are put together here.
HARMFUL = "/\\\"'%;=.* \r\n\t\0\x7f\x85\u200e\u202e\u2066\ud800\udfff"
NAMES = st.lists(st.characters() | st.sampled_from(HARMFUL)).map("".join) | st.text(
    "a.\u20ac\U0001f600", min_size=50, max_size=400
)

_HEADER = re.compile(
    r"(?P<kind>inline|attachment)"
    r'; filename="(?P<quoted>[^"\\\x00-\x1f\x7f-\U0010ffff]+)"'
    r"(?:; filename\*=UTF-8''(?P<encoded>(?:[A-Za-z0-9!#$&+.^_`|~-]|%[0-9A-F]{2})+))?"
)


def parsed(header: str) -> tuple[str, str]:
    """Read the kind and the name as RFC 6266 says; nothing outside its grammar passes.

    A quoted-string could have escapes by the grammar. None is allowed here, because browsers
    differ in how they read them.
    """
    match = _HEADER.fullmatch(header)
    assert match is not None, header
    if match["encoded"] is not None:
        return match["kind"], unquote_to_bytes(match["encoded"]).decode("utf-8")
    return match["kind"], match["quoted"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_a_name_is_written_as_its_vector_says(case: dict[str, Any]) -> None:
    header = content_disposition(case["kind"], case["filename"])
    assert header == case["expect"]["header"]
    assert parsed(header) == (case["kind"], case["expect"]["filename"])
    assert clean_filename(case["filename"]) == case["expect"]["filename"]


@given(KINDS, NAMES)
def test_whatever_the_name_the_header_is_one_line_of_printable_ascii(
    kind: Literal["inline", "attachment"], name: str
) -> None:
    header = content_disposition(kind, name)
    assert header.isascii()
    assert header.isprintable()


@given(KINDS, NAMES)
def test_whatever_the_name_it_is_read_back_cleaned(
    kind: Literal["inline", "attachment"], name: str
) -> None:
    assert parsed(content_disposition(kind, name)) == (kind, clean_filename(name))


@given(NAMES)
def test_a_clean_name_can_be_saved_and_shown(name: str) -> None:
    clean = clean_filename(name)
    assert clean
    assert len(clean.encode("utf-8")) <= 255
    assert clean == clean.strip(" .")
    assert not set(clean) & set("/\\\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e")
    assert not set(clean) & set("\u2066\u2067\u2068\u2069\u2028\u2029\ufeff")
    assert all(ord(character) >= 32 and not 127 <= ord(character) < 160 for character in clean)


@given(NAMES)
def test_a_clean_name_stays_as_it_is(name: str) -> None:
    clean = clean_filename(name)
    assert clean_filename(clean) == clean


@given(st.text("ab€ .", min_size=300, max_size=400))
def test_a_long_name_keeps_its_extension(stem: str) -> None:
    assert clean_filename("a" + stem + "b.jpeg").endswith(".jpeg")


@given(KINDS, NAMES)
def test_the_name_that_was_written_is_read_again(
    kind: Literal["inline", "attachment"], name: str
) -> None:
    assert filename_of(content_disposition(kind, name)) == clean_filename(name)


@pytest.mark.parametrize("header", ["", "inline", "attachment; filename=x.jpg", "filename", "; "])
def test_in_a_header_that_somebody_else_wrote_there_may_be_no_name(header: str) -> None:
    assert filename_of(header) is None
