"""Ids to URLs, for the application's other services."""

from collections.abc import Sequence
from typing import Final

from media_engine.delivery.model import delivery_url
from media_engine.library.queries import LibraryQueries
from media_engine.ports import Clock
from media_engine.settings import Settings
from media_engine.signing.gateway import READ, Identity
from media_engine.signing.token import Claims, mint
from media_engine.uploads.model import MediaFile, instant

TOKEN_LIFE: Final = 600
"""How long a resolved URL of a private file opens, in seconds."""


class LibraryService:
    """Looks a scope's files up.

    Args:
        queries: the files' rows.
        settings: where files are delivered, and the keys of tokens.
        clock: what time it is.
    """

    def __init__(self, queries: LibraryQueries, settings: Settings, clock: Clock) -> None:
        self._queries = queries
        self._settings = settings
        self._clock = clock

    async def resolve(
        self, identity: Identity, ids: Sequence[str]
    ) -> dict[str, dict[str, object] | None]:
        """Return, for each id, the file with a URL that opens it, or None if there is none.

        Raises:
            Forbidden: the caller may not read.
            NotConfigured: there is no key to sign with, or no host to point to.
        """
        identity.require(READ)
        self._settings.require("MEDIA_TOKEN_KEYS", "MEDIA_PUBLIC_URL")
        expires_at = self._clock.now() // 1000 + TOKEN_LIFE
        files = {file.id: file for file in await self._queries.uploaded(identity.scope, ids)}
        return {
            media_id: self._resolved(files[media_id], expires_at) if media_id in files else None
            for media_id in ids
        }

    def _resolved(self, file: MediaFile, expires_at: int) -> dict[str, object]:
        private = file.visibility == "private"
        token = (
            mint(Claims(key=file.key, exp=expires_at), self._settings.token_keys)
            if private
            else None
        )
        return {
            **file.to_wire(),
            "url": delivery_url(self._settings.public_url, file.key, token),
            "urlExpiresAt": instant(expires_at * 1000) if private else None,
        }
