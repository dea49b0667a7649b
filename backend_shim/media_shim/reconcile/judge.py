"""What is wrong with one key, by what the three say of it. It asks nobody."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from media_shim.inventory import ListedObject, ManagedRow
from media_shim.reconcile.drift import Drift, Finding
from media_shim.reconcile.states import App, AppFile, Row, Stored
from media_shim.reconcile.table import TABLE
from media_shim.uploads import Visibility

_NAME: Final = "[A-Za-z0-9_-]{1,64}"
_KEY: Final = re.compile(
    rf"[tu]/{_NAME}/(?P<service>{_NAME})/(?:[0-9]{{4}}/(?:0[1-9]|1[0-2])|a/{_NAME})"
    r"/(?P<nanoid>[A-Za-z0-9_-]{21})\.[a-z0-9]+"
)
"""What the keys of files look like: its slashes make the service's segment exact."""


def service_of(key: str) -> str | None:
    """Return the service that a key is for; None if it is no file's."""
    found = _KEY.fullmatch(key)
    return None if found is None else found["service"]


def media_id_of(key: str) -> str:
    """Return the id of the file that has this key."""
    return f"media_{key.rpartition('/')[2].partition('.')[0]}"


@dataclass(frozen=True, slots=True)
class Witnesses:
    """What the three say of one key; None where one says nothing.

    Attributes:
        key: the key.
        app: the application.
        row: the Worker's database.
        stored: the store.
    """

    key: str
    app: AppFile | None = None
    row: ManagedRow | None = None
    stored: ListedObject | None = None

    @property
    def states(self) -> tuple[App, Row, Stored]:
        """What the file is in each of the three."""
        if self.stored is None:
            stored = Stored.NONE
        else:
            stored = Stored.TOMBSTONE if self.stored.is_tombstone else Stored.BYTES
        return (
            App.NONE if self.app is None else self.app.state,
            Row.NONE if self.row is None else Row(self.row.status),
            stored,
        )

    def is_settled(self, before: datetime) -> bool:
        """Tell whether nothing of it changed since then."""
        changes = (
            None if self.app is None else self.app.changed_at,
            None if self.row is None else self.row.changed_at,
            None if self.stored is None else self.stored.stored_at,
        )
        return all(change is None or change < before for change in changes)


def judge(seen: Witnesses, before: datetime, service: str) -> list[Finding]:
    """Return what is wrong with a key, the most urgent first.

    Args:
        seen: what the three say of it.
        before: what changed since then is left alone.
        service: what our keys have as their service, where there is nobody to ask.
    """
    if not seen.is_settled(before):
        return []
    states = seen.states
    drifts: dict[Drift, dict[str, object]] = {}
    drift = TABLE[states]
    is_ours = seen.app is not None or seen.row is not None or service_of(seen.key) == service
    if drift is not None and is_ours:
        drifts[drift] = dict(zip(("app", "row", "object"), map(str, states), strict=True))
    if seen.app is not None and seen.row is not None and seen.row.status == Row.UPLOADED:
        drifts |= _of_visibility(seen.app, seen.row)
        drifts |= _of_facts(seen.app, seen.row)
        if seen.stored is not None and not seen.stored.is_tombstone:
            drifts |= _of_bytes(seen.row, seen.stored)
    if seen.app is not None and seen.app.is_orphaned:
        drifts[Drift.TARGET_GONE] = {"attachedTo": seen.app.attached_to}
    return [Finding(drift, seen.key, drifts[drift]) for drift in Drift if drift in drifts]


def _of_visibility(app: AppFile, row: ManagedRow) -> dict[Drift, dict[str, object]]:
    if app.state not in (App.COMMITTED, App.QUARANTINED) or app.is_changing:
        return {}
    said: dict[str, object] = {
        "wanted": app.visibility,
        "row": row.visibility,
        "delivered": app.delivered_visibility,
    }
    if row.visibility != app.visibility:
        is_open = row.visibility == Visibility.PUBLIC
        return {Drift.TOO_OPEN if is_open else Drift.TOO_CLOSED: said}
    if row.visibility != app.delivered_visibility:
        return {Drift.STALE_VISIBILITY: said}
    return {}


def _of_facts(app: AppFile, row: ManagedRow) -> dict[Drift, dict[str, object]]:
    if app.state != App.COMMITTED:
        return {}
    drifts: dict[Drift, dict[str, object]] = {}
    if app.file_name != row.file_name:
        # A name is what a person wrote: it is not for a log.
        drifts[Drift.STALE_NAME] = {}
    pairs = {
        "mediaId": (app.media_id, row.media_id),
        "bytes": (app.bytes, row.bytes),
        "contentType": (app.content_type, row.content_type),
    }
    differing = {name: list(pair) for name, pair in pairs.items() if pair[0] != pair[1]}
    if differing:
        drifts[Drift.FACTS_DIFFER] = {**differing}
    return drifts


def _of_bytes(row: ManagedRow, stored: ListedObject) -> dict[Drift, dict[str, object]]:
    pairs = {"bytes": (row.bytes, stored.bytes), "etag": (row.etag, stored.etag)}
    differing = {name: list(pair) for name, pair in pairs.items() if pair[0] != pair[1]}
    return {Drift.OBJECT_DIFFERS: {**differing}} if differing else {}
