"""The SQL of delivery: asked only where a token does not answer by its text."""

import json
from dataclasses import dataclass
from enum import Enum

from media_engine.ports import Database, Statement


@dataclass(frozen=True, slots=True)
class Standing:
    """What the database knows of a key.

    Attributes:
        uploaded: there is a file.
        gone: there was one, or there nearly was.
        public: everybody may have it.
    """

    uploaded: bool
    gone: bool
    public: bool


UNKNOWN = Standing(uploaded=False, gone=False, public=False)


class Membership(Enum):
    """What a token for a set is to a key."""

    MEMBER = "member"
    STRANGER = "stranger"
    REVOKED = "revoked"


class DeliveryQueries:
    """Reads where a file stands, and whether a token still does.

    Args:
        database: where `media_files`, `revoked_tokens` and `media_sets` are.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def standing(self, key: str) -> Standing:
        """Return where the file of that key stands. Reads one row."""
        rows = await self._database.run(
            Statement("SELECT status, visibility FROM media_files WHERE key = ?", (key,))
        )
        row = rows.first()
        if row is None:
            return UNKNOWN
        return Standing(
            uploaded=row["status"] == "uploaded",
            gone=row["status"] not in ("uploaded", "pending_upload"),
            public=row["visibility"] == "public",
        )

    async def revoked(self, scope: str, jti: str) -> bool:
        """Tell whether the scope's token of that id was revoked. Reads one row at most."""
        rows = await self._database.run(
            Statement("SELECT 1 FROM revoked_tokens WHERE scope = ? AND jti = ?", (scope, jti))
        )
        return rows.first() is not None

    async def membership(self, scope: str, jti: str, set_id: str, key: str) -> Membership:
        """Return what the scope's token of that id, which is for a set, is to a key.

        One query for both questions. Reads two rows at most.

        A set is a row with a JSON array, and its text is searched for the key as JSON writes it:
        no such string can begin or end inside another. To unfold the array would read a row for
        each member.
        """
        rows = await self._database.run(
            Statement(
                "SELECT EXISTS (SELECT 1 FROM revoked_tokens WHERE scope = ? AND jti = ?) "
                "AS revoked, EXISTS (SELECT 1 FROM media_sets "
                "WHERE scope = ? AND id = ? AND instr(members, ?)) AS member",
                (scope, jti, scope, set_id, json.dumps(key)),
            )
        )
        row = rows.rows[0]
        if row["revoked"]:
            return Membership.REVOKED
        return Membership.MEMBER if row["member"] else Membership.STRANGER
