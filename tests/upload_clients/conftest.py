"""A page in a browser that runs the clients that people have, unmodified."""

import os
import subprocess
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import httpx
import pytest
from playwright.sync_api import Page, sync_playwright

from runtime.process import ROOT
from tests import chromium as chromium_of_this_machine
from tests.conftest import RunningWorker
from tests.worker.caller import Caller, headers_of

NODE_MODULES = ROOT / "node_modules"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """A page of another origin than the Worker's, which has the clients."""
    executable = chromium_of_this_machine.executable()
    folder = tmp_path_factory.mktemp("page")
    subprocess.run(
        [
            str(ROOT / "node_modules" / ".bin" / "esbuild"),
            str(Path(__file__).with_name("page.js")),
            "--bundle",
            "--format=iife",
            "--log-level=error",
            f"--outfile={folder / 'page.js'}",
        ],
        check=True,
        env={**os.environ, "NODE_PATH": str(NODE_MODULES)},
    )
    (folder / "index.html").write_text("<!doctype html><script src=page.js></script>")
    handler = partial(_Quiet, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=executable)
            page = browser.new_page()
            page.set_default_timeout(90_000)
            page.goto(f"http://127.0.0.1:{server.server_port}/")
            yield page
            browser.close()
        server.shutdown()
        thread.join()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        del args


@pytest.fixture(scope="module")
def alice(worker: RunningWorker) -> Iterator[Caller]:
    """The application's backend, which opens transfers for its pages."""
    with httpx.Client(timeout=60) as http:
        yield Caller(http, worker.url, headers_of("alice", "acme"))
