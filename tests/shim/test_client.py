"""The client of the Worker: what it hides, and what it makes of answers."""

import logging
from traceback import walk_tb

import httpx
import pytest

from media_shim import conf
from media_shim.client import Identity, MediaClient, Wanted
from media_shim.client import worker as client_of
from media_shim.errors import NotConfigured, WorkerError, WorkerRefused, WorkerUnavailable
from media_shim.testing.worker import GATEWAY_KEY, FakeWorker, refusal

ALICE = Identity("1", "acme")


@pytest.fixture
def client() -> MediaClient:
    return MediaClient("https://worker.test", GATEWAY_KEY, "app", 1.0)


def presign(client: MediaClient) -> object:
    return client.presign(ALICE, Wanted("sea.jpg", "image/jpeg", 1, "app", "private"))


def test_the_process_has_one_client_until_the_settings_change(
    settings: object, shim_settings: dict[str, object]
) -> None:
    first = client_of(conf.current())
    assert client_of(conf.current()) is first

    settings.MEDIA_SHIM = shim_settings | {"TIMEOUT": 3}  # type: ignore[attr-defined]

    assert client_of(conf.current()) is not first


def test_the_worker_may_live_under_a_path(double: FakeWorker) -> None:
    double.answer_next(refusal(404, "NOT_FOUND", "There is nothing here."))

    with pytest.raises(WorkerRefused):
        presign(MediaClient("https://worker.test/base", GATEWAY_KEY, "app", 1.0))

    assert double.called == ["POST /base/upload/presign"]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_the_key_is_not_taken_to_where_somebody_points(
    client: MediaClient, double: FakeWorker, status: int
) -> None:
    double.answer_next(httpx.Response(status, headers={"location": "https://other.test/"}))

    with pytest.raises(WorkerUnavailable):
        presign(client)

    assert double.called == ["POST /upload/presign"]


@pytest.mark.parametrize(
    "answer",
    [
        httpx.ConnectError("https://worker.test?t=5ec3e7 dev-gateway-key"),
        httpx.ReadTimeout("5ec3e7 dev-gateway-key"),
        httpx.Response(500, text="5ec3e7 dev-gateway-key"),
        httpx.Response(200, json={"uploadUrl": "5ec3e7 dev-gateway-key"}),
        refusal(401, "UNAUTHORIZED", "5ec3e7 dev-gateway-key"),
    ],
)
def test_no_error_and_no_log_shows_a_secret(
    client: MediaClient,
    double: FakeWorker,
    answer: httpx.Response | Exception,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    double.answer_next(answer)

    with pytest.raises((WorkerError, NotConfigured)) as caught:
        presign(client)

    error = caught.value
    shown = f"{error!r} {error} {error.reason} {error.details} {error.__cause__!r} {caplog.text}"
    assert "5ec3e7" not in shown
    assert GATEWAY_KEY not in shown
    assert error.__suppress_context__ or error.__context__ is None


def test_a_traceback_has_no_secret_in_hand(client: MediaClient, double: FakeWorker) -> None:
    """Pages for developers, and what collects faults, show what each function had."""
    double.answer_next(ZeroDivisionError("an oversight in httpx"))

    with pytest.raises(WorkerUnavailable) as caught:
        presign(client)

    error = caught.value
    assert (error.reason, error.__suppress_context__) == ("ZeroDivisionError", True)
    for frame, _ in walk_tb(error.__traceback__):
        assert GATEWAY_KEY not in repr({**frame.f_locals, "double": None})


def test_an_upload_and_a_client_do_not_show_their_secrets(client: MediaClient) -> None:
    assert "X-Amz-Signature" not in repr(presign(client))
    assert GATEWAY_KEY not in repr(client)


@pytest.mark.parametrize("headers", [None, [], {"content-type": 7}])
def test_headers_that_are_no_texts_are_no_answer_of_the_workers(
    client: MediaClient, double: FakeWorker, headers: object
) -> None:
    answer = {
        "mediaId": "media_1",
        "key": "u/1/app/x.jpg",
        "method": "PUT",
        "uploadUrl": "https://store.test",
        "headers": headers,
        "expiresAt": "2026-11-20T12:25:00.000Z",
    }
    double.answer_next(httpx.Response(201, json=answer))

    with pytest.raises(WorkerUnavailable):
        presign(client)


def test_a_refusal_keeps_what_it_was_about(client: MediaClient, double: FakeWorker) -> None:
    double.answer_next(
        refusal(400, "INVALID_FIELD", "fileName must.", field="fileName", secret="5ec3e7")
    )

    with pytest.raises(WorkerRefused) as caught:
        presign(client)

    refused = caught.value
    assert (refused.status, refused.code, refused.message) == (
        400,
        "INVALID_FIELD",
        "fileName must.",
    )
    assert refused.details == {"field": "fileName"}
    assert refused.reason == "the Worker's request w0rker"
