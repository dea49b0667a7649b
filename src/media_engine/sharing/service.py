"""Access tokens: signed here, for what the caller's scope has, and revoked here.

An album is a prefix of keys, so a token for one is signed without asking the database, and what is
uploaded into the album later it opens as well. A selection is written down before its token is
signed, once and for all; the set has the token's id.

A token is never kept. What a request that names itself was given is its id and the instant, and the
same token is signed again of them.

Revoking writes the token's id down in the caller's scope. Whoever minted it: a backend that signs
with the same keys revokes here what the database has never heard of. That it is found again is for
`delivery.admission`, which looks in the scope of the key that is asked for.
"""

from collections.abc import Callable, Sequence
from typing import Final

from media_engine.delivery.model import view_url
from media_engine.errors import MediaNotFound, TokenRevoked
from media_engine.idempotency.model import Claim, Made, Making
from media_engine.ports import Clock, Entropy
from media_engine.settings import Settings
from media_engine.sharing.model import (
    ID_BYTES,
    AccessRequest,
    AccessToken,
    Album,
    new_token_id,
)
from media_engine.sharing.queries import Given, SharingQueries
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

    async def grant(
        self, identity: Identity, wanted: AccessRequest, claim: Claim | None = None
    ) -> AccessToken:
        """Return a token for an album, or for a selection of files.

        An album costs no statement; a selection two, a row read for each file and one written.
        With a claim an album costs five, and a selection seven.

        Args:
            identity: who asks.
            wanted: what it is to open.
            claim: the request's own name: what it was given before is signed again, as long as
                that lives.

        Raises:
            IdempotencyKeyReused: another request had that name.
            TokenRevoked: what the request was given before was taken back.
            Forbidden: the caller may not read.
            MediaNotFound: the caller's scope has no such file, naming the first.
            NotConfigured: there is no key to sign with, or no host to point to.
        """
        identity.require(READ)
        self._settings.require("MEDIA_TOKEN_KEYS", "MEDIA_PUBLIC_URL")
        made = Made(new_token_id(self._entropy(ID_BYTES)), self._clock.now())
        if isinstance(wanted.files, Album):
            return await self._grant_album(identity, wanted.files, made, wanted.life, claim)
        return await self._grant_set(identity, wanted.files.ids, made, wanted.life, claim)

    async def _grant_album(
        self, identity: Identity, album: Album, made: Made, life: int, claim: Claim | None
    ) -> AccessToken:
        if claim is not None:
            given = await self._queries.claim_album(claim, _making(made, life))
            made = _still_good(given).made
        prefix = album_prefix(identity.scope, album.service, album.name)
        return self._sign(identity, made, life, prefix=prefix)

    async def _grant_set(
        self, identity: Identity, ids: Sequence[str], made: Made, life: int, claim: Claim | None
    ) -> AccessToken:
        found = await self._queries.keys(identity.scope, ids)
        missing = next((media_id for media_id in ids if media_id not in found), None)
        keys: Sequence[str] | None = None if missing else [found[media_id] for media_id in ids]
        dead_at = _dead_at(made, life) * 1000
        if claim is not None:
            given = await self._queries.claim_set(claim, _making(made, life), keys, dead_at)
            if given is not None:
                # What was given before opens what it opened then, whatever was deleted since.
                made, keys = _still_good(given).made, given.members
        if keys is None:
            raise MediaNotFound(missing)
        if claim is None:
            await self._queries.insert_set(
                identity.scope, made.id, keys, identity.user_id, made.since, dead_at
            )
        return self._sign(identity, made, life, keys=dict(zip(ids, keys, strict=True)))

    async def revoke(self, identity: Identity, token_id: str) -> None:
        """Let a token of the caller's scope open nothing any more. Idempotent; one row written.

        Raises:
            Forbidden: the caller may not read.
        """
        identity.require(READ)
        now = self._clock.now()
        await self._queries.revoke(identity.scope, token_id, now, now + REVOKED_LIFE * 1000)
        self._forget(identity.scope, token_id)

    def _sign(
        self,
        identity: Identity,
        made: Made,
        life: int,
        *,
        prefix: str | None = None,
        keys: dict[str, str] | None = None,
    ) -> AccessToken:
        """Sign a token. The same one is the same text, however often it is signed by one key."""
        token = mint(
            Claims(
                pfx=prefix,
                set=None if keys is None else made.id,
                jti=made.id,
                sub=pseudonym(identity.user_id, self._settings.token_keys),
                iat=made.since // 1000,
                exp=_dead_at(made, life),
            ),
            self._settings.token_keys,
        )
        url = view_url(self._settings.public_url, token)
        return AccessToken(token, made.id, _dead_at(made, life), url, prefix, keys)


def _dead_at(made: Made, life: int) -> int:
    """Return the second from which on a token opens nothing."""
    return made.since // 1000 + life


def _making(made: Made, life: int) -> Making:
    """Return a token as what a request makes: once it is dead, the request's name is free."""
    return Making.at_once(made.id, made.since, _dead_at(made, life) * 1000 - 1)


def _still_good(given: Given) -> Given:
    """Return a token that was not taken back.

    Raises:
        TokenRevoked: it was.
    """
    if given.revoked:
        raise TokenRevoked
    return given
