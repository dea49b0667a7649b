"""The object store on an R2 bucket's raw binding."""

import json
from collections.abc import Sequence
from typing import Any

from pyodide.ffi import JsException, jsnull, to_js
from workers import import_from_javascript

from media_engine.cloudflare.carrier import call, carrier, settled
from media_engine.cloudflare.convert import failure, to_object
from media_engine.errors import R2Unavailable
from media_engine.http.message import ByteStream
from media_engine.ports import (
    MOST_READ,
    BrokenOff,
    ObjectInfo,
    ObjectRange,
    RangeOutside,
    StoredObject,
)

_streams = import_from_javascript("media_engine/cloudflare/streams.mjs")

TOMBSTONE_MARK = "gone"
"""The custom metadata of a tombstone, which `carrier.mjs` looks for."""

_read = carrier.read
_describe_object = carrier.describeObject

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
            found = await call(self._bucket, "head", key)
        except JsException as error:
            raise R2Unavailable(reason=failure(error)) from error
        if found is jsnull:
            return None
        return ObjectInfo(*json.loads(carrier.describeVerified(found)))

    async def get(
        self,
        key: str,
        /,
        *,
        wanted: ObjectRange | None = None,
        etag: str | None = None,
        unless: str | None = None,
    ) -> StoredObject | None:
        try:
            found = await self._read(key, wanted, etag, unless)
        except JsException as error:
            # A range outside the object is an error among others, and R2 does not say reliably
            # which. The object's size does.
            whole = None if wanted is None else await self.get(key, etag=etag)
            if wanted is None or whole is None or wanted.touches(whole.info.size):
                raise R2Unavailable(reason=failure(error)) from error
            raise RangeOutside(whole) from error
        # Not `if found`: an object that has a size of 0 is false.
        if found is jsnull:
            return None
        # An object whose precondition failed has no body.
        body = getattr(found, "body", None)
        if body is None and etag is not None:
            return None
        return StoredObject(_info(found), body)

    def _read(
        self, key: str, wanted: ObjectRange | None, etag: str | None, unless: str | None
    ) -> settled:
        """Begin to read an object. What is not converted costs nothing."""
        if wanted is None and etag is None and unless is None:
            return call(self._bucket, "get", key)
        offset = length = suffix = None
        if wanted is not None:
            offset, length, suffix = (
                None if value is None else min(value, MAX_INTEGER)
                for value in (wanted.offset, wanted.length, wanted.suffix)
            )
        matches, differs = (None if tag is None else tag.strip('"') for tag in (etag, unless))
        return settled(_read(self._bucket, key, offset, length, suffix, matches, differs))

    async def write(
        self,
        key: str,
        body: ByteStream,
        size: int,
        /,
        *,
        content_type: str,
        content_disposition: str,
    ) -> ObjectInfo | None:
        written = _streams.write(self._bucket, key, body, size, content_type, content_disposition)
        try:
            found = await settled(written)
        except JsException as error:
            raise R2Unavailable(reason=failure(error)) from error
        if isinstance(found, str):
            raise BrokenOff(found)
        return None if found is jsnull else _info(found)

    async def read(self, key: str, offset: int, length: int, /, *, etag: str) -> bytes | None:
        if length > MOST_READ:
            raise ValueError("A file is not brought into memory.")
        try:
            content = await settled(
                _streams.readBytes(self._bucket, key, offset, length, etag.strip('"'))
            )
        except JsException as error:
            raise R2Unavailable(reason=failure(error)) from error
        return None if content is jsnull else content.to_bytes()

    async def digest(self, key: str, /, *, etag: str) -> str | None:
        try:
            found = await settled(_streams.digest(self._bucket, key, etag.strip('"')))
        except JsException as error:
            raise R2Unavailable(reason=failure(error)) from error
        return None if found is jsnull else str(found)

    async def bury(self, key: str, /) -> None:
        options = to_object({"customMetadata": to_object({TOMBSTONE_MARK: "1"})})
        try:
            await call(self._bucket, "put", key, "", options)
        except JsException as error:
            raise R2Unavailable(reason=failure(error)) from error

    async def delete(self, keys: Sequence[str], /) -> None:
        try:
            await call(self._bucket, "delete", to_js(list(keys)))
        except JsException as error:
            raise R2Unavailable(reason=failure(error)) from error


def _info(found: Any) -> ObjectInfo:
    return ObjectInfo(*json.loads(_describe_object(found)))
