"""Prefixes that are exact, and pages that begin behind a key."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_engine.errors import InvalidField
from media_engine.inventory.paging import (
    behind,
    narrowed,
    parse_after,
    parse_limit,
    parse_prefix,
    read_cursor,
    write_cursor,
)

KEYS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)


@given(KEYS)
def test_a_cursor_is_read_as_it_was_written(key: str) -> None:
    assert read_cursor(write_cursor(key)) == key


@pytest.mark.parametrize(
    "text", ["", "=", "t/a", "dA==", "dB", "ü", "gA", " dA", "dA ", "a" * 1_400, "\x00"]
)
def test_a_cursor_that_nobody_was_given_is_refused(text: str) -> None:
    with pytest.raises(InvalidField) as refused:
        read_cursor(text)
    assert refused.value.field == "cursor"


def test_no_cursor_is_none() -> None:
    assert read_cursor(None) is write_cursor(None) is None


@given(KEYS.map(lambda text: text + "/"), KEYS)
def test_a_prefix_has_its_keys_between_itself_and_what_is_behind_it(prefix: str, key: str) -> None:
    for one in (key, prefix + key):
        assert (prefix < one < behind(prefix)) == one.startswith(prefix)


@pytest.mark.parametrize("text", ["", "t", "t/acme", "t/acme/blog", "/ ", "t/" + "a" * 1_022 + "/"])
def test_a_prefix_that_does_not_end_in_a_slash_or_is_too_long_is_refused(text: str) -> None:
    with pytest.raises(InvalidField) as refused:
        parse_prefix(text)
    assert refused.value.field == "prefix"


@pytest.mark.parametrize("text", ["", "a" * 1_025, "ü" * 513])
def test_a_key_that_none_can_be_is_refused(text: str) -> None:
    with pytest.raises(InvalidField) as refused:
        parse_after(text)
    assert refused.value.field == "after"


@pytest.mark.parametrize("number", [0, 1_001, 10**15])
def test_a_page_has_one_to_a_thousand_entries(number: int) -> None:
    assert [parse_limit(one) for one in (None, 1, 1_000)] == [1_000, 1, 1_000]
    with pytest.raises(InvalidField) as refused:
        parse_limit(number)
    assert refused.value.field == "limit"


def test_prefixes_are_gone_through_in_order_and_none_twice() -> None:
    assert narrowed(("u/", "t/"), None) == ["t/", "u/"]
    assert narrowed(("u/", "t/acme/", "t/", "t/acme/a/"), None) == ["t/", "u/"]
    assert narrowed(("u/", "t/"), "t/acme/") == ["t/acme/"]
    with pytest.raises(InvalidField) as refused:
        narrowed(("u/", "t/"), "incoming/")
    assert refused.value.field == "prefix"
