"""The admin: every page of the app's models opens, and what is looked for is found."""

import pytest
from django.contrib import admin
from django.contrib.admin.utils import quote
from django.contrib.auth.models import User
from django.db.models import Model
from django.urls import reverse
from django.utils import timezone

from media_shim.models import MediaObject, OutboxEntry, QuarantinedFile
from tests.shim.conftest import Browser, Upload

REGISTERED = [
    model for model in admin.site._registry if model._meta.app_label == MediaObject._meta.app_label
]


@pytest.fixture
def staff() -> Browser:
    return Browser(User.objects.create_superuser("root"))


def page(model: type[Model], name: str, *arguments: object) -> str:
    options = model._meta
    return reverse(f"admin:{options.app_label}_{options.model_name}_{name}", args=arguments)


def test_files_are_registered() -> None:
    assert MediaObject in REGISTERED


@pytest.mark.parametrize("model", REGISTERED)
def test_every_list_opens_is_searched_and_is_sorted(model: type[Model], staff: Browser) -> None:
    path = page(model, "changelist")
    columns = range(1, len(admin.site._registry[model].list_display) + 1)

    for query in ("", "?q=sea", *(f"?o={column}" for column in columns)):
        assert staff.get(path + query).status_code == 200
    assert staff.get("/admin/").status_code == 200


def test_every_page_of_a_file_opens(staff: Browser, alice: User, committed: Upload) -> None:
    media = committed(alice)

    for name in ("change", "history"):
        assert staff.get(page(MediaObject, name, quote(media.pk))).status_code == 200


@pytest.mark.parametrize("field", admin.site._registry[MediaObject].search_fields)
def test_a_file_is_found_by_each_field_that_is_searched(
    staff: Browser, alice: User, bob: User, committed: Upload, field: str
) -> None:
    media, other = committed(alice), committed(bob, fileName="land.jpg")
    MediaObject.objects.filter(pk=media.pk).update(attached_to="post:sea")
    media.refresh_from_db()
    value = field_of(media, field)

    found = staff.get(page(MediaObject, "changelist"), {"q": value}).text

    assert link(media) in found
    assert link(other) not in found


@pytest.mark.parametrize("query", ["status=committed", "kind=image", "visibility=private"])
def test_files_are_filtered(staff: Browser, alice: User, committed: Upload, query: str) -> None:
    name, _, value = query.partition("=")
    media = committed(alice)

    found = staff.get(page(MediaObject, "changelist"), {f"{name}__exact": value}).text

    assert link(media) in found


def test_a_list_is_to_be_read(staff: Browser, alice: User, committed: Upload) -> None:
    old = committed(alice, fileName=f"{'long ' * 9}name.jpg", bytes=3_512_345)
    new = committed(alice)

    shown = staff.get(page(MediaObject, "changelist")).text

    assert "long long long long lon…" in shown
    assert "3.3\xa0MB" in shown
    assert shown.index(link(new)) < shown.index(link(old))


def test_what_waits_for_a_person_comes_first(
    staff: Browser, alice: User, committed: Upload
) -> None:
    for state in ("waiting", "dead", "waiting"):
        media = committed(alice)
        MediaObject.objects.filter(pk=media.pk).update(file_name=f"{state}.jpg")
        OutboxEntry.objects.create(
            media=media,
            action="visibility",
            visibility="private",
            revision=1,
            state=state,
            due_at=timezone.now(),
        )

    shown = staff.get(page(OutboxEntry, "changelist")).text

    assert shown.index("dead.jpg") < shown.index("waiting.jpg")
    assert "make it private" in shown


def test_the_page_of_a_quarantined_file_says_what_saving_does(staff: Browser) -> None:
    file = QuarantinedFile.objects.create(
        key="u/3/app/2026/11/a.jpg",
        media_id="a",
        worker_user="3",
        content_type="image/jpeg",
        bytes=1,
        file_name="lost.jpg",
        revision=1,
        found="object",
        found_at=timezone.now(),
    )

    assert "the store" in staff.get(page(QuarantinedFile, "changelist")).text
    shown = staff.get(page(QuarantinedFile, "change", file.pk)).text

    assert "<h1>Release a quarantined file</h1>" in shown
    assert "continue editing" not in shown
    assert "delete it: its bytes go, too" in shown


def link(media: MediaObject) -> str:
    """Return what a list links to."""
    return page(MediaObject, "change", quote(media.pk))


def field_of(media: MediaObject, field: str) -> str:
    """Return what a search field, which may reach through relations, has for a file."""
    value: object = media
    for name in field.split("__"):
        value = getattr(value, name)
    return str(value)
