"""One parameter of a query, without parsing all of it."""

from urllib.parse import unquote_plus


def first(query: str, name: str) -> str | None:
    """Return the first value of a parameter.

    Of a parameter that is given twice the first counts, here as in the browser's
    `URLSearchParams.get`, and the others are never looked at: nothing checks one and uses
    another. A parameter without `=` is not there, nor is one whose name is percent-encoded.

    Args:
        query: the query string without its question mark, still encoded.
        name: the parameter's name, of characters that no one encodes.

    Returns:
        The value, decoded once, with `+` for a space; None if the parameter is not there.
    """
    wanted = name + "="
    if query.startswith(wanted):
        start = len(wanted)
    else:
        at = query.find("&" + wanted)
        if at < 0:
            return None
        start = at + 1 + len(wanted)
    end = query.find("&", start)
    value = query[start:] if end < 0 else query[start:end]
    return unquote_plus(value) if "%" in value or "+" in value else value
