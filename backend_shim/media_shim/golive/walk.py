"""Walks through a deployment, one check after another, and takes away what it brought."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import httpx
from django.conf import settings

from media_shim.checks import check_deployment, check_settings
from media_shim.client import Identity
from media_shim.conf import ShimSettings, current
from media_shim.errors import NotConfigured, ShimError
from media_shim.golive.checks import CHECKS, Check, NotAsked, Walk, Wrong
from media_shim.golive.report import Outcome, Row
from media_shim.golive.trial import USER, Trial

BEHIND: Final = "nothing left behind"

UNREACHED: Final = (
    "See that the address is right, that its name resolves, and that this machine may reach it."
)


def golive(
    tell: Callable[[Row], None],
    *,
    tenant: str | None = None,
    origin: str | None = None,
    r2_dev: str | None = None,
    workers_dev: str | None = None,
) -> None:
    """Try a deployment. Whatever was uploaded is deleted in the end, also when interrupted.

    Args:
        tell: is given each row as soon as it is known.
        tenant: for which tenant files are uploaded; for none if None.
        origin: of the application's pages, whose CORS preflight is made.
        r2_dev: the bucket's public address, which should serve nothing.
        workers_dev: the Worker's address at workers.dev, likewise.
    """
    row = _settings()
    tell(row)
    if row.outcome is Outcome.FAILED:
        for check in CHECKS:
            tell(Row(check.name, Outcome.SKIPPED, "the settings come first"))
        return
    shim = current()
    with httpx.Client(timeout=shim.timeout) as http:
        trial = Trial(shim, http, Identity(USER, tenant))
        with _unlogged(), _clearing(trial, tell):
            _walk(Walk(trial, origin, r2_dev, workers_dev), tell)


def _walk(walk: Walk, tell: Callable[[Row], None]) -> None:
    passed: set[str] = set()
    for check in CHECKS:
        needs = [name for name in check.needs if name not in passed]
        if needs:
            tell(Row(check.name, Outcome.SKIPPED, f"needs {needs[0]}"))
            continue
        row = _looked(check, walk)
        if row.outcome is Outcome.PASSED:
            passed.add(check.name)
        tell(row)


def _looked(check: Check, walk: Walk) -> Row:
    try:
        return Row(check.name, Outcome.PASSED, check.look(walk))
    except NotAsked as nothing:
        return Row(check.name, Outcome.SKIPPED, str(nothing))
    except Wrong as wrong:
        return Row(check.name, Outcome.FAILED, wrong.seen, wrong.advice or check.advice)
    except httpx.RequestError as error:
        return Row(check.name, Outcome.FAILED, type(error).__name__, UNREACHED)
    except ShimError as error:
        seen = f"{error.status} {error.code}: {error.message}"
        return Row(check.name, Outcome.FAILED, seen, check.advice)


@contextmanager
def _unlogged() -> Iterator[None]:
    """Keep httpx from telling the log what it asks for: these URLs store files and open them."""
    logger = logging.getLogger("httpx")
    before, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = before


@contextmanager
def _clearing(trial: Trial, tell: Callable[[Row], None]) -> Iterator[None]:
    """Delete what was uploaded, whatever happens in between, and say whether that went well."""
    try:
        yield
    finally:
        with trial.client() as client:
            failures = trial.clear(client)
        if failures:
            left = ", ".join(
                upload.issued.media_id for upload in trial.uploads if upload.presigned is not None
            )
            seen = f"{failures[0].status} {failures[0].code}; still there: {left or 'uploads'}"
            advice = (
                "Run media_golive again, or delete these files through the Worker's API as "
                f"{USER}. Uploads that were never completed go by the cron within a day."
            )
            tell(Row(BEHIND, Outcome.FAILED, seen, advice))
        else:
            tell(Row(BEHIND, Outcome.PASSED, "every file was deleted"))


def _settings() -> Row:
    """Look at MEDIA_SHIM: for production where DEBUG is off, so that a laptop can rehearse."""
    try:
        shim: ShimSettings = current()
    except NotConfigured as missing:
        hints = [str(message.hint) for message in check_settings(None) if message.hint]
        return Row("settings", Outcome.FAILED, missing.message, " ".join(hints[:1]))
    for message in [] if settings.DEBUG else check_deployment(None):
        return Row("settings", Outcome.FAILED, str(message.msg), str(message.hint))
    return Row("settings", Outcome.PASSED, f"complete, for {shim.worker_url}")
