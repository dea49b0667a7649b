"""Which messages go into which call of the API, and when a call that failed is tried again.

The API counts calls, not tags (on the smallest plan it takes five a minute), so that the messages
of a batch share them. A message stands in one call with all of its tags: the call's success is the
message's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from media_engine.purging.model import MAX_TAGS, Purge

LONGEST_DELAY: Final = 900
"""How long an attempt is put off at most, in seconds, where the API does not ask for more."""

LONGEST_OBEDIENCE: Final = 3600
"""How long it is put off at most, in seconds, where the API asks for more."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call of the API.

    Attributes:
        tags: what it purges, each tag once.
        messages: which messages it serves, by their place in the batch.
    """

    tags: tuple[str, ...]
    messages: tuple[int, ...]


def calls(batch: Sequence[Purge]) -> list[Call]:
    """Return the calls that serve a batch, its messages in their order."""
    planned: list[Call] = []
    tags: dict[str, None] = {}
    messages: list[int] = []
    for place, purge in enumerate(batch):
        together = tags | dict.fromkeys(purge.tags)
        if len(together) > MAX_TAGS:
            planned.append(Call(tuple(tags), tuple(messages)))
            together, messages = dict.fromkeys(purge.tags), []
        tags = together
        messages.append(place)
    return [*planned, Call(tuple(tags), tuple(messages))] if messages else planned


def retry_delay(attempts: int, first: int, asked: int) -> int:
    """Return in how many seconds a message is delivered again.

    It doubles with each attempt. With 30 seconds at first and a hundred attempts, a purge is tried
    for a day.

    Args:
        attempts: how often it was delivered so far.
        first: the delay after the first attempt, in seconds.
        asked: what the API asked for, in seconds; 0 if nothing.
    """
    doubled: int = first << min(attempts - 1, 32)
    return max(min(doubled, max(first, LONGEST_DELAY)), min(asked, LONGEST_OBEDIENCE))
