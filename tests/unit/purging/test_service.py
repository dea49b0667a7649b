"""Purges, from a key to the call of the API: what is sent, when, and what becomes of it."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from media_engine.purging import api
from media_engine.purging.model import MAX_TAGS
from media_engine.purging.plan import LONGEST_DELAY
from media_engine.purging.service import PurgeService
from tests.cloudflare_api import API_TOKEN, Failure
from tests.fakes import MemoryHttp
from tests.unit.engine import Engine, finish

KEYS = [f"t/acme/blog/2026/11/{number:021}.jpg" for number in range(250)]
TAGS = [f"m-{number:021}" for number in range(250)]
OFF = {"CLOUDFLARE_ZONE_ID": "", "CLOUDFLARE_API_TOKEN": ""}


def message(*tags: str) -> dict[str, object]:
    return {"kind": "purge", "version": 1, "tags": list(tags)}


def send(engine: Engine, *messages: dict[str, object]) -> None:
    for one in messages:
        finish(engine.queue.send(one))


def withdraw(engine: Engine, keys: Sequence[str]) -> None:
    http = MemoryHttp(engine.api)
    purging = PurgeService(engine.cache, engine.queue, http, engine.settings.purge)
    finish(purging.withdraw(keys))


def events(engine: Engine, name: str) -> list[dict[str, Any]]:
    return [dict(event) for event in engine.log.events if event["event"] == name]


def test_what_is_withdrawn_is_purged_at_once_and_again_after_a_minute() -> None:
    engine = Engine()
    withdraw(engine, KEYS[:1])
    assert sorted(engine.queue.waiting(), key=str) == [
        (0, message(TAGS[0])),
        (60, message(TAGS[0])),
    ]
    engine.consume()
    assert engine.api.tags == [TAGS[0]]
    engine.clock.advance(59_999)
    engine.consume()
    assert engine.api.tags == [TAGS[0]]
    engine.clock.advance(1)
    engine.consume()
    assert engine.api.tags == [TAGS[0]] * 2
    assert engine.queue.waiting() == []


def test_here_the_copies_go_at_once_and_nobody_elses() -> None:
    engine = Engine()
    engine.cache.keep(f"public/{KEYS[0]}", f"private/{KEYS[0]}", f"public/{KEYS[1]}")
    withdraw(engine, KEYS[:1])
    assert engine.cache.entries.keys() == {f"public/{KEYS[1]}"}


def test_a_hundred_files_are_two_messages() -> None:
    engine = Engine()
    withdraw(engine, KEYS)
    assert engine.queue.operations["send"] == 2 * 3
    engine.consume()
    assert [len(call) for call in engine.api.calls] == [100, 100, 50]
    assert engine.api.tags == TAGS


def test_where_no_zone_is_configured_no_message_is_sent() -> None:
    engine = Engine(OFF)
    engine.cache.keep(f"public/{KEYS[0]}")
    withdraw(engine, KEYS)
    assert engine.queue.operations["send"] == 0
    assert engine.cache.entries == {}, "here the copies go all the same"


def test_the_messages_of_a_batch_share_a_call() -> None:
    engine = Engine()
    send(engine, *(message(tag) for tag in TAGS[:100]), message(*TAGS[:3]))
    engine.consume()
    assert engine.api.calls == [TAGS[:100], TAGS[:3]], "a batch is a hundred messages"
    assert events(engine, "media.purge") == [
        {"level": "info", "event": "media.purge", "tags": 100, "calls": 1},
        {"level": "info", "event": "media.purge", "tags": 3, "calls": 1},
    ]


FAILURES: dict[Failure, tuple[int | None, str]] = {
    "429": (429, api.RATE_ADVICE),
    "500": (500, api.UNCLEAR_ADVICE),
    "403": (403, api.CREDENTIALS_ADVICE),
    "failure in 200": (200, api.UNCLEAR_ADVICE),
    "garbage": (200, api.UNCLEAR_ADVICE),
    "silence": (None, api.SILENT_ADVICE),
    "hang": (None, api.SILENT_ADVICE),
}


@pytest.mark.parametrize(("failure", "outcome"), FAILURES.items())
def test_what_was_not_purged_is_tried_again_until_it_is(
    failure: Failure, outcome: tuple[int | None, str]
) -> None:
    engine = Engine()
    engine.api.fails.extend([failure] * 3)
    send(engine, message("m-a"), message("m-b"))
    for delay in (30, 60, 120):
        engine.consume()
        assert engine.api.tags == []
        assert [due for due, _ in engine.queue.waiting()] == [delay] * 2
        refused = events(engine, "media.purge.refused")[-1]
        assert refused["level"] == "error"
        assert (refused["status"], refused["advice"]) == outcome
        assert refused["retried"] == 2
        engine.clock.advance(1000 * delay - 1)
        engine.consume()
        assert [due for due, _ in engine.queue.waiting()] == [0] * 2, "not a moment earlier"
        engine.clock.advance(1)
    engine.consume()
    assert engine.api.calls == [["m-a", "m-b"]]
    assert engine.queue.waiting() == []
    assert API_TOKEN not in json.dumps(engine.log.events, default=str)


def test_the_api_is_left_alone_for_as_long_as_it_asks() -> None:
    engine = Engine({"PURGE_RETRY_SECONDS": "1"})
    engine.api.fails.append("429")
    send(engine, message("m-a"))
    engine.consume()
    assert [due for due, _ in engine.queue.waiting()] == [2]


def test_after_a_call_that_failed_no_other_is_made_and_what_was_done_is_done() -> None:
    engine = Engine()
    send(engine, *(message(*TAGS[first : first + 60]) for first in (0, 60, 120, 180)))
    engine.api.fails.extend([None, "500"])
    finish(engine.app.consume(engine.queue.deliver()))
    assert engine.api.tried == 2
    assert engine.api.calls == [TAGS[:60]]
    left = [body for _, body in engine.queue.waiting()]
    assert left == [message(*TAGS[first : first + 60]) for first in (60, 120, 180)]
    assert [event["tags"] for event in events(engine, "media.purge")] == [60]
    assert [event["retried"] for event in events(engine, "media.purge.refused")] == [3]


def test_a_wrong_token_is_an_error_with_advice_and_heals_when_it_is_replaced() -> None:
    wrong = Engine({"CLOUDFLARE_API_TOKEN": "another-precious-token"})
    withdraw(wrong, KEYS[:1])
    wrong.consume()
    [refused] = events(wrong, "media.purge.refused")
    assert (refused["status"], refused["codes"]) == (403, (10000,))
    assert "CLOUDFLARE_API_TOKEN" in refused["advice"]
    assert "Cache Purge" in refused["advice"]
    assert "precious" not in json.dumps(wrong.log.events)

    right = Engine(queue=wrong.queue, clock=wrong.clock)
    right.clock.advance(60_000)
    right.consume()
    assert set(right.api.tags) == {TAGS[0]}
    assert right.queue.waiting() == []


def test_a_wrong_zone_is_named() -> None:
    engine = Engine({"CLOUDFLARE_ZONE_ID": "the-account-instead"})
    withdraw(engine, KEYS[:1])
    engine.consume()
    [refused] = events(engine, "media.purge.refused")
    assert (refused["status"], refused["codes"]) == (404, (7003,))
    assert "CLOUDFLARE_ZONE_ID" in refused["advice"]


def test_what_was_sent_before_the_zone_was_taken_away_waits_for_it() -> None:
    engine = Engine(OFF)
    send(engine, message("m-a"))
    engine.consume()
    assert [due for due, _ in engine.queue.waiting()] == [LONGEST_DELAY]
    [refused] = events(engine, "media.purge.refused")
    assert "CLOUDFLARE_ZONE_ID" in refused["advice"]
    assert engine.api.tried == 0


def test_a_message_that_cannot_be_read_waits_for_who_can_and_is_told_of() -> None:
    engine = Engine()
    send(engine, {"kind": "purge", "version": 2}, message("m-a"), {}, message(*["m-a"] * 101))
    engine.consume()
    assert engine.api.calls == [["m-a"]], "it holds nobody up"
    assert [due for due, _ in engine.queue.waiting()] == [LONGEST_DELAY] * 3
    assert events(engine, "media.queue.unreadable") == [
        {
            "level": "error",
            "event": "media.queue.unreadable",
            "messages": ["message-1", "message-3", "message-4"],
        }
    ]


def test_a_message_of_a_newer_version_outlives_a_rollback() -> None:
    engine = Engine()
    newer = {"kind": "purge", "version": 2, "tags": {"of": "another shape"}}
    send(engine, newer)
    for _ in range(99):
        engine.consume()
        engine.clock.advance(1000 * LONGEST_DELAY)
    [(_, left)] = engine.queue.waiting()
    assert left == newer
    [delivery] = engine.queue.deliver()
    assert delivery.attempts == 100, "one more, and the platform lays it aside"


def test_nothing_that_can_be_read_is_nothing_to_do() -> None:
    engine = Engine()
    send(engine, {"kind": "webhook"})
    engine.consume()
    assert engine.api.tried == 0
    assert [event["event"] for event in engine.log.events] == ["media.queue.unreadable"]


def test_no_call_has_more_tags_than_the_api_takes() -> None:
    engine = Engine()
    send(engine, *(message(*TAGS[first : first + 7]) for first in range(0, 245, 7)))
    engine.consume()
    assert max(len(call) for call in engine.api.calls) <= MAX_TAGS
    assert set(engine.api.tags) == set(TAGS[:245])
    assert engine.api.tried == len(engine.api.calls) == 3
