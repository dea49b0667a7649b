"""Whose request it is, as far as the network can say: for counting, not for believing."""

from ipaddress import IPv6Address, ip_address
from typing import Final

UNKNOWN: Final = "unknown"
"""The name of all that come without an address, as on a laptop, or with one that is none."""


def network_of(address: str | None) -> str:
    """Return the network that a client can be told from others by.

    An IPv6 client has a /64 at the least, and a new address in it for each request if it likes, so
    the whole /64 counts as one (RFC 6177, RFC 8981). An IPv4 address inside an IPv6 one is itself.

    Args:
        address: what the platform says, `cf-connecting-ip`, if it says anything.
    """
    if address is None:
        return UNKNOWN
    try:
        known = ip_address(address)
    except ValueError:
        return UNKNOWN
    if not isinstance(known, IPv6Address):
        return str(known)
    if known.ipv4_mapped is not None:
        return str(known.ipv4_mapped)
    return f"{IPv6Address(int(known) >> 64 << 64)}/64"
