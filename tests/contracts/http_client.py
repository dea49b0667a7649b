"""What a client of other people's servers promises."""

import json
from typing import Protocol

from media_engine.http.message import ByteStream
from media_engine.ports import HttpAnswer, HttpClient, HttpRequest, HttpUnreachable

LONG = 10_000
"""More milliseconds than any of these answers takes."""

SHORT = 300
"""Fewer than some of them take."""


class HttpHarness(Protocol):
    """A client, and a server for it to talk to: `tests.contracts.http_server`.

    Attributes:
        url: where the server is.
    """

    http: HttpClient
    url: str

    async def read(self, stream: ByteStream) -> bytes:
        """Read a stream to its end."""
        ...


async def _get(harness: HttpHarness, path: str, timeout: int = LONG) -> HttpAnswer:
    return await harness.http.send(HttpRequest("GET", harness.url + path), timeout=timeout)


async def _is_unreachable(harness: HttpHarness, path: str, timeout: int = LONG) -> bool:
    try:
        await (await _get(harness, path, timeout)).read(1_000)
    except HttpUnreachable as error:
        return bool(error.reason)
    return False


async def _reason(harness: HttpHarness, request: HttpRequest) -> str:
    """Return why a request cannot be sent."""
    try:
        await harness.http.send(request, timeout=LONG)
    except HttpUnreachable as error:
        return error.reason
    raise AssertionError("somebody answered")


async def a_request_arrives_as_it_was_made(harness: HttpHarness) -> None:
    body = bytes(range(256))
    headers = {"Content-Type": "application/x-test", "X-Two-Words": "a, b"}
    request = HttpRequest("PUT", f"{harness.url}/mirror?a=b&c=%20", headers, body)
    answer = await harness.http.send(request, timeout=LONG)
    seen = json.loads(await answer.read(10_000))
    assert seen["method"] == "PUT"
    assert seen["path"] == "/mirror?a=b&c=%20"
    assert seen["type"] == "application/x-test"
    assert seen["words"] == "a, b"
    assert bytes.fromhex(seen["body"]) == body


async def a_request_can_have_no_body(harness: HttpHarness) -> None:
    seen = json.loads(await (await _get(harness, "/mirror")).read(10_000))
    assert (seen["method"], seen["body"]) == ("GET", "")


async def an_answer_has_its_status_its_headers_and_its_body(harness: HttpHarness) -> None:
    answer = await _get(harness, "/plain")
    assert answer.status == 203
    assert answer.headers.get("X-Test") == "one"
    assert answer.headers.get("x-test") == "one"
    assert answer.headers.get("x-absent") is None
    assert await answer.read(100) == b"0123456789"


async def a_body_is_read_no_further_than_was_asked(harness: HttpHarness) -> None:
    assert await (await _get(harness, "/plain")).read(4) == b"0123"
    assert await (await _get(harness, "/plain")).read(10) == b"0123456789"
    assert len(await (await _get(harness, "/large")).read(100_000)) == 100_000


async def a_body_that_is_not_there_is_empty(harness: HttpHarness) -> None:
    assert await (await _get(harness, "/empty")).read(100) == b""
    nothing = await _get(harness, "/204")
    assert nothing.status == 204
    assert await nothing.read(100) == b""
    assert await harness.read((await _get(harness, "/204")).body) == b""


async def a_body_can_be_handed_on_as_a_stream(harness: HttpHarness) -> None:
    content = await harness.read((await _get(harness, "/large")).body)
    assert content == b"x" * 300_000


async def a_body_can_be_let_go_unread(harness: HttpHarness) -> None:
    for _ in range(10):
        (await _get(harness, "/large")).body.cancel()
    assert (await _get(harness, "/plain")).status == 203


async def a_redirect_is_an_answer_like_others(harness: HttpHarness) -> None:
    answer = await _get(harness, "/redirect")
    assert answer.status == 302
    assert answer.headers.get("location") == "/plain"
    await answer.read(100)


async def an_error_is_an_answer_like_others(harness: HttpHarness) -> None:
    for status in (403, 429, 500, 503):
        answer = await _get(harness, f"/{status}")
        assert answer.status == status
        assert await answer.read(100) == b"sorry"


async def a_server_that_does_not_answer_in_time_is_unreachable(harness: HttpHarness) -> None:
    assert await _is_unreachable(harness, "/hang", SHORT)


async def a_server_that_does_not_begin_in_time_is_unreachable(harness: HttpHarness) -> None:
    request = HttpRequest("GET", f"{harness.url}/hang")
    try:
        await harness.http.send(request, timeout=100 * LONG, patience=SHORT)
    except HttpUnreachable as error:
        reason = error.reason
    else:
        raise AssertionError("somebody answered")
    assert reason


async def who_has_begun_may_take_longer(harness: HttpHarness) -> None:
    request = HttpRequest("GET", f"{harness.url}/late")
    answer = await harness.http.send(request, timeout=LONG, patience=2 * SHORT)
    assert await answer.read(100) == b"late"


async def a_server_that_hangs_up_is_unreachable(harness: HttpHarness) -> None:
    assert await _is_unreachable(harness, "/drop")


async def a_body_that_ends_too_early_is_noticed(harness: HttpHarness) -> None:
    assert await _is_unreachable(harness, "/cut")


async def a_body_that_does_not_end_in_time_is_noticed(harness: HttpHarness) -> None:
    assert await _is_unreachable(harness, "/stall", SHORT)


async def a_url_that_is_none_is_unreachable(harness: HttpHarness) -> None:
    assert await _reason(harness, HttpRequest("GET", "nowhere"))


async def a_header_that_cannot_be_sent_is_not_told(harness: HttpHarness) -> None:
    for value in ("Bearer precious\r\nx: y", "Bearer precious\0"):
        request = HttpRequest("GET", f"{harness.url}/plain", {"Authorization": value})
        assert "precious" not in repr(request)
        assert "precious" not in await _reason(harness, request)


CASES = (
    a_request_arrives_as_it_was_made,
    a_request_can_have_no_body,
    an_answer_has_its_status_its_headers_and_its_body,
    a_body_is_read_no_further_than_was_asked,
    a_body_that_is_not_there_is_empty,
    a_body_can_be_handed_on_as_a_stream,
    a_body_can_be_let_go_unread,
    a_redirect_is_an_answer_like_others,
    an_error_is_an_answer_like_others,
    a_server_that_does_not_answer_in_time_is_unreachable,
    a_server_that_does_not_begin_in_time_is_unreachable,
    who_has_begun_may_take_longer,
    a_server_that_hangs_up_is_unreachable,
    a_body_that_ends_too_early_is_noticed,
    a_body_that_does_not_end_in_time_is_noticed,
    a_url_that_is_none_is_unreachable,
    a_header_that_cannot_be_sent_is_not_told,
)
