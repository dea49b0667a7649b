"""What is asked of a Worker, again and again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Units:
    """What the figures of a workload are in.

    Attributes:
        rate: of how much in a second.
        cpu: of CPU time, and for how much.
        cpu_digits: how many digits behind the point the CPU time is shown with.
        wait_digits: how many, the milliseconds of a request.
    """

    rate: str
    cpu: str
    cpu_digits: int = 0
    wait_digits: int = 1


REQUESTS = Units("req/s", "CPU µs")


@dataclass(frozen=True, eq=False)
class Workload:
    """Requests of one kind.

    Attributes:
        name: what it is called in the results.
        title: what a reader is told of it.
        targets: what is behind the root in each request's URL, asked for in turn; none, where
            what is sent is made anew for each slot.
        status: what the answer has to be.
        body: the bytes that the answer to the first target has to have; none, where each answer is
            another.
        headers: what is sent with each request.
        sent: the body of each request, which is a POST then; a GET has none.
        connections: how many ask at once.
        cached: whether it is what the edge cache has.
        units: what its samples' rate and CPU time are in.
    """

    name: str
    title: str
    targets: Sequence[str]
    status: int
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)
    sent: str = ""
    connections: int = 8
    cached: bool = False
    units: Units = REQUESTS
