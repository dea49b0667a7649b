"""Each kind of drift, made by hand behind the backs of all, found and mended on a real Worker."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection

from demo.models import Profile
from media_shim import attachments, conf, quarantine
from media_shim.client import MediaClient
from media_shim.client import worker as client_of
from media_shim.models import (
    Found,
    MediaObject,
    OutboxEntry,
    QuarantinedFile,
    Status,
)
from media_shim.reconcile import brake
from media_shim.reconcile.repair import Mender
from media_shim.reconcile.streams import app_files
from tests.conftest import RunningWorker, free_port
from tests.media import JPEG, photo_saying
from tests.recovery.conftest import (
    Application,
    is_settled,
    opened,
    reconcile,
    rewrite,
    row_of,
    tell,
)
from tests.worker.bucket import remove, store
from tests.worker.state import kept, lose


def profile_of(name: str) -> Profile:
    """Return something of an application's that has files."""
    return Profile.objects.create(user=User.objects.create_user(name), tenant="shelf")


def forget(media: MediaObject) -> None:
    """Lose the application's row, as no code of ours would."""
    OutboxEntry.objects.filter(media=media).delete()
    MediaObject.objects.filter(pk=media.pk)._raw_delete("default")


def mend(drift: str, media: MediaObject) -> None:
    """See a drift and nothing else; see that a look changes nothing; repair it; see it gone."""
    for _ in range(2):
        report = reconcile()
        assert (report.status, report.named) == (1, {drift: [media.key]})
    report = reconcile("--repair")
    assert (report.status, report.repaired, report.failed) == (1, {drift: 1}, {})
    tell()
    is_settled()


def is_only_reported(drift: str, media: MediaObject, state: Path) -> None:
    """See that a repair leaves a drift as it is, here and in the Worker."""
    before, row = kept(state), row_of(media)
    for options in ((), ("--repair",)):
        report = reconcile(*options)
        assert (report.status, report.named) == (1, {drift: [media.key]})
        assert report.repaired == {}
    assert kept(state) == before
    assert MediaObject.objects.filter(pk=media.pk).values().get() == {
        field.attname: getattr(row, field.attname) for field in MediaObject._meta.concrete_fields
    }


def test_where_everything_agrees_there_is_nothing_to_say(here: Application) -> None:
    here.uploads(3)
    here.upload(JPEG, visibility="public")
    here.sign(JPEG)
    gone = here.upload(JPEG)
    attachments.remove(here.user, gone.id)
    assert reconcile().status == 0
    tell()
    is_settled()


# What a repair mends.


@pytest.mark.parametrize("visibility", ["private", "public"])
def test_a_row_that_the_worker_lost_is_made_again(here: Application, visibility: str) -> None:
    media = here.upload(photo_saying(b"back"), visibility=visibility, fileName="März.jpg")
    before = opened(media, here.user)
    lose(here.worker.state, media.key)

    mend("row_lost", media)

    after = opened(media, here.user)
    assert (after.status_code, after.content) == (200, photo_saying(b"back"))
    assert after.headers["content-disposition"] == before.headers["content-disposition"]
    stranger = opened(media, here.user, token=False)
    assert stranger.status_code == (200 if visibility == "public" else 401)
    row = kept(here.worker.state).rows[media.key]
    assert row["managed_by"] == here.tenant
    assert row["file_name"] == "März.jpg"


def test_what_is_too_open_is_closed(here: Application) -> None:
    media = here.upload(JPEG)
    rewrite(here.worker.state, media.key, visibility="public")
    mend("too_open", media)
    assert opened(media, here.user, token=False).status_code == 401


def test_what_is_too_open_behind_an_entry_that_was_given_up_is_closed(here: Application) -> None:
    media = here.upload(JPEG)
    rewrite(here.worker.state, media.key, visibility="public")
    OutboxEntry.objects.create(
        media=media,
        action="visibility",
        visibility="private",
        revision=1,
        state="dead",
        due_at=media.created_at,
    )
    mend("too_open", media)


def test_what_is_too_open_by_a_number_from_the_future_is_closed(here: Application) -> None:
    """A clock was wrong. The Worker would take a smaller number for an old change."""
    media = here.upload(JPEG)
    rewrite(here.worker.state, media.key, visibility="public", revision=2**52)
    mend("too_open", media)
    assert opened(media, here.user, token=False).status_code == 401


def test_what_is_too_closed_is_opened(here: Application) -> None:
    media = here.upload(JPEG, visibility="public")
    rewrite(here.worker.state, media.key, visibility="private")
    mend("too_closed", media)
    assert opened(media, here.user, token=False).status_code == 200


def test_what_the_application_believes_wrongly_of_the_worker_is_said_again(
    here: Application,
) -> None:
    media = here.upload(JPEG, visibility="public")
    MediaObject.objects.update(delivered_visibility="private")
    mend("stale_visibility", media)
    assert row_of(media).delivered_visibility == "public"


def test_what_came_back_after_it_was_removed_is_removed_again(here: Application) -> None:
    media = here.upload(JPEG)
    attachments.remove(here.user, media.id)
    tell()
    is_settled()
    rewrite(here.worker.state, media.key, status="uploaded")
    mend("not_deleted", media)
    assert row_of(media).status == Status.REMOVED
    assert kept(here.worker.state).rows[media.key]["status"] in ("deleting", "gone")


def test_a_removal_whose_entry_was_deleted_by_hand_is_told(here: Application) -> None:
    media = here.upload(JPEG)
    attachments.remove(here.user, media.id)
    OutboxEntry.objects.all().delete()
    mend("not_told", media)
    assert row_of(media).status == Status.REMOVED
    assert opened(media, here.user).status_code == 410


def test_a_removal_that_was_given_up_is_told_again(here: Application) -> None:
    media = here.upload(JPEG)
    attachments.remove(here.user, media.id)
    OutboxEntry.objects.update(state="dead")
    mend("not_told", media)


def test_bytes_whose_row_was_lost_before_the_worker_heard_of_their_removal_are_deleted(
    here: Application,
) -> None:
    media = here.upload(JPEG, visibility="public")
    attachments.remove(here.user, media.id)
    lose(here.worker.state, media.key)
    tell()
    assert row_of(media).status == Status.REMOVED
    assert kept(here.worker.state).objects[media.key] == len(JPEG)
    mend("bytes_kept", media)
    assert kept(here.worker.state).objects.get(media.key, 0) == 0


def test_what_is_committed_here_and_awaited_there_is_completed(here: Application) -> None:
    media = here.upload(JPEG)
    rewrite(here.worker.state, media.key, status="pending_upload", uploaded_at=None, etag=None)
    mend("unfinished", media)
    assert opened(media, here.user).content == JPEG


def test_the_worker_is_right_about_a_files_name(here: Application) -> None:
    media = here.upload(JPEG)
    MediaObject.objects.update(file_name="../etc.jpg")
    mend("stale_name", media)
    assert row_of(media).file_name == "sea.jpg"


def test_what_hung_on_something_that_is_gone_is_detached(here: Application) -> None:
    contents = iter(here.uploads(3))
    stays = here.user.profile.attach_media([next(contents)], by=here.user)[0]
    other = profile_of("other")
    goes = other.attach_media([next(contents)], by=here.user, slot="x")[0]
    named = next(contents)
    MediaObject.objects.filter(key=named).update(attached_to="post:8")
    is_settled()
    # SQL that is written by hand tells nobody.
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM demo_profile WHERE user_id = %s", [other.pk])
    mend("target_gone", goes)
    assert row_of(goes).status == Status.REMOVED
    assert row_of(stays).status == Status.COMMITTED
    assert MediaObject.objects.get(key=named).status == Status.COMMITTED


def test_what_was_attached_again_meanwhile_is_not_detached(
    here: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = profile_of("other")
    (media,) = other.attach_media(list(here.uploads(1)), by=here.user)
    row = {"user_id": other.pk, "tenant": "shelf"}
    Profile.objects.filter(pk=other.pk)._raw_delete("default")
    real = Mender.mend

    def late(mender: Mender, drift: Any, keys: Any) -> Any:
        Profile.objects.bulk_create([Profile(**row)])
        return real(mender, drift, keys)

    monkeypatch.setattr(Mender, "mend", late)
    assert reconcile("--repair").repaired == {"target_gone": 0}
    assert row_of(media).status == Status.COMMITTED
    is_settled()


def test_what_is_attached_to_many_things_is_looked_up_in_one_question(
    here: Application, django_assert_num_queries: Any
) -> None:
    for number, key in enumerate(here.uploads(5)):
        profile_of(f"user {number}").attach_media([key], by=here.user)
    with django_assert_num_queries(3):
        assert len(list(app_files(None))) == 5


# What the application does not know.


def stray(here: Application, how: str, visibility: str = "public") -> MediaObject:
    """Return a file of which the application knows nothing any more; how it will be found."""
    media = here.upload(photo_saying(b"stray"), visibility=visibility, fileName="stray.jpg")
    forget(media)
    if how == "stray_object":
        lose(here.worker.state, media.key)
    return media


@pytest.mark.parametrize("how", ["stray_row", "stray_object"])
def test_what_the_application_lost_is_hidden_and_kept(here: Application, how: str) -> None:
    media = stray(here, how)
    mend(how, media)
    (file,) = QuarantinedFile.objects.all()
    assert (file.key, file.media_id, file.tenant) == (media.key, media.id, here.tenant)
    assert (file.content_type, file.bytes) == ("image/jpeg", media.bytes)
    assert file.file_name == "stray.jpg"
    assert file.found == {"stray_row": Found.ROW, "stray_object": Found.OBJECT}[how]
    assert httpx.get(f"{here.worker.url}/m/{media.key}").status_code == 401
    assert kept(here.worker.state).objects[media.key] == media.bytes


@pytest.mark.parametrize("how", ["stray_row", "stray_object"])
def test_what_is_released_is_its_users_file(here: Application, how: str, client: Any) -> None:
    media = stray(here, how)
    reconcile("--repair")
    (file,) = QuarantinedFile.objects.all()
    client.force_login(User.objects.create_superuser("root"))
    page = f"/admin/media_shim/quarantinedfile/{file.pk}/change/"
    assert "Release to" in client.get(page).text
    assert "There is no such user." in client.post(page, {"release_to": "nobody"}).text
    assert client.post(page, {"release_to": here.user.username}).status_code == 302
    assert not QuarantinedFile.objects.exists()
    released = row_of(media)
    assert (released.owner, released.status) == (here.user, Status.COMMITTED)
    assert opened(released, here.user).content == photo_saying(b"stray")
    is_settled()
    attachments.remove(here.user, released.id)
    tell()
    assert opened(released, here.user).status_code == 410
    is_settled()


def test_what_is_deleted_out_of_quarantine_is_deleted_in_the_worker(
    here: Application, client: Any
) -> None:
    media = stray(here, "stray_row")
    reconcile("--repair")
    (file,) = QuarantinedFile.objects.all()
    client.force_login(User.objects.create_superuser("root"))
    listed = "/admin/media_shim/quarantinedfile/"
    assert media.key in client.get(listed).text
    assert client.get(f"{listed}add/").status_code == 403
    assert client.post(f"{listed}{file.pk}/delete/", {"post": "yes"}).status_code == 302
    assert not QuarantinedFile.objects.exists()
    tell()
    assert row_of(media).status == Status.REMOVED
    assert kept(here.worker.state).rows[media.key]["status"] in ("deleting", "gone")
    is_settled()


def test_what_is_quarantined_and_opened_behind_our_back_is_closed(here: Application) -> None:
    media = stray(here, "stray_row", "private")
    reconcile("--repair")
    rewrite(here.worker.state, media.key, visibility="public")
    report = reconcile("--repair")
    assert (report.drift, report.repaired) == ({"too_open": 1}, {"too_open": 1})
    is_settled()


def test_what_is_quarantined_and_lost_is_made_again(here: Application) -> None:
    media = stray(here, "stray_row", "private")
    reconcile("--repair")
    lose(here.worker.state, media.key)
    report = reconcile("--repair")
    assert report.repaired == {"stray_object": 1}
    is_settled()


def test_what_is_quarantined_and_gone_is_let_out(here: Application) -> None:
    media = stray(here, "stray_row", "private")
    reconcile("--repair")
    rewrite(here.worker.state, media.key, status="gone")
    remove(here.worker.url, media.key)
    assert reconcile("--repair").repaired == {"empty_quarantine": 1}
    assert not QuarantinedFile.objects.exists()
    is_settled()


def test_a_users_own_file_is_quarantined_as_that_users(
    here: Application, on: Callable[..., None]
) -> None:
    """A key that begins with a user is asked about as that user."""
    on(here.worker, SERVICE=here.tenant, TENANT="")
    media = here.upload(JPEG, visibility="public")
    assert media.key.startswith(f"u/{here.user.pk}/")
    forget(media)
    assert reconcile("--repair").repaired == {"stray_row": 1}
    (file,) = QuarantinedFile.objects.all()
    assert (file.worker_user, file.tenant) == (str(here.user.pk), None)
    is_settled()


# What is reported alone.


def test_lost_bytes_are_reported(here: Application) -> None:
    media = here.upload(JPEG)
    remove(here.worker.url, media.key)
    is_only_reported("bytes_lost", media, here.worker.state)


def test_a_file_that_the_worker_deleted_is_reported(here: Application) -> None:
    media = here.upload(JPEG)
    asked = {"x-media-shim": here.tenant}
    assert here.at("DELETE", f"/files/{media.id}", headers=asked).status_code == 200
    is_only_reported("lost_in_worker", media, here.worker.state)


def test_a_file_of_which_the_worker_has_nothing_is_reported(here: Application) -> None:
    media = here.upload(JPEG)
    lose(here.worker.state, media.key)
    remove(here.worker.url, media.key)
    is_only_reported("missing", media, here.worker.state)


def test_other_bytes_are_reported(here: Application) -> None:
    media = here.upload(JPEG)
    remove(here.worker.url, media.key)
    store(here.worker.url, media.key, photo_saying(b"other"), ContentType="image/jpeg")
    is_only_reported("object_differs", media, here.worker.state)


def test_another_idea_of_what_it_is_is_reported(here: Application) -> None:
    media = here.upload(JPEG)
    MediaObject.objects.update(content_type="image/png")
    is_only_reported("facts_differ", media, here.worker.state)


def test_bytes_of_a_file_that_is_gone_are_reported(here: Application) -> None:
    media = here.upload(JPEG)
    attachments.remove(here.user, media.id)
    tell()
    rewrite(here.worker.state, media.key, status="gone")
    remove(here.worker.url, media.key)
    store(here.worker.url, media.key, JPEG, ContentType="image/jpeg")
    is_only_reported("bytes_left", media, here.worker.state)


def test_a_commit_that_never_came_is_reported(here: Application) -> None:
    media = here.sign(JPEG)
    client_of(conf.current()).complete(quarantine.identity_of(media.key), media.id)
    is_only_reported("commit_missing", media, here.worker.state)


def test_an_upload_that_the_worker_forgot_is_reported(here: Application) -> None:
    media = here.sign(JPEG)
    lose(here.worker.state, media.key)
    is_only_reported("upload_lost", media, here.worker.state)


def test_an_object_that_is_no_file_cannot_be_quarantined_and_is_named(here: Application) -> None:
    key = f"t/{here.tenant}/{here.tenant}/2026/11/{'x' * 21}.jpg"
    store(here.worker.url, key, b"no picture", ContentType="text/plain")
    report = reconcile("--repair")
    assert report.named == {"stray_object": [key]}
    assert (report.repaired, report.failed) == ({"stray_object": 0}, {key: "mismatch: contentType"})
    assert not QuarantinedFile.objects.exists()
    remove(here.worker.url, key)


# Whose files they are.


def test_what_is_others_is_not_mentioned(
    here: Application, worker: RunningWorker, on: Callable[..., None]
) -> None:
    """Another shim's rows; a file of no shim; and a neighbour's objects without rows."""
    mine = here.upload(JPEG)
    loose = here.at(
        "POST",
        "/upload/presign",
        json={
            "fileName": "x.jpg",
            "contentType": "image/jpeg",
            "fileSize": 7,
            "service": here.tenant,
        },
    ).json()
    for service in (f"{here.tenant}2", here.tenant[:-1]):
        key = f"t/{here.tenant}/{service}/2026/11/{'y' * 21}.jpg"
        store(worker.url, key, JPEG, ContentType="image/jpeg")
    on(worker, SERVICE=here.tenant, SHIM_ID="another")
    theirs = here.upload(photo_saying(b"theirs"))
    forget(theirs)
    on(worker, SERVICE=here.tenant)
    before = kept(worker.state)
    report = reconcile("--repair")
    assert (report.status, report.drift) == (0, {})
    assert kept(worker.state) == before
    assert {mine.key, theirs.key, loose["key"]} <= set(before.rows)


def test_a_prefix_ends_where_it_says(here: Application) -> None:
    neighbours = [Application(here.worker, f"{here.tenant}{more}") for more in ("x", "-x")]
    capital = Application(here.worker, here.tenant.upper() + "A")
    small = Application(here.worker, here.tenant.lower() + "a")
    files = {one.tenant: one.upload(JPEG) for one in (here, *neighbours, capital, small)}
    for media in files.values():
        rewrite(here.worker.state, media.key, visibility="public")
    for prefix in (f"t/{here.tenant}", f"t/{here.tenant}/"):
        report = reconcile("--prefix", prefix)
        assert report.named == {"too_open": [files[here.tenant].key]}
    assert reconcile("--prefix", f"t/{small.tenant}").drift == {"too_open": 1}
    assert reconcile("--prefix", f"t/{here.tenant}/{here.tenant}").drift == {"too_open": 1}
    refused = reconcile("--prefix", "x/")
    assert (refused.status, "prefix" in refused.said) == (2, True)
    assert reconcile().named == {"too_open": sorted(media.key for media in files.values())}


@pytest.mark.usefixtures("transactional_db")
def test_keys_come_in_the_order_of_their_bytes_whatever_the_databases_language() -> None:
    """A language puts a before B, and passes over hyphens."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(
                "ALTER TABLE media_shim_mediaobject ALTER COLUMN key "
                'TYPE varchar(1024) COLLATE "en-x-icu"'
            )
    tenants = ["a", "B", "a-b", "aB", "A_b", "ab", "_", "0"]
    try:
        MediaObject.objects.bulk_create(
            MediaObject(
                id=f"media_{number:021}",
                key=f"t/{tenant}/x/2026/11/{number:021}.jpg",
                worker_user="1",
                tenant=tenant,
                kind="image",
                content_type="image/jpeg",
                bytes=1,
                file_name="x.jpg",
                visibility="private",
                delivered_visibility="private",
            )
            for number, tenant in enumerate(tenants)
        )
        ordered = list(MediaObject.objects.order_by("key").values_list("key", flat=True))
        assert (ordered != sorted(ordered)) is (connection.vendor == "postgresql")

        assert [file.key for file in app_files(None)] == sorted(ordered)
        assert [file.key for file in app_files("t/a/")] == [key for key in ordered if "t/a/" in key]
    finally:
        if connection.vendor == "postgresql":
            MediaObject.objects.all()._raw_delete("default")
            with connection.cursor() as cursor:
                cursor.execute(
                    "ALTER TABLE media_shim_mediaobject ALTER COLUMN key "
                    'TYPE varchar(1024) COLLATE "default"'
                )


# When a repair must not be.


def test_what_changed_within_the_grace_is_left_alone(here: Application) -> None:
    media = here.upload(JPEG)
    rewrite(here.worker.state, media.key, visibility="public")
    forget(here.upload(photo_saying(b"stray")))
    assert reconcile("--repair", grace=3600).status == 0
    assert reconcile().drift == {"too_open": 1, "stray_row": 1}


def test_in_the_wrong_environment_nothing_is_repaired(
    here: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(brake, "ALWAYS_ALLOWED", 2)
    for key in here.uploads(4, visibility="public"):
        forget(MediaObject.objects.get(key=key))
    before = kept(here.worker.state)
    report = reconcile("--repair")
    assert (report.status, report.drift, report.repaired) == (2, {"stray_row": 4}, {})
    assert all(name in report.said for name in ("WORKER_URL", "SHIM_ID", "--yes-really"))
    assert kept(here.worker.state) == before
    assert not QuarantinedFile.objects.exists()
    assert reconcile("--repair", "--yes-really").repaired == {"stray_row": 4}


def test_who_did_not_answer_is_named(
    here: Application, worker: RunningWorker, on: Callable[..., None]
) -> None:
    here.upload(JPEG)
    on(worker, SERVICE=here.tenant, WORKER_URL=f"http://127.0.0.1:{free_port()}")
    report = reconcile("--repair")
    assert (report.status, "The Worker" in report.said) == (2, True)


def test_what_was_named_is_as_much_as_was_asked_for_and_all_is_counted(here: Application) -> None:
    for key in here.uploads(3):
        rewrite(here.worker.state, key, visibility="public")
    report = reconcile("--limit=1")
    assert (len(report.named["too_open"]), report.drift) == (1, {"too_open": 3})


def test_what_a_person_reads_fits_a_terminal(here: Application, capsys: Any) -> None:
    rewrite(here.worker.state, here.upload(JPEG).key, visibility="public")
    with pytest.raises(Exception, match=r"^1 drift; --repair mends 1$"):
        call_command("media_reconcile", "--grace=0")
    capsys.readouterr()
    with pytest.raises(Exception, match=r"^1 drift$"):
        call_command("media_reconcile", "--grace=0", "--repair")
    lines = capsys.readouterr().out.splitlines()
    table = [line for line in lines if not line.startswith("too_open  t/")]
    assert max(map(len, table)) <= 80
    assert any(line.startswith("too_open") and " 1  " in line for line in table)
    tell()
    call_command("media_reconcile", "--grace=0")
    assert capsys.readouterr().out.splitlines()[-1] == "no drift"


# Between the look and the repair.


def test_a_file_that_is_hidden_while_its_row_is_made_again_ends_hidden(
    here: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The outbox tells the Worker, which does not know the file, just before it does."""
    media = here.upload(JPEG, visibility="public")
    profile = here.user.profile
    profile.attach_media([media.key], by=here.user)
    lose(here.worker.state, media.key)
    real = MediaClient.restore

    def late(client: MediaClient, files: Any) -> Any:
        attachments.set_visibility(profile, "private")
        tell()
        return real(client, files)

    monkeypatch.setattr(MediaClient, "restore", late)
    assert reconcile("--repair").repaired == {"row_lost": 1}
    tell()
    assert opened(media, here.user, token=False).status_code == 401
    is_settled()


def test_a_file_that_is_removed_while_its_row_is_made_again_ends_removed(
    here: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    media = here.upload(JPEG, visibility="public")
    lose(here.worker.state, media.key)
    real = MediaClient.restore

    def late(client: MediaClient, files: Any) -> Any:
        attachments.remove(here.user, media.id)
        tell()
        return real(client, files)

    monkeypatch.setattr(MediaClient, "restore", late)
    reconcile("--repair")
    tell()
    assert httpx.get(f"{here.worker.url}/m/{media.key}").status_code == 410
    is_settled()


def test_what_changed_between_the_look_and_the_repair_is_passed_over(
    here: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    media = here.upload(JPEG)
    attachments.remove(here.user, media.id)
    OutboxEntry.objects.all().delete()
    real = Mender.mend

    def late(mender: Mender, drift: Any, keys: Any) -> Any:
        MediaObject.objects.update(status="removed", removed_at=media.created_at)
        return real(mender, drift, keys)

    monkeypatch.setattr(Mender, "mend", late)
    report = reconcile("--repair")
    assert (report.drift, report.repaired) == ({"not_told": 1}, {"not_told": 0})
    assert not OutboxEntry.objects.exists()
