"""What was stored is looked at before it becomes a file: is it what was declared?

Its length and its stored type come from a HEAD. What it is inside comes from a few bounded reads
(`inspect`), each pinned to the entity tag of that HEAD. Its hash, where one was declared, comes
from the store, which verified it as the bytes came; where a store does not do that, the bytes are
read through once: within the request up to `MOST_HASHED_AT_ONCE`, behind the answer beyond that.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from media_engine.errors import ContentMismatch, HashPending
from media_engine.ports import Background, ObjectInfo, ObjectStore
from media_engine.uploads.inspect import Facts, inspect
from media_engine.uploads.limits import Limits, check
from media_engine.uploads.model import MEDIA_TYPES, MediaFile, media_type
from media_engine.uploads.queries import UploadQueries

MOST_HASHED_AT_ONCE: Final = 64 * 1024 * 1024
"""In bytes. At the 100 MB a second that a Worker hashes, a request does not take a second more."""


class Replaced(Exception):
    """The object that is looked at is not there any more: somebody else has decided."""


@dataclass(frozen=True, slots=True)
class StoredReader:
    """An `inspect.Reader` of one object, as a HEAD saw it.

    Attributes:
        store: where it is.
        seen: what the HEAD said.
    """

    store: ObjectStore
    seen: ObjectInfo

    @property
    def size(self) -> int:
        return self.seen.size

    async def read(self, offset: int, length: int, /) -> bytes:
        content = await self.store.read(self.seen.key, offset, length, etag=self.seen.etag)
        if content is None:
            raise Replaced
        return content


class Examiner:
    """Looks at what was stored.

    Args:
        queries: the files' rows, where it is kept what took long to find out.
        store: the files' bytes.
        limits: what a file of each kind may be.
        background: does what takes longer than a request should.
    """

    def __init__(
        self,
        queries: UploadQueries,
        store: ObjectStore,
        limits: Mapping[str, Limits],
        background: Background,
    ) -> None:
        self._queries = queries
        self._store = store
        self._limits = limits
        self._background = background

    async def examine(self, file: MediaFile, stored: ObjectInfo, now: int) -> Facts:
        """Return what the file says of itself.

        Costs at most `inspect.window.MOST_READS` class B operations, one for most files; and one
        more and its time where there is a hash that the store has not verified.

        Args:
            file: what was declared.
            stored: what was stored, by a HEAD.
            now: the time in milliseconds.

        Raises:
            ContentMismatch: it is not what was declared.
            OutsideLimits: it is, and is not allowed.
            HashPending: that is not known yet.
            Replaced: it is not there any more.
        """
        _compare(file, stored)
        facts = await inspect(file.content_type, StoredReader(self._store, stored))
        check(facts, self._limits[MEDIA_TYPES[file.content_type].kind])
        if file.sha256 is not None:
            found = await self._sha256(file, stored, now)
            if found != file.sha256:
                raise ContentMismatch(
                    f"The bytes have the SHA-256 {found}, and {file.sha256} was declared.",
                    field="sha256",
                )
        return facts

    async def _sha256(self, file: MediaFile, stored: ObjectInfo, now: int) -> str:
        known = stored.sha256 or file.stored_sha256
        if known is not None:
            return known
        if stored.size > MOST_HASHED_AT_ONCE:
            if await self._queries.begin_hashing(file, now):
                self._background(self._hash(file, stored))
            raise HashPending
        found = await self._store.digest(stored.key, etag=stored.etag)
        if found is None:
            raise Replaced
        return found

    async def _hash(self, file: MediaFile, stored: ObjectInfo) -> None:
        found = await self._store.digest(stored.key, etag=stored.etag)
        if found is not None:
            await self._queries.end_hashing(file, found)


def _compare(file: MediaFile, stored: ObjectInfo) -> None:
    if stored.size != file.file_size:
        raise ContentMismatch(
            f"{stored.size} bytes were stored, and {file.file_size} were declared.",
            field="fileSize",
        )
    if media_type(stored.content_type) != file.content_type:
        raise ContentMismatch(
            f"{stored.content_type} was stored, and {file.content_type} was declared.",
            field="contentType",
        )
