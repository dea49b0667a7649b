"""Access tokens: signed here, for what the caller's scope has, and revoked here.

An album is a prefix of keys, so a token for one is signed without asking the database, and what is
uploaded into the album later it opens as well. A selection is written down before its token is
signed, once and for all; the set has the token's id.

Revoking writes the token's id down in the caller's scope. Whoever minted it: a backend that signs
with the same keys revokes here what the database has never heard of. That it is found again is for
`delivery.admission`, which looks in the scope of the key that is asked for.
"""

from collections.abc import Callable
from typing import Final

from media_engine.delivery.model import view_url
from media_engine.errors import MediaNotFound
from media_engine.ports import Clock, Entropy
from media_engine.settings import Settings
from media_engine.sharing.model import (
    ID_BYTES,
    AccessRequest,
    AccessToken,
    Album,
    Selection,
    new_token_id,
)
from media_engine.sharing.queries import SharingQueries
from media_engine.signing.gateway import READ, Identity
from media_engine.signing.token import LONGEST_LIFE, SKEW, Claims, mint, pseudonym
from media_engine.uploads.model import album_prefix

REVOKED_LIFE: Final = LONGEST_LIFE + SKEW
"""How long a revocation is needed, in seconds: a token that exists by now is dead by then, even if
its minter's clock is as far ahead as may be."""


class SharingService:
    """Gives access tokens out and takes them back.

    Args:
        queries: sets and revocations.
        settings: where files are delivered, and the keys of tokens.
        clock: what time it is.
        entropy: where ids come from.
        forget: is told the scope and the id of a token that was revoked.
    """

    def __init__(
        self,
        queries: SharingQueries,
        settings: Settings,
        clock: Clock,
        entropy: Entropy,
        forget: Callable[[str, str], None],
    ) -> None:
        self._queries = queries
        self._settings = settings
        self._clock = clock
        self._entropy = entropy
        self._forget = forget

    async def grant(self, identity: Identity, wanted: AccessRequest) -> AccessToken:
        """Return a token for an album, or for a selection of files.

        An album costs no statement; a selection two, a row read for each file and one written.

        Raises:
            Forbidden: the caller may not read.
            MediaNotFound: the caller's scope has no such file, naming the first.
            NotConfigured: there is no key to sign with, or no host to point to.
        """
        identity.require(READ)
        self._settings.require("MEDIA_TOKEN_KEYS", "MEDIA_PUBLIC_URL")
        token_id = new_token_id(self._entropy(ID_BYTES))
        now = self._clock.now()
        expires_at = now // 1000 + wanted.life
        if isinstance(wanted.files, Album):
            prefix = album_prefix(identity.scope, wanted.files.service, wanted.files.name)
            return self._sign(identity, token_id, now, expires_at, prefix=prefix)
        keys = await self._keys(identity, wanted.files)
        await self._queries.insert_set(
            identity.scope,
            token_id,
            list(keys.values()),
            identity.user_id,
            now,
            expires_at * 1000,
        )
        return self._sign(identity, token_id, now, expires_at, keys=keys)

    async def revoke(self, identity: Identity, token_id: str) -> None:
        """Let a token of the caller's scope open nothing any more. Idempotent; one row written.

        Raises:
            Forbidden: the caller may not read.
        """
        identity.require(READ)
        now = self._clock.now()
        await self._queries.revoke(identity.scope, token_id, now, now + REVOKED_LIFE * 1000)
        self._forget(identity.scope, token_id)

    async def _keys(self, identity: Identity, selection: Selection) -> dict[str, str]:
        found = await self._queries.keys(identity.scope, selection.ids)
        for media_id in selection.ids:
            if media_id not in found:
                raise MediaNotFound(media_id)
        return {media_id: found[media_id] for media_id in selection.ids}

    def _sign(
        self,
        identity: Identity,
        token_id: str,
        now: int,
        expires_at: int,
        *,
        prefix: str | None = None,
        keys: dict[str, str] | None = None,
    ) -> AccessToken:
        token = mint(
            Claims(
                pfx=prefix,
                set=None if keys is None else token_id,
                jti=token_id,
                sub=pseudonym(identity.user_id, self._settings.token_keys),
                iat=now // 1000,
                exp=expires_at,
            ),
            self._settings.token_keys,
        )
        url = view_url(self._settings.public_url, token)
        return AccessToken(token, token_id, expires_at, url, prefix, keys)
