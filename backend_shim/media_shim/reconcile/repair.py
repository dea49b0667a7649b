"""What mends each kind of drift, some files at a time. What is not so any more is passed over.

No repair sends a request inside a transaction. What the Worker is told goes through the outbox,
with a new revision, in the transaction that looks at the row again under its lock.

A row that is made again in the Worker could lose a change that was made in between: the outbox may
have told the Worker of it while the row was not there. So after it the application's rows are
looked at under their locks, and what changed is told again.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, TypeAlias

from django.db import transaction

from media_shim import attachments, outbox, quarantine
from media_shim.client import Identity, MediaClient
from media_shim.errors import ShimError, WorkerRefused
from media_shim.inventory import ManagedRow, Verdict
from media_shim.models import (
    LEFT,
    Found,
    MediaObject,
    OutboxEntry,
    QuarantinedFile,
    Removal,
    Status,
)
from media_shim.reconcile.drift import Drift
from media_shim.reconcile.judge import media_id_of
from media_shim.reconcile.states import App, AppFile, Row
from media_shim.reconcile.streams import cannot_finish, fresh
from media_shim.wire import instant

AT_ONCE: Final = 100
"""Of the files of one kind; as many as the Worker makes rows of in one request."""

_LEAVING: Final = (App.TELLING, App.LEAVING, App.REMOVED)

_Mend: TypeAlias = Callable[[list[str]], int]


@dataclass
class Repaired:
    """What became of the files of one kind.

    Attributes:
        mended: how many.
        failed: by key, what the Worker objects to. All others were not so any more.
    """

    mended: int = 0
    failed: dict[str, str] = field(default_factory=dict)


class Mender:
    """Mends.

    Args:
        client: asks the Worker.
        clock: tells the time.
        before: what changed since then is left alone.
    """

    def __init__(
        self, client: MediaClient, clock: Callable[[], datetime], before: datetime
    ) -> None:
        self._client = client
        self._clock = clock
        self._before = before
        self._failed: dict[str, str] = {}
        again = self._tell_visibility
        self._ways: Mapping[Drift, _Mend] = {
            Drift.TOO_OPEN: lambda keys: again(keys) + self._each(keys, self._hide),
            Drift.NOT_DELETED: lambda keys: self._tell_removal(keys, (App.REMOVED,)),
            Drift.NOT_TOLD: lambda keys: self._tell_removal(keys, (App.LEAVING,)),
            Drift.BYTES_KEPT: self._delete_bytes,
            Drift.STRAY_ROW: lambda keys: self._each(keys, self._quarantine_row),
            Drift.ROW_LOST: self._restore,
            Drift.UNFINISHED: lambda keys: self._each(keys, self._complete),
            Drift.STRAY_OBJECT: self._quarantine_objects,
            Drift.TOO_CLOSED: again,
            Drift.STALE_VISIBILITY: again,
            Drift.TARGET_GONE: self._detach,
            Drift.STALE_NAME: lambda keys: self._each(keys, self._rename),
            Drift.EMPTY_QUARANTINE: lambda keys: self._each(keys, self._let_out),
        }

    def mend(self, drift: Drift, keys: Collection[str]) -> Repaired:
        """Mend some files of one kind, at most `AT_ONCE`. Call it outside a transaction.

        Raises:
            CannotFinish: the Worker did not answer.
        """
        self._failed = {}
        try:
            mended = self._ways[drift](list(keys))
        except ShimError as error:
            raise cannot_finish("The Worker", error) from error
        return Repaired(mended, self._failed)

    def _each(self, keys: Sequence[str], mend: Callable[[str], bool]) -> int:
        mended = 0
        for key in keys:
            try:
                mended += mend(key)
            except WorkerRefused as refused:
                if refused.status >= 500:
                    raise
                self._failed[key] = refused.code
        return mended

    def _settled(self, keys: Collection[str], states: Collection[App]) -> dict[str, AppFile]:
        """Return what the application knows of these keys now, where it is still what it was."""
        return _still(fresh(keys), states, self._before)

    # What the outbox does.

    def _tell_visibility(self, keys: list[str]) -> int:
        rows = [self._client.row(key) for key in keys]
        # Else the Worker would take the change for an old one, and leave all as it is.
        heard = {row.key: row.revision for row in rows if row is not None}
        with transaction.atomic():
            media = self._locked(keys, (App.COMMITTED,), lambda file: not file.is_changing)
            now = self._clock()
            for each in media:
                each.revision = max(each.revision, heard.get(each.key, 0))
            # What waits behind a dead entry waits for ever.
            outbox.revive(OutboxEntry.objects.filter(media__in=media), now)
            _renumber(media, now)
            outbox.tell_visibility(media, now)
            return len(media)

    def _tell_removal(self, keys: Collection[str], states: Collection[App]) -> int:
        with transaction.atomic():
            return self._removed_again(self._locked(keys, states))

    def _removed_again(self, media: list[MediaObject]) -> int:
        now = self._clock()
        for each in media:
            each.status, each.removed_at = Status.REMOVING, None
        _renumber(media, now, "status", "removed_at")
        outbox.tell_removal(media, now)
        return len(media)

    def _detach(self, keys: list[str]) -> int:
        with transaction.atomic():
            orphans = self._locked(keys, (App.COMMITTED,), lambda file: file.is_orphaned)
            ids = [media.pk for media in orphans]
            chosen = MediaObject.objects.filter(pk__in=ids)
            return attachments.sweep(chosen, Removal.DELETED, len(ids)) if ids else 0

    def _locked(
        self,
        keys: Collection[str],
        states: Collection[App],
        still: Callable[[AppFile], bool] = lambda _: True,
    ) -> list[MediaObject]:
        """Lock rows and return those that are still as they were found."""
        files = fresh(keys, locked=True)
        chosen = [
            file.media_id for file in _still(files, states, self._before).values() if still(file)
        ]
        return list(MediaObject.objects.filter(pk__in=chosen).order_by("pk"))

    # What the Worker does at once.

    def _restore(self, keys: list[str]) -> int:
        media = self._media(keys, (App.COMMITTED,))
        verdicts = self._restored([_entry(each) for each in media.values()])
        made = {
            key: media[key].revision
            for key, verdict in verdicts.items()
            if verdict.outcome == "restored"
        }
        self._catch_up(made)
        return len(made)

    def _catch_up(self, made: Mapping[str, int]) -> None:
        """Tell the Worker what changed while a row of its own was being made.

        Args:
            made: the revision that the Worker was told, by key.
        """
        with transaction.atomic():
            rows = MediaObject.objects.select_for_update().filter(key__in=made).order_by("pk")
            unchanged, shown, gone = [], [], []
            for each in rows:
                if each.status in LEFT:
                    gone.append(each)
                elif each.revision == made[each.key]:
                    each.delivered_visibility = each.visibility
                    unchanged.append(each)
                else:
                    shown.append(each)
            MediaObject.objects.bulk_update(unchanged, ["delivered_visibility"])
            _renumber(shown, self._clock())
            outbox.tell_visibility(shown, self._clock())
            self._removed_again(gone)

    def _delete_bytes(self, keys: list[str]) -> int:
        media = self._media(keys, _LEAVING)
        strays = [
            _stray(each.key, Identity(each.worker_user, each.tenant)) for each in media.values()
        ]
        verdicts = self._restored(strays)
        made = [key for key, verdict in verdicts.items() if _is_there(verdict)]
        return self._tell_removal(made, _LEAVING)

    def _quarantine_objects(self, keys: list[str]) -> int:
        known = fresh(keys)
        unknown = [key for key in keys if key not in known or known[key].state == App.QUARANTINED]
        verdicts = self._restored([_stray(key, quarantine.identity_of(key)) for key in unknown])
        there = [key for key, verdict in verdicts.items() if _is_there(verdict)]
        return self._each(there, lambda key: self._hold(self._client.row(key), Found.OBJECT))

    def _quarantine_row(self, key: str) -> bool:
        return self._hold(self._client.row(key), Found.ROW)

    def _hide(self, key: str) -> bool:
        """Make what is quarantined private again."""
        if not QuarantinedFile.objects.filter(key=key).exists():
            return False
        return self._hold(self._client.row(key), Found.ROW)

    def _hold(self, row: ManagedRow | None, found: Found) -> bool:
        if row is None or row.status != Row.UPLOADED:
            return False
        return quarantine.hold(self._client, row, found, self._clock())

    def _let_out(self, key: str) -> bool:
        row = self._client.row(key)
        if row is not None and row.status == Row.UPLOADED:
            return False
        return QuarantinedFile.objects.filter(key=key).delete()[0] > 0

    def _complete(self, key: str) -> bool:
        media = self._media([key], (App.COMMITTED,)).get(key)
        if media is None:
            return False
        self._client.complete(Identity(media.worker_user, media.tenant), media.id)
        return True

    def _rename(self, key: str) -> bool:
        row = self._client.row(key)
        if row is None or key not in self._settled([key], (App.COMMITTED,)):
            return False
        return MediaObject.objects.filter(key=key).update(file_name=row.file_name) > 0

    def _media(self, keys: Collection[str], states: Collection[App]) -> dict[str, MediaObject]:
        chosen = self._settled(keys, states)
        return {each.key: each for each in MediaObject.objects.filter(key__in=chosen)}

    def _restored(self, entries: Sequence[Mapping[str, object]]) -> dict[str, Verdict]:
        """Have rows made again. One that the Worker cannot read does not stop the others."""
        if not entries:
            return {}
        try:
            verdicts = self._client.restore(entries)
        except WorkerRefused as refused:
            if refused.status != 400:
                raise
            if len(entries) == 1:
                self._failed[str(entries[0]["key"])] = refused.code
                return {}
            half = len(entries) // 2
            return self._restored(entries[:half]) | self._restored(entries[half:])
        for verdict in verdicts:
            if verdict.outcome == "mismatch":
                self._failed[verdict.key] = f"mismatch: {verdict.field}"
            elif verdict.outcome == "exists" and verdict.status != Row.UPLOADED:
                self._failed[verdict.key] = f"exists: {verdict.status}"
        return {verdict.key: verdict for verdict in verdicts}


def _still(
    files: Mapping[str, AppFile], states: Collection[App], before: datetime
) -> dict[str, AppFile]:
    return {
        key: file
        for key, file in files.items()
        if file.state in states and file.changed_at < before
    }


def _is_there(verdict: Verdict) -> bool:
    return verdict.outcome == "restored" or (
        verdict.outcome == "exists" and verdict.status == Row.UPLOADED
    )


def _renumber(media: Sequence[MediaObject], now: datetime, *changed: str) -> None:
    """Give locked rows the number of a new change, and save that with what else was changed."""
    least = outbox.least_revision(now)
    for each in media:
        each.revision, each.updated_at = max(each.revision + 1, least), now
    MediaObject.objects.bulk_update(media, ["revision", "updated_at", *changed])


def _entry(media: MediaObject) -> dict[str, Any]:
    """Return what the Worker is told of a file that the application knows."""
    return {
        **_owner(Identity(media.worker_user, media.tenant)),
        "mediaId": media.id,
        "key": media.key,
        "fileName": media.file_name,
        "contentType": media.content_type,
        "fileSize": media.bytes,
        "createdAt": instant(media.created_at),
        "visibility": media.visibility,
        "revision": media.revision,
    }


def _stray(key: str, identity: Identity) -> dict[str, Any]:
    """Return what the Worker is told of an object that has no row and should be private."""
    return {**_owner(identity), "mediaId": media_id_of(key), "key": key, "quarantine": True}


def _owner(identity: Identity) -> dict[str, str]:
    owner = {"userId": identity.user_id}
    return owner if identity.tenant_id is None else {**owner, "tenantId": identity.tenant_id}
