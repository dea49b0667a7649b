"""A Worker that is killed in the middle of something, and another that finds what it left."""

import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.conftest import RunWorker
from tests.media import JPEG, photo_saying
from tests.worker.caller import Caller, headers_of
from tests.worker.tokens import file_url


@dataclass(frozen=True)
class Aftermath:
    """What came before the kill, and a caller of the Worker that came after it.

    Attributes:
        signed: an upload of which nothing was sent.
        sent: an upload that was sent and not completed.
        uploaded: a file.
        alice: the caller.
    """

    signed: dict[str, Any]
    sent: dict[str, Any]
    uploaded: dict[str, Any]
    alice: Caller


@pytest.fixture(scope="module")
def aftermath(
    run_worker: RunWorker, http: httpx.Client, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Aftermath]:
    alone = {"registry": tmp_path_factory.mktemp("registry")}
    with run_worker(**alone) as first:
        alice = Caller(http, first.url, headers_of("alice", "acme"))
        signed = alice.presigned(len(JPEG))
        uploaded = alice.upload(photo_saying(b"first"))
        sent = alice.presigned(len(JPEG))
        assert alice.put(sent, JPEG).status_code == 200
        os.killpg(first.pid, signal.SIGKILL)
    with run_worker(state=first.state, **alone) as second:
        yield Aftermath(
            signed, sent, uploaded, Caller(http, second.url, headers_of("alice", "acme"))
        )


def test_what_was_sent_before_the_kill_is_completed_after_it(aftermath: Aftermath) -> None:
    alice = aftermath.alice
    file = alice.complete(aftermath.sent["mediaId"]).json()
    assert file["status"] == "uploaded"
    assert httpx.get(file_url(alice.url, file["key"])).content == JPEG


def test_what_was_completed_before_the_kill_is_served_after_it(aftermath: Aftermath) -> None:
    alice, file = aftermath.alice, aftermath.uploaded
    assert httpx.get(file_url(alice.url, file["key"])).content == photo_saying(b"first")
    assert alice.complete(file["mediaId"]).json() == file


def test_what_was_only_signed_before_the_kill_is_still_awaited_after_it(
    aftermath: Aftermath,
) -> None:
    early = aftermath.alice.complete(aftermath.signed["mediaId"])
    assert (early.status_code, early.json()["code"]) == (409, "UPLOAD_INCOMPLETE")
