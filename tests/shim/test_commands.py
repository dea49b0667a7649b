"""What our commands say when something keeps them from their work, and in `--help`."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command, load_command_class
from django.db import OperationalError
from django.utils import timezone

from media_shim import outbox
from media_shim.golive.report import Outcome, Row
from media_shim.management import command
from media_shim.management.commands import media_golive, media_outbox
from media_shim.models import OutboxEntry
from media_shim.outbox import Delivered
from tests.shim.conftest import Upload

COMMANDS = ("media_cleanup", "media_golive", "media_outbox", "media_reconcile")
OBSTRUCTED = {"media_cleanup": 1, "media_outbox": 1, "media_reconcile": 2}


def manage(database: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "backend_shim/manage.py", *arguments, "--skip-checks"],
        env=os.environ
        | {
            "DATABASE_PATH": str(database),
            "MEDIA_GATEWAY_KEY": "a-key",
            "MEDIA_TOKEN_KEYS": f"k1:{'A' * 43}",
        },
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("name", ["media_cleanup", "media_reconcile"])
def test_a_missing_setting_is_one_line_that_says_where_to_look(settings: Any, name: str) -> None:
    settings.MEDIA_SHIM = {"WORKER_URL": "https://worker.test"}

    with pytest.raises(CommandError) as caught:
        call_command(name)

    assert str(caught.value) == (
        "MEDIA_SHIM.GATEWAY_KEY is not set. `manage.py check` says what to write."
    )
    assert caught.value.returncode == OBSTRUCTED[name]


@pytest.mark.parametrize("name", ["media_cleanup", "media_outbox"])
def test_a_database_without_migrations_is_one_line_that_says_what_to_run(
    tmp_path: Path, name: str
) -> None:
    said = manage(tmp_path / "new.sqlite3", name)

    assert said.returncode == OBSTRUCTED[name]
    assert said.stderr == (
        "CommandError: The database lacks what media_shim needs: run `manage.py migrate`.\n"
    )


def test_a_database_that_does_not_answer_is_one_line_with_the_reason() -> None:
    refused = OperationalError("connection to server failed: Connection refused\n\tIs it running?")

    assert command.obstacle(refused) == (
        "could not finish: the application's database: connection to server failed: "
        "Connection refused"
    )


@pytest.mark.parametrize("name", COMMANDS)
def test_help_fits_into_80_columns_and_tells_of_what_it_ends_with(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    parser = load_command_class("media_shim", name).create_parser("manage.py", name)

    text = parser.format_help()

    assert max(map(len, text.splitlines())) <= 80
    assert text.rstrip().splitlines()[-1].endswith(".")


def test_the_outbox_says_why_something_waits(alice: User, committed: Upload) -> None:
    errors = (("waiting", "WORKER_UNAVAILABLE 502"),) * 2 + (("dead", "MEDIA_MANAGED 409"),)
    for state, error in errors:
        OutboxEntry.objects.create(
            media=committed(alice),
            action="delete",
            revision=1,
            state=state,
            last_error=error,
            due_at=timezone.now() + timedelta(minutes=10),
        )
    out = StringIO()

    with pytest.raises(CommandError, match="1 entries are dead"):
        call_command("media_outbox", stdout=out)

    assert out.getvalue().splitlines() == [
        "0 delivered, 2 waiting, 1 dead",
        "  1 dead: MEDIA_MANAGED 409",
        "  2 waiting: WORKER_UNAVAILABLE 502",
    ]


def test_an_outbox_that_stays_says_once_what_keeps_it(monkeypatch: pytest.MonkeyPatch) -> None:
    tries = iter(("down", "down", "down", "worse", None))

    def deliver(*_: object, **__: object) -> Delivered:
        said = next(tries)
        if said is None:
            signal.raise_signal(signal.SIGTERM)
            return Delivered()
        raise OperationalError(said)

    monkeypatch.setattr(outbox, "deliver", deliver)
    monkeypatch.setattr(media_outbox, "PAUSE", 0)
    before = [(number, signal.getsignal(number)) for number in (signal.SIGTERM, signal.SIGINT)]
    err = StringIO()
    try:
        call_command("media_outbox", "--stay", stdout=StringIO(), stderr=err)
    finally:
        for number, handler in before:
            signal.signal(number, handler)

    assert err.getvalue().splitlines() == [
        "could not finish: the application's database: down (it goes on trying)",
        "could not finish: the application's database: worse (it goes on trying)",
    ]


def test_a_check_of_a_deployment_is_told_as_soon_as_it_is_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out, told = StringIO(), []

    def golive(tell: Callable[[Row], None], **_: object) -> None:
        for name in ("health", "sign"):
            tell(Row(name, Outcome.PASSED, "ok"))
            told.append(out.getvalue().splitlines()[-1])

    monkeypatch.setattr(media_golive, "golive", golive)
    call_command("media_golive", stdout=out)

    assert told == ["passed    health: ok", "passed    sign: ok"]
    assert out.getvalue().endswith("\n2 passed, 0 failed, 0 skipped\n")
