"""What is done with Django's own means before and after a run, beside the processes under test.

A line of JSON on the standard input is something to do, a line on the output what came of it.
"""

import io
import json
import sys
import traceback
from collections.abc import Callable
from datetime import timedelta
from importlib import import_module
from typing import Any

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY  # noqa: E402
from django.contrib.auth.models import User  # noqa: E402
from django.core.management import CommandError, call_command  # noqa: E402
from django.db import connections  # noqa: E402
from django.utils import timezone  # noqa: E402

from media_shim import cleanup, outbox  # noqa: E402
from media_shim.models import MediaObject, OutboxEntry  # noqa: E402
from tests.faults.app.models import Post, Profile  # noqa: E402


def users(names: dict[str, str | None]) -> dict[str, dict[str, str]]:
    """Make users, each with their tenant; return their ids and the sessions that they have."""
    sessions = import_module(settings.SESSION_ENGINE)
    made = {}
    for name, tenant in names.items():
        user = User.objects.create(username=name)
        Profile.objects.create(user=user, tenant=tenant)
        session = sessions.SessionStore()
        session[SESSION_KEY] = str(user.pk)
        session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
        session[HASH_SESSION_KEY] = user.get_session_auth_hash()
        session.save()
        made[name] = {"id": str(user.pk), "session": session.session_key}
    return made


def deliver(ahead: float) -> dict[str, int]:
    """Deliver what is in the outbox, by a clock that runs so many seconds ahead."""
    told = outbox.deliver(lambda: timezone.now() + timedelta(seconds=ahead))
    return {"done": told.done, "failed": told.failed, "dead": told.dead}


def sweep(ahead: float) -> dict[str, int]:
    """Let go of what nobody will use, by such a clock."""
    swept = cleanup.sweep(timezone.now() + timedelta(seconds=ahead))
    return {"unattached": swept.unattached, "abandoned": swept.abandoned}


def rows(users: list[str]) -> dict[str, list[dict[str, Any]]]:
    """Return all rows of these users."""
    media = MediaObject.objects.filter(worker_user__in=users)
    return {
        "media": [dict(row) for row in media.values()],
        "posts": [dict(row) for row in Post.objects.filter(author__in=users).values()],
        "outbox": [dict(row) for row in OutboxEntry.objects.filter(media__in=media).values()],
    }


def reconcile(prefixes: list[str]) -> list[str]:
    """Compare the three stores under some prefixes, and return what differs."""
    found = []
    for prefix in prefixes:
        said = io.StringIO()
        try:
            call_command("media_reconcile", prefix=prefix, grace=0, json=True, stdout=said)
        except CommandError as drift:
            found.append(f"{prefix}: {drift}\n{said.getvalue()}")
    return found


TASKS: dict[str, Callable[..., object]] = {
    "users": users,
    "deliver": deliver,
    "sweep": sweep,
    "rows": rows,
    "reconcile": reconcile,
}


def main() -> None:
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            answer: dict[str, object] = {"done": TASKS[asked.pop("do")](**asked)}
        except Exception as error:
            traceback.print_exc()
            answer = {"failed": type(error).__name__}
        finally:
            # The database is killed between two of these, now and then.
            connections.close_all()
        print(json.dumps(answer, default=str), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
