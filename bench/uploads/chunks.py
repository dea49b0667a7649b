"""Chunks of one file, several at once, through a Worker into one multipart upload.

What is timed is a number of chunks and not a number of seconds: of the few that fit into a second,
those that are cut off at its end would be a large share. Each slot has an upload of its own, which
is begun before and given up after what is measured.
"""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from itertools import count
from random import Random
from statistics import quantiles
from typing import Any
from urllib.parse import urlsplit

from bench.contestant import Running
from bench.load import LoadError, Sample
from bench.procfs import cpu_seconds, peak_memory, reset_peak_memory
from bench.uploads.contestants import MIB
from bench.uploads.presigns import identity
from bench.workload import Units, Workload

CHUNK = 8 * MIB
FILE = 5_000 * MIB
CONNECTIONS = 4
TIMEOUT = 60
BOUNDARY = "bench-7d1f0c4e"
JSON = {"content-type": "application/json"}
MEGABYTES = Units("MB/s", "ms/MiB", cpu_digits=2, wait_digits=0)

BODIES = Workload(
    "chunk",
    "chunks of 8 MiB, each a body",
    (),
    200,
    b"",
    connections=CONNECTIONS,
    units=MEGABYTES,
)
FORMS = Workload(
    "chunk-form",
    "chunks of 8 MiB, ours in a form",
    (),
    200,
    b"",
    connections=CONNECTIONS,
    units=MEGABYTES,
)

_names = count()
_content = Random(8).randbytes(CHUNK)  # noqa: S311


@dataclass(frozen=True)
class Sending:
    """A request that sends a chunk: its method, its target, its headers, its body's pieces."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: Sequence[bytes] = ()


def send(running: Running, task: Workload, chunks: int) -> Sample:
    """Send chunks through one Worker, and measure.

    Args:
        running: the Worker.
        task: in which way ours is sent to.
        chunks: how many.

    Raises:
        LoadError: a chunk was refused, or ours does not have all of them.
    """
    upload = _ours if running.contestant.ours else _thin
    with upload(running, task is FORMS, chunks) as sendings:
        reset_peak_memory(running.pid)
        own, cpu, began = time.process_time(), cpu_seconds(running.pid), time.monotonic()
        with ThreadPoolExecutor(task.connections) as pool:
            lanes = [sendings[lane :: task.connections] for lane in range(task.connections)]
            waits = [
                wait for lane in pool.map(_send_all, [running] * len(lanes), lanes) for wait in lane
            ]
        elapsed = time.monotonic() - began
        own, cpu = time.process_time() - own, cpu_seconds(running.pid) - cpu
        memory = peak_memory(running.pid)
    percentiles = quantiles(waits, n=100, method="inclusive")
    return Sample(
        rate=chunks * CHUNK / elapsed / 1e6,
        p50=percentiles[49],
        p99=percentiles[98],
        cpu=cpu * 1000 / (chunks * CHUNK / MIB),
        memory=memory,
        generator=own / elapsed,
    )


@contextmanager
def _ours(running: Running, in_forms: bool, chunks: int) -> Iterator[Sequence[Sending]]:
    """Begin a transfer, as a client of the chunked API does, and give it up."""
    described = {"file_name": "long.mp4", "file_size": FILE, "content_type": "video/mp4"}
    begun = _ask(
        running,
        Sending(
            "POST", "/media/upload/init", {**identity(), **JSON}, [json.dumps(described).encode()]
        ),
        201,
    )
    if begun["chunk_size"] != CHUNK:
        raise LoadError(f"ours cuts into chunks of {begun['chunk_size']} bytes")
    upload, token = begun["upload_id"], {"authorization": f"Bearer {begun['upload_token']}"}
    yield [
        _form(upload, index, token)
        if in_forms
        else Sending(
            "POST", f"/media/upload/chunk?upload_id={upload}&chunk_index={index}", token, [_content]
        )
        for index in range(chunks)
    ]
    status = _ask(running, Sending("GET", f"/media/upload/{upload}/status", token), 200)
    if status["received_bytes"] != chunks * CHUNK:
        raise LoadError(f"ours has {status['received_bytes']} bytes of {chunks * CHUNK}")
    _ask(running, Sending("DELETE", f"/media/{begun['media_id']}", token), 200)


def _form(upload: str, index: int, token: Mapping[str, str]) -> Sending:
    fields = "".join(
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in (("upload_id", upload), ("chunk_index", index))
    )
    head = (
        f"{fields}--{BOUNDARY}\r\n"
        'Content-Disposition: form-data; name="chunk"; filename="chunk"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    )
    return Sending(
        "POST",
        "/media/upload/chunk",
        {**token, "content-type": f"multipart/form-data; boundary={BOUNDARY}"},
        [head.encode(), _content, f"\r\n--{BOUNDARY}--\r\n".encode()],
    )


@contextmanager
def _thin(running: Running, in_forms: bool, chunks: int) -> Iterator[Sequence[Sending]]:  # noqa: ARG001
    """Begin a multipart upload, and give it up. There is only one way to send to it."""
    key = f"bench/{next(_names)}"
    begun = _ask(running, Sending("POST", f"/part?key={key}", {}), 200)
    target = f"/part?key={key}&id={begun['uploadId']}"
    yield [Sending("PUT", f"{target}&n={index + 1}", {}, [_content]) for index in range(chunks)]
    _ask(running, Sending("DELETE", target, {}), 200)


def _send_all(running: Running, sendings: Sequence[Sending]) -> Sequence[float]:
    """Send one after the other over one connection; return how long each took, in milliseconds."""
    connection = _connect(running)
    waits = []
    for sending in sendings:
        began = time.monotonic()
        _answer(connection, running, sending, 200)
        waits.append((time.monotonic() - began) * 1000)
    connection.close()
    return waits


def _ask(running: Running, sending: Sending, status: int) -> dict[str, Any]:
    connection = _connect(running)
    answer: dict[str, Any] = json.loads(_answer(connection, running, sending, status))
    connection.close()
    return answer


def _connect(running: Running) -> HTTPConnection:
    parts = urlsplit(running.url)
    return HTTPConnection(parts.hostname or "", parts.port, timeout=TIMEOUT)


def _answer(connection: HTTPConnection, running: Running, sending: Sending, status: int) -> bytes:
    length = {"content-length": str(sum(map(len, sending.body)))}
    headers = {**sending.headers, **length}
    what = f"{running.contestant.title}: {sending.method} {urlsplit(sending.target).path}"
    try:
        connection.request(sending.method, sending.target, sending.body, headers)
        answer = connection.getresponse()
        body = answer.read()
    except (OSError, HTTPException) as error:
        raise LoadError(f"{what} has no answer: {error!r}") from None
    if answer.status != status:
        raise LoadError(f"{what} is answered with {answer.status}: {body[:500]!r}")
    return body
