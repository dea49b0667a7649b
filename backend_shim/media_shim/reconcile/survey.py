"""One pass over all keys. It changes nothing, and its memory does not grow with what it finds."""

import tempfile
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import TracebackType
from typing import IO, Final

from media_shim.inventory import ListedObject, ManagedRow
from media_shim.reconcile.drift import REPAIR, Drift, Finding
from media_shim.reconcile.judge import Witnesses, judge
from media_shim.reconcile.merge import batched, merge
from media_shim.reconcile.states import App, AppFile

CONFIRMED_AT_ONCE: Final = 500


@dataclass(slots=True)
class Seen:
    """How much a pass has looked at: keys in all, and in each of the three; committed files."""

    keys: int = 0
    app: int = 0
    rows: int = 0
    objects: int = 0
    committed: int = 0

    def count(self, seen: Witnesses) -> None:
        self.keys += 1
        self.app += seen.app is not None
        self.rows += seen.row is not None
        self.objects += seen.stored is not None
        self.committed += seen.app is not None and seen.app.state == App.COMMITTED


def survey(
    app: Iterable[AppFile],
    rows: Iterable[ManagedRow],
    objects: Iterable[ListedObject],
    *,
    again: Callable[[Collection[str]], Mapping[str, AppFile]],
    before: datetime,
    service: str,
    seen: Seen,
) -> Iterator[Finding]:
    """Return what is wrong, key by key, each confirmed by asking the application again.

    Args:
        app: what the application knows, in the order of keys, as the other two.
        rows: what the Worker's database knows.
        objects: what the store has.
        again: what the application knows of some keys now.
        before: what changed since then is left alone.
        service: what our keys have as their service.
        seen: is counted up meanwhile.

    Raises:
        OutOfOrder: a stream is not in the order of keys.
        CannotFinish: a store did not answer.
    """

    def suspects() -> Iterator[Witnesses]:
        for witnesses in merge(app, rows, objects):
            seen.count(witnesses)
            if judge(witnesses, before, service):
                yield witnesses

    for batch in batched(suspects(), CONFIRMED_AT_ONCE):
        now = again([witnesses.key for witnesses in batch])
        for witnesses in batch:
            yield from judge(replace(witnesses, app=now.get(witnesses.key)), before, service)


@dataclass
class Ledger:
    """What a pass found: how many of each kind; and, on disk, the keys of what can be repaired.

    It is a block: the files go with it.
    """

    counts: Counter[Drift] = field(default_factory=Counter)
    _files: dict[Drift, IO[str]] = field(default_factory=dict)
    _open: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> "Ledger":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.close()

    def add(self, finding: Finding) -> None:
        """Write a finding down."""
        self.counts[finding.drift] += 1
        if finding.drift in REPAIR:
            if finding.drift not in self._files:
                file = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115
                self._files[finding.drift] = self._open.enter_context(file)
            # A key has no line break in it: it matches what keys look like, or is a row's.
            self._files[finding.drift].write(f"{finding.key}\n")

    def keys(self, drift: Drift) -> Iterator[str]:
        """Return the keys of a kind, in their order."""
        if (file := self._files.get(drift)) is not None:
            file.seek(0)
            for line in file:
                yield line.rstrip("\n")
