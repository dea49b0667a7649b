"""The SQL of access tokens."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from media_engine.idempotency.model import Claim, Made, Making
from media_engine.idempotency.queries import MADE, held, named, once
from media_engine.ports import Database, SqlValue, Statement

_ALBUM_IS_THERE: Final = "1"
"""A token for an album is nothing but its name."""

_SET_IS_THERE: Final = (
    "EXISTS (SELECT 1 FROM media_sets WHERE media_sets.scope = idempotency_keys.scope "
    "AND media_sets.id = idempotency_keys.media_id)"
)


@dataclass(frozen=True, slots=True)
class Given:
    """A token that a request was given, or is given now.

    Attributes:
        made: its id, and since when it lives.
        members: the keys of its set; empty for an album.
        revoked: whether it was taken back.
    """

    made: Made
    members: Sequence[str]
    revoked: bool


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
            _insert_set((scope, set_id, json.dumps(list(keys)), created_by, now, expires_at))
        )

    async def claim_album(self, claim: Claim, making: Making) -> Given:
        """Return the token for an album that has the name of this request. Five statements."""
        given = await self._claim(claim, making, _ALBUM_IS_THERE, [])
        return given or Given(Made(making.id, making.now), [], revoked=False)

    async def claim_set(
        self, claim: Claim, making: Making, keys: Sequence[str] | None, expires_at: int
    ) -> Given | None:
        """Write a set under the name of its request, unless that has one. Six statements.

        Args:
            claim: the request's name.
            making: the set.
            keys: its members; None if there can be none, because a file is not there.
            expires_at: when its token is dead, in milliseconds.

        Returns:
            The token of that name; None if there is none and can be none.
        """
        work: list[Statement] = []
        if keys is not None:
            condition, values = held(claim, making.id)
            members = json.dumps(list(keys))
            row = (claim.scope, making.id, members, claim.user_id, making.now, expires_at)
            work = [_insert_set(row, f"WHERE {condition}", values)]
        return await self._claim(claim, making, _SET_IS_THERE, work)

    async def _claim(
        self, claim: Claim, making: Making, there: str, work: Sequence[Statement]
    ) -> Given | None:
        find = Statement(
            f"SELECT (SELECT members FROM media_sets WHERE scope = ? AND id = {MADE}) AS members, "
            f"EXISTS (SELECT 1 FROM revoked_tokens WHERE scope = ? AND jti = {MADE}) AS revoked",
            (claim.scope, *named(claim), claim.scope, *named(claim)),
        )
        made, found = await once(self._database, claim, making, there=there, work=work, find=find)
        row = found.first()
        if made is None or row is None:
            return None
        members = [] if row["members"] is None else json.loads(str(row["members"]))
        return Given(made, members, bool(row["revoked"]))

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


def _insert_set(
    row: tuple[SqlValue, ...], condition: str = "", values: tuple[SqlValue, ...] = ()
) -> Statement:
    """Return what inserts a set, where a condition holds."""
    return Statement(
        "INSERT INTO media_sets (scope, id, members, created_by, created_at, expires_at) "
        f"SELECT ?, ?, ?, ?, ?, ? {condition}",
        (*row, *values),
    )
