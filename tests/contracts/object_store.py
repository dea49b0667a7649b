"""What an object store promises."""

from hashlib import sha256
from typing import Protocol

from media_engine.http.message import ByteStream
from media_engine.ports import (
    MOST_READ,
    BrokenOff,
    MultipartRefused,
    ObjectHead,
    ObjectInfo,
    ObjectRange,
    ObjectStore,
    RangeOutside,
    StoredObject,
    StoredPart,
)

CONTENT = b"0123456789"
HEAD = ObjectHead("video/mp4", 'inline; filename="a.mp4"')


class StoreHarness(Protocol):
    """A store, and a way to it that is not the port's."""

    store: ObjectStore

    async def put(
        self,
        key: str,
        content: bytes,
        content_type: str,
        content_disposition: str,
        sha256: str | None = None,
    ) -> None:
        """Store an object, as a presigned PUT does; with a hash, the store verifies it."""
        ...

    async def stream(self, content: bytes) -> ByteStream:
        """Return a stream of these bytes."""
        ...

    async def broken_stream(self, content: bytes) -> ByteStream:
        """Return a stream that breaks off after these bytes."""
        ...

    async def read(self, stream: ByteStream) -> bytes:
        """Read a stream to its end."""
        ...


def _body(stored: StoredObject | None) -> ByteStream:
    assert stored is not None
    assert stored.body is not None
    return stored.body


async def _read(harness: StoreHarness, key: str, wanted: ObjectRange | None = None) -> bytes:
    stored = await harness.store.get(key, wanted=wanted)
    assert stored is not None
    assert stored.info.size == len(CONTENT), "the size is the object's, whatever was wanted"
    return await harness.read(_body(stored))


async def _refuses(harness: StoreHarness, key: str, wanted: ObjectRange) -> bool:
    try:
        await harness.store.get(key, wanted=wanted)
    except RangeOutside as outside:
        whole = outside.stored
        return whole.info.key == key and len(await harness.read(_body(whole))) == whole.info.size
    return False


async def an_object_that_is_not_there_is_none(harness: StoreHarness) -> None:
    assert await harness.store.head("absent") is None
    assert await harness.store.get("absent") is None
    assert await harness.store.get("absent", wanted=ObjectRange(offset=1)) is None


async def an_object_has_its_bytes_and_what_it_was_stored_with(harness: StoreHarness) -> None:
    key = "u/ü ser/a+b%20c.jpg"
    await harness.put(key, CONTENT, "image/jpeg", 'inline; filename="x.jpg"')
    info = await harness.store.head(key)
    assert info is not None
    assert info.key == key
    assert info.size == len(CONTENT)
    assert info.content_type == "image/jpeg"
    assert info.content_disposition == 'inline; filename="x.jpg"'
    assert info.etag == '"781e5e245d69b566979b86e28d23f2c7"'
    assert info.uploaded_at > 1_500_000_000_000
    assert not info.tombstone
    stored = await harness.store.get(key)
    assert stored is not None
    assert stored.info == info
    assert await harness.read(_body(stored)) == CONTENT


async def an_object_stored_without_type_or_name_has_none(harness: StoreHarness) -> None:
    await harness.put("plain", CONTENT, "", "")
    info = await harness.store.head("plain")
    assert info is not None
    assert info.content_disposition == ""


async def an_empty_object_is_no_tombstone(harness: StoreHarness) -> None:
    await harness.put("empty", b"", "image/jpeg", "")
    info = await harness.store.head("empty")
    assert info is not None
    assert info.size == 0
    assert not info.tombstone


async def a_range_gives_the_bytes_asked_for(harness: StoreHarness) -> None:
    await harness.put("ranges", CONTENT, "", "")
    assert await _read(harness, "ranges", ObjectRange(offset=2, length=3)) == b"234"
    assert await _read(harness, "ranges", ObjectRange(offset=0, length=1)) == b"0"
    assert await _read(harness, "ranges", ObjectRange(offset=7)) == b"789"
    assert await _read(harness, "ranges", ObjectRange(suffix=4)) == b"6789"


async def a_range_that_reaches_past_the_end_is_cut(harness: StoreHarness) -> None:
    await harness.put("cut", CONTENT, "", "")
    assert await _read(harness, "cut", ObjectRange(offset=8, length=100)) == b"89"
    assert await _read(harness, "cut", ObjectRange(offset=8, length=10**17)) == b"89"
    assert await _read(harness, "cut", ObjectRange(suffix=100)) == CONTENT
    assert await _read(harness, "cut", ObjectRange(suffix=10**17)) == CONTENT


async def a_range_that_misses_the_object_is_outside(harness: StoreHarness) -> None:
    await harness.put("outside", CONTENT, "", "")
    assert await _refuses(harness, "outside", ObjectRange(offset=10))
    assert await _refuses(harness, "outside", ObjectRange(offset=10, length=1))
    assert await _refuses(harness, "outside", ObjectRange(offset=10**17))
    assert await _refuses(harness, "outside", ObjectRange(suffix=0))
    await harness.put("outside-empty", b"", "", "")
    assert await _refuses(harness, "outside-empty", ObjectRange(offset=0))


async def another_object_under_the_key_is_none(harness: StoreHarness) -> None:
    await harness.put("pinned", CONTENT, "", "")
    info = await harness.store.head("pinned")
    assert info is not None
    wanted = ObjectRange(offset=2, length=3)
    same = await harness.store.get("pinned", wanted=wanted, etag=info.etag)
    assert same is not None
    assert await harness.read(_body(same)) == b"234"
    await harness.store.bury("pinned")
    assert await harness.store.get("pinned", wanted=wanted, etag=info.etag) is None


async def an_object_that_the_caller_has_comes_without_its_bytes(harness: StoreHarness) -> None:
    await harness.put("had", CONTENT, "image/jpeg", "")
    info = await harness.store.head("had")
    assert info is not None
    for wanted in (None, ObjectRange(offset=2, length=3)):
        had = await harness.store.get("had", wanted=wanted, unless=info.etag)
        assert had is not None
        assert had.info == info
        assert had.body is None
        other = await harness.store.get("had", wanted=wanted, unless='"another"')
        assert await harness.read(_body(other)) == (CONTENT if wanted is None else b"234")
    assert await harness.store.get("absent", unless=info.etag) is None


async def a_stream_can_be_let_go_unread(harness: StoreHarness) -> None:
    await harness.put("let-go", CONTENT, "", "")
    stored = await harness.store.get("let-go")
    assert stored is not None
    stored.let_go()


async def a_part_of_an_object_can_be_looked_at(harness: StoreHarness) -> None:
    await harness.put("looked-at", CONTENT, "", "")
    info = await harness.store.head("looked-at")
    assert info is not None
    for offset, length in ((0, 1), (0, 10), (3, 4), (9, 1)):
        content = await harness.store.read("looked-at", offset, length, etag=info.etag)
        assert content == CONTENT[offset : offset + length]
        assert isinstance(content, bytes)


async def a_large_part_can_be_looked_at(harness: StoreHarness) -> None:
    content = CONTENT * (MOST_READ // len(CONTENT) + 1)
    await harness.put("large", content, "", "")
    info = await harness.store.head("large")
    assert info is not None
    assert (
        await harness.store.read("large", 5, MOST_READ, etag=info.etag)
        == (content[5 : 5 + MOST_READ])
    )


async def an_object_is_hashed(harness: StoreHarness) -> None:
    await harness.put("hashed", CONTENT, "", "")
    info = await harness.store.head("hashed")
    assert info is not None
    assert await harness.store.digest("hashed", etag=info.etag) == sha256(CONTENT).hexdigest()


async def another_object_is_neither_looked_at_nor_hashed(harness: StoreHarness) -> None:
    await harness.put("replaced", CONTENT, "", "")
    info = await harness.store.head("replaced")
    assert info is not None
    await harness.store.bury("replaced")
    for key in ("replaced", "never-was"):
        assert await harness.store.read(key, 0, 1, etag=info.etag) is None
        assert await harness.store.digest(key, etag=info.etag) is None


async def the_store_says_what_it_has_verified(harness: StoreHarness) -> None:
    found = sha256(CONTENT).hexdigest()
    await harness.put("plain", CONTENT, "", "")
    await harness.put("verified", CONTENT, "", "", sha256=found)
    for key, verified in (("plain", None), ("verified", found)):
        info = await harness.store.head(key)
        assert info is not None
        assert info.sha256 == verified


async def a_buried_object_is_an_empty_tombstone(harness: StoreHarness) -> None:
    await harness.put("buried", CONTENT, "image/jpeg", "")
    await harness.store.bury("buried")
    info = await harness.store.head("buried")
    assert info is not None
    assert info.size == 0
    assert info.tombstone
    stored = await harness.store.get("buried")
    assert stored is not None
    assert stored.info.tombstone


async def a_key_without_an_object_can_be_buried(harness: StoreHarness) -> None:
    await harness.store.bury("never-was")
    info = await harness.store.head("never-was")
    assert info is not None
    assert info.tombstone


async def _write(
    harness: StoreHarness, key: str, body: ByteStream, size: int = len(CONTENT)
) -> ObjectInfo | None:
    return await harness.store.write(key, body, size, HEAD, once=True)


async def a_stream_is_stored_with_what_it_is(harness: StoreHarness) -> None:
    content = bytes(range(256)) * 4096
    written = await _write(harness, "written", await harness.stream(content), len(content))
    stored = await harness.store.get("written")
    assert stored is not None
    assert written == stored.info
    assert stored.info.size == len(content)
    assert stored.info.content_type == HEAD.content_type
    assert stored.info.content_disposition == HEAD.content_disposition
    assert not stored.info.tombstone
    assert await harness.read(_body(stored)) == content


async def a_stream_of_another_length_stores_nothing(harness: StoreHarness) -> None:
    for size in (len(CONTENT) - 1, len(CONTENT) + 1, 1_000_000):
        try:
            await _write(harness, "other-length", await harness.stream(CONTENT), size)
        except BrokenOff:
            assert await harness.store.head("other-length") is None
        else:
            raise AssertionError(f"{size} bytes were stored")


async def a_stream_that_breaks_off_stores_nothing(harness: StoreHarness) -> None:
    for content in (CONTENT[:4], CONTENT * 50_000):
        body = await harness.broken_stream(content)
        try:
            await _write(harness, "broken-off", body, len(content) + 1)
        except BrokenOff:
            assert await harness.store.head("broken-off") is None
        else:
            raise AssertionError("it was stored")


async def a_stream_replaces_nothing(harness: StoreHarness) -> None:
    await harness.put("taken", CONTENT, "", "")
    await harness.store.bury("taken-by-the-dead")
    for key in ("taken", "taken-by-the-dead"):
        before = await harness.store.head(key)
        assert await _write(harness, key, await harness.stream(b"x" * 500_000), 500_000) is None
        assert await harness.store.head(key) == before


async def a_stream_replaces_what_may_be_replaced(harness: StoreHarness) -> None:
    await harness.put("replaced", b"first", "", "")
    body = await harness.stream(CONTENT)
    written = await harness.store.write("replaced", body, len(CONTENT), HEAD, once=False)
    stored = await harness.store.get("replaced")
    assert stored is not None
    assert written == stored.info
    assert await harness.read(_body(stored)) == CONTENT


async def deleted_objects_are_not_there(harness: StoreHarness) -> None:
    await harness.put("deleted-1", CONTENT, "", "")
    await harness.put("deleted-2", CONTENT, "", "")
    await harness.store.delete(["deleted-1", "deleted-2", "never-was-there"])
    assert await harness.store.head("deleted-1") is None
    assert await harness.store.head("deleted-2") is None


async def _keys(
    harness: StoreHarness, prefix: str, after: str | None = None, limit: int = 1_000
) -> tuple[list[str], bool]:
    page = await harness.store.list(prefix, after, limit)
    return [listed.key for listed in page.objects], page.more


async def a_list_has_what_is_known_of_each_object(harness: StoreHarness) -> None:
    await harness.put("known/ü 1", CONTENT, "image/jpeg", 'inline; filename="x.jpg"')
    await harness.put("known/empty", b"", "", "")
    await harness.store.bury("known/gone")
    page = await harness.store.list("known/", None, 1_000)
    assert not page.more
    assert len(page.objects) == 3
    for listed in page.objects:
        info = await harness.store.head(listed.key)
        assert info is not None
        assert (listed.size, listed.etag, listed.uploaded_at, listed.tombstone) == (
            info.size,
            info.etag,
            info.uploaded_at,
            info.tombstone,
        )
        assert listed.tombstone is (listed.key == "known/gone")


async def a_list_is_in_the_binary_order_of_keys_and_ends_with_its_prefix(
    harness: StoreHarness,
) -> None:
    ordered = ["order/A", "order/_", "order/a", "order/b/c", "order/b0", "order/ü", "order/😀"]
    for key in [*reversed(ordered), "order", "order0", "orde/r", "ORDER/A", "order-/a"]:
        await harness.put(key, b"x", "", "")
    assert await _keys(harness, "order/") == (ordered, False)
    assert await _keys(harness, "order/b") == (["order/b/c", "order/b0"], False)
    assert await _keys(harness, "none/") == ([], False)


async def a_list_goes_on_behind_a_key_whether_it_is_there_or_not(harness: StoreHarness) -> None:
    keys = [f"pages/{number}" for number in range(5)]
    for key in keys:
        await harness.put(key, b"x", "", "")
    assert await _keys(harness, "pages/", limit=2) == (keys[:2], True)
    assert await _keys(harness, "pages/", keys[1], 2) == (keys[2:4], True)
    assert await _keys(harness, "pages/", keys[3], 2) == (keys[4:], False)
    assert await _keys(harness, "pages/", keys[2], 2) == (keys[3:], False)
    assert await _keys(harness, "pages/", keys[4], 2) == ([], False)
    assert await _keys(harness, "pages/", "pages/1x", 1) == (keys[2:3], True)
    assert await _keys(harness, "pages/", "pages/", 1) == (keys[:1], True)
    assert await _keys(harness, "pages/", "a", 1) == (keys[:1], True)
    assert await _keys(harness, "pages/", "q", 1) == ([], False)
    await harness.store.delete([keys[1]])
    assert await _keys(harness, "pages/", keys[1], 1) == (keys[2:3], True)


async def a_thousand_objects_are_listed_in_pages(harness: StoreHarness) -> None:
    keys = [f"thousand/{number:04}" for number in range(1_002)]
    for key in keys:
        await harness.store.bury(key)
    listed: list[str] = []
    more = True
    while more:
        page, more = await _keys(harness, "thousand/", listed[-1] if listed else None)
        listed += page
    assert listed == keys
    await harness.store.delete(keys[:1_000])
    await harness.store.delete(keys[1_000:])


PART = 5 * 1024 * 1024
FIRST, SECOND, LAST = b"1" * PART, b"2" * PART, b"last"


async def a_part_of_another_length_is_not_stored(harness: StoreHarness) -> None:
    upload = await harness.store.begin("broken", HEAD)
    for size in (len(CONTENT) - 1, len(CONTENT) + 1):
        try:
            await harness.store.put_part("broken", upload, 1, await harness.stream(CONTENT), size)
        except BrokenOff:
            continue
        raise AssertionError("it was stored")


async def _part(
    harness: StoreHarness, key: str, upload: str, number: int, content: bytes
) -> StoredPart:
    body = await harness.stream(content)
    return await harness.store.put_part(key, upload, number, body, len(content))


async def parts_are_joined_in_the_order_of_their_numbers(harness: StoreHarness) -> None:
    upload = await harness.store.begin("joined", HEAD)
    last = await _part(harness, "joined", upload, 90, LAST)
    first = await _part(harness, "joined", upload, 7, FIRST)
    second = await _part(harness, "joined", upload, 35, SECOND)
    await _part(harness, "joined", upload, 36, b"not named, so not in the object")
    assert await harness.store.head("joined") is None
    info = await harness.store.join("joined", upload, [first, second, last])
    assert info == await harness.store.head("joined")
    assert info.size == 2 * PART + len(LAST)
    assert info.content_type == HEAD.content_type
    assert info.content_disposition == HEAD.content_disposition
    content = await harness.read(_body(await harness.store.get("joined")))
    assert content == FIRST + SECOND + LAST


async def a_part_that_is_stored_again_takes_the_place_of_the_other(harness: StoreHarness) -> None:
    upload = await harness.store.begin("again", HEAD)
    old = await _part(harness, "again", upload, 1, b"old")
    new = await _part(harness, "again", upload, 1, b"new")
    assert await _is_refused(harness, "again", upload, [old])
    await harness.store.join("again", upload, [new])
    assert await harness.read(_body(await harness.store.get("again"))) == b"new"


async def _is_refused(
    harness: StoreHarness, key: str, upload: str, parts: list[StoredPart]
) -> bool:
    try:
        await harness.store.join(key, upload, parts)
    except MultipartRefused:
        return True
    return False


async def parts_of_unequal_size_are_not_joined(harness: StoreHarness) -> None:
    upload = await harness.store.begin("unequal", HEAD)
    parts = [
        await _part(harness, "unequal", upload, 1, FIRST),
        await _part(harness, "unequal", upload, 2, SECOND + b"2"),
        await _part(harness, "unequal", upload, 3, LAST),
    ]
    assert await _is_refused(harness, "unequal", upload, parts)
    assert await harness.store.head("unequal") is None


async def what_is_joined_is_not_joined_twice(harness: StoreHarness) -> None:
    upload = await harness.store.begin("twice", HEAD)
    part = await _part(harness, "twice", upload, 1, LAST)
    await harness.store.join("twice", upload, [part])
    assert await _is_refused(harness, "twice", upload, [part])
    await harness.store.abandon("twice", upload)
    assert await harness.store.head("twice") is not None


async def what_is_abandoned_takes_no_part(harness: StoreHarness) -> None:
    upload = await harness.store.begin("abandoned", HEAD)
    part = await _part(harness, "abandoned", upload, 1, LAST)
    await harness.store.abandon("abandoned", upload)
    await harness.store.abandon("abandoned", upload)
    assert await _is_refused(harness, "abandoned", upload, [part])
    try:
        await _part(harness, "abandoned", upload, 2, LAST)
    except MultipartRefused:
        return
    raise AssertionError("a part was taken")


CASES = (
    an_object_that_is_not_there_is_none,
    an_object_has_its_bytes_and_what_it_was_stored_with,
    an_object_stored_without_type_or_name_has_none,
    an_empty_object_is_no_tombstone,
    a_range_gives_the_bytes_asked_for,
    a_range_that_reaches_past_the_end_is_cut,
    a_range_that_misses_the_object_is_outside,
    another_object_under_the_key_is_none,
    an_object_that_the_caller_has_comes_without_its_bytes,
    a_stream_can_be_let_go_unread,
    a_part_of_an_object_can_be_looked_at,
    a_large_part_can_be_looked_at,
    an_object_is_hashed,
    another_object_is_neither_looked_at_nor_hashed,
    the_store_says_what_it_has_verified,
    a_buried_object_is_an_empty_tombstone,
    a_key_without_an_object_can_be_buried,
    a_stream_is_stored_with_what_it_is,
    a_stream_of_another_length_stores_nothing,
    a_stream_that_breaks_off_stores_nothing,
    a_stream_replaces_nothing,
    a_stream_replaces_what_may_be_replaced,
    deleted_objects_are_not_there,
    a_list_has_what_is_known_of_each_object,
    a_list_is_in_the_binary_order_of_keys_and_ends_with_its_prefix,
    a_list_goes_on_behind_a_key_whether_it_is_there_or_not,
    a_thousand_objects_are_listed_in_pages,
    a_part_of_another_length_is_not_stored,
    parts_are_joined_in_the_order_of_their_numbers,
    a_part_that_is_stored_again_takes_the_place_of_the_other,
    parts_of_unequal_size_are_not_joined,
    what_is_joined_is_not_joined_twice,
    what_is_abandoned_takes_no_part,
)
