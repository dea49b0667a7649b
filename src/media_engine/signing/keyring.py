"""The keys of the engine's tokens: the first signs, all verify.

A key is changed by adding one in front and taking the old one away when its tokens have died.
No error and no repr shows a key. Errors name an entry by its place, because what stands where a
key's id should be may well be the key.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from media_engine.signing import base64url

SHORTEST_KEY: Final = 32
"""In bytes: HS256 asks for no less than its hash's length (RFC 7518 §3.2)."""

DEVELOPMENT_PREFIX: Final = b"development-only"
"""What the keys begin with that are published with the source."""

_KID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


class KeyringError(ValueError):
    """The text holds no keyring. The error completes a sentence that the setting's name begins."""


@dataclass(frozen=True, slots=True)
class Keyring:
    """Keys by their ids, the one that signs first."""

    _keys: Mapping[str, bytes] = field(repr=False)

    def __hash__(self) -> int:
        return hash(tuple(self._keys))

    @classmethod
    def empty(cls) -> "Keyring":
        """Return the keyring that knows no key: it refuses every token, and cannot sign."""
        return cls({})

    @classmethod
    def parse(cls, text: str) -> "Keyring":
        """Read a keyring.

        Args:
            text: `kid:key` entries with commas between, each key in base64url.

        Raises:
            KeyringError: an entry is not such a pair, repeats an id, or has a key that is shorter
                than `SHORTEST_KEY`.
        """
        if not text.strip():
            raise KeyringError("has no keys")
        keys: dict[str, bytes] = {}
        for place, entry in enumerate(text.split(","), start=1):
            kid, colon, key = entry.strip().partition(":")
            if not (colon and _KID.fullmatch(kid)):
                raise KeyringError(
                    f"must be kid:key entries with commas between, and entry {place} is none"
                )
            if kid in keys:
                raise KeyringError(f"uses the key id of entry {place} twice")
            keys[kid] = _decode(key, place)
        return cls(keys)

    @property
    def signing(self) -> tuple[str, bytes]:
        """The id and the bytes of the key that signs.

        Raises:
            KeyringError: there is none.
        """
        for kid, key in self._keys.items():
            return kid, key
        raise KeyringError("has no keys")

    def get(self, kid: str) -> bytes | None:
        """Return the key with this id, or None."""
        return self._keys.get(kid)

    @property
    def has_development_key(self) -> bool:
        """Whether one of the keys is known to everybody."""
        return any(key.startswith(DEVELOPMENT_PREFIX) for key in self._keys.values())


def _decode(text: str, place: int) -> bytes:
    """Return a key's bytes. Padding is allowed here: it is what `openssl` and `base64` write."""
    unpadded = text.rstrip("=")
    try:
        if unpadded != text and (len(text) % 4 or len(text) - len(unpadded) > 2):
            raise ValueError("padded to another length")
        key = base64url.decode(unpadded)
    except ValueError:
        raise KeyringError(f"has a key that is not base64url, in entry {place}") from None
    if len(key) < SHORTEST_KEY:
        raise KeyringError(f"has a key that is shorter than {SHORTEST_KEY} bytes, in entry {place}")
    return key
