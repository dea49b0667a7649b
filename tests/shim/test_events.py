"""What the log says: one line for each thing that happened, ids and no secrets."""

from typing import Any

import pytest
from django.contrib.auth.models import User

from media_shim.testing.worker import FakeWorker
from tests.shim.conftest import PICTURE, Browser, Upload


@pytest.fixture
def events(caplog: pytest.LogCaptureFixture) -> Any:
    caplog.set_level("INFO", logger="media_shim")
    return lambda: [
        (record.message, vars(record)) for record in caplog.records if record.name == "media_shim"
    ]


def test_an_upload_that_is_issued(as_alice: Browser, alice: User, events: Any) -> None:
    answer = as_alice.send("/api/media/sign-upload", PICTURE).json()

    ((event, facts),) = events()
    assert event == "media.sign_upload.issued"
    assert (facts["media_id"], facts["user_id"]) == (answer["mediaId"], alice.pk)
    assert (facts["tenant_id"], facts["content_type"], facts["bytes"]) == (
        "acme",
        "image/jpeg",
        1234,
    )


def test_an_upload_that_is_rejected(as_alice: Browser, alice: User, events: Any) -> None:
    error = as_alice.send("/api/media/sign-upload", PICTURE | {"kind": "audio"}).json()

    ((event, facts),) = events()
    assert (event, facts["levelname"]) == ("media.sign_upload.rejected", "WARNING")
    assert (facts["code"], facts["status"]) == ("INVALID_FIELD", 400)
    assert (facts["request_id"], facts["user_id"]) == (error["requestId"], alice.pk)


def test_a_commit(as_alice: Browser, alice: User, upload: Upload, events: Any) -> None:
    media = upload(alice)
    as_alice.send("/api/media/commit", {"key": media.key})

    event, facts = events()[-1]
    assert (event, facts["media_id"], facts["attached_to"]) == ("media.commit.ok", media.id, None)


def test_a_commit_that_fails(
    as_alice: Browser, alice: User, upload: Upload, double: FakeWorker, events: Any
) -> None:
    media = upload(alice)
    double.put(media.key, size=1)
    error = as_alice.send("/api/media/commit", {"key": media.key}).json()

    event, facts = events()[-1]
    assert (event, facts["code"], facts["status"]) == (
        "media.commit.fail",
        "CONTENT_MISMATCH",
        422,
    )
    assert facts["request_id"] == error["requestId"]
    assert facts["reason"] == "the Worker's request w0rker"


def test_what_is_the_services_own_fault_is_an_error(
    as_alice: Browser, settings: Any, events: Any
) -> None:
    settings.MEDIA_SHIM = {}
    as_alice.send("/api/media/sign-upload", PICTURE)

    ((event, facts),) = events()
    assert (event, facts["levelname"]) == ("media.sign_upload.rejected", "ERROR")


def test_no_line_has_a_url_a_token_or_a_name(
    as_alice: Browser, alice: User, upload: Upload, events: Any
) -> None:
    as_alice.send("/api/media/sign-upload", PICTURE)
    key = upload(alice).key
    as_alice.send("/api/media/commit", {"key": key})
    as_alice.get("/api/media/url", {"key": key})
    as_alice.get("/api/media/url", {"key": "unknown"})

    said = str([{**facts, "pathname": None} for _, facts in events()])
    for secret in ("https://", "eyJ", "X-Amz", "sea.jpg", "alice", "dev-gateway-key"):
        assert secret not in said
