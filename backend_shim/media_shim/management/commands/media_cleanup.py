"""`manage.py media_cleanup`: let go of what nobody will ever use.

`media_outbox --stay` does it too, every ten minutes.
"""

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from media_shim import cleanup


class Command(BaseCommand):
    help = "Let go of files that were never attached, and of uploads that were never committed."

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002
        swept = cleanup.sweep(timezone.now())
        self.stdout.write(
            f"{swept.unattached} unattached and {swept.abandoned} abandoned files go, "
            f"{swept.forgotten} rows of removed ones are dropped"
        )
