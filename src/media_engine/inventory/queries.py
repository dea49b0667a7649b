"""The SQL of the inventory."""

import json
from collections.abc import Mapping, Sequence
from typing import Final

from media_engine.inventory.model import KeyName, ManagedFile
from media_engine.ports import Database, SqlValue, Statement

_SHOWN: Final = (
    "id, key, status, visibility, mime_type, file_size, file_name, etag, sha256, revision, "
    "created_at, uploaded_at, updated_at"
)
_RESTORED: Final = (
    "id", "scope", "key", "service_code", "album", "file_name", "mime_type", "file_size", "status",
    "visibility", "managed_by", "uploaded_by", "etag", "url_expires_at", "created_at",
    "updated_at", "uploaded_at", "sha256", "revision",
)  # fmt: skip


class InventoryQueries:
    """Reads what a shim manages, across all scopes, and makes rows again that were lost.

    Args:
        database: where `media_files` is.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def managed(
        self, shim: str, after: str, before: str, limit: int
    ) -> Sequence[ManagedFile]:
        """Return the first files of a shim between two keys, in the order of their keys.

        So many rows are read as are returned.

        Args:
            shim: whose files.
            after: the key behind which they begin.
            before: the key before which they end.
            limit: how many at most.
        """
        rows = await self._database.run(
            Statement(
                f"SELECT {_SHOWN} FROM media_files WHERE managed_by = ? AND key > ? AND key < ? "
                "ORDER BY key LIMIT ?",
                (shim, after, before, limit),
            )
        )
        return [ManagedFile.from_row(row) for row in rows.rows]

    async def managers(self, keys: Sequence[str]) -> Mapping[str, str | None]:
        """Return, for each of the keys that a file has, who manages it. One statement.

        They are looked up one by one: between two keys of objects there may be any number of rows
        that have none.
        """
        rows = await self._database.run(
            Statement(
                "SELECT key, managed_by FROM media_files "
                "WHERE key IN (SELECT value FROM json_each(?))",
                (json.dumps(list(keys)),),
            )
        )
        managers: dict[str, str | None] = {}
        for row in rows.rows:
            manager = row["managed_by"]
            managers[str(row["key"])] = None if manager is None else str(manager)
        return managers

    async def statuses(self, names: Sequence[KeyName]) -> Mapping[str, str]:
        """Return the statuses of the files that have these keys or ids, whosever they are.

        One statement.

        Returns:
            Each file's status, by its key and by its id.
        """
        rows = await self._database.run(
            Statement(
                "SELECT id, key, status FROM media_files "
                "WHERE key IN (SELECT value FROM json_each(?)) UNION ALL "
                "SELECT id, key, status FROM media_files "
                "WHERE id IN (SELECT value FROM json_each(?))",
                (
                    json.dumps([name.key for name in names]),
                    json.dumps([name.media_id for name in names]),
                ),
            )
        )
        return {
            str(row[column]): str(row["status"]) for row in rows.rows for column in ("id", "key")
        }

    async def restore(self, rows: Sequence[Mapping[str, SqlValue]]) -> frozenset[str]:
        """Write rows of files where neither the key nor the id is taken. One statement.

        They are all there or none is, and the scopes' accounts with them.

        Returns:
            The ids of those that were written.
        """
        values = ", ".join(f"json_extract(value, '$.{column}')" for column in _RESTORED)
        written = await self._database.run(
            Statement(
                f"INSERT INTO media_files ({', '.join(_RESTORED)}) "
                # Without a WHERE the parser takes ON for the beginning of a join.
                f"SELECT {values} FROM json_each(?) WHERE true "
                "ON CONFLICT DO NOTHING RETURNING id",
                (json.dumps([dict(row) for row in rows]),),
            )
        )
        return frozenset(str(row["id"]) for row in written.rows)
