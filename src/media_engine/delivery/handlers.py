"""`GET` and `HEAD` of `/m/<key>` and `/view/<token>/<key>`: RFC 9110 around one file.

The order is RFC 9110's (§13.2.2): who asks, then whether the file is there, then the
preconditions, then the range. The store is asked once all the same, for the range at once, and
what the preconditions refuse is let go unread. What costs more is rare: a range outside the file,
whose size the answer has to tell; an `If-Range` that does not hold, after which the whole file is
owed; and several ranges, which need the size before the first is opened, and a read each.
"""

from collections.abc import Sequence
from typing import Final

from media_engine.delivery.admission import Admission
from media_engine.delivery.policy import (
    FOR_A_MOMENT,
    PUBLIC,
    PrivatePolicy,
    file_headers,
    key_of,
)
from media_engine.delivery.service import DeliveryService, Found, OutsideFile, Visit
from media_engine.errors import (
    MediaAbsent,
    MediaError,
    PreconditionFailed,
    RangeNotSatisfiable,
    RateLimited,
)
from media_engine.http.byteranges import MOST_PARTS, Multipart, Part, coalesce
from media_engine.http.conditional import Outcome, evaluate, if_range_holds
from media_engine.http.cors import PUBLIC_HEADERS, READING_HEADERS, preflight
from media_engine.http.message import Request, Response
from media_engine.http.query import first
from media_engine.http.ranges import RangeSpec, SuffixRange, content_range, parse, resolve
from media_engine.http.router import Route
from media_engine.ports import Entropy, ObjectRange
from media_engine.settings import BINDINGS, Settings

BOUNDARY_BYTES: Final = 18

LONGEST_RANGE: Final = 4096
"""How long a Range header may be, in characters. A longer one is work that nobody needs."""


DELIVERY_SETTINGS: Final = (
    "KEY_PREFIXES",
    "PRIVATE_RESOURCE_POLICY",
    "PRIVATE_MAX_AGE",
    "EDGE_CACHE_TTL",
    "EDGE_CACHE_MAX_BYTES",
)
"""The settings without which nothing is delivered."""


class DeliveryHandlers:
    """What `/m/…` and `/view/…` answer.

    Args:
        admission: says who may have a file.
        service: finds the files.
        settings: what may be delivered.
        entropy: where the boundaries between parts come from.
    """

    def __init__(
        self,
        admission: Admission,
        service: DeliveryService,
        settings: Settings,
        entropy: Entropy,
    ) -> None:
        self._admission = admission
        self._service = service
        self._settings = settings
        self._entropy = entropy
        self._private = PrivatePolicy(settings.private_resource_policy, settings.private_max_age)

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
        self._settings.require(*BINDINGS, *DELIVERY_SETTINGS)
        try:
            key = key_of(encoded_key, self._settings.key_prefixes)
            visit = await self._visit(request, key, token)
            if request.method == "HEAD":
                return await self._head(request, visit)
            return await self._get(request, visit)
        except (MediaAbsent, PreconditionFailed, RangeNotSatisfiable, RateLimited) as refusal:
            if token is None:
                refusal.headers.update(PUBLIC_HEADERS)
                if isinstance(refusal, MediaAbsent):
                    refusal.headers["Cache-Control"] = FOR_A_MOMENT
            raise

    async def _visit(self, request: Request, key: str, token: str | None) -> Visit:
        if token is None:
            address = request.headers.get("cf-connecting-ip")
            return Visit(key, PUBLIC, lambda: self._admission.admit_public(key, address))
        return Visit(key, await self._admission.admit(token, key))

    async def _head(self, request: Request, visit: Visit) -> Response:
        found = await self._service.look(visit)
        headers = self._headers(found, visit)
        if self._not_modified(request, found):
            return Response(304, headers)
        headers["Content-Length"] = str(found.info.size)
        return Response(200, headers)

    async def _get(self, request: Request, visit: Visit) -> Response:
        specs = _ranges(request)
        if len(specs) > 1:
            return await self._several(request, visit, specs)
        wanted = _wanted(specs[0]) if specs else None
        try:
            found = await self._service.open(visit, wanted, _unless(request))
        except OutsideFile as outside:
            return self._outside(request, visit, outside.found)
        try:
            return await self._opened(request, visit, found, specs)
        except MediaError:
            found.let_go()
            raise

    async def _opened(
        self, request: Request, visit: Visit, found: Found, specs: Sequence[RangeSpec]
    ) -> Response:
        """Answer with a file whose stream is open: the range asked for, or the whole."""
        headers = self._headers(found, visit)
        if self._not_modified(request, found):
            found.let_go()
            return Response(304, headers)
        if not specs:
            return Response(200, headers, self._service.body(found))
        if not _if_range(request, found):
            found.let_go()
            return await self._whole(visit)
        part = resolve(specs[0], found.info.size)
        if part is None:
            raise RangeNotSatisfiable(found.info.size)
        headers["Content-Range"] = content_range(*part, found.info.size)
        return Response(206, headers, found.body)

    async def _whole(self, visit: Visit) -> Response:
        found = await self._service.open(visit, None)
        return Response(200, self._headers(found, visit), self._service.body(found))

    async def _several(
        self, request: Request, visit: Visit, specs: Sequence[RangeSpec]
    ) -> Response:
        """Answer a request for several ranges: with those that are there, or with the whole.

        The size has to be known before anything is opened, so this costs an operation more.
        """
        found = await self._service.look(visit)
        headers = self._headers(found, visit)
        size = found.info.size
        if self._not_modified(request, found):
            return Response(304, headers)
        if not _if_range(request, found):
            return await self._whole(visit)
        touching = [Part(*part) for part in (resolve(spec, size) for spec in specs) if part]
        if not touching:
            raise RangeNotSatisfiable(size)
        parts = coalesce(touching)
        if len(parts) > MOST_PARTS:
            return await self._whole(visit)
        if len(parts) == 1:
            opened = await self._service.open(visit, ObjectRange(*parts[0]))
            headers["Content-Range"] = content_range(*parts[0], size)
            return Response(206, headers, opened.body)
        multipart = Multipart(parts, size, headers["Content-Type"], self._boundary())
        headers["Content-Type"] = multipart.content_type
        return Response(206, headers, self._service.join(visit, found, multipart))

    def _boundary(self) -> str:
        """Return what nobody could have put into a file beforehand."""
        return self._entropy(BOUNDARY_BYTES).hex()

    def _outside(self, request: Request, visit: Visit, found: Found) -> Response:
        """Answer a range that does not touch the file; the whole is open instead."""
        headers = self._headers(found, visit)
        try:
            if not self._not_modified(request, found):
                if not _if_range(request, found):
                    return Response(200, headers, self._service.body(found))
                raise RangeNotSatisfiable(found.info.size)
        except MediaError:
            found.let_go()
            raise
        found.let_go()
        return Response(304, headers)

    def _headers(self, found: Found, visit: Visit) -> dict[str, str]:
        return file_headers(found.info, visit.grant, self._private)

    def _not_modified(self, request: Request, found: Found) -> bool:
        """Say whether the client has this file already.

        Raises:
            PreconditionFailed: it wants another one.
        """
        info = found.info
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


def _unless(request: Request) -> str | None:
    """Return the entity tag of the file that is not to be sent again.

    Only where that is all there is to say of it, so that a file that comes without its bytes is
    always one that is answered with 304: one strong tag, and no condition that goes before it.
    """
    headers = request.headers
    tag = headers.get("if-none-match")
    if tag is None or len(tag) < 2 or tag[0] != '"' or tag.find('"', 1) != len(tag) - 1:
        return None
    if headers.get("if-match") is not None or headers.get("if-unmodified-since") is not None:
        return None
    return tag


def _if_range(request: Request, found: Found) -> bool:
    value = request.headers.get("if-range")
    info = found.info
    return value is None or if_range_holds(value, info.etag, info.uploaded_at // 1000)
