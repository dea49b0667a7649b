"""The SQL of access tokens."""

import json
from collections.abc import Mapping, Sequence

from media_engine.ports import Database, Statement


class SharingQueries:
    """Writes what tokens open, and which of them open nothing any more.

    Args:
        database: where `media_files`, `media_sets` and `revoked_tokens` are.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def keys(self, scope: str, ids: Sequence[str]) -> Mapping[str, str]:
        """Return the key of each of the files that the scope has, by its id.

        Reads three rows for each: D1 counts the list of ids as well.

        The plus keeps SQLite from reading all that the scope has by the index of scopes.
        """
        rows = await self._database.run(
            Statement(
                "SELECT id, key FROM media_files WHERE id IN (SELECT value FROM json_each(?)) "
                "AND +scope = ? AND status = 'uploaded'",
                (json.dumps(list(ids)), scope),
            )
        )
        return {str(row["id"]): str(row["key"]) for row in rows.rows}

    async def insert_set(
        self,
        scope: str,
        set_id: str,
        keys: Sequence[str],
        created_by: str,
        now: int,
        expires_at: int,
    ) -> None:
        """Write a set. One row and two entries of indexes, however many members it has."""
        await self._database.run(
            Statement(
                "INSERT INTO media_sets (scope, id, members, created_by, created_at, expires_at) "
                "VALUES (?, ?, ?, ?, ?, ?)",
                (scope, set_id, json.dumps(list(keys)), created_by, now, expires_at),
            )
        )

    async def revoke(self, scope: str, jti: str, now: int, expires_at: int) -> None:
        """Record that the scope's token of that id opens nothing any more."""
        await self._database.run(
            Statement(
                "INSERT INTO revoked_tokens (scope, jti, revoked_at, expires_at) "
                "VALUES (?, ?, ?, ?) ON CONFLICT (scope, jti) "
                "DO UPDATE SET expires_at = excluded.expires_at",
                (scope, jti, now, expires_at),
            )
        )
