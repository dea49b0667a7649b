"""Files that come whole, through the Worker: one of a form, ten images of a form, or a body.

Nobody has said how large they are, so each comes as a stream of unknown length and is counted. What
is refused is let go of at once.
"""

from collections.abc import Mapping
from typing import Final

from media_engine.errors import FileTooLarge, InvalidField, MediaError, MissingFields
from media_engine.http.envelope import envelope, json_response
from media_engine.http.form import FormField, boundary_of, parse_head
from media_engine.http.message import Request, Response
from media_engine.http.query import first
from media_engine.http.router import Route
from media_engine.ports import Form, Intake, Streams
from media_engine.transfers.chunked_fields import (
    FIELDS,
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
from media_engine.transfers.model import Way
from media_engine.transfers.sender import Sender
from media_engine.uploads.model import MediaFile, media_type

MOST_IMAGES: Final = 10
"""How many images one form may bring."""


class WholeHandlers:
    """What `/media/upload/simple` and `/media/upload/images` answer.

    Args:
        common: what every way has in common.
        streams: reads forms and bodies.
    """

    def __init__(self, common: TransferHandlers, streams: Streams) -> None:
        self._common = common
        self._streams = streams

    def routes(self) -> tuple[Route, ...]:
        return (
            Route("POST", "/media/upload/simple", self.simple),
            Route("POST", "/media/upload/images", self.images),
        )

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
        return json_response(201, media_fields(file))

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
        return {**verdict, "status": "uploaded", "media": media_fields(file)}

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
                **presign_fields(values),
                "fileName": field.file_name or values.get("file_name") or "file",
                "contentType": field.content_type,
                "maxFileSize": min(most, MOST_BODY),
            }
            with their_names():
                transfer = await self._common.open_fields(
                    sender.identity, Way.STREAM, described, exact=False
                )
        try:
            taken = await self._common.receiver.take(transfer, intake)
            return await self._common.finisher.complete(taken)
        except (FileTooLarge, InvalidField):
            if sender.claims is None:
                await self._common.ender.give_up(transfer)
            raise


def _refuse_too_much(request: Request) -> None:
    length = announced(request)
    if length is not None and length > MOST_BODY:
        raise FileTooLarge("body", f"must have at most {MOST_BODY} bytes")
