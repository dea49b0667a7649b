"""What is true of every answer, whatever was asked.

nothing but documented statuses, and a failure is an envelope
nothing about a file without the right to it
its bytes are its own, from the first asked for to the last
no header that is more than one line of printable ASCII, and none that lets a browser guess
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesParser

from tests.fuzz.attack import Attack
from tests.fuzz.file import File
from tests.fuzz.oracle import opens
from tests.fuzz.token import Signer

CODES: Mapping[int, set[str]] = {
    401: {
        "TOKEN_MISSING", "TOKEN_MALFORMED", "TOKEN_BAD_SIGNATURE", "TOKEN_UNKNOWN_KEY",
        "TOKEN_EXPIRED", "TOKEN_NOT_YET_VALID", "TOKEN_TTL_TOO_LONG", "TOKEN_KEY_MISMATCH",
    },
    404: {"NOT_FOUND", "MEDIA_NOT_FOUND"},
    405: {"METHOD_NOT_ALLOWED"},
    410: {"MEDIA_GONE", "TOKEN_REVOKED"},
    412: {"PRECONDITION_FAILED"},
    416: {"RANGE_NOT_SATISFIABLE"},
    429: {"RATE_LIMITED"},
}  # fmt: skip
"""The codes of each failure that an attack may meet."""

TELLING = {200, 206, 304, 412, 416}
"""The statuses that say that there is a file, and something of it."""

TYPES = {
    "image/jpeg", "image/png", "image/webp", "image/gif", "image/svg+xml", "image/avif",
    "video/mp4", "video/webm", "application/pdf",
}  # fmt: skip
UNKNOWN_TYPE = "application/octet-stream"

_NAME = re.compile(r"[A-Za-z0-9-]+")


@dataclass(frozen=True)
class Answer:
    """What came back.

    Attributes:
        status: the status code.
        headers: the values by their names in small letters.
        content: the bytes of the body.
    """

    status: int
    headers: Mapping[str, str]
    content: bytes


def judge(
    answer: Answer, attack: Attack, files: Sequence[File], signer: Signer, now: Sequence[int]
) -> None:
    """Hold an answer to what is true of every one.

    Args:
        answer: what came back.
        attack: what was sent.
        files: all files that there are.
        signer: who mints the tokens that are good.
        now: the seconds at which it may have been decided.
    """
    assert answer.status in {200, 204, 206, 304, *CODES}
    _is_harmless(answer)
    if answer.status in CODES:
        _is_an_envelope(answer, attack)
    if answer.status in (200, 206, 304):
        _is_of_a_file(answer, attack, files)
    if answer.status in TELLING:
        _is_rightful(answer, attack, files, signer, now)


def _is_harmless(answer: Answer) -> None:
    for name, value in answer.headers.items():
        assert _NAME.fullmatch(name), name
        assert value.isascii(), (name, value)
        assert value.isprintable(), (name, value)
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "set-cookie" not in answer.headers
    assert "location" not in answer.headers


def _is_an_envelope(answer: Answer, attack: Attack) -> None:
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert answer.headers["x-request-id"]
    assert answer.headers["cache-control"] in ("no-store", "public, max-age=30")
    assert answer.headers.get("retry-after") == ("60" if answer.status == 429 else None)
    if attack.method == "HEAD" and not answer.content:
        return
    members = json.loads(answer.content)
    assert members.keys() == {"error", "code", "status", "requestId"}
    assert members["status"] == answer.status
    assert members["code"] in CODES[answer.status]
    assert members["requestId"] == answer.headers["x-request-id"]
    assert members["error"].endswith(".")


def _is_of_a_file(answer: Answer, attack: Attack, files: Sequence[File]) -> None:
    file = next(file for file in files if file.etag == answer.headers["etag"])
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    parts = _parts(answer)
    kinds = [kind for kind, _, _ in parts] or [answer.headers["content-type"]]
    for kind in kinds:
        assert kind in TYPES | {UNKNOWN_TYPE}
        if kind == UNKNOWN_TYPE:
            assert answer.headers["content-disposition"].partition(";")[0] == "attachment"
            assert "sandbox" in policy
    if attack.method == "HEAD" or answer.status == 304:
        assert answer.content == b""
    elif answer.status == 200:
        assert answer.content == file.content
    else:
        assert attack.method == "GET"
        assert "range" in attack.headers
        assert len(parts) <= 8
        for _, content_range, content in parts:
            assert content == _slice(file.content, content_range)


def _parts(answer: Answer) -> list[tuple[str, str, bytes]]:
    """Return the type, the Content-Range and the bytes of each part of a 206."""
    if answer.status != 206:
        assert "content-range" not in answer.headers
        return []
    kind = answer.headers["content-type"]
    if not kind.startswith("multipart/byteranges;"):
        return [(kind, answer.headers["content-range"], answer.content)]
    assert "content-range" not in answer.headers
    message = BytesParser().parsebytes(f"Content-Type: {kind}\r\n\r\n".encode() + answer.content)
    assert not message.defects
    parts = [part for part in message.walk() if part is not message]
    assert len(parts) > 1
    return [_part(part) for part in parts]


def _part(part: Message) -> tuple[str, str, bytes]:
    content = part.get_payload(decode=True)
    assert isinstance(content, bytes)
    return part["content-type"], part["content-range"], content


def _slice(content: bytes, content_range: str) -> bytes:
    match = re.fullmatch(r"bytes ([0-9]+)-([0-9]+)/([0-9]+)", content_range)
    assert match
    first, last, size = map(int, match.groups())
    assert 0 <= first <= last < size == len(content)
    return content[first : last + 1]


def _is_rightful(
    answer: Answer, attack: Attack, files: Sequence[File], signer: Signer, now: Sequence[int]
) -> None:
    """It tells of a file that everybody may have, or that the token opens."""
    assert attack.method in ("GET", "HEAD")
    token = attack.token
    tag = answer.headers.get("etag")
    told = [file for file in files if tag in (None, file.etag)]
    if token is None:
        assert any(file.public for file in told)
        assert answer.status >= 400 or answer.headers["cache-control"].startswith("public")
        return
    assert any(opens(token, file.key, signer, second) for file in told for second in now)
    assert answer.headers["cache-control"] in ("private, no-store", "no-store")
