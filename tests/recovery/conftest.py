"""An application and a real Worker that belong together, and what a person would do to them.

Every rehearsal runs on SQLite and on PostgreSQL.
"""

import json
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import django
import httpx
import pytest

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "demo.settings")
django.setup()

from django.contrib.auth.models import User  # noqa: E402
from django.core import serializers  # noqa: E402
from django.core.management import CommandError, call_command  # noqa: E402
from django.utils import timezone  # noqa: E402

from demo.models import Profile  # noqa: E402
from media_shim import conf, outbox, services  # noqa: E402
from media_shim.client import worker as client_of  # noqa: E402
from media_shim.models import MediaObject, OutboxEntry, QuarantinedFile  # noqa: E402
from media_shim.testing.worker import GATEWAY_KEY  # noqa: E402
from media_shim.tokens import delivery_url  # noqa: E402
from media_shim.uploads import UploadWanted  # noqa: E402
from runtime.dev import read_variables  # noqa: E402
from tests.conftest import ENV_FILE, RunningWorker  # noqa: E402
from tests.media import photo_saying  # noqa: E402

TABLES = (MediaObject, OutboxEntry, QuarantinedFile)


@dataclass
class Report:
    """What a run of `media_reconcile` printed and how it ended.

    Attributes:
        status: its exit status.
        drift: how many files have each kind of drift.
        named: what was named, kind by kind: the keys.
        repaired: how many were repaired of each kind.
        failed: by key, what was refused.
        said: what it said last, where it did not end with 0.
    """

    status: int
    drift: dict[str, int] = field(default_factory=dict)
    named: dict[str, list[str]] = field(default_factory=dict)
    repaired: dict[str, int] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    said: str = ""


def reconcile(*options: str, grace: int = 0) -> Report:
    """Run the command, for which everything is old enough unless it is said otherwise."""
    out = StringIO()
    report = Report(0)
    try:
        call_command(
            "media_reconcile", "--json", f"--grace={grace}", *options, stdout=out, stderr=StringIO()
        )
    except CommandError as error:
        report.status, report.said = error.returncode, str(error)
    for line in out.getvalue().splitlines():
        said = json.loads(line)
        if isinstance(said["drift"], str):
            report.named.setdefault(said["drift"], []).append(said["key"])
        else:
            report.drift = said["drift"]
            report.repaired, report.failed = said["repaired"], said["failed"]
    return report


def tell() -> None:
    """Deliver all that the outbox has."""
    while outbox.deliver(timezone.now).tried:
        pass


def row_of(media: MediaObject) -> MediaObject:
    return MediaObject.objects.get(pk=media.pk)


def opened(media: MediaObject, user: User, *, token: bool = True) -> httpx.Response:
    """Open a file as its owner's browser does; without a token as a stranger's."""
    url = delivery_url(row_of(media), user, timezone.now()).url
    return httpx.get(url if token else url.partition("?")[0], timeout=30)


class Application:
    """One tenant's part of an application, with a user, on a Worker.

    Args:
        worker: the Worker.
        tenant: the tenant.
    """

    def __init__(self, worker: RunningWorker, tenant: str) -> None:
        self.worker = worker
        self.tenant = tenant
        self.user = User.objects.create_user(f"user-of-{tenant}")
        Profile.objects.create(user=self.user, tenant=tenant)

    def sign(self, content: bytes, **changed: object) -> MediaObject:
        """Sign an upload and send it, without a commit."""
        body = {
            "kind": "image",
            "contentType": "image/jpeg",
            "bytes": len(content),
            "fileName": "sea.jpg",
        }
        media, issued = services.sign_upload(self.user, UploadWanted.parse(body | changed))
        assert hasattr(issued, "headers")
        httpx.put(issued.url, headers=dict(issued.headers), content=content).raise_for_status()
        return media

    def upload(self, content: bytes, **changed: object) -> MediaObject:
        """Bring a file all the way in."""
        return services.commit(self.user, self.sign(content, **changed).key)

    def uploads(self, number: int, **changed: object) -> dict[str, bytes]:
        """Bring so many in; return their contents by key."""
        contents = [photo_saying(f"{self.tenant}-{n}".encode()) for n in range(number)]
        return {self.upload(content, **changed).key: content for content in contents}

    def at(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Ask the Worker as another caller of this tenant, who is no shim."""
        headers = {
            "x-gateway-key": GATEWAY_KEY,
            "x-user-id": "ops",
            "x-user-permissions": "media:files.read,media:files.write",
            "x-tenant-id": self.tenant,
        }
        url = f"{self.worker.url}{path}"
        return httpx.request(method, url, headers=headers | options.pop("headers", {}), **options)


def is_settled() -> None:
    """See that there is no drift, and that nothing waits."""
    report = reconcile()
    assert (report.status, report.drift) == (0, {}), report
    assert not OutboxEntry.objects.exists()


def backup() -> str:
    """Return what a backup of the application's tables would have."""
    rows = [row for model in TABLES for row in model._base_manager.order_by("pk")]
    return str(serializers.serialize("json", rows))


def restore(dump: str) -> None:
    """Put the application's tables back to a backup."""
    for model in reversed(TABLES):
        model._base_manager.all()._raw_delete("default")
    for one in serializers.deserialize("json", dump):
        one.save()


def d1_of(state: Path) -> Path:
    """Return the file of the Worker's database."""
    (path,) = (
        file for file in (state / "v3" / "d1").glob("*/*.sqlite") if file.name != "metadata.sqlite"
    )
    return path


def rewrite(state: Path, key: str, **columns: object) -> None:
    """Change the Worker's row of a file behind its back."""
    changes = ", ".join(f"{name} = :{name}" for name in columns)
    with closing(sqlite3.connect(d1_of(state))) as database, database:
        database.execute(
            f"UPDATE media_files SET {changes} WHERE key = :key", {**columns, "key": key}
        )


def lose_d1(state: Path) -> None:
    """Lose the Worker's database; nobody runs it. What starts it next migrates a new one."""
    shutil.rmtree(state / "v3" / "d1")
    for stamp in state.glob(".migrated-*"):
        stamp.unlink()


def copy_d1(state: Path, to: Path) -> None:
    """Take a backup of the Worker's database while it runs."""
    with closing(sqlite3.connect(d1_of(state))) as source, closing(sqlite3.connect(to)) as target:
        source.backup(target)


def put_back_d1(state: Path, backup: Path) -> None:
    """Restore the Worker's database; nobody runs it."""
    path = d1_of(state)
    for beside in path.parent.glob(f"{path.name}-*"):
        beside.unlink()
    shutil.copy(backup, path)


@pytest.fixture(scope="session")
def _secrets() -> dict[str, str]:
    return read_variables(ENV_FILE)


@pytest.fixture
def on(settings: Any, _secrets: dict[str, str]) -> Iterator[Callable[..., None]]:
    """Return what configures the shim for a Worker: `on(worker, SHIM_ID="another")`."""
    settings.MEDIA_SHIM = {}

    def configure(worker: RunningWorker, **changed: str) -> None:
        _hang_up(settings)
        settings.MEDIA_SHIM = {
            "WORKER_URL": worker.url,
            "PUBLIC_URL": worker.url,
            "GATEWAY_KEY": GATEWAY_KEY,
            "TOKEN_KEYS": _secrets["MEDIA_TOKEN_KEYS"],
            "TENANT": "demo.access.tenant_of",
            "TIMEOUT": 30,
            **changed,
        }
        # Threads that begin at once would each make a client of their own.
        client_of(conf.current())

    yield configure
    _hang_up(settings)


def _hang_up(settings: Any) -> None:
    """Close the connections of the process's client, which keeps them as long as it lives."""
    if settings.MEDIA_SHIM:
        client_of(conf.current())._http.close()
        client_of.cache_clear()


@pytest.fixture
def here(worker: RunningWorker, on: Callable[..., None], transactional_db: None) -> Application:  # noqa: ARG001
    """An application of its own on the Worker that all share."""
    name = uuid4().hex[:12]
    on(worker, SERVICE=name)
    return Application(worker, name)
