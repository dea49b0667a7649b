"""The Worker's service API, in memory: all that the shim asks of it, and nothing more.

It stands where the network is, under httpx, so the shim's own client is what is tested. That it
answers as the Worker does is itself tested, on both.
"""

import json
import re
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from secrets import token_urlsafe
from typing import TYPE_CHECKING, Any, Final

import httpx
from django.db import connection

from media_shim.conf import DEVELOPMENT_GATEWAY_KEY, IDENTIFIER
from media_shim.uploads import CONTENT_TYPES, Kind, Visibility

if TYPE_CHECKING:
    from collections.abc import Callable

WORKER_URL: Final = "https://worker.test"
STORE_URL: Final = "https://store.test/bucket"
"""Nobody has a name that ends in .test (RFC 6761), so nobody is asked by mistake."""

GATEWAY_KEY: Final = DEVELOPMENT_GATEWAY_KEY

LARGEST: Final = 10 * 1024 * 1024
LARGEST_VIDEO: Final = 500 * 1024 * 1024
"""How many bytes a file may have, by the Worker's defaults."""

_WRITE: Final = "media:files.write"
_MEDIA_ID: Final = re.compile(r"media_[A-Za-z0-9_-]{21}")
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


@dataclass(frozen=True)
class Call:
    """A request that the shim made.

    Attributes:
        name: its method and path.
        headers: its headers, names in small letters.
        query: its query.
        body: its JSON.
        in_transaction: whether there was a database transaction around it.
    """

    name: str
    headers: dict[str, str]
    query: dict[str, str]
    body: dict[str, Any]
    in_transaction: bool


@dataclass
class File:
    """A row of the Worker's.

    Attributes:
        media_id: its id.
        scope: whose it is, `t:<tenant>` or `u:<user>`.
        key: where it is.
        fields: what was declared.
        managed_by: the shim that alone may delete or change it, or None.
        created_at: since when it is there.
        upload_id: the id of its transfer, if it was opened and not presigned.
        status: as the Worker calls it.
        stored: how many bytes there are; None before the first.
        begins: what these begin with; None where it does not matter.
        revision: the number of the newest change that a shim told.
    """

    media_id: str
    scope: str
    key: str
    fields: dict[str, Any]
    managed_by: str | None
    created_at: datetime
    upload_id: str | None = None
    status: str = "pending_upload"
    stored: int | None = None
    begins: bytes | None = None
    revision: int = 0

    @property
    def most(self) -> int:
        """How many bytes it may have."""
        most: int = self.fields["fileSize" if "fileSize" in self.fields else "maxFileSize"]
        return most


@dataclass(frozen=True)
class _Caller:
    """Who is asking, as the headers say."""

    user: str
    tenant: str | None
    shim: str | None
    permissions: frozenset[str]

    @property
    def scope(self) -> str:
        return f"t:{self.tenant}" if self.tenant else f"u:{self.user}"


class _Refused(Exception):
    """Carries the answer that is given instead."""

    def __init__(self, status: int, code: str, message: str, **details: Any) -> None:
        super().__init__(message)
        self.answer = refusal(status, code, message, **details)


class FakeWorker:
    """Answers as the Worker does.

    Attributes:
        calls: every request of the service API, the faulty ones included.
        files: every file that was presigned or opened, by its id.
        problems: what `GET /health` complains of.
    """

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.files: dict[str, File] = {}
        self.problems: list[str] = []
        self._requests: dict[tuple[str, ...], tuple[str, File]] = {}
        self._next: deque[httpx.Response | Exception] = deque()

    @property
    def called(self) -> list[str]:
        """The method and path of every call, in order."""
        return [call.name for call in self.calls]

    def answer_next(self, *answers: httpx.Response | Exception) -> None:
        """Give or raise these, in order, instead of what would be answered."""
        self._next.extend(answers)

    def put(self, key: str, size: int | None = None, content: bytes | None = None) -> None:
        """Store a file's bytes, as the browser does.

        Args:
            key: the file's key.
            size: how many bytes: as many as were declared if None. What they are does not matter.
            content: the bytes themselves, where it does.
        """
        file = self.of_key(key)
        if content is None:
            file.stored, file.begins = file.most if size is None else size, None
        else:
            file.stored, file.begins = len(content), content[:16]

    def of_key(self, key: str) -> File:
        """Return the file that has this key."""
        return next(file for file in self.files.values() if file.key == key)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if str(request.url).startswith(f"{STORE_URL}/"):
            return self._stored(request)
        body = json.loads(request.content) if request.content else {}
        name = f"{request.method} {request.url.path}"
        query = dict(request.url.params)
        in_transaction = connection.in_atomic_block
        self.calls.append(Call(name, dict(request.headers), query, body, in_transaction))
        if self._next:
            answer = self._next.popleft()
            if isinstance(answer, Exception):
                raise answer
            return answer
        try:
            return self._answer(name, request.headers, body)
        except _Refused as refused:
            return refused.answer

    def _answer(self, name: str, headers: httpx.Headers, body: dict[str, Any]) -> httpx.Response:
        verb, _, path = name.partition(" /files/")
        routes: dict[str, Callable[[_Caller], httpx.Response]] = {
            "POST /upload/presign": lambda caller: self._presign(
                caller, body, headers.get("idempotency-key")
            ),
            "POST /upload/open": lambda caller: self._open(caller, body),
            "POST /upload/token": lambda caller: self._token(caller, body),
            "PATCH /upload/complete": lambda caller: self._complete(caller, body),
            "DELETE": lambda caller: self._delete(caller, path),
            "PATCH": lambda caller: self._update(caller, path, body),
        }
        if name == "GET /health":
            return self._health()
        if name.startswith("GET /m/"):
            raise _not_found()
        route = routes.get(verb if path else name)
        if route is None or "/" in path:
            return refusal(404, "NOT_FOUND", "There is nothing here.")
        return route(_caller(headers))

    def _presign(self, caller: _Caller, body: dict[str, Any], name: str | None) -> httpx.Response:
        _require_upload(body, "fileSize")
        if name is not None and not _REQUEST_NAME.fullmatch(name):
            raise _invalid("Idempotency-Key", "must be 1 to 255 printable ASCII characters")
        _require(caller, _WRITE)
        file = self._named(caller, body, name) if name else self._begin(caller, body)
        if file.status not in ("pending_upload", "uploaded"):
            raise _gone()
        return httpx.Response(
            201,
            json={
                "mediaId": file.media_id,
                "key": file.key,
                "uploadUrl": f"{STORE_URL}/{file.key}?X-Amz-Signature=5ec3e7",
                "method": "PUT",
                "headers": _signed_headers(file),
                "expiresAt": _instant(file.created_at + timedelta(hours=1)),
            },
        )

    def _named(self, caller: _Caller, body: dict[str, Any], name: str) -> File:
        """Return the file that the request of this name has made, or makes now."""
        asked = json.dumps(body, sort_keys=True)
        key = (caller.scope, caller.user, name)
        if key not in self._requests:
            self._requests[key] = asked, self._begin(caller, body)
        first, file = self._requests[key]
        if first != asked:
            raise _Refused(422, "IDEMPOTENCY_KEY_REUSED", "Another request had this key.")
        return file

    def _open(self, caller: _Caller, body: dict[str, Any]) -> httpx.Response:
        exact = body.get("fileSize") is not None or body.get("maxFileSize") is None
        _require_upload(body, "fileSize" if exact else "maxFileSize")
        _require(caller, _WRITE)
        file = self._begin(caller, body)
        file.upload_id = token_urlsafe(16)[:21]
        return _opened(file, 201)

    def _token(self, caller: _Caller, body: dict[str, Any]) -> httpx.Response:
        file = self._find(caller, body.get("mediaId"))
        if file.upload_id is None:
            raise _not_found()
        if file.status not in ("pending_upload", "uploaded"):
            raise _gone()
        return _opened(file, 200)

    def _begin(self, caller: _Caller, body: dict[str, Any]) -> File:
        nanoid, now = token_urlsafe(16)[:21], datetime.now(UTC)
        folder = f"a/{body['album']}" if body.get("album") else f"{now:%Y/%m}"
        owner, extension = caller.scope.replace(":", "/"), CONTENT_TYPES[body["contentType"]][1]
        key = f"{owner}/{body['service']}/{folder}/{nanoid}.{extension}"
        file = File(f"media_{nanoid}", caller.scope, key, body, caller.shim, now)
        self.files[file.media_id] = file
        return file

    def _complete(self, caller: _Caller, body: dict[str, Any]) -> httpx.Response:
        media_id = _media_id(body.get("mediaId"))
        _require(caller, _WRITE)
        file = self._find(caller, media_id)
        if file.status not in ("pending_upload", "uploaded"):
            raise _gone()
        if file.stored is None:
            raise _Refused(409, "UPLOAD_INCOMPLETE", "Nothing was uploaded yet.")
        if file.status == "pending_upload":
            self._look_into(file, file.stored)
        file.status = "uploaded"
        return httpx.Response(200, json=_wire(file))

    def _look_into(self, file: File, stored: int) -> None:
        wrong = None
        if stored != file.most and ("fileSize" in file.fields or stored > file.most):
            wrong = "fileSize"
        beginning = _BEGINNINGS[file.fields["contentType"]]
        if file.begins is not None and not re.match(beginning, file.begins, re.DOTALL):
            wrong = "contentType"
        if wrong is not None:
            file.status = "rejected"
            raise _Refused(422, "CONTENT_MISMATCH", "Other bytes than declared.", field=wrong)

    def _delete(self, caller: _Caller, media_id: str) -> httpx.Response:
        file = self._managed(caller, media_id)
        if file.status in ("pending_upload", "uploaded"):
            file.status = "gone"
        return httpx.Response(200, json={"mediaId": file.media_id, "deleted": True})

    def _update(self, caller: _Caller, media_id: str, body: dict[str, Any]) -> httpx.Response:
        _media_id(media_id)
        visibility = body.get("visibility")
        if visibility is None:
            raise _missing("visibility")
        _require_visibility(visibility)
        file = self._managed(caller, media_id)
        if file.status == "pending_upload":
            raise _Refused(409, "UPLOAD_INCOMPLETE", "Nothing was completed yet.")
        if file.status != "uploaded":
            raise _gone()
        revision = _revision(body.get("revision"), file.revision)
        if revision >= file.revision:
            file.fields = {**file.fields, "visibility": visibility}
            file.revision = revision
        return httpx.Response(200, json=_wire(file))

    def _managed(self, caller: _Caller, media_id: str) -> File:
        """Return a file that the caller may delete or change."""
        _media_id(media_id)
        _require(caller, _WRITE)
        file = self._find(caller, media_id)
        if file.managed_by not in (None, caller.shim):
            raise _Refused(409, "MEDIA_MANAGED", "The application manages this file.")
        return file

    def _find(self, caller: _Caller, media_id: object) -> File:
        file = self.files.get(_media_id(media_id))
        if file is None or file.scope != caller.scope:
            raise _not_found()
        return file

    def _health(self) -> httpx.Response:
        status = "degraded" if self.problems else "ok"
        answer = {"status": status, "service": "media", "version": "0", "bindings": {}}
        return httpx.Response(200, json={**answer, "problems": self.problems})

    def _stored(self, request: httpx.Request) -> httpx.Response:
        """Answer for the object store: what was signed, once."""
        file = self.of_key(str(request.url.copy_with(query=None)).removeprefix(f"{STORE_URL}/"))
        signed = {**_signed_headers(file), "content-length": str(file.most)}
        if any(request.headers.get(name) != value for name, value in signed.items()):
            return httpx.Response(403, text="<Code>SignatureDoesNotMatch</Code>")
        if file.stored is not None or file.status != "pending_upload":
            return httpx.Response(412, text="<Code>PreconditionFailed</Code>")
        self.put(file.key, content=request.read())
        return httpx.Response(200, headers={"etag": '"5d41402a"'})


def _caller(headers: httpx.Headers) -> _Caller:
    if headers.get("x-gateway-key") != GATEWAY_KEY:
        raise _Refused(401, "UNAUTHORIZED", "The gateway key is wrong.")
    if not headers.get("x-user-id"):
        raise _Refused(401, "UNAUTHORIZED", "No user is named.")
    for name in ("x-user-id", "x-tenant-id", "x-media-shim"):
        if headers.get(name) and not IDENTIFIER.fullmatch(headers[name]):
            raise _invalid(name, "must be 1 to 64 letters, digits, underscores or hyphens")
    return _Caller(
        headers["x-user-id"],
        headers.get("x-tenant-id") or None,
        headers.get("x-media-shim") or None,
        frozenset(headers.get("x-user-permissions", "").split(",")),
    )


def _require(caller: _Caller, permission: str) -> None:
    if permission not in caller.permissions:
        raise _Refused(403, "FORBIDDEN", f"This needs {permission}.")


def _require_upload(body: dict[str, Any], size: str) -> None:
    """Look at the fields of an upload, whose size has this name. Refusals know it as fileSize."""
    wanted = {**body, "fileSize": body.get(size)}
    names = ("fileName", "contentType", "fileSize", "service")
    missing = [name for name in names if wanted.get(name) is None]
    if missing:
        raise _missing(*missing)
    if not isinstance(body["contentType"], str) or body["contentType"] not in CONTENT_TYPES:
        raise _Refused(400, "UNSUPPORTED_MIME", "contentType is not.", field="contentType")
    if not (isinstance(body["fileName"], str) and body["fileName"].strip()):
        raise _invalid("fileName", "must not be empty")
    most = LARGEST_VIDEO if CONTENT_TYPES[body["contentType"]][0] is Kind.VIDEO else LARGEST
    if not isinstance(wanted["fileSize"], int) or wanted["fileSize"] < 1:
        raise _invalid("fileSize", "must be a whole number of at least 1")
    if wanted["fileSize"] > most:
        sentence = f"fileSize must be at most {most} bytes for this type."
        raise _Refused(400, "FILE_TOO_LARGE", sentence, field="fileSize")
    for name in ("service", "album"):
        if body.get(name) is not None and not IDENTIFIER.fullmatch(str(body[name])):
            raise _invalid(name, "must be 1 to 64 letters, digits, underscores or hyphens")
    _require_visibility(body.get("visibility", Visibility.PRIVATE))


def _require_visibility(visibility: object) -> None:
    if visibility not in Visibility.values:
        raise _invalid("visibility", "must be private or public")


def _media_id(value: object) -> str:
    if value is None:
        raise _missing("mediaId")
    if not (isinstance(value, str) and _MEDIA_ID.fullmatch(value)):
        raise _invalid("mediaId", "is not the id of a file")
    return value


def _revision(value: object, otherwise: int) -> int:
    """Return the number of a change, or another one where it has none."""
    if value is None:
        return otherwise
    if not (isinstance(value, int) and 1 <= value < 2**53):
        raise _invalid("revision", "must be a whole number from 1 to 2^53 - 1")
    return value


def _missing(*names: str) -> _Refused:
    return _Refused(400, "MISSING_FIELDS", f"Missing: {', '.join(names)}.", fields=list(names))


def _invalid(field: str, why: str) -> _Refused:
    return _Refused(400, "INVALID_FIELD", f"{field} {why}.", field=field)


def _not_found() -> _Refused:
    return _Refused(404, "MEDIA_NOT_FOUND", "There is no such file.")


def _gone() -> _Refused:
    return _Refused(410, "MEDIA_GONE", "This file was deleted.")


def _name(file: File) -> str:
    """Return what the Worker makes of a name. What it does beyond this, ask the Worker."""
    name: str = file.fields["fileName"].replace("/", "").strip(" .")
    return name


def _signed_headers(file: File) -> dict[str, str]:
    return {
        "content-type": file.fields["contentType"],
        "content-disposition": f'inline; filename="{_name(file)}"',
        "if-none-match": "*",
    }


def _opened(file: File, status: int) -> httpx.Response:
    token = f"upload.{token_urlsafe(24)}"
    return httpx.Response(
        status,
        json={
            "mediaId": file.media_id,
            "key": file.key,
            "uploadId": file.upload_id,
            "status": file.status,
            "uploadToken": token,
            "uploadUrl": f"{WORKER_URL}/u/{token}",
            "tokenExpiresAt": _instant(datetime.now(UTC) + timedelta(hours=1)),
            "expiresAt": _instant(file.created_at + timedelta(days=1)),
        },
    )


def _wire(file: File) -> dict[str, Any]:
    """Return a file as the Worker does; of what it finds inside, nothing."""
    declared = {name: file.fields[name] for name in ("contentType", "service")}
    return {
        **declared,
        "album": file.fields.get("album"),
        "visibility": file.fields.get("visibility", "private"),
        "fileSize": file.stored,
        "managedBy": file.managed_by,
        "fileName": _name(file),
        "mediaId": file.media_id,
        "key": file.key,
        "status": file.status,
        "etag": '"5d41402a"',
        "createdAt": _instant(file.created_at),
        "uploadedAt": _instant(file.created_at + timedelta(seconds=1)),
    }


def _instant(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def refusal(
    status: int, code: str, message: str, headers: dict[str, str] | None = None, **details: Any
) -> httpx.Response:
    """Return the Worker's error envelope."""
    envelope = {"error": message, "code": code, "status": status, "requestId": "w0rker", **details}
    return httpx.Response(status, json=envelope, headers=headers)
