"""A request that names itself, so that sending it again makes nothing twice.

The header is that of the IETF's draft (draft-ietf-httpapi-idempotency-key-header), whatever its
value looks like: with or without the quotes of a structured field, it is one name.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from media_engine.errors import InvalidField
from media_engine.signing.gateway import Identity

HEADER: Final = "Idempotency-Key"

KEY_LIFE_MS: Final = 24 * 3_600_000
"""How long a request is known by its `Idempotency-Key`, in milliseconds."""

_KEY: Final = re.compile(r"[\x21-\x7e]{1,255}")


@dataclass(frozen=True, slots=True)
class Claim:
    """What a request calls itself, and what it asks for.

    Its name is a caller's own, and a call's: two callers, or two calls, may have the same.

    Attributes:
        scope: whose files it is about.
        user_id: who asks.
        call: what is called.
        key: its name.
        fingerprint: tells it from a request that asks for something else.
    """

    scope: str
    user_id: str
    call: str
    key: str
    fingerprint: str

    @classmethod
    def parse(
        cls, identity: Identity, call: str, key: object, fields: Mapping[str, object]
    ) -> "Claim | None":
        """Read the claim of a request; None if it has no name.

        Args:
            identity: who asks.
            call: what is called.
            key: the header's value, or None.
            fields: the body. The order of its members does not matter.

        Raises:
            InvalidField: the key cannot be one.
        """
        if key is None:
            return None
        if not (isinstance(key, str) and _KEY.fullmatch(key)):
            raise InvalidField(HEADER, "must be 1 to 255 printable ASCII characters, no spaces")
        # What came over RPC can have members of which JSON knows nothing.
        asked = json.dumps([call, fields], sort_keys=True, separators=(",", ":"), default=str)
        fingerprint = sha256(asked.encode()).hexdigest()
        return cls(identity.scope, identity.user_id, call, key, fingerprint)


@dataclass(frozen=True, slots=True)
class Making:
    """What a request makes, if it has not made it before.

    Attributes:
        id: of what is made.
        now: the time in milliseconds.
        forgotten_at: until when the request is known by its name, in milliseconds.
        running_until: until when nobody else makes it, in milliseconds. It is `now` for what is
            made in the transaction that takes the name.
    """

    id: str
    now: int
    forgotten_at: int
    running_until: int

    @classmethod
    def at_once(cls, made: str, now: int, forgotten_at: int | None = None) -> "Making":
        """Return what is made in the transaction that takes the name."""
        return cls(made, now, now + KEY_LIFE_MS if forgotten_at is None else forgotten_at, now)

    @classmethod
    def until(cls, made: str, now: int, running_until: int) -> "Making":
        """Return what is made afterwards, and by nobody else until an instant."""
        return cls(made, now, now + KEY_LIFE_MS, running_until)


@dataclass(frozen=True, slots=True)
class Made:
    """What a name stands for.

    Attributes:
        id: of what was made by that name, or is being made.
        since: when that began, in milliseconds.
    """

    id: str
    since: int
