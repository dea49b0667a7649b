"""The SQL of the library."""

import json
from collections.abc import Sequence

from media_engine.ports import Database, Statement
from media_engine.uploads.model import MediaFile


class LibraryQueries:
    """Reads a scope's files.

    Args:
        database: where `media_files` is.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def uploaded(self, scope: str, ids: Sequence[str]) -> Sequence[MediaFile]:
        """Return those of the files that the scope has, in no order. One query, a row each.

        The plus keeps SQLite from reading all that the scope has by the index of scopes.
        """
        rows = await self._database.run(
            Statement(
                "SELECT * FROM media_files WHERE id IN (SELECT value FROM json_each(?)) "
                "AND +scope = ? AND status = 'uploaded'",
                (json.dumps(list(ids)), scope),
            )
        )
        return [MediaFile.from_row(row) for row in rows.rows]
