"""How long an answer is believed, and how many are."""

from collections import OrderedDict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_engine.delivery.memo import Memo

NOW = 1_795_174_000_123
LIFE = 30_000


@pytest.mark.parametrize(
    ("age", "believed"),
    [(0, True), (1, True), (LIFE - 1, True), (LIFE, False), (10 * LIFE, False), (-1, False)],
)
def test_an_answer_is_believed_for_its_life_and_not_before_it_was_asked(
    age: int, believed: bool
) -> None:
    memo: Memo[str, bool] = Memo(LIFE, 3)
    memo.keep("a", True, NOW)
    assert memo.get("a", NOW + age) == (True if believed else None)


def test_what_was_not_asked_has_no_answer() -> None:
    memo: Memo[str, bool] = Memo(LIFE, 3)
    assert memo.get("a", NOW) is None
    memo.keep("a", True, NOW)
    assert memo.get("b", NOW) is None


def test_no_is_an_answer() -> None:
    memo: Memo[str, bool] = Memo(LIFE, 3)
    memo.keep("a", False, NOW)
    assert memo.get("a", NOW) is False


def test_to_ask_often_does_not_make_an_answer_younger() -> None:
    memo: Memo[str, bool] = Memo(LIFE, 3)
    memo.keep("a", True, NOW)
    for age in range(0, LIFE, 1_000):
        assert memo.get("a", NOW + age)
    assert memo.get("a", NOW + LIFE) is None
    assert memo.get("a", NOW) is None, "what was forgotten stays forgotten"


def test_a_new_answer_takes_the_place_of_the_old() -> None:
    memo: Memo[str, bool] = Memo(LIFE, 3)
    memo.keep("a", True, NOW)
    memo.keep("a", False, NOW + LIFE - 1)
    assert memo.get("a", NOW + LIFE) is False
    assert len(memo) == 1


def test_the_answer_that_nobody_wants_goes_first() -> None:
    memo: Memo[str, bool] = Memo(LIFE, 3)
    for question in "abc":
        memo.keep(question, True, NOW)
    memo.get("a", NOW)
    memo.keep("d", True, NOW)
    assert [memo.get(question, NOW) for question in "abcd"] == [True, None, True, True]


steps = st.lists(
    st.tuples(st.booleans(), st.integers(0, 5), st.integers(-3, 12), st.integers(1, 99)),
    max_size=60,
)


@given(steps, st.integers(1, 4))
def test_it_is_a_list_of_the_last_that_were_wanted(
    taken: list[tuple[bool, int, int, int]], capacity: int
) -> None:
    """The model: questions in the order in which they were last wanted, and when each was asked."""
    memo: Memo[int, int] = Memo(10, capacity)
    model: OrderedDict[int, tuple[int, int]] = OrderedDict()
    now = 0
    for keeps, question, passed, answer in taken:
        now += passed
        if keeps:
            memo.keep(question, answer, now)
            model.pop(question, None)
            model[question] = (now, answer)
            while len(model) > capacity:
                model.popitem(last=False)
        else:
            asked_at, answered = model.get(question, (None, None))
            if asked_at is None or not 0 <= now - asked_at < 10:
                model.pop(question, None)
                answered = None
            else:
                model.move_to_end(question)
            assert memo.get(question, now) == answered
        assert len(memo) == len(model) <= capacity
