"""A real Chromium, and files to upload with it."""

import secrets
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests import chromium as chromium_of_this_machine
from tests.browser.demo import Demo
from tests.media import PHOTO
from tests.media.video import make_video

REPOSITORY = Path(__file__).resolve().parents[2]
MADE_MEDIA = REPOSITORY / ".tools" / "media"

PERMISSIONS = [
    "clipboard-read",
    "clipboard-write",
    # A page whose answer a test has rewritten counts as one from elsewhere, which may not speak to
    # this machine unasked.
    "local-network-access",
]

PATIENCE = 20_000
"""Milliseconds: a Worker that has just started takes its time over the first requests."""

Open = Callable[[str], Demo]


# Not for the whole session: Playwright's event loop runs for as long as it is open, and Django
# refuses to touch its database from within one.
@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    executable = chromium_of_this_machine.executable()
    with sync_playwright() as playwright:
        expect.set_options(timeout=PATIENCE)
        browser = playwright.chromium.launch(executable_path=executable)
        yield browser
        browser.close()


@pytest.fixture
def open_demo(chromium: Browser) -> Iterator[Open]:
    """Open the demo at a URL, in a window that shares nothing with the others."""
    contexts = []

    def open_at(url: str) -> Demo:
        context = chromium.new_context(permissions=PERMISSIONS)
        contexts.append(context)
        return Demo(context.new_page(), url)

    yield open_at
    for context in contexts:
        context.close()


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A JPEG whose name no other test uses."""
    return Path(shutil.copy(PHOTO, tmp_path / f"photo-{secrets.token_hex(4)}.jpg"))


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """An MP4 whose name no other test uses."""
    if shutil.which("ffmpeg") is None:
        pytest.skip("no ffmpeg to make a video with: install it (Debian: apt-get install ffmpeg)")
    return Path(shutil.copy(make_video(MADE_MEDIA), tmp_path / f"clip-{secrets.token_hex(4)}.mp4"))


@pytest.fixture
def note(tmp_path: Path) -> Path:
    """A file of a type that nobody may upload."""
    file = tmp_path / f"note-{secrets.token_hex(4)}.txt"
    file.write_text("Not a picture.")
    return file
