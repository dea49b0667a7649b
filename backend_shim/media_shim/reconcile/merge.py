"""Three streams in the binary order of keys become one of keys, with one entry of each in hand."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final, Protocol, TypeVar

from media_shim.inventory import ListedObject, ManagedRow
from media_shim.reconcile.judge import Witnesses
from media_shim.reconcile.states import AppFile


class _Keyed(Protocol):
    @property
    def key(self) -> str: ...


_T = TypeVar("_T")
_K = TypeVar("_K", bound=_Keyed)
_BEHIND_ALL: Final = "\U0010ffff"


class OutOfOrder(Exception):
    """A stream is not in the order of keys, so that nothing that it lacks can be believed."""


def merge(
    app: Iterable[AppFile], rows: Iterable[ManagedRow], objects: Iterable[ListedObject]
) -> Iterator[Witnesses]:
    """Return, key by key, what the three say of it.

    The order of code points is that of the bytes of UTF-8.

    Raises:
        OutOfOrder: naming the stream.
    """
    ours = _Ordered("the application's database", app)
    theirs = _Ordered("the Worker's database", rows)
    stored = _Ordered("the store", objects)
    while (key := min(ours.key, theirs.key, stored.key)) != _BEHIND_ALL:
        yield Witnesses(key, ours.take(key), theirs.take(key), stored.take(key))


def batched(entries: Iterable[_T], size: int) -> Iterator[list[_T]]:
    """Return the entries in lists of so many."""
    iterator = iter(entries)
    while batch := list(islice(iterator, size)):
        yield batch


class _Ordered(Iterator[_K]):
    """A stream that knows its next key, and that its keys grow."""

    def __init__(self, name: str, entries: Iterable[_K]) -> None:
        self._name = name
        self._entries = iter(entries)
        self._head = next(self._entries, None)

    @property
    def key(self) -> str:
        return _BEHIND_ALL if self._head is None else self._head.key

    def take(self, key: str) -> _K | None:
        """Return the next entry if it has this key."""
        return next(self) if self.key == key else None

    def __next__(self) -> _K:
        if self._head is None:
            raise StopIteration
        head, self._head = self._head, next(self._entries, None)
        if self._head is not None and self._head.key <= head.key:
            raise OutOfOrder(f"{self._name} is not in the order of keys at {self._head.key}")
        return head
