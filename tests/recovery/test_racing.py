"""Reconciling again and again, with repairs, while an application is busy on the same Worker."""

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.db import connection

from media_shim import attachments, services
from media_shim.models import MediaObject, QuarantinedFile, Status
from tests.media import photo_saying
from tests.recovery.conftest import Application, Report, opened, reconcile, tell

GRACE = 8
"""In seconds: many times what a step of an upload takes, on SQLite in a queue for its one lock."""


PAUSE = 0.1
"""In seconds, between one piece of work and the next: each leaves a file that is looked at."""


@contextmanager
def all_at_once(*works: Callable[[], None]) -> Iterator[None]:
    """Do these again and again in threads of their own while the block runs."""
    over, errors = threading.Event(), []

    def repeat(work: Callable[[], None]) -> None:
        try:
            while not over.wait(PAUSE):
                work()
        except BaseException as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=repeat, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assert errors == []


def test_a_busy_application_has_no_drift_and_loses_nothing(here: Application) -> None:
    profile = here.user.profile
    contents: dict[str, bytes] = {}
    # What is older than the grace is deleted, hidden and shown meanwhile.
    old = list(here.uploads(24))
    shown = here.uploads(4)
    services.commit_all(here.user, list(shown))
    attachments.attach(profile, list(shown), by=here.user, slot="shown")
    numbers = itertools.count()
    aged = time.monotonic() + GRACE
    while time.monotonic() < aged:
        here.upload(photo_saying(b"aging %d" % next(numbers)))
        time.sleep(PAUSE)

    def upload() -> None:
        content = photo_saying(b"busy %d" % next(numbers))
        media = here.upload(content)
        attachments.attach(profile, [media.key], by=here.user, slot="busy")
        contents[media.key] = content

    def delete() -> None:
        if old:
            media = MediaObject.objects.get(key=old.pop())
            attachments.remove(here.user, media.id)
        gone = here.upload(photo_saying(b"gone %d" % next(numbers)))
        attachments.remove(here.user, gone.id)

    def change() -> None:
        for visibility in ("public", "private"):
            attachments.set_visibility(profile, visibility, slot="shown")

    reports: list[Report] = []
    with all_at_once(upload, delete, change, tell):
        until = time.monotonic() + 2 * GRACE
        while time.monotonic() < until:
            reports.append(reconcile("--repair", grace=GRACE))

    tell()
    assert len(reports) > 3
    assert [report for report in reports if report.status != 0] == []
    assert not QuarantinedFile.objects.exists()
    assert len(contents) > 3
    for key, content in (contents | shown).items():
        media = MediaObject.objects.get(key=key)
        assert media.status == Status.COMMITTED
        assert opened(media, here.user).content == content
    assert reconcile().drift == {}


def test_even_without_any_grace_a_repair_loses_nothing(here: Application) -> None:
    """What it takes for drift in the midst of a step is never so that it removes something."""
    contents: dict[str, bytes] = {}
    numbers = itertools.count()

    def upload() -> None:
        content = photo_saying(b"graceless %d" % next(numbers))
        contents[here.upload(content, visibility="public").key] = content

    def delete() -> None:
        gone = here.upload(photo_saying(b"gone %d" % next(numbers)))
        attachments.remove(here.user, gone.id)

    with all_at_once(upload, delete, tell):
        until = time.monotonic() + 6
        while time.monotonic() < until:
            reconcile("--repair")

    tell()
    assert not QuarantinedFile.objects.exists()
    for key, content in contents.items():
        assert opened(MediaObject.objects.get(key=key), here.user).content == content
    assert reconcile().drift == {}
