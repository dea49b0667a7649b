"""Ingest: a file that the Worker fetches itself, from a URL.

    admit → fetch → (redirect: from the beginning, at most three times)
          → declare: what type, how long
          → row → bytes → uploaded

Whoever names the URL is not trusted, and neither is who answers it. Where the URL leads is looked
at before each request (`address`); a name is resolved first, and the request then goes by the name,
because the platform cannot be told an address (docs/decisions/0014). What is answered decides
nothing that it could lie about: the type is one of the allowlist and is compared with the bytes
when the file is accepted, and so many bytes are stored as were announced, or none. A server that
announces no length, or that compresses, so that the announced length is another one, has its file
collected first, up to a bound.

The row is written before the bytes and has their exact length. A crash before it leaves nothing;
between the two, or before the last step, it leaves a pending upload, which the cron gives up.
A request that names itself takes its name before anything is fetched, and until it must have ended:
a repetition meanwhile is told to wait, one that comes later takes over from a request that died,
and one that failed has given its name back (docs/decisions/0023).
Nobody is told why a fetch failed: who asks could otherwise learn which ports are open.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Final
from urllib.parse import unquote

from media_engine.errors import (
    ContentMismatch,
    FileTooLarge,
    InvalidField,
    MediaGone,
    MissingFields,
    R2Unavailable,
    RateLimited,
    RedirectLoop,
    SourceUnavailable,
    UnsupportedMime,
)
from media_engine.http.disposition import clean_filename, content_disposition
from media_engine.http.message import ByteStream
from media_engine.idempotency.model import Claim
from media_engine.ports import (
    BrokenOff,
    Clock,
    HttpAnswer,
    HttpClient,
    HttpRequest,
    HttpUnreachable,
    NoRoom,
    ObjectHead,
    ObjectInfo,
    ObjectStore,
    RateLimiter,
    Streams,
    TooLong,
)
from media_engine.signing.gateway import WRITE, Identity
from media_engine.uploads.address import Guard, Location, parse
from media_engine.uploads.model import MEDIA_TYPES, MediaFile, UploadRequest, media_type
from media_engine.uploads.resolver import Resolver, Unresolved
from media_engine.uploads.service import UploadService

MOST_REDIRECTS: Final = 3

PATIENCE_MS: Final = 10_000
"""How long a server, or the resolver, may take until it answers."""

LATE_MS: Final = 30_000
"""How long, after its time is up, what was fetched may take to be stored and looked at."""

MOST_UNANNOUNCED: Final = 10 * 1024 * 1024
"""How many bytes a file may have whose length nobody announced."""

Begin = Callable[[Identity, UploadRequest, int], Awaitable[MediaFile]]
"""Writes the pending row of a file, of which no byte comes after an instant."""

_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})

_HEADERS: Final = {
    "Accept": ", ".join(MEDIA_TYPES),
    "Accept-Encoding": "identity",
    "User-Agent": "media-engine",
}

# What servers say that do not know.
_UNKNOWN_TYPES: Final = frozenset({"", "application/octet-stream", "binary/octet-stream"})
_OTHER_NAMES: Final = {"image/jpg": "image/jpeg"}

# What the platform undoes. The bytes under any other would be no picture.
_ENCODINGS: Final = frozenset({"gzip", "x-gzip", "br"})


@dataclass(frozen=True, slots=True)
class IngestRequest:
    """An ingest that may begin: every field was looked at.

    Attributes:
        location: where the file is.
        content_type: what the caller says that it is, or None.
        upload: the upload that it will be, as far as it is known; its type and its size are not.
    """

    location: Location
    content_type: str | None
    upload: UploadRequest

    @classmethod
    def read(cls, fields: Mapping[str, object], max_bytes: Mapping[str, int]) -> "IngestRequest":
        """Read the fields of `POST /upload/ingest-url`.

        Args:
            fields: as they came.
            max_bytes: the largest file of each kind, in bytes.

        Raises:
            MissingFields: naming all that are missing.
            InvalidField: or `UnsupportedMime`, naming the first that is wrong.
        """
        missing = [name for name in ("url", "service") if fields.get(name) is None]
        if missing:
            raise MissingFields(missing)
        if not isinstance(fields["url"], str):
            raise InvalidField("url", "must be a string")
        location = parse(fields["url"])
        known = {name: value for name, value in fields.items() if value is not None}
        upload = UploadRequest.parse(
            {"fileName": _name_in(location), "contentType": "image/jpeg", **known, "fileSize": 1},
            max_bytes,
        )
        return cls(location, upload.content_type if "contentType" in known else None, upload)

    def type_of(self, answered: str) -> str:
        """Return the type of the file.

        Args:
            answered: what the server says that it is.

        Raises:
            UnsupportedMime: it is of none that may be uploaded.
            ContentMismatch: the caller says that it is of another.
        """
        answered = media_type(answered)
        answered = _OTHER_NAMES.get(answered, answered)
        if self.content_type is not None and answered in _UNKNOWN_TYPES:
            return self.content_type
        if answered not in MEDIA_TYPES:
            raise UnsupportedMime("url", f"must give one of {', '.join(MEDIA_TYPES)}")
        if self.content_type not in (None, answered):
            raise ContentMismatch(f"The URL gives {answered}, and contentType says otherwise.")
        return answered


class IngestService:
    """Fetches files.

    Args:
        uploads: makes files of what was stored.
        store: where the bytes go.
        http: other people's servers.
        streams: collects what has no length.
        clock: what time it is.
        limiter: counts ingests, by scope.
        guard: what may be fetched.
        resolver: finds the addresses of names.
        max_bytes: the largest file of each kind, in bytes.
        timeout: how long an ingest may take, in milliseconds.
    """

    def __init__(
        self,
        uploads: UploadService,
        store: ObjectStore,
        http: HttpClient,
        streams: Streams,
        clock: Clock,
        limiter: RateLimiter,
        guard: Guard,
        resolver: Resolver,
        max_bytes: Mapping[str, int],
        timeout: int,
    ) -> None:
        self._uploads = uploads
        self._store = store
        self._http = http
        self._streams = streams
        self._clock = clock
        self._limiter = limiter
        self._guard = guard
        self._resolver = resolver
        self._max_bytes = max_bytes
        self._timeout = timeout

    async def ingest(
        self, identity: Identity, request: IngestRequest, claim: Claim | None = None
    ) -> MediaFile:
        """Fetch a file and make an uploaded one of it.

        Costs, for each server that is asked, a request, and two more where it has a name; then
        a row written, one class A operation, and what `UploadService.accept` costs. With a claim
        six statements more, and one more if it fails; a repetition costs six and nothing else.

        Args:
            identity: who asks.
            request: what for.
            claim: the request's own name: what it fetched before is not fetched again.

        Raises:
            Forbidden: the caller may not write.
            RateLimited: there were too many, or too many at once.
            SsrfBlocked: the URL, or a redirect, leads to where nothing is fetched from.
            RedirectLoop: there were more than `MOST_REDIRECTS` redirects.
            SourceUnavailable: no file came.
            UnsupportedMime: or `FileTooLarge`, `ContentMismatch`: the file is not one that may be
                uploaded.
            IdempotencyKeyReused: another request had that name.
            IdempotencyKeyInUse: the request of that name is still running.
            MediaGone: what it made was deleted.
        """
        identity.require(WRITE)
        if not await self._limiter.allow(identity.scope):
            raise RateLimited
        deadline = self._clock.now() + self._timeout
        if claim is None:
            return await self._fetch(identity, request, deadline, self._uploads.begin)
        held = await self._uploads.hold(claim, deadline + LATE_MS)
        if isinstance(held, MediaFile):
            return held
        begin = partial(self._uploads.begin_held, claim=claim, identifier=held)
        try:
            return await self._fetch(identity, request, deadline, begin)
        except Exception:
            await self._uploads.release(claim, held)
            raise

    async def _fetch(
        self, identity: Identity, request: IngestRequest, deadline: int, begin: Begin
    ) -> MediaFile:
        answer = await self._follow(request.location, deadline)
        try:
            upload = self._declare(request, answer)
        except Exception:
            answer.body.cancel()
            raise
        body = answer.body
        if upload.file_size == 0:
            upload, body = await self._collect(upload, body)
        try:
            file = await begin(identity, upload, deadline)
        except Exception:
            body.cancel()
            raise
        return await self._uploads.accept(file, await self._store_bytes(file, body))

    async def _follow(self, location: Location, deadline: int) -> HttpAnswer:
        """Return the first answer that is no redirect, with its body unread."""
        for _ in range(MOST_REDIRECTS + 1):
            if not self._guard.excepts(location):
                await self._admit(location, deadline)
            answer = await self._ask(location, deadline)
            if answer.status == 200:
                return answer
            answer.body.cancel()
            target = answer.headers.get("location")
            if answer.status not in _REDIRECTS or target is None:
                raise SourceUnavailable(reason=f"status {answer.status}")
            try:
                location = location.follow(target)
            except InvalidField as error:
                raise SourceUnavailable(reason=f"a redirect: {error.message}") from None
        raise RedirectLoop("url", f"redirects more than {MOST_REDIRECTS} times")

    async def _admit(self, location: Location, deadline: int) -> None:
        self._guard.admit(location)
        if isinstance(location.host, str):
            timeout = min(self._left(deadline), PATIENCE_MS)
            try:
                addresses = await self._resolver.resolve(location.host, timeout=timeout)
            except Unresolved as error:
                raise SourceUnavailable(reason=error.reason) from error
            self._guard.admit_addresses(addresses)

    async def _ask(self, location: Location, deadline: int) -> HttpAnswer:
        left = self._left(deadline)
        request = HttpRequest("GET", location.url, _HEADERS)
        try:
            return await self._http.send(request, timeout=left, patience=min(left, PATIENCE_MS))
        except HttpUnreachable as error:
            # What the platform says can have the URL in it, and a URL can have a secret.
            raise SourceUnavailable(reason="no answer") from error

    def _left(self, deadline: int) -> int:
        """Return how many milliseconds there still are."""
        left = deadline - self._clock.now()
        if left <= 0:
            raise SourceUnavailable(reason="the time was up")
        return left

    def _declare(self, request: IngestRequest, answer: HttpAnswer) -> UploadRequest:
        """Return the upload as the answer's headers describe it, with a size of 0 if they do not
        tell how many bytes will come."""
        content_type = request.type_of(answer.headers.get("content-type") or "")
        encoding = (answer.headers.get("content-encoding") or "identity").strip().lower()
        announced = (answer.headers.get("content-length") or "")[:20]
        if encoding != "identity":
            if encoding not in _ENCODINGS:
                raise SourceUnavailable(reason="an unknown content encoding")
            # What it announces is the length of something else.
            announced = ""
        upload = replace(request.upload, content_type=content_type, file_size=0)
        if not (announced.isascii() and announced.isdecimal()):
            return upload
        if int(announced) > self._most(upload):
            raise FileTooLarge("url", f"must give at most {self._most(upload)} bytes for this type")
        if int(announced) == 0:
            raise ContentMismatch("The URL gives an empty file.")
        return replace(upload, file_size=int(announced))

    async def _collect(
        self, upload: UploadRequest, body: ByteStream
    ) -> tuple[UploadRequest, ByteStream]:
        """Return the upload with its size, and a stream of the bytes."""
        most = min(self._most(upload), MOST_UNANNOUNCED)
        try:
            collected = await self._streams.collect(body, most)
        except TooLong:
            raise FileTooLarge(
                "url", f"must give at most {most} bytes where their number is not announced"
            ) from None
        except BrokenOff as error:
            raise SourceUnavailable(reason="the body broke off") from error
        except NoRoom:
            raise RateLimited from None
        if collected.size == 0:
            collected.body.cancel()
            raise ContentMismatch("The URL gives an empty file.")
        return replace(upload, file_size=collected.size), collected.body

    async def _store_bytes(self, file: MediaFile, body: ByteStream) -> ObjectInfo:
        try:
            stored = await self._store.write(
                file.key,
                body,
                file.file_size,
                ObjectHead(file.content_type, content_disposition("inline", file.file_name)),
                once=True,
            )
        except BrokenOff as error:
            await self._uploads.give_up(file)
            raise SourceUnavailable(reason="the body broke off") from error
        except R2Unavailable:
            await self._uploads.give_up(file)
            raise
        if stored is None:
            raise MediaGone(reason="its key is taken")
        return stored

    def _most(self, upload: UploadRequest) -> int:
        return self._max_bytes[MEDIA_TYPES[upload.content_type].kind]


def _name_in(location: Location) -> str:
    """Return the file name that a URL ends in, or what stands for one."""
    path = location.target.partition("?")[0]
    return clean_filename(unquote(path.rpartition("/")[2]))
