"""The composition root: the only place that wires ports to slices.

Everything that a request can come to is here: the public routes, the routes that only a service
binding reaches, the calls over RPC, the queue's messages, and the cron. An error becomes a response
here, once, and a line in the log.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TypeAlias

from media_engine import __version__
from media_engine.delivery.admission import Admission
from media_engine.delivery.handlers import DeliveryHandlers
from media_engine.delivery.queries import DeliveryQueries
from media_engine.delivery.service import DeliveryService
from media_engine.errors import MediaError, Unauthorized, Unforeseen
from media_engine.housekeeping.handlers import HousekeepingHandlers
from media_engine.housekeeping.model import Due, Ending
from media_engine.housekeeping.queries import HousekeepingQueries
from media_engine.housekeeping.service import HousekeepingService
from media_engine.http.cors import SENDING_METHODS, sending_headers, sending_preflight
from media_engine.http.envelope import envelope, error_response, json_response
from media_engine.http.message import Request, Response
from media_engine.http.router import Handler, Route, Router
from media_engine.inventory.handlers import InventoryHandlers
from media_engine.inventory.queries import InventoryQueries
from media_engine.inventory.service import InventoryService
from media_engine.journal import Journal, WriteLine
from media_engine.library.handlers import LibraryHandlers
from media_engine.library.queries import LibraryQueries
from media_engine.library.removal import RemovalService
from media_engine.library.service import LibraryService
from media_engine.ports import (
    Background,
    Cache,
    Clock,
    Database,
    Delivery,
    Entropy,
    HttpClient,
    ObjectStore,
    Queue,
    QueueUnavailable,
    RateLimiter,
    Streams,
)
from media_engine.purging.service import PurgeService
from media_engine.settings import BINDINGS, OPTIONAL_BINDINGS, Settings
from media_engine.sharing.handlers import SharingHandlers
from media_engine.sharing.queries import SharingQueries
from media_engine.sharing.service import SharingService
from media_engine.signing.gateway import Identity
from media_engine.signing.upload_token import verify as verify_upload_token
from media_engine.transfers.chunked_handlers import ChunkedHandlers
from media_engine.transfers.cleaning import TransferCleaner
from media_engine.transfers.ending import TransferEnder
from media_engine.transfers.finishing import TransferFinisher
from media_engine.transfers.handlers import TransferHandlers
from media_engine.transfers.model import Stage
from media_engine.transfers.multipart_handlers import MultipartHandlers
from media_engine.transfers.opening import TransferOpener
from media_engine.transfers.plan import BATCH as MOST_TRANSFERS
from media_engine.transfers.queries import TransferQueries
from media_engine.transfers.receiving import TransferReceiver
from media_engine.transfers.sender import Sender
from media_engine.transfers.tus_handlers import TusHandlers
from media_engine.uploads.address import Guard
from media_engine.uploads.examination import Examiner
from media_engine.uploads.handlers import UploadHandlers
from media_engine.uploads.ingest import IngestService
from media_engine.uploads.limits import PROFILES
from media_engine.uploads.model import NANOID_LENGTH, UploadRequest, nanoid
from media_engine.uploads.queries import UploadQueries
from media_engine.uploads.quota import Quota
from media_engine.uploads.resolver import Resolver
from media_engine.uploads.service import UploadService

Purge: TypeAlias = Callable[[Sequence[str]], Awaitable[None]]
"""Takes the copies of files out of caches; raises `QueueUnavailable`."""


@dataclass(frozen=True, slots=True)
class World:
    """What the engine stands on: an implementation for each port.

    Attributes:
        store: the bytes.
        cache: copies of them at the edge.
        streams: joins streams of them.
        database: the metadata.
        queue: work for later.
        http: other people's servers.
        clock: what time it is.
        entropy: where ids come from.
        ingest_limiter: counts files that are fetched for somebody.
        guess_limiter: counts keys that were guessed wrong.
        presign_limiter: counts what each scope presigns.
        background: does what goes on behind an answer.
        write_line: takes one event for the log.
    """

    store: ObjectStore
    cache: Cache
    streams: Streams
    database: Database
    queue: Queue
    http: HttpClient
    clock: Clock
    entropy: Entropy
    ingest_limiter: RateLimiter
    guess_limiter: RateLimiter
    presign_limiter: RateLimiter
    background: Background
    write_line: WriteLine


class App:
    """The engine, wired.

    Args:
        settings: what was configured.
        world: what it stands on.
    """

    def __init__(self, settings: Settings, world: World) -> None:
        self._settings = settings
        self._clock = world.clock
        self._entropy = world.entropy
        self._journal = Journal(world.write_line)
        upload_queries = UploadQueries(
            world.database, Quota.of(*settings.tenant_quota), Quota.of(*settings.user_quota)
        )
        uploads = UploadService(
            upload_queries,
            world.store,
            Examiner(upload_queries, world.store, PROFILES[settings.profile], world.background),
            world.presign_limiter,
            world.clock,
            world.entropy,
            settings.s3,
        )
        ingest = IngestService(
            uploads,
            world.store,
            world.http,
            world.streams,
            world.clock,
            world.ingest_limiter,
            Guard(
                settings.ingest.ports,
                settings.ingest.denied_hosts,
                settings.ingest.development_hosts,
            ),
            Resolver(world.http, settings.ingest.resolver_url),
            settings.max_bytes,
            settings.ingest.timeout,
        )
        self._uploads = UploadHandlers(uploads, ingest, settings)
        transfer_queries = TransferQueries(world.database)
        ender = TransferEnder(transfer_queries, world.store, world.clock)
        standings = DeliveryQueries(world.database)
        admission = Admission(standings, settings, world.clock, world.guess_limiter)
        self._purging = PurgeService(world.cache, world.queue, world.http, settings.purge)
        library_queries = LibraryQueries(world.database)
        removal = RemovalService(
            library_queries,
            world.store,
            world.clock,
            ender.interrupt,
            self._told(self._purging.withdraw),
            admission.forget_files,
        )
        self._library = LibraryHandlers(
            LibraryService(library_queries, settings, world.clock), removal
        )
        self._transfers = Transfers(
            settings, world, transfer_queries, ender, uploads, removal.delete
        )
        self._housekeeping = HousekeepingService(
            HousekeepingQueries(world.database),
            world.store,
            world.clock,
            ender.interrupt,
            self._told(self._purging.purge),
            self._transfers.ending,
        )
        inventory = InventoryHandlers(
            InventoryService(
                InventoryQueries(world.database),
                world.store,
                world.clock,
                settings.key_prefixes,
                admission.forget_files,
            ),
            settings,
        )
        sharing = SharingHandlers(
            SharingService(
                SharingQueries(world.database),
                settings,
                world.clock,
                world.entropy,
                admission.forget_token,
            )
        )
        delivery = DeliveryHandlers(
            admission,
            DeliveryService(
                world.store, world.cache, standings, world.streams, settings.cache_bytes
            ),
            settings,
            world.entropy,
        )
        self._public = Router(
            (
                *delivery.routes(),
                Route("GET", "/health", self._health),
                *self._identified(self._uploads.routes(), self._from_gateway),
                *self._identified(sharing.routes(), self._from_gateway),
                *self._identified(self._library.routes(), self._from_gateway),
                *self._identified(self._transfers.opening.routes(), self._from_gateway),
                *self._identified(inventory.routes(), self._from_gateway),
                *self._identified(
                    HousekeepingHandlers(self._housekeeping).routes(), self._from_gateway
                ),
                *self._sent(self._transfers.routes(), self._from_sender),
                *(Route(verb, "/u/*", self._with_path_token) for verb in SENDING_METHODS),
                Route("OPTIONS", "/u/*", self._preflight),
            )
        )
        tokened = (*self._transfers.routes(), *self._transfers.opening.token_routes())
        self._tokened = Router(self._sent(tokened, self._from_path_token))
        self._internal = Router(
            self._identified(self._library.internal_routes(), self._from_binding)
        )

    async def fetch(self, request: Request) -> Response:
        """Answer the internet."""
        return await self._answer(self._public, request)

    async def fetch_internal(self, request: Request) -> Response:
        """Answer a Worker that has this one as a service binding."""
        return await self._answer(self._internal, request)

    async def presign(
        self, identity: object, fields: object, key: object = None
    ) -> dict[str, object]:
        """Sign an upload over RPC: as `POST /upload/presign`, an error as its envelope."""
        return await self._call(
            "presign",
            identity,
            lambda who: self._uploads.presign_fields(who, _members(fields), key),
        )

    async def open(self, identity: object, fields: object, key: object = None) -> dict[str, object]:
        """Open a transfer over RPC: as `POST /upload/open`."""
        return await self._call(
            "open",
            identity,
            lambda who: self._transfers.opening.open_named(who, _members(fields), key),
        )

    async def token(self, identity: object, media_id: object) -> dict[str, object]:
        """Mint another token for a transfer over RPC: as `POST /upload/token`."""
        return await self._call(
            "token", identity, lambda who: self._transfers.opening.renew_id(who, media_id)
        )

    async def ingest(
        self, identity: object, fields: object, key: object = None
    ) -> dict[str, object]:
        """Fetch a file over RPC: as `POST /upload/ingest-url`."""
        return await self._call(
            "ingest", identity, lambda who: self._uploads.ingest_fields(who, _members(fields), key)
        )

    async def complete(self, identity: object, media_id: object) -> dict[str, object]:
        """Complete an upload over RPC: as `PATCH /upload/complete`."""
        return await self._call(
            "complete", identity, lambda who: self._uploads.complete_id(who, media_id)
        )

    async def resolve(self, identity: object, ids: object) -> dict[str, object]:
        """Turn ids into URLs over RPC: as `POST /internal/resolve`."""
        return await self._call(
            "resolve", identity, lambda who: self._library.resolve_ids(who, ids)
        )

    async def delete(
        self, identity: object, media_id: object, revision: object = None
    ) -> dict[str, object]:
        """Delete a file over RPC: as `DELETE /files/{id}`."""
        return await self._call(
            "delete", identity, lambda who: self._library.delete_id(who, media_id, revision)
        )

    async def update(self, identity: object, media_id: object, fields: object) -> dict[str, object]:
        """Change a file over RPC: as `PATCH /files/{id}`."""
        return await self._call(
            "update",
            identity,
            lambda who: self._library.update_id(who, media_id, _members(fields)),
        )

    async def consume(self, deliveries: Sequence[Delivery]) -> None:
        """Do the work that a batch of the queue's messages asks for."""
        self._journal.purged(await self._purging.consume(deliveries))

    async def clean(self) -> None:
        """Do one run of housekeeping."""
        self._settings.require(*BINDINGS)
        # Transfers first: a file's row stays while a transfer for it is there.
        transfers = await self._transfers.cleaner.run()
        report = await self._housekeeping.run()
        self._journal.cleaned({**asdict(report), "transfers": transfers})

    def _told(self, purge: Purge) -> Purge:
        """Return what does the same, and tells the log if the queue does not answer."""

        async def purge_and_tell(keys: Sequence[str]) -> None:
            try:
                await purge(keys)
            except QueueUnavailable as error:
                self._journal.not_queued(error)
                raise

        return purge_and_tell

    async def _health(self, request: Request) -> Response:
        problems = self._settings.problems
        return json_response(
            200,
            {
                "status": "degraded" if problems else "ok",
                "service": "media",
                "version": __version__,
                "bindings": {
                    name: name not in problems for name in (*BINDINGS, *OPTIONAL_BINDINGS)
                },
                "problems": [problem.message for problem in problems.values()],
            },
            request.request_id,
        )

    async def _answer(self, router: Router, request: Request) -> Response:
        try:
            handler, params = router.find(request.method, request.path)
            return await handler(request, **params)
        except MediaError as error:
            self._journal.refused(error, request.request_id, request.method, request.path)
            return error_response(error, request.request_id)
        except Exception as error:
            self._journal.crashed(error, request.request_id, request.method, request.path)
            return error_response(Unforeseen(), request.request_id)

    def _identified(
        self, routes: Iterable[Route], identify: Callable[[Request], Identity]
    ) -> Iterable[Route]:
        """Put the caller's identity into the call of each handler, and the call into the log."""
        for route in routes:
            yield Route(route.method, route.pattern, self._with_identity(route, identify))

    def _with_identity(self, route: Route, identify: Callable[[Request], Identity]) -> Handler:
        event = _event(route)

        async def handle(request: Request, **params: str) -> Response:
            started = self._clock.now()
            identity = identify(request)
            response = await route.handler(request, identity, **params)
            duration = self._clock.now() - started
            self._journal.called(event, request.request_id, identity, response.status, duration)
            return response

        return handle

    def _sent(
        self, routes: Iterable[Route], identify: Callable[[Request], Sender]
    ) -> Iterable[Route]:
        """Put the sender into the call of each handler, the call into the log, and let pages of
        the allowed origins read the answer.
        """
        answered = set()
        for route in routes:
            yield Route(route.method, route.pattern, self._with_sender(route, identify))
            if route.pattern not in answered:
                answered.add(route.pattern)
                yield Route("OPTIONS", route.pattern, self._preflight)

    def _with_sender(self, route: Route, identify: Callable[[Request], Sender]) -> Handler:
        event = _event(route)

        async def handle(request: Request, **params: str) -> Response:
            started = self._clock.now()
            origins = self._settings.upload_origins
            headers = sending_headers(request.headers.get("origin"), origins)
            try:
                sender = identify(request)
                response = await route.handler(request, sender, **params)
            except MediaError as error:
                error.headers |= headers
                raise
            response.headers |= headers
            duration = self._clock.now() - started
            self._journal.called(
                event, request.request_id, sender.identity, response.status, duration
            )
            return response

        return handle

    async def _preflight(self, request: Request, **params: str) -> Response:
        """Answer a preflight; below `/files/tus`, say what of tus is spoken, too."""
        del params  # Whatever the path leads to.
        allowed = self._settings.upload_origins
        response = sending_preflight(request.headers.get("origin"), allowed)
        if "/files/tus" in request.path:
            response.headers |= self._transfers.tus.describe()
        return response

    async def _with_path_token(self, request: Request, rest: str) -> Response:
        """Answer `/u/<token>/…`, for clients that can send no header."""
        _, slash, path = rest.partition("/")
        handler, params = self._tokened.find(request.method, slash + path)
        return await handler(request, **params)

    def _from_path_token(self, request: Request) -> Sender:
        return self._from_token(request.path.split("/", 3)[2])

    def _from_sender(self, request: Request) -> Sender:
        scheme, _, token = (request.headers.get("authorization") or "").partition(" ")
        if scheme.lower() == "bearer":
            return self._from_token(token.strip())
        return Sender(self._from_gateway(request))

    def _from_token(self, token: str) -> Sender:
        self._settings.require("MEDIA_TOKEN_KEYS", *BINDINGS)
        now = self._clock.now() // 1000
        return Sender.from_claims(verify_upload_token(token, self._settings.token_keys, now))

    def _from_gateway(self, request: Request) -> Identity:
        self._settings.require("GATEWAY_KEYS", *BINDINGS)
        if not self._settings.gateway_keys.accepts(request.headers.get("x-gateway-key")):
            raise Unauthorized("x-gateway-key is missing or wrong.")
        return Identity.from_headers(request.headers.get)

    def _from_binding(self, request: Request) -> Identity:
        self._settings.require(*BINDINGS)
        return Identity.from_headers(request.headers.get)

    async def _call(
        self,
        name: str,
        identity: object,
        work: Callable[[Identity], Awaitable[dict[str, object]]],
    ) -> dict[str, object]:
        """Do a call over RPC. What HTTP would answer with an error's status comes as its body."""
        request_id = nanoid(self._entropy(NANOID_LENGTH))
        started = self._clock.now()
        try:
            self._settings.require(*BINDINGS)
            who = Identity.from_mapping(_members(identity))
            answer = await work(who)
        except MediaError as error:
            self._journal.refused(error, request_id, "RPC", name)
            return envelope(error, request_id)
        except Exception as error:
            self._journal.crashed(error, request_id, "RPC", name)
            return envelope(Unforeseen(), request_id)
        self._journal.called(f"media.rpc.{name}", request_id, who, 200, self._clock.now() - started)
        return answer


class Transfers:
    """The handlers that take large and many files, wired.

    Args:
        settings: what was configured.
        world: what it stands on.
        queries: the transfers' rows.
        ender: lets go of transfers.
        uploads: writes the rows of files, and completes them.
        remove: deletes a file.

    Attributes:
        opening: opens transfers.
        tus: what `/files/tus` answers.
        cleaner: takes away what is over.
    """

    def __init__(
        self,
        settings: Settings,
        world: World,
        queries: TransferQueries,
        ender: TransferEnder,
        uploads: UploadService,
        remove: Callable[[Identity, str], Awaitable[None]],
    ) -> None:
        opener = TransferOpener(queries, world.clock, world.entropy, uploads.begin)
        finisher = TransferFinisher(queries, world.store, world.clock, uploads.complete)
        receiver = TransferReceiver(
            queries, world.store, world.streams, world.clock, world.entropy, opener, finisher
        )
        self.cleaner = TransferCleaner(queries, ender, world.clock)
        self.opening = TransferHandlers(
            opener,
            receiver,
            finisher,
            ender,
            settings,
            world.clock,
            lambda fields: UploadRequest.parse(fields, settings.max_bytes),
        )
        self.tus = TusHandlers(self.opening, world.store, world.streams)
        self._multipart = MultipartHandlers(self.opening, world.streams)
        self._chunked = ChunkedHandlers(self.opening, world.streams, self.cleaner.run, remove)

    def routes(self) -> Iterable[Route]:
        """Return the routes for whoever sends."""
        yield from self._multipart.routes()
        yield from self._chunked.routes()
        yield from self.tus.routes()

    async def ending(self) -> Ending:
        """Return what the cleaner would take away now, and the files that go with it."""
        over = await self.cleaner.over()
        return Ending(
            Due(
                len(over),
                len(over) == MOST_TRANSFERS,
                min((transfer.expires_at for transfer in over), default=None),
            ),
            [transfer.id for transfer in over],
            [
                transfer.media_id
                for transfer in over
                if transfer.stage is not Stage.DONE and not transfer.is_partial
            ],
        )


def _event(route: Route) -> str:
    """Return what the log calls a call: by its path, and by its verb where the path has an id."""
    segments = route.pattern.removeprefix("/media").split("/")
    place = ".".join(segment for segment in segments if segment[:1] != "{")
    return f"media{place}" + (f".{route.method.lower()}" if "{" in route.pattern else "")


def _members(value: object) -> Mapping[str, object]:
    """Return the members of an object that came over RPC; of anything else there are none."""
    return value if isinstance(value, Mapping) else {}
