import asyncio
import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_engine.errors import FileTooLarge, InvalidField
from media_engine.http.body import MAX_BODY_BYTES, MAX_DEPTH, parse_object, read_object
from media_engine.http.message import Request
from tests.unit.http.headers import Headers

JSON = "application/json"


def posted(content: bytes, content_type: str | None = JSON) -> Request:
    """Return a request with a body, which is read as the platform's adapter reads it."""

    async def read(limit: int) -> bytes:
        if len(content) > limit:
            raise FileTooLarge("body", f"is longer than {limit} bytes")
        return content

    headers = {} if content_type is None else {"Content-Type": content_type}
    return Request("POST", "/upload/presign", "", Headers(headers), read, "r")


def read(request: Request) -> dict[str, object]:
    return asyncio.run(read_object(request))


def nested(depth: int, opening: str, closing: str) -> bytes:
    return ('{"a":' + opening * depth + "1" + closing * depth + "}").encode()


@pytest.mark.parametrize(
    "content_type",
    [JSON, "application/json; charset=utf-8", "Application/JSON", "application/json ;x=y"],
)
def test_a_json_object_is_read(content_type: str) -> None:
    request = posted('{"fileName": "Übergröße.jpg", "fileSize": 12}'.encode(), content_type)
    assert read(request) == {"fileName": "Übergröße.jpg", "fileSize": 12}


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "",
        "text/plain",
        "text/json",
        "application/json5",
        "application/x-www-form-urlencoded",
        "text/plain; application/json",
    ],
)
def test_what_is_not_declared_as_json_is_not_read(content_type: str | None) -> None:
    with pytest.raises(InvalidField) as refused:
        read(posted(b"{}", content_type))
    assert refused.value.field == "content-type"


def test_a_body_may_be_as_long_as_the_limit_and_no_longer() -> None:
    padding = b" " * (MAX_BODY_BYTES - 2)
    assert read(posted(b"{" + padding + b"}")) == {}
    with pytest.raises(FileTooLarge) as refused:
        read(posted(b"{" + padding + b" }"))
    assert refused.value.field == "body"


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "must be JSON"),
        (b"{", "must be JSON"),
        (b"{'a': 1}", "must be JSON"),
        (b'{"a": 1,}', "must be JSON"),
        (b'{"a": 1} {}', "must be JSON"),
        (b'{"a": 01}', "must be JSON"),
        (b'{"a": "\n"}', "must be JSON"),
        (b'{"a": "\\\n' + b"[" * 100 + b'"}', "must be JSON"),
        (b"\xef\xbb\xbf{}", "must be JSON"),
        (b'{"a": ' + b"1" * 10_000 + b"}", "must be JSON"),
        (b'{"a": "\xff"}', "must be UTF-8"),
        (b'{"a": "\xed\xa0\x80"}', "must be UTF-8"),
        ('{"a": 1}'.encode("utf-16"), "must be UTF-8"),
        (b"[]", "must be a JSON object"),
        (b"null", "must be a JSON object"),
        (b'"a"', "must be a JSON object"),
        (b"1", "must be a JSON object"),
        (b'{"a": 1, "a": 1}', "must not have a name twice"),
        (b'{"a": 1, "\\u0061": 2}', "must not have a name twice"),
        (b'{"a": [{"b": 1, "b": 2}]}', "must not have a name twice"),
        (b'{"a": NaN}', "must have finite numbers only"),
        (b'{"a": Infinity}', "must have finite numbers only"),
        (b'{"a": -Infinity}', "must have finite numbers only"),
        (b'{"a": 1e999}', "must have finite numbers only"),
        (b'{"a": "\\ud800"}', "must not have half of a surrogate pair"),
        (b'{"a": [{"\\uDFFF": 1}]}', "must not have half of a surrogate pair"),
    ],
)
def test_what_is_no_proper_json_object_is_refused(content: bytes, why: str) -> None:
    with pytest.raises(InvalidField) as refused:
        parse_object(content)
    assert refused.value.field == "body"
    assert refused.value.message == f"body {why}."


def test_a_whole_surrogate_pair_is_one_character() -> None:
    assert parse_object(b'{"a": "\\ud83d\\ude00"}') == {"a": "\U0001f600"}


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}"), ('[{"a":', "}]")])
def test_a_body_is_nested_only_so_deep(opening: str, closing: str) -> None:
    # One level is the object that all of it is in.
    fits = (MAX_DEPTH - 1) // len(closing)
    assert parse_object(nested(fits, opening, closing))
    with pytest.raises(InvalidField, match="nested"):
        parse_object(nested(fits + 1, opening, closing))


@pytest.mark.parametrize(
    "content",
    [
        b"[" * 65_536,
        b'{"a":' * 13_000,
        b'{"a": "' + b'\\"' * 30_000 + b'", "b": ' + b"[" * 5_000,
    ],
)
def test_brackets_that_are_never_closed_are_counted_before_they_are_parsed(content: bytes) -> None:
    with pytest.raises(InvalidField, match="nested"):
        parse_object(content)


def test_what_is_nested_as_deep_as_allowed_may_have_more_beside_it() -> None:
    assert parse_object(b'{"a":' + b"[" * (MAX_DEPTH - 1) + b"]" * (MAX_DEPTH - 1) + b',"b":[[]]}')


def test_a_string_that_is_never_closed_is_looked_at_once() -> None:
    # What begins anew at each of its quotation marks is not done with them for hours.
    with pytest.raises(InvalidField, match="must be JSON"):
        parse_object(b'{"a": [' + b"[]," * 100 + b'"' + b'\\"' * 1_000_000)


@pytest.mark.parametrize("text", ["[" * 500, '"[' * 500, "\\[{" * 500, '\\"[{' * 500, "[\\" * 500])
def test_brackets_in_a_string_nest_nothing(text: str) -> None:
    assert parse_object(json.dumps({"a": text}).encode()) == {"a": text}


def test_many_brackets_side_by_side_nest_nothing() -> None:
    parts = [{"part": number, "tags": []} for number in range(1_000)]
    assert parse_object(json.dumps({"parts": parts}).encode()) == {"parts": parts}


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**300), 10**300)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda values: st.lists(values, max_size=4) | st.dictionaries(st.text(), values, max_size=4),
)


@given(st.dictionaries(st.text(), VALUES, max_size=6), st.booleans())
def test_every_object_is_read_back(value: dict[str, object], ascii_only: bool) -> None:
    assert parse_object(json.dumps(value, ensure_ascii=ascii_only).encode()) == value


@given(
    st.binary(max_size=200) | st.text('[]{}":,\\ud8019eE.+-ntf \n', max_size=200).map(str.encode)
)
def test_any_bytes_are_an_object_or_refused(content: bytes) -> None:
    with contextlib.suppress(InvalidField):
        assert isinstance(parse_object(content), dict)
