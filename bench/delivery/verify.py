"""Whether every contestant does what it is measured at: a wrong answer is quickly given."""

from collections.abc import Mapping, Sequence

import httpx

from bench.contestant import Running
from bench.delivery.contestants import OURS, SAME_JOB
from bench.load import LoadError
from bench.workload import Workload


def verify(field: Sequence[Running], workloads: Sequence[Workload]) -> None:
    """Ask each once for everything.

    Raises:
        LoadError: a status or a body is not what it has to be; or the Worker that is said to do
            the same job sends other headers, or opens to a token that nobody signed.
    """
    with httpx.Client(trust_env=False) as client:
        for workload in workloads:
            seen = {
                running.contestant: _headers(client, running, workload)
                for running in field
                if not running.contestant.floor and running.contestant.caches == workload.cached
            }
            if not workload.cached and seen[OURS] != seen[SAME_JOB]:
                raise LoadError(f"not the same job: {seen[OURS]} and {seen[SAME_JOB]}")
        for running in field:
            if running.contestant.ours or running.contestant is SAME_JOB:
                forged = client.get(running.url + workloads[0].targets[0] + "A")
                if forged.status_code not in (401, 403):
                    raise LoadError(f"{running.contestant.title} opens to a forged token")


def _headers(client: httpx.Client, running: Running, workload: Workload) -> Mapping[str, str]:
    answer = client.get(running.url + workload.targets[0], headers=dict(workload.headers))
    if answer.status_code != workload.status or answer.content != workload.body:
        raise LoadError(
            f"{running.contestant.title} answers {workload.name} with {answer.status_code}"
            f" and {len(answer.content)} bytes"
        )
    return dict(answer.headers)
