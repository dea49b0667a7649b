"""Delivery URLs, made without asking anybody.

A private file's URL carries a JWT (RFC 7519, HS256) that the Worker verifies with the same key. It
opens one file for a few minutes. Who it was made for can be told from it only by whoever has the
key and guesses the user: the Worker logs it, and a JWT can be read by all that see it.
"""

import hmac
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

import jwt

from media_shim import conf
from media_shim.uploads import Visibility

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

    from media_shim.keys import SigningKey
    from media_shim.models import MediaObject

AUDIENCE: Final = "media"


@dataclass(frozen=True, slots=True)
class DeliveryUrl:
    """Where a browser finds a file.

    Attributes:
        url: the address. It opens the file for whoever has it.
        expires_at: the first instant at which it opens nothing; None for a public file's.
    """

    url: str = field(repr=False)
    expires_at: datetime | None


def delivery_url(media: "MediaObject", viewer: "AbstractBaseUser", now: datetime) -> DeliveryUrl:
    """Return a URL under which the file can be loaded. Whether this viewer may is asked before.

    A file that became public gets private URLs until the Worker knows it: these open it either way.

    Args:
        media: the file.
        viewer: for whom the URL is.
        now: the time; the URL lives TOKEN_TTL seconds from its whole second on.

    Raises:
        NotConfigured: the settings cannot be used.
    """
    shim = conf.current()
    url = f"{shim.public_url}/m/{quote(media.key, safe='/')}"
    if media.visibility == media.delivered_visibility == Visibility.PUBLIC:
        return DeliveryUrl(url, None)
    issued = now.replace(microsecond=0)
    expires = issued + timedelta(seconds=shim.token_ttl)
    claims = {
        "aud": AUDIENCE,
        "key": media.key,
        "sub": _pseudonym(viewer, shim.signing_key),
        "iat": int(issued.timestamp()),
        "exp": int(expires.timestamp()),
    }
    token = jwt.encode(
        claims, shim.signing_key.secret, algorithm="HS256", headers={"kid": shim.signing_key.kid}
    )
    return DeliveryUrl(f"{url}?t={token}", expires)


def _pseudonym(viewer: "AbstractBaseUser", key: "SigningKey") -> str:
    """Return what stands for the viewer: 128 bits of an HMAC of their id, in base64url.

    What is signed in a JWT never begins with `viewer:`, so neither HMAC can serve as the other.
    """
    digest = hmac.digest(key.secret, f"viewer:{viewer.pk}".encode(), "sha256")
    return urlsafe_b64encode(digest[:16]).rstrip(b"=").decode("ascii")
