"""When a transfer may be taken away, whatever it came to: pure, with `now` as an argument.

The race that matters: a client may finish a transfer in the very moment in which the cron gives it
up, and an object that is joined after its file's row was removed would be known to nobody. So:

1. A transfer that is over takes nothing more: `joining` is said only before `expires_at`, in the
   statement that asks for it. The cron comes `GRACE_MS` later, when a joining that began in time
   has long come to its end. Both change the row only where it still is what they saw.
2. The cron gives the transfer up, and with it the file's row if that is pending, before it touches
   the store. Then the multipart upload is abandoned, after which the store joins nothing, and what
   was kept aside is removed. The transfer's row goes last: until then every run does this again.
3. The file's own bytes are the file's matter. Its row says that bytes may come until the transfer
   is over, and is not removed while the transfer is there, so an object that was joined all the
   same is found and removed with it.

A file that is deleted while it comes does not wait for that: its deletion ends the transfer first
(`TransferEnder.interrupt`), and then buries what is under its key.
"""

from typing import Final

GRACE_MS: Final = 3_600_000
"""How long a request may go on that began while its transfer was alive, in milliseconds."""

BATCH: Final = 100
"""How many transfers one run takes: at most one operation for each, and one for all."""


def over_before(now: int) -> int:
    """Return the instant before which a transfer must have been over, in milliseconds."""
    return now - GRACE_MS
