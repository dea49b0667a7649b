"""`/api/v1/media/access-token`: one token for many files."""

from media_engine.http.body import read_object
from media_engine.http.envelope import json_response
from media_engine.http.message import Request, Response
from media_engine.http.router import Route
from media_engine.idempotency.model import HEADER, Claim
from media_engine.sharing.model import AccessRequest, parse_token_id
from media_engine.sharing.service import SharingService
from media_engine.signing.gateway import Identity


class SharingHandlers:
    """What `/api/v1/media/access-token` answers.

    Args:
        service: does the work.
    """

    def __init__(self, service: SharingService) -> None:
        self._service = service

    def routes(self) -> tuple[Route, ...]:
        return (
            Route("POST", "/api/v1/media/access-token", self.grant),
            Route("DELETE", "/api/v1/media/access-token/{token_id}", self.revoke),
        )

    async def grant(self, request: Request, identity: Identity) -> Response:
        fields = await read_object(request)
        wanted = AccessRequest.parse(fields)
        claim = Claim.parse(identity, "access-token", request.headers.get(HEADER), fields)
        return json_response(201, (await self._service.grant(identity, wanted, claim)).to_wire())

    async def revoke(self, request: Request, identity: Identity, token_id: str) -> Response:  # noqa: ARG002
        await self._service.revoke(identity, parse_token_id(token_id))
        return Response(204, {"Cache-Control": "no-store"})
