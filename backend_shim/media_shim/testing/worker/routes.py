"""Which noun answers a method and a path."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import httpx

from media_shim.testing.worker import fields, restoration
from media_shim.testing.worker.answers import Refused, not_found
from media_shim.testing.worker.callers import Caller
from media_shim.testing.worker.inventory import Inventory
from media_shim.testing.worker.library import Library
from media_shim.testing.worker.restoration import Restoration
from media_shim.testing.worker.state import Stores
from media_shim.testing.worker.uploads import Uploads

_Answer: TypeAlias = Callable[["_Asked"], httpx.Response]


@dataclass(frozen=True)
class _Asked:
    """A request of a caller: about the file of this id, where its path names one."""

    request: httpx.Request
    caller: Caller
    media_id: str

    @property
    def query(self) -> httpx.QueryParams:
        return self.request.url.params

    @property
    def name(self) -> str | None:
        name: str | None = self.request.headers.get("idempotency-key")
        return name


class Routes:
    """Answers as the Worker does.

    Args:
        stores: what it has.
        problems: what `GET /health` complains of.
    """

    def __init__(self, stores: Stores, problems: list[str]) -> None:
        self._problems = problems
        uploads, library = Uploads(stores), Library(stores)
        inventory, lost = Inventory(stores), Restoration(stores)
        body = fields.json_object
        self._of_file: dict[str, _Answer] = {
            "DELETE": lambda asked: library.delete(asked.caller, asked.media_id, asked.query),
            "PATCH": lambda asked: library.update(
                asked.caller, asked.media_id, body(asked.request)
            ),
        }
        self._literal: dict[str, dict[str, _Answer]] = {
            "/upload/presign": {
                "POST": lambda asked: uploads.presign(asked.caller, body(asked.request), asked.name)
            },
            "/upload/open": {
                "POST": lambda asked: uploads.open(asked.caller, body(asked.request), asked.name)
            },
            "/upload/token": {
                "POST": lambda asked: uploads.token(asked.caller, body(asked.request))
            },
            "/upload/complete": {
                "PATCH": lambda asked: uploads.complete(asked.caller, body(asked.request))
            },
            "/managed/files": {"GET": lambda asked: inventory.files(asked.caller, asked.query)},
            "/managed/objects": {"GET": lambda asked: inventory.objects(asked.caller, asked.query)},
            "/managed/restore": {
                "POST": lambda asked: lost.restore(
                    asked.caller, body(asked.request, restoration.LONGEST_BODY)
                )
            },
        }

    def answer(self, request: httpx.Request) -> httpx.Response:
        """Answer a request.

        Raises:
            Refused: with the answer that is given instead.
        """
        path = request.url.path
        if path == "/health" and request.method == "GET":
            return self._health()
        if path.startswith("/m/") and request.method == "GET":
            raise not_found()
        above, _, media_id = path.rpartition("/")
        methods = self._of_file if above == "/files" and media_id else self._literal.get(path)
        if methods is None:
            raise Refused(404, "NOT_FOUND", "There is nothing here.")
        answer = methods.get(request.method)
        if answer is None:
            allowed = ", ".join(sorted({*methods, *(["HEAD"] if "GET" in methods else [])}))
            message = f"This takes {allowed}."
            raise Refused(405, "METHOD_NOT_ALLOWED", message, {"Allow": allowed})
        return answer(_Asked(request, Caller.of(request.headers), media_id))

    def _health(self) -> httpx.Response:
        status = "degraded" if self._problems else "ok"
        answer = {"status": status, "service": "media", "version": "0", "bindings": {}}
        return httpx.Response(200, json={**answer, "problems": self._problems})
