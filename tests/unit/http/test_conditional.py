from dataclasses import dataclass
from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_engine.http.conditional import (
    Outcome,
    entity_tags,
    evaluate,
    http_date,
    if_range_holds,
    parse_http_date,
)
from tests.unit.http.headers import Headers

FIRST_SECOND = -62_135_596_800  # 0001-01-01T00:00:00Z
LAST_SECOND = 253_402_300_799  # 9999-12-31T23:59:59Z

SECONDS = st.integers(FIRST_SECOND, LAST_SECOND)
TAG_CHARACTERS = "".join(map(chr, [0x21, *range(0x23, 0x7F), *range(0x80, 0x100)]))
TAGS = st.builds(
    lambda weak, opaque: f'{weak}"{opaque}"',
    st.sampled_from(["", "W/"]),
    st.text(TAG_CHARACTERS, max_size=6),
)
BLANKS = st.text(" \t", max_size=3)


@dataclass(frozen=True)
class Conditions:
    """A request's conditions before they are written down; dates are seconds."""

    match: str | list[str] | None
    unmodified_since: int | None
    none_match: str | list[str] | None
    modified_since: int | None

    def headers(self) -> Headers:
        written = {
            "If-Match": _listed(self.match),
            "If-Unmodified-Since": _dated(self.unmodified_since),
            "If-None-Match": _listed(self.none_match),
            "If-Modified-Since": _dated(self.modified_since),
        }
        return Headers({name: value for name, value in written.items() if value is not None})


def _listed(tags: str | list[str] | None) -> str | None:
    return ", ".join(tags) if isinstance(tags, list) else tags


def _dated(seconds: int | None) -> str | None:
    return None if seconds is None else formatdate(seconds, usegmt=True)


FEW_TAGS = st.sampled_from(['"a"', 'W/"a"', '"b"', 'W/"b"', '"a,b"'])
TAG_LISTS = st.none() | st.just("*") | st.lists(FEW_TAGS, min_size=1, max_size=3)
FEW_SECONDS = st.integers(1_795_174_000, 1_795_174_003)
CONDITIONS = st.builds(
    Conditions,
    match=TAG_LISTS,
    unmodified_since=st.none() | FEW_SECONDS,
    none_match=TAG_LISTS,
    modified_since=st.none() | FEW_SECONDS,
)


def steps_of_the_rfc(method: str, asked: Conditions, etag: str, last_modified: int) -> Outcome:
    """RFC 9110 §13.2.2, step by step, on values instead of text."""

    def strongly(tag: str) -> bool:
        return tag == etag and not tag.startswith("W/") and not etag.startswith("W/")

    def weakly(tag: str) -> bool:
        return tag.removeprefix("W/") == etag.removeprefix("W/")

    step = 1 if asked.match is not None else 2
    if step == 1 and asked.match is not None:
        if asked.match != "*" and not any(map(strongly, asked.match)):
            return Outcome.PRECONDITION_FAILED
        step = 3
    if step == 2:
        if asked.unmodified_since is not None and not last_modified <= asked.unmodified_since:
            return Outcome.PRECONDITION_FAILED
        step = 3
    if step == 3:
        if asked.none_match is not None:
            if asked.none_match == "*" or any(map(weakly, asked.none_match)):
                if method in {"GET", "HEAD"}:
                    return Outcome.NOT_MODIFIED
                return Outcome.PRECONDITION_FAILED
            step = 5
        else:
            step = 4
    if (
        step == 4
        and method in {"GET", "HEAD"}
        and asked.modified_since is not None
        and last_modified <= asked.modified_since
    ):
        return Outcome.NOT_MODIFIED
    return Outcome.PROCEED


@given(
    st.sampled_from(["GET", "HEAD", "PUT", "DELETE"]),
    CONDITIONS,
    st.sampled_from(['"a"', 'W/"a"', '"a,b"']),
    FEW_SECONDS,
)
def test_the_outcome_is_that_of_the_steps_of_the_rfc(
    method: str, asked: Conditions, etag: str, last_modified: int
) -> None:
    assert evaluate(method, asked.headers(), etag, last_modified) == steps_of_the_rfc(
        method, asked, etag, last_modified
    )


def test_a_header_that_another_hides_is_not_looked_up() -> None:
    looked_up = []

    class Recording(Headers):
        def get(self, name: str, /) -> str | None:
            looked_up.append(name)
            return super().get(name)

    headers = Recording({"If-Match": '"a"', "If-None-Match": '"b"'})
    assert evaluate("GET", headers, '"a"', 0) is Outcome.PROCEED
    assert looked_up == ["if-match", "if-none-match"]


def test_a_weak_tag_of_the_object_is_enough_for_if_none_match_and_never_for_if_match() -> None:
    listed = '"b", "a", W/"a"'
    reading = evaluate("GET", Headers({"If-None-Match": listed}), 'W/"a"', 0)
    assert reading is Outcome.NOT_MODIFIED
    changing = evaluate("PUT", Headers({"If-Match": listed}), 'W/"a"', 0)
    assert changing is Outcome.PRECONDITION_FAILED


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_if_none_match_refuses_what_would_change_the_object(method: str) -> None:
    headers = Headers({"If-None-Match": "*"})
    assert evaluate(method, headers, '"a"', 0) is Outcome.PRECONDITION_FAILED


def test_if_modified_since_is_for_reading_only() -> None:
    headers = Headers({"If-Modified-Since": "Thu, 01 Jan 1970 00:00:00 GMT"})
    assert evaluate("PUT", headers, '"a"', 0) is Outcome.PROCEED
    assert evaluate("GET", headers, '"a"', 0) is Outcome.NOT_MODIFIED


@given(TAGS, SECONDS)
def test_if_range_holds_for_the_strong_tag_and_for_the_date_alone(tag: str, second: int) -> None:
    assert if_range_holds(tag, tag, second) is tag.startswith('"')
    assert if_range_holds(http_date(second), tag, second)
    assert not if_range_holds(http_date(second), tag, second + 1)
    assert not if_range_holds(http_date(second), tag, second - 1)


@given(st.lists(st.tuples(BLANKS, TAGS | st.just(""), BLANKS), min_size=1, max_size=8))
def test_a_list_of_tags_is_read_back(elements: list[tuple[str, str, str]]) -> None:
    header = ",".join(before + tag + after for before, tag, after in elements)
    assert entity_tags(header) == tuple(tag for _, tag, _ in elements if tag)


@given(
    st.lists(TAGS, min_size=1, max_size=4),
    st.sampled_from(["a", '"', "*", "W/", 'w/"a"', '"a b"', "\n"]),
)
def test_one_element_that_cannot_be_read_spoils_the_list(tags: list[str], broken: str) -> None:
    assert entity_tags(", ".join([*tags, broken])) == ()
    assert entity_tags(", ".join([broken, *tags])) == ()


@pytest.mark.parametrize("unit", [" ", "\t", ",", '"', '"" ', "W/", '"",'])
def test_a_list_of_any_length_is_read_once(unit: str) -> None:
    # What reads it in all its halves is not done with a megabyte for days.
    assert entity_tags(unit * 1_000_000 + "x") == ()


@given(SECONDS)
def test_a_date_is_written_as_the_standard_library_writes_it(second: int) -> None:
    assert http_date(second) == formatdate(second, usegmt=True)


@given(SECONDS)
def test_a_date_that_is_written_is_read_back(second: int) -> None:
    assert parse_http_date(http_date(second)) == second


@pytest.mark.parametrize(
    "text",
    [
        "Sun, 06 Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
    ],
)
def test_the_three_dates_of_the_rfc_are_one_instant(text: str) -> None:
    assert parse_http_date(text) == 784_111_777


@pytest.mark.parametrize(
    ("short", "year"), [("00", 2000), ("26", 2026), ("76", 2076), ("77", 1977), ("99", 1999)]
)
def test_a_year_of_two_digits_is_at_most_fifty_years_ahead_of_2026(short: str, year: int) -> None:
    assert parse_http_date(f"Monday, 01-Mar-{short} 12:00:00 GMT") == parse_http_date(
        f"Mon, 01 Mar {year} 12:00:00 GMT"
    )


def test_a_leap_second_is_the_first_of_the_next_minute() -> None:
    assert parse_http_date("Sat, 31 Dec 2016 23:59:60 GMT") == parse_http_date(
        "Sun, 01 Jan 2017 00:00:00 GMT"
    )


@given(st.text() | st.from_regex(r"[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT"))
def test_any_text_is_a_date_or_none(text: str) -> None:
    second = parse_http_date(text)
    assert second is None or FIRST_SECOND <= second <= LAST_SECOND + 1


@pytest.mark.parametrize(
    "text",
    [
        "Sun, 29 Feb 2100 08:49:37 GMT",
        "Sun, 00 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 GMT\n",
        "Sun, 06 Nov 1994 08:49:37 GMT ",
        "Sun, ٠٦ Nov 1994 08:49:37 GMT",
        "Sun Nov 6 08:49:37 1994",
        "Sun, 06-Nov-94 08:49:37 GMT",
        "Sunday, 06-Nov-1994 08:49:37 GMT",
        "",
    ],
)
def test_what_is_no_date_is_none(text: str) -> None:
    assert parse_http_date(text) is None
