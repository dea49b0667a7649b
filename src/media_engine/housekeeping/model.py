"""The nouns of a forecast: what a run of the cron would do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Due:
    """What one step would take.

    Attributes:
        count: how many.
        is_bounded: whether that is as many as one run takes, so that more may be waiting.
        since: since when the oldest of them waits, in milliseconds since 1970; None if there is
            none.
    """

    count: int
    is_bounded: bool
    since: int | None

    def to_wire(self, now: int) -> dict[str, object]:
        """Return it as the API shows it at `now`, in milliseconds since 1970."""
        age = None if self.since is None else (now - self.since) // 1000
        return {"count": self.count, "bounded": self.is_bounded, "ageSeconds": age}


@dataclass(frozen=True, slots=True)
class Ending:
    """The transfers that a run would take away before it looks at files.

    Attributes:
        due: how many.
        transfers: their ids.
        files: the ids of the files that would be given up with them, if they are pending.
    """

    due: Due
    transfers: Sequence[str]
    files: Sequence[str]


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a run would do that began now.

    Attributes:
        now: when that is, in milliseconds since 1970.
        steps: what each step would take, by its name in the log of a run.
    """

    now: int
    steps: Mapping[str, Due]

    def to_wire(self) -> dict[str, object]:
        """Return it as the API shows it."""
        return {"steps": {name: due.to_wire(self.now) for name, due in self.steps.items()}}
