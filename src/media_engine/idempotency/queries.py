"""The SQL of names: who comes first makes what was asked for, who comes again finds it.

Of two requests with one name, one takes it and the other does not, because the name is the key of a
row. What the name stands for is made in one of two ways.

In the transaction that takes the name: what is written is written only where the name is this
request's (`held`), and where nothing was written after all, because it did not fit, the name is
given back in the same transaction. So there is no moment in which somebody could find the name and
not what it stands for.

Afterwards, because it takes long: the name is taken until an instant (`running_until`). Whoever
comes before that, and does not find what was made, waits. Whoever comes later with the same request
takes the name over, because who had it has died. If it lives after all, it finds with its next
`held` that the name is another's, and writes nothing.

What a name stands for, and whether that is there, only the slice knows whose it is: it says so as
`there`, a condition on the row of `idempotency_keys`, whose `media_id` is the id.
"""

from collections.abc import Sequence
from typing import Final

from media_engine.errors import IdempotencyKeyReused
from media_engine.idempotency.model import KEY_LIFE_MS, Claim, Made, Making
from media_engine.ports import Database, Rows, SqlValue, Statement

_MINE: Final = "scope = ? AND user_id = ? AND call = ? AND key = ?"

MADE: Final = f"(SELECT media_id FROM idempotency_keys WHERE {_MINE})"
"""What a claim's name stands for; its values are `named(claim)`."""


def named(claim: Claim) -> tuple[SqlValue, ...]:
    """Return the values of a claim's name."""
    return (claim.scope, claim.user_id, claim.call, claim.key)


def held(claim: Claim, made: str) -> tuple[str, tuple[SqlValue, ...]]:
    """Return the condition under which a name is still that of who makes this, and its values."""
    condition = f"EXISTS (SELECT 1 FROM idempotency_keys WHERE {_MINE} AND media_id = ?)"
    return condition, (*named(claim), made)


def over(claim: Claim, now: int) -> tuple[str, tuple[SqlValue, ...]]:
    """Return what a name stands for whose time to make it is over, and the values of that."""
    found = (
        f"(SELECT media_id FROM idempotency_keys WHERE {_MINE} "
        "AND fingerprint = ? AND running_until <= ?)"
    )
    return found, (*named(claim), claim.fingerprint, now)


def released(claim: Claim, made: str, there: str) -> Statement:
    """Return what gives a name back under which nothing was made."""
    return Statement(
        f"DELETE FROM idempotency_keys WHERE {_MINE} AND media_id = ? AND NOT ({there})",
        (*named(claim), made),
    )


async def once(
    database: Database,
    claim: Claim,
    making: Making,
    *,
    there: str,
    find: Statement,
    work: Sequence[Statement] = (),
    before: Sequence[Statement] = (),
) -> tuple[Made | None, Rows]:
    """Take a name and do some work by it, or find what was done by it. One transaction.

    Four statements beside the work and the finding.

    Args:
        database: where `idempotency_keys` is.
        claim: the request's name.
        making: what it makes.
        there: the condition under which what a name stands for is there.
        find: what finds it.
        work: what makes it, where the name is this request's.
        before: what has to be done before a name is taken over.

    Returns:
        What the name stands for now, or None if the work has made nothing; and what was found.

    Raises:
        IdempotencyKeyReused: another request has the name.
    """
    free = Statement(
        f"DELETE FROM idempotency_keys WHERE {_MINE} AND (coalesce(forgotten_at, "
        f"created_at + {KEY_LIFE_MS}) < ? OR (fingerprint = ? AND running_until <= ? "
        f"AND NOT ({there})))",
        (*named(claim), making.now, claim.fingerprint, making.now),
    )
    take = Statement(
        "INSERT INTO idempotency_keys (scope, user_id, call, key, fingerprint, media_id, "
        "created_at, forgotten_at, running_until) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT DO NOTHING",
        (
            *named(claim),
            claim.fingerprint,
            making.id,
            making.now,
            making.forgotten_at,
            making.running_until,
        ),
    )
    read = Statement(
        f"SELECT fingerprint, media_id, created_at FROM idempotency_keys WHERE {_MINE}",
        named(claim),
    )
    *_, known, found = await database.batch([*before, free, take, *work, free, read, find])
    row = known.first()
    if row is None:
        return None, found
    if row["fingerprint"] != claim.fingerprint:
        raise IdempotencyKeyReused
    return Made(str(row["media_id"]), int(row["created_at"] or 0)), found
