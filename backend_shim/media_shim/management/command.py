"""What our commands have in common: they say what keeps them from their work, and how far they are.

Somebody reads this at night, or a cron mails it. So a setting that is missing, a migration that was
not run and a database that does not answer are one line that says what to do; `--traceback` shows
the rest.
"""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, InterfaceError, connections, router
from django.db.migrations.executor import MigrationExecutor

from media_shim.errors import NotConfigured
from media_shim.models import MediaObject

WIDTH = 80
"""In columns."""

OBSTACLES = (NotConfigured, DatabaseError, InterfaceError)


class MediaCommand(BaseCommand):
    """A command whose obstacles are one line.

    Attributes:
        obstructed: the exit status then.
        epilog: what `--help` ends with: the exit statuses.
    """

    obstructed = 1
    epilog = ""

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        return super().create_parser(prog_name, subcommand, epilog=self.epilog, **kwargs)

    def execute(self, *args: Any, **options: Any) -> str | None:
        try:
            return super().execute(*args, **options)
        except OBSTACLES as error:
            raise CommandError(obstacle(error), returncode=self.obstructed) from error

    def progress(self, text: str) -> None:
        """Say on a terminal how far it is, in place of what was said before; "" to end it."""
        if self.stderr.isatty():
            self.stderr.write(f"\r\x1b[K{text[: WIDTH - 1]}", ending="")
            self.stderr.flush()


def obstacle(error: Exception) -> str:
    """Return one line on what keeps a command from its work, and what to do about it."""
    if isinstance(error, NotConfigured):
        return f"{error.message} `manage.py check` says what to write."
    if _lacks_migrations():
        return "The database lacks what media_shim needs: run `manage.py migrate`."
    said = str(error).strip().partition("\n")[0]
    return f"could not finish: the application's database: {said or type(error).__name__}"


def _lacks_migrations() -> bool:
    try:
        executor = MigrationExecutor(connections[router.db_for_write(MediaObject)])
        app = executor.loader.graph.leaf_nodes(MediaObject._meta.app_label)
        return bool(executor.migration_plan(app))
    except (DatabaseError, InterfaceError):
        return False
