"""A Worker that is killed again and again while many upload, and what is true after each kill.

Each of the uploaders presigns by name, sends, completes, and begins the next. The Worker is killed
(SIGKILL, all of its processes) when so many answers have come, a number drawn from the seed; so
the calls of the others are cut off wherever they are. The next Worker finds what it left.
"""

import hashlib
import os
import random
import signal
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Event, Lock
from typing import Any

import httpx
import pytest

from tests.conftest import RunningWorker, RunWorker
from tests.media import JPEG, photo_saying
from tests.worker.caller import Caller, headers_of
from tests.worker.state import account, counting, kept
from tests.worker.tokens import file_url

UPLOADERS = 8
KILLS = 3
SCOPE = "t:crashing"


@dataclass
class Book:
    """What was answered.

    Attributes:
        presigned: for each name its upload.
        completed: the files.
    """

    presigned: dict[str, dict[str, Any]] = field(default_factory=dict)
    completed: dict[str, dict[str, Any]] = field(default_factory=dict)
    answers: int = 0
    lock: Lock = field(default_factory=Lock)


def content_of(name: str) -> bytes:
    """Return what is uploaded by a name; some of it is not what it says."""
    content = photo_saying(name.encode())
    return b"x" * len(content) if name.endswith("3") else content


def fields_of(name: str) -> dict[str, Any]:
    content = content_of(name)
    return {
        "fileName": f"{name}.jpg",
        "contentType": "image/jpeg",
        "fileSize": len(content),
        "service": "blog",
        "sha256": hashlib.sha256(content).hexdigest(),
    }


def upload(caller: Caller, name: str, book: Book) -> None:
    """Bring one file in, as far as the Worker lives; write down what it answers."""
    signed = caller.presign_named(name, **fields_of(name))
    with book.lock:
        book.answers += 1
        if signed.status_code == 201:
            book.presigned[name] = signed.json()
    if signed.status_code != 201:
        return
    caller.put(signed.json(), content_of(name))
    completed = caller.complete(signed.json()["mediaId"])
    with book.lock:
        book.answers += 1
        if completed.status_code == 200:
            book.completed[name] = completed.json()


def upload_until_killed(worker: RunningWorker, book: Book, after: int, prefix: str) -> None:
    """Let many upload, and kill the Worker once so many answers have come."""
    killed = Event()

    def work(uploader: int) -> None:
        with httpx.Client(timeout=20) as http:
            caller = Caller(http, worker.url, headers_of("alice", "crashing"))
            number = 0
            while not killed.is_set():
                try:
                    upload(caller, f"{prefix}-{uploader}-{number}", book)
                except httpx.HTTPError:
                    if killed.is_set():
                        return
                number += 1
                if book.answers >= after and not killed.is_set():
                    killed.set()
                    os.killpg(worker.pid, signal.SIGKILL)

    with ThreadPoolExecutor(UPLOADERS) as pool:
        for finished in [pool.submit(work, number) for number in range(UPLOADERS)]:
            finished.result()


def check(worker: RunningWorker, caller: Caller, book: Book) -> None:
    """What was answered is true, and what was not answered is whole."""
    now = kept(worker.state)
    used = account(worker.state, SCOPE)
    assert (used["used_bytes"], used["used_files"]) == counting(worker.state, SCOPE)
    by_id = {row["id"]: row for row in now.rows.values()}
    for signed in book.presigned.values():
        assert signed["mediaId"] in by_id
    for name, file in book.completed.items():
        assert by_id[file["mediaId"]]["status"] == "uploaded"
        assert httpx.get(file_url(caller.url, file["key"])).content == content_of(name)
    assert now.objects.keys() <= now.rows.keys()
    # One name, one row: also where the answer was lost.
    names = [row["file_name"] for row in now.rows.values() if row["scope"] == SCOPE]
    assert len(names) == len(set(names))


def settle(caller: Caller, book: Book) -> None:
    """Do what a client does whose call broke off: the same again."""
    for name, signed in book.presigned.items():
        again = caller.presign_named(name, **fields_of(name))
        if name.endswith("3") and again.status_code == 410:
            continue
        assert again.json()["mediaId"] == signed["mediaId"]
        assert caller.put(again.json(), content_of(name)).status_code in (200, 412)
        answer = caller.complete(signed["mediaId"])
        assert answer.status_code == (422 if name.endswith("3") else 200), answer.text
        if answer.status_code == 200:
            assert answer.json()["fileSize"] == len(content_of(name))
            book.completed[name] = answer.json()


@pytest.mark.parametrize("seed", [1])
def test_whatever_a_kill_cuts_off_nothing_is_lost_and_nothing_is_left(
    run_worker: RunWorker, tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    chance = random.Random(seed)
    state = tmp_path_factory.mktemp("crashing")
    alone = {"registry": tmp_path_factory.mktemp("registry"), "state": state}
    book = Book()
    for kill in range(KILLS):
        with run_worker(**alone) as worker, httpx.Client(timeout=60) as http:
            caller = Caller(http, worker.url, headers_of("alice", "crashing"))
            if kill:
                check(worker, caller, book)
                settle(caller, book)
                check(worker, caller, book)
            upload_until_killed(
                worker, book, book.answers + chance.randrange(20, 60), f"{seed}-{kill}"
            )
    with run_worker(**alone) as worker, httpx.Client(timeout=60) as http:
        caller = Caller(http, worker.url, headers_of("alice", "crashing"))
        check(worker, caller, book)
        settle(caller, book)
        check(worker, caller, book)
        assert book.completed
        assert caller.upload(JPEG)["status"] == "uploaded"
