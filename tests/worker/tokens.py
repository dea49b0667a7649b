"""Delivery tokens as any backend would mint them: with PyJWT and the development key."""

import secrets
import time
from typing import Any
from urllib.parse import quote

import jwt

KID = "dev1"
SECRET = b"development-only-media-token-key-1"


def mint(secret: bytes = SECRET, kid: str = KID, life: int = 300, **claims: Any) -> str:
    """Return a token that lives for so many seconds and says these claims."""
    said = {"aud": "media", "exp": int(time.time()) + life, **claims}
    return jwt.encode(said, secret, algorithm="HS256", headers={"kid": kid})


def new_id() -> str:
    """Return an id that no token ever had."""
    return secrets.token_urlsafe(16)


def file_url(worker_url: str, key: str, **claims: Any) -> str:
    """Return the URL that opens a private file."""
    return f"{worker_url}/m/{quote(key)}?t={mint(key=key, **claims)}"
