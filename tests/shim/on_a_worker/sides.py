"""The double and the real Worker, to be asked the same and to be treated alike."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from media_shim.testing.worker import GATEWAY_KEY
from tests.media import JPEG

PICTURE = {
    "fileName": "sea.jpg",
    "contentType": "image/jpeg",
    "fileSize": len(JPEG),
    "service": "app",
    "visibility": "private",
}
ALICE = {
    "x-gateway-key": GATEWAY_KEY,
    "x-user-id": "1",
    "x-tenant-id": "acme",
    "x-user-permissions": "media:files.read,media:files.write",
}
NOTHING: Mapping[str, str] = {}
STRANGERS = [ALICE | {"x-tenant-id": "globex"}, ALICE | {"x-tenant-id": ""}]


@dataclass
class Side:
    """One of the two.

    Attributes:
        http: speaks to it.
        lose_row: loses the row of a key.
        lose_object: loses its object.
        add_object: stores an object under a key: its bytes, its type, and its name if it has one.
        run_cron: lets the cron run when files of these keys are so many hours older than now.
    """

    http: httpx.Client
    lose_row: Callable[[str], None]
    lose_object: Callable[[str], None]
    add_object: Callable[..., None]
    run_cron: Callable[[list[str], float], None]

    def presign(self, who: dict[str, str] = ALICE, /, **changes: object) -> httpx.Response:
        body = {name: value for name, value in (PICTURE | changes).items() if value is not None}
        return self.http.post("/upload/presign", json=body, headers=who)

    def open(self, who: dict[str, str] = ALICE, /, **changes: object) -> httpx.Response:
        body = {name: value for name, value in (PICTURE | changes).items() if value is not None}
        return self.http.post("/upload/open", json=body, headers=who)

    def put(
        self, upload: dict[str, Any], content: bytes = JPEG, headers: Mapping[str, str] = NOTHING
    ) -> httpx.Response:
        """Do with a presigned upload what a browser does."""
        return httpx.put(
            upload["uploadUrl"], headers={**upload["headers"], **headers}, content=content
        )

    def complete(self, media_id: str, who: dict[str, str] = ALICE) -> httpx.Response:
        return self.http.patch("/upload/complete", json={"mediaId": media_id}, headers=who)

    def delete(self, media_id: str, who: dict[str, str] = ALICE) -> httpx.Response:
        return self.http.delete(f"/files/{media_id}", headers=who)

    def update(
        self, media_id: str, visibility: object, who: dict[str, str] = ALICE
    ) -> httpx.Response:
        body = {"visibility": visibility}
        return self.http.patch(f"/files/{media_id}", json=body, headers=who)

    def uploaded(self, who: dict[str, str] = ALICE, /, **changes: object) -> dict[str, Any]:
        """Bring a file all the way in."""
        upload = self.presign(who, **changes).json()
        assert self.put(upload).status_code == 200
        file: dict[str, Any] = self.complete(upload["mediaId"], who).json()
        return file

    def managed(self, what: str, shim: str, **query: object) -> httpx.Response:
        """Ask for a page of what a shim manages: `files` or `objects`."""
        params = {name: str(value) for name, value in query.items()}
        return self.http.get(f"/managed/{what}", headers=reconciler(shim), params=params)

    def listed(self, what: str, shim: str, **query: object) -> list[dict[str, Any]]:
        """Go through all pages; return what is on them."""
        entries: list[dict[str, Any]] = []
        while True:
            answer = self.managed(what, shim, **query)
            assert answer.status_code == 200, answer.text
            page = answer.json()
            assert page.keys() == {what, "next"}
            entries += page[what]
            if page["next"] is None:
                return entries
            query["after" if what == "files" else "cursor"] = page["next"]

    def restore(self, shim: str, files: object) -> httpx.Response:
        """Have rows made again."""
        return self.http.post("/managed/restore", json={"files": files}, headers=reconciler(shim))


def reconciler(shim: str) -> dict[str, str]:
    """Return the headers of a shim that compares its own database with the Worker."""
    return {
        "x-gateway-key": GATEWAY_KEY,
        "x-user-id": "media-reconcile",
        "x-user-permissions": "system:owner",
        "x-media-shim": shim,
    }


def refused(response: httpx.Response) -> tuple[int, str, object]:
    """Return the status, the code, and what is to blame, if the answer is an envelope."""
    error = response.json()
    assert {"error", "code", "status", "requestId"} <= error.keys()
    assert error["status"] == response.status_code
    return response.status_code, error["code"], error.get("field", error.get("fields"))
