"""A Worker that dies at any await of a delete, a withdrawal or the cron, and what the cron does.

Whatever the moment: who was let in before is let in no more, no bytes are left but tombstones, and
these only until their URL is dead, and every cache is purged twice.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any

import pytest

from media_engine.housekeeping.plan import DAY_MS, GONE_LIFE_MS, HOUR_MS
from media_engine.signing.token import Claims, mint
from tests.fakes import FixedClock, MemoryQueue
from tests.unit.crash import Crash, Fuse, Moment, mortal_engine
from tests.unit.engine import Engine, finish

ALICE = {"userId": "alice", "tenantId": "acme", "permissions": ["media:files.write"]}

Prepare = Callable[[Engine], dict[str, Any]]


def young_file(engine: Engine) -> dict[str, Any]:
    return engine.upload(visibility="public")


def old_file(engine: Engine) -> dict[str, Any]:
    file = engine.upload(visibility="public")
    engine.clock.advance(DAY_MS)
    return file


def pending_upload(engine: Engine) -> dict[str, Any]:
    upload = engine.presign(visibility="public")
    engine.put(upload)
    return upload


def refused_upload(engine: Engine) -> dict[str, Any]:
    upload = engine.presign(visibility="public")
    engine.put(upload, b"no")
    return upload


def opened(engine: Engine, key: str, *, token: bool) -> int:
    claims = Claims(key=key, exp=engine.now + 60)
    query = f"?t={mint(claims, engine.settings.token_keys)}" if token else ""
    return engine.fetch("GET", f"/m/{key}{query}").status


def clean(engine: Engine) -> None:
    finish(engine.app.clean())


def deaths(
    prepare: Prepare, call: Callable[[Engine, dict[str, Any]], object], moment: Moment
) -> Iterator[tuple[Engine, Fuse, dict[str, Any]]]:
    """Do a call in one engine after the other, which dies at its first await, its second, …"""
    for at in range(1, 100):
        engine, fuse = mortal_engine()
        file = prepare(engine)
        fuse.set(at, moment)
        try:
            call(engine, file)
        except Crash:
            fuse.take_out()
            yield engine, fuse, file
        else:
            assert not fuse.take_out()
            assert at > 3, "a call that dies nowhere proves nothing"
            return


def wait(engine: Engine, milliseconds: int) -> None:
    """Let time go by, in which the queue delivers what is due."""
    engine.consume()
    for step in (60_000, milliseconds - 60_000):
        engine.clock.advance(step)
        engine.consume()


def purged(engine: Engine, file: dict[str, Any]) -> int:
    """Let the queue deliver all there is, and return how often the file was purged."""
    wait(engine, 120_000)
    return engine.api.tags.count("m-" + file["mediaId"].removeprefix("media_"))


def tombstones_only(engine: Engine) -> bool:
    infos = [finish(engine.store.head(key)) for key in sorted(engine.store.keys())]
    return all(info is not None and info.tombstone for info in infos)


each_moment = pytest.mark.parametrize("moment", ["before", "after"])
each_file = pytest.mark.parametrize("prepare", [young_file, old_file, pending_upload])


def delete(engine: Engine, file: dict[str, Any]) -> None:
    assert engine.delete(file["mediaId"]).status == 200


def withdraw(engine: Engine, file: dict[str, Any]) -> None:
    assert engine.show_to(file["mediaId"], "private").status == 200


@each_moment
@each_file
def test_a_delete_that_is_cut_off_is_finished_by_the_cron(prepare: Prepare, moment: Moment) -> None:
    for engine, _, file in deaths(prepare, delete, moment):
        [row] = engine.rows()
        if row["status"] in ("uploaded", "pending_upload"):
            assert moment == "before", "the statement was run, and nothing is different"
            continue
        assert opened(engine, file["key"], token=False) == 410, "the row lets nobody in"

        wait(engine, HOUR_MS)
        clean(engine)
        assert tombstones_only(engine)
        assert opened(engine, file["key"], token=True) == 410
        assert purged(engine, file) >= 2
        [row] = engine.rows()
        assert row["purge_due_at"] is None

        engine.clock.advance(DAY_MS)
        clean(engine)
        [row] = engine.rows()
        assert (row["status"], engine.store.keys()) == ("gone", set())
        assert opened(engine, file["key"], token=True) == 410
        engine.clock.advance(GONE_LIFE_MS + 1)
        clean(engine)
        assert engine.rows() == []


@each_moment
@each_file
def test_a_delete_that_is_cut_off_is_finished_by_whoever_repeats_it(
    prepare: Prepare, moment: Moment
) -> None:
    for engine, _, file in deaths(prepare, delete, moment):
        delete(engine, file)
        assert tombstones_only(engine)
        assert opened(engine, file["key"], token=True) == 410
        assert purged(engine, file) >= 2
        [row] = engine.rows()
        assert row["purge_due_at"] is None
        before = engine.queue.operations["send"]
        wait(engine, HOUR_MS // 2)
        clean(engine)
        assert engine.queue.operations["send"] == before, "nothing is left for the cron"


@each_moment
def test_a_refusal_that_is_cut_off_is_finished_by_the_cron(moment: Moment) -> None:
    def complete(engine: Engine, file: dict[str, Any]) -> None:
        assert engine.complete(file["mediaId"]).status == 422

    for engine, _, file in deaths(refused_upload, complete, moment):
        [row] = engine.rows()
        if row["status"] == "pending_upload":
            continue
        wait(engine, HOUR_MS)
        clean(engine)
        assert tombstones_only(engine)
        assert opened(engine, file["key"], token=True) == 410
        assert purged(engine, file) >= 2
        engine.clock.advance(DAY_MS)
        clean(engine)
        assert engine.store.keys() == set()


@each_moment
@pytest.mark.parametrize("prepare", [young_file, old_file])
def test_a_withdrawal_that_is_cut_off_is_finished_by_the_cron(
    prepare: Prepare, moment: Moment
) -> None:
    for engine, _, file in deaths(prepare, withdraw, moment):
        [row] = engine.rows()
        if row["visibility"] == "public":
            assert moment == "before"
            continue
        wait(engine, HOUR_MS)
        clean(engine)
        assert purged(engine, file) >= 2
        [row] = engine.rows()
        assert (row["status"], row["purge_due_at"]) == ("uploaded", None)
        assert opened(engine, file["key"], token=False) == 401
        assert opened(engine, file["key"], token=True) == 200, "it is still somebody's file"


def much_to_do(engine: Engine) -> dict[str, dict[str, Any]]:
    """Leave the cron something for each of its steps; return the files by what is to become."""
    forgotten = engine.upload()
    engine.clock.advance(DAY_MS)
    delete(engine, forgotten)
    engine.clock.advance(GONE_LIFE_MS + 1)
    stale = engine.presign()
    engine.put(stale)
    engine.clock.advance(DAY_MS + HOUR_MS)
    kept = engine.upload()
    engine.queue.down = True
    withdrawn = young_file(engine)
    withdraw(engine, withdrawn)
    deleted = young_file(engine)
    delete(engine, deleted)
    # As if the call had died between its row and its bytes.
    engine.store.put(deleted["key"], b"bytes", "image/jpeg")
    engine.queue.down = False
    wait(engine, HOUR_MS)
    return {"stale": stale, "kept": kept, "withdrawn": withdrawn, "deleted": deleted}


def test_a_run_that_is_cut_off_is_finished_by_the_next() -> None:
    run_out = 0
    for moment in ("before", "after"):
        for at in range(1, 100):
            engine, fuse = mortal_engine()
            files = much_to_do(engine)
            fuse.set(at, moment)
            try:
                clean(engine)
            except Crash:
                pass
            else:
                run_out += 1
            died = fuse.take_out()
            clean(engine)
            for name in ("stale", "withdrawn", "deleted"):
                assert purged(engine, files[name]) >= 2, name
            assert purged(engine, files["kept"]) == 0
            assert {row["purge_due_at"] for row in engine.rows()} == {None}
            assert {row["id"]: row["status"] for row in engine.rows()} == {
                files["stale"]["mediaId"]: "gone",
                files["kept"]["mediaId"]: "uploaded",
                files["withdrawn"]["mediaId"]: "uploaded",
                files["deleted"]["mediaId"]: "deleting",
            }
            assert opened(engine, files["deleted"]["key"], token=True) == 410
            assert opened(engine, files["kept"]["key"], token=True) == 200
            engine.clock.advance(DAY_MS)
            clean(engine)
            assert engine.store.keys() == {files["kept"]["key"], files["withdrawn"]["key"]}
            if not died:
                break
        assert at > 12, "every step has an await or two"
    assert run_out == 2


class BusyQueue(MemoryQueue):
    """A queue in which somebody else works once while a message is sent.

    Attributes:
        meanwhile: what they do.
    """

    meanwhile: Callable[[], Awaitable[object]] | None = None

    async def send(self, message: Mapping[str, object], /, *, delay: int = 0) -> None:
        await super().send(message, delay=delay)
        happens, self.meanwhile = self.meanwhile, None
        if happens is not None:
            await happens()


@pytest.mark.parametrize("payer", ["the call", "the cron"])
def test_a_debt_that_is_made_while_an_older_one_is_paid_stays(payer: str) -> None:
    clock = FixedClock()
    queue = BusyQueue(clock)
    engine = Engine(clock=clock, queue=queue)
    file = young_file(engine)
    queue.down = payer == "the cron"
    if queue.down:
        withdraw(engine, file)
        queue.down = False
        clock.advance(HOUR_MS)

    async def show_and_withdraw_again() -> None:
        clock.advance(1)
        queue.down = True
        for visibility in ("public", "private"):
            fields = {"visibility": visibility}
            assert "code" not in await engine.app.rpc.update(ALICE, file["mediaId"], fields)
        queue.down = False

    queue.meanwhile = show_and_withdraw_again
    if payer == "the call":
        withdraw(engine, file)
    else:
        clean(engine)
    [row] = engine.rows()
    assert row["purge_due_at"] == clock.now()
