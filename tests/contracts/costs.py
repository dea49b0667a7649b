"""What a question to the database costs, in a small database and in one a thousand times as large.

The fake counts statements alone. What D1 bills, the rows that were looked at, only D1 knows.
"""

import json

from media_engine.delivery.queries import DeliveryQueries, Membership
from media_engine.housekeeping.queries import HousekeepingQueries
from media_engine.idempotency.model import Claim, Making
from media_engine.ports import Database, Statement
from media_engine.sharing.queries import SharingQueries
from tests.contracts.database import DatabaseHarness
from tests.contracts.meter import Cost, Meter

SMALL, LARGE = 10, 10_000
SCOPE = "t:costs"


def key_of(number: int) -> str:
    return f"t/costs/blog/2026/11/{number:021}.jpg"


def id_of(number: int) -> str:
    return f"media_{number:021}"


MEMBERS = json.dumps([key_of(number) for number in range(1, 100, 2)])
"""What is in each set: the odd ones of the first hundred."""

MEMBER, STRANGER = key_of(99), key_of(100)


async def fill(database: Database, count: int) -> None:
    """Bring each table to so many rows of the scope, and leave those that are there."""
    numbers = (
        "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?) "
    )
    for statement in (
        "INSERT OR IGNORE INTO media_files (id, scope, key, service_code, file_name, mime_type, "
        "file_size, status, uploaded_by, etag, url_expires_at, created_at, updated_at, "
        f"uploaded_at) {numbers} SELECT format('media_%021d', n), '{SCOPE}', "
        "format('t/costs/blog/2026/11/%021d.jpg', n), 'blog', 'x.jpg', 'image/jpeg', 1, "
        "'uploaded', 'somebody', '\"tag\"', 2, 1, 1, 1 FROM numbers",
        f"INSERT OR IGNORE INTO revoked_tokens (scope, jti, revoked_at, expires_at) {numbers} "
        f"SELECT '{SCOPE}', 'token-' || n, 1, 9000000000000 FROM numbers",
        "INSERT OR IGNORE INTO media_sets (scope, id, members, created_by, created_at, expires_at) "
        f"{numbers} SELECT '{SCOPE}', 'set-' || n, '{MEMBERS}', 'somebody', 1, 9000000000000 "
        "FROM numbers",
    ):
        await database.run(Statement(statement, (count,)))


async def bills(database: Database, name: str) -> dict[str, Cost]:
    """Ask each question once, with ids of its own where something is written."""
    meter = Meter(database)
    delivery, sharing = DeliveryQueries(meter), SharingQueries(meter)
    housekeeping = HousekeepingQueries(meter)
    ids = [id_of(number) for number in range(1, 6)]
    album, chosen = (
        Claim(SCOPE, "somebody", "access-token", f"{kind}-{name}", "f") for kind in ("album", "set")
    )
    token, again = (Making.at_once(f"{which}-{name}", 1) for which in ("first", "again"))
    five = [key_of(1)] * 5
    return {
        "where a file stands": await meter.of(delivery.standing(key_of(3))),
        "where no file stands": await meter.of(delivery.standing("t/costs/none.jpg")),
        "of a token that was revoked": await meter.of(delivery.revoked(SCOPE, "token-3")),
        "of a token that was not": await meter.of(delivery.revoked(SCOPE, "none")),
        "of a member": await meter.of(delivery.membership(SCOPE, "none", "set-3", MEMBER)),
        "of a stranger": await meter.of(delivery.membership(SCOPE, "none", "set-3", STRANGER)),
        "of a revoked set": await meter.of(delivery.membership(SCOPE, "token-3", "set-3", MEMBER)),
        "of no set": await meter.of(delivery.membership(SCOPE, "none", "none", MEMBER)),
        "for five keys": await meter.of(sharing.keys(SCOPE, ids)),
        "for a set of five": await meter.of(
            sharing.insert_set(SCOPE, name, [key_of(1)] * 5, "somebody", 1, 9_000_000_000_000)
        ),
        "for a named album": await meter.of(sharing.claim_album(album, token)),
        "for a named album again": await meter.of(sharing.claim_album(album, again)),
        "for a named set": await meter.of(sharing.claim_set(chosen, token, five, 9)),
        "for a named set again": await meter.of(sharing.claim_set(chosen, again, five, 9)),
        "for a revocation": await meter.of(sharing.revoke(SCOPE, name, 1, 9_000_000_000_000)),
        "for no revocation to forget": await meter.of(housekeeping.forget_revocations(0)),
        "for no set to forget": await meter.of(housekeeping.forget_sets(0)),
    }


MOST = {
    "where a file stands": Cost(1, 1, 0),
    "where no file stands": Cost(1, 0, 0),
    "of a token that was revoked": Cost(1, 1, 0),
    "of a token that was not": Cost(1, 0, 0),
    "of a member": Cost(1, 1, 0),
    "of a stranger": Cost(1, 1, 0),
    "of a revoked set": Cost(1, 2, 0),
    "of no set": Cost(1, 0, 0),
    # The list that was bound counts as well, twice.
    "for five keys": Cost(1, 15, 0),
    # What is written counts once more in each index.
    "for a set of five": Cost(1, 0, 3),
    "for a named album": Cost(5, 4, 2),
    "for a named album again": Cost(5, 6, 0),
    "for a named set": Cost(6, 9, 5),
    "for a named set again": Cost(6, 9, 0),
    "for a revocation": Cost(1, 0, 2),
    "for no revocation to forget": Cost(1, 4, 0),
    "for no set to forget": Cost(1, 3, 0),
}
"""What D1 bills at most."""


async def a_question_costs_the_same_however_much_there_is(harness: DatabaseHarness) -> None:
    await fill(harness.database, SMALL)
    small = await bills(harness.database, "small")
    await fill(harness.database, LARGE)
    large = await bills(harness.database, "large")
    assert small == large, (small, large)
    for question, cost in large.items():
        assert all(spent <= most for spent, most in zip(cost, MOST[question], strict=True)), (
            question,
            cost,
        )


async def what_is_asked_is_answered(harness: DatabaseHarness) -> None:
    await fill(harness.database, SMALL)
    queries = DeliveryQueries(harness.database)
    assert await queries.revoked(SCOPE, "token-3")
    assert not await queries.revoked("t:others", "token-3")
    for jti, set_id, key, expected in (
        ("none", "set-3", MEMBER, Membership.MEMBER),
        ("none", "set-3", STRANGER, Membership.STRANGER),
        ("token-3", "set-3", MEMBER, Membership.REVOKED),
        ("none", "none", MEMBER, Membership.STRANGER),
    ):
        assert await queries.membership(SCOPE, jti, set_id, key) is expected
    others = await queries.membership("t:others", "none", "set-3", MEMBER)
    assert others is Membership.STRANGER


async def a_token_may_have_any_text_for_an_id(harness: DatabaseHarness) -> None:
    queries, sharing = DeliveryQueries(harness.database), SharingQueries(harness.database)
    for jti in ("0", "7.0", "ü 😀", "a'b\"--", "a\x00b", "%", "x" * 3_072):
        assert not await queries.revoked(SCOPE, jti)
        await sharing.revoke(SCOPE, jti, 1, 2)
        await sharing.revoke(SCOPE, jti, 3, 4)
        assert await queries.revoked(SCOPE, jti), jti
    assert not await queries.revoked(SCOPE, "a")


CASES = (
    a_question_costs_the_same_however_much_there_is,
    what_is_asked_is_answered,
    a_token_may_have_any_text_for_an_id,
)
