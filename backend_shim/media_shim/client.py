"""Talks to the Worker: one connection pool for the process, shared by its threads.

Retries. `presign` is asked once: it makes a row each time, and the browser, which waits for the
answer, repeats it at its own pace. `complete` is idempotent, so a broken connection, or a 500, 502
or 504, is met by asking again at once, `COMPLETE_ATTEMPTS` times in all. There is no pause between
them, in which a thread would serve nobody, and none after a timeout or a 503, which ask for time.

Nothing that is raised, logged or shown here has a header or a URL in it: they carry secrets.
"""

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

import httpx

from media_shim.conf import ShimSettings
from media_shim.errors import NotConfigured, ShimError, WorkerRefused, WorkerUnavailable

COMPLETE_ATTEMPTS: Final = 3

PERMISSIONS: Final = "media:files.read,media:files.write"
"""What the shim lets every user do with files of their own."""

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


class _ConnectionBroke(WorkerUnavailable):
    """There is no telling whether the Worker did what it was asked."""


@functools.lru_cache(maxsize=1)
def worker(shim: ShimSettings) -> "MediaClient":
    """Return the process's client for these settings."""
    return MediaClient(shim.worker_url, shim.gateway_key, shim.timeout)


class MediaClient:
    """The Worker's service API, typed.

    Every call raises `WorkerUnavailable` when the Worker does not answer as itself,
    `WorkerRefused` with what it says when it refuses, and `NotConfigured` when the reason is a
    setting, here or there.

    Args:
        worker_url: the Worker's address.
        gateway_key: by which it believes who is asking.
        timeout: how long it may stay silent, in seconds.
    """

    def __init__(self, worker_url: str, gateway_key: str, timeout: float) -> None:
        self._http = httpx.Client(
            base_url=worker_url,
            headers={"x-gateway-key": gateway_key, "accept": "application/json"},
            timeout=timeout,
        )

    def presign(
        self,
        identity: Identity,
        *,
        file_name: str,
        content_type: str,
        file_size: int,
        service: str,
        visibility: str,
        album: str | None = None,
    ) -> Presigned:
        """Ask for an upload. The Worker keeps a pending file for it from now on.

        Args:
            identity: whose file it will be.
            file_name: what they call it.
            content_type: its type.
            file_size: its exact length in bytes.
            service: the part of the application it is for.
            visibility: `private` or `public`.
            album: the album it belongs to for ever, or None.
        """
        wanted = {
            "fileName": file_name,
            "contentType": content_type,
            "fileSize": file_size,
            "service": service,
            "visibility": visibility,
        }
        if album is not None:
            wanted["album"] = album
        answer = _understood(self._send("POST", "/upload/presign", identity, wanted))
        return Presigned(
            media_id=answer.text("mediaId"),
            key=answer.text("key"),
            method=answer.text("method"),
            url=answer.text("uploadUrl"),
            headers=answer.texts("headers"),
            expires_at=answer.text("expiresAt"),
        )

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

    def _send(
        self,
        method: str,
        path: str,
        identity: Identity,
        body: Mapping[str, object],
    ) -> httpx.Response:
        headers = _identity_headers(identity)
        try:
            return self._http.request(method, path, headers=headers, json=body)
        except httpx.TimeoutException as error:
            raise WorkerUnavailable(reason=type(error).__name__) from None
        except httpx.HTTPError as error:
            raise _ConnectionBroke(reason=type(error).__name__) from None


def _identity_headers(identity: Identity) -> dict[str, str]:
    headers = {"x-user-id": identity.user_id, "x-user-permissions": PERMISSIONS}
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
    if not (isinstance(code, str) and isinstance(message, str)):
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
