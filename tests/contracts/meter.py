"""What work costs the database: how many statements, and how many rows as D1 bills them."""

from collections.abc import Awaitable, Sequence
from typing import NamedTuple

from media_engine.ports import Database, Rows, Statement


class Cost(NamedTuple):
    """What was spent."""

    statements: int
    rows_read: int
    rows_written: int


class Meter:
    """`ports.Database` that adds up what another one bills.

    Args:
        database: the other one.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._bills: list[Rows] = []

    async def run(self, statement: Statement, /) -> Rows:
        return (await self.batch([statement]))[0]

    async def batch(self, statements: Sequence[Statement], /) -> Sequence[Rows]:
        results = await self._database.batch(statements)
        self._bills += results
        return results

    async def of(self, work: Awaitable[object]) -> Cost:
        """Do it, and return what it cost."""
        self._bills.clear()
        await work
        return Cost(
            len(self._bills),
            sum(bill.rows_read for bill in self._bills),
            sum(bill.rows_written for bill in self._bills),
        )
