"""An internet of a few names and files, with a resolver in it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import urlsplit

from media_engine.ports import HttpRequest
from tests.fakes import NoAnswer, Served
from tests.media import SMALLEST
from tests.messages import answer, name_in, record_in

RESOLVER = "https://cloudflare-dns.com/dns-query"
PNG = SMALLEST["image/png"]


def image(body: bytes = PNG, content_type: str = "image/png", **headers: str) -> Served:
    """Serve a file, with its length."""
    sent = {"content-type": content_type, "content-length": str(len(body))}
    return Served(200, {**sent, **headers}, body)


def without_length(served: Served) -> Served:
    """Serve the same in chunks."""
    headers = {name: value for name, value in served.headers.items() if name != "content-length"}
    return Served(served.status, headers, served.body, served.missing, served.hangs)


def redirect(location: str, status: int = 302) -> Served:
    return Served(status, {"location": location}, b"over there")


Page = Served | Callable[[], Served]


@dataclass
class Internet:
    """Plays every server there is.

    Attributes:
        names: the addresses of each name.
        pages: what is at each URL.
        resolved: which names were asked for, and which type of record.
        fetched: which URLs were asked for.
        resolver: what the resolver answers instead of the addresses.
    """

    pages: Mapping[str, Page] = field(default_factory=dict)
    names: Mapping[str, list[str]] = field(default_factory=dict)
    resolved: list[tuple[str, int]] = field(default_factory=list)
    fetched: list[str] = field(default_factory=list)
    resolver: Served | None = None
    seen: list[HttpRequest] = field(default_factory=list)

    def __call__(self, request: HttpRequest) -> Served:
        if request.url == RESOLVER:
            return self._resolve(request)
        self.fetched.append(request.url)
        self.seen.append(request)
        page = self.pages.get(request.url)
        if page is None:
            raise NoAnswer(hangs=False)
        return page if isinstance(page, Served) else page()

    def _resolve(self, request: HttpRequest) -> Served:
        name, record = name_in(request.body), record_in(request.body)
        self.resolved.append((name, record))
        if self.resolver is not None:
            return self.resolver
        assert request.method == "POST"
        assert request.headers["content-type"] == "application/dns-message"
        if name not in self.names and not self._has_page(name):
            return Served(200, {}, answer(request.body, [], code=3))
        known = [ip_address(text) for text in self.names.get(name, ["93.184.216.34"])]
        version: type[IPv4Address | IPv6Address] = IPv4Address if record == 1 else IPv6Address
        return Served(
            200, {}, answer(request.body, [one for one in known if isinstance(one, version)])
        )

    def _has_page(self, name: str) -> bool:
        return any(urlsplit(url).hostname == name for url in self.pages)
