"""Why a file is not taken. One code, `CONTENT_MISMATCH`; a cause; and a sentence that says what."""

from collections.abc import Mapping
from enum import Enum

from media_engine.errors import ContentMismatch


class Cause(Enum):
    """What kind of wrong a file is.

    Attributes:
        OTHER_TYPE: it is not of the type that was declared.
        CUT_OFF: it ends before it is complete, or says that it is longer than it is.
        MALFORMED: it contradicts itself or its format.
        UNSUPPORTED: it is well-formed, and of a kind that browsers do not show.
        UNSAFE: it could run something, or fetch something, when it is shown.
        TOO_COSTLY: what must be known of it is not within the bounds of looking.
    """

    OTHER_TYPE = "other_type"
    CUT_OFF = "cut_off"
    MALFORMED = "malformed"
    UNSUPPORTED = "unsupported"
    UNSAFE = "unsafe"
    TOO_COSTLY = "too_costly"


class Refusal(ContentMismatch):
    """A file that is not taken.

    Args:
        cause: the kind of wrong.
        message: one sentence for a person. What it quotes of the file is short and printable.
    """

    def __init__(self, cause: Cause, message: str) -> None:
        field = "contentType" if cause is Cause.OTHER_TYPE else None
        super().__init__(message, field=field, reason=cause.value)
        self.cause = cause

    @property
    def details(self) -> Mapping[str, object]:
        return {**super().details, "cause": self.cause.value}


def malformed(message: str) -> Refusal:
    """Return the refusal of a file that contradicts itself or its format."""
    return Refusal(Cause.MALFORMED, message)


def quoted(text: str) -> str:
    """Return what a file says as it can be said again: printable ASCII, at most 40 characters."""
    plain = ascii(text)[1:-1]
    return plain if len(plain) <= 40 else f"{plain[:37]}..."
