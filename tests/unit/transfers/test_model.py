"""How a file is cut."""

from hypothesis import given
from hypothesis import strategies as st

from media_engine.transfers.model import (
    MIB,
    MOST_PARTS,
    SENDINGS,
    SMALLEST_PART,
    count_of,
    part_size_for,
    store_number,
)


@given(st.integers(1, 4 * 1024**4))
def test_a_file_is_cut_into_parts_that_the_store_takes(size: int) -> None:
    part = part_size_for(size)
    assert part >= SMALLEST_PART
    assert part % MIB == 0
    parts = count_of(size, part)
    assert (parts - 1) * part < size <= parts * part
    assert store_number(parts, SENDINGS - 1) <= MOST_PARTS


@given(
    st.tuples(st.integers(1, 625), st.integers(0, 40)),
    st.tuples(st.integers(1, 625), st.integers(0, 40)),
)
def test_the_numbers_of_two_parts_are_never_the_same_and_keep_their_order(
    one: tuple[int, int], other: tuple[int, int]
) -> None:
    if one[0] < other[0]:
        assert 1 <= store_number(*one) < store_number(*other) <= MOST_PARTS


def test_five_hundred_megabytes_have_a_hundred_parts() -> None:
    assert part_size_for(500 * MIB) == 5 * MIB
    assert count_of(500 * MIB, 5 * MIB) == 100
