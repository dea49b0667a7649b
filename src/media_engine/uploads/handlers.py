"""The upload routes. The same two calls are offered over RPC, without HTTP around them."""

from collections.abc import Mapping
from typing import Final

from media_engine.http.body import read_object
from media_engine.http.envelope import json_response
from media_engine.http.message import Request, Response
from media_engine.http.router import Route
from media_engine.settings import Settings
from media_engine.signing.gateway import Identity
from media_engine.uploads.ingest import IngestRequest, IngestService
from media_engine.uploads.model import UploadRequest, parse_media_id
from media_engine.uploads.service import UploadService

PRESIGN_SETTINGS: Final = (
    "R2_S3_ENDPOINT",
    "R2_BUCKET_NAME",
    "R2_ACCESS_KEY_ID",
    "R2_SECRET_ACCESS_KEY",
    "MAX_IMAGE_BYTES",
    "MAX_VIDEO_BYTES",
    "MAX_DOCUMENT_BYTES",
)

INGEST_SETTINGS: Final = (
    "MEDIA_PUBLIC_URL",
    "INGEST_RESOLVER_URL",
    "INGEST_TIMEOUT",
    "INGEST_PORTS",
    "INGEST_DENIED_HOSTS",
    "INGEST_DEVELOPMENT_HOSTS",
    "MAX_IMAGE_BYTES",
    "MAX_VIDEO_BYTES",
    "MAX_DOCUMENT_BYTES",
)


class UploadHandlers:
    """What `/upload/…` answers.

    Args:
        service: does the work.
        ingest: does it for what comes from a URL.
        settings: limits, and whether uploads can be signed at all.
    """

    def __init__(self, service: UploadService, ingest: IngestService, settings: Settings) -> None:
        self._service = service
        self._ingest = ingest
        self._settings = settings

    def routes(self) -> tuple[Route, ...]:
        return (
            Route("POST", "/upload/presign", self.presign),
            Route("PATCH", "/upload/complete", self.complete),
            Route("POST", "/upload/ingest-url", self.ingest),
        )

    async def presign(self, request: Request, identity: Identity) -> Response:
        fields = await read_object(request)
        return json_response(201, await self.presign_fields(identity, fields))

    async def complete(self, request: Request, identity: Identity) -> Response:
        fields = await read_object(request)
        return json_response(200, await self.complete_id(identity, fields.get("mediaId")))

    async def ingest(self, request: Request, identity: Identity) -> Response:
        fields = await read_object(request)
        self._settings.require(*INGEST_SETTINGS)
        wanted = IngestRequest.read(fields, self._settings.max_bytes)
        file = await self._ingest.ingest(identity, wanted)
        return json_response(201, file.to_wire())

    async def presign_fields(
        self, identity: Identity, fields: Mapping[str, object]
    ) -> dict[str, object]:
        """Sign an upload of these fields."""
        self._settings.require(*PRESIGN_SETTINGS)
        upload = UploadRequest.parse(fields, self._settings.max_bytes)
        return (await self._service.presign(identity, upload)).to_wire()

    async def complete_id(self, identity: Identity, media_id: object) -> dict[str, object]:
        """Complete the upload of this id."""
        return (await self._service.complete(identity, parse_media_id(media_id))).to_wire()
