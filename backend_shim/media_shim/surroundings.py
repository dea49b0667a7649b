"""System checks of the project around the app: what it must have for the app to keep its word.

What is wrong in every project is an error. What a project may have a reason for is a warning, and
`SILENCED_SYSTEM_CHECKS` takes its number.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from django.apps import AppConfig
from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error, Info
from django.db import DEFAULT_DB_ALIAS, connections, router
from django.urls import NoReverseMatch, reverse
from django.utils.module_loading import import_string

TIME_ZONES: Final = "media_shim.E020"
SQLITE_LOCKS: Final = "media_shim.W021"
CSRF_ANSWER: Final = "media_shim.W022"
URLS: Final = "media_shim.W023"
USERS: Final = "media_shim.W024"
TRANSACTIONS: Final = "media_shim.I025"
OUR_DATABASE: Final = "media_shim.E026"
DATABASE_OF_TARGETS: Final = "media_shim.E027"

CSRF_FAILURE_VIEW: Final = "media_shim.envelope.csrf_failure"
AUTHENTICATION: Final = "django.contrib.auth.middleware.AuthenticationMiddleware"


def check_project(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:  # noqa: ARG001
    """Report what the project lacks."""
    return [*_time(), *_database(), *_requests()]


def _time() -> Iterator[CheckMessage]:
    if not settings.USE_TZ:
        yield Error(
            "USE_TZ is off: instants would have no time zone, and URLs would die at a wrong time.",
            hint="USE_TZ = True. TIME_ZONE may be what it is.",
            id=TIME_ZONES,
        )


def _database() -> Iterator[CheckMessage]:
    from media_shim.attachable import models_with_files
    from media_shim.models import MediaObject

    alias = router.db_for_write(MediaObject)
    if alias != DEFAULT_DB_ALIAS:
        yield Error(
            f"A router keeps the app's tables in {alias!r}: its transactions are on "
            f"{DEFAULT_DB_ALIAS!r}, and would hold nothing together.",
            hint=f"Have db_for_write and allow_migrate leave media_shim in {DEFAULT_DB_ALIAS!r}.",
            id=OUR_DATABASE,
        )
        return
    for model in models_with_files().values():
        if (its := router.db_for_write(model)) != alias:
            yield Error(
                f"A router keeps {model._meta.label} in {its!r} and the app's tables in {alias!r}: "
                "a row and its files could not come and go in one transaction.",
                hint=f"Keep it in {alias!r}, or attach its files to something that is there.",
                id=DATABASE_OF_TARGETS,
            )
    database = connections.settings[alias]
    mode = str(database["OPTIONS"].get("transaction_mode", "")).upper()
    if database["ENGINE"].endswith("sqlite3") and mode not in ("IMMEDIATE", "EXCLUSIVE"):
        yield checks.Warning(
            f"DATABASES[{alias!r}] is SQLite, which has no row locks: two transactions that attach "
            "one file would fail where they should wait.",
            hint='"OPTIONS": {"transaction_mode": "IMMEDIATE"}',
            id=SQLITE_LOCKS,
        )
    if database["ATOMIC_REQUESTS"]:
        yield Info(
            f"DATABASES[{alias!r}] has ATOMIC_REQUESTS. The app's own views leave it; a view of "
            "yours that calls services.commit would ask the Worker inside of a transaction.",
            hint="Decorate such a view with django.db.transaction.non_atomic_requests.",
            id=TRANSACTIONS,
        )


def _requests() -> Iterator[CheckMessage]:
    if settings.CSRF_FAILURE_VIEW != CSRF_FAILURE_VIEW:
        yield checks.Warning(
            "CSRF_FAILURE_VIEW is not the app's: a request without a CSRF token would be answered "
            "with a page, where a client expects JSON.",
            hint=f'CSRF_FAILURE_VIEW = "{CSRF_FAILURE_VIEW}"',
            id=CSRF_ANSWER,
        )
    if not any(_is_authentication(path) for path in settings.MIDDLEWARE):
        yield checks.Warning(
            "MIDDLEWARE has no AuthenticationMiddleware: no request has a user, and every one "
            "would fail.",
            hint=f'"{AUTHENTICATION}", below the SessionMiddleware.',
            id=USERS,
        )
    if settings.ROOT_URLCONF and not _has_urls():
        yield checks.Warning(
            "The app's URLs are not included: there is no /api/media/….",
            hint='urlpatterns = [..., path("", include("media_shim.urls"))]',
            id=URLS,
        )


def _is_authentication(path: str) -> bool:
    try:
        middleware = import_string(path)
    except ImportError:
        return False
    return isinstance(middleware, type) and issubclass(middleware, import_string(AUTHENTICATION))


def _has_urls() -> bool:
    try:
        reverse("media_shim:sign-upload")
    except NoReverseMatch:
        return False
    return True
