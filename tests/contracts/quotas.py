"""What presign and complete cost, and that a quota holds, whoever runs the SQL.

The rows that are read and written only D1 counts; the fake says zero of both, which is as little
in a large tenant as in a small one.
"""

from collections.abc import Awaitable
from dataclasses import replace

from media_engine.errors import IdempotencyKeyInUse, IdempotencyKeyReused, QuotaExceeded
from media_engine.idempotency.model import KEY_LIFE_MS, Claim, Making
from media_engine.ports import Database, Statement
from media_engine.uploads.inspect import Facts
from media_engine.uploads.model import MediaFile, Status
from media_engine.uploads.queries import UploadQueries
from media_engine.uploads.quota import UNLIMITED, OwnQuota, Quota
from tests.contracts.database import DatabaseHarness
from tests.contracts.meter import Cost, Meter

SMALL, LARGE = 10, 10_000
NOW = 1_795_000_000_000
HASH = "ab" * 32


def pending(scope: str, number: int, size: int = 1, sha256: str | None = None) -> MediaFile:
    """Return a file that is about to be uploaded."""
    return MediaFile(
        id=f"media_{scope[2:]}_{number}",
        scope=scope,
        key=f"{scope.replace(':', '/')}/{number}",
        service="blog",
        album=None,
        file_name="x.jpg",
        content_type="image/jpeg",
        file_size=size,
        status=Status.PENDING_UPLOAD,
        visibility="private",
        managed_by=None,
        uploaded_by="somebody",
        etag=None,
        url_expires_at=NOW + 1,
        created_at=NOW,
        uploaded_at=None,
        sha256=sha256,
    )


async def fill(database: Database, scope: str, count: int) -> None:
    """Give a scope so many uploaded files, all of the same bytes."""
    await database.run(
        Statement(
            "INSERT INTO media_files (id, scope, key, service_code, file_name, mime_type, "
            "file_size, status, uploaded_by, etag, url_expires_at, created_at, updated_at, "
            "uploaded_at, sha256) WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL "
            "SELECT n + 1 FROM numbers WHERE n < ?) SELECT format('media_%s_old_%d', ?, n), ?, "
            "format('%s/old/%d', ?, n), 'blog', 'x', 'image/jpeg', 1, 'uploaded', 'somebody', "
            "'tag', 1, 1, 1, n, ? FROM numbers",
            (count, scope[2:], scope, scope, HASH),
        )
    )


async def _costs(database: Database, scope: str, count: int) -> list[Cost]:
    """Return what each call costs in a scope that has so many files."""
    await fill(database, scope, count)
    meter = Meter(database)
    queries = UploadQueries(meter)
    plain, hashed, claimed = pending(scope, 1), pending(scope, 2, sha256=HASH), pending(scope, 3)
    claim, held, named = _claim(scope), replace(_claim(scope), call="ingest"), pending(scope, 5)
    return [
        await meter.of(queries.insert_pending(plain)),
        await meter.of(queries.insert_pending(hashed)),
        await meter.of(queries.insert_claimed(claimed, claim)),
        await meter.of(queries.insert_claimed(pending(scope, 4), claim)),
        await meter.of(queries.find(scope, plain.id)),
        await meter.of(queries.mark_uploaded(plain, '"tag"', Facts(), NOW)),
        await meter.of(queries.mark_uploaded(hashed, '"tag"', Facts(), NOW)),
        await meter.of(queries.find(scope, hashed.id)),
        await meter.of(queries.reject(claimed, NOW)),
        await meter.of(queries.set_quota(scope, OwnQuota(None, None))),
        await meter.of(queries.hold(held, Making.until(named.id, NOW, NOW + 1))),
        await meter.of(queries.insert_held(named, held)),
        await meter.of(queries.release(held, named.id)),
    ]


async def _refused(work: Awaitable[object]) -> Quota:
    """Do what does not fit; return what is left."""
    try:
        await work
    except QuotaExceeded as exceeded:
        return Quota(exceeded.bytes_left, exceeded.files_left)
    raise AssertionError("it was let in")


async def a_call_costs_as_much_in_a_large_tenant_as_in_a_small_one(
    harness: DatabaseHarness,
) -> None:
    small = await _costs(harness.database, "t:small", SMALL)
    large = await _costs(harness.database, "t:large", LARGE)
    assert small == large
    assert max(cost.rows_read for cost in large) <= 16
    assert max(cost.rows_written for cost in large) <= 16
    assert [cost.statements for cost in large] == [1, 2, 6, 6, 1, 1, 2, 1, 1, 1, 6, 1, 1]


async def the_oldest_file_with_the_same_bytes_is_found(harness: DatabaseHarness) -> None:
    scope = "t:duplicates"
    await fill(harness.database, scope, 3)
    await fill(harness.database, "t:others", 1)
    queries = UploadQueries(harness.database)
    inserted = await queries.insert_pending(pending(scope, 1, sha256=HASH))
    assert inserted.duplicate_of == "media_duplicates_old_1"
    oldest = await queries.find(scope, "media_duplicates_old_1")
    assert oldest is not None
    assert oldest.duplicate_of is None
    other = await queries.insert_pending(pending(scope, 2, sha256="cd" * 32))
    assert other.duplicate_of is None


async def a_byte_more_than_there_is_room_for_is_refused(harness: DatabaseHarness) -> None:
    scope = "t:bytes"
    queries = UploadQueries(harness.database, Quota(bytes=100))
    await queries.insert_pending(pending(scope, 1, 60))
    assert await _refused(queries.insert_pending(pending(scope, 2, 41))) == Quota(40, UNLIMITED - 1)
    await queries.insert_pending(pending(scope, 3, 40))
    account = await queries.account(scope)
    assert (account.bytes_used, account.files_used, account.left.bytes) == (100, 2, 0)


async def a_file_more_than_there_is_room_for_is_refused(harness: DatabaseHarness) -> None:
    scope = "u:files"
    queries = UploadQueries(harness.database, user_quota=Quota(files=2))
    for number in (1, 2):
        await queries.insert_pending(pending(scope, number))
    third = queries.insert_claimed(pending(scope, 3), _claim(scope))
    assert await _refused(third) == Quota(UNLIMITED - 2, 0)


async def what_was_said_of_a_scope_goes_before_the_settings(harness: DatabaseHarness) -> None:
    scope = "t:said"
    queries = UploadQueries(harness.database, Quota(bytes=100))
    account = await queries.set_quota(scope, OwnQuota(bytes=7, files=None))
    assert (account.may.bytes, account.left.bytes, account.bytes_used) == (7, 7, 0)
    await queries.insert_pending(pending(scope, 1, 7))
    account = await queries.set_quota(scope, OwnQuota(bytes=3, files=9))
    assert (account.may, account.left) == (Quota(3, 9), Quota(0, 8))
    account = await queries.set_quota(scope, OwnQuota(bytes=None, files=None))
    assert account.left.bytes == 93


def _claim(scope: str, fingerprint: str = "fingerprint") -> Claim:
    return Claim(scope, "somebody", "presign", "key", fingerprint)


async def _is_another(work: Awaitable[object]) -> bool:
    """Do what a name may stand for; tell whether it stands for something else."""
    try:
        await work
    except IdempotencyKeyReused:
        return True
    return False


async def one_name_makes_one_file(harness: DatabaseHarness) -> None:
    scope = "t:claims"
    claim, other = _claim(scope), _claim(scope, "other")
    queries = UploadQueries(harness.database)
    first = await queries.insert_claimed(pending(scope, 1), claim)
    again = await queries.insert_claimed(pending(scope, 2), claim)
    assert again.id == first.id
    assert await _is_another(queries.insert_claimed(pending(scope, 2), other))
    assert (await queries.account(scope)).files_used == 1
    later = NOW + KEY_LIFE_MS + 1
    anew = await queries.insert_claimed(replace(pending(scope, 3), created_at=later), other)
    assert anew.id == "media_claims_3"


async def a_name_whose_file_did_not_fit_is_free_again(harness: DatabaseHarness) -> None:
    scope = "t:freed"
    full = UploadQueries(harness.database, Quota(bytes=0))
    refused = full.insert_claimed(pending(scope, 1), _claim(scope))
    assert await _refused(refused) == Quota(0, UNLIMITED)
    roomy = UploadQueries(harness.database)
    file = await roomy.insert_claimed(pending(scope, 2), _claim(scope, "other"))
    assert file.id == "media_freed_2"


async def a_name_that_is_held_is_taken_over_when_its_time_is_up(harness: DatabaseHarness) -> None:
    scope, queries = "t:held", UploadQueries(harness.database)
    claim = _claim(scope)
    first, second = pending(scope, 1), pending(scope, 2)
    assert await queries.hold(claim, Making.until(first.id, NOW, NOW + 10)) == (True, None)
    await queries.insert_held(first, claim)
    is_new, file = await queries.hold(claim, Making.until(second.id, NOW + 9, NOW + 19))
    assert not is_new
    assert file is not None
    assert file.id == first.id
    assert await queries.hold(claim, Making.until(second.id, NOW + 10, NOW + 20)) == (True, None)
    given_up = await queries.find(scope, first.id)
    assert given_up is not None
    assert given_up.status is Status.REJECTED, "whoever was at work on it makes no file any more"
    try:
        await queries.insert_held(pending(scope, 3), claim)
    except IdempotencyKeyInUse:
        pass
    else:
        raise AssertionError("the name is another's")
    await queries.insert_held(second, claim)
    await queries.mark_uploaded(second, '"tag"', Facts(), NOW)
    await queries.release(claim, second.id)
    is_new, file = await queries.hold(claim, Making.until("media_x", NOW + 99, NOW + 100))
    assert not is_new, "what was uploaded keeps its name"
    assert file is not None
    assert file.id == second.id


CASES = (
    a_call_costs_as_much_in_a_large_tenant_as_in_a_small_one,
    the_oldest_file_with_the_same_bytes_is_found,
    a_byte_more_than_there_is_room_for_is_refused,
    a_file_more_than_there_is_room_for_is_refused,
    what_was_said_of_a_scope_goes_before_the_settings,
    one_name_makes_one_file,
    a_name_whose_file_did_not_fit_is_free_again,
    a_name_that_is_held_is_taken_over_when_its_time_is_up,
)
