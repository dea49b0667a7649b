"""Talks to the Worker: one connection pool for the process, shared by its threads.

Retries. `presign` and `open` are asked once: they make a row each time, and the browser, which
waits for the answer, repeats it at its own pace. `complete` is idempotent, so a broken connection,
or a 500, 502 or 504, is met by asking again at once, `COMPLETE_ATTEMPTS` times in all. There is no
pause between them, in which a thread would serve nobody, and none after a timeout or a 503, which
ask for time. `delete` and `update` are asked once: the outbox repeats them.

Nothing that is raised, logged or shown here has a header or a URL in it: they carry secrets.
"""

import functools
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final, TypeVar

import httpx

from media_shim.conf import ShimSettings
from media_shim.errors import NotConfigured, ShimError, WorkerRefused, WorkerUnavailable
from media_shim.inventory import ListedObject, ManagedRow, Page, Verdict

COMPLETE_ATTEMPTS: Final = 3

PERMISSIONS: Final = "media:files.read,media:files.write"
"""What the shim lets every user do with files of their own."""

OWNER: Final = "system:owner"
"""What the shim needs to be shown the files of all its users."""

_WORTH_REPEATING: Final = (
    HTTPStatus.INTERNAL_SERVER_ERROR,
    HTTPStatus.BAD_GATEWAY,
    HTTPStatus.GATEWAY_TIMEOUT,
)


@dataclass(frozen=True, slots=True)
class Identity:
    """On whose behalf the Worker is asked.

    Attributes:
        user_id: the user, as the Worker knows them.
        tenant_id: the tenant that the files belong to, or None where they are the user's own.
    """

    user_id: str
    tenant_id: str | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file that the Worker is asked to expect.

    Attributes:
        file_name: what its user calls it.
        content_type: its type.
        file_size: its exact length in bytes.
        service: the part of the application it is for.
        visibility: `private` or `public`.
        album: the album it belongs to for ever, or None.
    """

    file_name: str
    content_type: str
    file_size: int
    service: str
    visibility: str
    album: str | None = None


@dataclass(frozen=True, slots=True)
class Presigned:
    """An upload that the Worker has issued: one PUT, which stores one file once.

    Attributes:
        media_id: the file's id.
        key: where it will be.
        method: the verb, PUT.
        url: where to send the bytes. Whoever has it can upload.
        headers: what the request must carry, letter for letter.
        expires_at: when the URL dies, as the Worker writes it (ISO 8601, UTC).
    """

    media_id: str
    key: str
    method: str
    url: str = field(repr=False)
    headers: Mapping[str, str]
    expires_at: str


@dataclass(frozen=True, slots=True)
class Opened:
    """A transfer that the Worker has opened: what sends a large file in pieces, to the Worker.

    Attributes:
        media_id: the file's id.
        key: where it will be.
        token: opens this upload and nothing else.
        url: the Worker's address with the token in it, for clients that send no header.
        token_expires_at: when the token dies, as the Worker writes it (ISO 8601, UTC).
        expires_at: when the transfer does, likewise.
    """

    media_id: str
    key: str
    token: str = field(repr=False)
    url: str = field(repr=False)
    token_expires_at: str
    expires_at: str


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file that the Worker has found in its store, and is what was declared.

    Attributes:
        media_id: its id.
        key: where it is.
        file_name: what it is called, as the Worker cleaned it.
    """

    media_id: str
    key: str
    file_name: str


RECONCILER: Final = Identity("media-reconcile", None)
"""Who asks for what is nobody's in particular."""

_CODE: Final = re.compile(r"[A-Za-z0-9_]{1,64}")

_T = TypeVar("_T")


class _ConnectionBroke(WorkerUnavailable):
    """There is no telling whether the Worker did what it was asked."""


@functools.lru_cache(maxsize=1)
def worker(shim: ShimSettings) -> "MediaClient":
    """Return the process's client for these settings."""
    return MediaClient(shim.worker_url, shim.gateway_key, shim.shim_id, shim.timeout)


class MediaClient:
    """The Worker's service API, typed.

    Every call raises `WorkerUnavailable` when the Worker does not answer as itself,
    `WorkerRefused` with what it says when it refuses, and `NotConfigured` when the reason is a
    setting, here or there.

    Args:
        worker_url: the Worker's address.
        gateway_key: by which it believes who is asking.
        shim_id: who manages the files, so that nobody else deletes or changes them.
        timeout: how long it may stay silent, in seconds.
    """

    def __init__(self, worker_url: str, gateway_key: str, shim_id: str, timeout: float) -> None:
        self._http = httpx.Client(
            base_url=worker_url,
            headers={
                "x-gateway-key": gateway_key,
                "x-media-shim": shim_id,
                "accept": "application/json",
            },
            timeout=timeout,
        )

    def close(self) -> None:
        """Close its connections."""
        self._http.close()

    def presign(
        self, identity: Identity, wanted: Wanted, idempotency_key: str | None = None
    ) -> Presigned:
        """Ask for an upload in one PUT. The Worker keeps a pending file for it from now on.

        Args:
            identity: whose file it will be.
            wanted: what it will be.
            idempotency_key: under which a repetition is known, and answered with the same upload.
        """
        answer = self._make("/upload/presign", identity, wanted, idempotency_key)
        return Presigned(
            media_id=answer.text("mediaId"),
            key=answer.text("key"),
            method=answer.text("method"),
            url=answer.text("uploadUrl"),
            headers=answer.texts("headers"),
            expires_at=answer.text("expiresAt"),
        )

    def open(
        self, identity: Identity, wanted: Wanted, idempotency_key: str | None = None
    ) -> Opened:
        """Ask for an upload in pieces. Likewise."""
        return _opened(self._make("/upload/open", identity, wanted, idempotency_key))

    def token(self, identity: Identity, media_id: str) -> Opened:
        """Ask for a new token of an upload in pieces, which goes on where it was."""
        response = self._send("POST", "/upload/token", identity, {"mediaId": media_id})
        return _opened(_understood(response))

    def complete(self, identity: Identity, media_id: str) -> StoredFile:
        """Ask the Worker to look for the file's bytes and make it available. Idempotent."""
        asked = ("PATCH", "/upload/complete", identity, {"mediaId": media_id})
        for _ in range(COMPLETE_ATTEMPTS - 1):
            try:
                response = self._send(*asked)
            except _ConnectionBroke:
                continue
            if response.status_code not in _WORTH_REPEATING:
                break
        else:
            response = self._send(*asked)
        answer = _understood(response)
        return StoredFile(
            media_id=answer.text("mediaId"),
            key=answer.text("key"),
            file_name=answer.text("fileName"),
        )

    def delete(self, identity: Identity, media_id: str, revision: int) -> None:
        """Have a file deleted, its bytes and its copies. Idempotent.

        Args:
            identity: whose file it is.
            media_id: the file.
            revision: the change's number, above that of every earlier change of this file.
        """
        path = f"/files/{media_id}?revision={revision}"
        _understood(self._send("DELETE", path, identity, None))

    def update(self, identity: Identity, media_id: str, visibility: str, revision: int) -> None:
        """Have a file shown to others than before. Idempotent, and an older one changes nothing.

        Args:
            identity: whose file it is.
            media_id: the file.
            visibility: `private` or `public`.
            revision: as for `delete`.
        """
        change = {"visibility": visibility, "revision": revision}
        _understood(self._send("PATCH", f"/files/{media_id}", identity, change))

    def rows(self, prefix: str | None, after: str | None) -> Page[ManagedRow]:
        """Return a page of the rows that this shim manages, whosever they are.

        Args:
            prefix: what their keys begin with; it ends in a slash. None for all.
            after: the last page's `next`; None for the first page.
        """
        return self._page("/managed/files", "files", {"prefix": prefix, "after": after}, ManagedRow)

    def row(self, key: str) -> ManagedRow | None:
        """Return the row of one key that this shim manages; None if there is none."""
        asked = {"prefix": f"{key.rpartition('/')[0]}/", "after": key[:-1], "limit": "1"}
        page = self._page("/managed/files", "files", asked, ManagedRow)
        return next((row for row in page.entries if row.key == key), None)

    def objects(self, prefix: str | None, cursor: str | None) -> Page[ListedObject]:
        """Return a page of the objects that are this shim's or nobody's. Likewise."""
        asked = {"prefix": prefix, "cursor": cursor}
        return self._page("/managed/objects", "objects", asked, ListedObject)

    def restore(self, files: Sequence[Mapping[str, object]]) -> list[Verdict]:
        """Have rows made again that the Worker lost, where their objects are there. Idempotent.

        Args:
            files: what is known of them, as the Worker's API asks for it; 1 to 100.
        """
        response = self._send(
            "POST", "/managed/restore", RECONCILER, {"files": files}, permissions=OWNER
        )
        return _entries(_understood(response), "files", Verdict.of)

    def _page(self, path: str, what: str, asked: Mapping[str, str | None], noun: Any) -> Page[Any]:
        query = httpx.QueryParams({name: text for name, text in asked.items() if text is not None})
        answer = _understood(
            self._send("GET", f"{path}?{query}", RECONCILER, None, permissions=OWNER)
        )
        following = answer.members.get("next")
        if not isinstance(following, str | None):
            raise WorkerUnavailable(reason="an answer without next")
        return Page(_entries(answer, what, noun.of), following)

    def _make(
        self, path: str, identity: Identity, wanted: Wanted, idempotency_key: str | None
    ) -> "_Answer":
        body = {
            "fileName": wanted.file_name,
            "contentType": wanted.content_type,
            "fileSize": wanted.file_size,
            "service": wanted.service,
            "visibility": wanted.visibility,
        }
        if wanted.album is not None:
            body["album"] = wanted.album
        return _understood(self._send("POST", path, identity, body, idempotency_key))

    def _send(
        self,
        method: str,
        path: str,
        identity: Identity,
        body: Mapping[str, object] | None,
        idempotency_key: str | None = None,
        permissions: str = PERMISSIONS,
    ) -> httpx.Response:
        headers = _identity_headers(identity, permissions)
        if idempotency_key is not None:
            headers["idempotency-key"] = idempotency_key
        try:
            return self._http.request(method, path, headers=headers, json=body)
        except httpx.TimeoutException as error:
            raise WorkerUnavailable(reason=type(error).__name__) from None
        except httpx.HTTPError as error:
            raise _ConnectionBroke(reason=type(error).__name__) from None
        except Exception as error:  # Its traceback would have the headers.
            raise WorkerUnavailable(reason=type(error).__name__) from None


def _opened(answer: "_Answer") -> Opened:
    return Opened(
        media_id=answer.text("mediaId"),
        key=answer.text("key"),
        token=answer.text("uploadToken"),
        url=answer.text("uploadUrl"),
        token_expires_at=answer.text("tokenExpiresAt"),
        expires_at=answer.text("expiresAt"),
    )


def _identity_headers(identity: Identity, permissions: str) -> dict[str, str]:
    headers = {"x-user-id": identity.user_id, "x-user-permissions": permissions}
    if identity.tenant_id is not None:
        headers["x-tenant-id"] = identity.tenant_id
    return headers


@dataclass(frozen=True, slots=True)
class _Answer:
    """The JSON object that the Worker answered."""

    members: Mapping[str, object]

    def text(self, name: str) -> str:
        """Return a member that must be a string."""
        value = self.members.get(name)
        if not isinstance(value, str):
            raise WorkerUnavailable(reason=f"an answer without {name}")
        return value

    def texts(self, name: str) -> dict[str, str]:
        """Return a member that must be an object of strings."""
        value = self.members.get(name)
        if not isinstance(value, dict):
            raise WorkerUnavailable(reason=f"an answer without {name}")
        inner = _Answer(value)
        return {member: inner.text(member) for member in value}


def _entries(answer: _Answer, name: str, make: Callable[[Mapping[str, Any]], _T]) -> list[_T]:
    """Return what a member holds that must be a list of such things."""
    try:
        return [make(entry) for entry in answer.members[name]]  # type: ignore[attr-defined]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise WorkerUnavailable(reason=f"{name} with a {type(error).__name__}") from None


def _understood(response: httpx.Response) -> _Answer:
    """Return what the Worker answered, or raise what it answered instead."""
    try:
        members = response.json()
    except ValueError:
        members = None
    if not isinstance(members, dict):
        raise WorkerUnavailable(reason=f"an answer {response.status_code} that is no JSON object")
    if not response.is_success:
        raise _refusal(response, members)
    return _Answer(members)


def _refusal(response: httpx.Response, members: Mapping[str, object]) -> ShimError:
    code, message, setting = (members.get(name) for name in ("code", "error", "setting"))
    if not (isinstance(code, str) and _CODE.fullmatch(code) and isinstance(message, str)):
        return WorkerUnavailable(reason=f"an answer {response.status_code} without an envelope")
    if response.status_code == HTTPStatus.UNAUTHORIZED:
        return NotConfigured("MEDIA_SHIM.GATEWAY_KEY", "is refused by the Worker")
    if response.status_code == HTTPStatus.SERVICE_UNAVAILABLE and isinstance(setting, str):
        return NotConfigured(setting, "is missing or wrong in the Worker")
    return WorkerRefused(
        code=code,
        status=response.status_code,
        message=message,
        details={name: members[name] for name in ("field", "fields") if name in members},
        retry_after=response.headers.get("retry-after"),
        reason=f"the Worker's request {members.get('requestId')}",
    )
