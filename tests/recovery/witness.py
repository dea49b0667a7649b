"""What each of the three says of one file, as a test wants it: all of it old, and in agreement."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from media_shim.inventory import ListedObject, ManagedRow
from media_shim.reconcile.judge import Witnesses
from media_shim.reconcile.states import App, AppFile, Row, Stored

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
BEFORE = NOW - timedelta(hours=1)
OLD = NOW - timedelta(days=3)
SERVICE = "app"


def key_of(number: int = 0, owner: str = "t/acme", service: str = SERVICE) -> str:
    return f"{owner}/{service}/2026/11/{number:021}.jpg"


def app_file(key: str, state: App = App.COMMITTED, **changed: Any) -> AppFile:
    file = AppFile(
        media_id=f"media_{key[-25:-4]}",
        key=key,
        state=state,
        visibility="private",
        delivered_visibility="private",
        is_changing=False,
        content_type="image/jpeg",
        bytes=7,
        file_name="sea.jpg",
        attached_to=None,
        is_orphaned=False,
        changed_at=OLD,
    )
    return replace(file, **changed)


def row(key: str, status: Row = Row.UPLOADED, **changed: Any) -> ManagedRow:
    made = ManagedRow(
        media_id=f"media_{key[-25:-4]}",
        key=key,
        status=status,
        visibility="private",
        content_type="image/jpeg",
        bytes=7,
        file_name="sea.jpg",
        etag='"e"',
        revision=1,
        changed_at=OLD,
    )
    return replace(made, **changed)


def stored(key: str, where: Stored = Stored.BYTES, *, is_owned: bool = True) -> ListedObject:
    gone = where is Stored.TOMBSTONE
    return ListedObject(key, 0 if gone else 7, '"e"', gone, is_owned, OLD)


def witnesses(app: App, where: Row, what: Stored, key: str | None = None) -> Witnesses:
    """Return what is said of a file in these states."""
    key = key_of() if key is None else key
    return Witnesses(
        key,
        None if app is App.NONE else app_file(key, app),
        None if where is Row.NONE else row(key, where),
        None if what is Stored.NONE else stored(key, what, is_owned=where is not Row.NONE),
    )
