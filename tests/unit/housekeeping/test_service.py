"""The cron: what it takes away, what it leaves, and that it can be cut off anywhere."""

import re
from collections import Counter
from typing import Any, Literal

import pytest

from media_engine.errors import NotConfigured, R2Unavailable
from media_engine.housekeeping.plan import (
    BATCH,
    BURIALS,
    CALL_LIFE_MS,
    DAY_MS,
    GONE_LIFE_MS,
    HOUR_MS,
    MOST_FORGOTTEN,
    PENDING_LIFE_MS,
)
from media_engine.ports import Statement
from media_engine.purging.model import MAX_TAGS
from media_engine.uploads.model import LATE_PUT_MS
from tests.unit.engine import Engine, finish, members
from tests.unit.interrupted import InterruptedStore


def clean(engine: Engine) -> dict[str, Any]:
    """Run the cron; return what it reports, without the names of the event."""
    finish(engine.app.clean())
    event = dict(engine.log.events[-1])
    assert (event.pop("level"), event.pop("event")) == ("info", "media.housekeeping.run")
    return event


def report(**counts: int) -> dict[str, int]:
    steps = ("expired", "resumed", "removed", "forgotten", "released")
    rest = ("revocations", "sets", "keys", "transfers")
    return {**dict.fromkeys((*steps, *rest), 0), **counts}


def statuses(engine: Engine) -> dict[str, int]:
    return Counter(row["status"] for row in engine.rows())


def insert(engine: Engine, number: int, status: str, at: int, due: int | None = None) -> str:
    """Write the row of a file that has been in this status since `at`; return its key.

    Args:
        engine: whose database.
        number: makes its id.
        status: where it is in its life.
        at: when it was signed and changed last, in milliseconds.
        due: since when it owes a purge, if it does.
    """
    key = f"t/acme/blog/2026/11/{number:021}.jpg"
    uploaded = status == "uploaded"
    finish(
        engine.database.run(
            Statement(
                "INSERT INTO media_files (id, scope, key, service_code, file_name, mime_type,"
                " file_size, status, uploaded_by, etag, url_expires_at, created_at, updated_at,"
                " uploaded_at, purge_due_at) VALUES (?, 't:acme', ?, 'blog', 'a', 'image/jpeg',"
                " 5, ?, 'alice', ?, ?, ?, ?, ?, ?)",
                (
                    f"media_{number:021}",
                    key,
                    status,
                    '"tag"' if uploaded else None,
                    at + HOUR_MS,
                    at,
                    at,
                    at if uploaded else None,
                    due,
                ),
            )
        )
    )
    return key


def test_an_upload_may_be_completed_for_a_day_and_is_then_given_up() -> None:
    engine = Engine()
    engine.put(engine.presign())
    engine.clock.advance(PENDING_LIFE_MS)
    assert clean(engine) == report(released=1)
    assert statuses(engine) == {"pending_upload": 1}
    engine.clock.advance(1)
    assert clean(engine) == report(expired=1, removed=1)
    assert statuses(engine) == {"gone": 1}
    assert engine.store.keys() == set()


def test_a_tombstone_stays_until_nothing_can_be_stored_in_its_place() -> None:
    engine = Engine()
    upload = engine.presign()
    engine.put(upload, b"no")
    assert engine.complete(upload["mediaId"]).status == 422
    engine.clock.advance(HOUR_MS + LATE_PUT_MS + CALL_LIFE_MS)
    assert clean(engine) == report(resumed=1), "the copies of what was refused are purged"
    assert engine.store.keys() == {upload["key"]}
    engine.clock.advance(1)
    assert clean(engine) == report(removed=1)
    assert engine.store.keys() == set()
    assert statuses(engine) == {"gone": 1}


def test_what_is_being_deleted_is_gone_after_a_run() -> None:
    engine = Engine()
    key = insert(engine, 1, "deleting", engine.clock.now() - DAY_MS)
    engine.store.put(key, b"bytes")
    assert clean(engine) == report(removed=1)
    assert engine.store.keys() == set()
    assert statuses(engine) == {"gone": 1}


def test_a_file_that_is_gone_is_remembered_for_ninety_days() -> None:
    engine = Engine()
    upload = engine.presign(visibility="public")
    engine.clock.advance(PENDING_LIFE_MS + 1)
    clean(engine)
    engine.clock.advance(GONE_LIFE_MS)
    assert clean(engine) == report()
    assert engine.fetch("GET", f"/m/{upload['key']}").status == 410
    assert members(engine.complete(upload["mediaId"]))["code"] == "MEDIA_GONE"
    engine.clock.advance(1)
    assert clean(engine) == report(forgotten=1)
    assert engine.rows() == []
    assert members(engine.complete(upload["mediaId"]))["code"] == "MEDIA_NOT_FOUND"


def test_an_uploaded_file_is_never_touched() -> None:
    engine = Engine()
    file = engine.upload()
    before = engine.rows()
    for _ in range(5):
        engine.clock.advance(400 * DAY_MS)
        assert clean(engine) == report()
    assert engine.rows() == before
    assert engine.store.keys() == {file["key"]}
    assert engine.store.operations["delete"] == 0


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_run_that_the_store_cuts_off_is_finished_by_the_next(
    moment: Literal["before", "after"],
) -> None:
    store = InterruptedStore()
    engine = Engine(store=store)
    engine.put(engine.presign())
    engine.clock.advance(PENDING_LIFE_MS + 1)
    store.fails = moment
    with pytest.raises(R2Unavailable):
        finish(engine.app.clean())
    assert statuses(engine) == {"expired": 1}
    assert clean(engine) == report(removed=1)
    assert statuses(engine) == {"gone": 1}
    assert store.keys() == set()


def test_a_run_takes_a_bounded_number_of_each_the_oldest_first() -> None:
    engine = Engine()
    now = engine.clock.now()
    for number in range(BATCH + 3):
        engine.store.put(insert(engine, number, "pending_upload", now - 5 * DAY_MS - number), b"x")
        insert(engine, BATCH + 3 + number, "gone", now - 2 * GONE_LIFE_MS - number)
    assert clean(engine) == report(expired=BATCH, removed=BATCH, forgotten=BATCH, released=3)
    # The youngest three of each are left.
    assert sorted((row["status"], row["id"]) for row in engine.rows()) == sorted(
        [
            *(("gone", f"media_{number:021}") for number in range(3, BATCH + 3)),
            *(("gone", f"media_{BATCH + 3 + number:021}") for number in range(3)),
            *(("pending_upload", f"media_{number:021}") for number in range(3)),
        ]
    )
    assert len(engine.store.keys()) == 3
    assert clean(engine) == report(expired=3, removed=3, forgotten=3)
    assert clean(engine) == report()
    assert engine.store.keys() == set()


def test_what_must_wait_does_not_hold_up_what_may_go() -> None:
    engine = Engine()
    now = engine.clock.now()
    for number in range(BATCH):
        insert(engine, number, "rejected", now - HOUR_MS)
    ready = insert(engine, BATCH, "deleting", now - DAY_MS)
    finish(
        engine.database.run(
            Statement("UPDATE media_files SET updated_at = ? WHERE key = ?", (now, ready))
        )
    )
    assert clean(engine) == report(removed=1)
    assert statuses(engine) == {"rejected": BATCH, "gone": 1}


def end(engine: Engine, number: int, at: int) -> None:
    """Write a revocation and a set that are needed until `at`."""
    for sql in (
        "INSERT INTO revoked_tokens VALUES ('t:acme', ?, 0, ?)",
        "INSERT INTO media_sets VALUES ('t:acme', ?, '[]', 'alice', 0, ?)",
    ):
        finish(engine.database.run(Statement(sql, (f"tok_{number}", at))))


def left(engine: Engine) -> list[set[Any]]:
    """Return the ids of the revocations and of the sets that are left."""
    return [
        {row["jti"] for row in engine.rows("revoked_tokens")},
        {row["id"] for row in engine.rows("media_sets")},
    ]


def test_what_a_token_needed_is_forgotten_when_the_token_is_dead() -> None:
    engine = Engine()
    now = engine.clock.now()
    for number, at in enumerate((now - DAY_MS, now - 1, now, now + DAY_MS)):
        end(engine, number, at)
    assert clean(engine) == report(revocations=2, sets=2)
    assert left(engine) == [{"tok_2", "tok_3"}] * 2
    engine.clock.advance(1)
    assert clean(engine) == report(revocations=1, sets=1)
    assert left(engine) == [{"tok_3"}] * 2


def test_a_run_forgets_a_bounded_number_of_tokens_the_oldest_first() -> None:
    engine = Engine()
    now = engine.clock.now()
    for number in range(MOST_FORGOTTEN + 3):
        end(engine, number, now - DAY_MS - number)
    assert clean(engine) == report(revocations=MOST_FORGOTTEN, sets=MOST_FORGOTTEN)
    assert left(engine) == [{"tok_0", "tok_1", "tok_2"}] * 2
    assert clean(engine) == report(revocations=3, sets=3)
    assert clean(engine) == report()


def test_a_run_looks_at_no_token_that_lives() -> None:
    engine = Engine()
    clean(engine)
    for table, named in (
        ("revoked_tokens", "USING PRIMARY KEY (scope=? AND jti=?)"),
        ("media_sets", "USING INTEGER PRIMARY KEY (rowid=?)"),
    ):
        assert engine.database.plans(table) == [
            f"SEARCH {table} {named}",
            f"SEARCH {table} USING COVERING INDEX {table}_by_end (expires_at<?)",
        ]


def test_what_is_taken_away_is_purged() -> None:
    engine = Engine()
    upload = engine.presign()
    engine.put(upload)
    engine.clock.advance(PENDING_LIFE_MS + 1)
    clean(engine)
    tag = "m-" + upload["mediaId"].removeprefix("media_")
    message = {"kind": "purge", "version": 1, "tags": [tag]}
    assert sorted(engine.queue.waiting(), key=str) == [(0, message), (60, message)]
    assert engine.cache.operations.total() == 0, "where the cron runs, nobody has read it"


def test_a_call_is_given_its_time_and_then_the_cron_goes_on_with_it() -> None:
    engine = Engine()
    now = engine.clock.now()
    key = insert(engine, 1, "deleting", now, due=now)
    engine.store.put(key, b"bytes")
    engine.clock.advance(CALL_LIFE_MS)
    assert clean(engine) == report()
    assert engine.queue.operations["send"] == 0
    engine.clock.advance(1)
    assert clean(engine) == report(resumed=1)
    info = finish(engine.store.head(key))
    assert info is not None
    assert info.tombstone
    assert engine.queue.operations["send"] == 2
    assert clean(engine) == report(), "nothing is owed any more"


def test_an_uploaded_file_that_owes_a_purge_is_purged_and_stays() -> None:
    engine = Engine()
    now = engine.clock.now()
    key = insert(engine, 1, "uploaded", now - DAY_MS, due=now - HOUR_MS)
    engine.store.put(key, b"bytes")
    assert clean(engine) == report(resumed=1)
    assert (engine.store.keys(), engine.store.operations.total()) == ({key}, 0)
    assert statuses(engine) == {"uploaded": 1}
    assert engine.queue.operations["send"] == 2


def test_what_is_dead_and_owes_a_purge_is_removed_and_not_buried() -> None:
    engine = Engine()
    now = engine.clock.now()
    for number, status in enumerate(("deleting", "rejected", "expired")):
        key = insert(engine, number, status, now - DAY_MS, due=now - HOUR_MS)
        engine.store.put(key, b"bytes")
    assert clean(engine) == report(removed=3)
    assert engine.store.operations == {"delete": 1}
    assert engine.queue.operations["send"] == 2
    assert {row["purge_due_at"] for row in engine.rows()} == {None}


def test_what_owes_a_purge_is_taken_in_bounded_numbers_the_oldest_first() -> None:
    engine = Engine()
    now = engine.clock.now()
    for number in range(BURIALS + 3):
        insert(engine, number, "deleting", now - HOUR_MS, due=now - HOUR_MS - number)
    assert clean(engine) == report(resumed=BURIALS)
    assert engine.store.operations == {"put": BURIALS}
    owing = {row["id"] for row in engine.rows() if row["purge_due_at"] is not None}
    assert owing == {f"media_{number:021}" for number in range(3)}
    assert clean(engine) == report(resumed=3)


def test_a_queue_that_does_not_answer_holds_up_what_owes_and_nothing_else() -> None:
    engine = Engine()
    now = engine.clock.now()
    insert(engine, 1, "uploaded", now - DAY_MS, due=now - HOUR_MS)
    engine.store.put(insert(engine, 2, "deleting", now - DAY_MS), b"bytes")
    insert(engine, 3, "gone", now - 2 * GONE_LIFE_MS)
    engine.queue.down = True
    assert clean(engine) == report(forgotten=1)
    assert engine.store.keys() == set()
    assert statuses(engine) == {"uploaded": 1, "deleting": 1}
    engine.queue.down = False
    assert clean(engine) == report(resumed=1, removed=1)
    assert statuses(engine) == {"uploaded": 1, "gone": 1}
    assert engine.queue.operations["send"] == 2 + 4


def test_a_run_costs_at_most_twelve_statements_and_an_operation_for_what_was_cut_off() -> None:
    engine = Engine()
    clean(engine)
    assert (engine.store.operations.total(), engine.database.statements) == (0, 9)
    engine.put(engine.presign())
    engine.clock.advance(PENDING_LIFE_MS + 1)
    now = engine.clock.now()
    insert(engine, 1, "deleting", now, due=now - HOUR_MS)
    engine.database.statements = 0
    clean(engine)
    assert (engine.store.operations, engine.database.statements) == ({"delete": 1, "put": 1}, 12)
    assert engine.queue.operations["send"] == 4


def test_a_run_sends_two_messages_for_each_hundred_files_at_most() -> None:
    engine = Engine()
    now = engine.clock.now()
    for number in range(BATCH):
        insert(engine, number, "deleting", now - DAY_MS)
    assert clean(engine) == report(removed=BATCH)
    assert engine.queue.operations["send"] == 2 * BATCH / MAX_TAGS


def test_a_run_does_not_look_at_uploaded_files() -> None:
    engine = Engine()
    engine.put(engine.presign())
    engine.clock.advance(PENDING_LIFE_MS + 1)
    now = engine.clock.now()
    insert(engine, 1, "uploaded", now, due=now - HOUR_MS)
    engine.database.seen.clear()
    clean(engine)
    assert len(engine.database.seen) == 11
    by_id, by_key, unsettled, due, reserved = (
        "sqlite_autoindex_media_files_1",
        "sqlite_autoindex_media_files_2",
        "media_files_unsettled",
        "media_files_purge_due",
        "media_files_reserved",
    )
    steps = engine.database.plans()
    assert sum(unsettled in step for step in steps) == 3
    assert sum(due in step for step in steps) == 1
    for step in steps:
        indexes = f"{by_id}|{by_key}|{unsettled}|{due}|{reserved}"
        assert re.match(rf"SEARCH media_files USING (COVERING )?INDEX ({indexes}) ", step)


@pytest.mark.parametrize("bindings", [[], ["DB"], ["MEDIA_BUCKET"]])
def test_a_run_without_a_binding_says_which(bindings: list[str]) -> None:
    with pytest.raises(NotConfigured) as refused:
        finish(Engine(bindings=bindings).app.clean())
    assert refused.value.setting not in bindings
