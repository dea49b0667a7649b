"""The row of a file: what it can never say, and how its table comes and goes."""

from io import StringIO

import pytest
from django.contrib.admin.utils import quote
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import IntegrityError, connection
from django.db.models import ProtectedError
from django.utils import timezone

from media_shim.models import MediaObject, Status
from tests.shim.conftest import Browser, Upload


def make(owner: User, **changes: object) -> MediaObject:
    values: dict[str, object] = {
        "id": "media_1",
        "key": "u/1/app/1.jpg",
        "owner": owner,
        "kind": "image",
        "content_type": "image/jpeg",
        "bytes": 1,
        "file_name": "1.jpg",
        "visibility": "private",
    }
    return MediaObject.objects.create(**(values | changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"status": Status.COMMITTED},
        {"status": Status.PENDING, "committed_at": timezone.now()},
        {"status": "lost"},
        {"attached_to": "post:1"},
        {"bytes": 0},
        {"kind": "audio"},
        {"visibility": "secret"},
    ],
)
def test_the_database_refuses_a_row_that_contradicts_itself(
    alice: User, changes: dict[str, object]
) -> None:
    with pytest.raises(IntegrityError):
        make(alice, **changes)


def test_no_two_files_have_one_key(alice: User) -> None:
    make(alice)

    with pytest.raises(IntegrityError):
        make(alice, id="media_2")


def test_a_user_cannot_go_while_there_are_files_of_theirs(alice: User) -> None:
    make(alice)

    with pytest.raises(ProtectedError):
        alice.delete()


def test_files_are_found_by_their_owner(alice: User, bob: User) -> None:
    media = make(alice)

    assert list(MediaObject.objects.owned_by(alice)) == [media]
    assert list(MediaObject.objects.owned_by(alice).committed()) == []
    assert list(MediaObject.objects.owned_by(bob)) == []


def test_the_admin_shows_files_and_changes_nothing(alice: User, committed: Upload) -> None:
    media = committed(alice)
    staff = Browser(User.objects.create_superuser("root"))

    # In a path the admin takes an underscore and two digits for a quoted character.
    page = f"/admin/media_shim/mediaobject/{quote(media.id)}"

    assert f"{page}/change/" in staff.get("/admin/media_shim/mediaobject/?q=sea").text
    assert staff.get(f"{page}/change/").status_code == 200
    assert staff.get("/admin/media_shim/mediaobject/add/").status_code == 403
    assert staff.get(f"{page}/delete/").status_code == 403
    assert staff.send(f"{page}/change/", {}).status_code == 403


def test_the_migrations_say_what_the_models_say() -> None:
    call_command("makemigrations", check=True, dry_run=True, stdout=StringIO())


@pytest.mark.django_db(transaction=True)
def test_the_migrations_go_back_and_forth() -> None:
    table = MediaObject._meta.db_table
    call_command("migrate", "media_shim", "zero", verbosity=0)
    assert table not in connection.introspection.table_names()

    call_command("migrate", "media_shim", verbosity=0)
    assert table in connection.introspection.table_names()
