"""Many at once, on real connections: row locks on PostgreSQL, the whole database's on SQLite."""

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any, TypeVar

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ObjectDoesNotExist
from django.db import connection, transaction
from django.utils import timezone

from demo.models import Profile
from media_shim import attachments, cleanup, outbox, services
from media_shim.errors import MediaCommitFailed, MediaGone, ShimError
from media_shim.models import MediaObject, OutboxEntry, Removal, Status
from media_shim.testing.worker import FakeWorker
from tests.shim.conftest import Upload

pytestmark = pytest.mark.django_db(transaction=True)

MANY = 20

_T = TypeVar("_T")


def at_once(*work: Callable[[], _T]) -> list[_T | Exception]:
    """Begin all of these together, each on a connection of its own; return what each came to."""
    gate = threading.Barrier(len(work))

    def run(one: Callable[[], _T]) -> _T | Exception:
        try:
            gate.wait(30)
            return one()
        except (ShimError, ObjectDoesNotExist) as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(work)) as pool:
        return list(pool.map(run, work))


def committed_ones(outcomes: Sequence[object]) -> list[MediaObject]:
    return [each for each in outcomes if isinstance(each, MediaObject)]


def test_twenty_commits_of_one_file_are_one(
    alice: User, upload: Upload, double: FakeWorker
) -> None:
    media = upload(alice)

    outcomes = at_once(*[lambda: services.commit(alice, media.key)] * MANY)

    assert len(committed_ones(outcomes)) == MANY
    assert len({each.committed_at for each in committed_ones(outcomes)}) == 1
    assert double.files[media.pk].status == "uploaded"


def test_of_twenty_that_attach_one_file_to_different_things_one_succeeds(
    alice: User, committed: Upload
) -> None:
    media = committed(alice)
    posts = [User.objects.create(username=f"stands for post {number}") for number in range(MANY)]

    outcomes = at_once(
        *[lambda post=post: attachments.attach(post, [media.key], by=alice) for post in posts]
    )

    won = [number for number, outcome in enumerate(outcomes) if isinstance(outcome, list)]
    assert len(won) == 1
    assert MediaObject.objects.get().attached_to == attachments.reference(posts[won[0]])
    lost = [each for each in outcomes if isinstance(each, MediaCommitFailed)]
    assert {error.failures[media.key].code for error in lost} == {"ALREADY_COMMITTED"}
    assert len(lost) == MANY - 1


def test_twenty_that_attach_the_same_files_to_the_same_thing_agree(
    alice: User, committed: Upload
) -> None:
    """In whatever order they name them: nobody waits for ever, and nothing happens twice."""
    keys = [committed(alice).key for _ in range(5)]
    orders = [keys, keys[::-1], keys[2:] + keys[:2], keys[1:] + keys[:1]] * (MANY // 4)

    outcomes = at_once(
        *[
            lambda order=order: attachments.attach(
                alice.profile, order, by=alice, visibility="public"
            )
            for order in orders
        ]
    )

    assert all(isinstance(each, list) for each in outcomes)
    assert sorted(media.position for media in alice.profile.media()) == [0, 1, 2, 3, 4]
    assert Counter(OutboxEntry.objects.values_list("media", flat=True)) == Counter(
        MediaObject.objects.values_list("pk", flat=True)
    )


def test_twenty_that_replace_an_avatar_leave_one(alice: User, committed: Upload) -> None:
    files = [committed(alice) for _ in range(MANY)]

    at_once(
        *[
            lambda media=media: attachments.replace(alice.profile, media.key, by=alice)
            for media in files
        ]
    )

    (left,) = alice.profile.media("avatar")
    gone = MediaObject.objects.filter(status=Status.REMOVING)
    assert set(gone) == set(files) - {left}
    assert set(OutboxEntry.objects.values_list("media", flat=True)) == {each.pk for each in gone}


def test_a_post_that_is_deleted_while_files_are_attached_to_it_keeps_none(
    alice: User, committed: Upload
) -> None:
    for number in range(5):
        author = User.objects.create(username=f"author {number}")
        post, media = Profile.objects.create(user=author, tenant="acme"), committed(alice)

        at_once(
            lambda post=post, media=media: attachments.attach(post, [media.key], by=alice),  # type: ignore[misc]
            lambda post=post: Profile.objects.filter(pk=post.pk).delete(),  # type: ignore[misc]
        )

        media.refresh_from_db()
        assert (media.attached_to is None) == (media.status == Status.COMMITTED)


class DeletesMeanwhile:
    """Lets somebody delete what a browser named while it is being looked at."""

    deletion: threading.Thread

    def __call__(self, user: User, attach_to: str) -> bool:  # noqa: ARG002
        self.deletion = threading.Thread(target=_delete, args=(attach_to,))
        self.deletion.start()
        # It waits for whoever attaches; where it does not, it is over by then.
        self.deletion.join(1)
        return True


deletes_meanwhile = DeletesMeanwhile()


def _delete(name: str) -> None:
    try:
        Profile.objects.filter(pk=int(name.partition(":")[2])).delete()
    finally:
        connection.close()


def test_what_a_browser_names_is_not_deleted_while_a_file_is_attached_to_it(
    alice: User, committed: Upload, settings: Any, shim_settings: Any
) -> None:
    settings.MEDIA_SHIM = shim_settings | {"ATTACH_RESOLVER": f"{__name__}.deletes_meanwhile"}
    media = committed(alice)

    services.commit(alice, media.key, f"demo.profile:{alice.pk}")
    deletes_meanwhile.deletion.join()

    media.refresh_from_db()
    assert not Profile.objects.filter(pk=alice.pk).exists()
    assert media.status == Status.REMOVING


def test_what_is_attached_at_the_last_moment_is_not_cleaned_up(
    alice: User, committed: Upload
) -> None:
    """Either the file is attached and stays, or it goes and nothing gets attached."""
    tomorrow = timezone.now() + timedelta(days=3)
    for _ in range(5):
        media = committed(alice)

        attached, _swept = at_once(
            lambda media=media: attachments.attach(alice.profile, [media.key], by=alice),  # type: ignore[misc]
            lambda: cleanup.sweep(tomorrow),
        )

        media.refresh_from_db()
        if isinstance(attached, list):
            assert (media.status, media.attached_to) == (
                Status.COMMITTED,
                f"demo.profile:{alice.pk}",
            )
        else:
            assert (media.status, media.attached_to) == (Status.REMOVING, None)


def test_a_commit_that_comes_too_late_brings_nothing_back(
    alice: User, upload: Upload, double: FakeWorker
) -> None:
    for _ in range(5):
        media = upload(alice)

        committed, _swept = at_once(
            lambda media=media: services.commit(alice, media.key),  # type: ignore[misc]
            lambda media=media: attachments.sweep(  # type: ignore[misc]
                MediaObject.objects.filter(pk=media.pk, status=Status.PENDING), Removal.ABANDONED, 9
            ),
        )

        media.refresh_from_db()
        if isinstance(committed, MediaObject):
            assert media.status == Status.COMMITTED
        else:
            assert isinstance(committed, (MediaGone, ShimError))
            outbox.deliver(timezone.now)
            media.refresh_from_db()
            assert media.status == Status.REMOVED
            # By whether the Worker had completed it before it was told.
            assert double.files[media.pk].status in ("expired", "deleting")


def test_deliverers_at_once_tell_each_change_once(
    alice: User, committed: Upload, double: FakeWorker
) -> None:
    for _ in range(30):
        attachments.remove(alice, committed(alice).pk)

    outcomes = at_once(*[lambda: outbox.deliver(timezone.now)] * 5)

    assert sum(each.done for each in outcomes if isinstance(each, outbox.Delivered)) == 30
    assert sum("DELETE" in name for name in double.called) == 30
    assert not OutboxEntry.objects.exists()


def test_two_transactions_that_hold_several_files_do_not_wait_for_ever(
    alice: User, committed: Upload
) -> None:
    one, other = (User.objects.create(username=f"stands for {name}") for name in "ab")
    for _ in range(5):
        keys = [committed(alice).key for _ in range(4)]

        def take(target: User, wanted: list[str]) -> object:
            with transaction.atomic():
                return attachments.attach(target, wanted, by=alice)

        outcomes = at_once(lambda: take(one, keys), lambda: take(other, keys[::-1]))  # noqa: B023

        assert sum(isinstance(each, list) for each in outcomes) == 1
