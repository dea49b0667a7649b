"""One run of the cron. Each step can be cut off anywhere and is finished by the next run."""

from dataclasses import dataclass

from media_engine.housekeeping.plan import deadlines
from media_engine.housekeeping.queries import HousekeepingQueries
from media_engine.ports import Clock, ObjectStore


@dataclass(frozen=True, slots=True)
class Report:
    """What a run did.

    Attributes:
        expired: uploads that were given up.
        removed: files whose bytes were taken away.
        forgotten: rows of files that were dropped.
        revocations: revocations that were dropped.
        sets: sets of files that were dropped.
    """

    expired: int
    removed: int
    forgotten: int
    revocations: int
    sets: int


class HousekeepingService:
    """Finishes what was interrupted.

    Args:
        queries: the files' rows.
        store: the files' bytes.
        clock: what time it is.
    """

    def __init__(self, queries: HousekeepingQueries, store: ObjectStore, clock: Clock) -> None:
        self._queries = queries
        self._store = store
        self._clock = clock

    async def run(self) -> Report:
        """Give up stale uploads, remove the bytes of what is to be gone, forget old rows.

        Never touches an uploaded file. At most one operation of the store and six statements.
        """
        now = self._clock.now()
        until = deadlines(now)
        expired = await self._queries.expire_pending(until.pending_before, now)
        doomed = await self._queries.doomed(until.url_dead_before)
        if doomed:
            await self._store.delete(doomed)
            await self._queries.bury(doomed, now)
        forgotten = await self._queries.forget(until.gone_before)
        revocations = await self._queries.forget_revocations(now)
        sets = await self._queries.forget_sets(now)
        return Report(expired, len(doomed), forgotten, revocations, sets)
