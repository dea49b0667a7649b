"""One run of the cron. Each step can be cut off anywhere and is finished by the next run."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from media_engine.errors import Forbidden
from media_engine.housekeeping.model import Ending, Forecast
from media_engine.housekeeping.plan import Deadlines, deadlines
from media_engine.housekeeping.queries import HousekeepingQueries
from media_engine.ports import Clock, ObjectStore, QueueUnavailable
from media_engine.signing.gateway import OWNER, Identity


@dataclass(frozen=True, slots=True)
class Report:
    """What a run did.

    Attributes:
        expired: uploads that were given up.
        resumed: files whose deletion, or withdrawal from the public, was cut off and is done now.
        removed: files whose bytes were taken away.
        forgotten: rows of files that were dropped.
        revocations: revocations that were dropped.
        sets: sets of files that were dropped.
        released: uploads whose room was given back.
        keys: names of requests that were dropped.
    """

    expired: int
    resumed: int
    removed: int
    forgotten: int
    revocations: int
    sets: int
    released: int
    keys: int


class HousekeepingService:
    """Finishes what was interrupted.

    Args:
        queries: the files' rows.
        store: the files' bytes.
        clock: what time it is.
        interrupt: ends the transfers that were filling the files of these keys.
        purge: has the copies of these keys purged everywhere; raises `QueueUnavailable`.
        ending: returns the transfers that would be taken away before a run.
    """

    def __init__(
        self,
        queries: HousekeepingQueries,
        store: ObjectStore,
        clock: Clock,
        interrupt: Callable[[Sequence[str]], Awaitable[None]],
        purge: Callable[[Sequence[str]], Awaitable[None]],
        ending: Callable[[], Awaitable[Ending]],
    ) -> None:
        self._queries = queries
        self._store = store
        self._clock = clock
        self._interrupt = interrupt
        self._purge = purge
        self._ending = ending

    async def run(self) -> Report:
        """Finish what was cut off, give up stale uploads, remove what is to be gone, forget it.

        Never removes an uploaded file. At most twelve statements, and one operation of the store
        beside those for each deletion that was cut off.
        """
        now = self._clock.now()
        until = deadlines(now)
        resumed = await self._resume(until)
        expired = await self._queries.expire_pending(
            until.pending_before, until.url_dead_before, now
        )
        removed = await self._remove(until, now)
        forgotten = await self._queries.forget(until.gone_before)
        revocations = await self._queries.forget_revocations(now)
        sets = await self._queries.forget_sets(now)
        released = await self._queries.release(until.url_dead_before)
        keys = await self._queries.forget_keys(until.keys_before)
        return Report(expired, resumed, removed, forgotten, revocations, sets, released, keys)

    async def forecast(self, identity: Identity) -> Forecast:
        """Return what a run would do now, if the store and the queue answer it. Changes nothing.

        It counts the files of every scope, and names none. Nine statements, and no operation of
        the store.

        Args:
            identity: who asks.

        Raises:
            Forbidden: they do not own the system, or act for a tenant, whose numbers these are not.
        """
        identity.require(OWNER)
        if identity.tenant_id is not None:
            raise Forbidden("This counts the files of all tenants: ask without acting for one.")
        now = self._clock.now()
        ending = await self._ending()
        steps = await self._queries.forecast(deadlines(now), now, ending)
        return Forecast(now, {**steps, "transfers": ending.due})

    async def _resume(self, until: Deadlines) -> int:
        """Do what the rows owe that a call has left; return of how many.

        The copies of this data centre stay: where the cron runs, nobody has read the files.
        """
        owing = await self._queries.owing(until.owed_before, until.url_dead_before)
        removed = [file.key for file in owing if file.removed]
        if removed:
            await self._interrupt(removed)
        for key in removed:
            await self._store.bury(key)
        keys = [file.key for file in owing]
        if not keys or not await self._purged(keys):
            return 0
        await self._queries.settle(keys, until.owed_before)
        return len(keys)

    async def _remove(self, until: Deadlines, now: int) -> int:
        """Remove the bytes of what is to be gone, and the copies; return of how many."""
        doomed = await self._queries.doomed(until.url_dead_before)
        if not doomed:
            return 0
        await self._store.delete(doomed)
        if not await self._purged(doomed):
            return 0
        await self._queries.bury(doomed, now)
        return len(doomed)

    async def _purged(self, keys: Sequence[str]) -> bool:
        """Have copies purged; say whether the queue took it. If not, the next run does it again."""
        try:
            await self._purge(keys)
        except QueueUnavailable:
            return False
        return True
