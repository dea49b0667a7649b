"""A Chromium to which every `.test` name is this machine, and a photo for it to show.

The names, origins and sites of a test are those of a deployment, but for `http` and the ports. A
port has no part in what a site is.
"""

from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests import chromium as chromium_of_this_machine
from tests.conftest import RunningWorker
from tests.media import PHOTO
from tests.worker.caller import Caller, headers_of


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    executable = chromium_of_this_machine.executable()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=executable, args=["--host-resolver-rules=MAP *.test 127.0.0.1"]
        )
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A window that shares nothing with the others."""
    with chromium.new_context() as context:
        yield context.new_page()


@pytest.fixture(scope="module")
def alice(worker: RunningWorker) -> Iterator[Caller]:
    """A user who acts for the tenant acme."""
    with httpx.Client(timeout=60) as http:
        yield Caller(http, worker.url, headers_of("alice", "acme"))


@pytest.fixture(scope="module")
def private(alice: Caller) -> str:
    """The key of a private photo."""
    return str(alice.upload(PHOTO.read_bytes())["key"])


@pytest.fixture(scope="module")
def public(alice: Caller) -> str:
    """The key of a photo for everybody."""
    return str(alice.upload(PHOTO.read_bytes(), visibility="public")["key"])
