"""Where a browser finds a file, and where the edge cache keeps it."""

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


def view_url(public_url: str, token: str) -> str:
    """Return what comes before the key in the URL of each file that the token opens."""
    return f"{public_url}/view/{token}/"


def cache_entry(key: str, *, private: bool) -> str:
    """Return the entry of the edge cache that holds a file.

    A file has two, and they never mix: what everybody may reach, and what is reached only after a
    token was verified.
    """
    return f"{'private' if private else 'public'}/{key}"


def cache_entries(key: str) -> tuple[str, str]:
    """Return both entries of a file."""
    return cache_entry(key, private=False), cache_entry(key, private=True)


def cache_tag(key: str) -> str:
    """Return the tag by which both entries of a file are purged everywhere.

    It is made of the file's id, which is the last segment of its key without the extension.
    """
    return f"m-{key.rpartition('/')[2].partition('.')[0]}"
