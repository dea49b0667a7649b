"""The chunked upload API: a file in chunks of one size, through the Worker, in any order.

Its fields have the names of the API that its clients were written for. A chunk is a field of a form
behind the fields that say which it is, or the whole body where the query says that; either way it
goes to the store as it comes, and its length is known before.
"""

from collections.abc import Awaitable, Callable, Mapping

from media_engine.errors import InvalidField, MediaNotFound, MissingFields
from media_engine.http.body import read_object
from media_engine.http.envelope import json_response
from media_engine.http.form import boundary_of, parse_head
from media_engine.http.message import Request, Response
from media_engine.http.query import first
from media_engine.http.router import Route
from media_engine.ports import Form, Streams
from media_engine.signing.gateway import OWNER, Identity
from media_engine.transfers.chunked_fields import (
    MOST_VALUE,
    media_fields,
    presign_fields,
    their_names,
)
from media_engine.transfers.handlers import (
    MOST_BODY,
    SETTINGS,
    TransferHandlers,
    announced,
    body_of,
    require_no_token,
    require_type,
    whole_form,
)
from media_engine.transfers.model import SMALLEST_PART, Progress, Stage, Transfer, Way
from media_engine.transfers.sender import Sender
from media_engine.transfers.whole_handlers import MOST_IMAGES
from media_engine.uploads.model import MEDIA_TYPES, instant, media_type

Clean = Callable[[str | None], Awaitable[int]]
"""Lets go of the transfers of a scope whose time is over; returns how many."""

Remove = Callable[[Identity, str], Awaitable[None]]
"""Deletes a file of the caller's scope, or gives up its upload."""


class ChunkedHandlers:
    """What `/media/…` answers, but for files that come whole.

    Args:
        common: what every way has in common.
        streams: reads forms.
        clean: lets go of what is over.
        remove: deletes a file.
    """

    def __init__(
        self, common: TransferHandlers, streams: Streams, clean: Clean, remove: Remove
    ) -> None:
        self._common = common
        self._opener = common.opener
        self._receiver = common.receiver
        self._finisher = common.finisher
        self._ender = common.ender
        self._streams = streams
        self._clean = clean
        self._remove = remove

    def routes(self) -> tuple[Route, ...]:
        return (
            Route("POST", "/media/upload/init", self.init),
            Route("POST", "/media/upload/chunk", self.chunk),
            Route("GET", "/media/upload/{upload_id}/status", self.status),
            Route("POST", "/media/upload/{upload_id}/finalize", self.finalize),
            Route("DELETE", "/media/{media_id}", self.delete),
            Route("GET", "/media/supported-formats", self.formats),
            Route("POST", "/media/cleanup/expired", self.cleanup),
        )

    async def init(self, request: Request, sender: Sender) -> Response:
        """Open a transfer and say how it is to be cut."""
        self._common.settings.require(*SETTINGS)
        fields = await read_object(request)
        if sender.claims is not None:
            require_type(sender, fields.get("content_type"))
            transfer = await self._common.of_token(sender, Way.CHUNKED)
            if transfer.length is None:
                transfer = await self._opener.set_length(transfer, _size(fields))
        else:
            with their_names():
                transfer = await self._common.open_fields(
                    sender.identity, Way.CHUNKED, presign_fields(fields), exact=True
                )
        transfer = await self._receiver.begin(transfer)
        opened = self._common.opened(transfer, self._common.clock.now(), sender.claims)
        return json_response(
            201,
            {
                "upload_id": transfer.id,
                "media_id": transfer.media_id,
                "chunk_size": transfer.part_size,
                "total_chunks": transfer.parts,
                "expires_at": instant(transfer.expires_at),
                "upload_token": opened["uploadToken"],
            },
        )

    async def chunk(self, request: Request, sender: Sender) -> Response:
        """Take a chunk: in a form, or as the body."""
        content_type = request.headers.get("content-type") or ""
        if media_type(content_type) == "multipart/form-data":
            form = self._streams.form(body_of(request), boundary_of(content_type))
            with whole_form():
                progress = await self._chunk_of_form(form, sender)
        else:
            length = announced(request)
            if length is None:
                raise InvalidField("content-length", "is missing: a chunk's length must be known")
            transfer, number = await self._place(
                sender, first(request.query, "upload_id"), first(request.query, "chunk_index")
            )
            progress = await self._receiver.put_part(transfer, number, body_of(request), length)
        return json_response(200, {**_progress(progress), "status": "received"})

    async def _chunk_of_form(self, form: Form, sender: Sender) -> Progress:
        values: dict[str, str] = {}
        while (head := await form.next()) is not None:
            field = parse_head(head)
            if not field.is_file and field.name != "chunk":
                values[field.name] = await form.text(MOST_VALUE)
                continue
            transfer, number = await self._place(
                sender, values.get("upload_id"), values.get("chunk_index")
            )
            size = transfer.size_of(number)
            return await self._receiver.put_part(transfer, number, form.stream(), size)
        raise MissingFields(["chunk"])

    async def _place(
        self, sender: Sender, upload_id: str | None, chunk_index: str | None
    ) -> tuple[Transfer, int]:
        """Return the transfer and the number of the part that a chunk is."""
        given = {"upload_id": upload_id, "chunk_index": chunk_index}
        missing = [name for name, value in given.items() if not value]
        if missing or upload_id is None or chunk_index is None:
            raise MissingFields(missing)
        transfer = await self._find(sender, upload_id)
        if not (chunk_index.isascii() and chunk_index.isdecimal() and len(chunk_index) < 7):
            raise InvalidField("chunk_index", f"must be 0 to {transfer.parts - 1}")
        return transfer, int(chunk_index) + 1

    async def status(self, request: Request, sender: Sender, upload_id: str) -> Response:  # noqa: ARG002
        """Tell how much is there, and which chunks are not."""
        transfer = await self._find(sender, upload_id)
        return json_response(200, _progress(await self._finisher.progress(transfer)))

    async def finalize(self, request: Request, sender: Sender, upload_id: str) -> Response:  # noqa: ARG002
        """Make a file of what is whole."""
        transfer = await self._find(sender, upload_id)
        return json_response(200, media_fields(await self._finisher.finish(transfer)))

    async def delete(self, request: Request, sender: Sender, media_id: str) -> Response:  # noqa: ARG002
        """Delete a file, or an upload that is not finished; a token lets go of its upload."""
        if sender.claims is None:
            await self._remove(sender.identity, media_id)
        else:
            transfer = await self._opener.of_file(sender.identity, media_id)
            await self._ender.give_up(await self._opener.find(sender, transfer.id))
        return json_response(200, {"media_id": media_id, "status": "deleted"})

    async def formats(self, request: Request, sender: Sender) -> Response:  # noqa: ARG002
        """Say what can be uploaded."""
        most = self._common.settings.max_bytes
        formats = {
            kind: {
                "types": [name for name, known in MEDIA_TYPES.items() if known.kind == kind],
                "max_size": size,
            }
            for kind, size in most.items()
        }
        return json_response(
            200,
            {
                "formats": formats,
                "min_chunk_size": SMALLEST_PART,
                "max_request_size": MOST_BODY,
                "max_images": MOST_IMAGES,
            },
        )

    async def cleanup(self, request: Request, sender: Sender) -> Response:  # noqa: ARG002
        """Let go of this scope's uploads whose time is over, before the cron does."""
        identity = require_no_token(sender)
        identity.require(OWNER)
        return json_response(200, {"cleaned": await self._clean(identity.scope)})

    async def _find(self, sender: Sender, upload_id: str) -> Transfer:
        transfer = await self._opener.find(sender, upload_id)
        if transfer.way is not Way.CHUNKED:
            raise MediaNotFound
        return transfer


def _size(fields: Mapping[str, object]) -> int:
    size = fields.get("file_size")
    if not isinstance(size, int) or isinstance(size, bool):
        raise InvalidField("file_size", "must be a whole number of bytes")
    return size


def _progress(progress: Progress) -> dict[str, object]:
    transfer = progress.transfer
    is_done = transfer.stage is Stage.DONE
    missing = [] if is_done else [number - 1 for number in progress.missing]
    return {
        "upload_id": transfer.id,
        "media_id": transfer.media_id,
        "status": "expired"
        if transfer.stage is Stage.GIVEN_UP
        else "uploading"
        if missing
        else "completed",
        "finalized": is_done,
        "progress": 100 if is_done else progress.percent,
        "received_bytes": transfer.length if is_done else progress.received,
        "total_bytes": transfer.length,
        "chunk_size": transfer.part_size,
        "total_chunks": transfer.parts,
        "received_chunks": transfer.parts - len(missing),
        "missing_chunks": missing,
        "next_chunk": missing[0] if missing else None,
        "expires_at": instant(transfer.expires_at),
    }
