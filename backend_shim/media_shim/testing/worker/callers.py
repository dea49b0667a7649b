"""Who is asking, as the headers say, and what they may do."""

from dataclasses import dataclass
from typing import Final

import httpx

from media_shim.client import OWNER
from media_shim.conf import IDENTIFIER
from media_shim.testing.worker.addresses import GATEWAY_KEY
from media_shim.testing.worker.answers import Invalid, Missing, Refused

WRITE: Final = "media:files.write"


@dataclass(frozen=True)
class Caller:
    """Who is asking.

    Attributes:
        user: the user.
        tenant: the tenant they act for, or None.
        shim: the shim that asks on their behalf, or None.
        permissions: what they may do.
    """

    user: str
    tenant: str | None
    shim: str | None
    permissions: frozenset[str]

    @classmethod
    def of(cls, headers: httpx.Headers) -> "Caller":
        """Read the headers.

        Raises:
            Refused: they are not those of the application, or name nobody.
        """
        if headers.get("x-gateway-key") != GATEWAY_KEY:
            raise Refused(401, "UNAUTHORIZED", "The gateway key is wrong.")
        if not headers.get("x-user-id"):
            raise Refused(401, "UNAUTHORIZED", "No user is named.")
        for name in ("x-user-id", "x-tenant-id", "x-media-shim"):
            if headers.get(name) and not IDENTIFIER.fullmatch(headers[name]):
                raise Invalid(name, "must be 1 to 64 letters, digits, underscores or hyphens")
        return cls(
            headers["x-user-id"],
            headers.get("x-tenant-id") or None,
            headers.get("x-media-shim") or None,
            frozenset(headers.get("x-user-permissions", "").split(",")),
        )

    @property
    def scope(self) -> str:
        """Whose files they act on: `t:<tenant>` or `u:<user>`."""
        return f"t:{self.tenant}" if self.tenant else f"u:{self.user}"

    def require(self, permission: str) -> None:
        """Refuse those who have neither this permission nor every one."""
        if self.permissions.isdisjoint((permission, OWNER)):
            raise Refused(403, "FORBIDDEN", f"This needs {permission}.")

    def managing(self) -> str:
        """Return the shim that asks about the files of all its users; refuse anybody else."""
        self.require(OWNER)
        if self.tenant is not None:
            raise Refused(403, "FORBIDDEN", "This is about files of all tenants.")
        if self.shim is None:
            raise Missing("x-media-shim")
        return self.shim
