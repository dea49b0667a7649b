"""Who sends a transfer."""

from dataclasses import dataclass

from media_engine.signing.gateway import WRITE, Identity
from media_engine.signing.upload_token import UploadClaims


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sends: somebody that the gateway knows, or whoever holds a token for one upload.

    Attributes:
        identity: who that is; of a token's holder only the scope is known.
        claims: what the token says, if there is one.
    """

    identity: Identity
    claims: UploadClaims | None = None

    @classmethod
    def from_claims(cls, claims: UploadClaims) -> "Sender":
        """Make a sender of what a token says."""
        return cls(member_of(claims.scope, ""), claims)


def member_of(scope: str, user_id: str) -> Identity:
    """Return somebody of a scope who may write there."""
    kind, _, name = scope.partition(":")
    tenant = name if kind == "t" else None
    return Identity(user_id if kind == "t" else name, tenant, frozenset({WRITE}))
