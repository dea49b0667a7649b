"""What every machine does that lets files come and go, in whatever order, and what holds for all.

A machine of its own for each way in adds how files come (`uploads/test_life.py`,
`transfers/test_life.py`). Whatever it does, the cron may run, time goes by, and the store may fail
before or after it has done its work.
"""

from typing import Final

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from media_engine.errors import R2Unavailable
from media_engine.ports import ObjectInfo
from tests.unit.engine import Engine, finish
from tests.unit.interrupted import InterruptedStore, Moment

HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS

MOMENTS = st.sampled_from([None, None, None, "before", "after"])


class Life(RuleBasedStateMachine):
    """Files on one engine.

    Attributes:
        store: where their bytes are.
        engine: the engine.
        whole: the ids of the files that somebody was told are uploaded, and nobody deleted.
    """

    def __init__(self) -> None:
        super().__init__()
        self.store = InterruptedStore()
        self.engine = Engine(store=self.store)
        self.whole: set[str] = set()

    @rule(fails=MOMENTS)
    def run_the_cron(self, fails: Moment | None) -> None:
        self.store.fails = fails
        try:
            finish(self.engine.app.clean())
        except R2Unavailable:
            assert fails is not None
        self.store.fails = None

    @invariant()
    def what_counts_is_what_is_there_and_what_is_reserved(self) -> None:
        charges = self.engine.charges()
        assert self.engine.used() == (sum(charges), len(charges))

    @invariant()
    def a_file_stays(self) -> None:
        uploaded = {row["id"] for row in self.engine.rows() if row["status"] == "uploaded"}
        assert self.whole <= uploaded

    def end(self, after: int) -> set[str]:
        """Let time go by and the cron take all that is left; return the keys of the files."""
        self.engine.clock.advance(after)
        for _ in range(3):
            finish(self.engine.app.clean())
        rows = self.engine.rows()
        assert {row["status"] for row in rows} <= {"uploaded", "gone"}
        files = {row["key"] for row in rows if row["status"] == "uploaded"}
        assert self.store.keys() == files
        return files

    def info(self, key: str) -> ObjectInfo | None:
        """Return what the store has under a key."""
        return finish(self.store.head(key))
