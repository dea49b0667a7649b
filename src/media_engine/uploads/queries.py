"""The SQL of uploads. A status changes only where it still is what the caller saw."""

from media_engine.ports import Database, Statement
from media_engine.uploads.model import MediaFile


class UploadQueries:
    """Reads and writes files on their way in.

    Args:
        database: where `media_files` is.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def insert_pending(self, file: MediaFile) -> None:
        """Write the row of an upload that is about to be signed."""
        await self._database.run(
            Statement(
                "INSERT INTO media_files (id, scope, key, service_code, album, file_name, "
                "mime_type, file_size, visibility, managed_by, uploaded_by, url_expires_at, "
                "created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    file.id,
                    file.scope,
                    file.key,
                    file.service,
                    file.album,
                    file.file_name,
                    file.content_type,
                    file.file_size,
                    file.visibility,
                    file.managed_by,
                    file.uploaded_by,
                    file.url_expires_at,
                    file.created_at,
                    file.created_at,
                ),
            )
        )

    async def find(self, scope: str, media_id: str) -> MediaFile | None:
        """Return the scope's file of that id, whatever its status."""
        rows = await self._database.run(
            Statement(
                "SELECT * FROM media_files WHERE id = ? AND scope = ?",
                (media_id, scope),
            )
        )
        row = rows.first()
        return None if row is None else MediaFile.from_row(row)

    async def mark_uploaded(self, file: MediaFile, etag: str, now: int) -> MediaFile | None:
        """Make the pending file an uploaded one; None if it is not pending any more."""
        rows = await self._database.run(
            Statement(
                "UPDATE media_files SET status = 'uploaded', etag = ?, uploaded_at = ?, "
                "updated_at = ? WHERE id = ? AND scope = ? AND status = 'pending_upload' "
                "RETURNING *",
                (etag, now, now, file.id, file.scope),
            )
        )
        row = rows.first()
        return None if row is None else MediaFile.from_row(row)

    async def reject(self, file: MediaFile, now: int) -> bool:
        """Refuse the file; say whether it was still pending."""
        rows = await self._database.run(
            Statement(
                "UPDATE media_files SET status = 'rejected', updated_at = ?, purge_due_at = ? "
                "WHERE id = ? AND scope = ? AND status = 'pending_upload' RETURNING id",
                (now, now, file.id, file.scope),
            )
        )
        return rows.first() is not None
