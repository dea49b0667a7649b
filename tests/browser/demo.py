"""The demo as a person sees it: what they can do there, and where they look."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.sync_api import expect

if TYPE_CHECKING:
    from playwright.sync_api import CDPSession, ConsoleMessage, Error, Locator, Page, Response

SLOW_UP, SLOW_DOWN = 2_000_000, 700_000
"""Bytes a second: an upload can be watched, and a video plays but cannot be read far ahead."""

SEEK_PATIENCE = 15_000
"""Milliseconds."""


class Demo:
    """One person's window.

    Attributes:
        page: the window.
        complaints: what the browser's console has called an error.
        responses: what the servers have answered so far.
    """

    def __init__(self, page: "Page", url: str) -> None:
        self.page = page
        self.url = url
        self.complaints: list[str] = []
        self.responses: list[Response] = []
        page.on("console", self._hear)
        page.on("pageerror", self._mourn)
        page.on("response", self._keep)

    def sign_in(self, name: str) -> None:
        """Open the page and sign in; everybody's password is their name."""
        self.page.goto(self.url)
        self.page.get_by_label("User name").fill(name)
        self.page.get_by_label("Password").fill(name)
        self.page.get_by_role("button", name="Sign in").click()
        expect(self.page.get_by_role("heading", name="Your files")).to_be_visible()
        expect(self.page.locator("#grid")).not_to_have_attribute("aria-busy", "true")

    def choose(self, *files: Path) -> None:
        """Pick files in the file picker."""
        self.page.get_by_label("choose files").set_input_files(files)

    def drop(self, file: Path) -> None:
        """Drag a file from the desktop onto the drop zone."""
        box = self.page.locator("#drop-zone").bounding_box()
        assert box is not None
        data = {"items": [], "files": [str(file)], "dragOperationsMask": 1}
        for moment in ("dragEnter", "dragOver", "drop"):
            self._devtools().send(
                "Input.dispatchDragEvent",
                {"type": moment, "x": box["x"] + 20, "y": box["y"] + 20, "data": data},
            )

    def slow_down(self) -> None:
        """Give the window a slow line."""
        conditions = {
            "offline": False,
            "latency": 0,
            "downloadThroughput": SLOW_DOWN,
            "uploadThroughput": SLOW_UP,
        }
        devtools = self._devtools()
        devtools.send("Network.enable")
        devtools.send("Network.emulateNetworkConditions", conditions)

    def tile(self, file: Path) -> "Locator":
        """What stands for a file in the grid, on its way up or there."""
        return self.page.get_by_role("article", name=file.name, exact=True)

    def picture(self, file: Path) -> "Picture":
        """The picture of a stored file, once it is loaded."""
        image = self.tile(file).get_by_role("img")
        expect(image).to_have_class("is-there")
        return Picture(image)

    def video(self, file: Path) -> "Video":
        """The player of a stored file, once it shows a frame."""
        video = self.tile(file).locator("video")
        expect(video).to_have_class("is-there")
        return Video(video)

    def _devtools(self) -> "CDPSession":
        return self.page.context.new_cdp_session(self.page)

    def _keep(self, response: "Response") -> None:
        self.responses.append(response)

    def _hear(self, message: "ConsoleMessage") -> None:
        if message.type == "error":
            self.complaints.append(message.text)

    def _mourn(self, error: "Error") -> None:
        self.complaints.append(str(error))


@dataclass(frozen=True)
class Picture:
    """An `<img>`."""

    element: "Locator"

    @property
    def url(self) -> str:
        return str(self.element.evaluate("image => image.src"))

    @property
    def width(self) -> int:
        """Its own width in pixels, known only once it is decoded."""
        return int(self.element.evaluate("image => image.decode().then(() => image.naturalWidth)"))


@dataclass(frozen=True)
class Video:
    """A `<video>`."""

    element: "Locator"

    @property
    def url(self) -> str:
        return str(self.element.evaluate("video => video.src"))

    @property
    def seconds(self) -> float:
        """Its whole length."""
        return float(self.element.evaluate("video => video.duration"))

    @property
    def place(self) -> float:
        """Where it is, in seconds."""
        return float(self.element.evaluate("video => video.currentTime"))

    def play(self) -> None:
        """Play without sound, which needs no click."""
        self.element.evaluate("video => { video.muted = true; return video.play(); }")

    def seek(self, seconds: float) -> float:
        """Go there, wait until there is a picture, and return where that is."""
        script = """(video, [seconds, patience]) => new Promise((resolve, reject) => {
            video.addEventListener("seeked", () => resolve(video.currentTime), { once: true });
            setTimeout(() => reject(new Error("It never got there.")), patience);
            video.currentTime = seconds;
        })"""
        return float(self.element.evaluate(script, [seconds, SEEK_PATIENCE]))
