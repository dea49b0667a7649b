"""`GET /housekeeping`: what the next run of the cron would do."""

from media_engine.housekeeping.service import HousekeepingService
from media_engine.http.envelope import json_response
from media_engine.http.message import Request, Response
from media_engine.http.router import Route
from media_engine.signing.gateway import Identity


class HousekeepingHandlers:
    """What `/housekeeping` answers.

    Args:
        service: does the work.
    """

    def __init__(self, service: HousekeepingService) -> None:
        self._service = service

    def routes(self) -> tuple[Route, ...]:
        return (Route("GET", "/housekeeping", self.forecast),)

    async def forecast(self, request: Request, identity: Identity) -> Response:  # noqa: ARG002
        return json_response(200, (await self._service.forecast(identity)).to_wire())
