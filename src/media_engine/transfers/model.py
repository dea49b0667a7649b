"""A file on its way in, in parts or in a stream.

The store wants parts of one size, 5 MiB or more, of which only the last may be smaller. So the size
of a part is decided when a transfer is opened, and what a client sends otherwise is cut to it here.

A part may be sent twice, even at the same time: a browser gives up on a request that goes on. The
store keeps the last one under a number, and a row that was written by the other would then name a
part that is no more. So each sending of a part has a number of the store's own, out of `SENDINGS`,
and the row names one that is stored, whichever came last. Numbers need not follow one another; what
is not named when the parts are joined is let go.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from media_engine.errors import MediaGone
from media_engine.http.disposition import content_disposition
from media_engine.ports import ObjectHead, SqlValue, StoredPart

MIB: Final = 1024 * 1024

SMALLEST_PART: Final = 5 * MIB
"""The least that the store takes as a part which is not the last, in bytes."""

MOST_PARTS: Final = 10_000
"""How many parts the store joins, and the highest number of one."""

SENDINGS: Final = 16
"""How many numbers of the store a part has."""

LIFE_MS: Final = 24 * 3_600_000
"""How long a transfer may take: as long as an upload may wait to be completed."""

STAGING: Final = "incoming/"
"""Where the store keeps what is not a file yet. Nothing under it is ever delivered."""


class Way(Enum):
    """In which way a file comes.

    put: one request, direct to the store, under a URL that is signed for it.
    multipart: parts, direct to the store, each under a URL that is signed for it.
    chunked: parts, through the Worker, in any order.
    stream: one request, through the Worker.
    tus: requests of any size, through the Worker, one after the other.
    """

    PUT = "put"
    MULTIPART = "multipart"
    CHUNKED = "chunked"
    STREAM = "stream"
    TUS = "tus"


class Stage(Enum):
    """Where a transfer is: open → joining → done, or given up before that."""

    OPEN = "open"
    JOINING = "joining"
    DONE = "done"
    GIVEN_UP = "given_up"


@dataclass(frozen=True, slots=True)
class Transfer:
    """A row of `transfers`, whose columns the migration explains. Of a new one nothing has come."""

    id: str
    media_id: str
    is_partial: bool
    scope: str
    uploaded_by: str
    content_type: str
    file_name: str
    key: str
    way: Way
    length: int | None
    most: int
    part_size: int
    note: str | None
    created_at: int
    expires_at: int
    upload_id: str | None = None
    received: int = 0
    tail: int = 0
    tail_name: str | None = None
    stage: Stage = Stage.OPEN
    turn: int = 0

    @classmethod
    def from_row(cls, row: Mapping[str, SqlValue]) -> "Transfer":
        """Make a transfer of a row that has every column."""
        return cls(
            id=str(row["id"]),
            media_id=str(row["media_id"]),
            is_partial=row["role"] == "partial",
            scope=str(row["scope"]),
            uploaded_by=str(row["uploaded_by"]),
            content_type=str(row["mime_type"]),
            file_name=str(row["file_name"]),
            key=str(row["key"]),
            way=Way(row["way"]),
            length=None if row["length"] is None else int(row["length"]),
            most=int(row["most"] or 0),
            part_size=int(row["part_size"] or 0),
            upload_id=_text(row["upload_id"]),
            received=int(row["received"] or 0),
            tail=int(row["tail"] or 0),
            tail_name=_text(row["tail_name"]),
            note=_text(row["note"]),
            stage=Stage(row["status"]),
            turn=int(row["turn"] or 0),
            created_at=int(row["created_at"] or 0),
            expires_at=int(row["expires_at"] or 0),
        )

    @property
    def head(self) -> ObjectHead:
        """What the object is stored with: what a presigned PUT would have said."""
        return ObjectHead(self.content_type, content_disposition("inline", self.file_name))

    @property
    def parts(self) -> int:
        """How many parts it has, once its length is known."""
        return count_of(self.length or 0, self.part_size)

    @property
    def limit(self) -> int:
        """How many bytes may come: all, or the most while its length is not known."""
        return self.most if self.length is None else self.length

    @property
    def tails(self) -> tuple[str, ...]:
        """The keys under which it may keep something aside, once somebody has written to it.

        Both of them: a write that nobody heard of again has left what its row does not name.
        """
        return (f"{STAGING}{self.id}/a", f"{STAGING}{self.id}/b") if self.turn else ()

    @property
    def aside(self) -> tuple[str, ...]:
        """The keys of all that the store may have of it beside its file."""
        return (*self.tails, self.key) if self.is_partial else self.tails

    def size_of(self, number: int) -> int:
        """Return how long a part is, in bytes; 0 where it has no such part."""
        if not 1 <= number <= self.parts:
            return 0
        return min(self.part_size, (self.length or 0) - (number - 1) * self.part_size)

    def require_alive(self, now: int) -> None:
        """Refuse a transfer that takes nothing any more.

        Raises:
            MediaGone: it was given up, or its time is over.
        """
        if self.stage is Stage.GIVEN_UP or (self.stage is not Stage.DONE and now > self.expires_at):
            raise MediaGone


@dataclass(frozen=True, slots=True)
class Arrived:
    """A part that is stored.

    Attributes:
        number: its place in the file, from 1.
        stored: what the store calls it.
    """

    number: int
    stored: StoredPart


@dataclass(frozen=True, slots=True)
class Progress:
    """How much of a transfer is there.

    Attributes:
        transfer: the transfer.
        arrived: the parts that are stored, in their order.
    """

    transfer: Transfer
    arrived: Sequence[Arrived]

    @property
    def missing(self) -> list[int]:
        """The numbers of the parts that have yet to come."""
        there = {part.number for part in self.arrived}
        return [n for n in range(1, self.transfer.parts + 1) if n not in there]

    @property
    def received(self) -> int:
        """How many bytes are there."""
        return sum(self.transfer.size_of(part.number) for part in self.arrived)

    @property
    def percent(self) -> int:
        """How much that is, in whole percent, and 100 only when all is there."""
        return self.received * 100 // max(1, self.transfer.length or 0)


def count_of(length: int, part_size: int) -> int:
    """Return how many parts a file of this length has."""
    return -(-length // part_size)


def part_size_for(most: int) -> int:
    """Return how large the parts of a file are that has at most so many bytes.

    The least that there are not too many of, in whole MiB.
    """
    least = -(-most // (MOST_PARTS // SENDINGS))
    return max(SMALLEST_PART, -(-least // MIB) * MIB)


def store_number(number: int, sending: int) -> int:
    """Return the store's number for a part.

    Args:
        number: the part's place in the file, from 1.
        sending: which sending of it this is.
    """
    return (number - 1) * SENDINGS + sending % SENDINGS + 1


def _text(value: SqlValue) -> str | None:
    return None if value is None else str(value)
