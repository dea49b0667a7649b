"""What a browser records and draws is known: the files that its users upload without any camera."""

import base64
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, sync_playwright

from media_engine.uploads.inspect import Facts
from tests.chromium import executable
from tests.corpus.reader import CountingReader
from tests.corpus.verdict import judge

MAKE = """async ({ type, moving }) => {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [320, 180];
  const context = canvas.getContext("2d");
  let blob;
  if (moving) {
    const recorder = new MediaRecorder(canvas.captureStream(), { mimeType: type });
    const chunks = [];
    const stopped = new Promise((resolve, reject) => {
      recorder.onstop = resolve;
      setTimeout(reject, 30_000, new Error("nothing was recorded"));
    });
    // It is stopped once there is something of it, whenever that is.
    recorder.ondataavailable = ({ data }) => {
      chunks.push(data);
      if (data.size > 0 && recorder.state === "recording") recorder.stop();
    };
    recorder.start(100);
    let frame = 0;
    const painter = setInterval(() => context.fillRect(frame++ % 320, 0, 9, 180), 20);
    await stopped;
    clearInterval(painter);
    blob = new Blob(chunks);
  } else {
    context.fillRect(0, 0, 9, 9);
    blob = await new Promise((resolve) => canvas.toBlob(resolve, type));
  }
  const bytes = new Uint8Array(await blob.arrayBuffer());
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}"""


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable(), args=["--no-sandbox"])
        yield browser.new_page()
        browser.close()


def made(page: Page, wanted: str, *, moving: bool) -> CountingReader:
    """Return a file of 320 by 180 pixels that the browser makes."""
    return CountingReader(base64.b64decode(page.evaluate(MAKE, {"type": wanted, "moving": moving})))


@pytest.mark.parametrize("content_type", ["image/jpeg", "image/png", "image/webp"])
def test_what_a_browser_draws_is_known(page: Page, content_type: str) -> None:
    facts, said = judge(content_type, made(page, content_type, moving=False))
    assert isinstance(facts, Facts), said
    assert (facts.width, facts.height, facts.animated) == (320, 180, False)


@pytest.mark.parametrize(
    ("recorded", "codec"),
    [
        ("video/webm;codecs=vp8", "vp8"),
        ("video/webm;codecs=vp9", "vp09"),
        ("video/webm;codecs=av1", "av01"),
        ("video/mp4;codecs=vp9", "vp09"),
    ],
)
def test_what_a_browser_records_is_known(page: Page, recorded: str, codec: str) -> None:
    if not page.evaluate("type => MediaRecorder.isTypeSupported(type)", recorded):
        pytest.skip(f"this Chromium does not record {recorded}")
    facts, said = judge(recorded.partition(";")[0], made(page, recorded, moving=True))
    assert isinstance(facts, Facts), said
    assert (facts.width, facts.height, facts.codec) == (320, 180, codec)
