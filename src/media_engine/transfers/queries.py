"""The SQL of transfers. Each statement that changes one says what it must still be."""

import json
from collections.abc import Sequence

from media_engine.ports import Database, Statement, StoredPart
from media_engine.transfers.model import Arrived, Transfer, Way


class TransferQueries:
    """Reads and writes transfers and their parts.

    Args:
        database: where `transfers` is.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def insert(self, transfer: Transfer) -> Transfer | None:
        """Write a new transfer; None where another one fills its file."""
        return await self._one(
            "INSERT INTO transfers (id, media_id, role, scope, uploaded_by, mime_type, file_name, "
            "key, way, length, most, part_size, note, created_at, expires_at) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
            "ON CONFLICT DO NOTHING RETURNING *",
            transfer.id,
            transfer.media_id,
            "partial" if transfer.is_partial else "whole",
            transfer.scope,
            transfer.uploaded_by,
            transfer.content_type,
            transfer.file_name,
            transfer.key,
            transfer.way.value,
            transfer.length,
            transfer.most,
            transfer.part_size,
            transfer.note,
            transfer.created_at,
            transfer.expires_at,
        )

    async def find(self, scope: str, transfer_id: str) -> Transfer | None:
        """Return the scope's transfer of that id."""
        return await self._one(
            "SELECT * FROM transfers WHERE id = ? AND scope = ?", transfer_id, scope
        )

    async def of_file(self, scope: str, media_id: str) -> Transfer | None:
        """Return the transfer that fills a file of the scope."""
        return await self._one(
            "SELECT * FROM transfers WHERE media_id = ? AND scope = ? AND role = 'whole'",
            media_id,
            scope,
        )

    async def bytes_of_pieces(self, media_id: str) -> int:
        """Return how many bytes the pieces of a file may have together."""
        rows = await self._database.run(
            Statement(
                "SELECT sum(coalesce(length, most)) AS bytes FROM transfers "
                "WHERE media_id = ? AND role = 'partial'",
                (media_id,),
            )
        )
        row = rows.first()
        return 0 if row is None else int(row["bytes"] or 0)

    async def choose_way(
        self, transfer: Transfer, way: Way, note: str | None, now: int
    ) -> Transfer | None:
        """Let a transfer come in this way; None where it has begun to come in another.

        One whose finishing was cut off still comes in its own: a client that begins anew finds
        that nothing is missing. A URL that was signed for a PUT cannot be taken back, so that way
        is for good.
        """
        return await self._one(
            "UPDATE transfers SET way = ?, note = coalesce(?, note) WHERE id = ? "
            "AND status IN ('open', 'joining') AND expires_at > ? AND (way = ? OR "
            "(way <> 'put' AND status = 'open' AND upload_id IS NULL AND received = 0 "
            "AND lease_until <= ?)) RETURNING *",
            way.value,
            note,
            transfer.id,
            now,
            way.value,
            now,
        )

    async def set_length(self, transfer: Transfer, length: int, part_size: int) -> Transfer | None:
        """Say how long a transfer is, and the file with it; None where something else was said."""
        results = await self._database.batch(
            [
                Statement(
                    "UPDATE transfers SET length = ?, part_size = ? WHERE id = ? "
                    "AND status = 'open' AND (length IS NULL OR length = ?) "
                    "AND (upload_id IS NULL OR part_size = ?) RETURNING *",
                    (length, part_size, transfer.id, length, part_size),
                ),
                Statement(
                    "UPDATE media_files SET file_size = ? WHERE id = ? AND file_size <> ? "
                    "AND status = 'pending_upload' AND EXISTS (SELECT 1 FROM transfers "
                    "WHERE transfers.id = ? AND role = 'whole' AND length = ?)",
                    (length, transfer.media_id, length, transfer.id, length),
                ),
            ]
        )
        row = results[0].first()
        return None if row is None else Transfer.from_row(row)

    async def begin(self, transfer: Transfer, upload_id: str) -> Transfer | None:
        """Name the multipart upload of a transfer; None where it has one."""
        return await self._one(
            "UPDATE transfers SET upload_id = ? WHERE id = ? AND upload_id IS NULL "
            "AND status = 'open' RETURNING *",
            upload_id,
            transfer.id,
        )

    async def begin_part(self, transfer: Transfer, number: int) -> int:
        """Return how often the sending of a part was begun before. Atomic."""
        rows = await self._database.run(
            Statement(
                "INSERT INTO transfer_parts (transfer_id, number, attempts) VALUES (?, ?, 1) "
                "ON CONFLICT DO UPDATE SET attempts = attempts + 1 RETURNING attempts",
                (transfer.id, number),
            )
        )
        row = rows.first()
        return 0 if row is None else int(row["attempts"] or 0) - 1

    async def record_part(self, transfer: Transfer, part: Arrived) -> None:
        """Name what is stored of a part: the last that is recorded counts."""
        await self._database.run(
            Statement(
                "INSERT INTO transfer_parts (transfer_id, number, stored_as, etag) "
                "SELECT id, ?, ?, ? FROM transfers WHERE id = ? AND status = 'open' "
                "ON CONFLICT DO UPDATE SET stored_as = excluded.stored_as, etag = excluded.etag",
                (part.number, part.stored.number, part.stored.etag, transfer.id),
            )
        )

    async def parts(self, transfer: Transfer) -> list[Arrived]:
        """Return the parts that are stored, in their order."""
        rows = await self._database.run(
            Statement(
                "SELECT number, stored_as, etag FROM transfer_parts "
                "WHERE transfer_id = ? AND etag IS NOT NULL ORDER BY number",
                (transfer.id,),
            )
        )
        return [
            Arrived(
                int(row["number"] or 0), StoredPart(int(row["stored_as"] or 0), str(row["etag"]))
            )
            for row in rows.rows
        ]

    async def forget_parts(self, transfer: Transfer) -> None:
        """Take back a joining that the store refused: every part has to come again."""
        await self._database.batch(
            [
                Statement(
                    "UPDATE transfers SET status = 'open', received = 0, tail = 0 "
                    "WHERE id = ? AND status = 'joining'",
                    (transfer.id,),
                ),
                Statement(
                    "UPDATE transfer_parts SET stored_as = NULL, etag = NULL WHERE transfer_id = ?",
                    (transfer.id,),
                ),
            ]
        )

    async def lend(
        self, transfer: Transfer, received: int, lease: str, until: int, now: int
    ) -> Transfer | None:
        """Take the lease of a transfer that has so many bytes; None where somebody has it.

        Compare and set: a lease that is over is taken from whoever had it.
        """
        return await self._one(
            "UPDATE transfers SET lease = ?, lease_until = ?, turn = turn + 1 WHERE id = ? "
            "AND status = 'open' AND received = ? AND way = ? AND lease_until <= ? RETURNING *",
            lease,
            until,
            transfer.id,
            received,
            transfer.way.value,
            now,
        )

    async def advance(
        self,
        transfer: Transfer,
        lease: str,
        parts: Sequence[Arrived],
        until: int,
    ) -> bool:
        """Record what has arrived and keep the lease on; tell whether it was still held.

        Args:
            transfer: as it is now.
            lease: who writes.
            parts: what was stored since the last time.
            until: when the lease ends.
        """
        stored = [[part.number, part.stored.number, part.stored.etag] for part in parts]
        results = await self._database.batch(
            [
                Statement(
                    "INSERT INTO transfer_parts (transfer_id, number, stored_as, etag) "
                    "SELECT transfers.id, value ->> 0, value ->> 1, value ->> 2 "
                    "FROM transfers, json_each(?) "
                    "WHERE transfers.id = ? AND lease = ? ON CONFLICT DO UPDATE "
                    "SET stored_as = excluded.stored_as, etag = excluded.etag",
                    (json.dumps(stored), transfer.id, lease),
                ),
                Statement(
                    "UPDATE transfers SET received = ?, tail = ?, tail_name = ?, lease_until = ? "
                    "WHERE id = ? AND lease = ? RETURNING id",
                    (
                        transfer.received,
                        transfer.tail,
                        transfer.tail_name,
                        until,
                        transfer.id,
                        lease,
                    ),
                ),
            ]
        )
        return results[1].first() is not None

    async def restart(self, transfer: Transfer, now: int) -> Transfer | None:
        """Let a stream begin again; None where somebody has the lease."""
        return await self._one(
            "UPDATE transfers SET received = 0, tail = 0 WHERE id = ? AND status = 'open' "
            "AND lease_until <= ? RETURNING *",
            transfer.id,
            now,
        )

    async def prolong(self, transfer: Transfer, lease: str, until: int) -> bool:
        """Keep a lease on; tell whether it was still held."""
        rows = await self._database.run(
            Statement(
                "UPDATE transfers SET lease_until = ? WHERE id = ? AND lease = ? RETURNING id",
                (until, transfer.id, lease),
            )
        )
        return rows.first() is not None

    async def give_back(self, transfer: Transfer, lease: str) -> None:
        """Let go of the lease, if it is still held."""
        await self._database.run(
            Statement(
                "UPDATE transfers SET lease = NULL, lease_until = 0 WHERE id = ? AND lease = ?",
                (transfer.id, lease),
            )
        )

    async def join(self, transfer: Transfer, now: int) -> Transfer | None:
        """Begin to join a transfer, or go on with it; None where it is done or given up."""
        return await self._one(
            "UPDATE transfers SET status = 'joining' WHERE id = ? "
            "AND status IN ('open', 'joining') AND expires_at > ? RETURNING *",
            transfer.id,
            now,
        )

    async def close(self, transfer: Transfer) -> None:
        """Say that a transfer is done, and forget its parts."""
        await self._database.batch(
            [
                Statement(
                    "UPDATE transfers SET status = 'done', length = coalesce(length, received), "
                    "received = coalesce(length, received), tail = 0, tail_name = NULL, "
                    "lease = NULL, lease_until = 0 WHERE id = ? AND status <> 'given_up'",
                    (transfer.id,),
                ),
                self._drop_parts(transfer),
            ]
        )

    async def give_up(self, transfer: Transfer, now: int) -> Transfer | None:
        """Give a transfer up, and the file that it fills; None where it is done already."""
        results = await self._database.batch(
            [
                Statement(
                    "UPDATE transfers SET status = 'given_up' WHERE id = ? AND status <> 'done' "
                    "AND NOT EXISTS (SELECT 1 FROM media_files WHERE media_files.id = media_id "
                    "AND media_files.status = 'uploaded' AND role = 'whole') RETURNING *",
                    (transfer.id,),
                ),
                Statement(
                    "UPDATE media_files SET status = 'expired', updated_at = ?, purge_due_at = ? "
                    "WHERE id = ? AND status = 'pending_upload' AND EXISTS (SELECT 1 FROM "
                    "transfers WHERE transfers.id = ? AND status = 'given_up' AND role = 'whole')",
                    (now, now, transfer.media_id, transfer.id),
                ),
            ]
        )
        row = results[0].first()
        return None if row is None else Transfer.from_row(row)

    async def follow(self, keys: Sequence[str]) -> list[Transfer]:
        """Give the transfers up whose files were refused, given up or deleted; return them.

        SQLite uses a partial index only for a query that repeats the index's own condition.

        Args:
            keys: the files' keys.
        """
        rows = await self._database.run(
            Statement(
                "WITH files AS (SELECT id FROM media_files "
                "WHERE key IN (SELECT value FROM json_each(?)) "
                "AND status NOT IN ('pending_upload', 'uploaded')) "
                "UPDATE transfers SET status = 'given_up' WHERE status <> 'done' AND id IN ("
                "SELECT id FROM transfers WHERE role = 'whole' "
                "AND media_id IN (SELECT id FROM files) "
                "UNION ALL SELECT id FROM transfers WHERE role = 'partial' "
                "AND media_id IN (SELECT id FROM files)) RETURNING *",
                (json.dumps(list(keys)),),
            )
        )
        return [Transfer.from_row(row) for row in rows.rows]

    async def over(self, scope: str | None, before: int, limit: int) -> list[Transfer]:
        """Return transfers whose time was over before an instant, and that nobody writes to.

        Args:
            scope: of this scope alone; None for all.
            before: the instant.
            limit: how many at most.
        """
        rows = await self._database.run(
            Statement(
                "SELECT * FROM transfers WHERE expires_at < ? AND lease_until < ? "
                "AND (? IS NULL OR scope = ?) ORDER BY expires_at LIMIT ?",
                (before, before, scope, scope, limit),
            )
        )
        return [Transfer.from_row(row) for row in rows.rows]

    async def drop(self, transfers: Sequence[Transfer]) -> None:
        """Forget transfers and their parts."""
        ids = json.dumps([transfer.id for transfer in transfers])
        await self._database.batch(
            [
                Statement(
                    "DELETE FROM transfer_parts "
                    "WHERE transfer_id IN (SELECT value FROM json_each(?))",
                    (ids,),
                ),
                Statement(
                    "DELETE FROM transfers WHERE id IN (SELECT value FROM json_each(?))", (ids,)
                ),
            ]
        )

    def _drop_parts(self, transfer: Transfer) -> Statement:
        return Statement("DELETE FROM transfer_parts WHERE transfer_id = ?", (transfer.id,))

    async def _one(self, sql: str, *values: str | int | None) -> Transfer | None:
        row = (await self._database.run(Statement(sql, values))).first()
        return None if row is None else Transfer.from_row(row)
