"""`resolve`: offered to a service binding alone, over RPC and at `/internal/resolve`."""

from typing import Final

from media_engine.errors import InvalidField, MissingFields
from media_engine.http.body import read_object
from media_engine.http.envelope import json_response
from media_engine.http.message import Request, Response
from media_engine.http.router import Route
from media_engine.library.service import LibraryService
from media_engine.signing.gateway import Identity
from media_engine.uploads.model import parse_media_id

MAX_IDS: Final = 1000


class LibraryHandlers:
    """What `resolve` answers.

    Args:
        service: does the work.
    """

    def __init__(self, service: LibraryService) -> None:
        self._service = service

    def internal_routes(self) -> tuple[Route, ...]:
        return (Route("POST", "/internal/resolve", self.resolve),)

    async def resolve(self, request: Request, identity: Identity) -> Response:
        fields = await read_object(request)
        return json_response(200, await self.resolve_ids(identity, fields.get("ids")))

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
