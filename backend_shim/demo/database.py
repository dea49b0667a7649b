"""Where the demo's rows are: what Django wants to be told, from one URL."""

from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

POSTGRES: Final = ("postgres", "postgresql")


def sqlite(path: Path) -> dict[str, Any]:
    """Return the settings of a database in a file."""
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": path,
        "OPTIONS": {
            "init_command": "PRAGMA journal_mode=WAL",
            # SQLite has no row locks. Taking the database's lock at the start of a transaction
            # makes two of them wait for each other where they would otherwise fail.
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
        },
    }


def postgres(url: str) -> dict[str, Any]:
    """Return the settings of a PostgreSQL.

    Args:
        url: `postgresql://user:password@host:port/name?option=value`, percent-encoded where it must
            be. The options are libpq's, such as `sslmode=verify-full`.

    Raises:
        ValueError: it is no such URL. The message does not show it, because it holds a password.
    """
    wrong = ValueError("DATABASE_URL must be postgresql://user:password@host:port/name")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise wrong from None
    name = unquote(parts.path.removeprefix("/"))
    if parts.scheme not in POSTGRES or not parts.hostname or not name or "/" in name:
        raise wrong
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": name,
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.hostname),
        "PORT": "" if port is None else str(port),
        # A connection is kept for as many seconds, and looked at before each request uses it.
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        # A database that does not answer is given up after as many seconds.
        "OPTIONS": {"connect_timeout": 5, **dict(parse_qsl(parts.query))},
    }
