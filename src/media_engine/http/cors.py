"""What pages of other origins may do (the Fetch standard's CORS protocol).

Public answers carry `PUBLIC_HEADERS` always, not only where the request has an Origin: a picture
that was cached without them could not be read later by a page that may.
"""

from collections.abc import Collection, Iterable, Mapping
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

SENDING_HEADERS: Final = (
    "Authorization",
    "Content-Type",
    "Tus-Resumable",
    "Upload-Checksum",
    "Upload-Concat",
    "Upload-Defer-Length",
    "Upload-Length",
    "Upload-Metadata",
    "Upload-Offset",
    "X-HTTP-Method-Override",
    "X-Request-ID",
    "X-Requested-With",
)
"""The request headers with which a file is sent."""

SENDING_METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")

_READABLE: Final = (
    "ETag, Location, Retry-After, Tus-Checksum-Algorithm, Tus-Extension, Tus-Max-Size,"
    " Tus-Resumable, Tus-Version, Upload-Concat, Upload-Defer-Length, Upload-Expires,"
    " Upload-Length, Upload-Metadata, Upload-Offset, X-Request-Id"
)

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


def sending_headers(origin: str | None, allowed: Collection[str]) -> dict[str, str]:
    """Return what lets a page of an origin read the answer to an upload's request.

    Args:
        origin: the request's Origin, or None.
        allowed: the origins that may; `*` for any.

    Returns:
        Headers; of these only `Vary` where the origin may not.
    """
    headers = {"Vary": "Origin"}
    if origin is not None and (origin in allowed or "*" in allowed):
        headers["Access-Control-Allow-Origin"] = origin
        headers["Access-Control-Expose-Headers"] = _READABLE
    return headers


def sending_preflight(origin: str | None, allowed: Collection[str]) -> Response:
    """Answer a preflight of an upload's request, without credentials.

    Args:
        origin: the request's Origin, or None.
        allowed: the origins that may; `*` for any.
    """
    headers = sending_headers(origin, allowed)
    if "Access-Control-Allow-Origin" in headers:
        headers |= {
            "Access-Control-Allow-Methods": ", ".join(SENDING_METHODS),
            "Access-Control-Allow-Headers": ", ".join(SENDING_HEADERS),
            "Access-Control-Max-Age": str(_MAX_AGE_SECONDS),
        }
    headers |= {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}
    return Response(204, headers)
