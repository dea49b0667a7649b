"""What an edge cache promises."""

from dataclasses import replace
from typing import Protocol

from media_engine.http.message import ByteStream
from media_engine.ports import Cache, ObjectInfo, ObjectRange, RangeOutside, StoredObject

CONTENT = b"0123456789"
INFO = ObjectInfo(
    key="t/acme/ü b/x.jpg",
    size=len(CONTENT),
    etag='"781e5e245d69b566979b86e28d23f2c7"',
    uploaded_at=1_795_000_000_123,
    content_type="image/jpeg; x=\u00fc",
    content_disposition="inline; filename=\"_\"; filename*=UTF-8''%C3%BC",
    tombstone=False,
)
ENTRY = "private/t/acme/ü b%20/x.jpg"


class CacheHarness(Protocol):
    """A cache, and streams to fill it with."""

    cache: Cache

    async def stream(self, content: bytes) -> ByteStream:
        """Return a stream of these bytes."""
        ...

    async def broken_stream(self, content: bytes) -> ByteStream:
        """Return a stream that breaks off after these bytes."""
        ...

    async def read(self, stream: ByteStream) -> bytes:
        """Read a stream to its end, or to where it breaks off."""
        ...

    async def leave(self, stream: ByteStream) -> None:
        """Let a stream go after a little of it, as a client does that leaves."""
        ...

    async def rest(self) -> None:
        """Wait until nothing is on its way into the cache."""
        ...


async def _fill(harness: CacheHarness, entry: str, content: bytes = CONTENT) -> bytes:
    """Fill an entry as a request does: ask, read the object, and wait for what goes on behind."""
    assert await harness.cache.get(entry) is None
    stored = StoredObject(INFO, await harness.stream(content))
    sent = await harness.read(harness.cache.fill(entry, "m-x", stored))
    await harness.rest()
    return sent


async def _read(harness: CacheHarness, entry: str, wanted: ObjectRange | None = None) -> bytes:
    found = await harness.cache.get(entry, wanted=wanted)
    assert found is not None
    assert found.info == INFO, "the object's, whatever was wanted"
    assert found.body is not None
    return await harness.read(found.body)


async def _refuses(harness: CacheHarness, entry: str, wanted: ObjectRange) -> bool:
    try:
        await harness.cache.get(entry, wanted=wanted)
    except RangeOutside as outside:
        whole = outside.stored
        assert whole.body is not None
        return whole.info == INFO and await harness.read(whole.body) == CONTENT
    return False


async def an_entry_that_was_never_filled_is_none(harness: CacheHarness) -> None:
    assert await harness.cache.get("public/never") is None
    assert await harness.cache.get("public/never", wanted=ObjectRange(offset=1)) is None


async def an_entry_has_the_bytes_that_were_sent_and_what_the_object_is(
    harness: CacheHarness,
) -> None:
    assert await _fill(harness, ENTRY) == CONTENT
    assert await _read(harness, ENTRY) == CONTENT
    assert await _read(harness, ENTRY) == CONTENT, "as often as it is asked for"


async def ranges_are_cut_from_the_whole(harness: CacheHarness) -> None:
    entry = "private/ranges"
    await _fill(harness, entry)
    assert await _read(harness, entry, ObjectRange(offset=2, length=3)) == b"234"
    assert await _read(harness, entry, ObjectRange(offset=0, length=1)) == b"0"
    assert await _read(harness, entry, ObjectRange(offset=7)) == b"789"
    assert await _read(harness, entry, ObjectRange(offset=8, length=100)) == b"89"
    assert await _read(harness, entry, ObjectRange(suffix=4)) == b"6789"
    for whole in (
        ObjectRange(offset=0),
        ObjectRange(offset=0, length=10),
        ObjectRange(suffix=10),
        ObjectRange(suffix=10**15),
    ):
        assert await _read(harness, entry, whole) == CONTENT


async def a_range_that_misses_the_object_is_outside(harness: CacheHarness) -> None:
    entry = "private/outside"
    await _fill(harness, entry)
    assert await _refuses(harness, entry, ObjectRange(offset=10))
    assert await _refuses(harness, entry, ObjectRange(offset=10, length=5))
    assert await _refuses(harness, entry, ObjectRange(suffix=0))


async def entries_do_not_mix(harness: CacheHarness) -> None:
    await _fill(harness, "private/one")
    assert await harness.cache.get("public/one") is None
    assert await harness.cache.get("private/on") is None
    assert await harness.cache.get("private/one/") is None


async def what_was_deleted_is_none(harness: CacheHarness) -> None:
    await _fill(harness, "private/deleted")
    await _fill(harness, "public/deleted")
    await harness.cache.delete(["public/deleted", "private/deleted", "public/never-was"])
    assert await harness.cache.get("private/deleted") is None
    assert await harness.cache.get("public/deleted") is None


async def a_stream_that_breaks_off_fills_nothing(harness: CacheHarness) -> None:
    entry = "private/broken"
    assert await harness.cache.get(entry) is None
    stored = StoredObject(INFO, await harness.broken_stream(CONTENT[:4]))
    sent = await harness.read(harness.cache.fill(entry, "m-x", stored))
    assert CONTENT.startswith(sent)
    assert sent != CONTENT
    await harness.rest()
    assert await harness.cache.get(entry) is None


async def a_client_that_leaves_leaves_the_whole_or_nothing(harness: CacheHarness) -> None:
    entry = "private/left"
    assert await harness.cache.get(entry) is None
    stored = StoredObject(INFO, await harness.stream(CONTENT))
    await harness.leave(harness.cache.fill(entry, "m-x", stored))
    await harness.rest()
    if await harness.cache.get(entry) is not None:
        assert await _read(harness, entry) == CONTENT


async def two_that_fill_one_entry_at_once_both_get_the_object(harness: CacheHarness) -> None:
    entry = "private/both"
    assert await harness.cache.get(entry) is None
    one = StoredObject(INFO, await harness.stream(CONTENT))
    other = StoredObject(INFO, await harness.stream(CONTENT))
    streams = [harness.cache.fill(entry, "m-x", stored) for stored in (one, other)]
    assert [await harness.read(stream) for stream in streams] == [CONTENT, CONTENT]
    await harness.rest()
    assert await _read(harness, entry) == CONTENT


async def what_is_withdrawn_while_it_is_on_its_way_does_not_arrive(harness: CacheHarness) -> None:
    """Whoever asked a moment before a file was deleted still reads it; nobody does after them."""
    for number in range(5):
        entry = f"private/withdrawn-{number}"
        assert await harness.cache.get(entry) is None
        stored = StoredObject(INFO, await harness.stream(CONTENT))
        stream = harness.cache.fill(entry, "m-x", stored)
        await harness.cache.delete([entry])
        assert await harness.read(stream) == CONTENT
        await harness.rest()
        assert await harness.cache.get(entry) is None
        assert await _fill(harness, entry) == CONTENT
        assert await _read(harness, entry) == CONTENT, "it is filled by whoever asks later"


async def what_is_on_its_way_has_a_bound(harness: CacheHarness) -> None:
    """Clients that do not read hold what was read for them: there is room for two of ten MiB."""
    content = bytes(10 * 1024 * 1024)
    info = replace(INFO, size=len(content))
    entries = [f"private/slow-{number}" for number in range(4)]
    streams = []
    for entry in entries:
        assert await harness.cache.get(entry) is None
        stored = StoredObject(info, await harness.stream(content))
        streams.append(harness.cache.fill(entry, "m-x", stored))
    for stream in streams:
        await harness.leave(stream)
    await harness.rest()
    assert [await harness.cache.get(entry) is not None for entry in entries[2:]] == [False, False]
    late = await _fill(harness, "private/late")
    assert late == CONTENT
    assert await harness.cache.get("private/late") is not None


CASES = (
    an_entry_that_was_never_filled_is_none,
    an_entry_has_the_bytes_that_were_sent_and_what_the_object_is,
    ranges_are_cut_from_the_whole,
    a_range_that_misses_the_object_is_outside,
    entries_do_not_mix,
    what_was_deleted_is_none,
    a_stream_that_breaks_off_fills_nothing,
    a_client_that_leaves_leaves_the_whole_or_nothing,
    two_that_fill_one_entry_at_once_both_get_the_object,
)

CASES_OF_THE_ADAPTER = (
    what_is_on_its_way_has_a_bound,
    what_is_withdrawn_while_it_is_on_its_way_does_not_arrive,
)
"""What a fake need not promise, which has nothing on its way."""
