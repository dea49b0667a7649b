"""A file that is deleted while it is on its way in."""

from typing import Any

from media_engine.errors import R2Unavailable
from media_engine.housekeeping.plan import CALL_LIFE_MS, DAY_MS, HOUR_MS
from tests.unit.engine import ALICE_HEADERS, Engine, finish, members, to_json
from tests.unit.interrupted import InterruptedStore
from tests.unit.transfers.sending import PART, bearer, code, opened, rows

INDEXES = {"transfers_of_file", "transfers_of_pieces"}
FIRST, LAST = b"1" * PART, b"2" * 10


def chunked(engine: Engine) -> dict[str, Any]:
    """Open an upload in two chunks of which the first has arrived."""
    transfer = opened(engine, len(FIRST + LAST))
    body = to_json({"content_type": "video/mp4", "file_size": len(FIRST + LAST)})
    answer = engine.fetch("POST", "/media/upload/init", bearer(transfer), body)
    assert answer.status == 201, answer.body
    assert code(send(engine, transfer, 0, FIRST)) == "200"
    return transfer


def send(engine: Engine, transfer: dict[str, Any], index: int, chunk: bytes) -> Any:
    target = f"/media/upload/chunk?upload_id={transfer['uploadId']}&chunk_index={index}"
    headers = {**bearer(transfer), "content-type": "application/octet-stream"}
    return engine.fetch("POST", target, {**headers, "content-length": str(len(chunk))}, chunk)


def finalize(engine: Engine, transfer: dict[str, Any]) -> Any:
    target = f"/media/upload/{transfer['uploadId']}/finalize"
    return engine.fetch("POST", target, bearer(transfer))


def delete(engine: Engine, transfer: dict[str, Any]) -> Any:
    return engine.fetch("DELETE", f"/files/{transfer['mediaId']}", ALICE_HEADERS)


def is_tombstone(engine: Engine, transfer: dict[str, Any]) -> bool:
    info = finish(engine.store.head(transfer["key"]))
    return info is not None and info.tombstone


def test_deleting_a_file_that_is_on_its_way_in_ends_its_transfer() -> None:
    engine = Engine()
    transfer = chunked(engine)
    assert delete(engine, transfer).status == 200
    assert engine.store.multiparts == {}
    assert is_tombstone(engine, transfer)
    assert code(send(engine, transfer, 1, LAST)) == "410 MEDIA_GONE"
    assert code(finalize(engine, transfer)) == "409 UPLOAD_INCOMPLETE"
    assert [row["status"] for row in rows(engine, "transfers")] == ["given_up"]
    assert [row["status"] for row in engine.rows()] == ["expired"]
    assert delete(engine, transfer).status == 200


def test_what_is_deleted_when_all_of_it_is_there_is_not_joined_any_more() -> None:
    engine = Engine()
    transfer = chunked(engine)
    send(engine, transfer, 1, LAST)
    assert delete(engine, transfer).status == 200
    assert code(finalize(engine, transfer)) == "410 MEDIA_GONE"
    assert is_tombstone(engine, transfer)


def test_both_addresses_of_a_file_delete_it_in_the_same_way() -> None:
    seen = []
    for target in ("/files/{}", "/media/{}"):
        engine = Engine()
        transfer = chunked(engine)
        engine.store.operations.clear()
        engine.database.statements = 0
        answer = engine.fetch("DELETE", target.format(transfer["mediaId"]), ALICE_HEADERS)
        assert answer.status == 200
        row = engine.rows()[0]
        seen.append((engine.store.operations, row["status"], row["purge_due_at"]))
        assert engine.database.statements == 3
    assert seen == [({"abandon": 1, "put": 1}, "expired", None)] * 2


def test_a_file_that_its_shim_manages_is_not_deleted_by_another_while_it_comes() -> None:
    engine = Engine()
    body = to_json(
        {"fileName": "a.mp4", "contentType": "video/mp4", "service": "blog", "fileSize": 10}
    )
    shim = {**ALICE_HEADERS, "x-media-shim": "django"}
    transfer = members(engine.fetch("POST", "/upload/open", shim, body))
    for target in (f"/files/{transfer['mediaId']}", f"/media/{transfer['mediaId']}"):
        assert code(engine.fetch("DELETE", target, ALICE_HEADERS)) == "409 MEDIA_MANAGED"
    assert [row["status"] for row in rows(engine, "transfers")] == ["open"]


def test_a_writer_that_is_overtaken_by_a_deletion_stores_nothing() -> None:
    engine = Engine()
    transfer = opened(engine, len(LAST))
    # Long after a signed URL would be dead: a transfer can write for as long as it lives.
    engine.clock.advance(5 * HOUR_MS)
    named = to_json({"mediaId": transfer["mediaId"]})
    transfer = members(engine.fetch("POST", "/upload/token", ALICE_HEADERS, named))
    original = engine.store.write

    async def meanwhile(*args: Any, **options: Any) -> Any:
        engine.store.write = original  # type: ignore[method-assign]
        assert delete(engine, transfer).status == 200
        return await original(*args, **options)

    engine.store.write = meanwhile  # type: ignore[method-assign]
    headers = {**bearer(transfer), "content-type": "video/mp4"}
    assert code(engine.fetch("POST", "/media/upload/simple", headers, LAST)) == "410 MEDIA_GONE"
    assert is_tombstone(engine, transfer)
    engine.clock.advance(DAY_MS + 2 * HOUR_MS)
    finish(engine.app.clean())
    assert engine.store.keys() == set()
    assert [row["status"] for row in engine.rows()] == ["gone"]


def test_a_deletion_that_is_cut_off_is_finished_by_the_cron_before_the_transfer_is_over() -> None:
    store = InterruptedStore()
    engine = Engine(store=store)
    transfer = chunked(engine)
    send(engine, transfer, 1, LAST)
    store.fails = "before"
    assert delete(engine, transfer).status == R2Unavailable.status
    assert len(store.multiparts) == 1
    engine.clock.advance(CALL_LIFE_MS + 1)
    finish(engine.app.clean())
    assert store.multiparts == {}
    assert is_tombstone(engine, transfer)
    assert {row["purge_due_at"] for row in engine.rows()} == {None}


def test_an_upload_that_its_sender_gives_up_owes_what_the_store_may_have() -> None:
    engine = Engine()
    transfer = opened(engine, len(LAST))
    engine.store.put(transfer["key"], LAST)
    target = f"/media/{transfer['mediaId']}"
    assert engine.fetch("DELETE", target, bearer(transfer)).status == 200
    engine.clock.advance(CALL_LIFE_MS + 1)
    finish(engine.app.clean())
    assert is_tombstone(engine, transfer)
    assert engine.queue.operations["send"] == 2


def test_the_transfers_of_files_are_found_without_reading_others() -> None:
    engine = Engine()
    transfer = chunked(engine)
    engine.database.seen.clear()
    delete(engine, transfer)
    steps = engine.database.plans("transfers")
    assert {index for step in steps for index in INDEXES if index in step} == INDEXES
    assert not any("SCAN" in step for step in steps)
