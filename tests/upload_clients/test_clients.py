"""Unmodified clients send files: `@uppy/aws-s3`, `tus-js-client`, `tuspy`."""

import hashlib
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page

from tests.conftest import RunningWorker
from tests.media.sent import video_of
from tests.worker.caller import Caller
from tests.worker.state import kept
from tests.worker.tokens import file_url

MIB = 1024 * 1024
SIZE = 17 * MIB + 321
HEAD = 500
"""How many bytes of a video make it one."""


def made(size: int) -> dict[str, Any]:
    """Return what a page makes a video of: its size, and the bytes that make it one."""
    return {"size": size, "head": list(video_of(size)[:HEAD])}


def opened(alice: Caller, size: int = SIZE) -> dict[str, Any]:
    answer = alice.http.post(
        f"{alice.url}/upload/open",
        headers=alice.headers,
        json={
            "fileName": "a.mp4",
            "contentType": "video/mp4",
            "service": "blog",
            "fileSize": size,
        },
    )
    assert answer.status_code == 201, answer.text
    transfer: dict[str, Any] = answer.json()
    return transfer


def sent(alice: Caller, transfer: dict[str, Any]) -> str:
    """Return the hash of what was sent, which must be an uploaded file."""
    file = alice.complete(transfer["mediaId"]).json()
    assert file["status"] == "uploaded"
    answer = httpx.get(file_url(alice.url, file["key"]), timeout=60)
    return hashlib.sha256(answer.content).hexdigest()


@pytest.mark.parametrize("pause", [False, True])
def test_uppy_sends_parts_directly(page: Page, alice: Caller, pause: bool) -> None:
    transfer = opened(alice)
    outcome = page.evaluate(
        "options => window.sendWithUppy(options)",
        {
            "uploadUrl": transfer["uploadUrl"],
            **made(SIZE),
            "multipart": True,
            "pause": pause,
        },
    )
    assert outcome["errors"] == []
    assert outcome["location"].endswith(f"/m/{transfer['key']}")
    assert sent(alice, transfer) == outcome["hash"]


@pytest.mark.parametrize("size", [600, 6 * MIB])
def test_uppy_sends_a_form_where_it_is_left_as_it_is(page: Page, alice: Caller, size: int) -> None:
    transfer = opened(alice, size)
    outcome = page.evaluate(
        "options => window.sendWithUppy(options)",
        {
            "uploadUrl": transfer["uploadUrl"],
            **made(size),
            "multipart": False,
        },
    )
    assert outcome["errors"] == []
    assert sent(alice, transfer) == outcome["hash"]


def test_uppy_sends_one_put_that_is_signed(page: Page, alice: Caller) -> None:
    transfer = opened(alice, 3 * MIB)
    outcome = page.evaluate(
        "options => window.putWithUppy(options)",
        {
            "uploadUrl": transfer["uploadUrl"],
            **made(3 * MIB),
        },
    )
    assert outcome["errors"] == []
    assert outcome["file"]["mediaId"] == transfer["mediaId"]
    assert sent(alice, transfer) == outcome["hash"]


def test_uppy_gives_up(page: Page, alice: Caller, worker: RunningWorker) -> None:
    transfer = opened(alice)
    with page.expect_response(lambda answer: answer.request.method == "DELETE") as deleted:
        page.evaluate(
            "options => window.cancelWithUppy(options)",
            {"uploadUrl": transfer["uploadUrl"], **made(SIZE)},
        )
    assert deleted.value.status == 200
    assert kept(worker.state).rows[transfer["key"]]["status"] == "expired"


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"chunkSize": 3 * MIB + 17},
        {"chunkSize": 6 * MIB, "uploadDataDuringCreation": True},
        {"parallelUploads": 3},
        {"uploadLengthDeferred": True, "chunkSize": 6 * MIB},
        {"overridePatchMethod": True},
    ],
    ids=lambda options: "-".join(options) or "plain",
)
def test_tus_js_client_sends(page: Page, alice: Caller, options: dict[str, Any]) -> None:
    transfer = opened(alice)
    outcome = page.evaluate(
        "options => window.sendWithTus(options)",
        {
            "endpoint": f"{alice.url}/files/tus",
            "token": transfer["uploadToken"],
            **made(SIZE),
            "options": options,
        },
    )
    assert sent(alice, transfer) == outcome["hash"]


def test_tus_js_client_goes_on_where_it_was(page: Page, alice: Caller) -> None:
    transfer = opened(alice)
    outcome = page.evaluate(
        "options => window.sendWithTus(options)",
        {
            # With the token in the path, for a client that can send no header.
            "endpoint": f"{transfer['uploadUrl']}/files/tus",
            **made(SIZE),
            "options": {"chunkSize": 2 * MIB},
            "interrupt": True,
        },
    )
    assert outcome["from"] > SIZE // 3, "it began again from the beginning"
    assert sent(alice, transfer) == outcome["hash"]


TUSPY = """
    import sys
    from tusclient.client import TusClient

    endpoint, token, path, stop = sys.argv[1:]
    client = TusClient(endpoint, headers={"Authorization": f"Bearer {token}"})
    uploader = client.uploader(
        path,
        chunk_size=3 * 1024 * 1024 + 5,
        metadata={"filename": "a.mp4", "filetype": "video/mp4"},
        upload_checksum=True,
    )
    uploader.upload(stop_at=int(stop))
    # Another process, which knows the URL alone, goes on.
    again = client.uploader(path, url=uploader.url, chunk_size=4 * 1024 * 1024)
    assert again.offset == uploader.offset > 0, again.offset
    again.upload()
"""


def test_tuspy_sends_is_interrupted_and_goes_on(alice: Caller, tmp_path: Path) -> None:
    content = video_of(SIZE)
    path = tmp_path / "a.mp4"
    path.write_bytes(content)
    transfer = opened(alice, len(content))
    arguments = [f"{alice.url}/files/tus", transfer["uploadToken"], str(path), str(7 * MIB)]
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(TUSPY), *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert sent(alice, transfer) == hashlib.sha256(content).hexdigest()
