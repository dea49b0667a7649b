"""The SQL of uploads. A status changes only where it still is what the caller saw.

What a scope has is counted by the triggers of `0004_quotas.sql`. A statement that makes a file
count asks in the same breath whether it fits, so that no two of them can fit into the same room:
SQLite does one after the other.
"""

from typing import Final

from media_engine.errors import IdempotencyKeyInUse, QuotaExceeded
from media_engine.idempotency.model import Claim, Making
from media_engine.idempotency.queries import MADE, held, named, once, over, released
from media_engine.ports import Database, Rows, SqlValue, Statement
from media_engine.uploads.inspect import Facts
from media_engine.uploads.model import MediaFile, Status
from media_engine.uploads.quota import NO_LIMIT, Account, OwnQuota, Quota

HASHING_LIFE_MS: Final = 60_000
"""After so long whoever hashed a file was stopped: nothing goes on behind an answer so long."""

_FIND: Final = (
    # The older file is the first entry of an index, or none is.
    "SELECT file.*, (SELECT older.id FROM media_files AS older WHERE older.scope = file.scope "
    "AND older.sha256 = file.sha256 AND older.sha256 IS NOT NULL AND older.status = 'uploaded' "
    f"AND (older.uploaded_at, older.id) < (coalesce(file.uploaded_at, {2**53 - 1}), file.id) "
    "ORDER BY older.uploaded_at, older.id LIMIT 1) AS duplicate_of FROM media_files AS file "
)
_FITS: Final = (
    "coalesce(quotas.used_bytes, 0) + asked.size <= coalesce(quotas.max_bytes, ?) "
    "AND coalesce(quotas.used_files, 0) + 1 <= coalesce(quotas.max_files, ?)"
)
_COUNTS_OR_FITS: Final = (
    "(charged = 1 OR EXISTS (SELECT 1 FROM (SELECT media_files.file_size AS size) AS asked "
    f"JOIN quotas ON quotas.scope = media_files.scope WHERE {_FITS}))"
)

_REJECT: Final = "UPDATE media_files SET status = 'rejected', updated_at = ?, purge_due_at = ?"
_IS_THERE: Final = "EXISTS (SELECT 1 FROM media_files WHERE id = idempotency_keys.media_id)"
_WAS_UPLOADED: Final = (
    "EXISTS (SELECT 1 FROM media_files WHERE id = idempotency_keys.media_id "
    "AND uploaded_at IS NOT NULL)"
)


class UploadQueries:
    """Reads and writes files on their way in, and what their scopes may have.

    Args:
        database: where `media_files`, `quotas` and `idempotency_keys` are.
        tenant_quota: what a tenant may have of which nothing else was said.
        user_quota: likewise a user without a tenant.
    """

    def __init__(
        self, database: Database, tenant_quota: Quota = NO_LIMIT, user_quota: Quota = NO_LIMIT
    ) -> None:
        self._database = database
        self._quotas = {"t": tenant_quota, "u": user_quota}

    async def insert_pending(self, file: MediaFile) -> MediaFile:
        """Write the row of an upload that is about to be signed, which reserves its room.

        Returns:
            The file, with what it is a duplicate of.

        Raises:
            QuotaExceeded: there is not so much room.
        """
        inserted = await self._change(file, self._insert(file))
        if inserted is None:
            raise await self._exceeded(file.scope)
        return inserted

    async def insert_claimed(self, file: MediaFile, claim: Claim) -> MediaFile:
        """Write the row of an upload, unless the request that asks for it has made one before.

        One transaction: of two requests with one name, one makes a file and both get it. A name
        whose request was refused is free again.

        Returns:
            The file that is there now.

        Raises:
            IdempotencyKeyReused: another request has the name.
            QuotaExceeded: there is not so much room.
        """
        condition, values = held(claim, file.id)
        _, found = await once(
            self._database,
            claim,
            Making.at_once(file.id, file.created_at),
            there=_IS_THERE,
            work=[self._insert(file, f"AND {condition}", values)],
            find=_find_made(claim),
        )
        made = _file(found)
        if made is None:
            raise await self._exceeded(file.scope)
        return made

    async def hold(self, claim: Claim, making: Making) -> tuple[bool, MediaFile | None]:
        """Take the name of a request whose file comes later.

        Who takes it over from a request that has died refuses the file on which that one was at
        work, so that no more than one comes of them. One row written, and one for that.

        Returns:
            Whether the file is to be made now, and the file that was made, or is being made.

        Raises:
            IdempotencyKeyReused: another request has the name.
        """
        dead, values = over(claim, making.now)
        made, found = await once(
            self._database,
            claim,
            making,
            there=_WAS_UPLOADED,
            before=[
                Statement(
                    f"{_REJECT} WHERE id = {dead} AND scope = ? AND status = 'pending_upload'",
                    (making.now, making.now, *values, claim.scope),
                )
            ],
            find=_find_made(claim),
        )
        return made is not None and made.id == making.id, _file(found)

    async def insert_held(self, file: MediaFile, claim: Claim) -> MediaFile:
        """Write the row of an upload whose request has taken its name before.

        Raises:
            IdempotencyKeyInUse: the name was taken over meanwhile.
            QuotaExceeded: there is not so much room.
        """
        condition, values = held(claim, file.id)
        inserted = await self._change(file, self._insert(file, f"AND {condition}", values))
        if inserted is not None:
            return inserted
        rows = await self._database.run(Statement(f"SELECT {condition} AS held", values))
        if not (rows.first() or {}).get("held"):
            raise IdempotencyKeyInUse
        raise await self._exceeded(file.scope)

    async def release(self, claim: Claim, media_id: str) -> None:
        """Give a name back under which no file came to be."""
        await self._database.run(released(claim, media_id, _WAS_UPLOADED))

    async def renew(self, file: MediaFile, url_expires_at: int, now: int) -> MediaFile | None:
        """Let a pending upload begin anew; None if it is not pending any more.

        Raises:
            QuotaExceeded: its room was given away meanwhile.
        """
        return await self._recharge(
            file,
            "UPDATE media_files SET url_expires_at = ?, updated_at = ?, charged = 1",
            (url_expires_at, now),
        )

    async def find(self, scope: str, media_id: str) -> MediaFile | None:
        """Return the scope's file of that id, whatever its status, and what it duplicates."""
        rows = await self._database.run(_find(scope, media_id))
        return _file(rows)

    async def mark_uploaded(
        self, file: MediaFile, etag: str, facts: Facts, now: int
    ) -> MediaFile | None:
        """Make the pending file an uploaded one; None if it is not pending any more.

        Args:
            file: the file as it was seen.
            etag: of its object.
            facts: what it says of itself.
            now: the time in milliseconds.

        Raises:
            QuotaExceeded: its room was given away meanwhile. It stays pending.
        """
        return await self._recharge(
            file,
            "UPDATE media_files SET status = 'uploaded', etag = ?, width = ?, height = ?, "
            "duration_ms = ?, codec = ?, animated = ?, alpha = ?, uploaded_at = ?, "
            "updated_at = ?, charged = 1",
            (
                etag,
                facts.width,
                facts.height,
                facts.duration,
                facts.codec,
                _flag(facts.animated),
                _flag(facts.alpha),
                now,
                now,
            ),
        )

    async def reject(self, file: MediaFile, now: int) -> bool:
        """Refuse the file; say whether it was still pending."""
        rows = await self._database.run(
            Statement(
                f"{_REJECT} WHERE id = ? AND scope = ? AND status = 'pending_upload' RETURNING id",
                (now, now, file.id, file.scope),
            )
        )
        return rows.first() is not None

    async def begin_hashing(self, file: MediaFile, now: int) -> bool:
        """Record that somebody hashes the file from now on; False if somebody does already."""
        rows = await self._database.run(
            Statement(
                "UPDATE media_files SET hashing_since = ? WHERE id = ? AND scope = ? "
                "AND status = 'pending_upload' AND stored_sha256 IS NULL "
                "AND coalesce(hashing_since, 0) < ? RETURNING id",
                (now, file.id, file.scope, now - HASHING_LIFE_MS),
            )
        )
        return rows.first() is not None

    async def end_hashing(self, file: MediaFile, sha256: str) -> None:
        """Record what the hash of the stored bytes is."""
        await self._database.run(
            Statement(
                "UPDATE media_files SET stored_sha256 = ? WHERE id = ? AND scope = ?",
                (sha256, file.id, file.scope),
            )
        )

    async def account(self, scope: str) -> Account:
        """Return what a scope may have and has."""
        rows = await self._database.run(Statement("SELECT * FROM quotas WHERE scope = ?", (scope,)))
        return self._account(scope, rows)

    async def set_quota(self, scope: str, quota: OwnQuota) -> Account:
        """Say what a scope may have. What it has already stays, even if that is more."""
        rows = await self._database.run(
            Statement(
                "INSERT INTO quotas (scope, max_bytes, max_files) VALUES (?, ?, ?) "
                "ON CONFLICT (scope) DO UPDATE SET max_bytes = excluded.max_bytes, "
                "max_files = excluded.max_files RETURNING *",
                (scope, quota.bytes, quota.files),
            )
        )
        return self._account(scope, rows)

    def _insert(
        self, file: MediaFile, condition: str = "", values: tuple[SqlValue, ...] = ()
    ) -> Statement:
        """Return what inserts the row where there is room for it, and a condition holds."""
        default = self._default(file.scope)
        return Statement(
            "INSERT INTO media_files (id, scope, key, service_code, album, file_name, "
            "mime_type, file_size, visibility, managed_by, uploaded_by, url_expires_at, "
            "created_at, updated_at, sha256) "
            "SELECT ?, asked.scope, ?, ?, ?, ?, ?, asked.size, ?, ?, ?, ?, ?, ?, ? "
            "FROM (SELECT ? AS scope, ? AS size) AS asked "
            f"LEFT JOIN quotas ON quotas.scope = asked.scope WHERE {_FITS} {condition} "
            "RETURNING *",
            (
                file.id,
                file.key,
                file.service,
                file.album,
                file.file_name,
                file.content_type,
                file.visibility,
                file.managed_by,
                file.uploaded_by,
                file.url_expires_at,
                file.created_at,
                file.created_at,
                file.sha256,
                file.scope,
                file.file_size,
                default.bytes,
                default.files,
                *values,
            ),
        )

    async def _recharge(
        self, file: MediaFile, update: str, values: tuple[SqlValue, ...]
    ) -> MediaFile | None:
        """Change a pending file that counts, or that fits if it has to count again."""
        default = self._default(file.scope)
        changed = await self._change(
            file,
            Statement(
                f"{update} WHERE id = ? AND scope = ? AND status = 'pending_upload' "
                f"AND {_COUNTS_OR_FITS} RETURNING *",
                (*values, file.id, file.scope, default.bytes, default.files),
            ),
        )
        if changed is None:
            now_there = await self.find(file.scope, file.id)
            if now_there is not None and now_there.status is Status.PENDING_UPLOAD:
                raise await self._exceeded(file.scope)
        return changed

    async def _change(self, file: MediaFile, change: Statement) -> MediaFile | None:
        """Run what changes the file or nothing; return it as it is then, or None.

        What it duplicates is looked for in the same transaction, where it has a hash.
        """
        if file.sha256 is None:
            return _file(await self._database.run(change))
        changed, found = await self._database.batch([change, _find(file.scope, file.id)])
        return _file(found) if changed.rows else None

    async def _exceeded(self, scope: str) -> QuotaExceeded:
        left = (await self.account(scope)).left
        return QuotaExceeded(left.bytes, left.files)

    def _account(self, scope: str, rows: Rows) -> Account:
        row = rows.first() or {}
        default = self._default(scope)
        most_bytes, most_files = row.get("max_bytes"), row.get("max_files")
        return Account(
            Quota(
                default.bytes if most_bytes is None else int(most_bytes),
                default.files if most_files is None else int(most_files),
            ),
            int(row.get("used_bytes") or 0),
            int(row.get("used_files") or 0),
        )

    def _default(self, scope: str) -> Quota:
        return self._quotas[scope[0]]


def _find(scope: str, media_id: str) -> Statement:
    return Statement(f"{_FIND} WHERE file.id = ? AND file.scope = ?", (media_id, scope))


def _find_made(claim: Claim) -> Statement:
    return Statement(
        f"{_FIND} WHERE file.id = {MADE} AND file.scope = ?", (*named(claim), claim.scope)
    )


def _file(rows: Rows) -> MediaFile | None:
    row = rows.first()
    return None if row is None else MediaFile.from_row(row)


def _flag(value: bool | None) -> int | None:
    return None if value is None else int(value)
