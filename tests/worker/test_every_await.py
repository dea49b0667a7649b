"""A Worker that is killed while it stands behind every one of its awaits, and what is true after.

Each call is made once to count its awaits, then once for each of them, each time about a file of
its own, and stops behind that await for ever (`stopping`). When all of them stand, the Worker is
killed: SIGKILL, all of its processes. From what it left two things can come: its clients do not
come back, or they do what clients do. So what it left is copied, and both come to pass.

The cron works on all files there are, and each of its runs must find the same. So before a run a
set of files is made for it, and after the run has stopped that set is put aside: its instants are
moved into the future, where no other run comes to it, and back after the kill.
"""

import os
import shutil
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.cloudflare_api import API_TOKEN, ZONE_ID
from tests.conftest import ENV_FILE, RunningWorker, RunWorker
from tests.worker.caller import Caller, headers_of
from tests.worker.operations import (
    OPERATIONS,
    Subject,
    have_sent_all_but_a_tail,
    have_sent_chunks,
    have_uploaded,
    long_video,
    photo,
    picture_at,
    presign,
    presign_and_put,
    presign_and_store_something_else,
    short_video,
)
from tests.worker.state import (
    accounts,
    counting,
    cut_off_delete,
    grow_older,
    kept,
    multiparts,
    rows,
)
from tests.worker.stopping import Told, Waiting, stage, waiting
from tests.worker.tokens import file_url

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
ASIDE_MS = 1_000 * DAY_MS

AT_ONCE = 8
"""How many files are prepared at once."""

EFFECTS = {
    "D1Database.run",
    "D1Database.batch",
    "R2Store.head",
    "R2Store.read",
    "R2Store.digest",
    "R2Store.write",
    "R2Store.get",
    "R2Store.bury",
    "R2Store.delete",
    "R2Store.begin",
    "R2Store.put_part",
    "R2Store.join",
    "R2Store.abandon",
    "CloudflareQueue.send",
    "EdgeCache.delete",
    "FetchClient.send",
}
"""Where a call, or a run of the cron, has to have stopped at least once."""

VICTIMS = (
    "stale", "stale-empty", "reserved", "refused", "cut-off", "cut-off-late", "gone", "parts",
    "stream", "file",
)  # fmt: skip
"""What the cron finds each time: see `age`."""


@dataclass
class Wreck:
    """What a killed Worker left, and what it was about.

    Attributes:
        state: the folder of its state.
        world: the world that its requests reach.
        subjects: for each operation its files, by how many awaits their calls were stopped behind.
        cron: for each set of files that a run of the cron was stopped on, the keys.
        told: where everything was stopped.
    """

    state: Path
    world: Waiting
    subjects: dict[str, list[Subject]]
    cron: list[list[str]]
    told: list[Told]


@dataclass
class Yard:
    """Where Workers are started on one state after the other.

    Attributes:
        run_worker: starts one.
        options: how.
        folder: where the states are.
    """

    run_worker: RunWorker
    options: dict[str, Any]
    folder: Path

    @contextmanager
    def worker(self, state: Path) -> Iterator[RunningWorker]:
        with self.run_worker(state=state, **self.options) as running:
            yield running


def caller_for(worker: RunningWorker, http: httpx.Client, subject: Subject) -> Caller:
    """Return who acts for a tenant that has this file and no other."""
    return Caller(http, worker.url, headers_of("alice", subject.name))


def prepare(worker: RunningWorker, http: httpx.Client, subjects: list[tuple[Any, Subject]]) -> None:
    """Bring each file up to its call, several at once."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(lambda one: one[0](caller_for(worker, http, one[1]), one[1]), subjects))


def call(worker: RunningWorker, name: str, subject: Subject, stops: str) -> None:
    """Make the call that stops, on a client of its own, and wait for what never comes."""
    says = {"x-stops": f"{subject.name} {stops}"}
    with suppress(httpx.HTTPError), httpx.Client(timeout=None, headers=says) as http:
        OPERATIONS[name].call(caller_for(worker, http, subject), subject)


def clean(worker: RunningWorker, stops: str = "") -> None:
    """Let the cron run."""
    with suppress(httpx.HTTPError):
        url = f"{worker.url}/cdn-cgi/handler/scheduled"
        httpx.get(url, params={"cron": stops}, timeout=None).raise_for_status()


def victims(world: Waiting, number: int | str) -> dict[str, Subject]:
    """Return the files of one set for the cron."""
    contents = {"parts": short_video, "stream": long_video}
    return {
        kind: Subject(name, contents.get(kind, photo)(name), world.url)
        for kind in VICTIMS
        for name in [f"cron-{number}-{kind}"]
    }


def have_refused(caller: Caller, subject: Subject) -> None:
    presign_and_store_something_else(caller, subject)
    assert caller.complete(subject.media_id).status_code == 422


def have_presigned(caller: Caller, subject: Subject) -> None:
    subject.known |= presign(caller, subject).json()


PREPARED = {
    "stale": presign_and_put,
    "stale-empty": have_presigned,
    "reserved": have_presigned,
    "refused": have_refused,
    "cut-off": have_uploaded,
    "cut-off-late": have_uploaded,
    "gone": have_presigned,
    "parts": have_sent_chunks,
    "stream": have_sent_all_but_a_tail,
    "file": have_uploaded,
}


def age(state: Path, found: dict[str, Subject]) -> list[str]:
    """Make a set of files such that every step of the cron has something to do; return the keys."""
    keys = {kind: str(subject.known["key"]) for kind, subject in found.items()}
    for kind in ("cut-off", "cut-off-late"):
        cut_off_delete(state, keys[kind])
    for hours, kinds in {
        4: ("reserved", "refused", "cut-off-late"),
        48: ("stale", "stale-empty", "parts", "stream", "file"),
        91 * 24: ("gone",),
    }.items():
        grow_older(state, [keys[kind] for kind in kinds], hours * HOUR_MS)
    return list(keys.values())


def stop_the_cron(worker: RunningWorker, world: Waiting, pool: ThreadPoolExecutor) -> list[Any]:
    """Stop a run of the cron behind each of its awaits.

    Returns:
        For each of the sets its keys.
    """
    with httpx.Client(timeout=60) as http:
        first = victims(world, "counted")
        prepare(worker, http, [(PREPARED[kind], one) for kind, one in first.items()])
        grow_older(worker.state, [first["gone"].known["key"]], 2 * DAY_MS)
        clean(worker)
        age(worker.state, first)
        clean(worker, "cron-counted never")
        [counted] = world.wait_for("cron-counted")
        sets = [victims(world, number) for number in range(counted.awaits + 1)]
        found = [entry for each in sets for entry in each.items()]
        prepare(worker, http, [(PREPARED[kind], one) for kind, one in found])
        grow_older(worker.state, [each["gone"].known["key"] for each in sets], 2 * DAY_MS)
        clean(worker)
    put_aside = []
    for number, each in enumerate(sets):
        keys = age(worker.state, each)
        pool.submit(clean, worker, f"cron-{number} {number}")
        world.wait_for(f"cron-{number}")
        grow_older(worker.state, keys, -ASIDE_MS)
        put_aside.append(keys)
    return put_aside


def stop_the_calls(
    worker: RunningWorker, world: Waiting, pool: ThreadPoolExecutor
) -> dict[str, list[Subject]]:
    """Stop a call of each operation behind each of its awaits; return the files."""
    with httpx.Client(timeout=60) as http:
        counted = {}
        for name, operation in OPERATIONS.items():
            # What an isolate does once, it has done when the second one is counted.
            for called in (f"{name}-first", f"{name}-counted"):
                one = Subject(called, operation.content(called), world.url)
                operation.prepare(caller_for(worker, http, one), one)
                call(worker, name, one, "never")
            [told] = world.wait_for(f"{name}-counted")
            counted[name] = told.awaits
        subjects = {
            name: [
                Subject(called, OPERATIONS[name].content(called), world.url)
                for called in (f"{name}-{number}" for number in range(awaits + 1))
            ]
            for name, awaits in counted.items()
        }
        prepare(
            worker,
            http,
            [(OPERATIONS[name].prepare, one) for name, each in subjects.items() for one in each],
        )
    for name, each in subjects.items():
        for number, subject in enumerate(each):
            pool.submit(call, worker, name, subject, str(number))
    world.wait_for(*(subject.name for each in subjects.values() for subject in each))
    return subjects


@pytest.fixture(scope="module")
def world() -> Iterator[Waiting]:
    with waiting(picture_at) as world:
        yield world


@pytest.fixture(scope="module")
def yard(
    run_worker: RunWorker,
    world: Waiting,
    unhurried: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Yard:
    folder = tmp_path_factory.mktemp("mortal")
    env_file = folder / "secrets"
    env_file.write_text(f"{ENV_FILE.read_text()}\nCLOUDFLARE_API_TOKEN={API_TOKEN}\n")
    (folder / "staged").mkdir()
    options = {
        "config": stage(unhurried, folder / "staged"),
        "env_file": env_file,
        "registry": folder,
        "variables": {
            "TEST_URL": world.url,
            "INGEST_DEVELOPMENT_HOSTS": world.url.removeprefix("http://"),
            "CLOUDFLARE_API_URL": f"{world.url}/client/v4",
            "CLOUDFLARE_ZONE_ID": ZONE_ID,
        },
    }
    return Yard(run_worker, options, folder)


@pytest.fixture(scope="module")
def wreck(yard: Yard, world: Waiting) -> Wreck:
    """A Worker that was stopped everywhere and killed."""
    state = yard.folder / "state"
    with ThreadPoolExecutor(1_000) as pool, yard.worker(state) as worker:
        put_aside = stop_the_cron(worker, world, pool)
        subjects = stop_the_calls(worker, world, pool)
        os.killpg(worker.pid, signal.SIGKILL)
    for keys in put_aside:
        grow_older(state, keys, ASIDE_MS)
    told = [one for one in world.told.values() if not one.name.endswith(("first", "counted"))]
    return Wreck(state, world, subjects, put_aside, told)


def test_there_is_no_await_that_was_not_stopped_at(wreck: Wreck) -> None:
    assert len(wreck.subjects) == len(OPERATIONS)
    assert all(len(each) > 3 for each in wreck.subjects.values())
    assert len(wreck.cron) > 20
    assert {one.what for one in wreck.told} == {"stopped"}
    assert {one.place for one in wreck.told} >= EFFECTS


def check(state: Path) -> None:
    """Whatever was cut off: what says that it is there is there, and what is there is known."""
    now = kept(state)
    going_on = rows(state, "transfers")
    for key, row in now.rows.items():
        if row["status"] == "uploaded":
            assert now.objects.get(key) == row["file_size"], row
    aside = {f"incoming/{transfer['id']}/{name}" for transfer in going_on for name in "ab"}
    known = {key for key, row in now.rows.items() if row["status"] != "gone"}
    assert now.objects.keys() <= known | aside
    # One that no row knows is one that was begun in the moment of the kill: it is empty, and the
    # store takes it away itself.
    begun = {transfer["upload_id"] for transfer in going_on}
    assert not [one for one, parts in multiparts(state).items() if parts and one not in begun]
    for scope, account in accounts(state).items():
        assert (account["used_bytes"], account["used_files"]) == counting(state, scope), scope


def check_settled(worker: RunningWorker) -> None:
    """After the cron has run, much later, nothing is left but files."""
    state = worker.state
    grow_older(state, list(kept(state).rows), 3 * DAY_MS)
    for _ in range(3):
        clean(worker)
    check(state)
    now = kept(state)
    files = {key for key, row in now.rows.items() if row["status"] == "uploaded"}
    assert {row["status"] for row in now.rows.values()} <= {"uploaded", "gone"}
    assert {row["purge_due_at"] for row in now.rows.values()} == {None}
    assert now.objects.keys() == files
    assert rows(state, "transfers") == rows(state, "transfer_parts") == []
    assert not any(multiparts(state).values())


@pytest.fixture(scope="module")
def abandoned(wreck: Wreck, yard: Yard) -> Iterator[RunningWorker]:
    """A Worker that finds what is left, and to which nobody comes back."""
    state = yard.folder / "abandoned"
    shutil.copytree(wreck.state, state)
    with yard.worker(state) as worker:
        yield worker


def test_where_nobody_comes_back_nothing_is_left(
    abandoned: RunningWorker, wreck: Wreck, http: httpx.Client
) -> None:
    check(abandoned.state)
    check_settled(abandoned)
    found = {row["id"]: row for row in kept(abandoned.state).rows.values()}
    for subject in (one for each in wreck.subjects.values() for one in each):
        row = found.get(str(subject.media_id))
        if row is not None and row["status"] == "uploaded":
            assert http.get(file_url(abandoned.url, row["key"])).content == subject.content


def test_what_the_cron_was_at_ends_as_if_nothing_had_happened(
    abandoned: RunningWorker, wreck: Wreck
) -> None:
    found = kept(abandoned.state).rows
    ends = [[found.get(key, {"status": None})["status"] for key in keys] for keys in wreck.cron]
    assert ends == [[*["gone"] * 6, None, "gone", "gone", "uploaded"]] * len(ends)


@pytest.fixture(scope="module")
def revisited(wreck: Wreck, yard: Yard) -> Iterator[RunningWorker]:
    """A Worker that finds what is left a minute later, when clients try again."""
    state = yard.folder / "revisited"
    shutil.copytree(wreck.state, state)
    grow_older(state, list(kept(state).rows), 60_000)
    with yard.worker(state) as worker:
        yield worker


@pytest.mark.parametrize("name", OPERATIONS)
def test_whoever_comes_back_has_his_way(
    revisited: RunningWorker, wreck: Wreck, http: httpx.Client, name: str
) -> None:
    came = []
    for awaits, subject in enumerate(wreck.subjects[name]):
        answer = OPERATIONS[name].come_back(caller_for(revisited, http, subject), subject)
        where = f"behind {awaits} awaits: {answer.text}"
        if subject.ends_as == "refused":
            assert answer.status_code in (422, 410), where
        else:
            assert answer.is_success, where
        came.append((subject, answer.json(), where))
    # The bytes of a refused file that nobody took away are the cron's.
    clean(revisited)
    for subject, file, where in came:
        if subject.ends_as == "uploaded":
            key = file.get("key") or file["file_path"]
            assert http.get(file_url(revisited.url, key)).content == subject.content, where
        else:
            key = subject.known["key"]
            assert http.get(file_url(revisited.url, key)).status_code == 410, where
    check(revisited.state)


def test_where_all_have_come_back_nothing_else_is_left(revisited: RunningWorker) -> None:
    check_settled(revisited)
