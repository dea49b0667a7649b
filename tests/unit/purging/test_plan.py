"""Which messages share a call, and how long an attempt is put off."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_engine.purging.model import MAX_TAGS, Purge
from media_engine.purging.plan import LONGEST_DELAY, LONGEST_OBEDIENCE, Call, calls, retry_delay

TAGS = st.integers(0, 300).map(lambda number: f"m-{number}")
PURGES = st.lists(TAGS, min_size=1, max_size=MAX_TAGS).map(lambda tags: Purge(tuple(tags)))


def purge(first: int, count: int) -> Purge:
    return Purge(tuple(f"m-{number}" for number in range(first, first + count)))


def test_a_batch_of_single_files_is_one_call() -> None:
    batch = [purge(number, 1) for number in range(100)]
    [call] = calls(batch)
    assert call.tags == tuple(f"m-{number}" for number in range(100))
    assert call.messages == tuple(range(100))


def test_a_tag_that_stands_in_two_messages_is_purged_once() -> None:
    assert calls([purge(1, 2), purge(2, 1)]) == [Call(("m-1", "m-2"), (0, 1))]


def test_a_message_that_does_not_fit_any_more_begins_a_call() -> None:
    planned = calls([purge(0, 60), purge(60, 41), purge(101, 59), purge(0, 1)])
    assert [call.messages for call in planned] == [(0,), (1, 2), (3,)]
    assert [len(call.tags) for call in planned] == [60, 100, 1]


def test_nothing_is_no_call() -> None:
    assert calls([]) == []


@given(st.lists(PURGES, max_size=30))
def test_every_message_is_in_one_call_with_all_of_its_tags(batch: list[Purge]) -> None:
    planned = calls(batch)
    assert [place for call in planned for place in call.messages] == list(range(len(batch)))
    for call in planned:
        asked = [tag for place in call.messages for tag in batch[place].tags]
        assert set(call.tags) == set(asked)
        assert 0 < len(call.tags) == len(set(call.tags)) <= MAX_TAGS
    for call, following in pairwise(planned):
        together = set(call.tags) | set(batch[following.messages[0]].tags)
        assert len(together) > MAX_TAGS, "a call was begun without need"


@pytest.mark.parametrize(
    ("attempts", "delay"), [(1, 30), (2, 60), (3, 120), (5, 480), (6, 900), (7, 900), (100, 900)]
)
def test_an_attempt_is_put_off_for_twice_as_long_each_time(attempts: int, delay: int) -> None:
    assert retry_delay(attempts, 30, 0) == delay


def test_the_hundred_attempts_of_a_message_take_about_a_day() -> None:
    total = sum(retry_delay(attempts, 30, 0) for attempts in range(1, 101))
    assert 23 * 3600 < total < 25 * 3600


@given(st.integers(1, 200), st.integers(1, 3600), st.integers(0, 10**6))
def test_no_attempt_is_put_off_for_longer_than_an_hour(
    attempts: int, first: int, asked: int
) -> None:
    delay = retry_delay(attempts, first, asked)
    assert min(first, asked or first) <= delay <= max(LONGEST_DELAY, LONGEST_OBEDIENCE)
    assert delay >= min(asked, LONGEST_OBEDIENCE)
    assert delay >= first
