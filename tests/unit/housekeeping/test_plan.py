from media_engine.housekeeping.plan import BATCH, BURIALS, DAY_MS, HOUR_MS, Deadlines, deadlines
from media_engine.uploads.model import UPLOAD_URL_LIFE_MS

NOW = 1_795_174_000_123


def test_the_deadlines_are_those_that_were_promised() -> None:
    assert deadlines(NOW) == Deadlines(
        pending_before=NOW - 24 * 3_600_000,
        owed_before=NOW - 60_000,
        url_dead_before=NOW - 3_600_000 - 60_000,
        keys_before=NOW - 24 * 3_600_000,
        gone_before=NOW - 90 * 24 * 3_600_000,
    )


def test_the_url_of_an_upload_is_long_dead_when_the_upload_is_given_up() -> None:
    signed = deadlines(NOW).pending_before
    assert signed + UPLOAD_URL_LIFE_MS < deadlines(NOW).url_dead_before
    assert DAY_MS == 24 * HOUR_MS


def test_a_step_takes_no_more_than_the_store_deletes_in_one_call() -> None:
    assert 0 < BURIALS <= BATCH <= 1_000
