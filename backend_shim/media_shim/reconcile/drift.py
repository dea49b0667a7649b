"""What can be wrong with a file, and what a repair does about it.

The names are promises: scripts look for them in what `--json` prints.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final


class Drift(StrEnum):
    """A kind of drift, the most urgent first: so they are shown, and so they are repaired."""

    TOO_OPEN = "too_open"
    NOT_DELETED = "not_deleted"
    NOT_TOLD = "not_told"
    BYTES_KEPT = "bytes_kept"
    STRAY_ROW = "stray_row"
    ROW_LOST = "row_lost"
    UNFINISHED = "unfinished"
    STRAY_OBJECT = "stray_object"
    TOO_CLOSED = "too_closed"
    STALE_VISIBILITY = "stale_visibility"
    TARGET_GONE = "target_gone"
    STALE_NAME = "stale_name"
    EMPTY_QUARANTINE = "empty_quarantine"
    # What no repair mends.
    BYTES_LOST = "bytes_lost"
    LOST_IN_WORKER = "lost_in_worker"
    MISSING = "missing"
    OBJECT_DIFFERS = "object_differs"
    FACTS_DIFFER = "facts_differ"
    BYTES_LEFT = "bytes_left"
    COMMIT_MISSING = "commit_missing"
    UPLOAD_LOST = "upload_lost"


MEANING: Final[dict[Drift, str]] = {
    Drift.TOO_OPEN: "the Worker shows to everybody what should be private",
    Drift.NOT_DELETED: "it was removed here, and is still in the Worker",
    Drift.NOT_TOLD: "it is being removed, and nobody tells the Worker",
    Drift.BYTES_KEPT: "it was removed here, and bytes are left without a row",
    Drift.STRAY_ROW: "the Worker has a file that the application has not",
    Drift.ROW_LOST: "the Worker has no row of it, and its bytes are there",
    Drift.UNFINISHED: "it is committed here, and still awaited in the Worker",
    Drift.STRAY_OBJECT: "the store has an object of ours that nobody knows",
    Drift.TOO_CLOSED: "the Worker refuses to show what should be public",
    Drift.STALE_VISIBILITY: "the application does not know whom it is shown to",
    Drift.TARGET_GONE: "what it is attached to is not there any more",
    Drift.STALE_NAME: "the Worker calls it something else",
    Drift.EMPTY_QUARANTINE: "it was quarantined, and is gone",
    Drift.BYTES_LOST: "it is there by both databases, and its bytes are not",
    Drift.LOST_IN_WORKER: "it is committed here, and gone in the Worker",
    Drift.MISSING: "it is committed here; the Worker has nothing of it",
    Drift.OBJECT_DIFFERS: "its bytes are not those that were uploaded",
    Drift.FACTS_DIFFER: "the two databases disagree about what it is",
    Drift.BYTES_LEFT: "it is gone, and bytes of it are still there",
    Drift.COMMIT_MISSING: "it was uploaded, and never committed here",
    Drift.UPLOAD_LOST: "it is awaited here, and unknown to the Worker",
}

REPAIR: Final[dict[Drift, str]] = {
    Drift.TOO_OPEN: "the outbox tells the Worker anew; a quarantined file is hidden at once",
    Drift.NOT_DELETED: "the outbox tells the Worker again",
    Drift.NOT_TOLD: "the outbox tells the Worker",
    Drift.BYTES_KEPT: "its row is made again, private, and the outbox has it deleted",
    Drift.STRAY_ROW: "made private and quarantined",
    Drift.ROW_LOST: "the Worker's row is made again",
    Drift.UNFINISHED: "completed in the Worker",
    Drift.STRAY_OBJECT: "quarantined, with a private row in the Worker",
    Drift.TOO_CLOSED: "the outbox tells the Worker anew",
    Drift.STALE_VISIBILITY: "the outbox tells the Worker anew",
    Drift.TARGET_GONE: "detached, which deletes it",
    Drift.STALE_NAME: "the application takes the Worker's name",
    Drift.EMPTY_QUARANTINE: "taken out of quarantine",
}
"""What is not in it is reported, and never repaired."""

QUARANTINES: Final = (Drift.STRAY_ROW, Drift.STRAY_OBJECT)
REMOVES: Final = (Drift.NOT_DELETED, Drift.BYTES_KEPT, Drift.TARGET_GONE)


@dataclass(frozen=True, slots=True)
class Finding:
    """One drift of one file.

    Attributes:
        drift: what is wrong.
        key: of which file.
        facts: what shows it, such as `{"app": "committed", "row": "gone"}`.
    """

    drift: Drift
    key: str
    facts: dict[str, object] = field(default_factory=dict)
