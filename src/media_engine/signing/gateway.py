"""Who is calling, as the application's gateway says.

The gateway has authenticated the user; the engine only has to know that it is the gateway that
speaks. Over HTTP it proves that with a shared secret; over the service binding the platform does.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from hmac import compare_digest
from typing import Final

from media_engine.errors import Forbidden, InvalidField, Unauthorized

READ: Final = "media:files.read"
WRITE: Final = "media:files.write"
OWNER: Final = "system:owner"
"""May do everything, inside its own scope."""

DEVELOPMENT_KEY: Final = "dev-gateway-key"
"""The secret that is published with the source."""

_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


class GatewayKeysError(ValueError):
    """The text holds no secrets. The error completes a sentence that the setting's name begins."""


@dataclass(frozen=True, slots=True)
class GatewayKeys:
    """The secrets by which the gateway is known, each accepted, so that they can be changed.

    Only their hashes are kept. They are all of one length, so that how long a comparison takes
    says nothing, not even how long a secret is.
    """

    _hashes: tuple[bytes, ...] = field(repr=False)

    @classmethod
    def empty(cls) -> "GatewayKeys":
        """Return the keys of which there are none: nobody is accepted."""
        return cls(())

    @classmethod
    def parse(cls, text: str) -> "GatewayKeys":
        """Read the secrets from a list with commas between.

        Raises:
            GatewayKeysError: there is none, or one of them is empty.
        """
        if not text.strip():
            raise GatewayKeysError("has no keys")
        keys = [key.strip() for key in text.split(",")]
        if not all(keys):
            raise GatewayKeysError("has an empty key between its commas")
        return cls(tuple(_hash(key) for key in keys))

    def accepts(self, presented: str | None) -> bool:
        """Tell whether this is one of the secrets, in a time that does not say which."""
        if presented is None:
            return False
        presented_hash = _hash(presented)
        accepted = False
        for known in self._hashes:
            accepted |= compare_digest(known, presented_hash)
        return accepted

    @property
    def has_development_key(self) -> bool:
        """Whether one of the secrets is known to everybody."""
        return self.accepts(DEVELOPMENT_KEY)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who is calling.

    Attributes:
        user_id: the user.
        tenant_id: the tenant for which they act, or None if they act for themselves.
        permissions: what they may do.
        shim: the shim that calls on their behalf, which manages its own files, or None.
    """

    user_id: str
    tenant_id: str | None
    permissions: frozenset[str]
    shim: str | None = None

    @classmethod
    def from_headers(cls, get: Callable[[str], str | None]) -> "Identity":
        """Read the identity that the gateway sent.

        Args:
            get: returns the value of a header, or None.

        Raises:
            Unauthorized: no user is named.
            InvalidField: an id is none; it is named by its header.
        """
        permissions = (get("x-user-permissions") or "").split(",")
        return cls(
            user_id=_user("x-user-id", get("x-user-id")),
            tenant_id=_optional_id("x-tenant-id", get("x-tenant-id")),
            permissions=frozenset(permission.strip() for permission in permissions) - {""},
            shim=_optional_id("x-media-shim", get("x-media-shim")),
        )

    @classmethod
    def from_mapping(cls, fields: Mapping[str, object]) -> "Identity":
        """Read the identity that came over the service binding.

        Args:
            fields: `userId`, `tenantId` (or None), `permissions` as a list, `shim` (or None).

        Raises:
            Unauthorized: no user is named.
            InvalidField: a field cannot be used.
        """
        return cls(
            user_id=_user("userId", fields.get("userId")),
            tenant_id=_optional_id("tenantId", fields.get("tenantId")),
            permissions=_permissions("permissions", fields.get("permissions")),
            shim=_optional_id("shim", fields.get("shim")),
        )

    @property
    def scope(self) -> str:
        """Whose files the caller acts on: `t:{tenantId}` or `u:{userId}`."""
        return f"u:{self.user_id}" if self.tenant_id is None else f"t:{self.tenant_id}"

    def require(self, permission: str) -> None:
        """Refuse a caller without this permission.

        Raises:
            Forbidden: they have neither it nor `OWNER`.
        """
        if self.permissions.isdisjoint((permission, OWNER)):
            raise Forbidden(f"This needs the permission {permission}.")


def _hash(key: str) -> bytes:
    return sha256(key.encode("utf-8", "surrogatepass")).digest()


def _user(field_name: str, value: object) -> str:
    if value is None or value == "":
        raise Unauthorized(f"{field_name} is missing.")
    return _id(field_name, value)


def _optional_id(field_name: str, value: object) -> str | None:
    """Return an id that may be absent.

    An empty one is refused: an empty tenant would move a tenant's files to a user, and an empty
    shim would leave files to everybody.
    """
    return None if value is None else _id(field_name, value)


def _id(field_name: str, value: object) -> str:
    if not isinstance(value, str) or not _ID.fullmatch(value):
        raise InvalidField(field_name, "must be 1 to 64 letters, digits, underscores or hyphens")
    return value


def _permissions(field_name: str, value: object) -> frozenset[str]:
    if value is None:
        return frozenset()
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise InvalidField(field_name, "must be a list of strings")
    return frozenset(value)
