"""The upload routes, and the quota. Presign, complete and ingest are offered over RPC, too."""

from collections.abc import Mapping
from typing import Final

from media_engine.http.body import read_object
from media_engine.http.envelope import json_response
from media_engine.http.message import Request, Response
from media_engine.http.router import Route
from media_engine.idempotency.model import HEADER, Claim
from media_engine.settings import Settings
from media_engine.signing.gateway import Identity
from media_engine.uploads.ingest import IngestRequest, IngestService
from media_engine.uploads.model import UploadRequest, parse_media_id
from media_engine.uploads.quota import OwnQuota
from media_engine.uploads.service import UploadService

PRESIGN_SETTINGS: Final = (
    "R2_S3_ENDPOINT",
    "R2_BUCKET_NAME",
    "R2_ACCESS_KEY_ID",
    "R2_SECRET_ACCESS_KEY",
    "MAX_IMAGE_BYTES",
    "MAX_VIDEO_BYTES",
    "MAX_DOCUMENT_BYTES",
    "UPLOAD_PROFILE",
    "TENANT_QUOTA_BYTES",
    "TENANT_QUOTA_FILES",
    "USER_QUOTA_BYTES",
    "USER_QUOTA_FILES",
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
            Route("PUT", "/tenants/{tenant_id}/quota", self.set_quota),
        )

    async def presign(self, request: Request, identity: Identity) -> Response:
        fields = await read_object(request)
        key = request.headers.get(HEADER)
        return json_response(201, await self.presign_fields(identity, fields, key))

    async def complete(self, request: Request, identity: Identity) -> Response:
        fields = await read_object(request)
        return json_response(200, await self.complete_id(identity, fields.get("mediaId")))

    async def ingest(self, request: Request, identity: Identity) -> Response:
        fields = await read_object(request)
        key = request.headers.get(HEADER)
        return json_response(201, await self.ingest_fields(identity, fields, key))

    async def set_quota(self, request: Request, identity: Identity, tenant_id: str) -> Response:
        quota = OwnQuota.parse(await read_object(request))
        account = await self._service.set_quota(identity, tenant_id, quota)
        return json_response(200, account.to_wire())

    async def presign_fields(
        self, identity: Identity, fields: Mapping[str, object], key: object = None
    ) -> dict[str, object]:
        """Sign an upload of these fields; the same one again for the same key."""
        self._settings.require(*PRESIGN_SETTINGS)
        upload = UploadRequest.parse(fields, self._settings.max_bytes)
        claim = Claim.parse(identity, "presign", key, fields)
        return (await self._service.presign(identity, upload, claim)).to_wire()

    async def ingest_fields(
        self, identity: Identity, fields: Mapping[str, object], key: object = None
    ) -> dict[str, object]:
        """Fetch a file of these fields; for the same key, once."""
        self._settings.require(*INGEST_SETTINGS)
        wanted = IngestRequest.read(fields, self._settings.max_bytes)
        claim = Claim.parse(identity, "ingest-url", key, fields)
        return (await self._ingest.ingest(identity, wanted, claim)).to_wire()

    async def complete_id(self, identity: Identity, media_id: object) -> dict[str, object]:
        """Complete the upload of this id."""
        file = await self._service.complete(identity, parse_media_id(media_id))
        return {**file.to_wire(), **file.duplicate_to_wire()}
