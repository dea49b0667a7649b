"""Where the three streams come from. Of each there is a page in memory, and no more.

The application's rows come through a cursor on the server, in the binary order of keys: a database
that sorts by a language's rules would put `a` before `B`. (Where Django is told
DISABLE_SERVER_SIDE_CURSORS, for a pooler, its driver holds all of them.)
"""

import heapq
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Final, TypeVar

from django.db import DatabaseError, InterfaceError, connection, models, router
from django.db.models import Exists, F, OuterRef
from django.db.models.functions import Collate

from media_shim.attachable import models_with_files
from media_shim.attachments import named, primary_key
from media_shim.client import MediaClient
from media_shim.errors import NotConfigured, ShimError, WorkerRefused, WorkerUnavailable
from media_shim.inventory import ListedObject, ManagedRow, Page
from media_shim.models import (
    LEFT,
    Action,
    Delivery,
    MediaObject,
    OutboxEntry,
    QuarantinedFile,
    Status,
)
from media_shim.reconcile.merge import batched
from media_shim.reconcile.states import App, AppFile
from media_shim.uploads import Visibility

BATCH: Final = 1000

_BINARY: Final = {"postgresql": "C", "sqlite": "BINARY", "mysql": "utf8mb4_bin", "oracle": "BINARY"}
"""The collation by which a database compares bytes."""

_COLUMNS: Final = (
    "id", "key", "status", "visibility", "delivered_visibility", "content_type", "bytes",
    "file_name", "attached_to", "updated_at", "is_told", "is_changing",
)  # fmt: skip

_T = TypeVar("_T")


class CannotFinish(Exception):
    """A store did not answer, so that nothing can be said of what it was not asked.

    Args:
        store: which.
        reason: what the log should know.
    """

    def __init__(self, store: str, reason: str) -> None:
        super().__init__(f"{store} did not answer: {reason}")
        self.store = store


def app_files(prefix: str | None) -> Iterator[AppFile]:
    """Return what the application knows, in the binary order of keys.

    Args:
        prefix: what the keys begin with; it ends in a slash. None for all.

    Raises:
        CannotFinish: the database did not answer.
    """
    known = _within(_with_outbox(MediaObject.objects.all()), prefix)
    held = _within(
        QuarantinedFile.objects.exclude(key__in=MediaObject.objects.values("key")), prefix
    )
    try:
        yield from heapq.merge(
            _looked_after(map(_known, known.values(*_COLUMNS).iterator(chunk_size=BATCH))),
            map(_held, held.iterator(chunk_size=BATCH)),
            key=lambda file: file.key,
        )
    except (DatabaseError, InterfaceError) as error:
        raise CannotFinish("The application's database", type(error).__name__) from error


def fresh(keys: Collection[str], *, locked: bool = False) -> dict[str, AppFile]:
    """Return what the application knows of these keys now.

    Args:
        keys: the keys.
        locked: whether the rows stay locked until the end of the transaction around this call.
    """
    media = MediaObject.objects.filter(key__in=keys)
    if locked:
        list(media.select_for_update().order_by("pk").values_list("pk", flat=True))
    held = map(_held, QuarantinedFile.objects.filter(key__in=keys))
    known = _looked_after(map(_known, _with_outbox(media).values(*_COLUMNS)))
    return {file.key: file for file in (*held, *known)}


def worker_rows(client: MediaClient, prefix: str | None) -> Iterator[ManagedRow]:
    """Return the Worker's rows that this shim manages, in the order of keys.

    Raises:
        CannotFinish: the Worker did not answer.
    """
    return _paged("The Worker's database", lambda after: client.rows(prefix, after))


def stored_objects(client: MediaClient, prefix: str | None) -> Iterator[ListedObject]:
    """Return the objects that are this shim's or nobody's. Likewise."""
    return _paged("The store", lambda cursor: client.objects(prefix, cursor))


def _paged(store: str, ask: Callable[[str | None], Page[_T]]) -> Iterator[_T]:
    place: str | None = None
    while True:
        try:
            page = ask(place)
        except ShimError as error:
            raise cannot_finish(store, error) from error
        yield from page.entries
        if page.next is None:
            return
        place = page.next


def cannot_finish(store: str, error: ShimError) -> CannotFinish:
    """Return what to say of an answer that is none."""
    if isinstance(error, NotConfigured):
        return CannotFinish("The Worker", error.message)
    if isinstance(error, WorkerUnavailable):
        return CannotFinish("The Worker", str(error.reason))
    if isinstance(error, WorkerRefused) and error.code == "R2_UNAVAILABLE":
        store = "The store"
    return CannotFinish(store, f"{error.code}: {error.message}")


def _with_outbox(media: "models.QuerySet[MediaObject]") -> "models.QuerySet[MediaObject]":
    """Add what is still to be told.

    What the Worker keeps refusing is told by nobody, nor what waits behind it; which no removal
    does.
    """
    waiting = OutboxEntry.objects.filter(media=OuterRef("pk"), state=Delivery.WAITING)
    dead = OutboxEntry.objects.filter(
        media=OuterRef("media"), pk__lt=OuterRef("pk"), state=Delivery.DEAD
    )
    return media.annotate(
        is_told=Exists(waiting.filter(action=Action.DELETE)),
        is_changing=Exists(waiting.filter(~Exists(dead), action=Action.VISIBILITY)),
    )


def _within(rows: "models.QuerySet[Any]", prefix: str | None) -> "models.QuerySet[Any]":
    """Order rows by the bytes of their keys, and keep those with a prefix, to the byte.

    LIKE will not do: SQLite's does not know small letters from capitals.
    """
    place = Collate(F("key"), _BINARY[connection.vendor])
    placed: models.QuerySet[Any] = rows.alias(place=place).order_by("place")
    if prefix is None:
        return placed
    behind = prefix[:-1] + chr(ord("/") + 1)
    within: models.QuerySet[Any] = placed.filter(place__gte=prefix, place__lt=behind)
    return within


def _known(row: dict[str, object]) -> AppFile:
    status = row["status"]
    if status in LEFT and row["is_told"]:
        state = App.TELLING
    elif status == Status.REMOVING:
        state = App.LEAVING
    else:
        state = App(str(status))
    return AppFile(
        media_id=row["id"],  # type: ignore[arg-type]
        state=state,
        changed_at=row["updated_at"],  # type: ignore[arg-type]
        is_orphaned=False,
        **{  # type: ignore[arg-type]
            name: row[name]
            for name in _COLUMNS
            if name not in ("id", "status", "updated_at", "is_told")
        },
    )


def _held(file: QuarantinedFile) -> AppFile:
    return AppFile(
        media_id=file.media_id,
        key=file.key,
        state=App.QUARANTINED,
        visibility=Visibility.PRIVATE,
        delivered_visibility=Visibility.PRIVATE,
        is_changing=False,
        content_type=file.content_type,
        bytes=file.bytes,
        file_name=file.file_name,
        attached_to=None,
        is_orphaned=False,
        changed_at=file.found_at,
    )


def _looked_after(files: Iterable[AppFile]) -> Iterator[AppFile]:
    """Find those that are attached to what is gone: one question for each model of a batch."""
    attachable = models_with_files()
    for batch in batched(files, BATCH):
        targets: dict[str, set[str]] = {}
        for file in batch:
            if file.state == App.COMMITTED and (target := named(file.attached_to)) is not None:
                targets.setdefault(target[0], set()).add(target[1])
        lost = {
            (label, pk)
            for label, pks in targets.items()
            if label in attachable
            for pk in _lost(attachable[label], pks)
        }
        for file in batch:
            is_orphaned = file.state == App.COMMITTED and named(file.attached_to) in lost
            yield replace(file, is_orphaned=True) if is_orphaned else file


def _lost(model: type[models.Model], pks: set[str]) -> Sequence[str]:
    """Return those of these primary keys of which there is no row."""
    values = {}
    for pk in pks:
        try:
            values[pk] = primary_key(model, pk)
        except ValueError:
            # Another writing of a key, which the application knows how to read and we do not.
            continue
    # What a replica has not heard of yet is not lost.
    rows = model._base_manager.using(router.db_for_write(model))
    there = set(rows.filter(pk__in=values.values()).values_list("pk", flat=True))
    return [pk for pk, value in values.items() if value not in there]
