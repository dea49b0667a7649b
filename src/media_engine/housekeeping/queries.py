"""The SQL of housekeeping. Every step takes a bounded number of rows, the oldest first.

SQLite uses a partial index only for a query that repeats the index's own condition, so each
query here says `status <> 'uploaded'`, however plain that already is, or asks for those that owe a
purge: otherwise a run would read every file there is.

What a step takes is said once, as a `Step`: the run changes what it selects, and the forecast
counts it.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from media_engine.housekeeping.model import Due, Ending
from media_engine.housekeeping.plan import (
    BATCH,
    BURIALS,
    MOST_FORGOTTEN,
    MOST_KEYS_FORGOTTEN,
    Deadlines,
)
from media_engine.ports import Database, Rows, SqlValue, Statement


@dataclass(frozen=True, slots=True)
class Step:
    """What one step of a run takes.

    Attributes:
        table: whose rows.
        condition: which of them.
        since: the column that says since when a row waits. The oldest are taken first.
        most: how many at most.
    """

    table: str
    condition: str
    since: str
    most: int

    def select(self, columns: str, but: str = "") -> str:
        """Return the query of what is taken.

        Args:
            columns: what of it.
            but: a condition of the forecast's, for what an earlier step will have taken.
        """
        return (
            f"SELECT {columns} FROM {self.table} WHERE {self.condition}{but} "
            f"ORDER BY {self.since} LIMIT {self.most}"
        )


_EMPTY: Final = (
    "url_expires_at < ? AND NOT EXISTS (SELECT 1 FROM transfers "
    "WHERE transfers.media_id = media_files.id AND transfers.role = 'whole' "
    "AND transfers.status <> 'done' AND transfers.id NOT IN (SELECT value FROM json_each(?)))"
)
"""No bytes come any more by the file's URL, nor by a transfer that is not one of these."""

_EXPIRED: Final = Step(
    "media_files",
    "status <> 'uploaded' AND status = 'pending_upload' AND updated_at < ? AND url_expires_at < ?",
    "updated_at",
    BATCH,
)
_RESUMED: Final = Step(
    "media_files",
    "purge_due_at < ? AND (status = 'uploaded' OR url_expires_at >= ?)",
    "purge_due_at",
    BURIALS,
)
_REMOVED: Final = Step(
    "media_files",
    f"status <> 'uploaded' AND status IN ('rejected', 'expired', 'deleting') AND {_EMPTY}",
    "updated_at",
    BATCH,
)
_FORGOTTEN: Final = Step(
    "media_files",
    "status <> 'uploaded' AND status = 'gone' AND updated_at < ?",
    "updated_at",
    BATCH,
)
_REVOCATIONS: Final = Step("revoked_tokens", "expires_at < ?", "expires_at", MOST_FORGOTTEN)
_SETS: Final = Step("media_sets", "expires_at < ?", "expires_at", MOST_FORGOTTEN)
_RELEASED: Final = Step(
    "media_files",
    "status = 'pending_upload' AND charged = 1 AND url_expires_at < ?",
    "url_expires_at",
    BATCH,
)
_KEYS: Final = Step("idempotency_keys", "created_at < ?", "created_at", MOST_KEYS_FORGOTTEN)

_NO_IDS: Final = "[]"
"""What a run says of transfers that are as good as away: those of its own are away already."""


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
                f"WHERE id IN ({_EXPIRED.select('id')}) AND status = 'pending_upload' "
                "RETURNING id",
                (now, now, before, url_dead_before),
            )
        )
        return len(rows.rows)

    async def owing(self, before: int, url_dead_before: int) -> Sequence[Owing]:
        """Return files that owe a purge since before an instant.

        Those are not among them that `doomed` returns.
        """
        rows = await self._database.run(
            Statement(_RESUMED.select("key, status"), (before, url_dead_before))
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
            Statement(_REMOVED.select("key"), (url_dead_before, _NO_IDS))
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
                f"DELETE FROM media_files WHERE id IN ({_FORGOTTEN.select('id')}) RETURNING id",
                (before,),
            )
        )
        return len(rows.rows)

    async def forget_revocations(self, before: int) -> int:
        """Drop the revocations of tokens that are dead since before an instant; return how many."""
        rows = await self._database.run(
            Statement(
                "DELETE FROM revoked_tokens WHERE (scope, jti) IN ("
                f"{_REVOCATIONS.select('scope, jti')}) RETURNING 1",
                (before,),
            )
        )
        return len(rows.rows)

    async def release(self, url_dead_before: int) -> int:
        """Give back the room of uploads of which nothing can come any more; return of how many.

        They stay pending: what did come, and was not completed, can be, if it still fits.
        """
        rows = await self._database.run(
            Statement(
                f"UPDATE media_files SET charged = 0 WHERE id IN ({_RELEASED.select('id')}) "
                "AND status = 'pending_upload' RETURNING id",
                (url_dead_before,),
            )
        )
        return len(rows.rows)

    async def forget_sets(self, before: int) -> int:
        """Drop the sets whose tokens are dead since before an instant; return how many."""
        rows = await self._database.run(
            Statement(
                f"DELETE FROM media_sets WHERE rowid IN ({_SETS.select('rowid')}) RETURNING 1",
                (before,),
            )
        )
        return len(rows.rows)

    async def forget_keys(self, before: int) -> int:
        """Drop the names of requests that came before an instant; return how many."""
        rows = await self._database.run(
            Statement(
                "DELETE FROM idempotency_keys WHERE (scope, user_id, call, key) IN ("
                f"{_KEYS.select('scope, user_id, call, key')}) RETURNING 1",
                (before,),
            )
        )
        return len(rows.rows)

    async def forecast(self, until: Deadlines, now: int, ending: Ending) -> dict[str, Due]:
        """Return what each step would take, by its name in the report of a run. Changes nothing.

        A run's steps hand files on to each other, so what an earlier one would change is reckoned
        with: what is given up goes at once, if no transfer may still fill it, and its room needs
        no release. Eight statements in one transaction.

        Args:
            until: the deadlines of the run.
            now: when it would begin.
            ending: the transfers that it would take away first.
        """
        ended, files = json.dumps(list(ending.transfers)), json.dumps(list(ending.files))
        others = " AND id NOT IN (SELECT value FROM json_each(?))"
        expired = _EXPIRED.select("id", others)
        expired_values = (until.pending_before, until.url_dead_before, files)
        empty = (until.url_dead_before, ended)
        questions: dict[str, tuple[Step, str, tuple[SqlValue, ...]]] = {
            "expired": (_EXPIRED, _since(_EXPIRED, others), expired_values),
            "resumed": (_RESUMED, _since(_RESUMED), (until.owed_before, until.url_dead_before)),
            "removed": (
                _REMOVED,
                f"SELECT since FROM ({_since(_REMOVED)}) UNION ALL "
                f"SELECT updated_at FROM media_files WHERE id IN ({expired}) AND {_EMPTY} "
                "UNION ALL SELECT updated_at FROM media_files "
                "WHERE id IN (SELECT value FROM json_each(?)) AND status = 'pending_upload' "
                f"AND {_EMPTY} LIMIT {_REMOVED.most}",
                (*empty, *expired_values, *empty, files, *empty),
            ),
            "forgotten": (_FORGOTTEN, _since(_FORGOTTEN), (until.gone_before,)),
            "revocations": (_REVOCATIONS, _since(_REVOCATIONS), (now,)),
            "sets": (_SETS, _since(_SETS), (now,)),
            "released": (
                _RELEASED,
                _since(_RELEASED, f"{others} AND id NOT IN ({expired})"),
                (until.url_dead_before, files, *expired_values),
            ),
            "keys": (_KEYS, _since(_KEYS), (until.keys_before,)),
        }
        results = await self._database.batch(
            [
                Statement(f"SELECT count(*) AS count, min(since) AS since FROM ({sql})", values)
                for _, sql, values in questions.values()
            ]
        )
        return {
            name: _due(step, rows)
            for (name, (step, _, _)), rows in zip(questions.items(), results, strict=True)
        }


def _since(step: Step, but: str = "") -> str:
    return step.select(f"{step.since} AS since", but)


def _due(step: Step, rows: Rows) -> Due:
    row = rows.first() or {}
    count, since = int(row.get("count") or 0), row.get("since")
    return Due(count, count == step.most, None if since is None else int(since))
