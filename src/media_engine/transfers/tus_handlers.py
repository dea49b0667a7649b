"""tus 1.0 under `/files/tus`: a stream that can be cut off anywhere, and goes on where it was.

Requests may bring any number of bytes. What fills a part becomes one at once; what is left at the
end of a request is kept aside, and comes in front of the next. So however a client cuts its file,
the store's parts are of one size, and a byte is in no memory for longer than its part takes.

A client that leaves in the middle of a request has sent what it has sent: it asks how much that was
(HEAD), and goes on behind it. But for a request with a checksum, of which all counts or nothing.
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Final

from media_engine.errors import (
    FileTooLarge,
    InvalidField,
    MediaError,
    MediaNotFound,
    MissingFields,
    UnsupportedBody,
    UnsupportedProtocol,
    UploadIncomplete,
)
from media_engine.http.message import ByteStream, Request, Response
from media_engine.http.router import Handler, Route
from media_engine.ports import ObjectStore, Streams
from media_engine.transfers.handlers import (
    SETTINGS,
    TransferHandlers,
    announced,
    body_of,
    require_type,
)
from media_engine.transfers.model import Stage, Transfer, Way
from media_engine.transfers.receiving import Checksum
from media_engine.transfers.sender import Sender
from media_engine.transfers.tus import (
    ALGORITHMS,
    BODY_TYPE,
    EXTENSIONS,
    VERSION,
    parse_checksum,
    parse_concat,
    parse_metadata,
    upload_length,
    whole_number,
)
from media_engine.uploads.model import media_type

SERVICE: Final = "media"
"""Which part of the application a file is for, where its metadata do not say."""

OVERRIDES: Final = ("PATCH", "DELETE", "HEAD")


class TusHandlers:
    """What `/files/tus` answers.

    Args:
        common: what every way has in common.
        store: has the pieces that are joined.
        streams: makes one stream of them.
    """

    def __init__(self, common: TransferHandlers, store: ObjectStore, streams: Streams) -> None:
        self._common = common
        self._opener = common.opener
        self._receiver = common.receiver
        self._finisher = common.finisher
        self._ender = common.ender
        self._store = store
        self._streams = streams

    def routes(self) -> tuple[Route, ...]:
        return (
            Route("POST", "/files/tus", _spoken(self.create)),
            Route("HEAD", "/files/tus/{upload_id}", _spoken(self.head)),
            Route("PATCH", "/files/tus/{upload_id}", _spoken(self.patch)),
            Route("DELETE", "/files/tus/{upload_id}", _spoken(self.terminate)),
            Route("POST", "/files/tus/{upload_id}", _spoken(self.override)),
        )

    def describe(self) -> dict[str, str]:
        """Return what OPTIONS says of this server."""
        return {
            "Tus-Resumable": VERSION,
            "Tus-Version": VERSION,
            "Tus-Extension": EXTENSIONS,
            "Tus-Checksum-Algorithm": ",".join(ALGORITHMS),
            "Tus-Max-Size": str(max(self._common.settings.max_bytes.values())),
        }

    async def create(self, request: Request, sender: Sender) -> Response:
        """Creation, with an upload or without one, of a whole, a piece, or a final upload."""
        self._common.settings.require(*SETTINGS)
        get = request.headers.get
        concat = get("upload-concat")
        if concat is not None and concat != "partial":
            return await self._concatenate(request, sender, concat)
        length = upload_length(get("upload-length"), get("upload-defer-length"))
        metadata = get("upload-metadata")
        if concat is None:
            transfer = await self._whole(sender, length, metadata)
        else:
            most = max(self._common.settings.max_bytes.values())
            whole = None if sender.claims is None else await self._common.of_token(sender, Way.TUS)
            transfer = await self._opener.open_partial(
                sender.identity, whole, length, most, metadata
            )
        if media_type(get("content-type") or "") == BODY_TYPE:
            transfer = await self._append(request, transfer, 0)
        elif transfer.length == 0:
            transfer = await self._receiver.stream(transfer, 0, [])
        return self._created(request, transfer)

    async def _whole(self, sender: Sender, length: int | None, metadata: str | None) -> Transfer:
        """Return the transfer of the token, or open one for an identity."""
        values = parse_metadata(metadata)
        if sender.claims is not None:
            require_type(sender, values.get("filetype"))
            transfer = await self._common.of_token(sender, Way.TUS, metadata)
            if length is not None:
                transfer = await self._opener.set_length(transfer, length)
            return transfer
        fields = {
            "service": SERVICE,
            **{k: v for k, v in values.items() if k in ("service", "album", "visibility")},
            "fileName": values.get("filename"),
            "contentType": values.get("filetype"),
            "fileSize": length,
        }
        if length is None:
            fields["maxFileSize"] = self._common.most(values.get("filetype"))
        return await self._common.open_fields(
            sender.identity, Way.TUS, fields, exact=length is not None, note=metadata
        )

    async def _concatenate(self, request: Request, sender: Sender, concat: str) -> Response:
        """Make one upload of several, which are let go of afterwards."""
        pieces = [await self._find(sender, piece) for piece in parse_concat(concat).pieces or ()]
        for piece in pieces:
            if not piece.is_partial or piece.stage is not Stage.DONE:
                raise UploadIncomplete("A piece is not whole yet, or is no piece.")
        if request.headers.get("upload-length") is not None:
            raise InvalidField("Upload-Length", "must not be beside a final Upload-Concat")
        length = sum(piece.length or 0 for piece in pieces)
        transfer = await self._whole(sender, length, request.headers.get("upload-metadata"))
        if transfer.received:
            transfer = await self._receiver.restart(transfer)
        # A piece without bytes is no object.
        opened = [self._opened(piece) for piece in pieces if piece.length]
        joined = self._streams.concatenate(opened, length)
        transfer = await self._receiver.stream(transfer, 0, [joined])
        if transfer.stage is not Stage.DONE:
            raise UploadIncomplete("A piece could not be read. Try again.")
        for piece in pieces:
            await self._ender.let_go_of_piece(piece)
        return self._created(request, transfer)

    def _opened(self, piece: Transfer) -> Callable[[], Awaitable[ByteStream]]:
        async def opened() -> ByteStream:
            found = await self._store.get(piece.key)
            if found is None or found.body is None:
                raise MediaNotFound
            return found.body

        return opened

    async def head(self, request: Request, sender: Sender, upload_id: str) -> Response:  # noqa: ARG002
        """Say how much is there. What is whole and was not finished is finished first."""
        transfer = await self._finisher.settle(await self._find(sender, upload_id))
        headers = {
            **_state(transfer),
            "Cache-Control": "no-store",
        }
        if transfer.length is None:
            headers["Upload-Defer-Length"] = "1"
        else:
            headers["Upload-Length"] = str(transfer.length)
        if transfer.note is not None:
            headers["Upload-Metadata"] = transfer.note
        if transfer.is_partial:
            headers["Upload-Concat"] = "partial"
        return Response(200, headers)

    async def patch(self, request: Request, sender: Sender, upload_id: str) -> Response:
        """Take bytes that follow those that are there."""
        get = request.headers.get
        if media_type(get("content-type") or "") != BODY_TYPE:
            raise UnsupportedBody(f"The body must be {BODY_TYPE}.")
        offset = get("upload-offset")
        if offset is None:
            raise MissingFields(["Upload-Offset"])
        transfer = await self._find(sender, upload_id)
        if transfer.way is not Way.TUS:
            raise MediaNotFound
        length = get("upload-length")
        if length is not None:
            transfer = await self._opener.set_length(
                transfer, whole_number("Upload-Length", length)
            )
        transfer = await self._append(request, transfer, whole_number("Upload-Offset", offset))
        return Response(204, _state(transfer))

    async def _append(self, request: Request, transfer: Transfer, offset: int) -> Transfer:
        size = announced(request)
        if size is not None and offset == transfer.received and offset + size > transfer.limit:
            raise FileTooLarge("body", f"must have at most {transfer.limit} bytes in all")
        given = request.headers.get("upload-checksum")
        checksum = None if given is None else Checksum(*parse_checksum(given))
        body = request.body()
        bodies = [] if body is None else [body_of(request)]
        if checksum is not None and not bodies:
            raise InvalidField("body", "is empty, and has a checksum")
        return await self._receiver.stream(transfer, offset, bodies, checksum)

    async def terminate(self, request: Request, sender: Sender, upload_id: str) -> Response:  # noqa: ARG002
        await self._ender.give_up(await self._find(sender, upload_id))
        return Response(204)

    async def override(self, request: Request, sender: Sender, upload_id: str) -> Response:
        """Do what `X-HTTP-Method-Override` says, for clients that can only POST."""
        method = request.headers.get("x-http-method-override")
        if method not in OVERRIDES:
            raise InvalidField("X-HTTP-Method-Override", f"must be one of {', '.join(OVERRIDES)}")
        handler = {"PATCH": self.patch, "DELETE": self.terminate, "HEAD": self.head}[method]
        return await handler(request, sender, upload_id)

    async def _find(self, sender: Sender, upload_id: str) -> Transfer:
        transfer = await self._opener.find(sender, upload_id)
        if transfer.way is not Way.TUS:
            raise MediaNotFound
        transfer.require_alive(self._common.clock.now())
        return transfer

    def _created(self, request: Request, transfer: Transfer) -> Response:
        # A token in the path stays there: a client that can send no header goes on with it.
        path = request.path.rstrip("/")
        location = f"{self._common.settings.public_url}{path}/{transfer.id}"
        media = {} if transfer.is_partial else {"X-Media-Id": transfer.media_id}
        return Response(201, {"Location": location, **media, **_state(transfer)})


def _state(transfer: Transfer) -> dict[str, str]:
    expires = datetime.fromtimestamp(transfer.expires_at // 1000, UTC)
    return {
        "Upload-Offset": str(transfer.received),
        "Upload-Expires": f"{expires:%a, %d %b %Y %H:%M:%S} GMT",
    }


def _spoken(handler: Handler) -> Handler:
    """Ask for the protocol's version, and say it in every answer, an error's too."""

    async def handle(request: Request, sender: Sender, **params: str) -> Response:
        try:
            if request.headers.get("tus-resumable") != VERSION:
                raise UnsupportedProtocol(VERSION)
            response = await handler(request, sender, **params)
        except MediaError as error:
            error.headers["Tus-Resumable"] = VERSION
            raise
        response.headers["Tus-Resumable"] = VERSION
        response.headers.setdefault("Cache-Control", "no-store")
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    return handle
