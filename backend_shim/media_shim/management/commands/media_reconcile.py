"""`manage.py media_reconcile`: compare the three stores, say what differs, mend it if so asked.

It ends with 0 where there was no drift; with 1 where there was, repaired or not, because somebody
should know that it came about: the next run says 0 if it is gone. With 2 where it could not finish,
and says because of whom.
"""

import json
from argparse import ArgumentParser
from collections import Counter
from datetime import timedelta
from typing import Any, Final

from django.core.management.base import CommandError
from django.utils import timezone

from media_shim import conf
from media_shim.client import worker
from media_shim.management.command import MediaCommand
from media_shim.reconcile import brake
from media_shim.reconcile.drift import MEANING, REPAIR, Drift, Finding
from media_shim.reconcile.merge import OutOfOrder, batched
from media_shim.reconcile.repair import AT_ONCE, Mender, Repaired
from media_shim.reconcile.streams import (
    CannotFinish,
    app_files,
    fresh,
    stored_objects,
    worker_rows,
)
from media_shim.reconcile.survey import Ledger, Seen, survey

DRIFTED: Final = 1
UNFINISHED: Final = 2


class Command(MediaCommand):
    help = "Compare the application's database, the Worker's and the store; repair on request."
    epilog = (
        "Exits with 0 where nothing differs; with 1 where something does, repaired or not; with 2 "
        "where it could not finish, or would not repair so much."
    )
    obstructed = UNFINISHED

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--prefix", help="only keys that begin so, to the slash: t/acme is t/acme/"
        )
        parser.add_argument(
            "--grace",
            type=int,
            default=3600,
            metavar="SECONDS",
            help="leave alone what changed so recently (3600)",
        )
        parser.add_argument("--repair", action="store_true", help="mend what can be mended")
        parser.add_argument(
            "--yes-really", action="store_true", help="repair even if much would go"
        )
        parser.add_argument(
            "--limit",
            type=int,
            default=20,
            help="name at most so many files of each kind (20); all are counted and repaired",
        )
        parser.add_argument("--json", action="store_true", help="one JSON object a line")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002
        try:
            with Ledger() as ledger:
                self._run(ledger, options)
        except (CannotFinish, OutOfOrder) as error:
            raise CommandError(f"could not finish: {error}", returncode=UNFINISHED) from error
        if total := ledger.counts.total():
            mends = sum(ledger.counts[drift] for drift in REPAIR)
            offer = f"; --repair mends {mends}" if mends and not options["repair"] else ""
            drifts = "1 drift" if total == 1 else f"{total} drifts"
            raise CommandError(f"{drifts}{offer}", returncode=DRIFTED)

    def _run(self, ledger: Ledger, options: dict[str, Any]) -> None:
        shim, seen = conf.current(), Seen()
        client = worker(shim)
        before = timezone.now() - timedelta(seconds=options["grace"])
        prefix = f"{options['prefix'].rstrip('/')}/" if options["prefix"] else None
        for finding in survey(
            self._watched(app_files(prefix), seen),
            worker_rows(client, prefix),
            stored_objects(client, prefix),
            again=fresh,
            before=before,
            service=shim.service,
            seen=seen,
        ):
            ledger.add(finding)
            if ledger.counts[finding.drift] <= options["limit"]:
                self._name(finding, options["json"])
        self.progress("")
        repaired: dict[Drift, Repaired] = {}
        if options["repair"]:
            objection = brake.objection(ledger.counts, seen)
            if objection is not None and not options["yes_really"]:
                self._conclude(ledger.counts, seen, repaired, options)
                raise CommandError(objection, returncode=UNFINISHED)
            self._repair(ledger, Mender(client, timezone.now, before), repaired)
        self._conclude(ledger.counts, seen, repaired, options)

    def _repair(self, ledger: Ledger, mender: Mender, repaired: dict[Drift, Repaired]) -> None:
        for drift in REPAIR:
            for keys in batched(ledger.keys(drift), AT_ONCE):
                one = mender.mend(drift, keys)
                total = repaired.setdefault(drift, Repaired())
                total.mended += one.mended
                total.failed |= one.failed
                self.progress(f"{drift}: {total.mended} repaired")
        self.progress("")

    def _watched(self, files: Any, seen: Seen) -> Any:
        """Say on a terminal how far it is."""
        for number, file in enumerate(files):
            if number % 1000 == 0:
                self.progress(f"{seen.keys} keys, at {file.key}")
            yield file

    def _name(self, finding: Finding, as_json: bool) -> None:
        if as_json:
            line = {"drift": finding.drift, "key": finding.key, **finding.facts}
            self.stdout.write(json.dumps(line, default=str))
        else:
            self.stdout.write(f"{finding.drift}  {finding.key}")
            if finding.facts:
                facts = finding.facts.items()
                said = ", ".join(f"{name} {_plain(fact)}" for name, fact in facts)
                self.stdout.write(f"    {said}")

    def _conclude(
        self,
        counts: Counter[Drift],
        seen: Seen,
        repaired: dict[Drift, Repaired],
        options: dict[str, Any],
    ) -> None:
        if options["json"]:
            self.stdout.write(
                json.dumps(
                    {
                        "keys": seen.keys,
                        "app": seen.app,
                        "rows": seen.rows,
                        "objects": seen.objects,
                        "drift": {drift: counts[drift] for drift in Drift if drift in counts},
                        "repaired": {drift: one.mended for drift, one in repaired.items()},
                        "failed": {
                            key: why for one in repaired.values() for key, why in one.failed.items()
                        },
                    }
                )
            )
            return
        self.stdout.write(
            f"{seen.keys} keys: {seen.app} in the application, {seen.rows} in the Worker, "
            f"{seen.objects} in the store"
        )
        if not counts:
            self.stdout.write("no drift")
        for drift in Drift:
            if drift in counts:
                self.stdout.write(f"{drift:<16}{counts[drift]:>9}  {MEANING[drift]}")
                if drift in repaired:
                    one = repaired[drift]
                    self.stdout.write(
                        f"{'':16}{one.mended:>9}  repaired, {len(one.failed)} refused"
                    )
                for key, why in repaired.get(drift, Repaired()).failed.items():
                    self.stdout.write(f"{'':27}{key}: {why}")
        if any(one.mended for one in repaired.values()):
            self.stdout.write("What the outbox has to tell goes with media_outbox.")


def _plain(fact: object) -> str:
    return " / ".join(map(str, fact)) if isinstance(fact, list) else str(fact)
