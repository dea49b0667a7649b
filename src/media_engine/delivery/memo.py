"""What was true a moment ago, for a while and not without end.

An isolate that asked the database need not ask again at once. How long an answer may be believed
is a promise to the people whose links are revoked, so an answer is as old as the question: `now`
is the instant before it was asked, and a clock that goes back makes it forgotten, not younger.
"""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Memo(Generic[K, V]):
    """Answers by what was asked. When there are too many, the one least recently wanted goes.

    Args:
        life: how long an answer is believed, in milliseconds.
        capacity: how many answers there are at most.
    """

    def __init__(self, life: int, capacity: int) -> None:
        self._life = life
        self._capacity = capacity
        self._answers: OrderedDict[K, tuple[int, V]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._answers)

    def get(self, question: K, now: int) -> V | None:
        """Return the answer, or None if there is none that may be believed at `now`."""
        kept = self._answers.get(question)
        if kept is None:
            return None
        asked_at, answer = kept
        if not asked_at <= now < asked_at + self._life:
            del self._answers[question]
            return None
        self._answers.move_to_end(question)
        return answer

    def forget(self, question: K) -> None:
        """Do not believe the answer any longer."""
        self._answers.pop(question, None)

    def clear(self) -> None:
        """Believe no answer any longer."""
        self._answers.clear()

    def keep(self, question: K, answer: V, asked_at: int) -> None:
        """Remember an answer.

        Args:
            question: what was asked.
            answer: what was answered; never None.
            asked_at: the instant before it was asked, in milliseconds since 1970.
        """
        self._answers[question] = (asked_at, answer)
        self._answers.move_to_end(question)
        if len(self._answers) > self._capacity:
            self._answers.popitem(last=False)
