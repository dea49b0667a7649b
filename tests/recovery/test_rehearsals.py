"""When something is lost: `docs/operations.md`, step by step, on a real Worker's own state."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from media_shim import attachments, services
from media_shim.models import MediaObject, QuarantinedFile, Status
from tests.conftest import RunningWorker, RunWorker
from tests.media import photo_saying
from tests.recovery.conftest import (
    Application,
    backup,
    copy_d1,
    is_settled,
    lose_d1,
    opened,
    put_back_d1,
    reconcile,
    restore,
    row_of,
    tell,
)
from tests.worker.bucket import remove
from tests.worker.state import account, counting, kept

Starts = Callable[[], Any]


@pytest.fixture
def starts(
    run_worker: RunWorker,
    tmp_path_factory: pytest.TempPathFactory,
    on: Callable[..., None],
    transactional_db: None,  # noqa: ARG001
) -> Starts:
    """Return what starts a Worker on this test's own state: `with starts() as worker`."""
    alone = {
        "registry": tmp_path_factory.mktemp("registry"),
        "state": tmp_path_factory.mktemp("state"),
    }

    @contextmanager
    def start() -> Iterator[RunningWorker]:
        with run_worker(**alone) as running:
            on(running, SERVICE="shop")
            yield running

    return start


def is_served(app: Application, contents: dict[str, bytes]) -> None:
    """See that files are what they were, for those who may see them and for nobody else."""
    for key, content in contents.items():
        media = MediaObject.objects.get(key=key)
        assert opened(media, app.user).content == content
        stranger = opened(media, app.user, token=False).status_code
        assert stranger == (200 if media.visibility == "public" else 401)


def test_the_workers_database_is_lost(starts: Starts) -> None:
    """All of it. It is made anew from what the application knows and the store has."""
    with starts() as worker:
        acme, globex = Application(worker, "acme"), Application(worker, "globex")
        private, public = acme.uploads(6), acme.uploads(5, visibility="public")
        theirs = globex.uploads(3)
        deleted = acme.upload(photo_saying(b"deleted"))
        attachments.remove(acme.user, deleted.id)
        tell()
        going = acme.upload(photo_saying(b"going"), visibility="public")
        attachments.remove(acme.user, going.id)
        awaited = acme.sign(photo_saying(b"never committed"))
        before = {scope: counting(worker.state, scope) for scope in ("t:acme", "t:globex")}

    lose_d1(worker.state)

    with starts() as worker:
        acme.worker = globex.worker = worker
        assert kept(worker.state).rows == {}
        some = MediaObject.objects.get(key=next(iter(public)))
        assert opened(some, acme.user).status_code != 200
        tell()  # The Worker says that it does not have `going`, whose bytes are still there.
        lost = reconcile()
        expected = {"bytes_kept": 1, "row_lost": 14, "upload_lost": 1}
        assert (lost.status, lost.drift) == (1, expected), lost.said

        report = reconcile("--repair")

        assert (report.status, report.failed) == (1, {})
        assert report.repaired == {"bytes_kept": 1, "row_lost": 14}
        tell()
        is_served(acme, private | public)
        is_served(globex, theirs)
        for media in (deleted, going):
            assert row_of(media).status == Status.REMOVED
            # A stranger is not told that a private file was there.
            assert opened(media, acme.user).status_code in (401, 404, 410)
            assert kept(worker.state).objects.get(media.key, 0) == 0
            assert httpx.get(f"{worker.url}/m/{media.key}").status_code != 200
        # What was awaited, and what goes, does not count any more.
        lost_bytes = awaited.bytes + going.bytes
        for scope, (size, files) in before.items():
            gone = (lost_bytes, 2) if scope == "t:acme" else (0, 0)
            now = account(worker.state, scope)
            assert (now["used_bytes"], now["used_files"]) == (size - gone[0], files - gone[1])
            assert (now["used_bytes"], now["used_files"]) == counting(worker.state, scope)
        assert reconcile().drift == {"upload_lost": 1}


def test_the_applications_database_is_put_back_to_an_old_backup(starts: Starts) -> None:
    """What came later is kept out of sight, and what was deleted later does not come back."""
    with starts() as worker:
        acme = Application(worker, "acme")
        old = acme.uploads(4)
        deleted = acme.upload(photo_saying(b"deleted"), visibility="public")
        hidden = acme.upload(photo_saying(b"hidden"), visibility="public")
        dump = backup()

        later = {
            acme.upload(content, visibility=visibility).key: content
            for content, visibility in (
                (photo_saying(b"later"), "private"),
                (photo_saying(b"later and public"), "public"),
            )
        }
        attachments.remove(acme.user, deleted.id)
        attachments.set_visibility(_profile_of(acme, hidden), "private", slot="x")
        tell()
        before = kept(worker.state).objects

        restore(dump)

        report = reconcile("--repair")
        assert report.named["stray_row"] == sorted(later)
        assert report.named["lost_in_worker"] == [deleted.key]
        # The backup says public, so it is shown again: only the application knows better.
        assert report.named["too_closed"] == [hidden.key]
        assert report.repaired == {"stray_row": 2, "too_closed": 1}
        tell()
        objects = kept(worker.state).objects
        assert {key: objects[key] for key in later} == {key: before[key] for key in later}
        for key in later:
            assert httpx.get(f"{worker.url}/m/{key}").status_code == 401
        assert httpx.get(f"{worker.url}/m/{deleted.key}").status_code == 410
        assert opened(deleted, acme.user).status_code == 410
        is_served(acme, old)
        assert set(QuarantinedFile.objects.values_list("key", flat=True)) == set(later)
        assert reconcile().drift == {"lost_in_worker": 1}


def _profile_of(app: Application, media: MediaObject) -> Any:
    """Attach a file to its user's profile, past all that the application would ask."""
    profile = app.user.profile
    name = attachments.reference(profile, "x")
    MediaObject.objects.filter(pk=media.pk).update(attached_to=name)
    return profile


def test_objects_are_lost(starts: Starts) -> None:
    """Nothing brings bytes back. They are named, and no row of theirs is touched."""
    with starts() as worker:
        acme = Application(worker, "acme")
        contents = acme.uploads(5)
        lost = sorted(contents)[1:3]
        remove(worker.url, *lost)
        before, rows = kept(worker.state), list(MediaObject.objects.order_by("pk").values())

        for options in ((), ("--repair",)):
            report = reconcile(*options)
            assert (report.status, report.named) == (1, {"bytes_lost": lost})
            assert report.repaired == {}

        tell()
        assert kept(worker.state) == before
        assert list(MediaObject.objects.order_by("pk").values()) == rows
        is_served(acme, {key: content for key, content in contents.items() if key not in lost})


def test_the_workers_database_is_put_back_to_an_old_backup(starts: Starts, tmp_path: Path) -> None:
    """It forgot what came later, awaits what was pending, and has again what was deleted."""
    with starts() as worker:
        acme = Application(worker, "acme")
        old = acme.uploads(3, visibility="public")
        deleted = acme.upload(photo_saying(b"deleted"), visibility="public")
        pending = acme.sign(photo_saying(b"pending"))
        hidden = acme.upload(photo_saying(b"hidden"), visibility="public")
        copy_d1(worker.state, tmp_path / "backup")

        later = acme.uploads(2, visibility="public")
        attachments.remove(acme.user, deleted.id)
        completed = services.commit(acme.user, pending.key)
        attachments.set_visibility(_profile_of(acme, hidden), "private", slot="x")
        tell()
        is_settled()

    put_back_d1(worker.state, tmp_path / "backup")

    with starts() as worker:
        acme.worker = worker
        rows = kept(worker.state).rows
        assert rows[deleted.key]["status"] == "uploaded"
        assert httpx.get(f"{worker.url}/m/{hidden.key}").status_code == 200

        report = reconcile("--repair")

        assert report.named["too_open"] == [hidden.key]
        assert report.named["not_deleted"] == [deleted.key]
        assert report.named["unfinished"] == [completed.key]
        assert report.named["row_lost"] == sorted(later)
        assert report.failed == {}
        tell()
        is_settled()
        is_served(acme, old | later | {completed.key: photo_saying(b"pending")})
        assert httpx.get(f"{worker.url}/m/{hidden.key}").status_code == 401
        assert httpx.get(f"{worker.url}/m/{deleted.key}").status_code == 410
        assert kept(worker.state).rows[deleted.key]["status"] in ("deleting", "gone")
