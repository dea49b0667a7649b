"""Lets go of what nobody will ever use, so that nothing stays for ever.

- A committed file that is attached to nothing after `UNATTACHED_TTL` (a day): the request that
  should have attached it failed, or its user went away.
- An upload that was not committed within two days. The Worker gave it up after one; what it may
  have become meanwhile, because a large file was finished there and never committed here, goes.
- The row of a file that is gone for ninety days, as in the Worker. What was published elsewhere
  keeps its row.

Each run does a bounded number at a time and goes on until nothing is left. It can run anywhere and
at once with itself: a file is locked before it is looked at. A file that cannot go, because a
receiver of `media_removing` or a row of the application's objects, is logged and passed over.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from django.db import InterfaceError, OperationalError
from django.db.models import Exists, OuterRef

from media_shim import attachments, conf
from media_shim.models import MediaObject, MediaQuerySet, OutboxEntry, Removal, Status

if TYPE_CHECKING:
    from django.db.models import QuerySet

ABANDONED_AFTER: Final = timedelta(days=2)
FORGOTTEN_AFTER: Final = timedelta(days=90)
BATCH: Final = 500

_AWAY: Final = (OperationalError, InterfaceError)
"""What the database says when it is not there, which is no file's fault."""

logger = logging.getLogger("media_shim")


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
    return _by_batches(media, lambda some: attachments.sweep(some, reason, BATCH))


def _forget(now: datetime) -> int:
    unheard = OutboxEntry.objects.filter(media=OuterRef("pk"))
    gone = MediaObject.objects.filter(
        ~Exists(unheard), status=Status.REMOVED, removed_at__lt=now - FORGOTTEN_AFTER
    ).exclude(removal_reason=Removal.PUBLISHED)
    return _by_batches(gone, lambda some: some.delete()[0])


def _by_batches(media: MediaQuerySet, let_go: Callable[[MediaQuerySet], int]) -> int:
    """Let go of files, a batch at a time; where a batch cannot go, of each alone."""
    total, after = 0, ""
    while some := list(_following(media, after)[:BATCH]):
        after = some[-1]
        try:
            total += let_go(media.filter(pk__in=some))
        except _AWAY:
            raise
        except Exception:
            total += sum(_alone(media, pk, let_go) for pk in some)
    return total


def _following(media: MediaQuerySet, after: str) -> "QuerySet[MediaObject, str]":
    return media.filter(pk__gt=after).order_by("pk").values_list("pk", flat=True)


def _alone(media: MediaQuerySet, pk: str, let_go: Callable[[MediaQuerySet], int]) -> int:
    try:
        return let_go(media.filter(pk=pk))
    except _AWAY:
        raise
    except Exception as error:
        facts = {"media_id": pk, "code": type(error).__name__}
        logger.error("media.cleanup.failed", extra=facts)
        return 0
