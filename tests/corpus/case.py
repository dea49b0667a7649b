"""A file, and what must be said of it."""

from dataclasses import dataclass

from media_engine.uploads.inspect import Cause, Facts


@dataclass(frozen=True)
class Case:
    """A file.

    Attributes:
        name: what it is, as the name of a test.
        content_type: what it is declared as.
        content: its bytes.
        verdict: what is known of it, or why it is not taken.
        says: what the refusal's sentence must have in it.
    """

    name: str
    content_type: str
    content: bytes
    verdict: Facts | Cause
    says: str = ""

    def __str__(self) -> str:
        return self.name
