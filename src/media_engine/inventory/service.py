"""What a shim needs to bring three stores into agreement: its rows, its objects, its lost rows.

Two lists in the same order of keys, so that whoever compares them, and its own, holds a page of
each and no more. The order of the questions is what matters:

    the list of objects      first the bucket, then the database. A row is there before its object
                             and stays for ninety days after it, so no object is called nobody's
                             only because it came, or went, between the two.
    a row that was lost      first the database, then the object, then the database, which writes
                             only where key and id are free. Two that restore the same make one
                             row, and a file that is deleted meanwhile has a row, which stays.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from media_engine.errors import Forbidden, MissingFields
from media_engine.inventory.model import KeyName, ManagedFile, OwnedObject
from media_engine.inventory.paging import END_OF_KEYS, behind, narrowed, write_cursor
from media_engine.inventory.queries import InventoryQueries
from media_engine.inventory.restoration import LostFile, Verdict
from media_engine.ports import Clock, ListedObject, ObjectInfo, ObjectStore, SqlValue
from media_engine.signing.gateway import OWNER, Identity


@dataclass(frozen=True, slots=True)
class FilePage:
    """A page of a shim's files.

    Attributes:
        files: the files.
        after: the key behind which the next page begins; None if this is the last one.
    """

    files: Sequence[ManagedFile]
    after: str | None

    def to_wire(self) -> dict[str, object]:
        """Return the page as the API shows it."""
        return {"files": [file.to_wire() for file in self.files], "next": self.after}


@dataclass(frozen=True, slots=True)
class OwnedPage:
    """A page of the bucket, without what is others'.

    Attributes:
        objects: the objects; there may be none on a page that is not the last one.
        after: the key behind which the next page begins; None if this is the last one.
    """

    objects: Sequence[OwnedObject]
    after: str | None

    def to_wire(self) -> dict[str, object]:
        """Return the page as the API shows it."""
        return {
            "objects": [one.to_wire() for one in self.objects],
            "next": write_cursor(self.after),
        }


class InventoryService:
    """Lists what a shim has, in all scopes, and makes rows again.

    Args:
        queries: the files' rows.
        store: the files' bytes.
        clock: what time it is.
        prefixes: what the keys of files begin with.
        changed: is told the keys of files of which the database says something else now.
    """

    def __init__(
        self,
        queries: InventoryQueries,
        store: ObjectStore,
        clock: Clock,
        prefixes: Sequence[str],
        changed: Callable[[Sequence[str]], None],
    ) -> None:
        self._queries = queries
        self._store = store
        self._clock = clock
        self._prefixes = prefixes
        self._changed = changed

    async def files(
        self, identity: Identity, prefix: str | None, after: str | None, limit: int
    ) -> FilePage:
        """Return a page of the files that the shim manages, whatever their status.

        One statement; so many rows are read as there are files on the page.

        Args:
            identity: which shim asks.
            prefix: what their keys begin with; it ends in a slash. None for all.
            after: the key behind which the page begins; None for the first page.
            limit: how many files at most.

        Raises:
            Forbidden: the caller does not own the system, or acts for a tenant.
            MissingFields: the caller does not say which shim it is.
        """
        shim = _manager(identity)
        files = await self._queries.managed(
            shim,
            max(prefix or "", after or ""),
            END_OF_KEYS if prefix is None else behind(prefix),
            limit,
        )
        return FilePage(files, files[-1].key if len(files) == limit else None)

    async def objects(
        self, identity: Identity, prefix: str | None, after: str | None, limit: int
    ) -> OwnedPage:
        """Return a page of the objects that are the shim's or nobody's.

        One operation of the store, one statement, three rows read at most for each object that is
        looked at.

        Args:
            identity: which shim asks.
            prefix: what their keys begin with; it ends in a slash. None for all that files have.
            after: the key behind which the page begins; None for the first page.
            limit: how many objects are looked at.

        Raises:
            Forbidden: the caller does not own the system, or acts for a tenant.
            MissingFields: the caller does not say which shim it is.
            InvalidField: no file's key begins with this prefix.
            R2Unavailable: the store did not answer.
        """
        shim = _manager(identity)
        prefixes = [
            one for one in narrowed(self._prefixes, prefix) if after is None or after < behind(one)
        ]
        if not prefixes:
            return OwnedPage((), None)
        page = await self._store.list(prefixes[0], after, limit)
        owned = await self._owned(shim, page.objects) if page.objects else ()
        if page.more:
            return OwnedPage(owned, page.objects[-1].key)
        return OwnedPage(owned, behind(prefixes[0]) if len(prefixes) > 1 else None)

    async def restore(self, identity: Identity, lost: Sequence[LostFile]) -> Sequence[Verdict]:
        """Make the rows of files again that have none; say for each what became of it. Idempotent.

        Two statements, and one more where somebody else restores the same; one class B operation
        for each file that has no row. Whether there is room is not asked: the bytes are there.

        Args:
            identity: which shim asks; it manages what it restores.
            lost: the files, no two of them with the same key.

        Raises:
            Forbidden: the caller does not own the system, or acts for a tenant.
            MissingFields: the caller does not say which shim it is.
            R2Unavailable: the store did not answer; nothing was written.
        """
        shim = _manager(identity)
        names = [file.name for file in lost]
        statuses = await self._queries.statuses(names)
        now = self._clock.now()
        verdicts: dict[str, Verdict] = {}
        rows: list[dict[str, SqlValue]] = []
        for file in lost:
            if _standing(file.name, statuses) is None:
                stored = await self._store.head(file.name.key)
                verdict = _verdict(file, stored)
                verdicts[file.name.key] = verdict
                if stored is not None and verdict.outcome == "restored":
                    rows.append(file.row(stored, shim, now))
        written = await self._queries.restore(rows) if rows else frozenset()
        self._changed([str(row["key"]) for row in rows])
        if len(written) < len(rows):
            statuses = await self._queries.statuses(names)
            for row in rows:
                if row["id"] not in written:
                    del verdicts[str(row["key"])]
        return [
            verdicts.get(name.key)
            or Verdict(name, "exists", status=_standing(name, statuses) or "gone")
            for name in names
        ]

    async def _owned(self, shim: str, listed: Sequence[ListedObject]) -> Sequence[OwnedObject]:
        managers = await self._queries.managers([one.key for one in listed])
        owned: list[OwnedObject] = []
        for one in listed:
            if one.key not in managers:
                owned.append(OwnedObject(one, "nobody"))
            elif managers[one.key] == shim:
                owned.append(OwnedObject(one, "self"))
        return owned


def _verdict(file: LostFile, stored: ObjectInfo | None) -> Verdict:
    """Return what can become of a file that has no row."""
    if stored is None:
        return Verdict(file.name, "no_object")
    if stored.tombstone:
        return Verdict(file.name, "gone")
    field = file.disagreement(stored)
    if field is not None:
        return Verdict(file.name, "mismatch", field=field)
    return Verdict(file.name, "restored")


def _standing(name: KeyName, statuses: Mapping[str, str]) -> str | None:
    """Return the status of the file that has this key, or this id; None if there is none."""
    return statuses.get(name.key) or statuses.get(name.media_id)


def _manager(identity: Identity) -> str:
    """Return the shim that calls.

    Raises:
        Forbidden: the caller does not own the system, or acts for a tenant.
        MissingFields: it is no shim.
    """
    identity.require(OWNER)
    if identity.tenant_id is not None:
        raise Forbidden("This is about files of all tenants: ask without acting for one.")
    if identity.shim is None:
        raise MissingFields(["x-media-shim"])
    return identity.shim
