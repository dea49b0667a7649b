"""What was tried and what was acknowledged: what the stores must agree with in the end.

What was tried and not acknowledged is *in doubt*: either of two states is right then. So a post has
the set of all states that it may be in.
"""

import time
from collections import Counter
from dataclasses import dataclass, field
from threading import Lock
from typing import Final

ABSENT: Final = "absent"
PRIVATE: Final = "private"
PUBLIC: Final = "public"


@dataclass
class User:
    """Somebody, as Django and the Worker know them.

    Attributes:
        name: as the ledger writes them.
        id: their id.
        session: what they are signed in with.
        tenant: whose their files are, or None where they are their own.
        is_closed: whether their account was closed, which was acknowledged.
        may_be_closed: whether they ever asked for it.
    """

    name: str
    id: str
    session: str
    tenant: str | None
    is_closed: bool = False
    may_be_closed: bool = False

    @property
    def scope(self) -> str:
        """Whose their files are, as the Worker writes it."""
        return f"u:{self.id}" if self.tenant is None else f"t:{self.tenant}"


@dataclass
class File:
    """An upload that was signed.

    Attributes:
        name: what its browser calls it.
        owner: who uploads it.
        key: its key.
        media_id: its id.
        content: its bytes, which no other file has.
        upload: where and how it is sent.
        was_public: whether anybody ever asked for it to be shown to everybody.
        is_removed: whether its own removal was acknowledged.
    """

    name: str
    owner: User
    key: str
    media_id: str
    content: bytes = field(repr=False)
    upload: dict[str, object] = field(repr=False)
    was_public: bool = False
    is_removed: bool = False


@dataclass
class Post:
    """A post that was tried.

    Attributes:
        name: its id.
        author: whose it is.
        files: what it was tried with.
        may_be: the states that it may be in.
        version: of the last change of who sees it.
    """

    name: str
    author: User
    files: list[File]
    may_be: set[str] = field(default_factory=lambda: {ABSENT})
    version: int = 0


@dataclass
class Avatar:
    """One try to replace an avatar.

    Attributes:
        file: by what.
        began: when it was first sent.
        ended: when it was acknowledged; None while it is in doubt.
    """

    file: File
    began: float
    ended: float | None = None


class Ledger:
    """Everything that the browsers of one run know."""

    def __init__(self) -> None:
        self.files: dict[str, File] = {}
        self.posts: dict[str, Post] = {}
        self.avatars: list[Avatar] = []
        self.acknowledged: Counter[str] = Counter()
        self.violations: list[str] = []
        self._began = time.monotonic()
        self._events: list[tuple[float, str, str]] = []
        self._lock = Lock()

    def now(self) -> float:
        """Return the seconds since the run began."""
        return time.monotonic() - self._began

    def note(self, subject: str, event: str) -> None:
        """Write down what happened to a file or a post, by its name; to everything without one."""
        with self._lock:
            self._events.append((self.now(), subject, event))

    def acknowledge(self, what: str, subject: str) -> None:
        """Write down that something was promised."""
        self.note(subject, f"{what}: acknowledged")
        with self._lock:
            self.acknowledged[what] += 1

    def violate(self, *subjects: str, what: str) -> None:
        """Write down that a promise was broken, with what is known of those whom it concerns."""
        lines = [what, *self.history(*subjects)]
        with self._lock:
            self.violations.append("\n".join(lines))

    def history(self, *subjects: str) -> list[str]:
        """Return what happened to these, and what happened to everybody."""
        with self._lock:
            return [
                f"    {when:7.3f}  {subject:<12} {event}"
                for when, subject, event in sorted(self._events)
                if subject in subjects or not subject
            ]
