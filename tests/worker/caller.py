"""The application's backend, as the service API sees it, and the browser that uploads for it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx

ACCESS = "/api/v1/media/access-token"
GATEWAY_KEY = "dev-gateway-key"
PERMISSIONS = "media:files.read,media:files.write"


@dataclass(frozen=True)
class Caller:
    """One user's calls.

    Attributes:
        http: what sends them.
        url: where the Worker listens.
        headers: what the gateway says about the user.
    """

    http: httpx.Client
    url: str
    headers: Mapping[str, str]

    def presign(self, **fields: object) -> httpx.Response:
        """Ask for an upload URL."""
        return self.http.post(f"{self.url}/upload/presign", headers=self.headers, json=fields)

    def presign_named(self, key: str, **fields: object) -> httpx.Response:
        """Ask for an upload URL by a request that names itself."""
        return self.named("/upload/presign", key, **fields)

    def named(self, path: str, key: str, **fields: object) -> httpx.Response:
        """Call what makes something by a request that names itself."""
        headers = {**self.headers, "idempotency-key": key}
        return self.http.post(f"{self.url}{path}", headers=headers, json=fields)

    def set_quota(self, tenant: str, **quota: object) -> httpx.Response:
        """Say what a tenant may have, as whoever owns the system."""
        headers = {**self.headers, "x-user-permissions": "system:owner"}
        return self.http.put(f"{self.url}/tenants/{tenant}/quota", headers=headers, json=quota)

    def forecast(self, permissions: str = "system:owner") -> httpx.Response:
        """Ask what the next run of the cron would do, as whoever owns the system."""
        headers = {**self.headers, "x-user-permissions": permissions}
        return self.http.get(f"{self.url}/housekeeping", headers=headers)

    def presigned(self, size: int, **fields: object) -> dict[str, Any]:
        """Return what an upload URL was answered with: for a photo, where nothing is said."""
        photo = {"fileName": "photo.jpg", "contentType": "image/jpeg", "service": "blog"}
        answer = self.presign(**{**photo, "fileSize": size, **fields})
        assert answer.status_code == 201, answer.text
        signed: dict[str, Any] = answer.json()
        return signed

    def put(self, signed: Mapping[str, Any], content: bytes | Iterable[bytes]) -> httpx.Response:
        """Send the file as a browser does: without the gateway's headers."""
        return self.http.put(signed["uploadUrl"], headers=signed["headers"], content=content)

    def complete(self, media_id: object) -> httpx.Response:
        """Say that the file was sent."""
        return self.http.patch(
            f"{self.url}/upload/complete", headers=self.headers, json={"mediaId": media_id}
        )

    def delete(self, media_id: object, **query: object) -> httpx.Response:
        """Delete a file."""
        url = f"{self.url}/files/{media_id}"
        return self.http.delete(url, headers=self.headers, params=_texts(query))

    def show_to(self, media_id: object, visibility: object, **fields: object) -> httpx.Response:
        """Change who sees a file."""
        return self.http.patch(
            f"{self.url}/files/{media_id}",
            headers=self.headers,
            json={"visibility": visibility, **fields},
        )

    def managed(self, what: str, **query: object) -> httpx.Response:
        """Ask for a page of what the shim manages: `files` or `objects`."""
        url = f"{self.url}/managed/{what}"
        return self.http.get(url, headers=self.headers, params=_texts(query))

    def restore(self, *files: object) -> httpx.Response:
        """Have the rows of files made again."""
        url = f"{self.url}/managed/restore"
        return self.http.post(url, headers=self.headers, json={"files": files})

    def upload(self, content: bytes, **fields: object) -> dict[str, Any]:
        """Bring a file all the way in and return it."""
        signed = self.presigned(len(content), **fields)
        stored = self.put(signed, content)
        assert stored.status_code == 200, stored.text
        answer = self.complete(signed["mediaId"])
        assert answer.status_code == 200, answer.text
        file: dict[str, Any] = answer.json()
        return file

    def ask_for_access(self, **fields: object) -> httpx.Response:
        """Ask for a token for an album, or for files."""
        return self.http.post(f"{self.url}{ACCESS}", headers=self.headers, json=fields)

    def access(self, **fields: object) -> dict[str, Any]:
        """Return a token that was given out."""
        answer = self.ask_for_access(**fields)
        assert answer.status_code == 201, answer.text
        granted: dict[str, Any] = answer.json()
        return granted

    def revoke(self, token_id: str) -> httpx.Response:
        """Take a token back, by its id."""
        url = f"{self.url}{ACCESS}/{quote(token_id, safe='')}"
        return self.http.delete(url, headers=self.headers)


def _texts(query: Mapping[str, object]) -> dict[str, str]:
    return {name: str(value) for name, value in query.items()}


def headers_of(user: str, tenant: str | None) -> dict[str, str]:
    """Return what the gateway says about a user, who may do everything that there is to do."""
    identity = {
        "x-gateway-key": GATEWAY_KEY,
        "x-user-id": user,
        "x-user-permissions": PERMISSIONS,
    }
    return identity if tenant is None else {**identity, "x-tenant-id": tenant}
