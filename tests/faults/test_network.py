"""The network does what a schedule says, and without one it is a network."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from random import Random

import httpx
import pytest

from media_engine.ports import HttpRequest
from tests.fakes import Served
from tests.faults.network import Network
from tests.faults.schedule import Fault, Link, Schedule
from tests.servers import serving
from tests.worker.patience import eventually

SENT = b"x" * 5_000


@dataclass(frozen=True)
class Always(Schedule):
    """One fault happens to every message."""

    seed: int = 0
    kills: tuple[()] = ()
    cuts: tuple[()] = ()
    happens: Fault = Fault.DELAY

    def fault(self, link: Link, number: int) -> tuple[Fault | None, Random]:  # noqa: ARG002
        return self.happens, Random(number)


@dataclass
class Server:
    """What a server has seen, and the network in front of it."""

    network: Network
    url: str
    seen: list[bytes] = field(default_factory=list)

    def put(self) -> bytes:
        """Send it something through the network; return what it answers."""
        with httpx.Client(timeout=10) as http:
            return http.put(self.url, content=SENT).content


@contextmanager
def behind(link: Link) -> Iterator[Server]:
    """Play a server that echoes, behind a link."""
    seen: list[bytes] = []

    def serve(request: HttpRequest) -> Served:
        seen.append(request.body or b"")
        return Served(200, {}, request.body or b"")

    with serving(serve) as target, Network() as network:
        port = network.lay(link, int(target.rpartition(":")[2]))
        yield Server(network, f"http://127.0.0.1:{port}/", seen)


@pytest.fixture
def server() -> Iterator[Server]:
    with behind(Link.SHIM_WORKER) as server:
        yield server


def test_a_network_without_a_schedule_carries_what_it_is_given(server: Server) -> None:
    assert [server.put() for _ in range(3)] == [SENT] * 3
    assert server.seen == [SENT] * 3
    assert server.network.happened() == Counter()


@pytest.mark.parametrize(
    ("fault", "arrives"),
    [
        (Fault.LOSE_REQUEST, 0),
        (Fault.LOSE_ANSWER, 1),
        (Fault.CUT_ANSWER, 1),
        (Fault.END_ANSWER, 1),
    ],
)
def test_who_hears_nothing_cannot_tell_whether_the_server_did(
    server: Server, fault: Fault, arrives: int
) -> None:
    server.network.weather(Always(happens=fault))
    with pytest.raises(httpx.HTTPError):
        server.put()
    server.network.calm()
    assert server.seen == [SENT] * arrives
    assert server.network.happened() == Counter({fault: 1})


@pytest.mark.parametrize("fault", [Fault.TWICE, Fault.LATE_TWICE])
def test_what_is_repeated_is_answered_once(server: Server, fault: Fault) -> None:
    server.network.weather(Always(happens=fault))
    assert server.put() == SENT
    server.network.calm()
    assert server.seen == [SENT] * 2


def test_what_is_held_back_arrives_when_its_sender_has_gone(server: Server) -> None:
    server.network.weather(Always(happens=Fault.STALL))
    with httpx.Client(timeout=0.2) as http, pytest.raises(httpx.TimeoutException):
        http.put(server.url, content=SENT)
    assert server.seen == []
    server.network.calm()
    assert server.seen == [SENT]


def test_a_link_that_is_cut_is_mended(server: Server) -> None:
    server.network.later(0, lambda: server.network.cut(Link.SHIM_WORKER, 0.3))
    server.network.weather(None)
    with pytest.raises(httpx.HTTPError):
        server.put()
    assert server.seen == []
    for _ in eventually():
        with suppress(httpx.HTTPError):
            server.put()
            break
    assert server.seen == [SENT]


def test_a_seed_always_draws_the_same() -> None:
    for seed in range(50):
        assert Schedule.drawn(seed) == Schedule.drawn(seed)
        drawn = [Schedule.drawn(seed).fault(link, 7)[0] for link in Link]
        assert drawn == [Schedule.drawn(seed).fault(link, 7)[0] for link in Link]
    assert len({str(Schedule.drawn(seed)) for seed in range(50)}) == 50


def test_nothing_between_django_and_its_browsers_repeats() -> None:
    drawn = {Schedule.drawn(1).fault(Link.BROWSER_SHIM, number)[0] for number in range(2_000)}
    assert not drawn & {Fault.TWICE, Fault.LATE_TWICE}
    assert Fault.LOSE_ANSWER in drawn
