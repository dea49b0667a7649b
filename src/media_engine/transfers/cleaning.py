"""Taking away transfers whose time is over. `plan` says why nothing is lost by it."""

from collections.abc import Sequence

from media_engine.ports import Clock
from media_engine.transfers.ending import TransferEnder
from media_engine.transfers.model import Stage, Transfer
from media_engine.transfers.plan import BATCH, over_before
from media_engine.transfers.queries import TransferQueries


class TransferCleaner:
    """Lets go of what was interrupted for good, and forgets what is done.

    Args:
        queries: the transfers' rows.
        ender: knows what the store keeps of a transfer.
        clock: what time it is.
    """

    def __init__(self, queries: TransferQueries, ender: TransferEnder, clock: Clock) -> None:
        self._queries = queries
        self._ender = ender
        self._clock = clock

    async def over(self, scope: str | None = None) -> Sequence[Transfer]:
        """Return what a run would take away: at most a batch, the oldest first.

        Args:
            scope: of this scope alone; None for all.
        """
        return await self._queries.over(scope, over_before(self._clock.now()), BATCH)

    async def run(self, scope: str | None = None) -> int:
        """Take away what is over, at most a batch; return how many transfers that were.

        Args:
            scope: of this scope alone; None for all.
        """
        now = self._clock.now()
        over = await self.over(scope)
        for transfer in over:
            if transfer.stage is not Stage.DONE:
                await self._queries.give_up(transfer, now)
            await self._ender.abandon(transfer)
        await self._ender.remove_aside(over)
        if over:
            await self._queries.drop(over)
        return len(over)
