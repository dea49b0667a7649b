"""What may die, and when: pure, with `now` as an argument.

The race that matters: an upload may be completed in the very moment in which the cron gives it
up. Both change the status only where it is still `pending_upload`, so one of them wins, and the
bytes are removed only after the cron has won. And an object that is removed must not come back:
its upload URL has to be dead first, which a pending upload's is by the time it is given up, and
which a refused or a deleted one's may not be, so that a tombstone keeps its place until then.

And what was cut off: a row that owes a purge for longer than a call lasts belongs to nobody any
more. Its bytes may be there still, and a token would open them, so they are not left until their
URL is dead. For the same reason nothing is removed in the minute after its URL's death: a call that
found the URL alive may still be about to put a tombstone there, which nobody would take away.

A run has bounded work: each step takes so many rows at most, the oldest first, in the order of an
index. That order is the run's cursor. What a step has done is no longer among what it takes, so the
next run goes on where this one ended, and nothing has to be kept between them; what could not be
done is still the oldest, and is tried again first.
"""

from dataclasses import dataclass
from typing import Final

from media_engine.idempotency.model import KEY_LIFE_MS
from media_engine.uploads.model import LATE_PUT_MS

MINUTE_MS: Final = 60_000
HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS

PENDING_LIFE_MS: Final = DAY_MS
"""How long an upload may wait to be completed."""

GONE_LIFE_MS: Final = 90 * DAY_MS
"""How long a deleted file answers 410, before it is as if it had never been."""

CALL_LIFE_MS: Final = MINUTE_MS
"""How long a call may take that removes a file. After that the cron goes on with it."""

MOST_FORGOTTEN: Final = 2_000
"""How many revocations, and how many sets, a run forgets: rows alone, and no bytes with them."""

MOST_KEYS_FORGOTTEN: Final = 5_000
"""How many of those one run forgets: rows alone, and no bytes with them."""

BATCH: Final = 500
"""How many files one step takes. R2 deletes 1,000 keys a call; a run has bounded work."""

BURIALS: Final = 100
"""How many files are taken of those that need an operation of the store each."""


@dataclass(frozen=True, slots=True)
class Deadlines:
    """The instants of one run, in milliseconds since 1970.

    Attributes:
        pending_before: uploads signed before this, and not completed, are given up.
        owed_before: what owes a purge since before this was cut off.
        url_dead_before: bytes may go where the upload URL expired before this, and room that was
            reserved for what never came is given back.
        keys_before: the names of requests are forgotten that came before this.
        gone_before: rows that are gone since before this are forgotten.
    """

    pending_before: int
    owed_before: int
    url_dead_before: int
    keys_before: int
    gone_before: int


def deadlines(now: int) -> Deadlines:
    """Return the deadlines of a run that begins at `now`, in milliseconds since 1970."""
    return Deadlines(
        pending_before=now - PENDING_LIFE_MS,
        owed_before=now - CALL_LIFE_MS,
        url_dead_before=now - LATE_PUT_MS - CALL_LIFE_MS,
        keys_before=now - KEY_LIFE_MS,
        gone_before=now - GONE_LIFE_MS,
    )
