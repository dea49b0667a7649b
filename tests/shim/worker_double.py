"""The Worker's service API, in memory: what the shim can see of it and nothing more.

It stands where the network is, under httpx, so the shim's own client is what is tested.
"""

import json
from collections import deque
from dataclasses import dataclass
from secrets import token_urlsafe
from typing import Any

import httpx
from django.db import connection

GATEWAY_KEY = "dev-gateway-key"
TYPES = {
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/webp": "webp",
    "image/gif": "gif",
    "image/svg+xml": "svg",
    "image/avif": "avif",
    "video/mp4": "mp4",
    "video/webm": "webm",
    "application/pdf": "pdf",
}
LARGEST = 10 * 1024 * 1024
LARGEST_VIDEO = 500 * 1024 * 1024


@dataclass(frozen=True)
class Call:
    """A request that the shim made.

    Attributes:
        name: its method and path.
        headers: its headers, names in small letters.
        body: its JSON.
        in_transaction: whether the shim was in a database transaction when it made it.
    """

    name: str
    headers: dict[str, str]
    body: dict[str, Any]
    in_transaction: bool


@dataclass
class File:
    media_id: str
    scope: str
    key: str
    fields: dict[str, Any]
    status: str = "pending_upload"
    stored: int | None = None


class WorkerDouble:
    """Answers as the Worker does.

    Attributes:
        calls: every request that was made, the faulty ones included.
        files: every file that was presigned, by its id.
    """

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.files: dict[str, File] = {}
        self._next: deque[httpx.Response | Exception] = deque()

    @property
    def called(self) -> list[str]:
        return [call.name for call in self.calls]

    def answer_next(self, *answers: httpx.Response | Exception) -> None:
        """Give or raise these, in order, instead of what would be answered."""
        self._next.extend(answers)

    def put(self, key: str, size: int | None = None) -> None:
        """Store bytes, as the browser does: as many as were declared, or another number."""
        file = next(file for file in self.files.values() if file.key == key)
        file.stored = file.fields["fileSize"] if size is None else size

    def __call__(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content) if request.content else {}
        name = f"{request.method} {request.url.path}"
        self.calls.append(Call(name, dict(request.headers), body, connection.in_atomic_block))
        if self._next:
            answer = self._next.popleft()
            if isinstance(answer, Exception):
                raise answer
            return answer
        return self._answer(name, request, body)

    def _answer(self, name: str, request: httpx.Request, body: dict[str, Any]) -> httpx.Response:
        if request.headers.get("x-gateway-key") != GATEWAY_KEY:
            return refusal(401, "UNAUTHORIZED", "The gateway key is wrong.")
        if "media:files.write" not in request.headers["x-user-permissions"].split(","):
            return refusal(403, "FORBIDDEN", "This needs media:files.write.")
        tenant = request.headers.get("x-tenant-id")
        scope = f"t:{tenant}" if tenant else f"u:{request.headers['x-user-id']}"
        match name:
            case "POST /upload/presign":
                return self._presign(scope, body)
            case "PATCH /upload/complete":
                return self._complete(scope, body)
        return refusal(404, "NOT_FOUND", "There is nothing here.")

    def _presign(self, scope: str, body: dict[str, Any]) -> httpx.Response:
        missing = [
            name for name in ("fileName", "contentType", "fileSize", "service") if name not in body
        ]
        if missing:
            return refusal(400, "MISSING_FIELDS", "Missing.", fields=missing)
        content_type = body["contentType"]
        if content_type not in TYPES:
            return refusal(400, "UNSUPPORTED_MIME", "contentType is not.", field="contentType")
        most = LARGEST_VIDEO if content_type.startswith("video/") else LARGEST
        if body["fileSize"] > most:
            sentence = f"fileSize must be at most {most} bytes for this type."
            return refusal(400, "FILE_TOO_LARGE", sentence, field="fileSize")
        nanoid = token_urlsafe(16)[:21]
        folder = f"a/{body['album']}" if "album" in body else "2026/11"
        key = f"{scope.replace(':', '/')}/{body['service']}/{folder}/{nanoid}.{TYPES[content_type]}"
        file = File(f"media_{nanoid}", scope, key, body)
        self.files[file.media_id] = file
        return httpx.Response(
            201,
            json={
                "mediaId": file.media_id,
                "key": key,
                "uploadUrl": f"https://store.test/bucket/{key}?X-Amz-Signature=5ec3e7",
                "method": "PUT",
                "headers": {
                    "content-type": content_type,
                    "content-disposition": f'inline; filename="{body["fileName"]}"',
                    "if-none-match": "*",
                },
                "expiresAt": "2026-11-20T12:25:00.000Z",
            },
        )

    def _complete(self, scope: str, body: dict[str, Any]) -> httpx.Response:
        file = self.files.get(body["mediaId"])
        if file is None or file.scope != scope:
            return refusal(404, "MEDIA_NOT_FOUND", "There is no such file.")
        if file.status == "rejected":
            return refusal(410, "MEDIA_GONE", "This file was deleted.")
        if file.stored is None:
            return refusal(409, "UPLOAD_INCOMPLETE", "Nothing was uploaded yet.")
        if file.stored != file.fields["fileSize"]:
            file.status = "rejected"
            return refusal(422, "CONTENT_MISMATCH", "Other bytes were stored than declared.")
        file.status = "uploaded"
        return httpx.Response(
            200,
            json={
                "album": None,
                "visibility": "private",
                "managedBy": None,
                **file.fields,
                "fileName": file.fields["fileName"].replace("/", "").strip(" ."),
                "mediaId": file.media_id,
                "key": file.key,
                "status": file.status,
                "etag": '"5d41402a"',
                "createdAt": "2026-11-20T11:25:00.000Z",
                "uploadedAt": "2026-11-20T11:26:00.000Z",
            },
        )


def refusal(
    status: int, code: str, message: str, headers: dict[str, str] | None = None, **details: Any
) -> httpx.Response:
    """Return the Worker's error envelope."""
    envelope = {"error": message, "code": code, "status": status, "requestId": "w0rker", **details}
    return httpx.Response(status, json=envelope, headers=headers)
