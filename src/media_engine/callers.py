"""Who calls: a backend with the gateway's key, a Worker with a binding, a browser with a token.

What is routed through here is only reached by who may. The caller becomes the second argument of
each handler, and each call a line in the log.
"""

from collections.abc import Callable, Iterable

from media_engine.errors import MediaError, Unauthorized
from media_engine.http.cors import sending_headers
from media_engine.http.message import Request, Response
from media_engine.http.router import Handler, Route
from media_engine.journal import Journal
from media_engine.ports import Clock
from media_engine.settings import BINDINGS, Settings
from media_engine.signing.gateway import Identity
from media_engine.signing.upload_token import verify as verify_upload_token
from media_engine.transfers.sender import Sender


class Callers:
    """Puts callers into routes.

    Args:
        settings: the keys by which they are known, and the origins whose pages may send.
        clock: tells whether a token has expired, and how long a call took.
        journal: is told of each call.
    """

    def __init__(self, settings: Settings, clock: Clock, journal: Journal) -> None:
        self._settings = settings
        self._clock = clock
        self._journal = journal

    def by_gateway(self, routes: Iterable[Route]) -> Iterable[Route]:
        """Let backends in that have a gateway key; handlers get an `Identity`.

        Raises:
            Unauthorized: when called, the key is missing or wrong.
            InvalidField: when called, who it is for cannot be read.
        """
        return (self._identified(route, self._from_gateway) for route in routes)

    def by_binding(self, routes: Iterable[Route]) -> Iterable[Route]:
        """Let everybody in, where only a service binding leads; handlers get an `Identity`."""
        return (self._identified(route, self._from_binding) for route in routes)

    def by_header(self, routes: Iterable[Route]) -> Iterable[Route]:
        """Let in who has an upload token in `Authorization`, or is a backend; handlers get a
        `Sender`, and pages of the allowed origins can read what they answer.

        Raises:
            TokenRefused: when called, the token does not count.
            Unauthorized: when called, there is neither a token nor a gateway key.
        """
        return (self._sending(route, self._from_header) for route in routes)

    def by_path(self, routes: Iterable[Route]) -> Iterable[Route]:
        """Let in who has an upload token in the path, `/u/<token>/…`; as `by_header`."""
        return (self._sending(route, self._from_path) for route in routes)

    def _identified(self, route: Route, identify: Callable[[Request], Identity]) -> Route:
        event = _event(route)

        async def handle(request: Request, **params: str) -> Response:
            started = self._clock.now()
            identity = identify(request)
            response = await route.handler(request, identity, **params)
            self._called(event, request, identity, response, started)
            return response

        return _led_to(handle, route)

    def _sending(self, route: Route, identify: Callable[[Request], Sender]) -> Route:
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
            self._called(event, request, sender.identity, response, started)
            return response

        return _led_to(handle, route)

    def _called(
        self, event: str, request: Request, who: Identity, response: Response, started: int
    ) -> None:
        duration = self._clock.now() - started
        self._journal.called(event, request.request_id, who, response.status, duration)

    def _from_gateway(self, request: Request) -> Identity:
        self._settings.require("GATEWAY_KEYS", *BINDINGS)
        if not self._settings.gateway_keys.accepts(request.headers.get("x-gateway-key")):
            raise Unauthorized("x-gateway-key is missing or wrong.")
        return Identity.from_headers(request.headers.get)

    def _from_binding(self, request: Request) -> Identity:
        self._settings.require(*BINDINGS)
        return Identity.from_headers(request.headers.get)

    def _from_header(self, request: Request) -> Sender:
        scheme, _, token = (request.headers.get("authorization") or "").partition(" ")
        if scheme.lower() == "bearer":
            return self._from_token(token.strip())
        return Sender(self._from_gateway(request))

    def _from_path(self, request: Request) -> Sender:
        return self._from_token(request.path.split("/", 3)[2])

    def _from_token(self, token: str) -> Sender:
        self._settings.require("MEDIA_TOKEN_KEYS", *BINDINGS)
        now = self._clock.now() // 1000
        return Sender.from_claims(verify_upload_token(token, self._settings.token_keys, now))


def _led_to(handler: Handler, route: Route) -> Route:
    return Route(route.method, route.pattern, handler)


def _event(route: Route) -> str:
    """Return what the log calls a call: by its path, and by its verb where the path has an id."""
    segments = route.pattern.removeprefix("/media").split("/")
    place = ".".join(segment for segment in segments if segment[:1] != "{")
    return f"media{place}" + (f".{route.method.lower()}" if "{" in route.pattern else "")
