"""What counts as drift, with no database and no Worker."""

import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_shim.inventory import ManagedRow
from media_shim.reconcile import brake
from media_shim.reconcile.drift import MEANING, QUARANTINES, REMOVES, REPAIR, Drift
from media_shim.reconcile.judge import Witnesses, judge
from media_shim.reconcile.merge import OutOfOrder, merge
from media_shim.reconcile.states import App, AppFile, Row, Stored
from media_shim.reconcile.survey import Ledger, Seen, survey
from media_shim.reconcile.table import TABLE
from tests.recovery.witness import (
    BEFORE,
    SERVICE,
    app_file,
    key_of,
    row,
    stored,
    witnesses,
)

ALL = list(product(App, Row, Stored))
TENANTS = ["t/A", "t/a", "t/a-b", "t/a_b", "t/ab", "t/Z", "u/1", "u/a"]


def drifts(seen: Witnesses, service: str = SERVICE) -> list[Drift]:
    return [finding.drift for finding in judge(seen, BEFORE, service)]


# The table.


def test_no_combination_of_states_is_forgotten() -> None:
    assert set(TABLE) == set(ALL)
    assert len(ALL) == 7 * 7 * 3


def test_every_kind_of_drift_comes_about_means_something_and_fits_a_terminal() -> None:
    of_facts = {
        Drift.TOO_OPEN,
        Drift.TOO_CLOSED,
        Drift.STALE_VISIBILITY,
        Drift.STALE_NAME,
        Drift.FACTS_DIFFER,
        Drift.OBJECT_DIFFERS,
        Drift.TARGET_GONE,
    }
    assert {drift for drift in TABLE.values() if drift} | of_facts == set(Drift)
    assert set(MEANING) == set(Drift)
    assert max(len(meaning) for meaning in MEANING.values()) <= 80 - 16 - 9 - 2
    assert list(REPAIR) == [drift for drift in Drift if drift in REPAIR]
    assert next(iter(REPAIR)) is Drift.TOO_OPEN


@pytest.mark.parametrize("states", ALL, ids=lambda states: "-".join(states))
def test_what_the_table_says_is_what_is_found(states: tuple[App, Row, Stored]) -> None:
    expected = TABLE[states]
    assert drifts(witnesses(*states)) == ([] if expected is None else [expected])


@pytest.mark.parametrize("states", ALL, ids=lambda states: "-".join(states))
def test_what_the_application_wants_to_keep_is_never_removed(
    states: tuple[App, Row, Stored],
) -> None:
    if states[0] in (App.COMMITTED, App.PENDING, App.NONE, App.QUARANTINED):
        assert TABLE[states] not in REMOVES
    if states[0] is not App.NONE:
        assert TABLE[states] is not Drift.STRAY_ROW


@pytest.mark.parametrize("who", ["app", "row", "stored"])
def test_nothing_counts_that_changed_within_the_grace(who: str) -> None:
    """By the time that each of the three wrote down itself."""
    seen = replace(
        witnesses(App.COMMITTED, Row.UPLOADED, Stored.BYTES),
        row=row(key_of(), visibility="public", etag='"other"'),
    )
    assert drifts(seen) == [Drift.TOO_OPEN, Drift.OBJECT_DIFFERS]
    when = "stored_at" if who == "stored" else "changed_at"
    young = replace(getattr(seen, who), **{when: BEFORE})
    assert drifts(replace(seen, **{who: young})) == []
    just_older = replace(young, **{when: BEFORE - timedelta(microseconds=1)})
    assert len(drifts(replace(seen, **{who: just_older}))) == 2


# What is ours.


@pytest.mark.parametrize(
    ("key", "is_ours"),
    [
        (key_of(), True),
        (key_of(owner="u/7"), True),
        ("t/acme/app/a/summer/" + "x" * 21 + ".jpg", True),
        (key_of(service="app2"), False),
        (key_of(service="ap"), False),
        (key_of(service="App"), False),
        ("t/app/2026/11/" + "x" * 21 + ".jpg", False),
        ("t/acme/app.jpg", False),
        ("t/acme/app/2026/13/" + "x" * 21 + ".jpg", False),
        ("v/" + key_of(), False),
        (key_of() + "/poster.jpg", False),
    ],
)
def test_of_nobodys_objects_those_with_our_service_are_ours(key: str, is_ours: bool) -> None:
    seen = Witnesses(key, stored=stored(key, is_owned=False))
    assert drifts(seen) == ([Drift.STRAY_OBJECT] if is_ours else [])


def test_a_file_that_the_application_knows_is_ours_whatever_service_it_was_for() -> None:
    key = key_of(service="of-last-year")
    assert drifts(witnesses(App.COMMITTED, Row.NONE, Stored.BYTES, key)) == [Drift.ROW_LOST]
    assert drifts(witnesses(App.NONE, Row.UPLOADED, Stored.BYTES, key)) == [Drift.STRAY_ROW]


# What they disagree about.


@pytest.mark.parametrize(
    ("app", "in_row", "expected"),
    [
        ({}, {"visibility": "public"}, Drift.TOO_OPEN),
        ({"visibility": "public", "delivered_visibility": "public"}, {}, Drift.TOO_CLOSED),
        (
            {"visibility": "public", "delivered_visibility": "private"},
            {"visibility": "public"},
            Drift.STALE_VISIBILITY,
        ),
        ({"delivered_visibility": "public"}, {}, Drift.STALE_VISIBILITY),
        ({"is_changing": True}, {"visibility": "public"}, None),
        ({"state": App.QUARANTINED}, {"visibility": "public"}, Drift.TOO_OPEN),
        ({"state": App.QUARANTINED}, {"file_name": "another.jpg"}, None),
        ({"state": App.TELLING}, {"visibility": "public"}, None),
        ({"is_orphaned": True, "attached_to": "blog.post:7"}, {}, Drift.TARGET_GONE),
        ({}, {"file_name": "another.jpg"}, Drift.STALE_NAME),
        ({"bytes": 8}, {}, Drift.FACTS_DIFFER),
        ({}, {"content_type": "image/png"}, Drift.FACTS_DIFFER),
        ({"media_id": "media_another"}, {}, Drift.FACTS_DIFFER),
        ({}, {"etag": '"another"'}, Drift.OBJECT_DIFFERS),
        ({"bytes": 8}, {"bytes": 8}, Drift.OBJECT_DIFFERS),
    ],
)
def test_a_disagreement_has_a_name(
    app: dict[str, Any], in_row: dict[str, Any], expected: Drift | None
) -> None:
    key = key_of()
    seen = Witnesses(key, app_file(key, **app), row(key, **in_row), stored(key))
    assert drifts(seen) == ([] if expected is None else [expected])


def test_a_persons_name_for_a_file_is_not_among_the_facts() -> None:
    key = key_of()
    seen = Witnesses(key, app_file(key), row(key, file_name="diagnosis.jpg"), stored(key))
    (finding,) = judge(seen, BEFORE, SERVICE)
    assert "diagnosis" not in repr(finding)


# Three streams.


@given(
    st.lists(
        st.tuples(
            st.sampled_from(TENANTS),
            st.integers(0, 50),
            st.booleans(),
            st.booleans(),
            st.booleans(),
        ),
        unique_by=lambda one: (one[0], one[1]),
    )
)
def test_a_merge_is_a_join_of_three(entries: list[tuple[str, int, bool, bool, bool]]) -> None:
    placed: list[Any] = sorted((key_of(number, owner), *there) for owner, number, *there in entries)
    merged = list(
        merge(
            (app_file(key) for key, a, _, _ in placed if a),
            (row(key) for key, _, r, _ in placed if r),
            (stored(key) for key, _, _, s in placed if s),
        )
    )
    assert [
        (one.key, one.app is not None, one.row is not None, one.stored is not None)
        for one in merged
    ] == [one for one in placed if any(one[1:])]


@pytest.mark.parametrize("which", range(3))
def test_a_stream_in_another_order_is_not_believed(which: int) -> None:
    """A database that sorts `a` before `B` would make strays of files that are there."""
    wrong = [key_of(owner="t/a"), key_of(owner="t/B")]
    streams: list[Any] = [[], [], []]
    makers: Any = (app_file, row, stored)
    streams[which] = [makers[which](key) for key in wrong]
    with pytest.raises(OutOfOrder):
        list(merge(*streams))


def _a_million_or_so(number: int) -> tuple[Iterator[AppFile], Iterator[ManagedRow], Any]:
    """Of each hundred keys one is a stray row, one lost its row, and one its bytes."""
    return (
        (app_file(key_of(n)) for n in range(number) if n % 100 != 1),
        (row(key_of(n)) for n in range(number) if n % 100 != 2),
        (stored(key_of(n)) for n in range(number) if n % 100 != 3),
    )


def peak_of(number: int) -> int:
    """Return how much memory a survey of so many keys takes at most, in bytes."""
    app, rows, objects = _a_million_or_so(number)
    seen = Seen()
    tracemalloc.start()
    try:
        with Ledger() as ledger:
            for finding in survey(
                app,
                rows,
                objects,
                again=lambda keys: {
                    key: app_file(key) for key in keys if int(key[-25:-4]) % 100 != 1
                },
                before=BEFORE,
                service=SERVICE,
                seen=seen,
            ):
                ledger.add(finding)
            assert ledger.counts == {
                Drift.STRAY_ROW: number // 100,
                Drift.ROW_LOST: number // 100,
                Drift.BYTES_LOST: number // 100,
            }
            assert sum(1 for _ in ledger.keys(Drift.STRAY_ROW)) == number // 100
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        assert (seen.keys, seen.rows) == (number, number - number // 100)


def test_memory_does_not_grow_with_the_number_of_files() -> None:
    many = peak_of(100_000)
    # A list of as many keys alone would take ten times as much.
    assert many < 2**20


# What seems wrong is asked again.


def test_what_was_mended_meanwhile_is_no_drift() -> None:
    key = key_of()
    rows, objects = [row(key)], [stored(key)]

    def found(again: AppFile | None) -> list[Drift]:
        said = {} if again is None else {key: again}
        ours: list[AppFile] = []
        return [
            one.drift
            for one in survey(
                ours,
                rows,
                objects,
                again=lambda _: said,
                before=BEFORE,
                service=SERVICE,
                seen=Seen(),
            )
        ]

    assert found(None) == [Drift.STRAY_ROW]
    assert found(app_file(key)) == []
    assert found(app_file(key, App.TELLING)) == []


# The brake.


@pytest.mark.parametrize("drift", [*QUARANTINES, *REMOVES])
def test_a_repair_stops_before_much_would_go(drift: Drift) -> None:
    seen = Seen(keys=1000, app=1000, rows=1000, objects=1000)
    assert brake.objection({drift: 100}, seen) is None
    assert brake.objection({drift: 101}, seen) is not None
    assert brake.objection({drift: 101}, replace(seen, app=2000, rows=2000)) is None
    assert brake.objection({drift: 100}, Seen(keys=100, rows=100)) is None


def test_to_bring_back_whatever_is_lost_needs_no_consent() -> None:
    assert brake.objection({Drift.ROW_LOST: 10**6, Drift.TOO_OPEN: 10**6}, Seen()) is None


def test_the_brake_adds_up_what_would_go() -> None:
    seen = Seen(keys=1000, app=1000, rows=1000, objects=1000)
    assert brake.objection({Drift.STRAY_ROW: 60, Drift.STRAY_OBJECT: 60}, seen) is not None
