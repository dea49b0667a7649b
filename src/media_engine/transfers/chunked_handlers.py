"""The chunked upload API: a file in chunks of one size, through the Worker, in any order.

Its fields have the names of the API that its clients were written for. A chunk is a field of a form
behind the fields that say which it is, or the whole body where the query says that; either way it
goes to the store as it comes, and its length is known before.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from media_engine.errors import (
    FileTooLarge,
    InvalidField,
    MediaError,
    MediaNotFound,
    MissingFields,
)
from media_engine.http.body import read_object
from media_engine.http.envelope import envelope, json_response
from media_engine.http.form import FormField, boundary_of, parse_head
from media_engine.http.message import Request, Response
from media_engine.http.query import first
from media_engine.http.router import Route
from media_engine.ports import Form, Intake, Streams
from media_engine.signing.gateway import OWNER, Identity
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
from media_engine.uploads.model import MEDIA_TYPES, MediaFile, instant, media_type

MOST_IMAGES: Final = 10
MOST_VALUE: Final = 4_096
"""How long a value of a form may be, in bytes."""

SERVICE: Final = "media"
"""Which part of the application a file is for, where the client does not say."""

FIELDS: Final[Mapping[str, str]] = {
    "file_name": "fileName",
    "content_type": "contentType",
    "file_size": "fileSize",
    "service": "service",
    "album": "album",
    "visibility": "visibility",
}
"""What this API calls the fields of a presign."""

Clean = Callable[[str | None], Awaitable[int]]
"""Lets go of the transfers of a scope whose time is over; returns how many."""

Remove = Callable[[Identity, str], Awaitable[None]]
"""Deletes a file of the caller's scope, or gives up its upload."""


class ChunkedHandlers:
    """What `/media/…` answers.

    Args:
        common: what every way has in common.
        streams: reads forms and bodies.
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
            Route("POST", "/media/upload/simple", self.simple),
            Route("POST", "/media/upload/images", self.images),
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
            with _their_names():
                transfer = await self._common.open_fields(
                    sender.identity, Way.CHUNKED, _ours(fields), exact=True
                )
        transfer = await self._receiver.begin(transfer)
        opened = self._common.opened(transfer, self._common.clock.now())
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
        return json_response(200, _media(await self._finisher.finish(transfer)))

    async def simple(self, request: Request, sender: Sender) -> Response:
        """Take one file at once: the file of a form, or the body."""
        self._common.settings.require(*SETTINGS)
        _refuse_too_much(request)
        content_type = request.headers.get("content-type") or ""
        if media_type(content_type) == "multipart/form-data":
            form = self._streams.form(body_of(request), boundary_of(content_type))
            with whole_form():
                file = await self._file_of_form(form, sender)
        else:
            values = {name: first(request.query, name) for name in FIELDS}
            intake = self._streams.intake([body_of(request)])
            field = FormField("file", values["file_name"], media_type(content_type))
            file = await self._take(sender, field, values, intake)
        return json_response(201, _media(file))

    async def _file_of_form(self, form: Form, sender: Sender) -> MediaFile:
        values: dict[str, str | None] = {}
        while (head := await form.next()) is not None:
            field = parse_head(head)
            if field.is_file:
                return await self._take(sender, field, values, form.intake())
            values[field.name] = await form.text(MOST_VALUE)
        raise MissingFields(["file"])

    async def images(self, request: Request, sender: Sender) -> Response:
        """Take up to ten images. A bad one does not spoil the others: each has its verdict."""
        self._common.settings.require(*SETTINGS)
        require_no_token(sender)
        _refuse_too_much(request)
        boundary = boundary_of(request.headers.get("content-type"))
        form = self._streams.form(body_of(request), boundary)
        values: dict[str, str | None] = {}
        verdicts: list[dict[str, object]] = []
        with whole_form():
            while (head := await form.next()) is not None:
                field = parse_head(head)
                if field.is_file:
                    verdicts.append(
                        await self._verdict(request, sender, field, values, form, len(verdicts))
                    )
                else:
                    values[field.name] = await form.text(MOST_VALUE)
        if not verdicts:
            raise MissingFields(["images"])
        uploaded = sum(verdict["status"] == "uploaded" for verdict in verdicts)
        return json_response(
            200,
            {"results": verdicts, "uploaded": uploaded, "failed": len(verdicts) - uploaded},
        )

    async def _verdict(
        self,
        request: Request,
        sender: Sender,
        field: FormField,
        values: Mapping[str, str | None],
        form: Form,
        place: int,
    ) -> dict[str, object]:
        verdict: dict[str, object] = {"index": place, "file_name": field.file_name}
        try:
            if place >= MOST_IMAGES:
                raise InvalidField("images", f"must be at most {MOST_IMAGES}")
            if not field.content_type.startswith("image/"):
                raise InvalidField("content_type", "must be an image's")
            file = await self._take(sender, field, values, form.intake())
        except MediaError as error:
            if error.status >= 500:
                raise
            refusal = envelope(error, request.request_id)
            return {**verdict, "status": "refused", "error": refusal}
        return {**verdict, "status": "uploaded", "media": _media(file)}

    async def _take(
        self,
        sender: Sender,
        field: FormField,
        values: Mapping[str, str | None],
        intake: Intake,
    ) -> MediaFile:
        """Take a file whose size nobody has said, and let go of it where it is refused."""
        if sender.claims is not None:
            require_type(sender, field.content_type)
            transfer = await self._common.of_token(sender, Way.STREAM)
        else:
            most = self._common.most(field.content_type)
            described = {
                **_ours(values),
                "fileName": field.file_name or values.get("file_name") or "file",
                "contentType": field.content_type,
                "maxFileSize": min(most, MOST_BODY),
            }
            with _their_names():
                transfer = await self._common.open_fields(
                    sender.identity, Way.STREAM, described, exact=False
                )
        try:
            taken = await self._receiver.take(transfer, intake)
            return await self._finisher.complete(taken)
        except (FileTooLarge, InvalidField):
            if sender.claims is None:
                await self._ender.give_up(transfer)
            raise

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


def _refuse_too_much(request: Request) -> None:
    length = announced(request)
    if length is not None and length > MOST_BODY:
        raise FileTooLarge("body", f"must have at most {MOST_BODY} bytes")


def _ours(fields: Mapping[str, object]) -> dict[str, object]:
    """Return the fields of a presign under the names that it has for them."""
    ours = {name: fields[theirs] for theirs, name in FIELDS.items() if theirs in fields}
    return {"service": SERVICE, **{k: v for k, v in ours.items() if v is not None}}


class _their_names:  # noqa: N801
    """Names the fields of a refusal as this API does."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        theirs = {ours: name for name, ours in FIELDS.items()}
        if isinstance(error, MissingFields):
            raise MissingFields([theirs.get(name, name) for name in error.fields]) from None
        if isinstance(error, InvalidField) and error.field in theirs:
            name = theirs[error.field]
            why = error.message.removeprefix(error.field + " ").removesuffix(".")
            raise type(error)(name, why) from None


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


def _media(file: MediaFile) -> dict[str, object]:
    return {
        "media_id": file.id,
        "file_path": file.key,
        "file_name": file.file_name,
        "content_type": file.content_type,
        "file_size": file.file_size,
        "status": file.status.value,
        "service": file.service,
        "album": file.album,
        "visibility": file.visibility,
        "created_at": instant(file.created_at),
        "uploaded_at": None if file.uploaded_at is None else instant(file.uploaded_at),
    }
