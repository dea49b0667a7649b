"""Taking copies of files out of caches: here at once, everywhere by a purge that the queue carries.

Whoever withdraws a file has changed its row and its bytes before, so that nobody who asks from now
on gets it from the database or the store. But somebody may have asked before: a request that read
the store a moment ago still fills its data centre's cache, and one that found the file public a
moment ago still acts on it. What they store comes after the purge, and no purge that is done now
can reach it. So every purge is done twice: at once, for the copies that there are, and again after
`repeat_after` seconds, which is longer than such a request lasts, for those that came late.

The queue is told before the row forgets its debt (`purge_due_at`). If the queue does not answer,
or the Worker dies between, the debt stays in the row and the cron pays it. A purge may be done
once too often, and that costs a call; it is never left out.

The queue delivers a message until the API has purged its tags, for about a day, and lays it aside
then. A message that cannot be read is not lost either: a newer version may have sent it, which was
rolled back and comes again. It is reported, and delivered again as seldom as can be.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from media_engine.delivery.model import cache_entries
from media_engine.ports import Cache, Delivery, HttpClient, HttpUnreachable, Queue
from media_engine.purging.api import ANSWER_BYTES, NO_ZONE, Refusal, refusal, request, silence
from media_engine.purging.model import Purge, purges
from media_engine.purging.plan import LONGEST_DELAY, calls, retry_delay
from media_engine.settings import PurgeSettings

TIMEOUT_MS: Final = 5_000
"""How long the API may take to answer a call, in milliseconds."""


@dataclass(slots=True)
class Report:
    """What became of a batch.

    Attributes:
        purged: how many tags were purged.
        calls: in how many calls of the API.
        unreadable: the ids of messages that this version cannot read; they are delivered again.
        retried: how many messages are delivered again that it can read.
        refusal: why.
    """

    purged: int = 0
    calls: int = 0
    unreadable: list[str] = field(default_factory=list)
    retried: int = 0
    refusal: Refusal | None = None


class PurgeService:
    """Purges.

    Args:
        cache: this data centre's copies.
        queue: what carries a purge.
        http: what calls the API.
        zone: whose caches are purged; None if nobody configured it, so that no purge is sent and
            copies elsewhere live out their time.
    """

    def __init__(
        self, cache: Cache, queue: Queue, http: HttpClient, zone: PurgeSettings | None
    ) -> None:
        self._cache = cache
        self._queue = queue
        self._http = http
        self._zone = zone

    async def withdraw(self, keys: Sequence[str]) -> None:
        """Take the copies of these files away: here at once, elsewhere soon.

        Raises:
            QueueUnavailable: elsewhere nothing will happen; do it again later.
        """
        await self._cache.delete([entry for key in keys for entry in cache_entries(key)])
        await self.purge(keys)

    async def purge(self, keys: Sequence[str]) -> None:
        """Have the copies of these files purged everywhere. Two messages for a hundred files.

        Raises:
            QueueUnavailable: nothing will happen; do it again later.
        """
        if self._zone is None:
            return
        for purge in purges(keys):
            message = purge.to_message()
            await self._queue.send(message, delay=self._zone.repeat_after)
            await self._queue.send(message)

    async def consume(self, deliveries: Sequence[Delivery]) -> Report:
        """Do the purges of a batch, each message to be acknowledged or delivered again.

        After the first call that fails no other is made: the API is down, or takes no more.
        """
        report = Report()
        readable = _read(deliveries, report)
        for call in calls([purge for _, purge in readable]):
            if report.refusal is None:
                report.refusal = await self._call(call.tags)
            if report.refusal is None:
                report.purged += len(call.tags)
                report.calls += 1
            for place in call.messages:
                self._settle(readable[place][0], report)
        return report

    def _settle(self, delivery: Delivery, report: Report) -> None:
        if report.refusal is None:
            delivery.ack()
            return
        # Where nothing is configured a person has to act first.
        first = LONGEST_DELAY if self._zone is None else self._zone.retry_after
        delivery.retry(retry_delay(delivery.attempts, first, report.refusal.wait))
        report.retried += 1

    async def _call(self, tags: Sequence[str]) -> Refusal | None:
        """Purge these tags; return why not, if not."""
        if self._zone is None:
            return NO_ZONE
        try:
            answer = await self._http.send(request(self._zone, tags), timeout=TIMEOUT_MS)
            content = await answer.read(ANSWER_BYTES)
        except HttpUnreachable as error:
            return silence(error.reason)
        return refusal(answer.status, content, answer.headers.get("retry-after"))


def _read(deliveries: Sequence[Delivery], report: Report) -> list[tuple[Delivery, Purge]]:
    """Return the messages with what they say, and leave for later those that say nothing."""
    readable = []
    for delivery in deliveries:
        purge = Purge.from_message(delivery.body)
        if purge is None:
            delivery.retry(LONGEST_DELAY)
            report.unreadable.append(delivery.id)
        else:
            readable.append((delivery, purge))
    return readable
