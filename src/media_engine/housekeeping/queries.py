"""The SQL of housekeeping. Every step takes a bounded number of rows, the oldest first.

SQLite uses a partial index only for a query that repeats the index's own condition, so each
query here says `status <> 'uploaded'`, however plain that already is, or asks for those that owe a
purge: otherwise a run would read every file there is.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from media_engine.housekeeping.plan import BATCH, BURIALS, MOST_FORGOTTEN, MOST_KEYS_FORGOTTEN
from media_engine.ports import Database, Statement


@dataclass(frozen=True, slots=True)
class Owing:
    """A file that owes caches a purge.

    Attributes:
        key: its key.
        removed: whether its bytes have to go as well.
    """

    key: str
    removed: bool


class HousekeepingQueries:
    """Moves files towards their end, and forgets what tokens needed.

    Args:
        database: where `media_files`, `idempotency_keys`, `revoked_tokens` and `media_sets` are.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def expire_pending(self, before: int, url_dead_before: int, now: int) -> int:
        """Give up uploads that were begun before an instant and can be stored no more.

        Args:
            before: the instant.
            url_dead_before: nothing comes any more where the last URL expired before this.
            now: since when their copies are to be purged.

        Returns:
            How many.
        """
        rows = await self._database.run(
            Statement(
                "UPDATE media_files SET status = 'expired', updated_at = ?, purge_due_at = ? "
                "WHERE id IN ("
                "SELECT id FROM media_files WHERE status <> 'uploaded' "
                "AND status = 'pending_upload' AND updated_at < ? AND url_expires_at < ? "
                "ORDER BY updated_at LIMIT ?"
                ") AND status = 'pending_upload' RETURNING id",
                (now, now, before, url_dead_before, BATCH),
            )
        )
        return len(rows.rows)

    async def owing(self, before: int, url_dead_before: int) -> Sequence[Owing]:
        """Return files that owe a purge since before an instant.

        Those are not among them that `doomed` returns.
        """
        rows = await self._database.run(
            Statement(
                "SELECT key, status FROM media_files WHERE purge_due_at < ? "
                "AND (status = 'uploaded' OR url_expires_at >= ?) ORDER BY purge_due_at LIMIT ?",
                (before, url_dead_before, BURIALS),
            )
        )
        return [Owing(str(row["key"]), row["status"] != "uploaded") for row in rows.rows]

    async def settle(self, keys: Sequence[str], before: int) -> None:
        """Record that the purges are under way which were due before an instant."""
        await self._database.run(
            Statement(
                "UPDATE media_files SET purge_due_at = NULL "
                "WHERE key IN (SELECT value FROM json_each(?)) AND purge_due_at < ?",
                (json.dumps(list(keys)), before),
            )
        )

    async def doomed(self, url_dead_before: int) -> Sequence[str]:
        """Return the keys of files whose bytes may go now."""
        rows = await self._database.run(
            Statement(
                "SELECT key FROM media_files WHERE status <> 'uploaded' "
                "AND status IN ('rejected', 'expired', 'deleting') "
                "AND url_expires_at < ? AND NOT EXISTS (SELECT 1 FROM transfers "
                "WHERE transfers.media_id = media_files.id AND transfers.role = 'whole' "
                "AND transfers.status <> 'done') ORDER BY updated_at LIMIT ?",
                (url_dead_before, BATCH),
            )
        )
        return [str(row["key"]) for row in rows.rows]

    async def bury(self, keys: Sequence[str], now: int) -> None:
        """Record that the bytes of these files are gone, and their copies with them."""
        await self._database.run(
            Statement(
                "UPDATE media_files SET status = 'gone', updated_at = ?, purge_due_at = NULL "
                "WHERE key IN (SELECT value FROM json_each(?)) "
                "AND status IN ('rejected', 'expired', 'deleting')",
                (now, json.dumps(list(keys))),
            )
        )

    async def forget(self, before: int) -> int:
        """Drop the rows of files that are gone since before an instant; return how many."""
        rows = await self._database.run(
            Statement(
                "DELETE FROM media_files WHERE id IN ("
                "SELECT id FROM media_files WHERE status <> 'uploaded' AND status = 'gone' "
                "AND updated_at < ? ORDER BY updated_at LIMIT ?) RETURNING id",
                (before, BATCH),
            )
        )
        return len(rows.rows)

    async def forget_revocations(self, before: int) -> int:
        """Drop the revocations of tokens that are dead since before an instant; return how many."""
        rows = await self._database.run(
            Statement(
                "DELETE FROM revoked_tokens WHERE (scope, jti) IN ("
                "SELECT scope, jti FROM revoked_tokens WHERE expires_at < ? "
                "ORDER BY expires_at LIMIT ?) RETURNING 1",
                (before, MOST_FORGOTTEN),
            )
        )
        return len(rows.rows)

    async def release(self, url_dead_before: int) -> int:
        """Give back the room of uploads of which nothing can come any more; return of how many.

        They stay pending: what did come, and was not completed, can be, if it still fits.
        """
        rows = await self._database.run(
            Statement(
                "UPDATE media_files SET charged = 0 WHERE id IN ("
                "SELECT id FROM media_files WHERE status = 'pending_upload' AND charged = 1 "
                "AND url_expires_at < ? ORDER BY url_expires_at LIMIT ?"
                ") AND status = 'pending_upload' RETURNING id",
                (url_dead_before, BATCH),
            )
        )
        return len(rows.rows)

    async def forget_sets(self, before: int) -> int:
        """Drop the sets whose tokens are dead since before an instant; return how many."""
        rows = await self._database.run(
            Statement(
                "DELETE FROM media_sets WHERE rowid IN ("
                "SELECT rowid FROM media_sets WHERE expires_at < ? "
                "ORDER BY expires_at LIMIT ?) RETURNING 1",
                (before, MOST_FORGOTTEN),
            )
        )
        return len(rows.rows)

    async def forget_keys(self, before: int) -> int:
        """Drop the names of requests that came before an instant; return how many."""
        rows = await self._database.run(
            Statement(
                "DELETE FROM idempotency_keys WHERE (scope, user_id, key) IN ("
                "SELECT scope, user_id, key FROM idempotency_keys WHERE created_at < ? "
                "ORDER BY created_at LIMIT ?) RETURNING 1",
                (before, MOST_KEYS_FORGOTTEN),
            )
        )
        return len(rows.rows)
