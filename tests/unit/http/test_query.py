from urllib.parse import parse_qsl, quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_engine.http.query import first


@pytest.mark.parametrize(
    ("query", "value"),
    [
        ("t=abc", "abc"),
        ("t=abc&x=1", "abc"),
        ("x=1&t=abc", "abc"),
        ("x=1&t=abc&y=2", "abc"),
        ("&&t=abc&&", "abc"),
        ("t=", ""),
        ("t=&t=abc", ""),
        ("t=a=b", "a=b"),
        ("t=a?b", "a?b"),
        ("t=a%2Bb+c%20d", "a+b c d"),
        ("t=a+b", "a b"),
        ("t=%C3%9C", "Ü"),
        ("t=%252F", "%2F"),
        ("t=100%", "100%"),
        ("t=%FF", "\ufffd"),
        ("x=&t=abc", "abc"),
    ],
)
def test_a_parameter_is_found_and_decoded_once(query: str, value: str) -> None:
    assert first(query, "t") == value


@pytest.mark.parametrize(
    "query",
    ["", "t", "t&x=1", "x=1", "xt=abc", "x=1&xt=abc", "x=t=abc", "T=abc", "%74=abc", ";t=a"],
)
def test_a_parameter_that_is_not_there_is_none(query: str) -> None:
    assert first(query, "t") is None


@pytest.mark.parametrize("query", ["t=one&t=two", "x=1&t=one&t=two&t=three", "t=one&t"])
def test_of_a_parameter_given_twice_the_first_counts(query: str) -> None:
    assert first(query, "t") == "one"


PAIRS = st.lists(st.tuples(st.sampled_from(["t", "tt", "x", "w"]), st.text()), max_size=6)


@given(PAIRS)
def test_the_standard_library_finds_the_same(pairs: list[tuple[str, str]]) -> None:
    query = urlencode(pairs, errors="replace")
    values = [value for name, value in parse_qsl(query, keep_blank_values=True) if name == "t"]
    assert first(query, "t") == (values[0] if values else None)


@given(st.text(st.characters(codec="utf-8")))
def test_a_value_that_is_encoded_is_read_back(value: str) -> None:
    assert first(f"x=1&t={quote(value, safe='')}&y=2", "t") == value
