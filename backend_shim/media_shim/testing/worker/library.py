"""A file is deleted, or shown to others."""

from typing import Any

import httpx

from media_shim.testing.worker import fields
from media_shim.testing.worker.answers import Missing, Refused, gone
from media_shim.testing.worker.callers import WRITE, Caller
from media_shim.testing.worker.state import File, Stores
from media_shim.testing.worker.uploads import find, wire


class Library:
    """Deletes files, and changes who sees them.

    Args:
        stores: where they are.
    """

    def __init__(self, stores: Stores) -> None:
        self._stores = stores

    def delete(self, caller: Caller, media_id: str, query: httpx.QueryParams) -> httpx.Response:
        """Answer `DELETE /files/{mediaId}`. The bytes go at once, the row when its URL is dead."""
        number = fields.whole_number(query, "revision")
        fields.media_id(media_id)
        revision = fields.revision(number)
        file = self._managed(caller, media_id)
        if file.status in ("pending_upload", "uploaded"):
            file.status = "deleting" if file.status == "uploaded" else "expired"
            file.updated_at = self._stores.now()
            file.revision = max(file.revision, revision or 0)
            if self._stores.clear(file):
                file.status = "gone"
        return httpx.Response(200, json={"mediaId": file.media_id, "deleted": True})

    def update(self, caller: Caller, media_id: str, body: dict[str, Any]) -> httpx.Response:
        """Answer `PATCH /files/{mediaId}`. A change with a smaller number than the last is late."""
        fields.media_id(media_id)
        if body.get("visibility") is None:
            raise Missing("visibility")
        visibility = fields.visibility(body["visibility"])
        revision = fields.revision(body.get("revision"))
        file = self._managed(caller, media_id)
        if file.status == "pending_upload":
            raise Refused(409, "UPLOAD_INCOMPLETE", "Nothing was completed yet.")
        if file.status != "uploaded":
            raise gone()
        number = file.revision if revision is None else revision
        is_news = visibility != file.visibility or number > file.revision
        if is_news and number >= file.revision:
            file.fields = {**file.fields, "visibility": visibility}
            file.revision, file.updated_at = number, self._stores.now()
        return httpx.Response(200, json=wire(file))

    def _managed(self, caller: Caller, media_id: str) -> File:
        """Return a file that the caller may delete or change."""
        caller.require(WRITE)
        file = find(self._stores, caller, media_id)
        if file.managed_by not in (None, caller.shim):
            raise Refused(409, "MEDIA_MANAGED", "The application manages this file.")
        return file
