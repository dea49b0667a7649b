"""What the queue is told of the copies of files that must go."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from media_engine.delivery.model import cache_tag

MAX_TAGS: Final = 100
"""How many tags Cloudflare takes in one call, on every plan."""

KIND: Final = "purge"
VERSION: Final = 1

# Of a tag, capitals do not count: at worst a purge takes somebody else's copies along.
_TAG: Final = re.compile(r"m-[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True)
class Purge:
    """A message of the queue: the copies with these tags must go.

    Attributes:
        tags: one to `MAX_TAGS` of them.
    """

    tags: tuple[str, ...]

    def to_message(self) -> dict[str, object]:
        """Return the message as the queue carries it."""
        return {"kind": KIND, "version": VERSION, "tags": list(self.tags)}

    @classmethod
    def from_message(cls, body: object) -> "Purge | None":
        """Read a message; None if it is no purge, or none that this version understands."""
        if not isinstance(body, Mapping):
            return None
        if body.get("kind") != KIND or body.get("version") != VERSION:
            return None
        tags = body.get("tags")
        if not isinstance(tags, list) or not 0 < len(tags) <= MAX_TAGS:
            return None
        if not all(isinstance(tag, str) and _TAG.fullmatch(tag) for tag in tags):
            return None
        return cls(tuple(tags))


def purges(keys: Sequence[str]) -> list[Purge]:
    """Return the messages that purge these files: as few as can be."""
    tags = [cache_tag(key) for key in keys]
    return [Purge(tuple(tags[first : first + MAX_TAGS])) for first in range(0, len(tags), MAX_TAGS)]
