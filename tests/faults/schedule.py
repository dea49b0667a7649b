"""What goes wrong in a run, drawn from its seed and from nothing else.

A fault is drawn for the n-th message of a link and does not depend on what other links drew, so a
seed that is run again meets the same faults at the same places, as far as the threads and processes
under test come by there in the same order.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from random import Random
from typing import Final


class Link(Enum):
    """Who talks to whom. The outbox has links of its own, so that it can be cut off alone."""

    BROWSER_SHIM = "browser-shim"
    BROWSER_WORKER = "browser-worker"
    SHIM_WORKER = "shim-worker"
    SHIM_DATABASE = "shim-database"
    OUTBOX_WORKER = "outbox-worker"
    OUTBOX_DATABASE = "outbox-database"

    @property
    def speaks_http(self) -> bool:
        return self not in (Link.SHIM_DATABASE, Link.OUTBOX_DATABASE)


class Victim(Enum):
    """Who is killed (SIGKILL)."""

    POSTGRES = "postgres"
    WORKERD = "workerd"
    DJANGO = "django"
    DJANGO_PROCESS = "one of django's processes"
    OUTBOX = "outbox"


class Fault(Enum):
    """What happens to a message and to its answer; on a database's link, to a COMMIT.

    A connection that is *broken* is reset (RST).
    """

    LOSE_REQUEST = "broken before the message went on"
    CUT_REQUEST = "broken in the middle of the message"
    LOSE_ANSWER = "the message went on; broken before the answer"
    CUT_ANSWER = "broken in the middle of the answer"
    END_ANSWER = "closed in order in the middle of the answer"
    HALF_CLOSE = "one direction is closed behind the message"
    DELAY = "held back for less than anybody's patience"
    STALL = "the message goes on after its sender has given up"
    TWICE = "sent twice at once"
    LATE_TWICE = "sent, and sent again after others"


MIX: Final[Mapping[Fault, float]] = {
    Fault.LOSE_REQUEST: 0.02,
    Fault.CUT_REQUEST: 0.015,
    Fault.LOSE_ANSWER: 0.035,
    Fault.CUT_ANSWER: 0.015,
    Fault.END_ANSWER: 0.01,
    Fault.HALF_CLOSE: 0.01,
    Fault.DELAY: 0.06,
    Fault.STALL: 0.004,
    Fault.TWICE: 0.03,
    Fault.LATE_TWICE: 0.04,
}
"""How often each happens to a message."""

MIX_OF_THE_OUTBOX: Final[Mapping[Fault, float]] = {
    **MIX,
    Fault.LOSE_ANSWER: 0.08,
    Fault.STALL: 0.03,
    Fault.TWICE: 0.08,
    Fault.LATE_TWICE: 0.2,
}
"""How often to one between the outbox and the Worker: there are few of them, and they do most."""

REPEATING: Final = (Fault.TWICE, Fault.LATE_TWICE)
"""What happens on the Worker's side alone: nothing between Django and its browsers repeats."""

OF_A_DATABASE: Final = (Fault.LOSE_REQUEST, Fault.LOSE_ANSWER, Fault.DELAY, Fault.CUT_ANSWER)

VICTIMS: Final[Mapping[Victim, float]] = {
    Victim.POSTGRES: 0.28,
    Victim.WORKERD: 0.08,
    Victim.DJANGO: 0.14,
    Victim.DJANGO_PROCESS: 0.3,
    Victim.OUTBOX: 0.2,
}
"""How often each of them is drawn. A Worker takes seconds to come up again, all others less."""

BUSY: Final[Mapping[Link, int]] = {
    Link.BROWSER_SHIM: 70,
    Link.BROWSER_WORKER: 50,
    Link.SHIM_WORKER: 35,
    Link.SHIM_DATABASE: 70,
    Link.OUTBOX_WORKER: 6,
    Link.OUTBOX_DATABASE: 12,
}
"""Among how many first messages of a run the one is drawn at which somebody is killed, or cut off.

They are fewer than a run has, so that most of what is drawn comes to pass."""


@dataclass(frozen=True)
class Kill:
    """Somebody is killed.

    Attributes:
        victim: who.
        link: while a message is on its way here.
        number: which, counted from 1.
        pause: so many seconds after the message set out.
        absence: so many seconds the victim stays away.
    """

    victim: Victim
    link: Link
    number: int
    pause: float
    absence: float


@dataclass(frozen=True)
class Cut:
    """A link breaks, with all its connections, and stays broken for so many seconds."""

    link: Link
    number: int
    pause: float
    seconds: float


@dataclass(frozen=True)
class Schedule:
    """What goes wrong.

    Attributes:
        seed: what it is drawn from.
        kills: who is killed, and when.
        cuts: which links break, and when.
    """

    seed: int
    kills: tuple[Kill, ...]
    cuts: tuple[Cut, ...]

    @classmethod
    def drawn(cls, seed: int) -> "Schedule":
        chance = Random(f"{seed} schedule")
        kills = tuple(_kill(chance) for _ in range(chance.choice((1, 2, 2, 3))))
        cuts = tuple(_cut(chance) for _ in range(chance.choice((0, 1, 1, 2))))
        return cls(seed, kills, cuts)

    def fault(self, link: Link, number: int) -> tuple[Fault | None, Random]:
        """Return what happens to the n-th message of a link, and what to draw its details from."""
        chance = Random(f"{self.seed} {link.value} {number}")
        drawn = chance.random()
        mix = MIX_OF_THE_OUTBOX if link is Link.OUTBOX_WORKER else MIX
        for fault, share in mix.items():
            drawn -= share
            if drawn < 0:
                return (fault if _happens(fault, link) else None), chance
        return None, chance


def _happens(fault: Fault, link: Link) -> bool:
    if not link.speaks_http:
        return fault in OF_A_DATABASE
    return fault not in REPEATING or link is not Link.BROWSER_SHIM


def _kill(chance: Random) -> Kill:
    (victim,) = chance.choices(list(Victim), [VICTIMS[each] for each in Victim])
    link = chance.choice(list(Link))
    return Kill(
        victim,
        link,
        chance.randint(1, BUSY[link]),
        chance.choice((0, 0.002, 0.005, 0.01, 0.03)),
        chance.choice((0, 0, 0.2, 0.5)),
    )


def _cut(chance: Random) -> Cut:
    link = chance.choice(list(Link))
    return Cut(
        link,
        chance.randint(1, BUSY[link]),
        chance.choice((0, 0.003, 0.02)),
        chance.choice((0.2, 0.5, 1)),
    )
