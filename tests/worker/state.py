"""What the Worker has kept, read behind its back: where the simulators keep D1, R2 and the cache.

Both are SQLite in WAL mode, which one process may read while another writes.
"""

import json
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

AGING = tuple(
    f"UPDATE {table} SET {', '.join(f'{column} = {column} - :ms' for column in columns)} "
    "WHERE key IN (SELECT value FROM json_each(:keys))"
    for table, columns in (
        (
            "media_files",
            ("url_expires_at", "created_at", "updated_at", "uploaded_at", "purge_due_at"),
        ),
        ("transfers", ("created_at", "expires_at", "lease_until")),
    )
)
"""What makes files older, as if all that was written of them had been so much earlier."""


class Kept(NamedTuple):
    """Everything that is kept.

    Attributes:
        rows: the rows of `media_files`, by key.
        objects: for each object in the bucket its size in bytes, by key.
    """

    rows: dict[str, dict[str, Any]]
    objects: dict[str, int]


def kept(state: Path) -> Kept:
    """Return everything that is kept in the folder of a Worker's state."""
    files = rows(state, "media_files")
    objects = _select(state, "r2", "SELECT key, size FROM _mf_objects")
    return Kept(
        rows={row["key"]: row for row in files},
        objects={entry["key"]: entry["size"] for entry in objects},
    )


def account(state: Path, scope: str) -> dict[str, Any]:
    """Return what a scope may have and has; empty where nothing was ever said of it."""
    return accounts(state).get(scope, {})


def counting(state: Path, scope: str) -> tuple[int, int]:
    """Return how many bytes, and how many files, count toward a scope's quota by its rows."""
    sizes = [
        row["file_size"]
        for row in kept(state).rows.values()
        if row["scope"] == scope
        and row["status"] in ("pending_upload", "uploaded")
        and row["charged"]
    ]
    return sum(sizes), len(sizes)


def accounts(state: Path) -> dict[str, dict[str, Any]]:
    """Return what each scope may have and has."""
    return {row["scope"]: row for row in rows(state, "quotas")}


def rows(state: Path, table: str) -> list[dict[str, Any]]:
    """Return every row of a table of the database, in the order in which SQLite has them."""
    return _select(state, "d1", f"SELECT * FROM {table}")


def multiparts(state: Path) -> dict[str, int]:
    """Return how many parts each multipart upload has that is neither joined nor abandoned."""
    uploads = _select(
        state,
        "r2",
        "SELECT upload_id, (SELECT count(*) FROM _mf_multipart_parts AS part "
        "WHERE part.upload_id = upload.upload_id) AS parts "
        "FROM _mf_multipart_uploads AS upload WHERE state = 0",
    )
    return {row["upload_id"]: row["parts"] for row in uploads}


def put_together(state: Path) -> set[str]:
    """Return the keys of which the store keeps parts that are neither joined nor abandoned.

    One without a part is a kill between its beginning and its row: nobody can find it, and the
    store ends it after seven days.
    """
    query = (
        "SELECT key FROM _mf_multipart_uploads AS upload WHERE state = 0 AND EXISTS "
        "(SELECT 1 FROM _mf_multipart_parts AS part WHERE part.upload_id = upload.upload_id)"
    )
    return {upload["key"] for upload in _select(state, "r2", query)}


def cached(state: Path) -> set[str]:
    """Return the entries of the edge cache, such as `private/t/acme/…`, percent-encoded."""
    entries = _select(state, "cache", "SELECT key FROM _mf_entries")
    return {entry["key"].partition("/cache/")[2] for entry in entries}


def await_cached(state: Path, *entries: str) -> None:
    """Wait until the entries are there: they are filled behind the answer.

    Raises:
        TimeoutError: they were not within some seconds.
    """
    end = time.monotonic() + 10
    while not cached(state).issuperset(entries):
        if time.monotonic() > end:
            raise TimeoutError(f"not cached: {set(entries) - cached(state)}")
        time.sleep(0.02)


def kept_for_tokens(state: Path) -> list[list[dict[str, Any]]]:
    """Return the revocations and the sets that are kept, each in the order of their making."""
    return [
        _select(state, "d1", "SELECT * FROM revoked_tokens ORDER BY revoked_at, jti"),
        _select(state, "d1", "SELECT * FROM media_sets ORDER BY created_at, id"),
    ]


def grow_older(state: Path, keys: list[str], milliseconds: int) -> None:
    """Move all instants of some files, and of their transfers, into the past.

    It is one short transaction, as `wrangler d1 execute --local` would make it from outside.
    """
    (path,) = _databases(state, "d1")
    with closing(sqlite3.connect(path)) as database, database:
        for statement in AGING:
            database.execute(statement, {"ms": milliseconds, "keys": json.dumps(keys)})


def bring_to_an_end(state: Path, token_id: str) -> None:
    """Make the time up for which a token's revocation, and its set, are kept."""
    (path,) = _databases(state, "d1")
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("UPDATE revoked_tokens SET expires_at = 0 WHERE jti = ?", (token_id,))
        database.execute("UPDATE media_sets SET expires_at = 0 WHERE id = ?", (token_id,))


def cut_off_delete(state: Path, key: str) -> None:
    """Leave a file's row as a delete leaves it that ended, an hour ago, after its first step."""
    (path,) = _databases(state, "d1")
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(
            "UPDATE media_files SET status = 'deleting', purge_due_at = updated_at - 3600000 "
            "WHERE key = ?",
            (key,),
        )


def lose(state: Path, *keys: str) -> None:
    """Lose the rows of files, as a database does that is restored from an old backup."""
    (path,) = _databases(state, "d1")
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(
            "DELETE FROM media_files WHERE key IN (SELECT value FROM json_each(?))",
            (json.dumps(keys),),
        )


def _select(state: Path, simulator: str, query: str) -> list[dict[str, Any]]:
    """Return the rows of a query; none where the simulator has not written anything yet."""
    found: list[dict[str, Any]] = []
    for path in _databases(state, simulator):
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            connection.row_factory = sqlite3.Row
            found += (dict(row) for row in connection.execute(query))
    return found


def _databases(state: Path, simulator: str) -> list[Path]:
    files = (state / "v3" / simulator).glob("*/*.sqlite")
    return [file for file in files if file.name != "metadata.sqlite"]
