"""Who may have a file.

A token answers by its text and costs nothing, unless it names itself (`jti`): then the database is
asked whether it was revoked, and for a set (`set`) whether the file is in there. Without a token
the database is asked whether the file is for everybody. What it answers is believed for
`BELIEVED_MS` in this isolate, and no longer: so long, at most, does a token open files after it was
revoked, and a file stay public after it was made private. Where that was done, it ends at once.

Without a token every key is a guess. Wrong guesses are counted by network, and a network with too
many of them is told nothing for a while, right guesses included. Right ones are not counted: a
page of public pictures that a whole school opens at once is a page of public pictures.
"""

from collections.abc import Sequence
from typing import Final

from media_engine.delivery.memo import Memo
from media_engine.delivery.policy import CONFIRMED, PUBLIC, Grant, authorise
from media_engine.delivery.queries import DeliveryQueries, Membership, Standing
from media_engine.errors import (
    MediaGone,
    RateLimited,
    TokenKeyMismatch,
    TokenMissing,
    TokenRefused,
    TokenRevoked,
)
from media_engine.http.address import network_of
from media_engine.ports import Clock, RateLimiter
from media_engine.settings import Settings
from media_engine.uploads.model import scope_of

BELIEVED_MS: Final = 30_000
"""How long an answer of the database is believed."""

SILENCED_MS: Final = 60_000
"""How long a network that guessed too often is told nothing."""

MOST_REMEMBERED: Final = 4_096
"""How many answers of each kind are remembered: some megabytes, with the longest keys there are."""


class Admission:
    """Gives the right to a file, or refuses it.

    Args:
        queries: where files and tokens stand.
        settings: the keys of tokens.
        clock: what time it is.
        limiter: counts the wrong guesses.
    """

    def __init__(
        self, queries: DeliveryQueries, settings: Settings, clock: Clock, limiter: RateLimiter
    ) -> None:
        self._queries = queries
        self._settings = settings
        self._clock = clock
        self._limiter = limiter
        self._revoked: Memo[tuple[str, str], bool] = Memo(BELIEVED_MS, MOST_REMEMBERED)
        self._memberships: Memo[tuple[str, str, str], Membership] = Memo(
            BELIEVED_MS, MOST_REMEMBERED
        )
        self._standings: Memo[str, Standing] = Memo(BELIEVED_MS, MOST_REMEMBERED)
        self._silenced: Memo[str, bool] = Memo(SILENCED_MS, MOST_REMEMBERED)

    async def admit(self, token: str, key: str) -> Grant:
        """Return what a token opens, if it opens this file.

        Costs nothing without `jti`; with it one statement, unless its answer is remembered.

        Args:
            token: as it came.
            key: the file's key.

        Raises:
            TokenRefused: one of its subclasses, each its own reason.
            NotConfigured: there are no keys to verify with.
        """
        self._settings.require("MEDIA_TOKEN_KEYS")
        now = self._clock.now()
        claims = authorise(token, key, self._settings.token_keys, now // 1000)
        if claims.jti is not None:
            refusal = await self._refusal(claims.jti, claims.set, key, now)
            if refusal is not None:
                raise claims.refused(refusal)
        return Grant(private=True, download=claims.dl, life=claims.exp - now // 1000)

    async def admit_public(self, key: str, address: str | None) -> Grant:
        """Let everybody have a public file.

        Costs one statement, a row read, unless its answer is remembered.

        Args:
            key: the file's key.
            address: whose guess it is, as the platform says.

        Raises:
            TokenMissing: it is private, or there is none: a stranger cannot tell which.
            MediaGone: it was public and is deleted.
            RateLimited: too many guesses were wrong.
        """
        now = self._clock.now()
        network = network_of(address)
        if self._silenced.get(network, now):
            raise RateLimited
        standing = self._standings.get(key, now)
        remembered = standing is not None
        if standing is None:
            standing = await self._queries.standing(key)
            self._standings.keep(key, standing, now)
        if standing.public and standing.uploaded:
            return PUBLIC if remembered else CONFIRMED
        if standing.public and standing.gone:
            raise MediaGone
        if not await self._limiter.allow(network):
            self._silenced.keep(network, True, now)
            raise RateLimited
        raise TokenMissing

    def forget_files(self, keys: Sequence[str]) -> None:
        """Do not believe any longer what was said of these files: they were changed, here."""
        for key in keys:
            self._standings.forget(key)

    def forget_token(self, scope: str, jti: str) -> None:
        """Do not believe any longer what was said of this token: it was revoked, here."""
        self._revoked.forget((scope, jti))
        self._memberships.clear()

    async def _refusal(
        self, jti: str, set_id: str | None, key: str, now: int
    ) -> TokenRefused | None:
        """Return why the database would not have this token open the key, or None.

        Tokens are looked up in the scope of the key that is asked for, so nobody can revoke
        another scope's tokens, and no set opens another scope's files.
        """
        scope = scope_of(key)
        if set_id is None:
            return TokenRevoked() if await self._is_revoked(scope, jti, now) else None
        match await self._membership(scope, jti, set_id, key, now):
            case Membership.REVOKED:
                return TokenRevoked()
            case Membership.STRANGER:
                return TokenKeyMismatch("not in the set")
            case Membership.MEMBER:
                return None

    async def _is_revoked(self, scope: str, jti: str, now: int) -> bool:
        revoked = self._revoked.get((scope, jti), now)
        if revoked is None:
            revoked = await self._queries.revoked(scope, jti)
            self._revoked.keep((scope, jti), revoked, now)
        return revoked

    async def _membership(
        self, scope: str, jti: str, set_id: str, key: str, now: int
    ) -> Membership:
        membership = self._memberships.get((jti, set_id, key), now)
        if membership is None:
            membership = await self._queries.membership(scope, jti, set_id, key)
            self._memberships.keep((jti, set_id, key), membership, now)
        return membership
