"""The keys of delivery tokens, as the Worker has them: the first signs, all of them verify there.

No error and no repr shows a key. Errors name an entry by its place, because what stands where a
key's id should be may well be the key.
"""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from typing import Final

SHORTEST_KEY: Final = 32
"""In bytes: HS256 asks for no less than its hash's length (RFC 7518 §3.2)."""

PUBLISHED_PREFIX: Final = b"development-only"
"""What the keys begin with that are published with the source."""

_KID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key, and the id by which a token says that it was signed with it."""

    kid: str
    secret: bytes = field(repr=False)

    @property
    def is_published(self) -> bool:
        """Whether everybody knows it."""
        return self.secret.startswith(PUBLISHED_PREFIX)


def read_keys(text: str) -> tuple[SigningKey, ...]:
    """Read `kid:key` entries with commas between, each key in base64url, padded or not.

    Raises:
        ValueError: an entry is not such a pair, repeats an id, or has a key that is shorter than
            `SHORTEST_KEY`. The error completes a sentence that the setting's name begins.
    """
    keys: dict[str, SigningKey] = {}
    for place, entry in enumerate(text.split(","), start=1):
        kid, colon, key = entry.strip().partition(":")
        if not colon or not _KID.fullmatch(kid):
            raise ValueError(
                f"must be kid:key entries with commas between, and entry {place} is none"
            )
        if kid in keys:
            raise ValueError(f"uses the key id of entry {place} twice")
        keys[kid] = SigningKey(kid, _secret(key, place))
    return tuple(keys.values())


def _secret(text: str, place: int) -> bytes:
    try:
        secret = urlsafe_b64decode(text.rstrip("=") + "==")
    except ValueError:
        secret = b""
    canonical = urlsafe_b64encode(secret).decode("ascii")
    if not secret or text not in (canonical, canonical.rstrip("=")):
        raise ValueError(f"has a key that is not base64url, in entry {place}")
    if len(secret) < SHORTEST_KEY:
        raise ValueError(f"has a key that is shorter than {SHORTEST_KEY} bytes, in entry {place}")
    return secret
