"""Parts that go directly to the store: the routes that Uppy's `@uppy/aws-s3` asks a companion for.

    GET    /s3/params?filename&type&metadata[…]        where a file goes that comes at once
    POST   /s3/form                                    a form with such a file, through the Worker
    POST   /s3/multipart {filename, type, metadata}    begin
    GET    /s3/multipart/{uploadId}?key                which parts are there
    GET    /s3/multipart/{uploadId}/batch?key&partNumbers
    GET    /s3/multipart/{uploadId}/{partNumber}?key   the URL of a part
    PUT    /s3/multipart/{uploadId}/{partNumber}?key   {ETag}: this part is there
    POST   /s3/multipart/{uploadId}/complete?key       {parts: [{PartNumber, ETag}]}
    DELETE /s3/multipart/{uploadId}?key

Nothing but the Worker can join the parts, and it joins only what is right: the length of each part
is signed into its URL, so the sizes are summed before anything is stored under the file's key. That
needs to know how the client cuts: by Uppy's own rule (the file in 10,000 parts, each of 5 MiB or
more), or as `metadata.partSize` says.

The store takes no POST of a form, which is what Uppy sends for a file that comes at once. So
`/s3/params` answers with a URL of the Worker, which takes the form; with `method=PUT` it answers
with a presigned PUT and its headers, for Uppy's `signRequest`.
"""

from collections.abc import Mapping
from typing import Final

from media_engine.errors import InvalidField, MediaNotFound, MissingFields
from media_engine.http.body import read_object
from media_engine.http.envelope import json_response
from media_engine.http.form import boundary_of, parse_head
from media_engine.http.message import Request, Response
from media_engine.http.query import first
from media_engine.http.router import Route
from media_engine.ports import StoredPart, Streams
from media_engine.signing.sigv4 import presign
from media_engine.transfers.handlers import (
    MIB,
    SETTINGS,
    TransferHandlers,
    body_of,
    require_type,
    whole_form,
)
from media_engine.transfers.model import MOST_PARTS, SMALLEST_PART, Arrived, Transfer, Way, count_of
from media_engine.transfers.sender import Sender

SERVICE: Final = "media"
"""Which part of the application a file is for, where its metadata do not say."""

NAMED: Final = ("service", "album", "visibility")
"""What metadata may say of a file that no token was made for."""

URL_LIFE: Final = 3_600
"""How long a part's URL opens, in seconds."""


class MultipartHandlers:
    """What `/s3/…` answers.

    Args:
        common: what every way has in common.
        streams: reads forms.
    """

    def __init__(self, common: TransferHandlers, streams: Streams) -> None:
        self._common = common
        self._opener = common.opener
        self._receiver = common.receiver
        self._finisher = common.finisher
        self._ender = common.ender
        self._streams = streams

    def routes(self) -> tuple[Route, ...]:
        return (
            Route("GET", "/s3/params", self.params),
            Route("POST", "/s3/form", self.form),
            Route("POST", "/s3/multipart", self.create),
            Route("GET", "/s3/multipart/{upload_id}", self.list_parts),
            Route("DELETE", "/s3/multipart/{upload_id}", self.abort),
            Route("GET", "/s3/multipart/{upload_id}/batch", self.sign_batch),
            Route("POST", "/s3/multipart/{upload_id}/complete", self.complete),
            Route("GET", "/s3/multipart/{upload_id}/{part_number}", self.sign_part),
            Route("PUT", "/s3/multipart/{upload_id}/{part_number}", self.record_part),
        )

    async def params(self, request: Request, sender: Sender) -> Response:
        """Say where a file goes that comes at once."""
        self._common.settings.require(*SETTINGS)
        directly = first(request.query, "method") == "PUT"
        way = Way.PUT if directly else Way.STREAM
        metadata = {
            name: first(request.query, f"metadata%5B{name}%5D")
            or first(request.query, f"metadata[{name}]")
            for name in ("size", *NAMED)
        }
        size = metadata.pop("size")
        described = {
            "filename": first(request.query, "filename"),
            "type": first(request.query, "type"),
            "metadata": {**metadata, "size": _whole_number(size) if size else None},
        }
        transfer = await self._transfer(sender, way, described, exact=directly)
        if not directly:
            now = self._common.clock.now()
            token, exp = self._common.token(transfer, now, sender.claims)
            return json_response(
                200,
                {
                    "method": "POST",
                    "url": f"{self._common.settings.public_url}/u/{token}/s3/form",
                    "fields": {"key": transfer.key},
                    "expires": exp - now // 1000,
                },
            )
        headers = {
            "content-type": transfer.head.content_type,
            "content-disposition": transfer.head.content_disposition,
            "if-none-match": "*",
        }
        url = self._sign(transfer, headers, transfer.length or 0, {})
        return json_response(
            200,
            {
                "method": "PUT",
                "url": url,
                "headers": headers,
                "key": transfer.key,
                "mediaId": transfer.media_id,
                "expires": URL_LIFE,
            },
        )

    async def form(self, request: Request, sender: Sender) -> Response:
        """Take the file of a form, whose other fields say nothing that the token does not."""
        boundary = boundary_of(request.headers.get("content-type"))
        transfer = await self._common.of_token(sender, Way.STREAM)
        form = self._streams.form(body_of(request), boundary)
        with whole_form():
            while (head := await form.next()) is not None:
                field = parse_head(head)
                if field.is_file:
                    require_type(sender, field.content_type)
                    break
            else:
                raise MissingFields(["file"])
            done = await self._receiver.take(transfer, form.intake())
        file = await self._finisher.complete(done)
        response = json_response(201, file.to_wire())
        response.headers["ETag"] = file.etag or ""
        response.headers["Location"] = self._location(transfer)
        return response

    async def create(self, request: Request, sender: Sender) -> Response:
        """Begin. A repetition goes on with what was begun."""
        self._common.settings.require(*SETTINGS)
        described = await read_object(request)
        transfer = await self._transfer(sender, Way.MULTIPART, described, exact=True)
        if transfer.upload_id is None:
            length = transfer.length or 0
            metadata = described.get("metadata")
            chosen = metadata.get("partSize") if isinstance(metadata, Mapping) else None
            size = _part_size(length, chosen)
            transfer = await self._opener.set_length(transfer, length, size)
        transfer = await self._receiver.begin(transfer)
        return json_response(
            200,
            {
                "key": transfer.key,
                "uploadId": transfer.id,
                "bucket": self._common.settings.s3.bucket,
                "mediaId": transfer.media_id,
                "partSize": transfer.part_size,
            },
        )

    async def sign_part(
        self, request: Request, sender: Sender, upload_id: str, part_number: str
    ) -> Response:
        """Sign the URL of a part."""
        transfer = await self._find(request, sender, upload_id)
        url = self._sign_part(transfer, part_number)
        return json_response(200, {"url": url, "expires": URL_LIFE})

    async def sign_batch(self, request: Request, sender: Sender, upload_id: str) -> Response:
        """Sign the URLs of several parts."""
        transfer = await self._find(request, sender, upload_id)
        numbers = (first(request.query, "partNumbers") or "").split(",")
        if len(numbers) > 100:
            raise InvalidField("partNumbers", "must be at most 100")
        urls = {number: self._sign_part(transfer, number) for number in numbers}
        return json_response(200, {"presignedUrls": urls})

    async def record_part(
        self, request: Request, sender: Sender, upload_id: str, part_number: str
    ) -> Response:
        """Remember that a part is there, for a client that will forget it."""
        transfer = await self._find(request, sender, upload_id)
        number = self._number(transfer, part_number)
        fields = await read_object(request)
        part = _part({"PartNumber": number, "ETag": fields.get("ETag")}, transfer)
        await self._receiver.record(transfer, [part])
        return json_response(200, {})

    async def list_parts(self, request: Request, sender: Sender, upload_id: str) -> Response:
        """Tell which parts are there, as far as the client has told."""
        transfer = await self._find(request, sender, upload_id)
        progress = await self._finisher.progress(transfer)
        parts = [
            {
                "PartNumber": part.number,
                "ETag": part.stored.etag,
                "Size": transfer.size_of(part.number),
            }
            for part in progress.arrived
        ]
        return json_response(200, parts)

    async def complete(self, request: Request, sender: Sender, upload_id: str) -> Response:
        """Join the parts, of which the client knows the ETags, and complete the file."""
        transfer = await self._find(request, sender, upload_id)
        fields = await read_object(request, MIB)
        parts = _parts(fields.get("parts"), transfer)
        file = await self._finisher.join_as_told(transfer, parts)
        return json_response(
            200,
            {
                "location": self._location(transfer),
                "bucket": self._common.settings.s3.bucket,
                "key": file.key,
                "mediaId": file.id,
                "etag": file.etag,
            },
        )

    async def abort(self, request: Request, sender: Sender, upload_id: str) -> Response:
        transfer = await self._find(request, sender, upload_id)
        await self._ender.give_up(transfer)
        return json_response(200, {})

    async def _transfer(
        self, sender: Sender, way: Way, described: Mapping[str, object], *, exact: bool
    ) -> Transfer:
        """Return the transfer of the token, or open one for an identity."""
        given = described.get("metadata")
        metadata = given if isinstance(given, Mapping) else {}
        size = metadata.get("size")
        if sender.claims is not None:
            require_type(sender, described.get("type"))
            transfer = await self._common.of_token(sender, way)
            if exact and transfer.length is None:
                if not isinstance(size, int) or isinstance(size, bool):
                    raise MissingFields(["metadata.size"])
                transfer = await self._opener.set_length(transfer, size)
            return transfer
        if exact and size is None:
            raise MissingFields(["metadata.size"])
        fields = {
            "fileName": described.get("filename"),
            "contentType": described.get("type"),
            "fileSize": size,
            "maxFileSize": self._common.most(str(described.get("type"))),
            "service": SERVICE,
            **{name: metadata.get(name) for name in NAMED if metadata.get(name) is not None},
        }
        return await self._common.open_fields(sender.identity, way, fields, exact=size is not None)

    async def _find(self, request: Request, sender: Sender, upload_id: str) -> Transfer:
        transfer = await self._opener.find(sender, upload_id)
        if transfer.way is not Way.MULTIPART or first(request.query, "key") != transfer.key:
            raise MediaNotFound
        return transfer

    def _sign_part(self, transfer: Transfer, part_number: str) -> str:
        transfer.require_alive(self._common.clock.now())
        number = self._number(transfer, part_number)
        query = {"partNumber": str(number), "uploadId": transfer.upload_id or ""}
        return self._sign(transfer, {}, transfer.size_of(number), query)

    def _number(self, transfer: Transfer, part_number: str) -> int:
        number = _whole_number(part_number)
        if number is None or not transfer.size_of(number):
            raise InvalidField("partNumber", f"must be 1 to {transfer.parts}")
        return number

    def _sign(
        self, transfer: Transfer, headers: Mapping[str, str], length: int, query: Mapping[str, str]
    ) -> str:
        s3 = self._common.settings.s3
        now = self._common.clock.now()
        return presign(
            method="PUT",
            endpoint=s3.endpoint,
            bucket=s3.bucket,
            key=transfer.key,
            headers={**headers, "content-length": str(length)},
            credentials=s3.credentials,
            now=now,
            # Once the transfer is over nothing more is stored for it.
            expires_in=min(URL_LIFE, max(1, (transfer.expires_at - now) // 1000)),
            query=query,
        )

    def _location(self, transfer: Transfer) -> str:
        return f"{self._common.settings.public_url}/m/{transfer.key}"


def _part_size(length: int, chosen: object) -> int:
    """Return how the client cuts its file: as it says, or as Uppy does.

    Raises:
        InvalidField: the store would not join such parts.
    """
    if chosen is None:
        return max(SMALLEST_PART, count_of(length, MOST_PARTS))
    if not isinstance(chosen, int) or isinstance(chosen, bool):
        raise InvalidField("metadata.partSize", "must be a whole number of bytes")
    if chosen < SMALLEST_PART or count_of(length, chosen) > MOST_PARTS:
        raise InvalidField(
            "metadata.partSize", f"must be at least {SMALLEST_PART}, and give at most 10000 parts"
        )
    return chosen


def _parts(given: object, transfer: Transfer) -> list[Arrived]:
    """Read the parts that a client names: each part there is, once.

    Raises:
        MissingFields: there are none.
        InvalidField: one is none, or one is missing.
    """
    if not isinstance(given, list):
        raise MissingFields(["parts"])
    parts = sorted((_part(one, transfer) for one in given), key=lambda part: part.number)
    if [part.number for part in parts] != list(range(1, transfer.parts + 1)):
        raise InvalidField("parts", f"must be the parts 1 to {transfer.parts}, each once")
    return parts


def _part(given: object, transfer: Transfer) -> Arrived:
    if not isinstance(given, Mapping):
        raise InvalidField("parts", "must be objects with PartNumber and ETag")
    number, etag = given.get("PartNumber"), given.get("ETag")
    if not isinstance(number, int) or not transfer.size_of(number):
        raise InvalidField("PartNumber", f"must be 1 to {transfer.parts}")
    if not isinstance(etag, str) or not 1 <= len(etag.strip('"')) <= 256:
        raise InvalidField("ETag", "must be what the store answered the part with")
    return Arrived(number, StoredPart(number, etag.strip('"')))


def _whole_number(text: str | None) -> int | None:
    if text is None or not (text.isascii() and text.isdecimal() and len(text) < 16):
        return None
    return int(text)
