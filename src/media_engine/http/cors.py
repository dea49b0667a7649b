"""What pages of other origins may do (the Fetch standard's CORS protocol).

Public answers carry `PUBLIC_HEADERS` always, not only where the request has an Origin: a picture
that was cached without them could not be read later by a page that may.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from media_engine.http.message import Response

READING_HEADERS: Final = (
    "Range",
    "If-Range",
    "If-Match",
    "If-None-Match",
    "If-Modified-Since",
    "If-Unmodified-Since",
)
"""The request headers with which a file is read."""

PUBLIC_HEADERS: Final[Mapping[str, str]] = {
    "Access-Control-Allow-Origin": "*",
    # Those that a script may not read unless they are named here.
    "Access-Control-Expose-Headers": (
        "Accept-Ranges, Content-Disposition, Content-Length, Content-Range, ETag,"
        " Retry-After, X-Request-Id"
    ),
}
"""What every public answer has."""

_MAX_AGE_SECONDS: Final = 86_400


def preflight(methods: Iterable[str], headers: Iterable[str]) -> Response:
    """Answer a preflight: any origin may, without credentials.

    Args:
        methods: the verbs that may be used.
        headers: the request headers that may be sent.
    """
    return Response(
        204,
        {
            "Access-Control-Allow-Origin": "*",
            "Access-Control-Allow-Methods": ", ".join(methods),
            "Access-Control-Allow-Headers": ", ".join(headers),
            "Access-Control-Max-Age": str(_MAX_AGE_SECONDS),
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
        },
    )
