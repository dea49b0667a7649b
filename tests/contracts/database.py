"""What a database promises: SQLite with the real migrations, whoever runs it."""

from typing import Protocol

from media_engine.errors import DatabaseError
from media_engine.ports import Database, Statement


class DatabaseHarness(Protocol):
    """A database that has the migrations."""

    database: Database


def insert(identifier: str, **changed: str | int | None) -> Statement:
    """Return a statement that inserts a pending file."""
    columns: dict[str, str | int | None] = {
        "id": f"media_{identifier}",
        "scope": "t:contract",
        "key": f"t/contract/{identifier}",
        "service_code": "blog",
        "file_name": "x.jpg",
        "mime_type": "image/jpeg",
        "file_size": 1,
        "uploaded_by": "somebody",
        "url_expires_at": 2,
        "created_at": 1,
        "updated_at": 1,
        **changed,
    }
    marks = ", ".join("?" * len(columns))
    return Statement(
        f"INSERT INTO media_files ({', '.join(columns)}) VALUES ({marks})",
        tuple(columns.values()),
    )


def select(identifier: str) -> Statement:
    """Return a statement that reads it back."""
    return Statement("SELECT * FROM media_files WHERE id = ?", (f"media_{identifier}",))


async def _refuses(harness: DatabaseHarness, *statements: Statement) -> bool:
    try:
        await harness.database.batch(statements)
    except DatabaseError:
        return True
    return False


async def a_value_comes_back_as_it_went_in(harness: DatabaseHarness) -> None:
    large = 1_795_000_000_123
    await harness.database.run(
        insert("values", file_name='Grüße 🏔 "x"\n', created_at=large, album=None)
    )
    row = (await harness.database.run(select("values"))).first()
    assert row is not None
    assert row["file_name"] == 'Grüße 🏔 "x"\n'
    assert row["created_at"] == large
    assert isinstance(row["created_at"], int)
    assert row["album"] is None


async def no_row_is_none(harness: DatabaseHarness) -> None:
    assert (await harness.database.run(select("absent"))).first() is None


async def returning_gives_the_rows_that_changed(harness: DatabaseHarness) -> None:
    await harness.database.run(insert("returning"))
    update = Statement(
        "UPDATE media_files SET status = 'expired' WHERE id = ? AND status = 'pending_upload' "
        "RETURNING id, status",
        ("media_returning",),
    )
    first = await harness.database.run(update)
    assert [dict(row) for row in first.rows] == [{"id": "media_returning", "status": "expired"}]
    second = await harness.database.run(update)
    assert second.first() is None


async def a_batch_is_done_whole(harness: DatabaseHarness) -> None:
    results = await harness.database.batch([insert("batch-1"), select("batch-1")])
    assert len(results) == 2
    assert results[1].first() is not None


async def a_batch_that_fails_leaves_nothing(harness: DatabaseHarness) -> None:
    assert await _refuses(harness, insert("half-1"), insert("half-2"), insert("half-1"))
    assert (await harness.database.run(select("half-1"))).first() is None
    assert (await harness.database.run(select("half-2"))).first() is None


async def a_key_cannot_be_used_twice(harness: DatabaseHarness) -> None:
    await harness.database.run(insert("unique-1"))
    assert await _refuses(harness, insert("unique-2", key="t/contract/unique-1"))


async def the_schema_refuses_what_makes_no_sense(harness: DatabaseHarness) -> None:
    assert await _refuses(harness, insert("nonsense", status="asleep"))
    assert await _refuses(harness, insert("nonsense", visibility="secret"))
    assert await _refuses(harness, insert("nonsense", scope="nobody"))
    assert await _refuses(harness, insert("nonsense", file_size=0))
    assert await _refuses(harness, insert("nonsense", file_size="large"))
    assert await _refuses(harness, insert("nonsense", status="uploaded"))
    assert await _refuses(harness, insert("nonsense", uploaded_at=5))


async def a_list_travels_as_json(harness: DatabaseHarness) -> None:
    await harness.database.batch([insert("list-1"), insert("list-2")])
    rows = await harness.database.run(
        Statement(
            "SELECT id FROM media_files WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id",
            ('["media_list-2", "media_list-1", "media_list-3"]',),
        )
    )
    assert [row["id"] for row in rows.rows] == ["media_list-1", "media_list-2"]


CASES = (
    a_value_comes_back_as_it_went_in,
    no_row_is_none,
    returning_gives_the_rows_that_changed,
    a_batch_is_done_whole,
    a_batch_that_fails_leaves_nothing,
    a_key_cannot_be_used_twice,
    the_schema_refuses_what_makes_no_sense,
    a_list_travels_as_json,
)
