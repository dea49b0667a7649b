"""The project around the app: what it lacks is named, with what to write."""

import sys
from importlib import import_module
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.db import connections
from django.test import override_settings

from media_shim import surroundings
from media_shim.surroundings import (
    CSRF_ANSWER,
    SQLITE_LOCKS,
    TIME_ZONES,
    TRANSACTIONS,
    URLS,
    USERS,
)
from media_shim.testing.worker import FakeWorker
from tests.shim.conftest import PICTURE, Browser

AUTHENTICATION = surroundings.AUTHENTICATION


def found() -> dict[str | None, str | None]:
    return {message.id: message.hint for message in surroundings.check_project(None)}


def test_the_demo_lacks_nothing() -> None:
    assert found() == {}
    call_command("check", fail_level="INFO")


@pytest.mark.parametrize(
    ("setting", "value", "check", "hint"),
    [
        ("USE_TZ", False, TIME_ZONES, "USE_TZ = True"),
        ("CSRF_FAILURE_VIEW", "django.views.csrf.csrf_failure", CSRF_ANSWER, "media_shim.envelope"),
        ("MIDDLEWARE", [], USERS, AUTHENTICATION),
        ("MIDDLEWARE", ["not.there", "media_shim.envelope.endpoint"], USERS, AUTHENTICATION),
        ("ROOT_URLCONF", "django.contrib.auth.urls", URLS, 'include("media_shim.urls")'),
    ],
)
def test_what_is_missing_is_named(setting: str, value: object, check: str, hint: str) -> None:
    with override_settings(**{setting: value}):
        named = found()

    assert list(named) == [check]
    assert hint in str(named[check])


class OwnAuthentication(surroundings.import_string(AUTHENTICATION)):  # type: ignore[misc]
    """A project's own, made of Django's."""


def test_middleware_of_a_projects_own_will_do(settings: Any) -> None:
    settings.MIDDLEWARE = [f"{__name__}.OwnAuthentication"]

    assert found() == {}


@pytest.mark.parametrize(
    ("engine", "mode", "is_named"),
    [
        ("django.db.backends.sqlite3", None, True),
        ("django.db.backends.sqlite3", "DEFERRED", True),
        ("django.db.backends.sqlite3", "immediate", False),
        ("django.db.backends.sqlite3", "EXCLUSIVE", False),
        ("django.db.backends.postgresql", None, False),
    ],
)
def test_sqlite_must_take_its_lock_when_a_transaction_begins(
    monkeypatch: pytest.MonkeyPatch, engine: str, mode: str | None, is_named: bool
) -> None:
    database = connections.settings["default"]
    monkeypatch.setitem(database, "ENGINE", engine)
    monkeypatch.setitem(database, "OPTIONS", {"transaction_mode": mode} if mode else {})

    assert list(found()) == ([SQLITE_LOCKS] if is_named else [])


@pytest.mark.django_db(transaction=True)
def test_the_worker_is_asked_outside_of_a_request_that_is_one_transaction(
    as_alice: Browser, double: FakeWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(connections.settings["default"], "ATOMIC_REQUESTS", True)

    key = as_alice.send("/api/media/sign-upload", PICTURE).json()["key"]
    double.put(key)
    assert as_alice.send("/api/media/commit", {"key": key}).status_code == 200

    assert [call.in_transaction for call in double.calls] == [False, False]
    assert list(found()) == [TRANSACTIONS]


def test_where_drf_is_missing_its_urls_say_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("media_shim.rest_framework")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "rest_framework", None)

    with pytest.raises(ImproperlyConfigured, match="pip install djangorestframework"):
        import_module("media_shim.rest_framework.urls")
