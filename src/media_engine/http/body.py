"""A request's body as a JSON object, from anybody.

Pyodide's JSON parser recurses on the stack of the WebAssembly machine. Some thousands of brackets
overflow it, and that is no RecursionError: it ends the interpreter, and with it every request of
the isolate. So the depth is counted before anything is parsed.
"""

import json
import math
import re
from typing import Final, NoReturn

from media_engine.errors import InvalidField
from media_engine.http.message import Request

MAX_BODY_BYTES: Final = 64 * 1024
MAX_DEPTH: Final = 32


async def read_object(request: Request, limit: int = MAX_BODY_BYTES) -> dict[str, object]:
    """Read a request's body, which must be one JSON object (RFC 8259) in UTF-8.

    `Content-Type: application/json` is required, because a browser sends it to another origin
    only after that origin has agreed.

    Args:
        request: the request; its body is read.
        limit: how many bytes are read at most.

    Raises:
        FileTooLarge: the body is longer.
        InvalidField: it is not declared as JSON; or it is not an object, has a name twice, has a
            number that is not finite, is nested too deeply, or is not text.
    """
    content_type = request.headers.get("content-type") or ""
    if content_type.partition(";")[0].strip().lower() != "application/json":
        raise InvalidField("content-type", "must be application/json")
    return parse_object(await request.read(limit))


def parse_object(content: bytes) -> dict[str, object]:
    """Parse a JSON object.

    Args:
        content: its bytes.

    Raises:
        InvalidField: it is none that is accepted.
    """
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        raise InvalidField("body", "must be UTF-8") from None
    if _is_deeper_than(MAX_DEPTH, text):
        raise InvalidField("body", f"must not be nested deeper than {MAX_DEPTH}")
    try:
        value = _DECODER.decode(text)
    # Not JSONDecodeError alone: an integer of thousands of digits is a plain ValueError.
    except ValueError:
        raise InvalidField("body", "must be JSON") from None
    if not isinstance(value, dict):
        raise InvalidField("body", "must be a JSON object")
    if "\\ud" in text or "\\uD" in text:
        _refuse_lone_surrogates(value)
    return value


# A string is matched whole, closed or not, so that no bracket inside one counts and no character
# is looked at twice.
_STRING_OR_BRACKET: Final = re.compile(r'"(?:[^"\\]|\\.)*+"?|[][{}]', re.DOTALL)


def _is_deeper_than(limit: int, text: str) -> bool:
    if text.count("[") + text.count("{") <= limit:
        return False
    depth = 0
    for token in _STRING_OR_BRACKET.finditer(text):
        character = text[token.start()]
        if character in "[{":
            depth += 1
            if depth > limit:
                return True
        elif character in "]}":
            depth -= 1
    return False


def _refuse_lone_surrogates(value: dict[str, object]) -> None:
    """Refuse what JSON can spell with `\\u` and no UTF-8 can hold."""
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        raise InvalidField("body", "must not have half of a surrogate pair") from None


def _unique(members: list[tuple[str, object]]) -> dict[str, object]:
    value = dict(members)
    if len(value) != len(members):
        raise InvalidField("body", "must not have a name twice")
    return value


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        _refuse_number(digits)
    return number


def _refuse_number(_: str) -> NoReturn:
    raise InvalidField("body", "must have finite numbers only")


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_unique, parse_float=_finite, parse_constant=_refuse_number
)
