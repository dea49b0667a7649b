"""The admin: every page of the app's models opens, and what is looked for is found."""

import pytest
from django.contrib import admin
from django.contrib.admin.utils import quote
from django.contrib.auth.models import User
from django.db.models import Model
from django.urls import reverse

from media_shim.models import MediaObject
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
    staff: Browser, alice: User, committed: Upload, field: str
) -> None:
    media, other = committed(alice), committed(alice, fileName="land.jpg")
    MediaObject.objects.filter(pk=media.pk).update(attached_to="post:sea")
    media.refresh_from_db()
    value = field_of(media, field)

    found = staff.get(page(MediaObject, "changelist"), {"q": value}).text

    assert media.pk in found
    assert other.pk not in found


@pytest.mark.parametrize("query", ["status=committed", "kind=image", "visibility=private"])
def test_files_are_filtered(staff: Browser, alice: User, committed: Upload, query: str) -> None:
    name, _, value = query.partition("=")
    media = committed(alice)

    found = staff.get(page(MediaObject, "changelist"), {f"{name}__exact": value}).text

    assert media.pk in found


def field_of(media: MediaObject, field: str) -> str:
    """Return what a search field, which may reach through relations, has for a file."""
    value: object = media
    for name in field.split("__"):
        value = getattr(value, name)
    return str(value)
