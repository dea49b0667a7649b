"""What counts as one client."""

from ipaddress import IPv6Address, IPv6Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_engine.http.address import UNKNOWN, network_of


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("2001:DB8:1:2:ffff:ffff:ffff:ffff", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("::1", "::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("::ffff:cb00:7107", "203.0.113.7"),
    ],
)
def test_an_address_belongs_to_its_network(address: str, network: str) -> None:
    assert network_of(address) == network


@pytest.mark.parametrize(
    "address",
    [
        None, "", " ", "unknown", "203.0.113.256", "203.0.113.7, 203.0.113.8", "203.0.113.7:80",
        "[2001:db8::1]", "2001:db8::/64", "0x7f.1", "127.1", "٣.1.1.1", "2001:db8::g", "x" * 9999,
    ],
)  # fmt: skip
def test_what_is_no_address_is_all_one(address: str | None) -> None:
    assert network_of(address) == UNKNOWN


def addresses(network: IPv6Network) -> st.SearchStrategy[IPv6Address]:
    """Return addresses of a network that stand for no IPv4 address."""
    return st.ip_addresses(network=network).map(IPv6Address).filter(is_itself)


def is_itself(address: IPv6Address) -> bool:
    return address.ipv4_mapped is None


@given(addresses(IPv6Network("::/0")), st.data())
def test_no_address_of_a_network_is_told_from_another(
    address: IPv6Address, data: st.DataObject
) -> None:
    network = IPv6Network((address, 64), strict=False)
    neighbour = data.draw(addresses(network))
    assert network_of(str(address)) == network_of(str(neighbour)) == str(network)


@given(st.text(max_size=50))
def test_nothing_that_is_sent_is_more_than_a_short_name(address: str) -> None:
    assert len(network_of(address)) <= 43
