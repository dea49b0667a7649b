"""Cloudflare's API, as data: the request that purges tags, and what its answer means.

`POST /zones/{zone_id}/purge_cache {"tags": […]}`. An answer of 200 can be a refusal: only
`"success": true` is none. Of what is refused the log gets the status and the numbers of the errors.
Their texts it does not get, because nobody promises what is in them.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from media_engine.errors import InvalidField
from media_engine.http.body import parse_object
from media_engine.ports import HttpRequest
from media_engine.settings import PurgeSettings

ANSWER_BYTES: Final = 16 * 1024
"""How much of an answer is read."""

CREDENTIALS_ADVICE: Final = (
    "CLOUDFLARE_API_TOKEN is not accepted: it needs the permission Cache Purge"
    " for the zone of CLOUDFLARE_ZONE_ID."
)
ZONE_ADVICE: Final = "There is no zone of this id: see CLOUDFLARE_ZONE_ID."
RATE_ADVICE: Final = (
    "Cloudflare takes no more calls now. If this goes on, let batches grow: max_batch_timeout"
    " in wrangler.toml."
)
UNCLEAR_ADVICE: Final = "Cloudflare's API did not purge. See CLOUDFLARE_API_URL if this goes on."
SILENT_ADVICE: Final = "Cloudflare's API did not answer. See CLOUDFLARE_API_URL if this goes on."
SETTINGS_ADVICE: Final = (
    "Nothing can be purged: set CLOUDFLARE_ZONE_ID and CLOUDFLARE_API_TOKEN; /health says what is"
    " wrong with them."
)

# What the API says of credentials that cannot be read, do not exist or may not, and of a path
# without a zone.
_CREDENTIALS_CODES: Final = frozenset({6003, 9106, 9109, 10000})
_ZONE_CODES: Final = frozenset({7000, 7003})


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a call purged nothing.

    Attributes:
        advice: what to do about it, as a sentence.
        status: what was answered, or None if nothing was.
        codes: the numbers of the API's errors.
        wait: for how many seconds the API wants to be left alone; 0 if it did not say.
        reason: what the platform says where nothing was answered.
    """

    advice: str
    status: int | None = None
    codes: tuple[int, ...] = ()
    wait: int = 0
    reason: str | None = None


NO_ZONE: Final = Refusal(SETTINGS_ADVICE)


def request(zone: PurgeSettings, tags: Sequence[str]) -> HttpRequest:
    """Return the request that purges everything with one of these tags."""
    return HttpRequest(
        "POST",
        f"{zone.api_url}/zones/{zone.zone_id}/purge_cache",
        {
            "Authorization": f"Bearer {zone.api_token}",
            "Content-Type": "application/json",
            "Accept": "application/json",
        },
        json.dumps({"tags": list(tags)}).encode(),
    )


def refusal(status: int, content: bytes, retry_after: str | None) -> Refusal | None:
    """Return why nothing was purged, or None if it was.

    Args:
        status: the answer's status.
        content: its body, as much of it as was read.
        retry_after: its header of that name.
    """
    body = _object(content)
    if status == 200 and body.get("success") is True:
        return None
    codes = _codes(body.get("errors"))
    return Refusal(_advice(status, frozenset(codes)), status, codes, _seconds(retry_after))


def silence(reason: str) -> Refusal:
    """Return what it means that nothing was answered.

    Args:
        reason: what the platform says.
    """
    return Refusal(SILENT_ADVICE, reason=reason)


def _advice(status: int, codes: frozenset[int]) -> str:
    if status == 429:
        return RATE_ADVICE
    if status in (401, 403) or codes & _CREDENTIALS_CODES:
        return CREDENTIALS_ADVICE
    if status == 404 or codes & _ZONE_CODES:
        return ZONE_ADVICE
    return UNCLEAR_ADVICE


def _object(content: bytes) -> dict[str, object]:
    try:
        return parse_object(content)
    except InvalidField:
        return {}


def _codes(errors: object) -> tuple[int, ...]:
    if not isinstance(errors, list):
        return ()
    codes = (error.get("code") for error in errors if isinstance(error, dict))
    return tuple(code for code in codes if type(code) is int)


def _seconds(retry_after: str | None) -> int:
    """Read a `Retry-After` in seconds (RFC 9110 §10.2.3); a date counts as nothing."""
    text = retry_after or ""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 7 else 0
