"""Which URL may be fetched for somebody, and which address is public. Pure.

    url ─ parse ─ Location ─ Guard.admit ─┬ an address: is it public?
                                          └ a name: resolved elsewhere, then each of its addresses

A URL is read by two parsers, this one and the one of whoever fetches it, and where they disagree
the wrong host is asked. So nothing of the text is handed on: `Location.url` is written anew from
what was understood, with a host of plain letters and digits or an address in its canonical form,
about which no two parsers disagree. What the WHATWG's URL standard would repair (a backslash, a
tab, a missing slash) is refused; what it accepts as an IPv4 address (`0x7f.1`, `017700000001`,
`%31.0.0.1`, fullwidth digits) is understood as it does, and then is not public.

An IPv6 address is public only in the part that is given out to networks (2000::/3), and not in the
blocks of that which are reserved or carry an IPv4 address inside.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Final, TypeAlias
from unicodedata import ucd_3_2_0
from urllib.parse import quote, unquote_to_bytes, urljoin

from media_engine.errors import InvalidField, SsrfBlocked

IpAddress: TypeAlias = IPv4Address | IPv6Address

MAX_URL: Final = 2048
"""How long a URL may be, in characters."""

DEFAULT_PORTS: Final = {"http": 80, "https": 443}

_SPECIAL_IPV4: Final = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # this host on this network
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # shared by carriers
        "127.0.0.0/8",  # loopback
        "168.63.129.16/32",  # Azure's own services, for its machines
        "169.254.0.0/16",  # link-local, and the metadata of clouds
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # relays of 6to4
        "192.168.0.0/16",  # private
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
    )
)
_GLOBAL_IPV6: Final = IPv6Network("2000::/3")
_SPECIAL_IPV6: Final = tuple(
    IPv6Network(network)
    for network in (
        "2001::/23",  # protocol assignments: Teredo, ORCHID, benchmarks
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4
        "3fff::/20",  # documentation
    )
)

_PRIVATE_ZONES: Final = (
    "alt", "corp", "example", "home", "home.arpa", "internal", "intranet", "invalid", "lan",
    "local", "localdomain", "localhost", "onion", "private", "test",
)  # fmt: skip
"""Names that are nobody's on the internet: RFC 2606, 6761, 6762, 7686, 8375, 9476, ICANN's
`internal`, and what networks call themselves without asking."""

_AUTHORITY: Final = re.compile(r"(?i:(https?)://)([^/?#]+)([^#]*)")
_PORT: Final = re.compile(r"[0-9]{1,5}")
_NAME: Final = re.compile(r"(?=.{1,253}\Z)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*")
_NUMBER: Final = re.compile(r"[0-9]+|0[xX][0-9a-fA-F]*")

# What may stand in a target besides the letters and digits; all else is percent-encoded.
_TARGET: Final = "!\"#$%&'()*+,-./:;<=>?@[]^_`{|}~"

# The standard library has IDNA of 2003, with Unicode 3.2. These letters it maps to other names than
# browsers do (Cherokee got small letters later), and what came later it does not know. Who needs
# such a name can write it in ASCII (`xn--…`).
_DEVIATING: Final = re.compile("[ßς\u13a0-\u13ff]")
_DOT: Final = re.compile("[.\u3002\uff0e\uff61]")


@dataclass(frozen=True, slots=True)
class Location:
    """A URL that was understood.

    Attributes:
        scheme: `http` or `https`.
        host: a name in ASCII and small letters, without a dot at its end, or an address.
        port: where the server listens.
        target: path and query, percent-encoded, beginning with a slash.
    """

    scheme: str
    host: str | IpAddress
    port: int
    target: str

    @property
    def authority(self) -> str:
        """The host and always its port: `example.com:443`, `[2606:4700::1111]:80`."""
        host = f"[{self.host}]" if isinstance(self.host, IPv6Address) else self.host
        return f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """The URL that is fetched."""
        authority = self.authority
        if self.port == DEFAULT_PORTS[self.scheme]:
            authority = authority.rpartition(":")[0]
        return f"{self.scheme}://{authority}{self.target}"

    def follow(self, reference: str) -> "Location":
        """Return where a redirect leads.

        Args:
            reference: the value of its Location header (RFC 9110 §10.2.2).

        Raises:
            InvalidField: there is no URL there that can be fetched.
        """
        try:
            return parse(urljoin(self.url, reference))
        except ValueError:
            raise InvalidField("url", "cannot be read") from None


def parse(url: str) -> Location:
    """Understand a URL.

    Args:
        url: absolute.

    Raises:
        InvalidField: it is none, or not one that is fetched.
    """
    if len(url) > MAX_URL:
        raise InvalidField("url", f"must have at most {MAX_URL} characters")
    url = url.strip(" ")
    if not url.isprintable() or "\\" in url:
        raise InvalidField("url", "must have no control characters and no backslash")
    found = _AUTHORITY.fullmatch(url.partition("#")[0])
    if found is None:
        raise InvalidField("url", "must begin with http:// or https:// and a host")
    scheme, authority, target = found[1].lower(), found[2], found[3]
    if "@" in authority:
        raise InvalidField("url", "must have no user name and no password")
    host, port = _split(authority)
    if not target.startswith("/"):
        target = f"/{target}"
    return Location(scheme, _host(host), _port(port, scheme), quote(target, safe=_TARGET))


def is_public(address: IpAddress) -> bool:
    """Tell whether an address is one that anybody on the internet could reach."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _SPECIAL_IPV4)
    return (
        address.scope_id is None
        and address in _GLOBAL_IPV6
        and not any(address in network for network in _SPECIAL_IPV6)
    )


@dataclass(frozen=True, slots=True)
class Guard:
    """What may be asked of the internet for somebody.

    Attributes:
        ports: where a server may listen.
        denied: names that are not fetched from, nor from what is below them.
        excepted: authorities that are let through unseen, on a developer's machine.
    """

    ports: Collection[int]
    denied: Collection[str]
    excepted: Collection[str] = ()

    def excepts(self, location: Location) -> bool:
        """Tell whether nothing is asked about this location."""
        return location.authority in self.excepted

    def admit(self, location: Location) -> None:
        """Let a location pass. A name's addresses are still to be looked at (`admit_addresses`).

        Raises:
            SsrfBlocked: it is not public.
        """
        if location.port not in self.ports:
            raise SsrfBlocked(reason="port")
        if not isinstance(location.host, str):
            self.admit_addresses([location.host])
        elif "." not in location.host or any(
            f".{location.host}".endswith(f".{zone}") for zone in (*_PRIVATE_ZONES, *self.denied)
        ):
            raise SsrfBlocked(reason="name")

    def admit_addresses(self, addresses: Collection[IpAddress]) -> None:
        """Let the addresses of a host pass.

        Raises:
            SsrfBlocked: one of them is not public.
        """
        if not all(is_public(address) for address in addresses):
            raise SsrfBlocked(reason="address")


def _split(authority: str) -> tuple[str, str]:
    """Return the host and the port, which may be empty."""
    if authority.startswith("["):
        host, bracket, rest = authority.partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            raise InvalidField("url", "has no host that can be read")
        return host + bracket, rest[1:]
    host, _, port = authority.partition(":")
    return host, port


def _port(port: str, scheme: str) -> int:
    if not port:
        return DEFAULT_PORTS[scheme]
    if not _PORT.fullmatch(port) or int(port) > 65_535:
        raise InvalidField("url", "has no port that can be read")
    return int(port)


def _host(text: str) -> str | IpAddress:
    """Understand a host as the URL standard's host parser does, or refuse it."""
    try:
        if text.startswith("["):
            if "%" in text:
                raise InvalidField("url", "must have no zone in its address")
            return IPv6Address(text[1:-1])
        name = _to_ascii(unquote_to_bytes(text).decode())
        labels = name.split(".")
        if not _NUMBER.fullmatch(labels[-1]):
            if not _NAME.fullmatch(name):
                raise ValueError(name)
            return name
        return _ipv4(labels)
    except ValueError:
        raise InvalidField("url", "has no host that can be read") from None


def _to_ascii(host: str) -> str:
    """Return a host in ASCII and small letters, without a dot at its end."""
    if not host.isascii():
        dots = len(_DOT.findall(host))
        if _DEVIATING.search(host) or any(ucd_3_2_0.category(one) == "Cn" for one in host):
            raise ValueError(host)
        host = host.encode("idna").decode()
        # Some characters would become a dot and something: one label would be two.
        if host.count(".") != dots:
            raise ValueError(host)
    return host.lower().removesuffix(".")


def _ipv4(parts: list[str]) -> IPv4Address:
    """Read an address as URLs may write it: one to four numbers, decimal, octal or hexadecimal,
    of which the last fills what the others leave."""
    numbers = [_number(part) for part in parts]
    *leading, last = numbers
    if len(numbers) > 4 or any(number > 255 for number in leading):
        raise ValueError(parts)
    if last >= 256 ** (4 - len(leading)):
        raise ValueError(parts)
    return IPv4Address(
        last + sum(number << (8 * (3 - place)) for place, number in enumerate(leading))
    )


def _number(text: str) -> int:
    if not _NUMBER.fullmatch(text):
        raise ValueError(text)
    if text[:2] in ("0x", "0X"):
        return int(text[2:] or "0", 16)
    return int(text, 8) if text[0] == "0" else int(text)
