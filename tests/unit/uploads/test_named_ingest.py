"""An ingest that names itself makes one file, whenever it comes again and whatever became of it."""

from collections.abc import Mapping
from typing import Any

import pytest

from media_engine.housekeeping.plan import HOUR_MS
from media_engine.http.message import Response
from media_engine.idempotency.model import KEY_LIFE_MS
from media_engine.uploads.ingest import LATE_MS
from tests.unit.engine import ALICE_HEADERS, Engine, finish, members, to_json
from tests.unit.interrupted import InterruptedStore
from tests.unit.uploads.internet import Internet, image, redirect
from tests.unit.uploads.stepped import Call, SteppedDatabase, SteppedStore

URL = "https://pictures.acme.org/2026/cat.png"
ALICE = {"userId": "alice", "tenantId": "acme", "permissions": ["media:files.write"]}
FIELDS: Mapping[str, object] = {"url": URL, "service": "blog"}
LEASE_MS = 60_000 + LATE_MS


def ask(engine: Engine, key: str = "the-key", **fields: object) -> Response:
    headers = {**ALICE_HEADERS, "idempotency-key": key}
    return engine.fetch("POST", "/upload/ingest-url", headers, to_json({**FIELDS, **fields}))


def code(answer: Response) -> str:
    return f"{answer.status} {members(answer).get('code', '')}".strip()


def statuses(engine: Engine) -> list[str]:
    return sorted(str(row["status"]) for row in engine.rows())


def test_the_same_request_gets_the_same_file_and_fetches_nothing() -> None:
    internet = Internet({URL: image()})
    engine = Engine(serve=internet)
    first = ask(engine)
    operations = dict(engine.store.operations)
    engine.clock.advance(HOUR_MS)
    again = ask(engine)
    assert (again.status, again.body) == (201, first.body)
    assert internet.fetched == [URL]
    assert engine.store.operations == operations
    assert engine.account()["used_files"] == 1


def test_what_a_name_costs() -> None:
    engine = Engine(serve=Internet({URL: image()}))
    ask(engine)
    assert engine.database.statements == 2 + 6
    ask(engine)
    assert engine.database.statements == 2 + 6 + 6
    ask(engine, "other", url="https://pictures.acme.org/none.png")
    assert engine.database.statements == 2 + 6 + 6 + 6 + 1


@pytest.mark.parametrize("changed", [{"album": "x"}, {"url": URL + "?"}, {"unknown": 1}])
def test_another_request_by_the_same_name_is_refused(changed: dict[str, Any]) -> None:
    internet = Internet({URL: image()})
    engine = Engine(serve=internet)
    ask(engine)
    assert code(ask(engine, **changed)) == "422 IDEMPOTENCY_KEY_REUSED"
    assert internet.fetched == [URL]


def test_a_name_is_its_callers_own() -> None:
    engine = Engine(serve=Internet({URL: image()}))
    first = members(ask(engine))
    headers = {**ALICE_HEADERS, "idempotency-key": "the-key", "x-user-id": "anna"}
    other = members(engine.fetch("POST", "/upload/ingest-url", headers, to_json(FIELDS)))
    assert other["mediaId"] != first["mediaId"]


def test_a_name_is_free_again_after_a_day() -> None:
    engine = Engine(serve=Internet({URL: image()}))
    first = members(ask(engine))
    engine.clock.advance(KEY_LIFE_MS)
    assert members(ask(engine)) == first
    engine.clock.advance(1)
    assert members(ask(engine))["mediaId"] != first["mediaId"]


def test_what_was_deleted_meanwhile_is_gone_for_the_same_request() -> None:
    engine = Engine(serve=Internet({URL: image()}))
    engine.delete(members(ask(engine))["mediaId"])
    assert code(ask(engine)) == "410 MEDIA_GONE"


def test_a_request_that_failed_may_come_again_at_once() -> None:
    pages: dict[str, Any] = {URL: redirect("http://127.0.0.1/")}
    engine = Engine(serve=Internet(pages))
    assert code(ask(engine)) == "400 SSRF_BLOCKED"
    assert engine.rows("idempotency_keys") == []
    pages[URL] = image()
    assert ask(engine).status == 201


def test_a_request_whose_bytes_were_not_stored_may_come_again_at_once() -> None:
    store = InterruptedStore()
    engine = Engine(store=store, serve=Internet({URL: image()}))
    store.fails = "after"
    assert code(ask(engine)) == "502 R2_UNAVAILABLE"
    assert ask(engine).status == 201
    assert statuses(engine) == ["rejected", "uploaded"]


def test_a_request_that_did_not_fit_may_come_again_at_once() -> None:
    engine = Engine({"TENANT_QUOTA_FILES": "1"}, serve=Internet({URL: image()}))
    taken = engine.upload()
    assert code(ask(engine)) == "402 QUOTA_EXCEEDED"
    engine.delete(taken["mediaId"])
    assert ask(engine).status == 201


class Ingests:
    """Ingests of one name, each on its way."""

    def __init__(self) -> None:
        self.internet = Internet({URL: image()})
        self.engine = Engine(store=SteppedStore(), database=SteppedDatabase(), serve=self.internet)
        self.answers: list[dict[str, Any]] = []

    def begin(self) -> Call:
        work = self.engine.app.rpc.ingest(ALICE, FIELDS, "the-key")
        return Call("ingest", work, self.answers.append)

    def answered(self) -> dict[str, Any]:
        """Return what an ingest that is let through is answered."""
        self.begin().run()
        return self.answers[-1]

    def made(self) -> int:
        """Return how many files there are."""
        return statuses(self.engine).count("uploaded")


def test_a_repetition_while_the_first_is_running_waits_and_fetches_nothing() -> None:
    steps = 0
    while True:
        ingests = Ingests()
        first = ingests.begin()
        for _ in range(steps):
            first.step()
            if first.over:
                break
        if first.over:
            break
        begun, fetched = bool(ingests.engine.rows("idempotency_keys")), ingests.internet.fetched[:]
        again = ingests.answered()
        if begun and ingests.made() == 0:
            assert again["code"] == "IDEMPOTENCY_KEY_IN_USE"
            assert ingests.internet.fetched == fetched
        first.run()
        assert ingests.made() == 1
        assert len(ingests.internet.fetched) == 1
        steps += 1
    assert steps > 8


def test_whoever_waits_is_told_how_long() -> None:
    ingests = Ingests()
    first = ingests.begin()
    while not ingests.internet.fetched:
        first.step()
    work = ingests.engine.app.rpc.ingest(ALICE, FIELDS, "the-key")
    Call("ingest", work, ingests.answers.append).run()
    assert ingests.answers[-1]["status"] == 409
    first.run()
    assert ingests.answers[-1]["status"] == "uploaded"


def test_whatever_a_request_died_of_its_repetition_makes_the_file() -> None:
    steps, over = 0, False
    while not over:
        ingests = Ingests()
        first = ingests.begin()
        for _ in range(steps):
            first.step()
        over = first.over
        first.die()
        ingests.engine.clock.advance(LEASE_MS - 1)
        early = ingests.answered()
        assert ("code" in early) == (ingests.made() == 0)
        ingests.engine.clock.advance(1)
        file = ingests.answered()
        assert file["status"] == "uploaded", steps
        assert ingests.answered() == file
        assert ingests.made() == 1
        steps += 1
    assert steps > 8


def test_who_was_only_slow_makes_no_second_file() -> None:
    steps = 1
    while True:
        ingests = Ingests()
        slow = ingests.begin()
        for _ in range(steps):
            if not slow.over:
                slow.step()
        if slow.over:
            break
        ingests.engine.clock.advance(LEASE_MS)
        assert ingests.answered()["status"] == "uploaded"
        slow.run()
        assert ingests.made() == 1, steps
        assert ingests.answered()["status"] == "uploaded"
        steps += 1


def test_who_takes_over_gives_up_what_the_dead_one_had_begun() -> None:
    ingests = Ingests()
    first = ingests.begin()
    while not ingests.engine.rows():
        first.step()
    first.die()
    ingests.engine.clock.advance(LEASE_MS)
    ingests.answered()
    assert statuses(ingests.engine) == ["rejected", "uploaded"]
    assert ingests.engine.account()["used_files"] == 1
    finish_cleaning(ingests.engine)
    assert statuses(ingests.engine) == ["gone", "uploaded"]


def finish_cleaning(engine: Engine) -> None:
    for _ in range(3):
        engine.clock.advance(3 * HOUR_MS)
        Call("clean", engine.app.clean(), lambda _: None).run()


@pytest.mark.parametrize("key", ["", "a b", "ü", "a" * 256])
def test_what_cannot_be_a_name_is_refused_before_anybody_is_asked(key: str) -> None:
    internet = Internet({URL: image()})
    assert code(ask(Engine(serve=internet), key)) == "400 INVALID_FIELD"
    assert internet.fetched == []


def test_the_same_request_over_rpc_gets_the_same_file() -> None:
    engine = Engine(serve=Internet({URL: image()}))
    assert finish(engine.app.rpc.ingest(ALICE, FIELDS, "the-key")) == members(ask(engine))
