"""The calls of another Worker, over a service binding: each as the HTTP call of the same outcome.

The identity comes as an argument, the members as an object, and an error as what would be its body
over HTTP, because no exception crosses a binding whole (docs/decisions/0004).
"""

from collections.abc import Awaitable, Callable, Mapping

from media_engine.errors import MediaError, Unforeseen
from media_engine.http.envelope import envelope
from media_engine.journal import Journal
from media_engine.library.handlers import LibraryHandlers
from media_engine.ports import Clock, Entropy
from media_engine.settings import BINDINGS, Settings
from media_engine.signing.gateway import Identity
from media_engine.transfers.handlers import TransferHandlers
from media_engine.uploads.handlers import UploadHandlers
from media_engine.uploads.model import NANOID_LENGTH, nanoid


class Rpc:
    """Answers another Worker.

    Args:
        settings: which bindings there are.
        clock: tells how long a call took.
        entropy: names calls for the log, as HTTP requests are named.
        journal: is told of each call.
        uploads: presigns, fetches and completes.
        transfers: opens.
        library: finds, changes and deletes.
    """

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        entropy: Entropy,
        journal: Journal,
        uploads: UploadHandlers,
        transfers: TransferHandlers,
        library: LibraryHandlers,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._entropy = entropy
        self._journal = journal
        self._uploads = uploads
        self._transfers = transfers
        self._library = library

    async def presign(
        self, identity: object, fields: object, key: object = None
    ) -> dict[str, object]:
        """Sign an upload: as `POST /upload/presign`, `key` being its `Idempotency-Key`."""
        return await self._call(
            "presign",
            identity,
            lambda who: self._uploads.presign_fields(who, _members(fields), key),
        )

    async def open(self, identity: object, fields: object, key: object = None) -> dict[str, object]:
        """Open a transfer: as `POST /upload/open`."""
        return await self._call(
            "open", identity, lambda who: self._transfers.open_named(who, _members(fields), key)
        )

    async def token(self, identity: object, media_id: object) -> dict[str, object]:
        """Mint another token for a transfer: as `POST /upload/token`."""
        return await self._call(
            "token", identity, lambda who: self._transfers.renew_id(who, media_id)
        )

    async def ingest(
        self, identity: object, fields: object, key: object = None
    ) -> dict[str, object]:
        """Fetch a file: as `POST /upload/ingest-url`."""
        return await self._call(
            "ingest", identity, lambda who: self._uploads.ingest_fields(who, _members(fields), key)
        )

    async def complete(self, identity: object, media_id: object) -> dict[str, object]:
        """Complete an upload: as `PATCH /upload/complete`."""
        return await self._call(
            "complete", identity, lambda who: self._uploads.complete_id(who, media_id)
        )

    async def resolve(self, identity: object, ids: object) -> dict[str, object]:
        """Turn ids into URLs: as `POST /internal/resolve`."""
        return await self._call(
            "resolve", identity, lambda who: self._library.resolve_ids(who, ids)
        )

    async def delete(
        self, identity: object, media_id: object, revision: object = None
    ) -> dict[str, object]:
        """Delete a file: as `DELETE /files/{id}`."""
        return await self._call(
            "delete", identity, lambda who: self._library.delete_id(who, media_id, revision)
        )

    async def update(self, identity: object, media_id: object, fields: object) -> dict[str, object]:
        """Change a file: as `PATCH /files/{id}`."""
        return await self._call(
            "update",
            identity,
            lambda who: self._library.update_id(who, media_id, _members(fields)),
        )

    async def _call(
        self,
        name: str,
        identity: object,
        work: Callable[[Identity], Awaitable[dict[str, object]]],
    ) -> dict[str, object]:
        request_id = nanoid(self._entropy(NANOID_LENGTH))
        started = self._clock.now()
        try:
            self._settings.require(*BINDINGS)
            who = Identity.from_mapping(_members(identity))
            answer = await work(who)
        except MediaError as error:
            self._journal.refused(error, request_id, "RPC", name)
            return envelope(error, request_id)
        except Exception as error:
            self._journal.crashed(error, request_id, "RPC", name)
            return envelope(Unforeseen(), request_id)
        self._journal.called(f"media.rpc.{name}", request_id, who, 200, self._clock.now() - started)
        return answer


def _members(value: object) -> Mapping[str, object]:
    """Return the members of an object that came over RPC; of anything else there are none."""
    return value if isinstance(value, Mapping) else {}
