"""The object store on an R2 bucket's raw binding."""

from collections.abc import Sequence
from typing import Any

from pyodide.ffi import JsException, jsnull, to_js

from media_engine.cloudflare.convert import failure, to_object
from media_engine.errors import R2Unavailable
from media_engine.ports import ObjectInfo, ObjectRange, RangeOutside, StoredObject

TOMBSTONE_MARK = "gone"

# Past about twice this a number of Python becomes a BigInt, which R2 does not take. No object is
# so large.
MAX_INTEGER = 2**52


class R2Store:
    """`ports.ObjectStore` on R2.

    Args:
        bucket: the raw R2 binding.
    """

    __slots__ = ("_bucket",)

    def __init__(self, bucket: Any) -> None:
        self._bucket = bucket

    async def head(self, key: str, /) -> ObjectInfo | None:
        try:
            found = await self._bucket.head(key)
        except JsException as error:
            raise R2Unavailable(reason=failure(error)) from error
        return None if found is jsnull else _info(found)

    async def get(
        self, key: str, /, *, wanted: ObjectRange | None = None, etag: str | None = None
    ) -> StoredObject | None:
        try:
            found = await self._bucket.get(key, *_options(wanted, etag))
        except JsException as error:
            # A range outside the object is an error among others, and R2 does not say reliably
            # which. The object's size does.
            whole = None if wanted is None else await self.get(key, etag=etag)
            if wanted is None or whole is None or wanted.touches(whole.info.size):
                raise R2Unavailable(reason=failure(error)) from error
            raise RangeOutside(whole) from error
        # Not `if found`: an object that has a size of 0 is false.
        if found is jsnull or (etag is not None and not hasattr(found, "body")):
            return None
        return StoredObject(_info(found), found.body)

    async def bury(self, key: str, /) -> None:
        options = to_object({"customMetadata": to_object({TOMBSTONE_MARK: "1"})})
        try:
            await self._bucket.put(key, "", options)
        except JsException as error:
            raise R2Unavailable(reason=failure(error)) from error

    async def delete(self, keys: Sequence[str], /) -> None:
        try:
            await self._bucket.delete(to_js(list(keys)))
        except JsException as error:
            raise R2Unavailable(reason=failure(error)) from error


def _options(wanted: ObjectRange | None, etag: str | None) -> Sequence[Any]:
    """Return the options of a read, or nothing: what is not converted costs nothing."""
    options: dict[str, object] = {}
    if wanted is not None:
        options["range"] = _range(wanted)
    if etag is not None:
        options["onlyIf"] = {"etagMatches": etag.strip('"')}
    return [to_object(options)] if options else []


def _range(wanted: ObjectRange) -> dict[str, int]:
    given = {"offset": wanted.offset, "length": wanted.length, "suffix": wanted.suffix}
    return {name: min(value, MAX_INTEGER) for name, value in given.items() if value is not None}


def _info(found: Any) -> ObjectInfo:
    size: int = found.size
    metadata = found.httpMetadata
    return ObjectInfo(
        key=found.key,
        size=size,
        etag=found.httpEtag,
        uploaded_at=int(found.uploaded.getTime()),
        content_type=getattr(metadata, "contentType", None) or "",
        content_disposition=getattr(metadata, "contentDisposition", None) or "",
        # Only an empty object can be a tombstone: the others are spared the look.
        tombstone=size == 0 and hasattr(found.customMetadata, TOMBSTONE_MARK),
    )
