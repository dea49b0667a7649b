"""Answers in JSON, and the one place where an error becomes one.

They are never cached: what is wrong or pending now need not be in a second. They are plain ASCII,
because JSON can hold half of a surrogate pair and UTF-8 cannot.
"""

import json
from typing import Final

from media_engine.errors import MediaError
from media_engine.http.message import Response

_encode: Final = json.JSONEncoder(allow_nan=False, separators=(",", ":")).encode


def json_response(status: int, data: object, request_id: str | None = None) -> Response:
    """Answer with data.

    Args:
        status: the status code.
        data: what `json` can encode.
        request_id: names the request, where whoever answers knows it.
    """
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
    }
    if request_id is not None:
        headers["X-Request-Id"] = request_id
    return Response(status, headers, _encode(data))


def envelope(error: MediaError, request_id: str) -> dict[str, object]:
    """Return an error as the API shows it: its code, its status, and what it was about.

    Args:
        error: the error. Its `reason` is for the log and is not in it.
        request_id: names the request, so that a person can quote it.
    """
    return {
        "error": error.message,
        "code": error.code,
        "status": error.status,
        "requestId": request_id,
        **error.details,
    }


def error_response(error: MediaError, request_id: str) -> Response:
    """Answer with an error's envelope, and with the headers that the error brings.

    Args:
        error: the error.
        request_id: names the request.
    """
    response = json_response(error.status, envelope(error, request_id), request_id)
    response.headers.update(error.headers)
    return response
