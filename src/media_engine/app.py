"""The composition root: the only place that wires ports to slices.

Everything that can come is here: requests for the public routes and for those that only a service
binding reaches, calls over RPC (rpc.py), the queue's messages, and the cron. An error becomes a
response here, once, and a line in the log.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import TypeAlias

from media_engine import __version__
from media_engine.callers import Callers
from media_engine.delivery.admission import Admission
from media_engine.delivery.handlers import DeliveryHandlers
from media_engine.delivery.queries import DeliveryQueries
from media_engine.delivery.service import DeliveryService
from media_engine.errors import MediaError, Unforeseen
from media_engine.housekeeping.handlers import HousekeepingHandlers
from media_engine.housekeeping.model import Due, Ending
from media_engine.housekeeping.queries import HousekeepingQueries
from media_engine.housekeeping.service import HousekeepingService
from media_engine.http.cors import SENDING_METHODS, sending_preflight
from media_engine.http.envelope import error_response, json_response
from media_engine.http.message import Request, Response
from media_engine.http.router import Route, Router
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
from media_engine.rpc import Rpc
from media_engine.settings import BINDINGS, OPTIONAL_BINDINGS, Settings
from media_engine.sharing.handlers import SharingHandlers
from media_engine.sharing.queries import SharingQueries
from media_engine.sharing.service import SharingService
from media_engine.signing.gateway import Identity
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
from media_engine.transfers.tus_handlers import TusHandlers
from media_engine.transfers.whole_handlers import WholeHandlers
from media_engine.uploads.address import Guard
from media_engine.uploads.examination import Examiner
from media_engine.uploads.handlers import UploadHandlers
from media_engine.uploads.ingest import IngestService
from media_engine.uploads.limits import PROFILES
from media_engine.uploads.model import UploadRequest
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

    Attributes:
        rpc: answers another Worker's calls.
    """

    def __init__(self, settings: Settings, world: World) -> None:
        self._settings = settings
        self._journal = Journal(world.write_line)
        callers = Callers(settings, world.clock, self._journal)
        upload_queries = UploadQueries(
            world.database, Quota.of(*settings.tenant_quota), Quota.of(*settings.user_quota)
        )
        upload_service = UploadService(
            upload_queries,
            world.store,
            Examiner(upload_queries, world.store, PROFILES[settings.profile], world.background),
            world.presign_limiter,
            world.clock,
            world.entropy,
            settings.s3,
        )
        ingest = IngestService(
            upload_service,
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
        uploads = UploadHandlers(upload_service, ingest, settings)
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
        library = LibraryHandlers(LibraryService(library_queries, settings, world.clock), removal)
        self._transfers = Transfers(
            settings, world, transfer_queries, ender, upload_service, removal.delete
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
                *callers.by_gateway(uploads.routes()),
                *callers.by_gateway(sharing.routes()),
                *callers.by_gateway(library.routes()),
                *callers.by_gateway(self._transfers.opening.routes()),
                *callers.by_gateway(inventory.routes()),
                *callers.by_gateway(HousekeepingHandlers(self._housekeeping).routes()),
                *callers.by_header(self._transfers.routes()),
                *self._preflights(self._transfers.routes()),
                *(Route(verb, "/u/*", self._with_path_token) for verb in SENDING_METHODS),
                Route("OPTIONS", "/u/*", self._preflight),
            )
        )
        tokened = (*self._transfers.routes(), *self._transfers.opening.token_routes())
        self._tokened = Router((*callers.by_path(tokened), *self._preflights(tokened)))
        self._internal = Router(callers.by_binding(library.internal_routes()))
        self.rpc = Rpc(
            settings,
            world.clock,
            world.entropy,
            self._journal,
            uploads,
            self._transfers.opening,
            library,
        )

    async def fetch(self, request: Request) -> Response:
        """Answer the internet."""
        return await self._answer(self._public, request)

    async def fetch_internal(self, request: Request) -> Response:
        """Answer a Worker that has this one as a service binding."""
        return await self._answer(self._internal, request)

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

    def _preflights(self, routes: Iterable[Route]) -> Iterable[Route]:
        """Return the routes by which a browser asks whether a page may send what these take."""
        for pattern in dict.fromkeys(route.pattern for route in routes):
            yield Route("OPTIONS", pattern, self._preflight)

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
        self._whole = WholeHandlers(self.opening, world.streams)
        self._chunked = ChunkedHandlers(self.opening, world.streams, self.cleaner.run, remove)

    def routes(self) -> Iterable[Route]:
        """Return the routes for whoever sends."""
        yield from self._multipart.routes()
        yield from self._chunked.routes()
        yield from self._whole.routes()
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
