"""The object store on an R2 bucket's raw binding."""

import json
from collections.abc import Sequence
from typing import Any

from pyodide.ffi import JsException, jsnull, to_js

from media_engine.cloudflare.carrier import call, carrier, settled
from media_engine.cloudflare.convert import failure, to_object
from media_engine.cloudflare.streams import streams
from media_engine.errors import R2Unavailable
from media_engine.http.message import ByteStream
from media_engine.ports import (
    MOST_READ,
    BrokenOff,
    ListedObject,
    MultipartRefused,
    ObjectHead,
    ObjectInfo,
    ObjectPage,
    ObjectRange,
    RangeOutside,
    StoredObject,
    StoredPart,
)

TOMBSTONE_MARK = "gone"
"""The custom metadata of a tombstone, which `carrier.mjs` looks for."""

_read = carrier.read
_describe_object = carrier.describeObject

# Past about twice this a number of Python becomes a BigInt, which R2 does not take. No object is
# so large.
MAX_INTEGER = 2**52

REFUSALS = ("(10011)", "(10024)", "(10025)", "(10048)")
"""How R2's messages end that say no to a multipart upload: a part is too small, there is no such
upload, there is no such part, the parts differ in size."""


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
        head: ObjectHead,
        /,
        *,
        once: bool,
    ) -> ObjectInfo | None:
        kind, name = head.content_type, head.content_disposition
        try:
            written = await settled(streams.write(self._bucket, key, body, size, kind, name, once))
        except JsException as error:
            raise _refusal(error) from error
        return None if written is jsnull else _info(written)

    async def read(self, key: str, offset: int, length: int, /, *, etag: str) -> bytes | None:
        if length > MOST_READ:
            raise ValueError("A file is not brought into memory.")
        try:
            content = await settled(
                streams.readBytes(self._bucket, key, offset, length, etag.strip('"'))
            )
        except JsException as error:
            raise R2Unavailable(reason=failure(error)) from error
        return None if content is jsnull else content.to_bytes()

    async def digest(self, key: str, /, *, etag: str) -> str | None:
        try:
            found = await settled(streams.digest(self._bucket, key, etag.strip('"')))
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

    async def list(self, prefix: str, after: str | None, limit: int, /) -> ObjectPage:
        behind = () if after is None else (after,)
        try:
            found = await settled(carrier.list(self._bucket, prefix, limit, *behind))
        except JsException as error:
            raise R2Unavailable(reason=failure(error)) from error
        more, listed = json.loads(carrier.describePage(found))
        if more and not listed:
            raise R2Unavailable(reason="a page without an object, which is not the last one")
        return ObjectPage([ListedObject(*one) for one in listed], more)

    async def begin(self, key: str, head: ObjectHead, /) -> str:
        kind, name = head.content_type, head.content_disposition
        try:
            begun = await settled(streams.begin(self._bucket, key, kind, name))
        except JsException as error:
            raise R2Unavailable(reason=failure(error)) from error
        return str(begun.uploadId)

    async def put_part(
        self, key: str, upload_id: str, number: int, body: ByteStream, length: int, /
    ) -> StoredPart:
        upload = self._bucket.resumeMultipartUpload(key, upload_id)
        try:
            part = await settled(streams.putPart(upload, number, body, length))
        except JsException as error:
            raise _refusal(error) from error
        return StoredPart(number, str(part.etag))

    async def join(self, key: str, upload_id: str, parts: Sequence[StoredPart], /) -> ObjectInfo:
        upload = self._bucket.resumeMultipartUpload(key, upload_id)
        named = to_js([to_object({"partNumber": part.number, "etag": part.etag}) for part in parts])
        try:
            return _info(await call(upload, "complete", named))
        except JsException as error:
            raise _refusal(error) from error

    async def abandon(self, key: str, upload_id: str, /) -> None:
        upload = self._bucket.resumeMultipartUpload(key, upload_id)
        try:
            await call(upload, "abort")
        except JsException as error:
            refusal = _refusal(error)
            if not isinstance(refusal, MultipartRefused):
                raise refusal from error


def _refusal(error: JsException) -> Exception:
    """Return what an error of R2, or of a body on its way there, is to the engine."""
    if error.name == "BrokenOff":
        return BrokenOff(failure(error))
    if str(error.message).rstrip(".").endswith(REFUSALS):
        return MultipartRefused(failure(error))
    return R2Unavailable(reason=failure(error))


def _info(found: Any) -> ObjectInfo:
    return ObjectInfo(*json.loads(_describe_object(found)))
