"""Lets go of what nobody will ever use, so that nothing stays for ever.

- A committed file that is attached to nothing after `UNATTACHED_TTL` (a day): the request that
  should have attached it failed, or its user went away.
- An upload that was not committed within two days. The Worker gave it up after one; what it may
  have become meanwhile, because a large file was finished there and never committed here, goes.
- The row of a file that is gone for ninety days, as in the Worker. What was published elsewhere
  keeps its row.

Each run does a bounded number at a time and goes on until nothing is left. It can run anywhere and
at once with itself: a file is locked before it is looked at.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Exists, OuterRef

from media_shim import attachments, conf
from media_shim.models import MediaObject, MediaQuerySet, OutboxEntry, Removal, Status

ABANDONED_AFTER: Final = timedelta(days=2)
FORGOTTEN_AFTER: Final = timedelta(days=90)
BATCH: Final = 500


@dataclass(frozen=True, slots=True)
class Swept:
    """What a run let go of, in files."""

    unattached: int
    abandoned: int
    forgotten: int


def sweep(now: datetime) -> Swept:
    """Let go of what is too old to be used.

    Raises:
        NotConfigured: a setting is missing or wrong.
    """
    keep = conf.current().unattached_ttl
    unattached = MediaObject.objects.committed().filter(
        attached_to=None, committed_at__lt=now - timedelta(seconds=keep)
    )
    abandoned = MediaObject.objects.filter(
        status=Status.PENDING, created_at__lt=now - ABANDONED_AFTER
    )
    return Swept(
        unattached=_all(unattached, Removal.UNATTACHED) if keep else 0,
        abandoned=_all(abandoned, Removal.ABANDONED),
        forgotten=_forget(now),
    )


def _all(media: MediaQuerySet, reason: Removal) -> int:
    total = 0
    while gone := attachments.sweep(media, reason, BATCH):
        total += gone
    return total


def _forget(now: datetime) -> int:
    total = 0
    gone = MediaObject.objects.filter(
        status=Status.REMOVED, removed_at__lt=now - FORGOTTEN_AFTER
    ).exclude(removal_reason=Removal.PUBLISHED)
    unheard = OutboxEntry.objects.filter(media=OuterRef("pk"))
    while some := list(gone.filter(~Exists(unheard)).values_list("pk", flat=True)[:BATCH]):
        total += MediaObject.objects.filter(pk__in=some).delete()[0]
    return total
