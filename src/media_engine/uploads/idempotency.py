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

HEADER: Final = "Idempotency-Key"

_KEY: Final = re.compile(r"[\x21-\x7e]{1,255}")


@dataclass(frozen=True, slots=True)
class Claim:
    """What a request calls itself, and what it asks for.

    Attributes:
        key: its name; a caller's own, so that two callers may have the same.
        fingerprint: tells it from a request that asks for something else.
    """

    key: str
    fingerprint: str

    @classmethod
    def parse(cls, key: object, call: str, fields: Mapping[str, object]) -> "Claim | None":
        """Read the claim of a request; None if it has no name.

        Args:
            key: the header's value, or None.
            call: what is called, so that one name does not stand for two calls.
            fields: the body. The order of its members does not matter.

        Raises:
            InvalidField: the key cannot be one.
        """
        if key is None:
            return None
        if not (isinstance(key, str) and _KEY.fullmatch(key)):
            raise InvalidField(HEADER, "must be 1 to 255 printable ASCII characters, no spaces")
        asked = json.dumps([call, fields], sort_keys=True, separators=(",", ":"))
        return cls(key, sha256(asked.encode()).hexdigest())
