"""From a file on the desktop to a card in the grid."""

import re
from typing import TYPE_CHECKING

import httpx
import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Route

    from tests.browser.conftest import Open
    from tests.browser.demo import Demo
    from tests.conftest import Stack

UNDER_WAY = re.compile(r"\b[1-9]\d?%")
"""Some percent, neither 0 nor 100."""

STRICT = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self' {worker}; "
    "img-src 'self' {worker}; media-src {worker}; base-uri 'none'; form-action 'none'"
)


@pytest.fixture
def alice(stack: "Stack", open_demo: "Open") -> "Demo":
    demo = open_demo(stack.shim_url)
    demo.sign_in("alice")
    return demo


def test_a_chosen_photo_is_uploaded_and_shown(alice: "Demo", photo: "Path") -> None:
    alice.choose(photo)
    picture = alice.picture(photo)
    assert picture.width == 640
    expect(alice.tile(photo)).to_contain_text("JPG · 113 kB")
    expect(alice.tile(photo)).to_contain_text(re.compile(r"\d+:\d\d left"))
    assert alice.complaints == []


def test_a_dropped_video_is_seen_to_travel_and_then_seeks_by_ranges(
    alice: "Demo", clip: "Path"
) -> None:
    alice.slow_down()
    alice.drop(clip)
    expect(alice.tile(clip).get_by_role("progressbar")).to_be_visible()
    expect(alice.tile(clip)).to_contain_text(UNDER_WAY)
    expect(alice.tile(clip)).to_contain_text(re.compile(r"\d [kM]B/s"))

    video = alice.video(clip)
    assert video.seconds == pytest.approx(20, abs=0.1)
    assert video.seek(0.8 * video.seconds) == pytest.approx(16, abs=0.1)
    assert _furthest_start(alice, video.url) > clip.stat().st_size / 2
    assert alice.complaints == []


def test_what_was_uploaded_is_there_when_the_page_is_opened_again(
    alice: "Demo", photo: "Path"
) -> None:
    alice.choose(photo)
    alice.picture(photo)
    alice.page.reload()
    assert alice.picture(photo).width == 640


def test_the_picker_opens_from_the_keyboard(alice: "Demo", photo: "Path") -> None:
    alice.page.get_by_label("choose files").focus()
    with alice.page.expect_file_chooser() as chooser:
        alice.page.keyboard.press("Space")
    chooser.value.set_files(photo)
    expect(alice.page.get_by_role("status")).to_have_text(f"{photo.name} is uploaded.")


def test_a_type_that_is_not_allowed_shows_the_servers_message(alice: "Demo", note: "Path") -> None:
    with alice.page.expect_response("**/api/media/sign-upload") as answer:
        alice.choose(note)
    envelope = answer.value.json()
    assert (envelope["code"], envelope["status"]) == ("UNSUPPORTED_MIME", 400)
    expect(alice.tile(note)).to_contain_text(envelope["error"])
    alice.tile(note).get_by_role("button", name="Dismiss").click()
    expect(alice.tile(note)).to_have_count(0)


def test_a_failed_upload_can_be_tried_again(alice: "Demo", photo: "Path") -> None:
    refusal = {"error": "The store is closed.", "code": "X", "status": 400, "requestId": "r"}
    alice.page.route(
        "**/api/media/sign-upload", lambda route: route.fulfill(status=400, json=refusal)
    )
    alice.choose(photo)
    expect(alice.tile(photo)).to_contain_text("The store is closed.")
    alice.page.unroute_all()
    alice.tile(photo).get_by_role("button", name="Try again").click()
    assert alice.picture(photo).width == 640


def test_a_cancelled_upload_leaves_nothing(alice: "Demo", clip: "Path") -> None:
    alice.slow_down()
    alice.choose(clip)
    expect(alice.tile(clip)).to_contain_text(UNDER_WAY)
    alice.tile(clip).get_by_role("button", name="Cancel").click()
    expect(alice.tile(clip)).to_have_count(0)
    assert clip.name not in _names(alice)


def test_the_copied_url_opens_without_a_session(alice: "Demo", photo: "Path") -> None:
    alice.choose(photo)
    alice.picture(photo)
    alice.tile(photo).get_by_role("button", name="Copy URL").click()
    expect(alice.page.get_by_role("status")).to_contain_text("is copied")
    url = alice.page.evaluate("() => navigator.clipboard.readText()")
    answer = httpx.get(url)
    assert (answer.status_code, answer.content) == (200, photo.read_bytes())


def test_nobody_sees_what_another_person_has(
    alice: "Demo", open_demo: "Open", photo: "Path"
) -> None:
    alice.choose(photo)
    alice.picture(photo)
    key = next(item["key"] for item in _gallery(alice) if item["fileName"] == photo.name)

    bob = open_demo(alice.url)
    bob.sign_in("bob")
    expect(bob.tile(photo)).to_have_count(0)
    assert photo.name not in _names(bob)
    refused = bob.page.request.get(f"{bob.url}/api/media/refresh", params={"key": key})
    assert (refused.status, refused.json()["code"]) == (404, "MEDIA_NOT_FOUND")


def test_a_wrong_password_is_refused_in_words(stack: "Stack", open_demo: "Open") -> None:
    demo = open_demo(stack.shim_url)
    demo.page.goto(demo.url)
    demo.page.get_by_label("User name").fill("alice")
    demo.page.get_by_label("Password").fill("bob")
    demo.page.get_by_role("button", name="Sign in").click()
    expect(demo.page.locator("#sign-in-refusal")).to_contain_text("There is no user")


def test_a_listing_that_fails_is_said_and_can_be_asked_for_again(
    stack: "Stack", open_demo: "Open"
) -> None:
    demo = open_demo(stack.shim_url)
    demo.page.route("**/api/gallery", lambda route: route.abort())
    demo.sign_in("alice")
    expect(demo.page.get_by_role("alert")).to_contain_text("cannot be reached")
    demo.page.unroute_all()
    demo.page.get_by_role("button", name="Try again").click()
    expect(demo.page.get_by_role("alert")).to_have_count(0)


def test_signing_out_takes_everything_off_the_page(alice: "Demo", photo: "Path") -> None:
    alice.choose(photo)
    alice.picture(photo)
    alice.page.get_by_role("button", name="Sign out").click()
    expect(alice.page.get_by_role("button", name="Sign in")).to_be_visible()
    expect(alice.tile(photo)).to_have_count(0)


def test_the_page_keeps_to_a_strict_content_security_policy(
    stack: "Stack", open_demo: "Open", photo: "Path"
) -> None:
    policy = STRICT.format(worker=stack.worker_url)

    def add_policy(route: "Route") -> None:
        page = route.fetch()
        route.fulfill(response=page, headers={**page.headers, "content-security-policy": policy})

    demo = open_demo(stack.shim_url)
    demo.page.route(f"{stack.shim_url}/", add_policy)
    demo.sign_in("alice")
    demo.choose(photo)
    assert demo.picture(photo).width == 640
    assert demo.complaints == []


def _furthest_start(demo: "Demo", url: str) -> int:
    """Where the furthest of the partial answers for a URL began."""
    parts = [r.headers["content-range"] for r in demo.responses if r.url == url and r.status == 206]
    return max(int(part.removeprefix("bytes ").partition("-")[0]) for part in parts)


def _gallery(demo: "Demo") -> list[dict[str, str]]:
    items: list[dict[str, str]] = demo.page.request.get(f"{demo.url}/api/gallery").json()["items"]
    return items


def _names(demo: "Demo") -> set[str]:
    return {item["fileName"] for item in _gallery(demo)}
