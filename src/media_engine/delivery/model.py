"""Where a browser finds a file."""

from urllib.parse import quote


def delivery_url(public_url: str, key: str, token: str | None) -> str:
    """Return the URL of a file.

    Args:
        public_url: where browsers find the Worker, without a slash at the end.
        key: the file's key.
        token: what opens it, or None for a public file.
    """
    url = f"{public_url}/m/{quote(key)}"
    return url if token is None else f"{url}?t={token}"
