"""The store takes what was signed, as long as its URL lives, and takes it once."""

import httpx

from media_shim.testing.worker.addresses import STORE_URL
from media_shim.testing.worker.names import typed
from media_shim.testing.worker.state import File, StoredObject, Stores
from media_shim.testing.worker.uploads import signed_headers


class Bucket:
    """Stores.

    Args:
        stores: what there is.
    """

    def __init__(self, stores: Stores) -> None:
        self._stores = stores

    def answer(self, request: httpx.Request) -> httpx.Response:
        """Answer for the object store."""
        key = str(request.url.copy_with(query=None)).removeprefix(f"{STORE_URL}/")
        try:
            file = self._stores.of_key(key)
        except KeyError:
            return _refusal(403, "SignatureDoesNotMatch")
        signed = {**signed_headers(file), "content-length": str(file.most)}
        if any(request.headers.get(name) != value for name, value in signed.items()):
            return _refusal(403, "SignatureDoesNotMatch")
        if file.url_expires_at < self._stores.now():
            return _refusal(403, "AccessDenied")
        if key in self._stores.objects:
            return _refusal(412, "PreconditionFailed")
        self.put(file, request.read())
        return httpx.Response(200, headers={"etag": self._stores.objects[key].etag})

    def put(self, file: File, content: bytes | int) -> None:
        """Store a file's bytes, or so many of which it does not matter what."""
        content_type, now = file.fields["contentType"], self._stores.now()
        name = typed(file.fields["fileName"], content_type)
        self._stores.objects[file.key] = StoredObject.of(file.key, content, content_type, now, name)


def _refusal(status: int, code: str) -> httpx.Response:
    return httpx.Response(status, text=f"<Code>{code}</Code>")
