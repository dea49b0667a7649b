"""`manage.py media_golive`: try a deployment end to end, against its real addresses.

    manage.py media_golive --origin https://app.example.com --r2-dev https://pub-….r2.dev

Uploads two pictures, tries everything that the application and its users rely on, and deletes them
again, also when it is interrupted. Exits with 1 where something failed.
"""

import json
import signal
from argparse import ArgumentParser
from types import FrameType
from typing import Any, Final

from django.core.management.base import CommandError

from media_shim.conf import IDENTIFIER
from media_shim.golive.report import Row, counts, is_sound, lines
from media_shim.golive.walk import golive
from media_shim.management.command import MediaCommand

_ENDINGS: Final = (signal.SIGINT, signal.SIGTERM)


class Command(MediaCommand):
    # It says itself what is wrong with the settings.
    requires_system_checks = ()
    help = "Try the deployment of the media engine end to end, and say what to mend."
    epilog = "Exits with 0 where nothing failed, with 1 where something did, with 130 on Ctrl-C."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--origin", help="of your pages: its CORS preflight is made")
        parser.add_argument("--tenant", help="upload for this tenant, not for a user alone")
        parser.add_argument("--r2-dev", help="the bucket's r2.dev address, if it ever had one")
        parser.add_argument("--workers-dev", help="the Worker's workers.dev address")
        parser.add_argument("--json", action="store_true", help="print JSON, not a table")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002
        tenant = options["tenant"]
        if tenant is not None and not IDENTIFIER.fullmatch(tenant):
            raise CommandError("--tenant must be 1 to 64 letters, digits, underscores or hyphens")
        rows: list[Row] = []

        def tell(row: Row) -> None:
            rows.append(row)
            if not options["json"]:
                self.stdout.write(lines(row))
                self.stdout.flush()

        # Also SIGINT, which a shell lets what it starts in the background ignore.
        before = {number: signal.signal(number, _interrupt) for number in _ENDINGS}
        try:
            golive(
                tell,
                tenant=tenant,
                origin=options["origin"],
                r2_dev=options["r2_dev"],
                workers_dev=options["workers_dev"],
            )
        except KeyboardInterrupt:
            self._conclude(rows, options["json"])
            raise CommandError("interrupted", returncode=130) from None
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
        self._conclude(rows, options["json"])
        if not is_sound(rows):
            raise CommandError("this deployment is not ready: see what failed above")

    def _conclude(self, rows: list[Row], as_json: bool) -> None:
        if as_json:
            answer = {"sound": is_sound(rows), "checks": [row.to_wire() for row in rows]}
            self.stdout.write(json.dumps(answer, indent=2, ensure_ascii=False))
        else:
            self.stdout.write(f"\n{counts(rows)}")


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
