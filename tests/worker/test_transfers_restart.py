"""A Worker that is killed in the middle of a transfer, and another that goes on with it."""

import os
import signal
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.conftest import RunningWorker, RunWorker
from tests.worker.caller import Caller, headers_of
from tests.worker.state import kept
from tests.worker.test_transfers import (
    CONTENT,
    DIGEST,
    PART,
    await_offset,
    bearer,
    begin_to_send,
    chunk,
    create,
    digest_of,
    offset_of,
    opened,
    patch,
)

CHUNKS = [CONTENT[at : at + PART] for at in range(0, len(CONTENT), PART)]


@dataclass(frozen=True)
class Aftermath:
    """What was going on when the Worker was killed, and a caller of the one that came after it.

    Attributes:
        chunked: a transfer of which one chunk was stored and another was on its way.
        finishing: one whose finishing was on its way.
        streamed: one that tus was sending, with its URL.
        state: the folder of the Workers' state.
        alice: the caller.
    """

    chunked: dict[str, Any]
    finishing: dict[str, Any]
    streamed: tuple[dict[str, Any], str]
    state: Any
    alice: Caller


def init(alice: Caller) -> dict[str, Any]:
    transfer = opened(alice)
    url = f"{alice.url}/media/upload/init"
    assert alice.http.post(url, headers=bearer(transfer), json={}).status_code == 201
    return transfer


def finalize(alice: Caller, transfer: dict[str, Any]) -> httpx.Response:
    url = f"{alice.url}/media/upload/{transfer['uploadId']}/finalize"
    return alice.http.post(url, headers=bearer(transfer))


def status(alice: Caller, transfer: dict[str, Any]) -> dict[str, Any]:
    url = f"{alice.url}/media/upload/{transfer['uploadId']}/status"
    answer: dict[str, Any] = alice.http.get(url, headers=bearer(transfer)).json()
    return answer


def begin_a_chunk(alice: Caller, transfer: dict[str, Any], index: int) -> socket.socket:
    """Send half of a chunk and keep its connection open."""
    host = urlsplit(alice.url)
    target = f"/media/upload/chunk?upload_id={transfer['uploadId']}&chunk_index={index}"
    head = (
        f"POST {target} HTTP/1.1\r\nHost: {host.netloc}\r\n"
        f"Authorization: Bearer {transfer['uploadToken']}\r\n"
        f"Content-Type: application/octet-stream\r\nContent-Length: {len(CHUNKS[index])}\r\n\r\n"
    )
    line = socket.create_connection((host.hostname or "", host.port or 0), timeout=30)
    line.sendall(head.encode() + CHUNKS[index][: len(CHUNKS[index]) // 2])
    return line


@pytest.fixture(scope="module")
def aftermath(
    run_worker: RunWorker, http: httpx.Client, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Aftermath]:
    alone = {"registry": tmp_path_factory.mktemp("registry")}
    with run_worker(**alone) as first:
        alice = Caller(http, first.url, headers_of("alice", "acme"))
        chunked, finishing, streamed = init(alice), init(alice), opened(alice)
        assert chunk(alice, chunked, 0, CHUNKS[0]).status_code == 200
        for index, content in enumerate(CHUNKS):
            assert chunk(alice, finishing, index, content).status_code == 200
        url = create(alice, streamed)
        with (
            begin_a_chunk(alice, chunked, 1),
            begin_to_send(streamed, url, CONTENT[: PART + 300_000]),
            ThreadPoolExecutor(1) as pool,
        ):
            await_offset(alice, streamed, url, PART)
            pool.submit(_finish_into_the_kill, first, finishing)
            os.killpg(first.pid, signal.SIGKILL)
    with run_worker(state=first.state, **alone) as second:
        again = replace(alice, url=second.url)
        # The URL has the port of the Worker that is no more.
        moved = second.url + urlsplit(url).path
        yield Aftermath(chunked, finishing, (streamed, moved), second.state, again)


def _finish_into_the_kill(worker: RunningWorker, transfer: dict[str, Any]) -> None:
    with suppress(httpx.HTTPError), httpx.Client() as http:
        finalize(Caller(http, worker.url, {}), transfer)


def test_the_chunk_that_was_stored_is_there_and_the_one_on_its_way_is_missing(
    aftermath: Aftermath,
) -> None:
    alice, transfer = aftermath.alice, aftermath.chunked
    assert status(alice, transfer)["missing_chunks"] == [1, 2]
    for index in (1, 2):
        assert chunk(alice, transfer, index, CHUNKS[index]).status_code == 200
    file = finalize(alice, transfer).json()
    assert digest_of(alice, file["file_path"]) == DIGEST


def test_what_was_being_finished_is_finished(aftermath: Aftermath) -> None:
    alice, transfer = aftermath.alice, aftermath.finishing
    answer = finalize(alice, transfer)
    assert answer.status_code == 200, answer.text
    assert digest_of(alice, answer.json()["file_path"]) == DIGEST


def test_a_stream_goes_on_behind_what_had_arrived(aftermath: Aftermath) -> None:
    alice, (transfer, url) = aftermath.alice, aftermath.streamed
    offset = offset_of(alice, transfer, url)
    assert offset == PART, "what was in no part yet is lost with the Worker"
    # The lease of the Worker that was killed is over some seconds later.
    answer = patch(alice, transfer, url, offset, CONTENT[offset:])
    tries = 0
    while answer.status_code == 423 and tries < 60:
        tries += 1
        _wait(answer)
        answer = patch(alice, transfer, url, offset, CONTENT[offset:])
    assert answer.status_code == 204, answer.text
    assert digest_of(alice, transfer["key"]) == DIGEST


def _wait(answer: httpx.Response) -> None:
    """Wait for as long as the answer asks a client to."""
    time.sleep(float(answer.headers["retry-after"]))


def test_nothing_is_left_that_no_row_knows(aftermath: Aftermath) -> None:
    everything = kept(aftermath.state)
    assert everything.objects.keys() <= everything.rows.keys()
