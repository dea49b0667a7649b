"""The SQL of the library."""

import json
from collections.abc import Sequence

from media_engine.ports import Database, Rows, Statement
from media_engine.uploads.model import MediaFile, Visibility


class LibraryQueries:
    """Reads a scope's files, and changes them where they still are what the caller may change.

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

    async def find(self, scope: str, media_id: str) -> MediaFile | None:
        """Return the scope's file of that id, whatever its status."""
        rows = await self._database.run(
            Statement(
                "SELECT * FROM media_files WHERE id = ? AND scope = ?",
                (media_id, scope),
            )
        )
        return _first(rows)

    async def condemn(
        self, scope: str, media_id: str, shim: str | None, revision: int | None, now: int
    ) -> MediaFile | None:
        """Let a file be deleted, or an upload be given up; None if it is neither, or not theirs.

        Nothing comes after a deletion, so an older one is none the less one.

        Args:
            scope: whose file it is.
            media_id: its id.
            shim: who asks, where it is a shim.
            revision: the number that the shim gave to this change, or None.
            now: since when its copies are to be purged.
        """
        rows = await self._database.run(
            Statement(
                "UPDATE media_files SET status = CASE status WHEN 'uploaded' THEN 'deleting' "
                "ELSE 'expired' END, updated_at = ?, purge_due_at = ?, "
                "revision = max(revision, coalesce(?, 0)) WHERE id = ? AND scope = ? "
                "AND status IN ('uploaded', 'pending_upload') "
                "AND (managed_by IS NULL OR managed_by = ?) RETURNING *",
                (now, now, revision, media_id, scope, shim),
            )
        )
        return _first(rows)

    async def show_to(
        self,
        scope: str,
        media_id: str,
        visibility: Visibility,
        shim: str | None,
        revision: int | None,
        now: int,
    ) -> MediaFile | None:
        """Change who sees an uploaded file; None if nothing is to be changed, or not by them.

        A change that has a number is kept by it, also where the file is shown as it was: an older
        one that comes later changes nothing. What was public may be in caches, so that a purge is
        due from the moment on in which it is not.

        Args:
            scope: whose file it is.
            media_id: its id.
            visibility: who is to see it.
            shim: who asks, where it is a shim.
            revision: the number that the shim gave to this change, or None.
            now: the time in milliseconds.
        """
        rows = await self._database.run(
            Statement(
                "UPDATE media_files SET visibility = ?, updated_at = ?, "
                "revision = coalesce(?, revision), purge_due_at = "
                "CASE WHEN visibility = 'public' AND ? = 'private' THEN ? ELSE purge_due_at END "
                "WHERE id = ? AND scope = ? AND status = 'uploaded' "
                # Of what is compared with no number, neither is so.
                "AND (visibility <> ? OR revision < ?) AND NOT coalesce(revision > ?, 0) "
                "AND (managed_by IS NULL OR managed_by = ?) RETURNING *",
                (
                    visibility,
                    now,
                    revision,
                    visibility,
                    now,
                    media_id,
                    scope,
                    visibility,
                    revision,
                    revision,
                    shim,
                ),
            )
        )
        return _first(rows)

    async def bury(self, file: MediaFile, now: int) -> None:
        """Record that a file is gone: no bytes, no copies, and nothing can be stored again."""
        await self._database.run(
            Statement(
                "UPDATE media_files SET status = 'gone', updated_at = ?, purge_due_at = NULL "
                "WHERE id = ? AND status IN ('rejected', 'expired', 'deleting')",
                (now, file.id),
            )
        )

    async def settle(self, file: MediaFile) -> None:
        """Record that the purge is under way which was due for this version of the file."""
        await self._database.run(
            Statement(
                "UPDATE media_files SET purge_due_at = NULL WHERE id = ? AND purge_due_at = ?",
                (file.id, file.purge_due_at),
            )
        )


def _first(rows: Rows) -> MediaFile | None:
    row = rows.first()
    return None if row is None else MediaFile.from_row(row)
