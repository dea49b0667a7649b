"""`/files/…`, and over RPC `delete` and `update`; and `resolve`, for a service binding alone."""

from collections.abc import Mapping
from typing import Final

from media_engine.errors import InvalidField, MissingFields
from media_engine.http.body import read_object
from media_engine.http.envelope import json_response
from media_engine.http.message import Request, Response
from media_engine.http.query import whole_number
from media_engine.http.router import Route
from media_engine.library.removal import RemovalService
from media_engine.library.service import LibraryService
from media_engine.signing.gateway import Identity
from media_engine.uploads.model import parse_media_id, parse_revision, parse_visibility

MAX_IDS: Final = 1000


class LibraryHandlers:
    """What `/files/…` and `resolve` answer.

    Args:
        service: looks files up.
        removal: deletes files, and changes who sees them.
    """

    def __init__(self, service: LibraryService, removal: RemovalService) -> None:
        self._service = service
        self._removal = removal

    def routes(self) -> tuple[Route, ...]:
        return (
            Route("DELETE", "/files/{media_id}", self.delete),
            Route("PATCH", "/files/{media_id}", self.update),
        )

    def internal_routes(self) -> tuple[Route, ...]:
        return (Route("POST", "/internal/resolve", self.resolve),)

    async def resolve(self, request: Request, identity: Identity) -> Response:
        fields = await read_object(request)
        return json_response(200, await self.resolve_ids(identity, fields.get("ids")))

    async def delete(self, request: Request, identity: Identity, media_id: str) -> Response:
        # Not in the body: on its way, a DELETE may lose it.
        revision = whole_number(request.query, "revision")
        return json_response(200, await self.delete_id(identity, media_id, revision))

    async def update(self, request: Request, identity: Identity, media_id: str) -> Response:
        fields = await read_object(request)
        return json_response(200, await self.update_id(identity, media_id, fields))

    async def delete_id(
        self, identity: Identity, media_id: object, revision: object = None
    ) -> dict[str, object]:
        """Delete the file of this id. What is returned does not say how far that has come."""
        name = parse_media_id(media_id)
        await self._removal.delete(identity, name, parse_revision(revision))
        return {"mediaId": name, "deleted": True}

    async def update_id(
        self, identity: Identity, media_id: object, fields: Mapping[str, object]
    ) -> dict[str, object]:
        """Change the file of this id; return it."""
        name = parse_media_id(media_id)
        if fields.get("visibility") is None:
            raise MissingFields(["visibility"])
        visibility = parse_visibility(fields["visibility"])
        revision = parse_revision(fields.get("revision"))
        return (await self._removal.show_to(identity, name, visibility, revision)).to_wire()

    async def resolve_ids(self, identity: Identity, ids: object) -> dict[str, object]:
        """Return `{"files": {id: the file with its url, or null}}`."""
        if ids is None:
            raise MissingFields(["ids"])
        if not isinstance(ids, list) or not 0 < len(ids) <= MAX_IDS:
            raise InvalidField("ids", f"must be a list of 1 to {MAX_IDS} ids")
        return {"files": await self._service.resolve(identity, [_id(one) for one in ids])}


def _id(value: object) -> str:
    try:
        return parse_media_id(value)
    except (InvalidField, MissingFields):
        raise InvalidField("ids", "must hold nothing but ids of files") from None
