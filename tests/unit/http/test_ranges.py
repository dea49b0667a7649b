import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_engine.http.ranges import (
    IntRange,
    RangeSpec,
    SuffixRange,
    content_range,
    parse,
    resolve,
)

POSITIONS = st.integers(0, 2**49)
SPECS: st.SearchStrategy[RangeSpec] = st.one_of(
    st.builds(IntRange, POSITIONS, st.none()),
    st.tuples(POSITIONS, POSITIONS).map(lambda pair: IntRange(min(pair), max(pair))),
    st.builds(SuffixRange, POSITIONS),
)
SMALL_SPECS: st.SearchStrategy[RangeSpec] = st.one_of(
    st.builds(IntRange, st.integers(0, 40), st.none()),
    st.tuples(st.integers(0, 40), st.integers(0, 40)).map(
        lambda pair: IntRange(min(pair), max(pair))
    ),
    st.builds(SuffixRange, st.integers(0, 40)),
)
BLANKS = st.text(" \t", max_size=3)


def written(spec: RangeSpec) -> str:
    if isinstance(spec, SuffixRange):
        return f"-{spec.length}"
    return f"{spec.first}-{'' if spec.last is None else spec.last}"


@given(st.lists(SPECS, min_size=1, max_size=20))
def test_what_is_written_is_read_back(specs: list[RangeSpec]) -> None:
    assert parse("bytes=" + ",".join(map(written, specs))) == tuple(specs)


@given(st.lists(st.tuples(BLANKS, SPECS | st.none(), BLANKS), min_size=1, max_size=8))
def test_blanks_and_empty_elements_change_nothing(
    elements: list[tuple[str, RangeSpec | None, str]],
) -> None:
    header = "bytes=" + ",".join(
        before + ("" if spec is None else written(spec)) + after for before, spec, after in elements
    )
    assert parse(header) == (tuple(spec for _, spec, _ in elements if spec is not None) or None)


@given(SPECS, st.integers(0, 2**49))
def test_nothing_outside_the_object_is_ever_served(spec: RangeSpec, size: int) -> None:
    part = resolve(spec, size)
    if part is not None:
        offset, length = part
        assert offset >= 0
        assert length >= 1
        assert offset + length <= size


@given(SMALL_SPECS, st.integers(0, 30))
def test_exactly_the_bytes_that_were_asked_for_are_served(spec: RangeSpec, size: int) -> None:
    content = list(range(size))
    if isinstance(spec, SuffixRange):
        wanted = content[max(0, size - spec.length) :]
    else:
        wanted = [
            at for at in content if spec.first <= at and (spec.last is None or at <= spec.last)
        ]
    part = resolve(spec, size)
    served = [] if part is None else content[part[0] : part[0] + part[1]]
    assert served == wanted


@given(st.text() | st.text("bytes=0123456789-, \t").map("bytes=".__add__))
def test_any_text_is_read_or_ignored(header: str) -> None:
    specs = parse(header)
    assert specs is None or len(specs) > 0


@pytest.mark.parametrize("digits", ["²", "٣", "\uff11", "1²"])
def test_only_ascii_digits_are_digits(digits: str) -> None:
    assert parse(f"bytes={digits}-") is None
    assert parse(f"bytes=-{digits}") is None


@pytest.mark.parametrize("count", [16, 17, 300, 100_000])
def test_a_number_of_any_length_is_past_every_object_and_fits_in_javascript(count: int) -> None:
    specs = parse(f"bytes={'9' * count}-,0-{'9' * count},-{'9' * count}")
    assert specs is not None
    start, end, suffix = specs
    largest_object = 5 * 2**40
    assert resolve(start, largest_object) is None
    assert resolve(end, largest_object) == (0, largest_object)
    assert resolve(suffix, largest_object) == (0, largest_object)
    assert all(number is None or number < 2**53 for spec in specs for number in spec)


def test_leading_zeros_of_any_length_do_not_count() -> None:
    assert parse(f"bytes={'0' * 5_000}7-{'0' * 5_000}") is None
    assert parse(f"bytes={'0' * 5_000}-{'0' * 5_000}7") == (IntRange(0, 7),)


def test_a_content_range_names_the_last_byte_and_the_size() -> None:
    assert content_range(0, 500, 1234) == "bytes 0-499/1234"
    assert content_range(734, 500, 1234) == "bytes 734-1233/1234"
