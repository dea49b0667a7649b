"""What a shim's inventory costs, and that what is restored is there once, whoever runs the SQL.

The rows that are read and written only D1 counts; the fake says zero of both.
"""

from media_engine.inventory.model import KeyName
from media_engine.inventory.paging import END_OF_KEYS, behind
from media_engine.inventory.queries import InventoryQueries
from media_engine.inventory.restoration import LostFile
from media_engine.library.queries import LibraryQueries
from media_engine.ports import Database, ObjectInfo, SqlValue, Statement
from media_engine.uploads.model import MAX_REVISION
from media_engine.uploads.queries import UploadQueries
from tests.contracts.database import DatabaseHarness
from tests.contracts.meter import Cost, Meter

SMALL, LARGE = 10, 10_000
NOW = 1_795_000_000_000


def folder(tenant: str) -> str:
    return f"t/{tenant}/blog/2026/11/"


def key_of(tenant: str, number: int) -> str:
    return f"{folder(tenant)}{number:021}.jpg"


async def fill(database: Database, tenant: str, shim: str | None, count: int, first: int) -> None:
    """Give a tenant so many uploaded files that a shim manages, numbered from `first` on."""
    await database.run(
        Statement(
            "INSERT INTO media_files (id, scope, key, service_code, file_name, mime_type, "
            "file_size, status, managed_by, uploaded_by, etag, url_expires_at, created_at, "
            "updated_at, uploaded_at) WITH RECURSIVE numbers (n) AS (SELECT ? UNION ALL "
            "SELECT n + 1 FROM numbers WHERE n < ?) SELECT format('media_%s_%021d', ?, n), ?, "
            "format('%s%021d.jpg', ?, n), 'blog', 'x.jpg', 'image/jpeg', 1, 'uploaded', ?, "
            "'somebody', 'tag', 1, 1, 1, 1 FROM numbers",
            (first, first + count - 1, tenant, f"t:{tenant}", folder(tenant), shim),
        )
    )


async def _costs(database: Database, shim: str, count: int) -> dict[str, Cost]:
    """Return what each call costs where the shim, and others, have so many files."""
    mine, others = f"{shim}-mine", f"{shim}-others"
    await fill(database, mine, shim, count, 1)
    await fill(database, others, f"{shim}-2", count, 1)
    await fill(database, f"{shim}-free", None, count, 1)
    meter = Meter(database)
    queries = InventoryQueries(meter)
    library = LibraryQueries(meter)
    keys = [key_of(mine, 1), key_of(others, 1), key_of("nobody", 1), key_of("nobody", 2)]
    one = f"media_{mine}_{5:021}"
    # Numbers that no other suite has: the database is shared.
    names = [
        name for number in (99_901, 99_902) if (name := KeyName.read(key_of("nobody", number)))
    ]
    return {
        "the first page": await meter.of(queries.managed(shim, "", END_OF_KEYS, 10)),
        "a page behind a key": await meter.of(
            queries.managed(shim, key_of(mine, 3), END_OF_KEYS, 5)
        ),
        "a page of a prefix": await meter.of(
            queries.managed(shim, folder(mine), behind(folder(mine)), 5)
        ),
        "a prefix of others": await meter.of(
            queries.managed(shim, folder(others), behind(folder(others)), 1_000)
        ),
        "who manages two of four keys": await meter.of(queries.managers(keys)),
        "two files that have no row": await meter.of(queries.statuses(names)),
        "a numbered change": await meter.of(
            library.show_to(f"t:{mine}", one, "public", shim, 3, NOW)
        ),
        "a late change": await meter.of(library.show_to(f"t:{mine}", one, "private", shim, 2, NOW)),
    }


MOST = {
    "the first page": Cost(1, 10, 0),
    "a page behind a key": Cost(1, 5, 0),
    "a page of a prefix": Cost(1, 5, 0),
    # The row at which they end.
    "a prefix of others": Cost(1, 1, 0),
    # What was bound counts as well, twice.
    "who manages two of four keys": Cost(1, 10, 0),
    "two files that have no row": Cost(1, 8, 0),
    "a numbered change": Cost(1, 2, 1),
    "a late change": Cost(1, 2, 0),
}
"""What D1 bills at most."""


async def a_call_costs_the_same_however_many_files_there_are(harness: DatabaseHarness) -> None:
    small = await _costs(harness.database, "small", SMALL)
    large = await _costs(harness.database, "large", LARGE)
    assert small == large, (small, large)
    for call, cost in large.items():
        assert all(spent <= most for spent, most in zip(cost, MOST[call], strict=True)), (
            call,
            cost,
        )


async def pages_are_in_the_binary_order_of_keys_and_a_shims_own(harness: DatabaseHarness) -> None:
    for tenant in ("pages", "Pages", "pages2", "pages-", "pages_"):
        await fill(harness.database, tenant, "paging", 1, 7)
    await fill(harness.database, "pages", "others", 1, 8)
    await fill(harness.database, "pages", None, 1, 9)
    queries = InventoryQueries(harness.database)
    everything = await queries.managed("paging", "", END_OF_KEYS, 1_000)
    expected = [key_of(one, 7) for one in ("Pages", "pages-", "pages", "pages2", "pages_")]
    assert [file.key for file in everything] == expected
    only = await queries.managed("paging", "t/pages/", behind("t/pages/"), 1_000)
    assert [file.key for file in only] == [key_of("pages", 7)]


def stored(key: str) -> ObjectInfo:
    return ObjectInfo(key, 7, '"etag"', NOW, "image/jpeg", "", tombstone=False)


def id_of(number: int) -> str:
    return f"media_restored{number:013}"


def restored_key(number: int) -> str:
    return f"{folder('restored')}restored{number:013}.jpg"


def lost(number: int) -> LostFile:
    """Return what a shim says of a file whose row was lost."""
    return LostFile.parse(
        {
            "mediaId": id_of(number),
            "key": restored_key(number),
            "userId": "somebody",
            "tenantId": "restored",
            "fileName": 'Grüße 🏔 "x".jpg',
            "contentType": "image/jpeg",
            "fileSize": 7,
            "createdAt": "2026-11-20T11:48:18.443Z",
            "revision": MAX_REVISION,
        }
    )


async def what_is_restored_is_there_once_and_counts_once(harness: DatabaseHarness) -> None:
    queries = InventoryQueries(harness.database)
    rows: list[dict[str, SqlValue]] = [
        lost(number).row(stored(restored_key(number)), "restoring", NOW) for number in range(1, 4)
    ]
    assert await queries.restore(rows[:2]) == {id_of(1), id_of(2)}
    assert await queries.restore(rows) == {id_of(3)}
    assert await queries.restore(rows) == frozenset()
    moved: dict[str, SqlValue] = {**rows[0], "key": "t/restored/elsewhere"}
    renamed: dict[str, SqlValue] = {**rows[0], "id": "media_elsewhere"}
    assert await queries.restore([moved, renamed]) == frozenset()
    account = await UploadQueries(harness.database).account("t:restored")
    assert (account.bytes_used, account.files_used) == (21, 3)
    for file in await queries.managed("restoring", "", END_OF_KEYS, 10):
        assert (file.file_name, file.revision) == ('Grüße 🏔 "x".jpg', MAX_REVISION)
        assert (file.status, file.file_size, file.uploaded_at) == ("uploaded", 7, NOW)
    statuses = await queries.statuses([lost(number).name for number in (1, 9)])
    assert statuses == {id_of(1): "uploaded", restored_key(1): "uploaded"}


async def the_greatest_number_of_a_change_is_kept(harness: DatabaseHarness) -> None:
    await fill(harness.database, "numbers", "numbering", 2, 1)
    library = LibraryQueries(harness.database)
    first, second = (f"media_numbers_{number:021}" for number in (1, 2))

    async def change(revision: int | None, media_id: str = first) -> bool:
        changed = await library.show_to(
            "t:numbers", media_id, "private", "numbering", revision, NOW
        )
        return changed is not None

    changes = [
        await change(revision)
        for revision in (MAX_REVISION - 1, MAX_REVISION, MAX_REVISION, MAX_REVISION - 1, 1, None)
    ]
    assert changes == [True, True, False, False, False, False]
    await library.condemn("t:numbers", second, "numbering", MAX_REVISION, NOW)
    queries = InventoryQueries(harness.database)
    files = await queries.managed("numbering", "", END_OF_KEYS, 10)
    assert [file.revision for file in files] == [MAX_REVISION] * 2


CASES = (
    a_call_costs_the_same_however_many_files_there_are,
    pages_are_in_the_binary_order_of_keys_and_a_shims_own,
    what_is_restored_is_there_once_and_counts_once,
    the_greatest_number_of_a_change_is_kept,
)
