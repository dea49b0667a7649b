"""URLs die while somebody looks, and nobody should notice."""

from typing import TYPE_CHECKING

import httpx
import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from pathlib import Path

    from tests.browser.conftest import Open
    from tests.browser.demo import Demo
    from tests.conftest import Stack

A_LIFE = 20_000
"""Milliseconds: more than a URL of the short-lived stack has."""


@pytest.fixture
def alice(short_lived_stack: "Stack", open_demo: "Open") -> "Demo":
    demo = open_demo(short_lived_stack.shim_url)
    demo.sign_in("alice")
    return demo


def test_a_picture_gets_a_new_url_before_the_old_one_dies(alice: "Demo", photo: "Path") -> None:
    alice.choose(photo)
    picture = alice.picture(photo)
    old = picture.url
    expect(picture.element).not_to_have_attribute("src", old, timeout=A_LIFE)
    expect(alice.tile(photo)).to_contain_text("Refreshed")
    assert picture.width == 640
    assert alice.complaints == []


def test_a_picture_whose_url_has_died_comes_back_by_itself(alice: "Demo", photo: "Path") -> None:
    alice.choose(photo)
    picture = alice.picture(photo)
    old = picture.url
    alice.page.route("**/api/media/refresh?*", lambda route: route.abort())
    expect(alice.tile(photo)).to_contain_text("Expired", timeout=A_LIFE)
    refused = httpx.get(old)
    assert (refused.status_code, refused.json()["code"]) == (401, "TOKEN_EXPIRED")

    alice.page.unroute_all()
    expect(alice.tile(photo)).to_contain_text("Expired → refreshed", timeout=A_LIFE)
    assert picture.url != old
    assert picture.width == 640


def test_a_video_keeps_its_place_when_its_url_is_renewed(alice: "Demo", clip: "Path") -> None:
    alice.choose(clip)
    video = alice.video(clip)
    video.seek(16)
    old = video.url
    expect(video.element).not_to_have_attribute("src", old, timeout=A_LIFE)
    expect(video.element).to_have_js_property("seeking", False)
    expect(video.element).to_have_js_property("currentTime", 16)
    assert video.seconds == pytest.approx(20, abs=0.1)


def test_a_playing_video_goes_on_after_a_seek_though_its_url_has_died(
    alice: "Demo", clip: "Path"
) -> None:
    alice.choose(clip)
    alice.video(clip)
    alice.slow_down()
    alice.page.reload()
    video = alice.video(clip)
    alice.page.route("**/api/media/refresh?*", lambda route: route.abort())
    video.play()
    expect(alice.tile(clip)).to_contain_text("Expired", timeout=A_LIFE)
    alice.page.unroute_all()
    video.seek(18)
    expect(video.element).to_have_js_property("ended", True)
    expect(alice.tile(clip)).to_contain_text("left")


def test_a_url_can_be_renewed_by_hand(stack: "Stack", open_demo: "Open", photo: "Path") -> None:
    demo = open_demo(stack.shim_url)
    demo.sign_in("alice")
    demo.choose(photo)
    picture = demo.picture(photo)
    with demo.page.expect_response("**/api/media/refresh?*") as answer:
        demo.tile(photo).get_by_role("button", name="Refresh the URL").click()
    expect(picture.element).to_have_attribute("src", answer.value.json()["url"])
    expect(demo.tile(photo)).to_contain_text("Refreshed")
