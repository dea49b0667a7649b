"""What goes wrong, as an application's own tests provoke it on the double, and what mends it."""

import json
import re
import unittest
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from io import StringIO
from typing import Any

import httpx
import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.utils import timezone

from media_shim import attachments, outbox, quarantine, services
from media_shim.errors import WorkerRefused, WorkerUnavailable
from media_shim.models import MediaObject, OutboxEntry, QuarantinedFile, Status
from media_shim.testing import PNG, FakeWorker, fake_worker, make_media, make_upload, refusal
from media_shim.uploads import UploadWanted
from runtime.process import ROOT
from tests.shim.conftest import Browser

R2_DOWN = refusal(502, "R2_UNAVAILABLE", "Again.")


@pytest.fixture
def worker() -> Iterator[FakeWorker]:
    with fake_worker() as worker:
        yield worker


@pytest.fixture
def media(worker: FakeWorker, alice: User) -> MediaObject:  # noqa: ARG001
    return make_media(alice)


@pytest.fixture
def move_clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[timedelta], datetime]:
    """Return what moves Django's clock on, as time-machine does."""

    def move(by: timedelta) -> datetime:
        moved = timezone.now() + by
        monkeypatch.setattr(timezone, "now", lambda: moved)
        return moved

    return move


@dataclass
class Report:
    """How a run of `media_reconcile` ended, and the kinds of drift that it counted."""

    status: int
    drift: dict[str, int] = field(default_factory=dict)
    repaired: dict[str, int] = field(default_factory=dict)
    said: str = ""


def reconcile(*options: str) -> Report:
    """Run the command, for which everything is old enough."""
    out, report = StringIO(), Report(0)
    try:
        call_command("media_reconcile", "--json", "--grace=0", *options, stdout=out)
    except CommandError as error:
        report.status, report.said = error.returncode, str(error)
    for line in out.getvalue().splitlines():
        said = json.loads(line)
        if "keys" in said:
            report.drift, report.repaired = said["drift"], said["repaired"]
    return report


def tell() -> None:
    while outbox.deliver(timezone.now).tried:
        pass


def row(media: MediaObject) -> MediaObject:
    return MediaObject.objects.get(pk=media.pk)


def test_the_example_of_a_test_case_in_the_readme_runs() -> None:
    text = (ROOT / "backend_shim" / "README.md").read_text()
    (example,) = re.findall(r"^```python\n(from io import StringIO\n.*?)^```$", text, re.M | re.S)
    names: dict[str, Any] = {"__name__": "example"}
    exec(example, names)
    cases = unittest.defaultTestLoader.loadTestsFromTestCase(names["WhenTheStoresDisagree"])
    result = unittest.TestResult()

    cases.run(result)

    assert (result.testsRun, result.errors, result.failures) == (3, [], [])


# Drift.


@pytest.mark.usefixtures("media")
def test_of_what_agrees_nothing_is_said(worker: FakeWorker, alice: User) -> None:
    make_upload(alice)
    make_media(alice, kind="video", visibility="public")
    worker.calls.clear()

    assert reconcile() == Report(0)
    assert set(worker.called) == {"GET /managed/files", "GET /managed/objects"}


def test_a_row_that_the_worker_lost_is_made_again(
    worker: FakeWorker, media: MediaObject, alice: User
) -> None:
    attachments.attach(alice.profile, [media.key], by=alice, visibility="public")
    tell()
    worker.lose_row(media.key)

    assert reconcile().drift == {"row_lost": 1}
    repaired = reconcile("--repair")

    assert (repaired.status, repaired.repaired) == (1, {"row_lost": 1})
    assert worker.of_key(media.key).visibility == "public"
    assert reconcile() == Report(0)


def test_bytes_that_the_store_lost_are_named_and_nothing_is_done(
    worker: FakeWorker, media: MediaObject
) -> None:
    worker.lose_object(media.key)
    assert reconcile("--repair") == Report(1, {"bytes_lost": 1}, {}, "1 drift")

    worker.lose_row(media.key)
    assert reconcile("--repair") == Report(1, {"missing": 1}, {}, "1 drift")
    assert row(media).status == Status.COMMITTED


def test_what_the_application_lost_is_quarantined_and_released(
    worker: FakeWorker, media: MediaObject, alice: User
) -> None:
    worker.of_key(media.key).fields["visibility"] = "public"
    MediaObject.objects.all().delete()

    assert reconcile("--repair").repaired == {"stray_row": 1}

    held = QuarantinedFile.objects.get()
    assert (held.key, held.tenant) == (media.key, "acme")
    assert worker.of_key(media.key).visibility == "private"
    assert reconcile() == Report(0)
    quarantine.release(held, alice, timezone.now())
    assert row(media).owner == alice
    assert reconcile() == Report(0)


def test_an_object_that_nobody_knows_is_quarantined_and_deleted(worker: FakeWorker) -> None:
    key = f"t/acme/app/2026/11/{'s' * 21}.png"
    worker.add_object(key, PNG, "image/png", file_name="found.png")

    assert reconcile("--repair").repaired == {"stray_object": 1}

    held = QuarantinedFile.objects.get()
    assert (held.key, held.file_name) == (key, "found.png")
    quarantine.discard(held, timezone.now())
    tell()
    assert worker.of_key(key).status == "deleting"
    assert worker.objects[key].gone
    assert reconcile() == Report(0)


def test_a_deletion_of_which_the_worker_never_heard(worker: FakeWorker, alice: User) -> None:
    media = make_media(alice, status=Status.REMOVED)

    assert reconcile("--repair").repaired == {"not_deleted": 1}
    tell()

    assert worker.of_key(media.key).status == "deleting"
    assert reconcile() == Report(0)


def test_bytes_that_were_kept_without_a_row_go(worker: FakeWorker, alice: User) -> None:
    media = make_media(alice, status=Status.REMOVED)
    worker.lose_row(media.key)

    assert reconcile("--repair").repaired == {"bytes_kept": 1}
    tell()

    assert worker.objects[media.key].gone
    assert reconcile() == Report(0)


def test_what_is_shown_and_should_not_be_is_hidden(worker: FakeWorker, media: MediaObject) -> None:
    worker.of_key(media.key).fields["visibility"] = "public"

    assert reconcile("--repair").repaired == {"too_open": 1}
    tell()

    assert worker.of_key(media.key).visibility == "private"
    assert reconcile() == Report(0)


def test_what_the_worker_still_awaits_is_completed(worker: FakeWorker, media: MediaObject) -> None:
    worker.of_key(media.key).status = "pending_upload"

    assert reconcile("--repair").repaired == {"unfinished": 1}
    assert worker.of_key(media.key).status == "uploaded"
    assert reconcile() == Report(0)


def test_a_page_is_not_all_and_much_drift_is_not_repaired(worker: FakeWorker) -> None:
    for number in range(1001):
        worker.add_object(f"t/acme/app/2026/11/{number:021}.png", PNG, "image/png")

    stopped = reconcile("--repair")

    assert (stopped.status, stopped.drift) == (2, {"stray_object": 1001})
    assert "--yes-really" in stopped.said
    assert not worker.files
    assert reconcile("--repair", "--yes-really").repaired == {"stray_object": 1001}
    assert QuarantinedFile.objects.count() == 1001
    assert worker.called.count("POST /managed/restore") == 11


def test_one_tenant_is_looked_at_alone(worker: FakeWorker, alice: User, bob: User) -> None:
    for user in (alice, bob):
        worker.lose_row(make_media(user).key)

    assert reconcile("--prefix", "t/globex").drift == {"row_lost": 1}
    assert reconcile().drift == {"row_lost": 2}


@pytest.mark.usefixtures("media")
def test_what_is_younger_than_the_grace_is_left_alone(worker: FakeWorker) -> None:
    worker.objects.clear()

    assert call_command("media_reconcile", stdout=StringIO()) is None


# A Worker that fails.


@pytest.mark.usefixtures("media")
@pytest.mark.parametrize(
    ("answer", "only", "said"),
    [
        (None, "", "The Worker did not answer: ConnectError"),
        (httpx.ReadTimeout("slow"), "", "The Worker did not answer: ReadTimeout"),
        (R2_DOWN, "GET /managed/objects", "The store did not answer: R2_UNAVAILABLE: Again."),
        (
            refusal(500, "DB_ERROR", "Again."),
            "GET /managed/files",
            "The Worker's database did not answer: DB_ERROR: Again.",
        ),
    ],
)
def test_a_comparison_that_cannot_be_finished(
    worker: FakeWorker, answer: httpx.Response | Exception | None, only: str, said: str
) -> None:
    with worker.failing(answer, only=only):
        assert reconcile() == Report(2, said=f"could not finish: {said}")

    assert reconcile() == Report(0)


def test_a_worker_that_is_down_is_down_however_often_it_is_asked(
    worker: FakeWorker, alice: User
) -> None:
    media = make_upload(alice)

    with worker.failing():
        for _ in range(2):
            with pytest.raises(WorkerUnavailable):
                services.commit(alice, media.key)

    assert worker.called.count("PATCH /upload/complete") == 6
    assert services.commit(alice, media.key).status == Status.COMMITTED


def test_only_what_is_named_fails_and_each_time_anew(worker: FakeWorker, alice: User) -> None:
    with worker.failing(R2_DOWN, only="PATCH /upload/complete"):
        media = make_upload(alice)
        for _ in range(2):
            with pytest.raises(WorkerRefused, match="Again"):
                services.commit(alice, media.key)
        limited = refusal(429, "RATE_LIMITED", "Later.")
        with (
            worker.failing(limited, only="POST /upload/"),
            pytest.raises(WorkerRefused, match="Later"),
        ):
            make_upload(alice)
        make_upload(alice)


def test_an_answer_that_is_lost_does_not_undo_what_was_done(
    worker: FakeWorker, alice: User
) -> None:
    media = make_upload(alice)

    with worker.failing(httpx.ReadError("cut"), done=True), pytest.raises(WorkerUnavailable):
        services.commit(alice, media.key)

    assert worker.of_key(media.key).status == "uploaded"
    assert row(media).status == Status.PENDING
    assert services.commit(alice, media.key).status == Status.COMMITTED


def test_what_was_to_be_said_next_comes_before_what_fails(worker: FakeWorker, alice: User) -> None:
    worker.answer_next(refusal(429, "RATE_LIMITED", "Later."))

    with worker.failing():
        with pytest.raises(WorkerRefused):
            make_upload(alice)
        with pytest.raises(WorkerUnavailable):
            make_upload(alice)


def test_the_outbox_waits_for_a_worker_that_is_down(
    worker: FakeWorker, alice: User, move_clock: Callable[[timedelta], datetime]
) -> None:
    media = make_media(alice)
    attachments.remove(alice, media.pk)

    with worker.failing(only="DELETE /files/"):
        call_command("media_outbox", stdout=StringIO())
    assert OutboxEntry.objects.get().attempts == 1
    move_clock(timedelta(minutes=1))
    call_command("media_outbox", stdout=StringIO())

    assert row(media).status == Status.REMOVED
    assert worker.of_key(media.key).status == "deleting"


@pytest.mark.parametrize(
    ("answer", "seen"),
    [
        (None, ("unknown", "unknown", "WORKER_UNAVAILABLE")),
        (R2_DOWN, ("unwell", "unknown", "R2_UNAVAILABLE")),
        (refusal(500, "DB_ERROR", "Again."), ("ok", "unwell", "DB_ERROR")),
    ],
)
def test_health_says_which_store_is_unwell(
    nobody: Browser, answer: httpx.Response | None, seen: tuple[str, str, str]
) -> None:
    with fake_worker():
        assert nobody.get("/api/media/health").status_code == 200

    with fake_worker() as worker, worker.failing(answer, only="GET /m/"):
        found = nobody.get("/api/media/health")

    assert found.status_code == 503
    assert (found.json()["r2"], found.json()["d1"], found.json()["reason"]) == seen


# Time.


def test_an_upload_that_comes_too_late_stores_nothing(
    worker: FakeWorker, alice: User, move_clock: Callable[[timedelta], datetime]
) -> None:
    wanted = UploadWanted.parse({"kind": "image", "contentType": "image/png", "bytes": len(PNG)})
    media, issued = services.sign_upload(alice, wanted, "a-name")

    def send(upload: object) -> int:
        assert isinstance(upload, type(issued))
        return httpx.put(upload.url, headers=upload.headers, content=PNG).status_code  # type: ignore[union-attr]

    move_clock(timedelta(hours=1, minutes=1))
    assert send(issued) == 403
    again, renewed = services.sign_upload(alice, wanted, "a-name")
    assert (again, send(renewed)) == (media, 200)
    assert len(worker.files) == 1


def test_what_nobody_commits_is_given_up_on_both_sides(
    worker: FakeWorker, alice: User, move_clock: Callable[[timedelta], datetime]
) -> None:
    media, unused = make_upload(alice), make_media(alice)

    move_clock(timedelta(days=2, minutes=1))
    worker.run_cron()

    assert worker.of_key(media.key).status == "gone"
    assert media.key not in worker.objects
    with pytest.raises(WorkerRefused, match="deleted"):
        services.commit(alice, media.key)
    call_command("media_cleanup", stdout=StringIO())
    tell()
    assert {row(media).status, row(unused).status} == {Status.REMOVED}
    # Its URL is dead, so that nothing has to keep its place.
    assert worker.of_key(unused.key).status == "gone"
    assert not worker.objects
    assert reconcile() == Report(0)


def test_a_file_that_the_worker_does_not_have_has_no_row() -> None:
    with fake_worker() as worker, pytest.raises(KeyError):
        worker.of_key("t/acme/nothing")
