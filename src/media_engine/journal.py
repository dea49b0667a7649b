"""What the log is told: one structured line for each call, each refusal, each crash.

A line has ids and codes. It has no query, no header and no body, because those carry secrets; of a
path it has no token, and next to nothing where it leads to no route and no key, because it may hold
a secret that was meant for somebody. A file that is delivered makes no line: the platform counts
those. A token that was really signed and is refused has `jti` and `sub` in its line: an id that
opens nothing, and an HMAC of the viewer's.
"""

import traceback
from collections.abc import Callable, Mapping
from typing import TypeAlias

from media_engine.errors import MediaError, NoSuchKey, RouteNotFound
from media_engine.ports import QueueUnavailable
from media_engine.purging.service import Report
from media_engine.signing.gateway import Identity

WriteLine: TypeAlias = Callable[[Mapping[str, object]], None]

LONGEST_UNROUTED = 16
"""How much of a path that nobody has routed is told, in characters."""


class Journal:
    """Tells the log what happened.

    Args:
        write_line: takes one event.
    """

    def __init__(self, write_line: WriteLine) -> None:
        self._write_line = write_line

    def called(
        self, event: str, request_id: str, identity: Identity, status: int, duration: int
    ) -> None:
        """Tell of a call that did what it was asked.

        Args:
            event: which call, such as `media.upload.presign`.
            request_id: names the request.
            identity: who called.
            status: what was answered.
            duration: how long it took, in milliseconds.
        """
        self._write_line(
            {
                "level": "info",
                "event": event,
                "requestId": request_id,
                "tenantId": identity.tenant_id,
                "userId": identity.user_id,
                "status": status,
                "durationMs": duration,
            }
        )

    def refused(self, error: MediaError, request_id: str, method: str, path: str) -> None:
        """Tell of a request that was answered with an error."""
        self._write_line(
            {
                "level": "error" if error.status >= 500 else "info",
                "event": "media.refused",
                "requestId": request_id,
                "method": method,
                "path": _path(error, path),
                "status": error.status,
                "code": error.code,
                "reason": error.reason,
                **error.context,
            }
        )

    def crashed(self, error: Exception, request_id: str, method: str, path: str) -> None:
        """Tell of what nobody foresaw, with its traceback."""
        self._write_line(
            {
                "level": "error",
                "event": "media.crashed",
                "requestId": request_id,
                "method": method,
                "path": _tokenless(path),
                "error": "".join(traceback.format_exception(error)),
            }
        )

    def cleaned(self, counts: Mapping[str, int]) -> None:
        """Tell of a run of housekeeping."""
        self._write_line({"level": "info", "event": "media.housekeeping.run", **counts})

    def not_queued(self, error: QueueUnavailable) -> None:
        """Tell that a message could not be left. The cron leaves it again."""
        self._write_line(
            {"level": "error", "event": "media.queue.unavailable", "reason": error.reason}
        )

    def purged(self, report: Report) -> None:
        """Tell what became of a batch of purges; each kind of outcome is a line of its own."""
        if report.purged:
            self._write_line(
                {
                    "level": "info",
                    "event": "media.purge",
                    "tags": report.purged,
                    "calls": report.calls,
                }
            )
        if report.refusal is not None:
            self._write_line(
                {
                    "level": "error",
                    "event": "media.purge.refused",
                    "status": report.refusal.status,
                    "codes": report.refusal.codes,
                    "reason": report.refusal.reason,
                    "advice": report.refusal.advice,
                    "retried": report.retried,
                }
            )
        if report.unreadable:
            self._write_line(
                {
                    "level": "error",
                    "event": "media.queue.unreadable",
                    "messages": report.unreadable,
                }
            )


def _path(error: MediaError, path: str) -> str:
    nobodys = isinstance(error, RouteNotFound | NoSuchKey)
    return _beginning(path) if nobodys else _tokenless(path)


def _tokenless(path: str) -> str:
    """Return a path without the token that a `/view/<token>/…` or `/u/<token>/…` has."""
    for prefix in ("/view/", "/u/"):
        if path.startswith(prefix):
            return f"{prefix}…/" + path.removeprefix(prefix).partition("/")[2]
    return path


def _beginning(path: str) -> str:
    return "/" + path[1:].partition("/")[0][:LONGEST_UNROUTED]
