"""`manage.py media_cleanup`: let go of what nobody will ever use.

`media_outbox --stay` does it too, every ten minutes.
"""

from typing import Any

from django.utils import timezone

from media_shim import cleanup
from media_shim.management.command import MediaCommand


class Command(MediaCommand):
    help = "Let go of files that were never attached, and of uploads that were never committed."
    epilog = "What goes is told to the Worker by media_outbox, which cleans up itself with --stay."

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002
        swept = cleanup.sweep(timezone.now())
        self.stdout.write(
            f"{swept.unattached} unattached and {swept.abandoned} abandoned files go, "
            f"{swept.forgotten} rows of removed ones are dropped"
        )
