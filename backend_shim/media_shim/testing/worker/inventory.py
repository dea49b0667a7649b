"""What a shim is shown of both stores, in pages that are in the binary order of keys."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any, Final

import httpx

from media_shim.testing.worker import fields
from media_shim.testing.worker.answers import Invalid, instant
from media_shim.testing.worker.callers import Caller
from media_shim.testing.worker.names import cleaned
from media_shim.testing.worker.state import File, StoredObject, Stores

MOST_LISTED: Final = 1000
PREFIXES: Final = ("t/", "u/")
"""What the keys of files begin with, in their order."""

_LONGEST_KEY: Final = 1024
_END: Final = "\U0010ffff"


class Inventory:
    """Lists.

    Args:
        stores: what there is.
    """

    def __init__(self, stores: Stores) -> None:
        self._stores = stores

    def files(self, caller: Caller, query: httpx.QueryParams) -> httpx.Response:
        """Answer `GET /managed/files`: a page of the rows that the shim manages."""
        prefix = _prefix(query.get("prefix"))
        after = query.get("after")
        if after == "":
            raise Invalid("after", "must not be empty")
        _key("after", after)
        limit = _limit(query)
        shim = caller.managing()
        behind, end = max(prefix or "", after or ""), _END if prefix is None else _behind(prefix)
        own = [file for file in self._stores.files.values() if file.managed_by == shim]
        page = sorted((file for file in own if behind < file.key < end), key=lambda file: file.key)[
            :limit
        ]
        following = page[-1].key if len(page) == limit else None
        return httpx.Response(200, json={"files": [*map(_row, page)], "next": following})

    def objects(self, caller: Caller, query: httpx.QueryParams) -> httpx.Response:
        """Answer `GET /managed/objects`: a page of the objects that are the shim's or nobody's."""
        prefix = _prefix(query.get("prefix"))
        after = _read_cursor(query.get("cursor"))
        limit = _limit(query)
        shim = caller.managing()
        if prefix is not None and not prefix.startswith(PREFIXES):
            raise Invalid("prefix", f"must begin with one of {', '.join(PREFIXES)}")
        prefixes = [
            one
            for one in (PREFIXES if prefix is None else (prefix,))
            if after is None or after < _behind(one)
        ]
        if not prefixes:
            return _objects([], None)
        keys = sorted(
            key
            for key in self._stores.objects
            if key.startswith(prefixes[0]) and key > (after or "")
        )
        managers = {file.key: file.managed_by for file in self._stores.files.values()}
        shown = [
            _listed(self._stores.objects[key], "self" if key in managers else "nobody")
            for key in keys[:limit]
            if managers.get(key, shim) == shim
        ]
        if len(keys) > limit:
            return _objects(shown, keys[limit - 1])
        return _objects(shown, _behind(prefixes[0]) if len(prefixes) > 1 else None)


def _objects(shown: list[dict[str, Any]], after: str | None) -> httpx.Response:
    following = None if after is None else urlsafe_b64encode(after.encode()).decode().rstrip("=")
    return httpx.Response(200, json={"objects": shown, "next": following})


def _row(file: File) -> dict[str, Any]:
    return {
        "mediaId": file.media_id,
        "key": file.key,
        "status": file.status,
        "visibility": file.visibility,
        "contentType": file.fields["contentType"],
        "fileSize": file.most,
        "fileName": cleaned(file.fields["fileName"]),
        "etag": file.etag,
        "sha256": None,
        "revision": file.revision,
        "createdAt": instant(file.created_at),
        "uploadedAt": None if file.uploaded_at is None else instant(file.uploaded_at),
        "updatedAt": instant(file.updated_at),
    }


def _listed(stored: StoredObject, owner: str) -> dict[str, Any]:
    return {
        "key": stored.key,
        "fileSize": stored.size,
        "etag": stored.etag,
        "uploadedAt": instant(stored.uploaded_at),
        "gone": stored.gone,
        "owner": owner,
    }


def _limit(query: httpx.QueryParams) -> int:
    limit = fields.whole_number(query, "limit")
    if limit is None:
        return MOST_LISTED
    if not 1 <= limit <= MOST_LISTED:
        raise Invalid("limit", f"must be 1 to {MOST_LISTED}")
    return limit


def _prefix(value: str | None) -> str | None:
    if value is not None and not value.endswith("/"):
        raise Invalid("prefix", "must end in a slash")
    return _key("prefix", value)


def _read_cursor(value: str | None) -> str | None:
    """Return the key behind which a page begins, of which the cursor is another spelling."""
    if value is None:
        return None
    try:
        key = urlsafe_b64decode(value + "=" * (-len(value) % 4)).decode()
    except ValueError:
        key = ""
    if not key or urlsafe_b64encode(key.encode()).decode().rstrip("=") != value:
        raise Invalid("cursor", "is none that was given out")
    return _key("cursor", key)


def _key(name: str, value: str | None) -> str | None:
    if value is not None and len(value.encode()) > _LONGEST_KEY:
        raise Invalid(name, f"must have at most {_LONGEST_KEY} bytes")
    return value


def _behind(prefix: str) -> str:
    """Return the first text behind all keys that begin with a prefix that ends in a slash."""
    return prefix[:-1] + chr(ord("/") + 1)
