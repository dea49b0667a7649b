"""`GET` and `HEAD` of `/m/<key>` and `/view/<token>/<key>`: RFC 9110 around one file.

The order is RFC 9110's (§13.2.2): who asks, then whether the file is there, then the
preconditions, then the range. The store is asked once all the same, for the range at once, and
what the preconditions refuse is let go unread. What costs more is rare: a range outside the file,
whose size the answer has to tell; an `If-Range` that does not hold, after which the whole file is
owed; and several ranges, which need the size before the first is opened, and a read each.
"""

from collections.abc import Sequence
from typing import Final

from media_engine.delivery.policy import FOR_A_MOMENT, Grant, authorise, file_headers, key_of
from media_engine.delivery.service import DeliveryService
from media_engine.errors import (
    MediaAbsent,
    MediaError,
    PreconditionFailed,
    RangeNotSatisfiable,
)
from media_engine.http.byteranges import MOST_PARTS, Multipart, Part, coalesce
from media_engine.http.conditional import Outcome, evaluate, if_range_holds
from media_engine.http.cors import PUBLIC_HEADERS, READING_HEADERS, preflight
from media_engine.http.message import Request, Response
from media_engine.http.query import first
from media_engine.http.ranges import RangeSpec, SuffixRange, content_range, parse, resolve
from media_engine.http.router import Route
from media_engine.ports import Clock, Entropy, ObjectInfo, ObjectRange, RangeOutside, StoredObject
from media_engine.settings import BINDINGS, Settings

BOUNDARY_BYTES: Final = 18

LONGEST_RANGE: Final = 4096
"""How long a Range header may be, in characters. A longer one is work that nobody needs."""


class DeliveryHandlers:
    """What `/m/…` and `/view/…` answer.

    Args:
        service: finds the files.
        settings: the keys of tokens, and what may be delivered.
        clock: what time it is.
        entropy: where the boundaries between parts come from.
    """

    def __init__(
        self, service: DeliveryService, settings: Settings, clock: Clock, entropy: Entropy
    ) -> None:
        self._service = service
        self._settings = settings
        self._clock = clock
        self._entropy = entropy

    def routes(self) -> tuple[Route, ...]:
        return (
            Route("GET", "/m/*", self.deliver),
            Route("OPTIONS", "/m/*", self.preflight),
            Route("GET", "/view/*", self.view),
            Route("OPTIONS", "/view/*", self.preflight),
        )

    async def preflight(self, request: Request, rest: str) -> Response:  # noqa: ARG002
        return preflight(("GET", "HEAD"), READING_HEADERS)

    async def deliver(self, request: Request, rest: str) -> Response:
        """Answer `/m/<key>`, whose token is in the query if there is one."""
        return await self._deliver(request, rest, first(request.query, "t"))

    async def view(self, request: Request, rest: str) -> Response:
        """Answer `/view/<token>/<key>`."""
        token, _, encoded_key = rest.partition("/")
        return await self._deliver(request, encoded_key, token)

    async def _deliver(self, request: Request, encoded_key: str, token: str | None) -> Response:
        self._settings.require(*BINDINGS, "KEY_PREFIXES", "PRIVATE_RESOURCE_POLICY")
        try:
            key = key_of(encoded_key, self._settings.key_prefixes)
            grant = await self._grant(token, key)
            if request.method == "HEAD":
                return await self._head(request, key, grant)
            return await self._get(request, key, grant)
        except (MediaAbsent, PreconditionFailed, RangeNotSatisfiable) as refusal:
            if token is None:
                refusal.headers.update(PUBLIC_HEADERS)
                if isinstance(refusal, MediaAbsent):
                    refusal.headers["Cache-Control"] = FOR_A_MOMENT
            raise

    async def _grant(self, token: str | None, key: str) -> Grant:
        if token is None:
            return await self._service.admit(key)
        self._settings.require("MEDIA_TOKEN_KEYS")
        return authorise(token, key, self._settings.token_keys, self._clock.now() // 1000)

    async def _head(self, request: Request, key: str, grant: Grant) -> Response:
        info = await self._service.look(key, grant)
        headers = self._headers(info, grant)
        if self._not_modified(request, info):
            return Response(304, headers)
        headers["Content-Length"] = str(info.size)
        return Response(200, headers)

    async def _get(self, request: Request, key: str, grant: Grant) -> Response:
        specs = _ranges(request)
        if len(specs) > 1:
            return await self._several(request, key, specs, grant)
        try:
            stored = await self._service.open(key, grant, _wanted(specs[0]) if specs else None)
        except RangeOutside as outside:
            return self._outside(request, outside.stored, grant)
        try:
            return await self._opened(request, stored, specs, grant)
        except MediaError:
            stored.body.cancel()
            raise

    async def _opened(
        self, request: Request, stored: StoredObject, specs: Sequence[RangeSpec], grant: Grant
    ) -> Response:
        """Answer with a file whose stream is open: the range asked for, or the whole."""
        headers = self._headers(stored.info, grant)
        if self._not_modified(request, stored.info):
            stored.body.cancel()
            return Response(304, headers)
        if not specs:
            return Response(200, headers, stored.body)
        return await self._part(request, stored, specs[0], headers, grant)

    async def _part(
        self,
        request: Request,
        stored: StoredObject,
        spec: RangeSpec,
        headers: dict[str, str],
        grant: Grant,
    ) -> Response:
        """Answer with the range whose stream is open, or with the whole if that is owed."""
        if not _if_range(request, stored.info):
            stored.body.cancel()
            return await self._whole(stored.info.key, grant)
        part = resolve(spec, stored.info.size)
        if part is None:
            raise RangeNotSatisfiable(stored.info.size)
        headers["Content-Range"] = content_range(*part, stored.info.size)
        return Response(206, headers, stored.body)

    async def _whole(self, key: str, grant: Grant) -> Response:
        stored = await self._service.open(key, grant, None)
        return Response(200, self._headers(stored.info, grant), stored.body)

    async def _several(
        self, request: Request, key: str, specs: Sequence[RangeSpec], grant: Grant
    ) -> Response:
        """Answer a request for several ranges: with those that are there, or with the whole.

        The size has to be known before anything is opened, so this costs an operation more.
        """
        info = await self._service.look(key, grant)
        headers = self._headers(info, grant)
        if self._not_modified(request, info):
            return Response(304, headers)
        if not _if_range(request, info):
            return await self._whole(key, grant)
        found = [Part(*part) for part in (resolve(spec, info.size) for spec in specs) if part]
        if not found:
            raise RangeNotSatisfiable(info.size)
        parts = coalesce(found)
        if len(parts) > MOST_PARTS:
            return await self._whole(key, grant)
        if len(parts) == 1:
            stored = await self._service.open(key, grant, ObjectRange(*parts[0]))
            headers["Content-Range"] = content_range(*parts[0], info.size)
            return Response(206, headers, stored.body)
        multipart = Multipart(parts, info.size, headers["Content-Type"], self._boundary())
        headers["Content-Type"] = multipart.content_type
        return Response(206, headers, self._service.join(info, multipart))

    def _boundary(self) -> str:
        """Return what nobody could have put into a file beforehand."""
        return self._entropy(BOUNDARY_BYTES).hex()

    def _outside(self, request: Request, stored: StoredObject, grant: Grant) -> Response:
        """Answer a range that does not touch the file; the whole is open instead."""
        headers = self._headers(stored.info, grant)
        try:
            if not self._not_modified(request, stored.info):
                if not _if_range(request, stored.info):
                    return Response(200, headers, stored.body)
                raise RangeNotSatisfiable(stored.info.size)
        except MediaError:
            stored.body.cancel()
            raise
        stored.body.cancel()
        return Response(304, headers)

    def _headers(self, info: ObjectInfo, grant: Grant) -> dict[str, str]:
        return file_headers(info, grant, self._settings.private_resource_policy)

    def _not_modified(self, request: Request, info: ObjectInfo) -> bool:
        """Say whether the client has this file already.

        Raises:
            PreconditionFailed: it wants another one.
        """
        outcome = evaluate(request.method, request.headers, info.etag, info.uploaded_at // 1000)
        if outcome is Outcome.PRECONDITION_FAILED:
            raise PreconditionFailed
        return outcome is Outcome.NOT_MODIFIED


def _ranges(request: Request) -> Sequence[RangeSpec]:
    """Return the ranges asked for; none of a header that cannot be read, or is too long."""
    header = request.headers.get("range")
    return () if header is None or len(header) > LONGEST_RANGE else parse(header) or ()


def _wanted(spec: RangeSpec) -> ObjectRange:
    if isinstance(spec, SuffixRange):
        return ObjectRange(suffix=spec.length)
    length = None if spec.last is None else spec.last - spec.first + 1
    return ObjectRange(offset=spec.first, length=length)


def _if_range(request: Request, info: ObjectInfo) -> bool:
    value = request.headers.get("if-range")
    return value is None or if_range_holds(value, info.etag, info.uploaded_at // 1000)
