"""An application with several databases: nothing is decided by what a replica remembers."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import models
from django.utils import timezone

from demo.models import Profile
from media_shim import attachments, cleanup, conf, delivery, outbox, quarantine
from media_shim.client import worker
from media_shim.models import Found, MediaObject, OutboxEntry, QuarantinedFile, Status
from media_shim.reconcile.drift import Drift
from media_shim.reconcile.repair import Mender
from media_shim.reconcile.streams import app_files
from media_shim.surroundings import check_project
from tests.shim.conftest import Upload

pytestmark = pytest.mark.django_db(transaction=True)


class Replica:
    """Sends what is read to a database that there is none of, so that whoever asks it fails."""

    def db_for_read(self, model: type[models.Model], **_: object) -> str | None:
        return "replica" if model._meta.app_label in ("media_shim", "demo") else None


class Elsewhere:
    """Keeps one model in a database of its own."""

    model: type[models.Model] = MediaObject

    def db_for_write(self, model: type[models.Model], **_: object) -> str | None:
        return "elsewhere" if model is self.model else None


class ProfilesElsewhere(Elsewhere):
    model = Profile


@pytest.fixture
def _replica(settings: Any, shim_settings: Any) -> None:
    settings.MEDIA_SHIM = {name: shim_settings[name] for name in shim_settings if name != "TENANT"}
    settings.DATABASE_ROUTERS = [f"{__name__}.Replica"]


@pytest.mark.usefixtures("_replica")
def test_a_file_lives_and_goes_without_a_replica(alice: User, committed: Upload) -> None:
    profile = Profile(user=alice)
    media, free = committed(alice), committed(alice)

    attachments.attach(profile, [media.key], by=alice, visibility="public")
    assert attachments.of([profile]) == {profile: [media]}
    assert set(delivery.urls_for(alice, [media.key])) == {media.key}
    attachments.remove(alice, free.pk)
    attachments.detach(profile)
    told = outbox.deliver(timezone.now)
    swept = cleanup.sweep(timezone.now() + timedelta(days=99))

    assert (told.done, told.failed, swept.forgotten) == (2, 0, 2)
    assert not MediaObject.objects.exists()


@pytest.mark.usefixtures("_replica")
def test_what_a_replica_has_not_heard_of_is_not_taken_for_gone(
    alice: User, committed: Upload
) -> None:
    """Or a repair would delete the files of whatever was made since it lags behind."""
    media = committed(alice)
    attachments.attach(Profile(user=alice), [media.key], by=alice)

    (file,) = app_files(None)
    mender = Mender(worker(conf.current()), timezone.now, timezone.now() + timedelta(hours=1))

    assert not file.is_orphaned
    assert mender.mend(Drift.TARGET_GONE, [media.key]).mended == 0
    assert MediaObject.objects.get().status == Status.COMMITTED


@pytest.mark.usefixtures("_replica")
def test_what_is_quarantined_is_released_without_a_replica(alice: User) -> None:
    held = QuarantinedFile.objects.create(
        key="u/1/app/2026/04/xK9mQ2pLxK9mQ2pLxK9mQ.jpg",
        media_id="media_xK9mQ2pLxK9mQ2pLxK9mQ",
        worker_user="1",
        content_type="image/jpeg",
        bytes=1,
        file_name="sea.jpg",
        revision=1,
        found=Found.ROW,
        found_at=timezone.now(),
    )

    assert quarantine.release(held, alice, timezone.now()).owner == alice
    assert not OutboxEntry.objects.exists()


@pytest.mark.parametrize(
    ("router", "number"), [("Elsewhere", "E026"), ("ProfilesElsewhere", "E027")]
)
def test_files_and_what_they_are_attached_to_must_be_in_one_database(
    settings: Any, router: str, number: str
) -> None:
    settings.DATABASE_ROUTERS = [f"{__name__}.{router}"]

    assert [message.id for message in check_project(None)] == [f"media_shim.{number}"]
