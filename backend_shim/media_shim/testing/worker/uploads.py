"""Presign, open, token and complete: how a file comes to be."""

import json
import re
from datetime import datetime
from secrets import token_urlsafe
from typing import Any, Final

import httpx

from media_shim.testing.worker import fields
from media_shim.testing.worker.addresses import STORE_URL, WORKER_URL
from media_shim.testing.worker.answers import Invalid, Refused, gone, instant, not_found
from media_shim.testing.worker.callers import WRITE, Caller
from media_shim.testing.worker.names import cleaned, disposition, typed
from media_shim.testing.worker.state import TRANSFER_LIFE, URL_LIFE, File, StoredObject, Stores
from media_shim.uploads import CONTENT_TYPES

_REQUEST_NAME: Final = re.compile(r"[\x21-\x7e]{1,255}")
_BEGINNINGS: Final = {
    "image/jpeg": rb"\xff\xd8\xff",
    "image/png": rb"\x89PNG\r\n\x1a\n",
    "image/webp": rb"RIFF....WEBP",
    "image/gif": rb"GIF8[79]a",
    "image/svg+xml": rb"\s*<",
    "image/avif": rb"....ftyp",
    "video/mp4": rb"....ftyp",
    "video/webm": rb"\x1a\x45\xdf\xa3",
    "application/pdf": rb"%PDF-",
}
"""By what the double knows a type. The Worker looks at much more."""

_ALIVE: Final = ("pending_upload", "uploaded")


class Uploads:
    """Takes files in.

    Args:
        stores: where they are.
    """

    def __init__(self, stores: Stores) -> None:
        self._stores = stores
        self._requests: dict[tuple[str, ...], tuple[str, File]] = {}

    def presign(self, caller: Caller, body: dict[str, Any], name: str | None) -> httpx.Response:
        """Answer `POST /upload/presign`, of a request that has this name or none."""
        fields.upload(body, "fileSize")
        file = self._named("presign", caller, body, name)
        now = self._stores.now()
        if file.status == "pending_upload" and file.url_expires_at <= now:
            file.url_expires_at, file.updated_at = now + URL_LIFE, now
        return httpx.Response(
            201,
            json={
                "mediaId": file.media_id,
                "key": file.key,
                "uploadUrl": f"{STORE_URL}/{file.key}?X-Amz-Signature=5ec3e7",
                "method": "PUT",
                "headers": signed_headers(file),
                "expiresAt": instant(file.url_expires_at),
            },
        )

    def open(self, caller: Caller, body: dict[str, Any], name: str | None) -> httpx.Response:
        """Answer `POST /upload/open`, likewise."""
        exact = body.get("fileSize") is not None or body.get("maxFileSize") is None
        fields.upload(body, "fileSize" if exact else "maxFileSize")
        file = self._named("open", caller, body, name)
        now = self._stores.now()
        return _opened(file, 201, file.created_at if now < file.created_at + URL_LIFE else now)

    def token(self, caller: Caller, body: dict[str, Any]) -> httpx.Response:
        """Answer `POST /upload/token`."""
        media_id = fields.media_id(body.get("mediaId"))
        caller.require(WRITE)
        file = find(self._stores, caller, media_id)
        if file.upload_id is None:
            raise not_found()
        if file.status not in _ALIVE:
            raise gone()
        return _opened(file, 200, self._stores.now())

    def complete(self, caller: Caller, body: dict[str, Any]) -> httpx.Response:
        """Answer `PATCH /upload/complete`."""
        media_id = fields.media_id(body.get("mediaId"))
        caller.require(WRITE)
        file = find(self._stores, caller, media_id)
        if file.status not in _ALIVE:
            raise gone()
        if file.status == "pending_upload":
            stored = self._stores.objects.get(file.key)
            if stored is None:
                raise Refused(409, "UPLOAD_INCOMPLETE", "Nothing was uploaded yet.")
            self._accept(file, stored)
        return httpx.Response(200, json=wire(file))

    def _named(self, call: str, caller: Caller, body: dict[str, Any], name: str | None) -> File:
        """Return the file that the request of this name has made, or makes now."""
        if name is None:
            return self._begin(call, caller, body)
        if not _REQUEST_NAME.fullmatch(name):
            raise Invalid("Idempotency-Key", "must be 1 to 255 printable ASCII characters")
        caller.require(WRITE)
        asked = json.dumps(body, sort_keys=True)
        key = (call, caller.scope, caller.user, name)
        if key not in self._requests:
            self._requests[key] = asked, self._begin(call, caller, body)
        first, file = self._requests[key]
        if first != asked:
            raise Refused(422, "IDEMPOTENCY_KEY_REUSED", "Another request had this key.")
        if file.status not in _ALIVE:
            raise gone()
        return file

    def _begin(self, call: str, caller: Caller, body: dict[str, Any]) -> File:
        caller.require(WRITE)
        nanoid, now = token_urlsafe(16)[:21], self._stores.now()
        folder = f"a/{body['album']}" if body.get("album") else f"{now:%Y/%m}"
        owner, extension = caller.scope.replace(":", "/"), CONTENT_TYPES[body["contentType"]][1]
        file = File(
            f"media_{nanoid}",
            caller.scope,
            f"{owner}/{body['service']}/{folder}/{nanoid}.{extension}",
            body,
            caller.shim,
            created_at=now,
            url_expires_at=now + (TRANSFER_LIFE if call == "open" else URL_LIFE),
            updated_at=now,
            upload_id=token_urlsafe(16)[:21] if call == "open" else None,
        )
        self._stores.files[file.media_id] = file
        return file

    def _accept(self, file: File, stored: StoredObject) -> None:
        """Make a file of what is stored; refuse it for ever where it is not what was declared."""
        wrong = None
        if stored.size > file.most or (file.is_exact and stored.size != file.most):
            wrong = "fileSize"
        beginning = _BEGINNINGS[file.fields["contentType"]]
        if stored.begins is not None and not re.match(beginning, stored.begins, re.DOTALL):
            wrong = "contentType"
        file.updated_at = self._stores.now()
        if wrong is not None:
            file.status = "rejected"
            self._stores.clear(file)
            raise Refused(422, "CONTENT_MISMATCH", "Other bytes than declared.", field=wrong)
        file.fields = {**file.fields, "fileSize": stored.size}
        file.status, file.etag, file.uploaded_at = "uploaded", stored.etag, file.updated_at


def find(stores: Stores, caller: Caller, media_id: str) -> File:
    """Return a file of the caller's.

    Raises:
        Refused: there is none of this id.
    """
    file = stores.files.get(media_id)
    if file is None or file.scope != caller.scope:
        raise not_found()
    return file


def signed_headers(file: File) -> dict[str, str]:
    """Return what the PUT of a file must carry, letter for letter."""
    content_type = file.fields["contentType"]
    return {
        "content-type": content_type,
        "content-disposition": disposition(typed(file.fields["fileName"], content_type)),
        "if-none-match": "*",
    }


def wire(file: File) -> dict[str, Any]:
    """Return a file as the Worker does; of what it finds inside, nothing."""
    return {
        "mediaId": file.media_id,
        "key": file.key,
        "status": file.status,
        "fileName": cleaned(file.fields["fileName"]),
        "contentType": file.fields["contentType"],
        "fileSize": file.most,
        "service": file.fields["service"],
        "album": file.fields.get("album"),
        "visibility": file.visibility,
        "managedBy": file.managed_by,
        "etag": file.etag,
        "createdAt": instant(file.created_at),
        "uploadedAt": None if file.uploaded_at is None else instant(file.uploaded_at),
    }


def _opened(file: File, status: int, issued_at: datetime) -> httpx.Response:
    token = f"upload.{file.upload_id}.{int(issued_at.timestamp() * 1000)}"
    return httpx.Response(
        status,
        json={
            "mediaId": file.media_id,
            "key": file.key,
            "uploadId": file.upload_id,
            "status": file.status,
            "uploadToken": token,
            "uploadUrl": f"{WORKER_URL}/u/{token}",
            "tokenExpiresAt": instant(issued_at + URL_LIFE),
            "expiresAt": instant(file.url_expires_at),
        },
    )
