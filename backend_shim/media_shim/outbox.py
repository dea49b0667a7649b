"""Brings to the Worker what it must hear: at least once, in order for each file, and never lost.

A change is written down where it is decided, in the application's own transaction (`tell_removal`,
`tell_visibility`), and delivered afterwards by `deliver`, which the command `media_outbox` calls.
However often it is interrupted, an entry stays until the Worker has answered.

Why a late or repeated message does no harm:

- **One at a time.** Of what concerns one file only the oldest entry is delivered, and whoever
  delivers it has claimed it. A claim ends by itself, after three times what the Worker may stay
  silent; so a deliverer that died holds nothing up for longer.
- **A removal is final.** What waits before it is dropped when it is written, and the Worker brings
  no file back. What was being delivered at that moment it waits for, and for nothing longer: if
  that fails, or is dead, the removal goes first.
- **A revision goes with every change** and grows with each. A request that a network held back
  until after a newer one changes nothing in the Worker.

When the Worker does not answer, an entry is tried again for ever, with pauses that grow to
`LONGEST_PAUSE`. When it answers and refuses, `REFUSALS` times, the entry is *dead*: it waits for a
person, who finds it in the admin or in what `media_outbox` prints, and what is behind it for the
same file waits too.

Clocks may differ by minutes. One that was wrong by more holds nothing up: an entry is never due,
nor a claim ended, later than they can be reckoned from now.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import uuid4

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from media_shim import conf, signals
from media_shim.client import Identity, worker
from media_shim.errors import ShimError, WorkerRefused
from media_shim.models import Action, Delivery, MediaObject, OutboxEntry, Status

REFUSALS: Final = 5
FIRST_PAUSE: Final = timedelta(seconds=1)
LONGEST_PAUSE: Final = timedelta(minutes=15)

_ABSENT: Final = ("MEDIA_NOT_FOUND", "MEDIA_GONE")
_ASKS_FOR_TIME: Final = (401, 408, 425, 429)
"""Statuses below 500 that say nothing of the entry: a key that is being rotated, a limit."""

logger = logging.getLogger("media_shim")


@dataclass(frozen=True, slots=True)
class Delivered:
    """What a delivery did, in entries.

    Attributes:
        done: the Worker has heard.
        failed: to be tried again.
        dead: given up, until a person looks.
    """

    done: int = 0
    failed: int = 0
    dead: int = 0

    def __add__(self, other: "Delivered") -> "Delivered":
        return Delivered(self.done + other.done, self.failed + other.failed, self.dead + other.dead)

    @property
    def tried(self) -> int:
        return self.done + self.failed + self.dead


def least_revision(now: datetime) -> int:
    """Return a number that is probably above every one that a file's changes had: microseconds.

    It comes from the clock, so that it also grows over what an older backup of the database knows.
    Where clocks differ, what the file's row has, and one more, may be greater, and is taken.
    """
    return int(now.timestamp() * 1_000_000)


def tell_removal(media: Sequence[MediaObject], now: datetime) -> None:
    """Write down that the Worker must delete these files. Their rows are locked and saved.

    What waits for them is dropped: it does not matter any more. What is being delivered at this
    moment is left to whoever does it.
    """
    OutboxEntry.objects.filter(_is_idle(now), media__in=media).delete()
    OutboxEntry.objects.bulk_create(
        OutboxEntry(media=each, action=Action.DELETE, revision=each.revision, due_at=now)
        for each in media
    )


def tell_visibility(media: Sequence[MediaObject], now: datetime) -> None:
    """Write down that the Worker must show these files to others than before. Likewise."""
    OutboxEntry.objects.bulk_create(
        OutboxEntry(
            media=each,
            action=Action.VISIBILITY,
            visibility=each.visibility,
            revision=each.revision,
            due_at=now,
        )
        for each in media
    )


def deliver(clock: Callable[[], datetime], most: int = 1000) -> Delivered:
    """Deliver what is due, the oldest first. Call it outside a transaction.

    Args:
        clock: tells the time.
        most: how many entries to try.

    Raises:
        RuntimeError: there is a transaction around this call.
    """
    total = Delivered()
    while total.tried < most and (entry := _claimed(clock())) is not None:
        total += _deliver(entry, clock)
    return total


def revive(entries: "QuerySet[OutboxEntry]", now: datetime) -> int:
    """Have the dead ones of these entries tried again, and return how many there were."""
    return entries.filter(state=Delivery.DEAD).update(
        state=Delivery.WAITING, attempts=0, refusals=0, due_at=now
    )


def _longest_claim() -> timedelta:
    return 3 * timedelta(seconds=conf.reading()[0].timeout)


def _is_idle(now: datetime) -> Q:
    """Return the condition that nobody is delivering an entry."""
    too_late = now + LONGEST_PAUSE + _longest_claim()
    return Q(claim=None) | Q(claimed_until__lte=now) | Q(claimed_until__gt=too_late)


def _is_due(now: datetime) -> Q:
    return Q(due_at__lte=now) | Q(due_at__gt=now + 2 * LONGEST_PAUSE)


def _claimed(now: datetime) -> OutboxEntry | None:
    """Take the oldest entry that is due, nobody's, and the first of its file.

    A removal is the first where nothing older is being delivered.
    """
    older = OutboxEntry.objects.filter(media=OuterRef("media"), pk__lt=OuterRef("pk"))
    busy = older.exclude(_is_idle(now))
    with transaction.atomic(durable=True):
        entry = (
            OutboxEntry.objects.select_for_update(
                skip_locked=connection.features.has_select_for_update_skip_locked
            )
            .filter(~Exists(older) | Q(~Exists(busy), action=Action.DELETE))
            .filter(_is_idle(now), _is_due(now), state=Delivery.WAITING)
            .order_by("pk")
            .first()
        )
        if entry is not None:
            entry.claim, entry.claimed_until = uuid4(), now + _longest_claim()
            entry.save(update_fields=["claim", "claimed_until"])
    return entry


def _deliver(entry: OutboxEntry, clock: Callable[[], datetime]) -> Delivered:
    facts = {"media_id": entry.media_id, "action": entry.action, "attempt": entry.attempts + 1}
    try:
        _tell(entry)
        _strike(entry, clock())
    except Exception as error:
        # A fault in one entry, or in what listens, must not stop the rest. Of the database's own
        # faults this is one, too, as long as it can be written down.
        is_dead = _put_back(entry, error, clock())
        event = "media.outbox.dead" if is_dead else "media.outbox.failed"
        logger.log(
            logging.ERROR if is_dead else logging.WARNING,
            event,
            extra={**facts, "code": _said(error), "reason": _reason(error)},
        )
        return Delivered(dead=1) if is_dead else Delivered(failed=1)
    logger.info("media.outbox.delivered", extra=facts)
    return Delivered(done=1)


def _tell(entry: OutboxEntry) -> None:
    """Make the request. A file that the Worker does not have needs nothing done to it."""
    media = MediaObject.objects.get(pk=entry.media_id)
    identity = Identity(media.worker_user, media.tenant)
    client = worker(conf.current())
    try:
        if entry.action == Action.DELETE:
            client.delete(identity, media.id, entry.revision)
        else:
            client.update(identity, media.id, str(entry.visibility), entry.revision)
    except WorkerRefused as refused:
        if refused.code not in _ABSENT:
            raise


def _strike(entry: OutboxEntry, now: datetime) -> None:
    """Take a delivered entry off the list and write down what is true now."""
    with transaction.atomic(durable=True):
        media = MediaObject.objects.select_for_update().get(pk=entry.media_id)
        if not OutboxEntry.objects.filter(pk=entry.pk, claim=entry.claim).delete()[0]:
            return
        if entry.action == Action.VISIBILITY:
            media.delivered_visibility = str(entry.visibility)
            media.save(update_fields=["delivered_visibility", "updated_at"])
            return
        OutboxEntry.objects.filter(media=media, pk__lt=entry.pk).delete()
        if media.status == Status.REMOVING:
            media.status, media.removed_at = Status.REMOVED, now
            media.save(update_fields=["status", "removed_at", "updated_at"])
            signals.media_removed.send(sender=MediaObject, media=media)


def _put_back(entry: OutboxEntry, error: Exception, now: datetime) -> bool:
    """Leave an entry for another attempt, or for a person. Return whether it is dead."""
    is_refusal = isinstance(error, WorkerRefused) and not (
        error.status >= 500 or error.status in _ASKS_FOR_TIME
    )
    refusals = entry.refusals + is_refusal
    is_dead = is_refusal and refusals >= REFUSALS
    pause = min(FIRST_PAUSE * 2 ** min(entry.attempts, 20), LONGEST_PAUSE)
    OutboxEntry.objects.filter(pk=entry.pk, claim=entry.claim).update(
        attempts=entry.attempts + 1,
        refusals=refusals,
        state=Delivery.DEAD if is_dead else Delivery.WAITING,
        due_at=now + pause,
        claim=None,
        claimed_until=None,
        last_error=_said(error),
    )
    return is_dead


def _reason(error: Exception) -> str | None:
    """Return what the log may know beyond the code: of an error of others, nothing."""
    return error.reason if isinstance(error, ShimError) else None


def _said(error: Exception) -> str:
    """Return what is kept of an error: its name, because what it says may hold a secret."""
    return f"{error.code} {error.status}" if isinstance(error, ShimError) else type(error).__name__
