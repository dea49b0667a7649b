"""What nobody will ever use goes by itself."""

from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.utils import timezone

from media_shim import attachments, cleanup, signals
from media_shim.cleanup import Swept
from media_shim.models import MediaObject, OutboxEntry, Removal, Status
from tests.shim.conftest import Upload

DAY = timedelta(days=1)
A_MINUTE = timedelta(minutes=1)


def row(media: MediaObject) -> MediaObject:
    return MediaObject.objects.get(pk=media.pk)


def test_what_is_not_attached_for_a_day_goes(alice: User, committed: Upload) -> None:
    free, attached = committed(alice), committed(alice)
    attachments.attach(alice.profile, [attached.key], by=alice)
    assert free.committed_at is not None

    assert cleanup.sweep(free.committed_at + DAY - A_MINUTE) == Swept(0, 0, 0)
    assert cleanup.sweep(free.committed_at + DAY + A_MINUTE) == Swept(1, 0, 0)

    assert (row(free).status, row(free).removal_reason) == (Status.REMOVING, Removal.UNATTACHED)
    assert row(attached).status == Status.COMMITTED
    assert OutboxEntry.objects.get().media == free


def test_an_application_may_keep_what_it_does_not_attach(
    alice: User, committed: Upload, settings: Any, shim_settings: Any
) -> None:
    free = committed(alice)
    settings.MEDIA_SHIM = shim_settings | {"UNATTACHED_TTL": 0}

    assert cleanup.sweep(timezone.now() + 999 * DAY) == Swept(0, 0, 0)
    assert row(free).status == Status.COMMITTED


def test_an_upload_that_was_not_committed_for_two_days_goes(alice: User, upload: Upload) -> None:
    pending = upload(alice)

    assert cleanup.sweep(pending.created_at + 2 * DAY - A_MINUTE) == Swept(0, 0, 0)
    assert cleanup.sweep(pending.created_at + 2 * DAY + A_MINUTE) == Swept(0, 1, 0)

    assert (row(pending).status, row(pending).removal_reason) == (
        Status.REMOVING,
        Removal.ABANDONED,
    )


def test_of_what_is_gone_for_ninety_days_the_row_goes(alice: User, committed: Upload) -> None:
    """But not of what was published elsewhere, nor of what the Worker has not heard."""
    removed, published, unheard = (committed(alice) for _ in range(3))
    attachments.attach(alice.profile, [published.key], by=alice)
    attachments.published_elsewhere(alice.profile)
    attachments.remove(alice, removed.pk)
    attachments.remove(alice, unheard.pk)
    now = timezone.now()
    MediaObject.objects.update(status=Status.REMOVED, removed_at=now)
    OutboxEntry.objects.exclude(media=unheard).delete()

    assert cleanup.sweep(now + 90 * DAY - A_MINUTE) == Swept(0, 0, 0)
    assert cleanup.sweep(now + 90 * DAY + A_MINUTE) == Swept(0, 0, 1)

    assert set(MediaObject.objects.all()) == {published, unheard}


def test_it_goes_on_until_nothing_is_left(
    alice: User, committed: Upload, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cleanup, "BATCH", 2)
    for _ in range(5):
        committed(alice)

    assert cleanup.sweep(timezone.now() + 3 * DAY) == Swept(5, 0, 0)


def test_what_a_receiver_objects_to_stays_and_keeps_nothing_else(
    alice: User, committed: Upload, caplog: pytest.LogCaptureFixture
) -> None:
    kept, *others = sorted((committed(alice) for _ in range(5)), key=lambda media: media.pk)

    def object_to_it(media: MediaObject, **_: object) -> None:
        if media == kept:
            raise ZeroDivisionError

    signals.media_removing.connect(object_to_it)
    try:
        assert cleanup.sweep(timezone.now() + 3 * DAY) == Swept(4, 0, 0)
    finally:
        signals.media_removing.disconnect(object_to_it)

    assert row(kept).status == Status.COMMITTED
    assert {row(other).status for other in others} == {Status.REMOVING}
    assert set(OutboxEntry.objects.values_list("media", flat=True)) == {each.pk for each in others}
    assert [record.message for record in caplog.records if record.levelname == "ERROR"] == [
        "media.cleanup.failed"
    ]


def test_the_command_says_what_went(alice: User, committed: Upload) -> None:
    committed(alice)
    MediaObject.objects.update(committed_at=timezone.now() - 2 * DAY)
    out = StringIO()

    call_command("media_cleanup", stdout=out)

    assert out.getvalue() == (
        "1 unattached and 0 abandoned files go, 0 rows of removed ones are dropped\n"
    )
