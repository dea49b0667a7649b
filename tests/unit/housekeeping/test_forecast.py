"""The dry run: what it says is what the next run does, and it does nothing itself."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media_engine.housekeeping.plan import (
    BATCH,
    BURIALS,
    CALL_LIFE_MS,
    DAY_MS,
    GONE_LIFE_MS,
    HOUR_MS,
    MOST_FORGOTTEN,
    MOST_KEYS_FORGOTTEN,
    PENDING_LIFE_MS,
)
from media_engine.ports import SqlValue, Statement
from media_engine.signing.gateway import OWNER, READ, WRITE
from media_engine.transfers.plan import BATCH as MOST_TRANSFERS
from media_engine.transfers.plan import GRACE_MS
from media_engine.uploads.model import LATE_PUT_MS
from tests.unit.engine import ALICE_HEADERS, Engine, finish, members

OWNER_HEADERS = {
    name: value
    for name, value in {**ALICE_HEADERS, "x-user-permissions": OWNER}.items()
    if name != "x-tenant-id"
}
TABLES = (
    "media_files", "revoked_tokens", "media_sets", "idempotency_keys", "transfers", "quotas",
)  # fmt: skip

AGES = st.builds(
    int.__add__,
    st.sampled_from(
        [
            0,
            CALL_LIFE_MS,
            GRACE_MS,
            LATE_PUT_MS + CALL_LIFE_MS,
            PENDING_LIFE_MS,
            2 * DAY_MS,
            GONE_LIFE_MS,
            2 * GONE_LIFE_MS,
        ]
    ),
    st.integers(-1, 1),
)
"""How long ago something was, in milliseconds: around each deadline, and in between."""

STATUSES = ("pending_upload", "uploaded", "rejected", "expired", "deleting", "gone")
OWING = ("uploaded", "rejected", "expired", "deleting")

FILES = st.fixed_dictionaries(
    {
        "status": st.sampled_from([*STATUSES, *["pending_upload"] * 4]),
        "age": AGES,
        "url_age": AGES,
        "due_age": st.none() | AGES,
        "charged": st.integers(0, 1),
    }
)
TRANSFERS = st.fixed_dictionaries(
    {
        "role": st.sampled_from(["whole", "whole", "whole", "partial"]),
        "status": st.sampled_from(["open", "joining", "done", "given_up"]),
        "age": AGES,
        "lease_age": AGES,
    }
)


def forecast(engine: Engine) -> dict[str, dict[str, Any]]:
    """Ask what the next run would do; return its steps."""
    response = engine.fetch("GET", "/housekeeping", OWNER_HEADERS)
    assert response.status == 200, response.body
    steps: dict[str, dict[str, Any]] = members(response)["steps"]
    return steps


def counts(engine: Engine) -> dict[str, int]:
    return {name: step["count"] for name, step in forecast(engine).items()}


def clean(engine: Engine) -> dict[str, Any]:
    """Run the cron; return what it reports."""
    finish(engine.app.clean())
    event = engine.log.events[-1]
    assert event["event"] == "media.housekeeping.run"
    return {name: count for name, count in event.items() if name not in ("level", "event")}


def write(engine: Engine, sql: str, *values: SqlValue) -> None:
    finish(engine.database.run(Statement(sql, values)))


def insert_file(
    engine: Engine,
    number: int,
    status: str = "pending_upload",
    age: int = 0,
    url_age: int = 0,
    due_age: int | None = None,
    charged: int = 1,
) -> None:
    """Write the row of a file, whose instants are so many milliseconds ago."""
    now = engine.clock.now()
    uploaded = status == "uploaded"
    write(
        engine,
        "INSERT INTO media_files (id, scope, key, service_code, file_name, mime_type, file_size, "
        "status, uploaded_by, etag, url_expires_at, created_at, updated_at, uploaded_at, "
        "purge_due_at, charged) VALUES (?, 't:globex', ?, 'blog', 'a', 'image/jpeg', 5, ?, 'bob', "
        "?, ?, ?, ?, ?, ?, ?)",
        f"media_{number:021}",
        f"t/globex/blog/2026/11/{number:021}.jpg",
        status,
        '"tag"' if uploaded else None,
        now - url_age,
        now - age,
        now - age,
        now - age if uploaded else None,
        None if due_age is None or status not in OWING else now - due_age,
        charged,
    )


def insert_transfer(
    engine: Engine, number: int, role: str, status: str, age: int, lease_age: int
) -> None:
    """Write a transfer of the file of the same number."""
    now = engine.clock.now()
    write(
        engine,
        "INSERT INTO transfers (id, media_id, role, scope, uploaded_by, mime_type, file_name, key, "
        "way, most, part_size, status, lease_until, created_at, expires_at) "
        "VALUES (?, ?, ?, 't:globex', 'bob', 'image/jpeg', 'a', ?, 'tus', 5, 5, ?, ?, 0, ?)",
        f"transfer_{number}",
        f"media_{number:021}",
        role,
        f"t/globex/blog/2026/11/{number:021}.jpg",
        status,
        now - lease_age,
        now - age,
    )


def insert_rest(engine: Engine, number: int, age: int) -> None:
    """Write a revocation, a set and the name of a request, of that age."""
    at = engine.clock.now() - age
    write(engine, "INSERT INTO revoked_tokens VALUES ('t:globex', ?, 0, ?)", f"tok_{number}", at)
    write(
        engine,
        "INSERT INTO media_sets VALUES ('t:globex', ?, '[]', 'bob', 0, ?)",
        f"set_{number}",
        at,
    )
    write(
        engine,
        "INSERT INTO idempotency_keys (scope, user_id, key, fingerprint, media_id, created_at) "
        "VALUES ('t:globex', 'bob', ?, 'f', 'm', ?)",
        f"key_{number}",
        at,
    )


@given(
    st.lists(st.tuples(FILES, st.none() | TRANSFERS), max_size=12),
    st.lists(AGES, max_size=6),
)
@settings(max_examples=300, deadline=None)
def test_what_is_forecast_is_what_the_next_run_reports(
    files: list[tuple[dict[str, Any], dict[str, Any] | None]], rest: list[int]
) -> None:
    engine = Engine()
    for number, (file, transfer) in enumerate(files):
        insert_file(engine, number, **file)
        if transfer is not None:
            insert_transfer(engine, number, **transfer)
    for number, age in enumerate(rest):
        insert_rest(engine, number, age)
    for _ in range(3):  # What a run leaves is what the next one begins with.
        expected = counts(engine)
        assert clean(engine) == expected
        engine.clock.advance(CALL_LIFE_MS + 1)


def test_each_step_is_forecast_with_how_long_the_oldest_waits() -> None:
    engine = Engine()
    dead = LATE_PUT_MS + CALL_LIFE_MS + 1
    insert_file(engine, 1, "pending_upload", 3 * DAY_MS, 2 * DAY_MS)
    insert_file(engine, 2, "pending_upload", 2 * DAY_MS, DAY_MS)
    insert_file(engine, 3, "pending_upload", 5 * HOUR_MS, 4 * HOUR_MS)
    insert_file(engine, 4, "uploaded", DAY_MS, DAY_MS, due_age=7_000_000)
    insert_file(engine, 5, "rejected", 4 * DAY_MS, dead)
    insert_file(engine, 6, "gone", GONE_LIFE_MS + 1_999, DAY_MS)
    insert_transfer(engine, 2, "whole", "open", 2 * HOUR_MS, HOUR_MS + 1)
    insert_file(engine, 7, "pending_upload", 2 * DAY_MS, DAY_MS)
    insert_transfer(engine, 7, "whole", "done", HOUR_MS + 1, HOUR_MS + 1)
    insert_rest(engine, 1, DAY_MS + 5_000)
    expected = {
        "expired": (2, 3 * DAY_MS),
        "resumed": (1, 7_000_000),
        "removed": (4, 4 * DAY_MS),
        "forgotten": (1, GONE_LIFE_MS + 1_000),
        "revocations": (1, DAY_MS + 5_000),
        "sets": (1, DAY_MS + 5_000),
        "released": (1, 4 * HOUR_MS),
        "keys": (1, DAY_MS + 5_000),
        "transfers": (2, 2 * HOUR_MS),
    }
    assert forecast(engine) == {
        name: {"count": count, "bounded": False, "ageSeconds": age // 1000}
        for name, (count, age) in expected.items()
    }
    assert clean(engine) == {name: count for name, (count, _) in expected.items()}


def test_a_count_is_bounded_as_the_run_is_and_says_so() -> None:
    engine = Engine()
    for number in range(BATCH):
        insert_file(engine, number, "pending_upload", 3 * DAY_MS, 2 * DAY_MS)
    for number in range(BATCH, BATCH + 3):  # What is younger is released, and given up later.
        insert_file(engine, number, "pending_upload", 2 * DAY_MS, DAY_MS)
        insert_file(engine, BATCH + number, "rejected", DAY_MS, DAY_MS)
    for number in range(BURIALS):
        insert_file(engine, 3 * BATCH + number, "uploaded", DAY_MS, DAY_MS, due_age=DAY_MS)
    for number in range(BATCH - 1):
        insert_file(engine, 4 * BATCH + number, "gone", 2 * GONE_LIFE_MS)
    for number in range(MOST_TRANSFERS):
        insert_transfer(engine, 5 * BATCH + number, "whole", "open", DAY_MS, DAY_MS)
    for number in range(MOST_KEYS_FORGOTTEN + 1):
        insert_rest(engine, number, 2 * DAY_MS)
    expected = {
        "expired": (BATCH, True),
        "resumed": (BURIALS, True),
        "removed": (BATCH, True),
        "forgotten": (BATCH - 1, False),
        "revocations": (MOST_FORGOTTEN, True),
        "sets": (MOST_FORGOTTEN, True),
        "released": (3, False),
        "keys": (MOST_KEYS_FORGOTTEN, True),
        "transfers": (MOST_TRANSFERS, True),
    }
    steps = forecast(engine)
    assert {name: (step["count"], step["bounded"]) for name, step in steps.items()} == expected
    assert clean(engine) == {name: count for name, (count, _) in expected.items()}
    left = counts(engine)
    assert (left["expired"], left["removed"], left["keys"]) == (3, 6, 1)
    assert clean(engine) == left


def test_where_nothing_waits_every_step_is_nought() -> None:
    engine = Engine()
    steps = forecast(engine)
    nothing = {"count": 0, "bounded": False, "ageSeconds": None}
    assert steps == dict.fromkeys(clean(engine), nothing)


def test_a_forecast_changes_nothing_and_asks_nine_statements_of_the_database_alone() -> None:
    engine = Engine()
    for number, status in enumerate(STATUSES):
        insert_file(engine, number, status, 2 * GONE_LIFE_MS, 3 * HOUR_MS, due_age=HOUR_MS)
        insert_transfer(engine, number, "whole", "open", DAY_MS, DAY_MS)
    insert_rest(engine, 1, 2 * DAY_MS)
    before = {table: engine.rows(table) for table in TABLES}
    engine.database.statements = 0
    engine.database.seen.clear()
    steps = forecast(engine)
    assert engine.database.statements == 9
    assert all(statement.sql.startswith("SELECT ") for statement in engine.database.seen)
    assert any(step["count"] for step in steps.values())
    assert {table: engine.rows(table) for table in TABLES} == before
    assert engine.store.operations.total() == 0
    assert engine.queue.operations.total() == 0
    assert engine.cache.operations.total() == 0


def test_a_forecast_comes_to_rows_by_the_indexes_of_a_run() -> None:
    engine = Engine()
    forecast(engine)
    indexes = {
        "media_files": {"unsettled", "purge_due", "reserved"},
        "revoked_tokens": {"by_end"},
        "media_sets": {"by_end"},
        "idempotency_keys": {"by_age"},
    }
    for table, names in indexes.items():
        steps = [step for step in engine.database.plans(table) if step.startswith("S")]
        used = {step.split("INDEX ")[1].split(" ")[0] for step in steps}
        by_id = {"sqlite_autoindex_media_files_1"}
        assert used - by_id == {f"{table}_{name}" for name in names}
        assert all(step.startswith("SEARCH ") for step in steps), steps


@pytest.mark.parametrize("permissions", ["", READ, WRITE, f"{READ},{WRITE}", "system", "owner"])
def test_a_forecast_is_for_the_owner_of_the_system_alone(permissions: str) -> None:
    engine = Engine()
    headers = {**ALICE_HEADERS, "x-user-permissions": permissions}
    response = engine.fetch("GET", "/housekeeping", headers)
    assert (response.status, members(response)["code"]) == (403, "FORBIDDEN")
    assert engine.database.statements == 0


def test_a_forecast_is_for_nobody_who_acts_for_a_tenant() -> None:
    engine = Engine()
    response = engine.fetch("GET", "/housekeeping", {**OWNER_HEADERS, "x-tenant-id": "acme"})
    assert (response.status, members(response)["code"]) == (403, "FORBIDDEN")
    assert engine.database.statements == 0


def test_a_forecast_needs_the_gateways_key() -> None:
    engine = Engine()
    for key in ("", "wrong"):
        headers = {**OWNER_HEADERS, "x-gateway-key": key}
        assert engine.fetch("GET", "/housekeeping", headers).status == 401
    assert engine.fetch("GET", "/housekeeping").status == 401


def test_a_forecast_names_nobody() -> None:
    engine = Engine()
    insert_file(engine, 7, "rejected", 2 * DAY_MS, DAY_MS)
    insert_rest(engine, 7, 2 * DAY_MS)
    answer = str(engine.fetch("GET", "/housekeeping", OWNER_HEADERS).body)
    assert not any(name in answer for name in ("globex", "bob", "000007", "tok_", "set_", "key_"))


def test_the_log_tells_a_forecast_from_a_run() -> None:
    engine = Engine()
    forecast(engine)
    assert engine.log.events[-1]["event"] == "media.housekeeping"
    clean(engine)
