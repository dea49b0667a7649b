"""What a scope may have, and what it has."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from media_engine.errors import InvalidField, MissingFields

UNLIMITED: Final = 2**50
"""So many bytes, or files, as nobody has: where there is no limit, this is it."""


@dataclass(frozen=True, slots=True)
class Quota:
    """So much, of both at once: what a scope may have.

    Attributes:
        bytes: how many bytes all files have together.
        files: how many files there are.
    """

    bytes: int = UNLIMITED
    files: int = UNLIMITED

    @classmethod
    def of(cls, bytes_: int | None, files: int | None) -> "Quota":
        """Make a quota of two numbers; None is no limit."""
        return cls(
            UNLIMITED if bytes_ is None else min(bytes_, UNLIMITED),
            UNLIMITED if files is None else min(files, UNLIMITED),
        )


NO_LIMIT: Final = Quota()


@dataclass(frozen=True, slots=True)
class OwnQuota:
    """What was said of one scope. None leaves it to the settings.

    Attributes:
        bytes: as in `Quota`.
        files: likewise.
    """

    bytes: int | None
    files: int | None

    @classmethod
    def parse(cls, fields: Mapping[str, object]) -> "OwnQuota":
        """Read the fields of `PUT /tenants/{id}/quota`.

        Raises:
            MissingFields: naming all that are missing: a quota is set as a whole.
            InvalidField: naming the first that is wrong.
        """
        missing = [name for name in ("bytes", "files") if name not in fields]
        if missing:
            raise MissingFields(missing)
        return cls(_amount("bytes", fields["bytes"]), _amount("files", fields["files"]))


@dataclass(frozen=True, slots=True)
class Account:
    """A scope's quota, and what counts toward it: what is there and what is reserved.

    Attributes:
        may: what the scope may have.
        bytes_used: how many bytes count.
        files_used: how many files count.
    """

    may: Quota
    bytes_used: int
    files_used: int

    @property
    def left(self) -> Quota:
        """What still fits. Nothing does where the quota was made smaller than what is there."""
        return Quota(
            max(self.may.bytes - self.bytes_used, 0), max(self.may.files - self.files_used, 0)
        )

    def to_wire(self) -> dict[str, object]:
        """Return the account as the API shows it; a limit that there is not is null."""
        return {
            "bytes": _limit(self.may.bytes),
            "files": _limit(self.may.files),
            "bytesUsed": self.bytes_used,
            "filesUsed": self.files_used,
        }


def _amount(field: str, value: object) -> int | None:
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool):
        raise InvalidField(field, "must be a whole number or null")
    if not 0 <= value <= UNLIMITED:
        raise InvalidField(field, f"must be 0 to {UNLIMITED}")
    return value


def _limit(value: int) -> int | None:
    return None if value == UNLIMITED else value
