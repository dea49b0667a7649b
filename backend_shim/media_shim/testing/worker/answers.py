"""Refusals in the Worker's envelope, and instants as it writes them."""

from datetime import datetime
from typing import Any

import httpx


class Refused(Exception):
    """Carries the answer that is given instead."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        headers: dict[str, str] | None = None,
        **details: Any,
    ) -> None:
        super().__init__(message)
        self.answer = refusal(status, code, message, headers, **details)


class Invalid(Refused):
    """A field cannot be used.

    Args:
        field: its name.
        why: completes a sentence that the name begins.
        code: what is wrong with it.
    """

    def __init__(self, field: str, why: str, code: str = "INVALID_FIELD") -> None:
        super().__init__(400, code, f"{field} {why}.", field=field)
        self.field, self.why, self.code = field, why, code


class Missing(Refused):
    """Fields are missing."""

    def __init__(self, *names: str) -> None:
        sentence = f"Missing: {', '.join(names)}."
        super().__init__(400, "MISSING_FIELDS", sentence, fields=list(names))
        self.names = names


def not_found() -> Refused:
    return Refused(404, "MEDIA_NOT_FOUND", "There is no such file.")


def gone() -> Refused:
    return Refused(410, "MEDIA_GONE", "This file was deleted.")


def refusal(
    status: int, code: str, message: str, headers: dict[str, str] | None = None, **details: Any
) -> httpx.Response:
    """Return the Worker's error envelope."""
    envelope = {"error": message, "code": code, "status": status, "requestId": "w0rker", **details}
    return httpx.Response(status, json=envelope, headers=headers)


def instant(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
