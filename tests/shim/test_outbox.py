"""What the Worker must hear: at least once, in order, never lost."""

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.error import URLError

import httpx
import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from media_shim import attachments, outbox, signals
from media_shim.models import Action, Delivery, MediaObject, OutboxEntry, Status
from media_shim.outbox import Delivered
from media_shim.reconcile import streams
from media_shim.testing.worker import FakeWorker, refusal
from tests.shim.conftest import Upload

pytestmark = pytest.mark.django_db(transaction=True)


class Clock:
    """Tells the time, which only goes on when it is told to."""

    def __init__(self) -> None:
        # Ahead of all that a test writes down, however slow the machine.
        self.now = datetime.now(UTC) + timedelta(minutes=1)

    def __call__(self) -> datetime:
        return self.now

    def after(self, **span: float) -> "Clock":
        self.now += timedelta(**span)
        return self


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def attached(alice: User, committed: Upload) -> MediaObject:
    media = committed(alice)
    attachments.attach(alice.profile, [media.key], by=alice)
    return media


def row(media: MediaObject) -> MediaObject:
    return MediaObject.objects.get(pk=media.pk)


def changes(double: FakeWorker) -> list[tuple[str, object]]:
    """Return what the Worker was told of files: the method, and who may see it."""
    return [
        (call.name.partition(" ")[0], call.body.get("visibility"))
        for call in double.calls
        if " /files/" in call.name
    ]


def test_a_removal_is_told_once_and_then_true(
    alice: User, attached: MediaObject, double: FakeWorker, clock: Clock
) -> None:
    heard: list[MediaObject] = []

    def listen(media: MediaObject, **_: object) -> None:
        heard.append(media)

    attachments.detach(alice.profile)
    signals.media_removed.connect(listen)

    assert outbox.deliver(clock) == Delivered(done=1)
    assert outbox.deliver(clock) == Delivered()

    removed = row(attached)
    assert (removed.status, removed.removed_at) == (Status.REMOVED, clock.now)
    assert heard == [attached]
    assert changes(double) == [("DELETE", None)]
    assert double.calls[-1].query == {"revision": str(removed.revision)}
    assert double.calls[-1].headers["x-media-shim"] == "app"
    assert double.files[attached.pk].status == "deleting"


def test_a_change_is_told_in_the_name_of_whom_the_file_was_signed_for(
    alice: User, attached: MediaObject, double: FakeWorker, clock: Clock
) -> None:
    alice.profile.tenant = "elsewhere"
    alice.profile.save()
    attachments.remove_all_of(alice)

    outbox.deliver(clock)

    headers = double.calls[-1].headers
    assert (headers["x-tenant-id"], headers["x-user-id"]) == ("acme", attached.worker_user)


def test_changes_of_one_file_are_told_in_their_order(
    alice: User, attached: MediaObject, double: FakeWorker, clock: Clock
) -> None:
    for visibility in ("public", "private", "public"):
        attachments.set_visibility(alice.profile, visibility)

    assert outbox.deliver(clock) == Delivered(done=3)

    assert [visibility for _, visibility in changes(double)] == ["public", "private", "public"]
    revisions = [call.body["revision"] for call in double.calls[-3:]]
    assert revisions == sorted(set(revisions))
    assert row(attached).delivered_visibility == "public"


def test_what_fails_holds_up_what_comes_after_it_for_the_same_file_alone(
    alice: User,
    bob: User,
    attached: MediaObject,
    committed: Upload,
    double: FakeWorker,
    clock: Clock,
) -> None:
    theirs = committed(bob)
    attachments.set_visibility(alice.profile, "public")
    attachments.set_visibility(alice.profile, "private")
    attachments.remove(bob, theirs.pk)
    double.answer_next(httpx.ConnectError("refused"))

    assert outbox.deliver(clock) == Delivered(done=1, failed=1)

    assert row(theirs).status == Status.REMOVED
    assert changes(double) == [("PATCH", "public"), ("DELETE", None)]
    assert outbox.deliver(clock.after(seconds=2)) == Delivered(done=2)
    assert double.files[attached.pk].fields["visibility"] == "private"


def test_an_attempt_that_failed_is_repeated_later_and_later(
    alice: User, attached: MediaObject, double: FakeWorker, clock: Clock
) -> None:
    attachments.detach(alice.profile)
    pauses = []
    for _ in range(14):
        double.answer_next(httpx.ReadTimeout("silent"))
        assert outbox.deliver(clock) == Delivered(failed=1)
        assert outbox.deliver(clock) == Delivered()
        entry = OutboxEntry.objects.get()
        pauses.append((entry.due_at - clock.now).total_seconds())
        clock.now = entry.due_at

    assert pauses == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900, 900]
    assert entry.last_error == "WORKER_UNAVAILABLE 502"
    assert outbox.deliver(clock) == Delivered(done=1)
    assert row(attached).status == Status.REMOVED


@pytest.mark.parametrize(
    "answer",
    [
        httpx.ConnectError("refused"),
        httpx.ReadError("cut"),
        httpx.Response(200, text="<html>"),
        refusal(500, "DB_ERROR", "Later."),
        refusal(502, "R2_UNAVAILABLE", "Later."),
        refusal(503, "MEDIA_NOT_CONFIGURED", "Later.", setting="GATEWAY_KEYS"),
        refusal(429, "RATE_LIMITED", "Later."),
        refusal(401, "UNAUTHORIZED", "The gateway key is wrong."),
    ],
)
def test_what_says_nothing_of_the_file_is_never_given_up(
    alice: User, attached: MediaObject, double: FakeWorker, clock: Clock, answer: Any
) -> None:
    attachments.detach(alice.profile)
    for _ in range(outbox.REFUSALS + 3):
        double.answer_next(answer)
        assert outbox.deliver(clock.after(hours=1)) == Delivered(failed=1)

    assert OutboxEntry.objects.get().state == Delivery.WAITING
    assert outbox.deliver(clock.after(hours=1)) == Delivered(done=1)
    assert row(attached).status == Status.REMOVED


def test_what_is_refused_again_and_again_waits_for_a_person(
    alice: User, attached: MediaObject, double: FakeWorker, clock: Clock
) -> None:
    attachments.detach(alice.profile)
    managed = refusal(409, "MEDIA_MANAGED", "The application manages this file.")
    double.answer_next(*[managed] * outbox.REFUSALS)

    outcomes = [outbox.deliver(clock.after(hours=1)) for _ in range(outbox.REFUSALS)]

    assert outcomes == [Delivered(failed=1)] * (outbox.REFUSALS - 1) + [Delivered(dead=1)]
    assert outbox.deliver(clock.after(days=9)) == Delivered()
    assert OutboxEntry.objects.get().last_error == "MEDIA_MANAGED 409"
    assert row(attached).status == Status.REMOVING
    assert outbox.revive(OutboxEntry.objects.all(), clock()) == 1
    assert outbox.deliver(clock) == Delivered(done=1)


def test_a_removal_takes_the_place_of_what_is_dead(
    alice: User, attached: MediaObject, double: FakeWorker, clock: Clock
) -> None:
    attachments.set_visibility(alice.profile, "public")
    double.answer_next(*[refusal(400, "INVALID_FIELD", "No.")] * outbox.REFUSALS)
    for _ in range(outbox.REFUSALS):
        outbox.deliver(clock.after(hours=1))

    attachments.detach(alice.profile)

    assert outbox.deliver(clock.after(hours=1)) == Delivered(done=1)
    assert row(attached).status == Status.REMOVED


def test_what_waits_behind_a_dead_entry_is_told_by_nobody(
    alice: User, attached: MediaObject
) -> None:
    """So that `media_reconcile` looks at the file, which may be seen by everybody."""
    attachments.set_visibility(alice.profile, "public")
    OutboxEntry.objects.update(state=Delivery.DEAD)
    attachments.set_visibility(alice.profile, "private")
    (file,) = streams.fresh([attached.key]).values()
    assert not file.is_changing

    outbox.revive(OutboxEntry.objects.all(), timezone.now())

    (file,) = streams.fresh([attached.key]).values()
    assert file.is_changing


def test_a_removal_does_not_wait_for_what_it_makes_pointless(
    alice: User, attached: MediaObject, double: FakeWorker, clock: Clock
) -> None:
    """A change that was on its way when the file was removed, and is refused for the last time."""
    attachments.set_visibility(alice.profile, "public")
    double.answer_next(*[refusal(400, "INVALID_FIELD", "No.")] * outbox.REFUSALS)
    for _ in range(outbox.REFUSALS - 1):
        outbox.deliver(clock.after(seconds=10))
    on_its_way = outbox._claimed(clock.after(seconds=10)())
    assert on_its_way is not None
    attachments.detach(alice.profile)
    assert outbox.deliver(clock) == Delivered(), "one at a time"

    assert outbox._deliver(on_its_way, clock) == Delivered(dead=1)

    assert outbox.deliver(clock) == Delivered(done=1)
    assert row(attached).status == Status.REMOVED
    assert double.files[attached.pk].status == "deleting"
    assert not OutboxEntry.objects.exists()


@pytest.mark.parametrize("field", ["due_at", "claimed_until"])
def test_a_clock_that_was_far_ahead_holds_nothing_up(
    alice: User, attached: MediaObject, clock: Clock, field: str
) -> None:
    attachments.detach(alice.profile)
    assert outbox._claimed(clock()) is not None
    OutboxEntry.objects.update(**{field: clock() + timedelta(days=999)})

    assert outbox.deliver(clock.after(seconds=31)) == Delivered(done=1)
    assert row(attached).status == Status.REMOVED


@pytest.mark.usefixtures("attached")
def test_a_receiver_that_breaks_a_constraint_holds_up_nobody_else(
    alice: User, committed: Upload, clock: Clock
) -> None:
    other = committed(alice)
    attachments.detach(alice.profile)
    attachments.remove(alice, other.pk)

    def break_a_constraint(media: MediaObject, **_: object) -> None:
        if media != other:
            User.objects.create(username=alice.username)

    signals.media_removed.connect(break_a_constraint)
    try:
        assert outbox.deliver(clock) == Delivered(done=1, failed=1)
    finally:
        signals.media_removed.disconnect(break_a_constraint)

    assert row(other).status == Status.REMOVED
    assert OutboxEntry.objects.get().last_error == "IntegrityError"
    assert outbox.deliver(clock.after(seconds=2)) == Delivered(done=1)


@pytest.mark.parametrize("code", ["MEDIA_NOT_FOUND", "MEDIA_GONE"])
@pytest.mark.parametrize("action", list(Action))
@pytest.mark.usefixtures("attached")
def test_of_what_the_worker_does_not_have_nothing_has_to_be_done(
    alice: User, double: FakeWorker, clock: Clock, code: str, action: Action
) -> None:
    if action is Action.DELETE:
        attachments.detach(alice.profile)
    else:
        attachments.set_visibility(alice.profile, "public")
    double.answer_next(refusal(404 if code == "MEDIA_NOT_FOUND" else 410, code, "No."))

    assert outbox.deliver(clock) == Delivered(done=1)


@pytest.mark.usefixtures("attached")
def test_a_receiver_that_breaks_down_is_told_again_later(
    alice: User, double: FakeWorker, clock: Clock
) -> None:
    def break_down(**_: object) -> None:
        raise ZeroDivisionError

    attachments.detach(alice.profile)
    signals.media_removed.connect(break_down)
    try:
        assert outbox.deliver(clock) == Delivered(failed=1)
    finally:
        signals.media_removed.disconnect(break_down)

    assert OutboxEntry.objects.get().last_error == "ZeroDivisionError"
    assert outbox.deliver(clock.after(seconds=2)) == Delivered(done=1)
    assert changes(double) == [("DELETE", None)] * 2


@pytest.mark.usefixtures("attached")
def test_what_others_say_is_told_to_nobody(
    alice: User, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """A receiver asks servers of its own, with secrets of its own."""

    def break_down(**_: object) -> None:
        raise URLError("https://others.test/?key=5ec3e7")

    attachments.detach(alice.profile)
    signals.media_removed.connect(break_down)
    try:
        assert outbox.deliver(clock) == Delivered(failed=1)
    finally:
        signals.media_removed.disconnect(break_down)

    (record,) = caplog.records
    assert (vars(record)["code"], vars(record)["reason"]) == ("URLError", None)
    assert OutboxEntry.objects.get().last_error == "URLError"


@pytest.mark.usefixtures("attached")
@pytest.mark.parametrize("code", ["X" * 201, "eyJhbGciOiJIUzI1NiJ9.e30.5ec3e7", ""])
def test_a_code_that_is_none_of_the_workers_is_kept_nowhere(
    alice: User, double: FakeWorker, clock: Clock, code: str
) -> None:
    """Something in between has answered, and PostgreSQL would not take every text."""
    attachments.detach(alice.profile)
    double.answer_next(refusal(404, code, "No."))

    assert outbox.deliver(clock) == Delivered(failed=1)
    assert OutboxEntry.objects.get().last_error == "WORKER_UNAVAILABLE 502"
    assert outbox.deliver(clock.after(seconds=2)) == Delivered(done=1)


class TestClaims:
    def test_what_a_dead_deliverer_claimed_is_delivered_by_another(
        self, alice: User, attached: MediaObject, clock: Clock
    ) -> None:
        attachments.detach(alice.profile)
        assert outbox._claimed(clock()) is not None

        assert outbox.deliver(clock) == Delivered()
        assert outbox.deliver(clock.after(seconds=31)) == Delivered(done=1)
        assert row(attached).status == Status.REMOVED

    def test_a_deliverer_that_was_overtaken_leaves_everything_as_it_is(
        self, alice: User, attached: MediaObject, double: FakeWorker, clock: Clock
    ) -> None:
        attachments.set_visibility(alice.profile, "public")
        slow = outbox._claimed(clock())
        assert slow is not None
        outbox.deliver(clock.after(seconds=31))
        attachments.set_visibility(alice.profile, "private")
        waiting = OutboxEntry.objects.get()

        outbox._deliver(slow, clock)

        assert OutboxEntry.objects.get().pk == waiting.pk
        assert outbox.deliver(clock) == Delivered(done=1)
        assert row(attached).delivered_visibility == "private"
        # What was late has an older number, and the Worker does not believe it.
        assert double.files[attached.pk].fields["visibility"] == "private"

    def test_two_that_deliver_at_once_share_the_work(
        self, alice: User, committed: Upload, clock: Clock
    ) -> None:
        for _ in range(3):
            attachments.remove(alice, committed(alice).pk)

        claimed = [outbox._claimed(clock()) for _ in range(4)]

        assert len({entry.pk for entry in claimed if entry}) == 3
        assert claimed[3] is None


TOLD_AT_ANY_MOMENT = """
import os, random, signal, threading
import django
from django.conf import settings
from django.core.management import call_command
apps = ["django.contrib.contenttypes", "django.contrib.auth", "media_shim"]
settings.configure(INSTALLED_APPS=apps)
django.setup()
from media_shim import cleanup, outbox
from media_shim.management.commands import media_outbox

class Out:
    def write(self, text):  # It is ready to be told.
        moment = random.uniform(0, 0.002)
        threading.Timer(moment, os.kill, (os.getpid(), signal.SIGTERM)).start()
    def flush(self):
        pass

media_outbox.PAUSE = 0
cleanup.sweep = lambda now: None
outbox.deliver = lambda clock, most: outbox.Delivered()
for _ in range(500):
    call_command("media_outbox", "--stay", "--skip-checks", stdout=Out())
"""


class TestCommand:
    def run(self, *options: str) -> str:
        out = StringIO()
        call_command("media_outbox", *options, stdout=out)
        return out.getvalue()

    def test_it_says_what_it_did(self, alice: User, attached: MediaObject) -> None:
        attachments.detach(alice.profile)

        assert self.run() == "1 delivered, 0 waiting, 0 dead\n"
        assert row(attached).status == Status.REMOVED

    @pytest.mark.usefixtures("attached")
    def test_what_is_dead_makes_it_fail_and_say_what_to_do(self, alice: User) -> None:
        attachments.detach(alice.profile)
        OutboxEntry.objects.update(state=Delivery.DEAD)

        with pytest.raises(CommandError, match="--retry-dead"):
            self.run()
        assert self.run("--retry-dead").startswith("1 dead entries are tried again\n1 delivered")

    def test_a_file_that_cannot_be_cleaned_up_holds_up_no_removal(
        self, alice: User, attached: MediaObject, committed: Upload
    ) -> None:
        """A receiver may object to a removal. Once it did, for ever, to all that are told."""
        free = committed(alice)
        attachments.detach(alice.profile)
        MediaObject.objects.filter(pk=free.pk).update(
            committed_at=datetime.now(UTC) - timedelta(days=2)
        )

        def object_to_it(**_: object) -> None:
            raise ZeroDivisionError

        def stop(**_: object) -> None:
            os.kill(os.getpid(), signal.SIGTERM)

        kept = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
        signals.media_removing.connect(object_to_it)
        signals.media_removed.connect(stop)
        try:
            self.run("--stay")
        finally:
            signals.media_removing.disconnect(object_to_it)
            signals.media_removed.disconnect(stop)
            for number, handler in kept.items():
                signal.signal(number, handler)

        assert row(attached).status == Status.REMOVED
        assert row(free).status == Status.COMMITTED

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_it_stays_until_it_is_told_to_go(self, number: signal.Signals, tmp_path: Path) -> None:
        environment = os.environ | {"DATABASE_PATH": str(tmp_path / "demo.sqlite3")}
        manage = [sys.executable, "backend_shim/manage.py"]
        subprocess.run([*manage, "migrate", "-v0"], env=environment, check=True)
        staying = subprocess.Popen(
            [*manage, "media_outbox", "--stay"], env=environment, stdout=subprocess.PIPE, text=True
        )
        with staying:
            assert staying.stdout is not None
            try:
                assert "stays" in staying.stdout.readline()
                staying.send_signal(number)
                assert staying.wait(20) == 0
            finally:
                staying.kill()

    def test_it_goes_whenever_it_is_told_to(self) -> None:
        """A signal finds it anywhere in its loop: a lock that is taken there must not stop it."""
        done = subprocess.run(
            [sys.executable, "-c", TOLD_AT_ANY_MOMENT],
            env=os.environ | {"PYTHONPATH": "backend_shim"},
            timeout=60,
            check=False,
        )
        assert done.returncode == 0


def test_the_admin_tries_dead_entries_again(
    alice: User, attached: MediaObject, client: Client
) -> None:
    attachments.detach(alice.profile)
    OutboxEntry.objects.update(state=Delivery.DEAD)
    client.force_login(User.objects.create_superuser("root"))
    page = reverse("admin:media_shim_outboxentry_changelist")

    assert attached.file_name in client.get(page).content.decode()
    client.post(page, {"action": "try_again", "_selected_action": [OutboxEntry.objects.get().pk]})

    assert OutboxEntry.objects.get().state == Delivery.WAITING


@pytest.mark.usefixtures("attached")
def test_nothing_is_delivered_inside_a_transaction(alice: User) -> None:
    attachments.detach(alice.profile)
    with pytest.raises(RuntimeError, match="durable"), transaction.atomic():
        outbox.deliver(Clock())
