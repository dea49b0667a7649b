"""One run: a storm, the peace after it, and the look at what is left.

The storm: users work in several tabs each, while the network and the processes do what the seed's
schedule says. Then nothing goes wrong any more: everybody comes up, what was held back arrives, and
some users come back to what remained in doubt. Then nobody does anything: the outbox is emptied,
the shim's cleanup and the Worker's cron run as they do days later. What is left is compared with
what was acknowledged.
"""

import itertools
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Final

from tests.faults.house import House
from tests.faults.inspection import Inspection
from tests.faults.ledger import Ledger, User
from tests.faults.schedule import Fault, Kill, Link, Schedule, Victim
from tests.faults.tab import Tab
from tests.worker.state import grow_older, kept

TABS: Final = {"a": 2, "b": 2, "c": 1}
"""How many tabs each user has. The last one may close their account."""

LONGEST_STORM: Final = 12
"""In seconds: nobody begins an errand later."""

HOUR: Final = 3600
DAYS: Final = 3 * 24 * HOUR
"""So much later the cleanup and the cron run: what is not finished by then never will be."""

PATIENCE: Final = 120
"""In seconds: how long it may take until the outbox is empty, with nothing in its way."""


@dataclass
class Result:
    """What a run, or several, came to.

    Attributes:
        runs: how many runs.
        failed: in how many a promise was broken.
        seconds: how long they took.
        acknowledged: what was promised, and how often.
        doubtful: how many posts and avatars were in doubt in the end.
        killed: who was killed, and how often.
        faults: what else happened, and how often.
        cuts: how often a link was cut.
        violations: each promise that was broken, with its history.
    """

    runs: int = 0
    failed: int = 0
    seconds: float = 0
    acknowledged: Counter[str] = field(default_factory=Counter)
    doubtful: int = 0
    killed: Counter[Victim] = field(default_factory=Counter)
    faults: Counter[Fault] = field(default_factory=Counter)
    cuts: int = 0
    violations: list[str] = field(default_factory=list)

    def add(self, other: "Result") -> None:
        """Count another run with these."""
        self.runs += other.runs
        self.failed += other.failed
        self.seconds += other.seconds
        self.acknowledged += other.acknowledged
        self.doubtful += other.doubtful
        self.killed += other.killed
        self.faults += other.faults
        self.cuts += other.cuts
        self.violations += other.violations

    def brief(self) -> str:
        """Return a line of it."""
        return (
            f"{self.seconds / self.runs:.1f} s each, {self.killed.total()} kills, "
            f"{self.cuts} cuts, {self.faults.total()} other faults, "
            f"{self.acknowledged.total()} promises, {self.failed} failed"
        )

    def lines(self) -> list[str]:
        """Return all of it."""
        return [
            f"{self.runs} runs in {self.seconds:.0f} s, of which {self.failed} failed",
            "killed: " + _table({each.value: self.killed[each] for each in Victim}),
            f"links cut: {self.cuts}",
            *(f"{self.faults[each]:6}  {each.value}" for each in Fault),
            "acknowledged: " + _table(self.acknowledged),
            f"in doubt in the end: {self.doubtful}",
        ]


def _table(numbers: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {number}" for name, number in numbers.items())


def run(house: House, seed: int) -> Result:
    """Run one seed, and return what came of it."""
    return _Run(house, seed).complete()


class _Run:
    def __init__(self, house: House, seed: int) -> None:
        self._house = house
        self._seed = seed
        self._chance = Random(f"{seed} run")
        self._schedule = Schedule.drawn(seed)
        self._ledger = Ledger()
        self._cuts = 0
        self._is_storming = False
        self._lock = threading.Lock()

    def complete(self) -> Result:
        house = self._house
        began = time.monotonic()
        killed, happened = Counter(house.killed), house.network.happened()
        self._users = self._make_users()
        tabs = [
            Tab(f"s{self._seed}{user.name[-1]}{tab}", house, user, other, self._ledger, self._seed)
            for user, other in zip(self._users, self._users[1:] + self._users[:1], strict=True)
            for tab in range(TABS[user.name[-1]])
        ]
        self._storm(tabs)
        self._peace(tabs)
        violations = list(self._ledger.violations)
        if not violations:
            violations += self._look()
        doubtful = sum(len(post.may_be) > 1 for post in self._ledger.posts.values())
        return Result(
            runs=1,
            failed=bool(violations),
            seconds=time.monotonic() - began,
            acknowledged=self._ledger.acknowledged,
            doubtful=doubtful + sum(avatar.ended is None for avatar in self._ledger.avatars),
            killed=house.killed - killed,
            faults=house.network.happened() - happened,
            cuts=self._cuts,
            violations=violations,
        )

    def _make_users(self) -> list[User]:
        names = {
            f"user-{self._seed}-{letter}": (
                None if letter == "b" else f"tenant-{self._seed}-{letter}"
            )
            for letter in TABS
        }
        made = self._house.caretaker.ask("users", names=names)
        return [
            User(name, made[name]["id"], made[name]["session"], tenant)
            for name, tenant in names.items()
        ]

    def _storm(self, tabs: list[Tab]) -> None:
        errands = self._chance.randint(3, 5)
        self._is_storming = True
        self._house.network.weather(self._schedule, self._notice)
        closing = tabs[-1] if self._chance.random() < 0.4 else None

        def live(tab: Tab) -> None:
            tab.live(errands, LONGEST_STORM)
            if tab is closing:
                tab.close_account()

        _each(tabs, live)
        self._house.network.weather(None)
        # What is about to happen happens before this, or not at all.
        with self._lock:
            self._is_storming = False

    def _notice(self, link: Link, number: int) -> None:
        """Let happen what is scheduled for the moment in which this message is on its way."""
        network = self._house.network
        for kill in self._schedule.kills:
            if (kill.link, kill.number) == (link, number):
                slay = threading.Thread(target=self._kill, args=(kill,), name="kill")
                network.later(kill.pause, slay.start)
        for cut in self._schedule.cuts:
            if (cut.link, cut.number) == (link, number):
                self._ledger.note("", f"{cut.link.value} is cut for {cut.seconds} s")
                self._cuts += 1
                network.later(cut.pause, partial(network.cut, cut.link, cut.seconds))

    def _kill(self, kill: Kill) -> None:
        with self._lock:
            if self._is_storming:
                self._ledger.note("", f"{kill.victim.value} is killed for {kill.absence} s")
                self._house.kill(kill.victim, kill.absence)

    def _peace(self, tabs: list[Tab]) -> None:
        house = self._house
        house.await_all()
        house.network.calm()
        self._ledger.note("", "the storm is over")
        _each(tabs, Tab.return_)
        for tab in tabs:
            tab.close()
        house.network.calm()
        house.let_django_finish()
        house.network.calm()
        self._empty_outbox()

    def _look(self) -> list[str]:
        inspection = Inspection(self._house, self._ledger, self._users)
        try:
            inspection.look_at_what_was_removed()
            # In whatever order they come.
            steps = [self._clean_up, self._grow_old]
            self._chance.shuffle(steps)
            for step in steps:
                step()
            inspection.look_at_everything()
        finally:
            inspection.close()
        return self._ledger.violations

    def _clean_up(self) -> None:
        swept = self._house.caretaker.ask("sweep", ahead=DAYS)
        self._ledger.note("", f"the cleanup has run: {swept}")
        self._empty_outbox()

    def _grow_old(self) -> None:
        mine = {user.scope for user in self._users}
        now = kept(self._house.state)
        keys = [key for key, row in now.rows.items() if row["scope"] in mine]
        grow_older(self._house.state, keys, DAYS * 1000)
        self._house.run_cron()
        self._ledger.note("", "the cron has run")

    def _empty_outbox(self) -> None:
        """Have everything delivered that waits, as if hours had gone by; claims end by then.

        Another hour goes by with each look: what a busy machine could not do at once has a pause.
        """
        deadline = time.monotonic() + PATIENCE
        users = [user.id for user in self._users]
        hours = itertools.count(1)
        while waiting := self._house.caretaker.ask("rows", users=users)["outbox"]:
            if any(entry["state"] == "dead" for entry in waiting) or time.monotonic() > deadline:
                self._ledger.violate(what=f"the outbox is not empty: {waiting}")
                return
            self._house.caretaker.ask("deliver", ahead=next(hours) * HOUR)
        self._ledger.note("", "the outbox is empty")


def _each(tabs: list[Tab], do: Callable[[Tab], None]) -> None:
    """Do something in all tabs at once, and raise what one of them raised."""
    with ThreadPoolExecutor(len(tabs)) as pool:
        for finished in [pool.submit(do, tab) for tab in tabs]:
            finished.result()
