"""`manage.py media_outbox`: bring to the Worker what it must hear.

Once, for a cron; or with `--stay` for as long as it is left alone, which is how it should run in
production. Several at once share the work. It ends at SIGTERM and SIGINT, after the request that it
is making, or the pause.
"""

import signal
import time
from argparse import ArgumentParser
from typing import Any, Final

from django.core.management.base import CommandError
from django.db import close_old_connections, connection
from django.db.models import Count
from django.utils import timezone

from media_shim import cleanup, outbox
from media_shim.management.command import OBSTACLES, MediaCommand, obstacle
from media_shim.models import Delivery, OutboxEntry
from media_shim.outbox import Delivered

PAUSE: Final = 1.0
"""In seconds, between looking and looking again: so late may the Worker hear at most."""

SWEEP_EVERY: Final = 600.0
"""In seconds."""

MOST: Final = 1000
"""How many entries one run tries."""

AT_ONCE: Final = 20
"""After how many it says how far it is."""


class Command(MediaCommand):
    help = "Deliver to the Worker what was deleted, hidden or shown."
    epilog = (
        "Exits with 1 where entries are dead: the Worker refuses them, and a person must look. "
        "What fails otherwise waits for the next run."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--stay", action="store_true", help="go on until stopped, and clean up every 10 minutes"
        )
        parser.add_argument(
            "--retry-dead", action="store_true", help="first try again what was given up"
        )

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002
        if options["retry_dead"]:
            revived = outbox.revive(OutboxEntry.objects.all(), timezone.now())
            self.stdout.write(f"{revived} dead entries are tried again")
        if options["stay"]:
            self._stay()
            return
        told = self._deliver()
        waiting = OutboxEntry.objects.filter(state=Delivery.WAITING).count()
        dead = OutboxEntry.objects.filter(state=Delivery.DEAD).count()
        self.stdout.write(f"{told.done} delivered, {waiting} waiting, {dead} dead")
        self._say_why()
        if dead:
            raise CommandError(
                f"{dead} entries are dead: the Worker refuses them. Look at them in the admin, "
                "mend the cause, then run media_outbox --retry-dead."
            )

    def _deliver(self) -> Delivered:
        told = Delivered()
        while told.tried < MOST and (more := outbox.deliver(timezone.now, AT_ONCE)).tried:
            told += more
            self.progress(f"{told.done} delivered, {told.failed + told.dead} not")
        self.progress("")
        return told

    def _say_why(self) -> None:
        """Print for each reason of a failure how many entries have it."""
        failed = OutboxEntry.objects.exclude(last_error="")
        why = failed.values_list("state", "last_error").annotate(Count("pk")).order_by()
        for state, error, number in sorted(why):
            self.stdout.write(f"  {number} {state}: {error}")

    def _stay(self) -> None:
        is_over = False

        def end(*_: object) -> None:
            # An Event could not be set here: the signal may have come while its lock is held.
            nonlocal is_over
            is_over = True

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, end)
        self.stdout.write("media_outbox stays; end it with Ctrl-C")
        self.stdout.flush()
        sweep_at, said = time.monotonic(), ""
        while not is_over:
            try:
                if time.monotonic() >= sweep_at:
                    # Whatever becomes of it, what was removed is told before the next one.
                    sweep_at = time.monotonic() + SWEEP_EVERY
                    cleanup.sweep(timezone.now())
                is_idle = outbox.deliver(timezone.now, most=100).tried == 0
            except OBSTACLES as error:
                # The database may be restarting: what is not delivered now, is later.
                if (now := obstacle(error)) != said:
                    self.stderr.write(f"{now} (it goes on trying)")
                    self.stderr.flush()
                said = now
                connection.close()
                is_idle = True
            else:
                said = ""
            if is_idle:
                close_old_connections()
                time.sleep(PAUSE)
