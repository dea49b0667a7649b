"""`/managed/…`: for a shim that compares its own database with what is here."""

from typing import Final

from media_engine.http.body import read_object
from media_engine.http.envelope import json_response
from media_engine.http.message import Request, Response
from media_engine.http.query import first, whole_number
from media_engine.http.router import Route
from media_engine.inventory.paging import parse_after, parse_limit, parse_prefix, read_cursor
from media_engine.inventory.restoration import parse_lost
from media_engine.inventory.service import InventoryService
from media_engine.settings import Settings
from media_engine.signing.gateway import Identity

MAX_RESTORE_BYTES: Final = 512 * 1024
"""How long the body of a restore may be: a hundred files with long names."""


class InventoryHandlers:
    """What `/managed/…` answers.

    Args:
        service: does the work.
        settings: which prefixes keys have.
    """

    def __init__(self, service: InventoryService, settings: Settings) -> None:
        self._service = service
        self._settings = settings

    def routes(self) -> tuple[Route, ...]:
        return (
            Route("GET", "/managed/files", self.files),
            Route("GET", "/managed/objects", self.objects),
            Route("POST", "/managed/restore", self.restore),
        )

    async def files(self, request: Request, identity: Identity) -> Response:
        query = request.query
        page = await self._service.files(
            identity,
            parse_prefix(first(query, "prefix")),
            parse_after(first(query, "after")),
            parse_limit(whole_number(query, "limit")),
        )
        return json_response(200, page.to_wire())

    async def objects(self, request: Request, identity: Identity) -> Response:
        self._settings.require("KEY_PREFIXES")
        query = request.query
        page = await self._service.objects(
            identity,
            parse_prefix(first(query, "prefix")),
            read_cursor(first(query, "cursor")),
            parse_limit(whole_number(query, "limit")),
        )
        return json_response(200, page.to_wire())

    async def restore(self, request: Request, identity: Identity) -> Response:
        fields = await read_object(request, MAX_RESTORE_BYTES)
        verdicts = await self._service.restore(identity, parse_lost(fields.get("files")))
        return json_response(200, {"files": [verdict.to_wire() for verdict in verdicts]})
