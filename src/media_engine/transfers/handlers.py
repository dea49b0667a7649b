"""Opening a transfer, and the token that lets a browser fill it. What every way has in common."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from media_engine.errors import InvalidField, TokenKeyMismatch, Unauthorized
from media_engine.http.body import read_object
from media_engine.http.envelope import json_response
from media_engine.http.message import ByteStream, Request, Response
from media_engine.http.router import Route
from media_engine.idempotency.model import HEADER, Claim
from media_engine.ports import Clock, FormBroken
from media_engine.settings import Settings
from media_engine.signing.gateway import Identity
from media_engine.signing.upload_token import LIFE, UploadClaims, mint
from media_engine.transfers.ending import TransferEnder
from media_engine.transfers.finishing import TransferFinisher
from media_engine.transfers.model import Stage, Transfer, Way
from media_engine.transfers.opening import TransferOpener
from media_engine.transfers.receiving import TransferReceiver
from media_engine.transfers.sender import Sender
from media_engine.uploads.model import MEDIA_TYPES, UploadRequest, instant, parse_media_id

MIB: Final = 1024 * 1024

MOST_BODY: Final = 95 * MIB
"""How much one request may bring through the Worker, in bytes: the platform takes 100 MB."""

SETTINGS: Final = (
    "MEDIA_PUBLIC_URL",
    "MEDIA_TOKEN_KEYS",
    "R2_S3_ENDPOINT",
    "R2_BUCKET_NAME",
    "R2_ACCESS_KEY_ID",
    "R2_SECRET_ACCESS_KEY",
    "MAX_IMAGE_BYTES",
    "MAX_VIDEO_BYTES",
    "MAX_DOCUMENT_BYTES",
    "UPLOAD_ORIGINS",
)

Parse = Callable[[Mapping[str, object]], UploadRequest]
"""Reads the fields of an upload, as `POST /upload/presign` does."""


class TransferHandlers:
    """What opens transfers, and the tokens for them.

    Args:
        opener: opens transfers, and finds them.
        receiver: takes their bytes.
        finisher: makes files of them.
        ender: lets go of them.
        settings: whether uploads can be signed, and where the Worker is.
        clock: what time it is.
        parse: reads an upload's fields.
    """

    def __init__(
        self,
        opener: TransferOpener,
        receiver: TransferReceiver,
        finisher: TransferFinisher,
        ender: TransferEnder,
        settings: Settings,
        clock: Clock,
        parse: Parse,
    ) -> None:
        self.opener = opener
        self.receiver = receiver
        self.finisher = finisher
        self.ender = ender
        self.settings = settings
        self.clock = clock
        self.parse = parse

    def routes(self) -> tuple[Route, ...]:
        """Return the routes for an identity that the gateway knows."""
        return (
            Route("POST", "/upload/open", self.open),
            Route("POST", "/upload/token", self.renew),
        )

    def token_routes(self) -> tuple[Route, ...]:
        """Return the routes for whoever holds a token; at the top, an identity has them."""
        return (Route("PATCH", "/upload/complete", self.complete),)

    async def complete(self, request: Request, sender: Sender) -> Response:  # noqa: ARG002
        """Complete the file of a token, which came in one PUT."""
        if sender.claims is None:
            raise Unauthorized("An upload token is missing.")
        transfer = await self.opener.of_file(sender.identity, sender.claims.media_id)
        file = await self.finisher.complete(transfer)
        return json_response(200, file.to_wire())

    async def open(self, request: Request, identity: Identity) -> Response:
        """Open a transfer for a browser."""
        fields = await read_object(request)
        key = request.headers.get(HEADER)
        return json_response(201, await self.open_named(identity, fields, key))

    async def renew(self, request: Request, identity: Identity) -> Response:
        """Mint another token for a transfer that goes on."""
        fields = await read_object(request)
        return json_response(200, await self.renew_id(identity, fields.get("mediaId")))

    async def open_named(
        self, identity: Identity, fields: Mapping[str, object], key: object = None
    ) -> dict[str, object]:
        """Open a transfer: the fields of a presign, or `maxFileSize` instead of `fileSize`.

        For the same key the same one again, with the same token as long as that lives.
        """
        self.settings.require(*SETTINGS)
        exact = fields.get("fileSize") is not None or fields.get("maxFileSize") is None
        claim = Claim.parse(identity, "open", key, fields)
        transfer = await self.open_fields(identity, Way.MULTIPART, fields, exact=exact, claim=claim)
        is_young = transfer.created_at + LIFE * 1000 > self.clock.now()
        return self.opened(transfer, transfer.created_at if is_young else self.clock.now())

    async def renew_id(self, identity: Identity, media_id: object) -> dict[str, object]:
        """Mint another token for the transfer of this file, which goes on."""
        self.settings.require(*SETTINGS)
        transfer = await self.opener.of_file(identity, parse_media_id(media_id))
        now = self.clock.now()
        transfer.require_alive(now)
        return self.opened(transfer, now)

    async def open_fields(
        self,
        identity: Identity,
        way: Way,
        fields: Mapping[str, object],
        *,
        exact: bool,
        note: str | None = None,
        claim: Claim | None = None,
    ) -> Transfer:
        """Open a transfer with the fields of a presign.

        Args:
            identity: who uploads.
            way: in which way the file comes.
            fields: as `POST /upload/presign` has them; `maxFileSize` where the size is not known.
            exact: whether `fileSize` is there, and exact.
            note: what the client wants to be told again.
            claim: the request's own name.
        """
        size = fields.get("fileSize" if exact else "maxFileSize")
        upload = self.parse({**fields, "fileSize": size})
        return await self.opener.open(identity, way, upload, exact=exact, note=note, claim=claim)

    def opened(
        self, transfer: Transfer, now: int, claims: UploadClaims | None = None
    ) -> dict[str, object]:
        """Return a transfer as whoever opened it sees it, with a token for it.

        Args:
            transfer: the transfer.
            now: since when the token lives, in milliseconds.
            claims: what the token says with which it was opened; None where it was an identity.
        """
        token, exp = self.token(transfer, now, claims)
        return {
            "mediaId": transfer.media_id,
            "key": transfer.key,
            "uploadId": transfer.id,
            "status": "uploaded" if transfer.stage is Stage.DONE else "pending_upload",
            "uploadToken": token,
            "uploadUrl": f"{self.settings.public_url}/u/{token}",
            "tokenExpiresAt": instant(exp * 1000),
            "expiresAt": instant(transfer.expires_at),
        }

    def token(self, transfer: Transfer, now: int, claims: UploadClaims | None) -> tuple[str, int]:
        """Mint a token for a transfer; return it, and the second in which it dies.

        One that a token is answered with dies with that: otherwise whoever has one could renew it
        alone, and the application would not be asked again.

        Args:
            transfer: the transfer.
            now: since when it lives, in milliseconds.
            claims: what the token says that is answered; None where it is an identity.
        """
        now //= 1000
        exp = min(now + LIFE, transfer.expires_at // 1000)
        if claims is not None:
            exp = min(exp, claims.exp)
        said = UploadClaims(
            media_id=transfer.media_id,
            scope=transfer.scope,
            content_type=transfer.content_type,
            length=transfer.length,
            most=None if transfer.length is not None else transfer.most,
            exp=exp,
            iat=now,
        )
        return mint(said, self.settings.token_keys), exp

    def most(self, content_type: str | None) -> int:
        """Return how large a file of this type may be, in bytes; of a type that is none, 1."""
        kind = MEDIA_TYPES.get(content_type or "")
        return 1 if kind is None else self.settings.max_bytes[kind.kind]

    async def of_token(self, sender: Sender, way: Way, note: str | None = None) -> Transfer:
        """Return the transfer that a sender's token is for, which then comes in this way.

        Raises:
            Unauthorized: there is no token.
        """
        if sender.claims is None:
            raise Unauthorized("An upload token is missing.")
        transfer = await self.opener.of_file(sender.identity, sender.claims.media_id)
        return await self.opener.choose_way(transfer, way, note)


@contextmanager
def whole_form() -> Iterator[None]:
    """Refuse a form that breaks off or is none.

    Raises:
        InvalidField: it did.
    """
    try:
        yield
    except FormBroken as broken:
        refusal = InvalidField("body", "is not a whole form")
        refusal.reason = str(broken)
        raise refusal from broken


def require_type(sender: Sender, content_type: object) -> None:
    """Refuse a file of another type than the token says.

    Raises:
        InvalidField: the types differ.
    """
    if sender.claims is not None and content_type not in (None, "", sender.claims.content_type):
        raise InvalidField("type", f"must be {sender.claims.content_type}, as the token says")


def require_no_token(sender: Sender) -> Identity:
    """Return who is sending, where a token is not enough.

    Raises:
        TokenKeyMismatch: a token is for one upload, and this is not about one.
    """
    if sender.claims is not None:
        raise TokenKeyMismatch("a token opens one upload")
    return sender.identity


def announced(request: Request) -> int | None:
    """Return how long the body is, as the request says; None where it does not.

    Raises:
        InvalidField: it says what is no length.
    """
    text = request.headers.get("content-length")
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 16):
        raise InvalidField("content-length", "must be a number of bytes")
    return int(text)


def body_of(request: Request) -> ByteStream:
    """Return the body as a stream.

    Raises:
        InvalidField: there is none.
    """
    body = request.body()
    if body is None:
        raise InvalidField("body", "is empty")
    return body
