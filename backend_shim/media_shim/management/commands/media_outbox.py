"""`manage.py media_outbox`: bring to the Worker what it must hear.

Once, for a cron; or with `--stay` for as long as it is left alone, which is how it should run in
production. Several at once share the work. It ends at SIGTERM and SIGINT, after the request that it
is making.
"""

import signal
import threading
from argparse import ArgumentParser
from datetime import timedelta
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, InterfaceError, close_old_connections, connection
from django.utils import timezone

from media_shim import cleanup, outbox
from media_shim.errors import NotConfigured
from media_shim.models import Delivery, OutboxEntry

PAUSE: Final = 1.0
"""In seconds, between looking and looking again: so late may the Worker hear at most."""

SWEEP_EVERY: Final = timedelta(minutes=10)


class Command(BaseCommand):
    help = "Deliver to the Worker what was deleted, hidden or shown."

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
        told = outbox.deliver(timezone.now)
        waiting = OutboxEntry.objects.filter(state=Delivery.WAITING).count()
        dead = OutboxEntry.objects.filter(state=Delivery.DEAD).count()
        self.stdout.write(f"{told.done} delivered, {waiting} waiting, {dead} dead")
        if dead:
            raise CommandError(
                f"{dead} entries are dead: the Worker refuses them. Look at them in the admin, "
                "mend the cause, then run media_outbox --retry-dead."
            )

    def _stay(self) -> None:
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        self.stdout.write("media_outbox stays; end it with Ctrl-C")
        self.stdout.flush()
        sweep_at = timezone.now()
        while not stop.is_set():
            try:
                if timezone.now() >= sweep_at:
                    cleanup.sweep(timezone.now())
                    sweep_at = timezone.now() + SWEEP_EVERY
                is_idle = outbox.deliver(timezone.now, most=100).tried == 0
            except (DatabaseError, InterfaceError, NotConfigured) as error:
                # The database may be restarting: what is not delivered now, is later.
                self.stderr.write(f"{type(error).__name__}: trying again")
                connection.close()
                is_idle = True
            if is_idle:
                close_old_connections()
                stop.wait(PAUSE)
