"""docs/first-picture.md, followed to the letter: the wheel, a new project, a browser, a Worker."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from runtime.process import ROOT, Process
from tests import chromium
from tests.conftest import RunningWorker, free_port
from tests.media import PHOTO
from tests.packaging.interpreter import environment

DOCUMENT = ROOT / "docs" / "first-picture.md"

PATIENCE = 20_000
"""In milliseconds."""

START_SECONDS = 30

Manage = Callable[..., str]


def surroundings(worker: RunningWorker) -> dict[str, str]:
    """Return what the document exports, with our Worker, and nothing else that we have."""
    exported = re.findall(r"^export (\w+)=(\S+)$", DOCUMENT.read_text(), re.MULTILINE)
    return {"PATH": os.environ["PATH"], **dict(exported), "MEDIA_WORKER_URL": worker.url}


def write_files(folder: Path) -> None:
    """Write the files that the document shows, or the ends of files."""
    shown = re.findall(
        r"^(The end of )?`([^`\n]+)`:\n\n```\w+\n(.*?)^```$",
        DOCUMENT.read_text(),
        re.DOTALL | re.MULTILINE,
    )
    assert len(shown) == 5
    for is_end, path, text in shown:
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text((file.read_text() if is_end else "") + text)


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel and nothing of this repository."""
    return environment(tmp_path_factory.mktemp("first") / "venv", Path(sys.executable), str(wheel))


@pytest.fixture
def manage(python: Path, worker: RunningWorker, tmp_path: Path) -> Manage:
    """A project after the document's second to fourth step; runs its commands."""
    env = {**surroundings(worker), "DJANGO_SUPERUSER_PASSWORD": "alice"}

    def run(*command: str) -> str:
        done = subprocess.run(
            [python, "-m", "django", *command]
            if command[0] == "startproject"
            else [python, "manage.py", *command],
            cwd=tmp_path,
            env=env,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    run("startproject", "shop", ".")
    run("startapp", "posts")
    write_files(tmp_path)
    return run


@pytest.fixture
def page(manage: Manage, python: Path, worker: RunningWorker, tmp_path: Path) -> Iterator[Page]:
    """The page of the document's fifth step, in a browser."""
    executable = chromium.executable()
    assert "no issues" in manage("check")
    manage("makemigrations", "posts")
    manage("migrate")
    manage("createsuperuser", "--noinput", "--username=alice", "--email=alice@example.com")
    port = free_port()
    served = f"http://127.0.0.1:{port}"
    command = [str(python), str(tmp_path / "manage.py"), "runserver", "--noreload", str(port)]
    with (
        (tmp_path / "server.log").open("wb") as log,
        Process(command, surroundings(worker), log) as server,
    ):
        server.wait_for(f"{served}/admin/login/", START_SECONDS)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=executable)
            page = browser.new_page()
            page.set_default_timeout(PATIENCE)
            page.goto(served)
            yield page
            browser.close()


def test_a_picture_is_taken_shown_and_let_go(page: Page, manage: Manage) -> None:
    expect.set_options(timeout=PATIENCE)
    page.get_by_label("Username").fill("alice")
    page.get_by_label("Password").fill("alice")
    page.get_by_role("button", name="Log in").click()

    page.get_by_label("Text").fill("The sea")
    page.get_by_label("Pictures").set_input_files(PHOTO)
    expect(page.locator("output")).to_have_text(f"{PHOTO.name}: ready")
    page.get_by_role("button", name="Publish").click()

    picture = page.get_by_role("img", name=PHOTO.name)
    expect(picture).to_have_js_property("naturalWidth", 640)
    address = picture.get_attribute("src")
    assert address is not None
    assert page.request.get(address).body() == PHOTO.read_bytes()

    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("The sea")).not_to_be_visible()
    assert manage("media_outbox").startswith("1 delivered, 0 waiting, 0 dead")
    assert page.request.get(address).status == 410


def test_what_is_no_picture_is_refused_with_a_reason(page: Page, tmp_path: Path) -> None:
    expect.set_options(timeout=PATIENCE)
    page.get_by_label("Username").fill("alice")
    page.get_by_label("Password").fill("alice")
    page.get_by_role("button", name="Log in").click()
    no_picture = tmp_path / "no-picture.jpg"
    no_picture.write_text("Not a picture.")

    page.get_by_label("Pictures").set_input_files(no_picture)

    said = page.locator("output")
    expect(said).to_have_text(re.compile("^no-picture.jpg: (?!ready|signing|sending|committing)"))
    expect(page.locator("[name=media]")).to_have_count(0)
