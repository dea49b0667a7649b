"""URLs that are signed with AWS Signature Version 4, in their query.

Such a URL lets whoever holds it make one request to the store, for a while: this method, this
object, these headers with these values. The body is not signed, but `content-length` among the
headers makes its length exact.

The steps have the names that AWS's documentation gives them (Amazon S3 API Reference,
"Authenticating Requests: Using Query Parameters"). S3, unlike AWS's other services, encodes a path
once and leaves its dots and double slashes alone.
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final
from urllib.parse import quote

ALGORITHM: Final = "AWS4-HMAC-SHA256"
UNSIGNED_PAYLOAD: Final = "UNSIGNED-PAYLOAD"

LONGEST_LIFE: Final = 604_800
"""How long a URL may open, in seconds: seven days."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """An API token of the store."""

    access_key_id: str
    secret_access_key: str = field(repr=False)


def presign(
    *,
    method: str,
    endpoint: str,
    bucket: str,
    key: str,
    headers: Mapping[str, str],
    credentials: Credentials,
    now: int,
    expires_in: int,
    query: Mapping[str, str] = {},
) -> str:
    """Return a URL for one request about an object of R2.

    Args:
        method: the request's method.
        endpoint: the store's URL without the bucket; it may have a path. Its host is as clients
            will send it: in small letters, without a port that the scheme implies.
        bucket: the bucket's name.
        key: the object's key, not encoded.
        headers: what the request must send besides Host, letter for letter.
        credentials: who signs.
        now: the time, in milliseconds since 1970.
        expires_in: how long the URL opens, in seconds.
        query: the request's own parameters, not encoded.

    Raises:
        ValueError: `expires_in` is outside of 1 to `LONGEST_LIFE`, or a header's value is not
            printable ASCII.
    """
    scheme, _, address = endpoint.partition("://")
    host, _, path = address.rstrip("/").partition("/")
    base = f"/{path}" if path else ""
    return presign_url(
        method=method,
        origin=f"{scheme}://{host}",
        path=f"{base}/{bucket}/{quote(key, safe='/')}",
        query=query,
        headers=headers,
        payload_hash=UNSIGNED_PAYLOAD,
        credentials=credentials,
        region="auto",
        service="s3",
        now=now,
        expires_in=expires_in,
    )


def presign_url(
    *,
    method: str,
    origin: str,
    path: str,
    query: Mapping[str, str],
    headers: Mapping[str, str],
    payload_hash: str,
    credentials: Credentials,
    region: str,
    service: str,
    now: int,
    expires_in: int,
) -> str:
    """Return a URL for one request to any service that knows Signature Version 4.

    Args:
        method: the request's method.
        origin: scheme and host.
        path: the path as it is sent: percent-encoded, beginning with a slash.
        query: the request's own parameters, not encoded.
        headers: what the request must send besides Host.
        payload_hash: the body's SHA-256 in hexadecimal, or `UNSIGNED_PAYLOAD`.
        credentials: who signs.
        region: the service's region.
        service: the service's name in a credential scope.
        now: the time, in milliseconds since 1970.
        expires_in: how long the URL opens, in seconds.

    Raises:
        ValueError: as for `presign`.
    """
    if not 1 <= expires_in <= LONGEST_LIFE:
        raise ValueError(f"a URL opens for 1 to {LONGEST_LIFE} seconds, not {expires_in}")
    timestamp = f"{datetime.fromtimestamp(now // 1000, UTC):%Y%m%dT%H%M%SZ}"
    scope = f"{timestamp[:8]}/{region}/{service}/aws4_request"
    signed_headers = _canonical_headers(headers, origin)
    names = ";".join(signed_headers)
    canonical_query = _canonical_query(
        {
            **query,
            "X-Amz-Algorithm": ALGORITHM,
            "X-Amz-Credential": f"{credentials.access_key_id}/{scope}",
            "X-Amz-Date": timestamp,
            "X-Amz-Expires": str(expires_in),
            "X-Amz-SignedHeaders": names,
        }
    )
    lines = [f"{name}:{value}" for name, value in signed_headers.items()]
    canonical_request = "\n".join((method, path, canonical_query, *lines, "", names, payload_hash))
    signature = _signature(canonical_request, timestamp, scope, credentials.secret_access_key)
    return f"{origin}{path}?{canonical_query}&X-Amz-Signature={signature}"


def _canonical_headers(headers: Mapping[str, str], origin: str) -> dict[str, str]:
    """Return the headers in the order of their names, Host among them."""
    values = {name.lower(): _canonical_value(value) for name, value in headers.items()}
    values["host"] = origin.partition("://")[2]
    return dict(sorted(values.items()))


def _canonical_value(value: str) -> str:
    """Return the value with single spaces. A line feed in it would sign a header more."""
    if not (value.isascii() and value.isprintable()):
        raise ValueError("a header's value is not printable ASCII")
    return " ".join(value.split())


def _canonical_query(parameters: Mapping[str, str]) -> str:
    """Return the query as it is signed and sent: encoded, then sorted."""
    encoded = sorted(
        (quote(name, safe=""), quote(value, safe="")) for name, value in parameters.items()
    )
    return "&".join(f"{name}={value}" for name, value in encoded)


def _signature(canonical_request: str, timestamp: str, scope: str, secret: str) -> str:
    """Sign with a key that is derived from the secret through each part of the scope in turn."""
    request_hash = sha256(canonical_request.encode("utf-8")).hexdigest()
    string_to_sign = "\n".join((ALGORITHM, timestamp, scope, request_hash))
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = _hmac(key, part)
    return _hmac(key, string_to_sign).hex()


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode("utf-8"), "sha256")
