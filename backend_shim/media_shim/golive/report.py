"""What was looked at, what came of it, and what to do next."""

import enum
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

WIDTH: Final = 80
"""In columns."""

_INDENT: Final = " " * 10


class Outcome(enum.StrEnum):
    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Row:
    """What came of one check.

    Attributes:
        check: what was looked at.
        outcome: what came of it.
        seen: what there was to be seen. No secret is in it, and no URL that opens something.
        advice: what to do next; empty where nothing is to be done.
    """

    check: str
    outcome: Outcome
    seen: str
    advice: str = ""

    def to_wire(self) -> dict[str, str]:
        """Return it as `--json` prints it."""
        return {
            "check": self.check,
            "outcome": self.outcome,
            "seen": self.seen,
            "advice": self.advice,
        }


def is_sound(rows: Sequence[Row]) -> bool:
    """Tell whether nothing failed. What was not asked for is skipped, and says nothing."""
    return all(row.outcome is not Outcome.FAILED for row in rows)


def lines(row: Row) -> str:
    """Return a row as text of at most `WIDTH` columns."""
    mark = row.outcome.upper() if row.outcome is Outcome.FAILED else row.outcome
    wrapped = _wrapped(f"{mark:<9} {row.check}: {row.seen}", _INDENT)
    if row.advice:
        wrapped += _wrapped(f"{_INDENT}→ {row.advice}", f"{_INDENT}  ")
    return "\n".join(wrapped)


def counts(rows: Sequence[Row]) -> str:
    """Return how many rows have which outcome."""
    return ", ".join(f"{sum(row.outcome is one for row in rows)} {one}" for one in Outcome)


def _wrapped(text: str, indent: str) -> list[str]:
    return textwrap.wrap(
        text, WIDTH, subsequent_indent=indent, drop_whitespace=True, break_on_hyphens=False
    )
