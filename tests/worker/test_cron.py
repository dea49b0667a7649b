"""What the cron does to files that were not brought to an end."""

import httpx
import pytest

from tests.conftest import RunningWorker
from tests.media import JPEG
from tests.worker.bucket import store
from tests.worker.caller import PERMISSIONS, Caller
from tests.worker.state import Kept, bring_to_an_end, grow_older, kept, kept_for_tokens
from tests.worker.tokens import file_url

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


def clean(worker: RunningWorker) -> Kept:
    """Let the cron run, and return what is there after it."""
    httpx.get(f"{worker.url}/cdn-cgi/handler/scheduled", timeout=60).raise_for_status()
    return kept(worker.state)


def test_an_upload_that_nobody_completed_for_a_day_is_given_up(
    worker: RunningWorker, alice: Caller
) -> None:
    signed = alice.presigned(len(JPEG))
    alice.put(signed, JPEG)
    without_bytes = alice.presigned(len(JPEG))
    keys = [signed["key"], without_bytes["key"]]
    grow_older(worker.state, keys, DAY_MS + HOUR_MS)

    after = clean(worker)
    assert [after.rows[key]["status"] for key in keys] == ["gone", "gone"]
    assert not after.objects.keys() & set(keys)
    for upload in (signed, without_bytes):
        assert alice.complete(upload["mediaId"]).json()["code"] == "MEDIA_GONE"
        opened = httpx.get(file_url(alice.url, upload["key"]))
        assert (opened.status_code, opened.json()["code"]) == (410, "MEDIA_GONE")
    assert clean(worker) == after, "a second run changes nothing"


def test_an_upload_that_may_still_be_completed_stays(worker: RunningWorker, alice: Caller) -> None:
    signed = alice.presigned(len(JPEG))
    alice.put(signed, JPEG)
    grow_older(worker.state, [signed["key"]], DAY_MS - HOUR_MS)
    clean(worker)
    assert alice.complete(signed["mediaId"]).status_code == 200


@pytest.mark.parametrize("days", [1, 365])
def test_an_uploaded_file_stays_however_old_it_is(
    worker: RunningWorker, alice: Caller, days: int
) -> None:
    file = alice.upload(JPEG)
    grow_older(worker.state, [file["key"]], days * DAY_MS + HOUR_MS)
    before = kept(worker.state)
    after = clean(worker)
    assert after.rows[file["key"]] == before.rows[file["key"]]
    assert httpx.get(file_url(alice.url, file["key"])).content == JPEG


def test_the_place_of_a_refused_upload_is_kept_until_its_url_is_dead(
    worker: RunningWorker, alice: Caller
) -> None:
    signed = alice.presigned(len(JPEG))
    store(alice.url, signed["key"], b"else", ContentType="image/jpeg")
    assert alice.complete(signed["mediaId"]).status_code == 422

    grow_older(worker.state, [signed["key"]], HOUR_MS)
    after = clean(worker)
    assert after.rows[signed["key"]]["status"] == "rejected"
    assert after.objects[signed["key"]] == 0
    assert alice.put(signed, JPEG).status_code == 412

    grow_older(worker.state, [signed["key"]], 2 * HOUR_MS)
    after = clean(worker)
    assert after.rows[signed["key"]]["status"] == "gone"
    assert signed["key"] not in after.objects


def test_a_file_that_is_gone_for_long_is_as_if_it_had_never_been(
    worker: RunningWorker, alice: Caller
) -> None:
    signed = alice.presigned(len(JPEG))
    grow_older(worker.state, [signed["key"]], 2 * DAY_MS)
    assert clean(worker).rows[signed["key"]]["status"] == "gone"

    grow_older(worker.state, [signed["key"]], 89 * DAY_MS)
    assert signed["key"] in clean(worker).rows
    assert httpx.get(file_url(alice.url, signed["key"])).status_code == 410

    grow_older(worker.state, [signed["key"]], 2 * DAY_MS)
    assert signed["key"] not in clean(worker).rows
    assert httpx.get(file_url(alice.url, signed["key"])).status_code == 404
    assert alice.complete(signed["mediaId"]).status_code == 404


def test_what_a_token_needed_is_kept_until_the_token_is_dead(
    worker: RunningWorker, alice: Caller
) -> None:
    file = alice.upload(JPEG)
    alive, dead = (alice.access(ids=[file["mediaId"]])["tokenId"] for _ in range(2))
    for token_id in (alive, dead):
        alice.revoke(token_id)
    bring_to_an_end(worker.state, dead)
    clean(worker)
    revocations, sets = kept_for_tokens(worker.state)
    assert {alive, dead} & {row["jti"] for row in revocations} == {alive}
    assert {alive, dead} & {row["id"] for row in sets} == {alive}


def test_a_forecast_says_what_the_next_run_does_and_changes_nothing(
    worker: RunningWorker, alice: Caller, carol: Caller
) -> None:
    assert carol.forecast(PERMISSIONS).json()["code"] == "FORBIDDEN"
    assert alice.forecast().json()["code"] == "FORBIDDEN"
    clean(worker)
    stale, gone, reserved = (alice.presigned(len(JPEG)) for _ in range(3))
    alice.put(stale, JPEG)
    grow_older(worker.state, [gone["key"]], 2 * DAY_MS)
    clean(worker)
    grow_older(worker.state, [gone["key"]], 91 * DAY_MS)
    grow_older(worker.state, [stale["key"]], 2 * DAY_MS)
    grow_older(worker.state, [reserved["key"]], 4 * HOUR_MS)
    before, for_tokens = kept(worker.state), kept_for_tokens(worker.state)

    answer = carol.forecast()
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    steps = answer.json()["steps"]
    assert (kept(worker.state), kept_for_tokens(worker.state)) == (before, for_tokens)

    after = clean(worker)
    statuses = [
        (row["status"], after.rows.get(key, {"status": None})["status"])
        for key, row in before.rows.items()
    ]
    changed = {change: statuses.count(change) for change in statuses if change[0] != change[1]}
    assert changed == {("pending_upload", "gone"): 1, ("gone", None): 1}
    assert {name: step["count"] for name, step in steps.items() if name != "resumed"} == {
        "expired": 1, "removed": 1, "forgotten": 1, "released": 1,
        "revocations": 0, "sets": 0, "keys": 0, "transfers": 0,
    }  # fmt: skip
    assert steps["expired"]["bounded"] is False
    assert 0 <= steps["expired"]["ageSeconds"] - 2 * DAY_MS // 1000 < 600
    assert carol.forecast().json()["steps"]["removed"] == {
        "count": 0, "bounded": False, "ageSeconds": None,
    }  # fmt: skip
