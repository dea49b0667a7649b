"""The SQL of delivery: asked only where a token did not answer already."""

from dataclasses import dataclass

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


class DeliveryQueries:
    """Reads where a file stands.

    Args:
        database: where `media_files` is.
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
