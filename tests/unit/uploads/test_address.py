"""Which URL is fetched: the vectors, Python's `ipaddress` and the WHATWG's own parser."""

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from media_engine.errors import InvalidField, SsrfBlocked
from media_engine.uploads.address import Guard, IpAddress, Location, is_public, parse
from runtime.process import ROOT

VECTORS = json.loads((ROOT / "tests" / "vectors" / "addresses.json").read_text())
GUARD = Guard(VECTORS["ports"], VECTORS["denied"])
NODE = ROOT / "node_modules" / ".bin" / "node"
ORACLE = Path(__file__).parent / "oracle.mjs"

Oracle = Callable[[str], dict[str, str] | None]


def outcome(url: str) -> tuple[str, str | None]:
    """Return what becomes of a URL, and what is fetched."""
    try:
        location = parse(url)
        GUARD.admit(location)
    except SsrfBlocked:
        return "blocked", None
    except InvalidField:
        return "invalid", None
    return "admitted", location.url


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: case["name"])
def test_a_url_is_taken_as_its_vector_says(case: dict[str, Any]) -> None:
    assert outcome(case["url"]) == (case["outcome"], case.get("fetched"))


def test_every_vector_has_a_name_of_its_own() -> None:
    names = [case["name"] for case in VECTORS["cases"]]
    assert len(set(names)) == len(names)


@pytest.fixture(scope="module")
def whatwg() -> Iterator[Oracle]:
    """What Node makes of a URL; None where it is none."""
    with subprocess.Popen(
        [NODE, ORACLE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as node:
        assert node.stdin is not None
        assert node.stdout is not None
        stdin, stdout = node.stdin, node.stdout

        def ask(url: str) -> dict[str, str] | None:
            stdin.write(f"{json.dumps(url)}\n")
            stdin.flush()
            answer: dict[str, str] | None = json.loads(stdout.readline())
            return answer

        yield ask
        stdin.close()


def host_in_url(location: Location) -> str:
    return f"[{location.host}]" if isinstance(location.host, IPv6Address) else str(location.host)


def check(url: str, whatwg: Oracle) -> None:
    """Make sure that a URL is understood as the WHATWG does, or refused; and that no address in
    it that the WHATWG sees, and that is not public, is admitted."""
    theirs = whatwg(url)
    try:
        location = parse(url)
    except InvalidField:
        return
    if theirs is not None:
        assert theirs["hostname"].removesuffix(".") == host_in_url(location)
        assert theirs["protocol"] == f"{location.scheme}:"
        assert int(theirs["port"] or {"http:": 80, "https:": 443}[theirs["protocol"]]) == (
            location.port
        )
    # Whoever fetches reads what is handed on, and must read the same host in it.
    fetched = whatwg(location.url)
    if fetched is not None:
        assert fetched["hostname"] == host_in_url(location)
        try:
            seen = ip_address(fetched["hostname"].strip("[]"))
        except ValueError:
            assert isinstance(location.host, str)
        else:
            assert seen == location.host
            assert outcome(url)[0] == "blocked" or seen.is_global


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: case["name"])
def test_a_vector_is_understood_as_browsers_do(case: dict[str, Any], whatwg: Oracle) -> None:
    check(case["url"], whatwg)


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: case["name"])
def test_what_is_admitted_can_be_fetched(case: dict[str, Any], whatwg: Oracle) -> None:
    if case["outcome"] == "admitted":
        assert whatwg(case["fetched"]) is not None


NUMBERS = st.one_of(
    st.integers(0, 300), st.integers(0, 2**32 + 5), st.sampled_from([0, 127, 10, 2130706433])
).flatmap(
    lambda number: st.sampled_from(
        [str(number), f"0{number:o}", f"000{number:o}", f"0x{number:x}", f"0X{number:X}", "0x", ""]
    )
)  # fmt: skip
ADDRESS_LIKE = st.lists(NUMBERS, min_size=1, max_size=5).map(".".join)
IPV6_LIKE = st.one_of(
    st.integers(0, 2**128 - 1).map(lambda number: f"[{IPv6Address(number)}]"),
    st.from_regex(r"\[[0-9a-fA-F:]{0,20}(?:[0-9]{1,3}\.){0,3}[0-9]{0,3}\]", fullmatch=True),
)
DISGUISES = st.sampled_from(
    [
        lambda text: text,
        lambda text: f"{text}.",
        lambda text: "".join(f"%{ord(one):02x}" if one.isdigit() else one for one in text),
        lambda text: "".join(chr(ord(one) + 0xFEE0) if "!" <= one <= "~" else one for one in text),
        lambda text: text.replace(".", "。"),
        lambda text: text.translate(str.maketrans("0123456789", "⓪①②③④⑤⑥⑦⑧⑨")),
        str.upper,
    ]
)
HOSTS = st.one_of(
    st.builds(lambda disguise, text: str(disguise(text)), DISGUISES, ADDRESS_LIKE),
    IPV6_LIKE,
    st.text("ab01.-_%[]:@/\\#? \t\n\x00éßÜ\u3002\uff0e\uff11\uff12a\u0301\u200d", max_size=12),
    st.text(max_size=8),
)
URLS = st.builds(
    lambda scheme, host, port, rest: f"{scheme}{host}{port}{rest}",
    st.sampled_from(["http://", "https://", "HTTP://", "http:", "http:/", "http:///", "http:\\\\"]),
    HOSTS,
    st.sampled_from(["", ":", ":80", ":443", ":0", ":65536", ":0080"]),
    st.sampled_from(["", "/", "/a", "?a", "#a", "/../b", "\\a", "/ä b", "@127.0.0.1/", "/%2e"]),
)


@settings(max_examples=1500, deadline=None)
@given(URLS)
@example("http://a⒈b/")
def test_a_url_is_understood_as_browsers_do_or_not_at_all(whatwg: Oracle, url: str) -> None:
    check(url, whatwg)


@settings(max_examples=400, deadline=None)
@given(st.builds(lambda disguise, text: f"http://{disguise(text)}/", DISGUISES, ADDRESS_LIKE))
def test_no_spelling_of_an_ipv4_address_passes_as_a_name(whatwg: Oracle, url: str) -> None:
    theirs = whatwg(url)
    try:
        address = IPv4Address(theirs["hostname"]) if theirs else None
    except ValueError:
        # Two dots at its end make a name of it, which is none.
        address = None
    if address is None:
        assert outcome(url)[0] == "invalid"
        return
    if not address.is_global:
        assert outcome(url)[0] == "blocked"
    assert parse(url).host == address


@given(st.text(max_size=60))
def test_no_text_breaks_the_parser(text: str) -> None:
    for url in (text, f"http://{text}", f"http://a.org/{text}", f"http://a.org?{text}"):
        outcome(url)


EDGES = [
    edge
    for block in (
        "0.0.0.0", "10.0.0.0", "100.64.0.0", "100.127.255.255", "127.0.0.0", "127.255.255.255",
        "169.254.0.0", "172.16.0.0", "172.31.255.255", "192.168.0.0", "192.168.255.255",
        "198.18.0.0", "198.19.255.255", "224.0.0.0", "239.255.255.255", "255.255.255.255",
        "::", "::1", "::ffff:0:0", "64:ff9b::", "100::", "2000::", "2001::", "2001:1ff:ffff::",
        "2001:200::", "2001:db8::", "2002::", "2003::", "3fff::", "3fff:fff::", "4000::", "fc00::",
        "fe80::", "ff00::",
    )
    for edge in (ip_address(block) + step for step in (-1, 0, 1)
                 if 0 <= int(ip_address(block)) + step < 2 ** ip_address(block).max_prefixlen)
]  # fmt: skip
IPV4 = st.builds(IPv4Address, st.integers(0, 2**32 - 1))
IPV6 = st.builds(IPv6Address, st.integers(0, 2**128 - 1))
# Most addresses are in no block at all, so half of them are near an edge of one.
ADDRESSES = st.one_of(IPV4, IPV6, st.sampled_from(EDGES))


@given(ADDRESSES)
def test_what_python_knows_as_not_global_is_not_public(address: IpAddress) -> None:
    if is_public(address):
        assert address.is_global
        assert not address.is_multicast
        assert not address.is_reserved


@given(IPV4)
def test_an_ipv4_address_that_python_knows_as_global_is_public(address: IPv4Address) -> None:
    others = ("192.88.99.", "168.63.129.16", "192.0.0.")
    if address.is_global and not address.is_multicast and not str(address).startswith(others):
        assert is_public(address)


@given(IPV4)
def test_no_ipv6_address_that_carries_an_ipv4_address_is_public(inner: IPv4Address) -> None:
    number = int(inner)
    carriers = (
        number,  # compatible
        0xFFFF << 32 | number,  # mapped
        0xFFFF << 48 | number,  # translated
        0x2002 << 112 | number << 80 | 1,  # 6to4
        0x2001 << 112 | number << 64 | (number ^ 0xFFFF_FFFF),  # Teredo
        0x64FF9B << 96 | number,  # NAT64
        0x64FF9B0001 << 80 | number,  # NAT64 of a network's own
    )
    for carrier in carriers:
        assert not is_public(IPv6Address(carrier))


def test_an_address_with_a_zone_is_not_public() -> None:
    assert is_public(IPv6Address("2606:4700::1"))
    assert not is_public(IPv6Address("2606:4700::1%eth0"))


@pytest.mark.parametrize(
    ("reference", "leads_to"),
    [
        ("/b", "https://a.org/b"),
        ("b?c", "https://a.org/x/b?c"),
        ("?c", "https://a.org/x/y?c"),
        ("//b.org/c", "https://b.org/c"),
        ("http://b.org", "http://b.org/"),
        ("#c", "https://a.org/x/y?z"),
        ("../../../c", "https://a.org/c"),
        ("/ü b", "https://a.org/%C3%BC%20b"),
        ("//0x7f.1", "https://127.0.0.1/"),
        ("/\\127.0.0.1", None),
        ("\\\\127.0.0.1", None),
        ("javascript:alert(1)", None),
        ("file:///etc/passwd", None),
        ("//[", None),
        ("//[::1", None),
        ("http:b", None),
        ("http://", None),
        ("//a@b.org/", None),
    ],
)
def test_a_redirect_leads_where_it_says(reference: str, leads_to: str | None) -> None:
    location = parse("https://a.org/x/y?z")
    if leads_to is None:
        with pytest.raises(InvalidField):
            location.follow(reference)
    else:
        assert location.follow(reference).url == leads_to


@given(st.text(max_size=40))
def test_no_redirect_breaks_the_parser(reference: str) -> None:
    with suppress(InvalidField):
        parse("https://a.org/x/y?z").follow(reference)


def test_what_is_excepted_is_one_authority_alone() -> None:
    guard = Guard((80,), (), ("127.0.0.1:9000", "files.localhost:80"))
    assert guard.excepts(parse("http://127.0.0.1:9000/a"))
    assert guard.excepts(parse("http://2130706433:9000/a"))
    assert guard.excepts(parse("http://files.localhost/a"))
    for url in ("http://127.0.0.1:9001/", "http://127.0.0.2:9000/", "https://files.localhost/"):
        assert not guard.excepts(parse(url))


def test_one_address_that_is_not_public_is_enough() -> None:
    public, private = ip_address("8.8.8.8"), ip_address("10.0.0.1")
    GUARD.admit_addresses([public, ip_address("2606:4700::1111")])
    with pytest.raises(SsrfBlocked):
        GUARD.admit_addresses([public, private])


def test_every_letter_of_a_host_is_understood_as_browsers_do_or_not_at_all(whatwg: Oracle) -> None:
    """All of the first plane, some at a time: a host of four labels has four of them."""
    letters = [chr(point) for point in range(0x80, 0xFFFE) if not 0xD800 <= point < 0xE000]
    for four in zip(*[iter(letters)] * 4, strict=False):
        host = ".".join(f"a{letter}b" for letter in four)
        try:
            parse(f"http://{host}.com/")
        except InvalidField:
            # One of them is refused: see which of the others are not.
            for letter in four:
                check(f"http://a{letter}b.com/", whatwg)
        else:
            check(f"http://{host}.com/", whatwg)
