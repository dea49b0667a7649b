"""What the edge cache spares, and whom it serves."""

import pytest

from media_engine.delivery.service import MOST_LARGE_KEYS
from tests.unit.delivery.test_delivery import CONTENT, KEY, Delivery, content, refusal
from tests.unit.http.vectors import received

PLAIN = f"/m/{KEY}"


def warm(**changed: str) -> Delivery:
    """Return an engine whose file is in its private entry, and no longer in the store."""
    engine = Delivery(changed=changed)
    assert engine.ask().status == 200
    engine.store.operations.clear()
    engine.database.statements = 0
    return engine


def spent(engine: Delivery) -> dict[str, int]:
    return {**engine.store.operations, "statements": engine.database.statements}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"range": "bytes=2-4"}, 206),
        ({"range": "bytes=-4"}, 206),
        ({"range": "bytes=10-"}, 416),
        ({"range": "bytes=0-1,4-5"}, 206),
        ({"range": "bytes=2-4", "if_range": '"another"'}, 200),
        ({"range": "bytes=10-", "if_range": '"another"'}, 200),
        ({"if_none_match": "*"}, 304),
        ({"if_match": '"another"'}, 412),
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_hit_costs_no_operation_of_the_store_and_no_statement(
    method: str, headers: dict[str, str], status: int
) -> None:
    engine = warm()
    response = engine.ask(method, **headers)
    if method == "GET" or status in (304, 412):
        assert response.status == status
    assert spent(engine) == {"statements": 0}


def test_parts_are_cut_from_the_cache() -> None:
    engine = warm()
    response = engine.ask(range="bytes=0-1,4-5")
    parts = received(response.headers, content(response))
    assert parts == [("bytes 0-1/10", b"01"), ("bytes 4-5/10", b"45")]
    assert spent(engine) == {"statements": 0}


def test_parts_come_from_the_store_where_the_cache_forgot_them_meanwhile() -> None:
    engine = warm()
    response = engine.ask(range="bytes=0-1,4-5")
    engine.cache.entries.clear()
    assert len(received(response.headers, content(response))) == 2
    assert spent(engine) == {"get": 2, "statements": 0}


def test_only_the_whole_file_fills_the_cache() -> None:
    engine = Delivery()
    for headers in (
        {"range": "bytes=0-"},
        {"range": "bytes=0-1,4-5"},
        {"if_none_match": "*"},
        {"if_none_match": engine.info.etag},
        {"if_match": '"another"'},
        {"range": "bytes=10-"},
    ):
        engine.ask(**headers)
    engine.ask("HEAD")
    assert engine.cache.entries == {}
    engine.ask(range="bytes=2-4", if_range='"another"')
    assert engine.cache.entries.keys() == {f"private/{KEY}"}
    assert engine.cache.tags == {f"private/{KEY}": "m-aB3nR7kWaB3nR7kWaB3nR"}


def test_a_stranger_reaches_the_public_entry_alone() -> None:
    engine = warm()
    engine.row("uploaded", "private")
    assert refusal(engine.fetch("GET", PLAIN))[:2] == (401, "TOKEN_MISSING")
    engine = Delivery()
    engine.row("uploaded", "public")
    assert engine.fetch("GET", PLAIN).status == 200
    assert engine.cache.entries.keys() == {f"public/{KEY}"}


def test_a_stranger_who_hits_asks_the_database_nothing() -> None:
    engine = Delivery()
    engine.row("uploaded", "public")
    assert engine.fetch("GET", PLAIN).status == 200
    engine.store.operations.clear()
    engine.database.statements = 0
    for headers in ({}, {"range": "bytes=2-4"}, {"range": "bytes=10-"}, {"range": "bytes=1-1,3-3"}):
        assert engine.fetch("GET", PLAIN, headers).status in (200, 206, 416)
    assert engine.fetch("HEAD", PLAIN).status == 200
    assert spent(engine) == {"statements": 0}


def test_the_cache_is_asked_after_the_token_was_verified() -> None:
    engine = warm()
    asked = engine.cache.operations["get"]
    for token in ("", "x", engine.token("u/other"), engine.token(life=0)):
        assert engine.fetch("GET", f"{PLAIN}?t={token}").status == 401
    assert engine.cache.operations["get"] == asked


def test_a_file_that_is_larger_than_the_setting_is_not_cached_and_not_asked_for_again() -> None:
    engine = Delivery(changed={"EDGE_CACHE_MAX_BYTES": str(len(CONTENT) - 1)})
    for _ in range(3):
        assert engine.ask().status == 200
    assert engine.cache.entries == {}
    assert engine.cache.operations["get"] == 1


def test_what_is_remembered_of_large_files_has_a_bound() -> None:
    engine = Delivery(changed={"EDGE_CACHE_MAX_BYTES": "1"})
    for number in range(MOST_LARGE_KEYS + 1):
        engine.store.put(f"u/{number}", b"large")
        assert engine.ask("GET", f"u/{number}").status == 200
    assert engine.ask().status == 200
    assert engine.cache.operations["get"] == MOST_LARGE_KEYS + 2
    assert engine.ask("GET", "u/0").status == 200
    assert engine.cache.operations["get"] == MOST_LARGE_KEYS + 3


def test_a_cache_that_is_turned_off_is_left_alone() -> None:
    engine = Delivery(changed={"EDGE_CACHE_MAX_BYTES": "0"})
    assert engine.ask().status == 200
    assert engine.ask(range="bytes=0-1,4-5").status == 206
    assert not engine.cache.operations


def test_a_tombstone_is_never_cached() -> None:
    engine = Delivery(content=b"")
    assert engine.ask().status == 200
    assert engine.cache.entries == {}, "nor is anything else that is empty"


@pytest.mark.parametrize(
    "headers",
    [{"if_none_match": "*"}, {"if_match": '"another"'}, {"range": "bytes=10-"}, {}],
)
def test_a_stream_of_the_cache_that_is_not_sent_is_let_go(headers: dict[str, str]) -> None:
    engine = warm()
    response = engine.ask(**headers)
    engine.ask("HEAD")
    assert engine.cache.handed_out
    for stream in engine.cache.handed_out:
        assert stream.cancelled == (stream is not response.body)
