"""What the application's own code does with files, in its own transactions."""

from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ObjectDoesNotExist
from django.db import models, transaction
from django.db.models import ProtectedError
from django.db.models.signals import post_delete
from django.test.utils import isolate_apps
from django.utils import timezone

from demo.models import Profile
from media_shim import attachable, attachments, signals
from media_shim.attachable import HasMedia
from media_shim.errors import MediaCommitFailed, MediaInUse, MediaNotFound
from media_shim.models import Action, MediaObject, OutboxEntry, Removal, Status
from media_shim.reconcile import streams
from media_shim.testing.worker import FakeWorker
from tests.shim.conftest import Upload


def row(media: MediaObject) -> MediaObject:
    return MediaObject.objects.get(pk=media.pk)


def told(media: MediaObject) -> list[tuple[str, str | None]]:
    """Return what the Worker has still to hear of a file, in order."""
    entries = OutboxEntry.objects.filter(media=media).order_by("pk")
    return [(entry.action, entry.visibility) for entry in entries]


def keys(*media: MediaObject) -> list[str]:
    return [each.key for each in media]


def codes(failed: MediaCommitFailed) -> dict[str, str]:
    return {key: error.code for key, error in failed.failures.items()}


class TestReference:
    def test_a_target_is_called_by_its_model_and_key(self, alice: User) -> None:
        assert attachments.reference(alice) == f"auth.user:{alice.pk}"
        assert attachments.reference(alice, "avatar") == f"auth.user:{alice.pk}#avatar"

    def test_a_proxy_is_called_as_what_it_stands_for(self, alice: User) -> None:
        with isolate_apps("demo"):

            class Author(User):
                class Meta:
                    proxy = True
                    app_label = "demo"

        assert attachments.reference(Author(pk=alice.pk)) == attachments.reference(alice)

    @pytest.mark.parametrize("slot", ["Avatar", "a b", "a#b", "x" * 33, "é"])
    def test_a_slot_that_cannot_be_written_is_a_mistake(self, alice: User, slot: str) -> None:
        with pytest.raises(ValueError, match="slot"):
            attachments.reference(alice, slot)

    def test_a_target_must_be_saved_first(self) -> None:
        with pytest.raises(ValueError, match="Save the target"):
            attachments.reference(User())

    def test_a_primary_key_is_written_in_one_way(self) -> None:
        with isolate_apps("demo"):

            class Album(models.Model):
                id = models.UUIDField(primary_key=True)

                class Meta:
                    app_label = "demo"

        one = "550e8400-e29b-41d4-a716-446655440000"
        names = {
            attachments.reference(Album(pk=written))
            for written in (one, one.upper(), one.replace("-", ""), UUID(one))
        }
        assert names == {f"demo.album:{one}"}
        assert attachments.reference(User(pk="007")) == "auth.user:7"

    @pytest.mark.parametrize("key", ["a#b", "x" * 200, (1, 2)])
    def test_a_primary_key_that_cannot_be_written_is_a_mistake(self, key: str) -> None:
        with pytest.raises(ValueError, match="primary key"):
            attachments.reference(User(pk=key))


@pytest.mark.parametrize("key", ["9" * 30, "-1", "x", "", "1.5"])
def test_a_name_that_no_row_can_have_is_no_reason_to_delete(
    alice: User, committed: Upload, key: str
) -> None:
    """ATTACH_RESOLVER may know what it means; a number that is too large must not stop the rest."""
    media, other = committed(alice), committed(alice)
    MediaObject.objects.filter(pk=other.pk).update(attached_to=f"demo.profile:{alice.pk}")
    MediaObject.objects.filter(pk=media.pk).update(attached_to=f"demo.profile:{key}")

    found = streams.fresh([media.key, other.key])

    assert not found[other.key].is_orphaned
    assert found[media.key].is_orphaned == (key == "-1")


class TestDetach:
    def test_names_that_differ_in_capitals_alone_are_two(
        self, alice: User, committed: Upload
    ) -> None:
        """SQLite's LIKE does not know small letters from capitals."""
        with isolate_apps("demo"):

            class Album(models.Model):
                id = models.CharField(primary_key=True, max_length=9)

                class Meta:
                    app_label = "demo"

        mine, theirs = committed(alice), committed(alice)
        for media, album in ((mine, "a"), (theirs, "A")):
            name = attachments.reference(Album(pk=album), "cover")
            MediaObject.objects.filter(pk=media.pk).update(attached_to=name)

        assert attachments.detach(Album(pk="a")) == [mine]

        assert row(theirs).status == Status.COMMITTED

    def test_files_of_a_proxy_go_with_the_row_that_it_stands_for(
        self, alice: User, bob: User, committed: Upload, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with isolate_apps("demo") as isolated:

            class Author(HasMedia, User):
                class Meta:
                    proxy = True
                    app_label = "demo"

        monkeypatch.setattr(attachable, "apps", isolated)
        media, left = committed(alice), committed(alice)
        try:
            Author.objects.get(pk=bob.pk).attach_media([media.key], by=alice)
            User.objects.filter(pk=bob.pk).delete()
        finally:
            for sender in (Author, User):
                post_delete.disconnect(attachable._remove_media, sender=sender)
        assert row(media).status == Status.REMOVING

        # And where hand-written SQL has deleted it.
        MediaObject.objects.filter(pk=left.pk).update(attached_to=f"auth.user:{bob.pk}")
        assert streams.fresh([left.key])[left.key].is_orphaned


class TestAttach:
    def test_files_keep_the_order_of_their_keys(self, alice: User, committed: Upload) -> None:
        first, second, third = (committed(alice) for _ in range(3))

        attachments.attach(alice.profile, keys(third, first), by=alice)
        attachments.attach(alice.profile, keys(second), by=alice)

        assert alice.profile.media() == [third, first, second]

    def test_a_target_is_asked_nobody_about(self, alice: User, committed: Upload) -> None:
        """ATTACH_RESOLVER speaks for names that come from a browser, not for our own code."""
        media = committed(alice)

        attachments.attach(alice.profile, keys(media), by=alice)

        assert row(media).attached_to == f"demo.profile:{alice.pk}"

    def test_the_same_again_changes_nothing(self, alice: User, committed: Upload) -> None:
        media, other = committed(alice), committed(alice)
        attachments.attach(alice.profile, keys(media, other), by=alice, visibility="public")
        before = [row(media), row(other)]

        again = attachments.attach(
            alice.profile, keys(media, media, other), by=alice, visibility="public"
        )

        assert again == [media, other]
        assert [(each.position, each.updated_at, each.revision) for each in again] == [
            (each.position, each.updated_at, each.revision) for each in before
        ]
        assert told(media) == [(Action.VISIBILITY, "public")]

    def test_all_of_them_or_none(
        self, alice: User, bob: User, committed: Upload, upload: Upload
    ) -> None:
        good, pending, others, elsewhere = (
            committed(alice),
            upload(alice),
            committed(bob),
            committed(alice),
        )
        gone = committed(alice)
        attachments.remove(alice, gone.pk)
        attachments.attach(alice, keys(elsewhere), by=alice)

        with pytest.raises(MediaCommitFailed) as failed:
            attachments.attach(
                alice.profile,
                [*keys(good, pending, others, elsewhere, gone), "u/1/x.jpg"],
                by=alice,
            )

        assert codes(failed.value) == {
            pending.key: "UPLOAD_INCOMPLETE",
            others.key: "MEDIA_NOT_FOUND",
            elsewhere.key: "ALREADY_COMMITTED",
            gone.key: "MEDIA_GONE",
            "u/1/x.jpg": "MEDIA_NOT_FOUND",
        }
        assert row(good).attached_to is None

    def test_who_may_see_it_is_decided_once(self, alice: User, committed: Upload) -> None:
        media = committed(alice)
        attachments.attach(alice.profile, keys(media), by=alice, visibility="private")

        with pytest.raises(MediaCommitFailed):
            attachments.attach(alice.profile, keys(media), by=alice, visibility="public")

        assert row(media).visibility == "private"

    def test_what_becomes_public_is_told_to_the_worker_in_the_same_transaction(
        self, alice: User, committed: Upload
    ) -> None:
        media, public = committed(alice), committed(alice, visibility="public")

        attachments.attach(alice.profile, keys(media, public), by=alice, visibility="public")

        assert (row(media).visibility, row(media).delivered_visibility) == ("public", "private")
        assert told(media) == [(Action.VISIBILITY, "public")]
        assert told(public) == []

    def test_nothing_happens_when_the_post_does_not(self, alice: User, committed: Upload) -> None:
        media = committed(alice)

        def make_a_post_and_fail() -> None:
            with transaction.atomic():
                post = User.objects.create(username="stands for a post")
                attachments.attach(post, keys(media), by=alice, visibility="public")
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            make_a_post_and_fail()

        assert (row(media).attached_to, row(media).visibility) == (None, "private")
        assert told(media) == []

    def test_a_target_that_is_gone_takes_nothing(self, alice: User, committed: Upload) -> None:
        media = committed(alice)
        post = User.objects.create(username="stands for a post")
        User.objects.filter(pk=post.pk).delete()

        with pytest.raises(ObjectDoesNotExist):
            attachments.attach(post, keys(media), by=alice)

        assert row(media).attached_to is None

    def test_the_worker_is_asked_nothing(
        self, alice: User, committed: Upload, double: FakeWorker
    ) -> None:
        media = committed(alice)
        calls = list(double.called)

        attachments.attach(alice.profile, keys(media), by=alice, visibility="public")
        attachments.detach(alice.profile)

        assert double.called == calls

    def test_slots_are_apart(self, alice: User, committed: Upload) -> None:
        photo, avatar = committed(alice), committed(alice)

        alice.profile.attach_media(keys(photo), by=alice)
        alice.profile.replace_media(avatar.key, by=alice)

        assert alice.profile.media() == [photo]
        assert alice.profile.media("avatar") == [avatar]
        with pytest.raises(MediaCommitFailed):
            alice.profile.attach_media(keys(avatar), by=alice)


class TestReplace:
    def test_one_takes_the_place_of_another(self, alice: User, committed: Upload) -> None:
        old, new = committed(alice), committed(alice)
        attachments.replace(alice.profile, old.key, by=alice)

        attachments.replace(alice.profile, new.key, by=alice)

        assert alice.profile.media("avatar") == [new]
        assert (row(old).status, row(old).removal_reason) == (Status.REMOVING, Removal.REPLACED)
        assert told(old) == [(Action.DELETE, None)]

    def test_the_same_again_changes_nothing(self, alice: User, committed: Upload) -> None:
        media = committed(alice)
        attachments.replace(alice.profile, media.key, by=alice)
        before = row(media)

        attachments.replace(alice.profile, media.key, by=alice)

        assert row(media).updated_at == before.updated_at
        assert alice.profile.media("avatar") == [media]

    def test_a_file_that_cannot_be_used_leaves_the_old_one(
        self, alice: User, committed: Upload, upload: Upload
    ) -> None:
        old, pending = committed(alice), upload(alice)
        attachments.replace(alice.profile, old.key, by=alice)

        with pytest.raises(MediaCommitFailed):
            attachments.replace(alice.profile, pending.key, by=alice)

        assert alice.profile.media("avatar") == [old]

    def test_nothing_but_the_slot_is_touched(
        self, alice: User, bob: User, committed: Upload
    ) -> None:
        photo, theirs = committed(alice), committed(bob)
        attachments.attach(alice.profile, keys(photo), by=alice)
        attachments.replace(bob.profile, theirs.key, by=bob)

        attachments.replace(alice.profile, committed(alice).key, by=alice)

        assert alice.profile.media() == [photo]
        assert bob.profile.media("avatar") == [theirs]


class TestLettingGo:
    def test_what_is_detached_goes(self, alice: User, committed: Upload) -> None:
        going, staying = committed(alice), committed(alice)
        attachments.attach(alice.profile, keys(going, staying), by=alice)

        gone = attachments.detach(alice.profile, keys(going))

        assert gone == [going]
        assert alice.profile.media() == [staying]
        assert (row(going).status, row(going).removal_reason) == (
            Status.REMOVING,
            Removal.DELETED,
        )

    def test_all_slots_go_with_their_target_and_nobody_elses(
        self, alice: User, bob: User, committed: Upload
    ) -> None:
        photo, avatar = committed(alice), committed(alice)
        theirs = committed(bob)
        attachments.attach(alice.profile, keys(photo), by=alice)
        attachments.replace(alice.profile, avatar.key, by=alice)
        attachments.attach(bob.profile, keys(theirs), by=bob)

        Profile.objects.filter(pk=alice.pk).delete()

        assert {row(photo).status, row(avatar).status} == {Status.REMOVING}
        assert row(theirs).status == Status.COMMITTED

    def test_a_target_whose_key_begins_alike_keeps_its_files(
        self, alice: User, committed: Upload
    ) -> None:
        one = User.objects.create(pk=7, username="seven")
        other = User.objects.create(pk=77, username="seventy-seven")
        media = committed(alice)
        attachments.attach(other, keys(media), by=alice)

        attachments.detach(one)

        assert row(media).status == Status.COMMITTED

    def test_nothing_goes_when_the_deletion_does_not(self, alice: User, committed: Upload) -> None:
        media = committed(alice)
        attachments.attach(alice.profile, keys(media), by=alice)

        def delete_and_fail() -> None:
            with transaction.atomic():
                alice.profile.delete()
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            delete_and_fail()

        assert (row(media).status, told(media)) == (Status.COMMITTED, [])

    def test_of_what_was_published_elsewhere_the_row_stays(
        self, alice: User, committed: Upload
    ) -> None:
        media = committed(alice)
        attachments.attach(alice.profile, keys(media), by=alice)

        attachments.published_elsewhere(alice.profile)

        assert (row(media).removal_reason, row(media).attached_to) == (
            Removal.PUBLISHED,
            f"demo.profile:{alice.pk}",
        )
        assert told(media) == [(Action.DELETE, None)]
        assert alice.profile.media() == []

    def test_who_may_see_a_targets_files_is_decided_anew(
        self, alice: User, committed: Upload
    ) -> None:
        private, public = committed(alice), committed(alice, visibility="public")
        attachments.attach(alice.profile, keys(private, public), by=alice)

        changed = attachments.set_visibility(alice.profile, "private")

        assert changed == [public]
        assert told(public) == [(Action.VISIBILITY, "private")]
        assert told(private) == []

    def test_what_waits_before_a_removal_is_not_told_any_more(
        self, alice: User, committed: Upload
    ) -> None:
        media = committed(alice)
        attachments.attach(alice.profile, keys(media), by=alice, visibility="public")

        attachments.detach(alice.profile)

        assert told(media) == [(Action.DELETE, None)]

    def test_every_change_has_a_greater_number(
        self, alice: User, committed: Upload, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Also where the clock stands still, or goes back."""
        media = committed(alice)
        now = timezone.now()
        attachments.attach(alice.profile, keys(media), by=alice, visibility="public")
        first = row(media).revision
        monkeypatch.setattr(timezone, "now", lambda: now.replace(year=2020))

        attachments.set_visibility(alice.profile, "private")
        second = row(media).revision
        attachments.detach(alice.profile)

        assert first < second < row(media).revision < 2**53

    def test_a_user_goes_with_everything(self, alice: User, committed: Upload) -> None:
        attached, free = committed(alice), committed(alice)
        attachments.attach(alice.profile, keys(attached), by=alice)

        with transaction.atomic():
            assert attachments.remove_all_of(alice) == 2
            alice.delete()

        assert {row(attached).status, row(free).status} == {Status.REMOVING}
        assert row(free).owner is None
        assert row(free).worker_user

    def test_an_upload_that_begins_while_its_user_goes_stays_theirs(
        self, alice: User, committed: Upload, upload: Upload
    ) -> None:
        """Nobody's, it would be nobody's for ever where unattached files are kept."""
        committed(alice)
        late: list[MediaObject] = []

        def begin(**_: object) -> None:
            late.append(upload(alice))

        signals.media_removing.connect(begin)
        try:
            assert attachments.remove_all_of(alice) == 1
        finally:
            signals.media_removing.disconnect(begin)

        assert row(late[0]).owner == alice
        with pytest.raises(ProtectedError):
            alice.delete()
        assert attachments.remove_all_of(alice) == 1
        alice.delete()
        assert row(late[0]).status == Status.REMOVING


class TestRemove:
    def test_its_user_removes_what_nothing_uses(self, alice: User, committed: Upload) -> None:
        media = committed(alice)

        attachments.remove(alice, media.pk)
        attachments.remove(alice, media.pk)

        assert told(media) == [(Action.DELETE, None)]

    def test_what_is_used_stays(self, alice: User, committed: Upload) -> None:
        media = committed(alice)
        attachments.attach(alice.profile, keys(media), by=alice)

        with pytest.raises(MediaInUse):
            attachments.remove(alice, media.pk)

    def test_what_is_anothers_is_not_there(self, alice: User, bob: User, committed: Upload) -> None:
        media = committed(alice)

        with pytest.raises(MediaNotFound):
            attachments.remove(bob, media.pk)

        assert row(media).status == Status.COMMITTED


def test_many_targets_are_asked_about_at_once(
    alice: User, bob: User, committed: Upload, django_assert_num_queries: Any
) -> None:
    pictures = [committed(alice) for _ in range(3)]
    attachments.attach(alice.profile, keys(*pictures), by=alice)
    profiles = [alice.profile, bob.profile]

    with django_assert_num_queries(1):
        found = attachments.of(profiles)

    assert found == {alice.profile: pictures, bob.profile: []}


def test_who_listens_hears_it_in_the_transaction_and_can_stop_it(
    alice: User, committed: Upload
) -> None:
    heard: list[tuple[str, str]] = []

    def listen(signal: Any, media: MediaObject, **_: object) -> None:
        heard.append((names[signal], media.pk))
        if len(heard) == 4:
            raise ZeroDivisionError

    names = {
        signals.media_committed: "committed",
        signals.media_attached: "attached",
        signals.media_removing: "removing",
    }
    for signal in names:
        signal.connect(listen)
    try:
        media, other = committed(alice), committed(alice)
        attachments.attach(alice.profile, keys(media), by=alice)
        with pytest.raises(ZeroDivisionError):
            attachments.detach(alice.profile)
    finally:
        for signal in names:
            signal.disconnect(listen)

    assert heard == [
        ("committed", media.pk),
        ("committed", other.pk),
        ("attached", media.pk),
        ("removing", media.pk),
    ]
    assert (row(media).status, told(media)) == (Status.COMMITTED, [])


@pytest.mark.parametrize("count", [1, 10, 80])
def test_what_it_costs_does_not_grow_with_the_number_of_files_that_go(
    alice: User, committed: Upload, django_assert_max_num_queries: Any, count: int
) -> None:
    attachments.attach(alice.profile, keys(*[committed(alice) for _ in range(count)]), by=alice)

    with django_assert_max_num_queries(6):
        attachments.detach(alice.profile)

    assert OutboxEntry.objects.count() == count
