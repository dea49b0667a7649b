"""An SVG that is taken neither runs nor fetches anything in a real browser that lets it.

The browser is shown the file alone, without the headers under which it would be served.
"""

from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import given
from playwright.sync_api import Dialog, Error, Page, Route, sync_playwright

from media_engine.uploads.inspect import Facts
from tests.chromium import executable
from tests.corpus.drawings import HARMLESS, svg
from tests.corpus.reader import CountingReader
from tests.corpus.verdict import judge
from tests.fuzz.drawing import RAN, drawings
from tests.fuzz.profile import profile, tried

ADDRESS = "http://here.example/drawing.svg"

CLICK_EVERYTHING = """() => {
  for (const element of document.querySelectorAll("*")) {
    if (element.localName === "a") {
      element.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true }));
    }
  }
  return new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve, 5)));
}"""


class Viewer:
    """A page in which drawings are opened, and which sees what they do.

    Args:
        page: a page of the browser.
    """

    def __init__(self, page: Page) -> None:
        self._page = page
        self._content = b""
        self._done: set[str] = set()
        page.on("dialog", self._dismiss)
        page.route("**/*", self._answer)

    def _dismiss(self, dialog: Dialog) -> None:
        self._done.add("a dialog")
        dialog.dismiss()

    def _answer(self, route: Route) -> None:
        url = route.request.url
        if url == ADDRESS:
            # A picture of the file itself, of which a part is asked for by `#…`, is the file.
            headers = {"content-type": "image/svg+xml"}
            route.fulfill(status=200, headers=headers, body=self._content)
        else:
            self._done.add(url)
            route.abort()

    def open(self, content: bytes) -> set[str]:
        """Open a drawing, click on all its links, and return what it did besides being shown."""
        self._content = content
        self._done.clear()
        self._page.goto(ADDRESS)
        try:
            self._page.evaluate(CLICK_EVERYTHING)
            if self._page.evaluate("document.title") == RAN:
                self._done.add("a script")
        except Error:
            self._done.add("another page")
        return set(self._done)


@pytest.fixture(scope="module")
def viewer() -> Iterator[Viewer]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable(), args=["--no-sandbox"])
        yield Viewer(browser.new_page())
        browser.close()


def test_what_is_harmless_does_nothing(viewer: Viewer) -> None:
    for case in HARMLESS:
        assert viewer.open(case.content) == set(), case


@pytest.mark.parametrize(
    ("inside", "done"),
    [
        (f"<script>document.title='{RAN}'</script>", "a script"),
        ("<script>alert(1)</script>", "a dialog"),
        (f"<a href=\"java&#9;script:void(document.title='{RAN}')\"/>", "a script"),
        ('<image href="http://x.example/a.png"/>', "http://x.example/a.png"),
        ("<style>@\\69mport 'http://x.example/a.css'</style>", "http://x.example/a.css"),
    ],
)
def test_what_is_refused_would_be_seen_to_do_something(
    viewer: Viewer, inside: str, done: str
) -> None:
    content = svg(inside)
    assert not isinstance(judge("image/svg+xml", CountingReader(content))[0], Facts)
    assert viewer.open(content) == {done}


def test_what_is_taken_does_nothing_whatever_it_tries(viewer: Viewer) -> None:
    @profile("FUZZ_EXAMPLES", 60)
    @given(drawings())
    def suffer(content: bytes) -> None:
        verdict, _ = judge("image/svg+xml", CountingReader(content))
        taken = isinstance(verdict, Facts)
        tried.setdefault("drawings in a browser", Counter())[200 if taken else 422] += 1
        if taken:
            assert viewer.open(content) == set()

    suffer()
