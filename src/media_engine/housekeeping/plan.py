"""What may die, and when: pure, with `now` as an argument.

The race that matters: an upload may be completed in the very moment in which the cron gives it
up. Both change the status only where it is still `pending_upload`, so one of them wins, and the
bytes are removed only after the cron has won. And an object that is removed must not come back:
its upload URL has to be dead first, which a pending upload's is by the time it is given up, and
which a refused one's may not be, so that a tombstone keeps its place until then.
"""

from dataclasses import dataclass
from typing import Final

HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS

PENDING_LIFE_MS: Final = DAY_MS
"""How long an upload may wait to be completed."""

GONE_LIFE_MS: Final = 90 * DAY_MS
"""How long a deleted file answers 410, before it is as if it had never been."""

LATE_PUT_MS: Final = HOUR_MS
"""How long a PUT may go on that began while its URL was alive."""

MOST_FORGOTTEN: Final = 2_000
"""How many revocations, and how many sets, a run forgets: rows alone, and no bytes with them."""

BATCH: Final = 500
"""How many files one step takes. R2 deletes 1,000 keys a call; a run has bounded work."""


@dataclass(frozen=True, slots=True)
class Deadlines:
    """The instants of one run, in milliseconds since 1970.

    Attributes:
        pending_before: uploads signed before this, and not completed, are given up.
        url_dead_before: bytes may go where the upload URL expired before this.
        gone_before: rows that are gone since before this are forgotten.
    """

    pending_before: int
    url_dead_before: int
    gone_before: int


def deadlines(now: int) -> Deadlines:
    """Return the deadlines of a run that begins at `now`, in milliseconds since 1970."""
    return Deadlines(
        pending_before=now - PENDING_LIFE_MS,
        url_dead_before=now - LATE_PUT_MS,
        gone_before=now - GONE_LIFE_MS,
    )
