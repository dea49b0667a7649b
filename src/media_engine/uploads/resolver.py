"""The addresses of a name, asked of a resolver over HTTPS (RFC 8484)."""

from collections.abc import Sequence

from media_engine.ports import HttpClient, HttpRequest, HttpUnreachable
from media_engine.uploads.address import IpAddress
from media_engine.uploads.dns import (
    MAX_BYTES,
    MEDIA_TYPE,
    BadAnswer,
    RecordType,
    addresses,
    question,
)


class Unresolved(Exception):
    """Nobody knows which addresses a name has.

    Args:
        reason: why, for the log.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Resolver:
    """Resolves names.

    Args:
        http: other people's servers.
        url: the resolver's, such as `https://cloudflare-dns.com/dns-query`.
    """

    def __init__(self, http: HttpClient, url: str) -> None:
        self._http = http
        self._url = url

    async def resolve(self, name: str, *, timeout: int) -> Sequence[IpAddress]:
        """Return all addresses of a name, of both kinds. Two requests.

        Args:
            name: in ASCII and small letters, without a dot at its end.
            timeout: how many milliseconds each request may take.

        Raises:
            Unresolved: there is no such name, or not everything is known of it.
        """
        found: list[IpAddress] = []
        for record in RecordType:
            found += await self._ask(question(name, record), timeout)
        if not found:
            raise Unresolved("the name has no address")
        return found

    async def _ask(self, message: bytes, timeout: int) -> Sequence[IpAddress]:
        headers = {"Content-Type": MEDIA_TYPE, "Accept": MEDIA_TYPE}
        request = HttpRequest("POST", self._url, headers, message)
        try:
            answer = await self._http.send(request, timeout=timeout)
            content = await answer.read(MAX_BYTES)
            if answer.status != 200:
                raise Unresolved(f"the resolver answered {answer.status}")
            return addresses(content)
        except HttpUnreachable as error:
            raise Unresolved("the resolver did not answer") from error
        except BadAnswer as error:
            raise Unresolved(f"the resolver's answer is none: {error}") from error
