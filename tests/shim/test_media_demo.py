"""`manage.py media_demo`: a gallery to look at."""

import shutil
import subprocess
from io import StringIO
from typing import Any

import httpx
import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from demo.access import gallery_of
from demo.pictures import film, sky
from media_shim import attachments
from media_shim.models import MediaObject, Status
from media_shim.testing.worker import FakeWorker, refusal


@pytest.fixture(autouse=True)
def _galleries(settings: Any, shim_settings: dict[str, Any]) -> None:
    settings.MEDIA_SHIM = shim_settings | {"ATTACH_RESOLVER": "demo.access.may_attach"}


@pytest.fixture(autouse=True)
def _no_film(monkeypatch: pytest.MonkeyPatch) -> None:
    """The film is made once, in a test of its own."""
    monkeypatch.setattr("demo.management.commands.media_demo.film", lambda: None)


def demo(*options: str) -> str:
    out = StringIO()
    call_command("media_demo", *options, stdout=out)
    return out.getvalue()


def test_a_gallery_is_filled_once(alice: User, double: FakeWorker) -> None:
    first, calls = demo("--count", "3"), len(double.calls)
    second = demo("--count", "3")

    media = MediaObject.objects.owned_by(alice).order_by("file_name")
    assert [each.file_name for each in media] == ["demo-01.png", "demo-02.png", "demo-03.png"]
    assert {each.attached_to for each in media} == {gallery_of(alice)}
    assert {each.status for each in media} == {Status.COMMITTED}
    assert "  3/3 demo-03.png\n" in first
    assert "  3/3 demo-03.png (there)\n" in second
    assert len(double.calls) == calls == 6


def test_what_is_missing_is_made(alice: User) -> None:
    demo("--count", "1")

    demo("--count", "2")

    assert MediaObject.objects.owned_by(alice).count() == 2


@pytest.mark.parametrize("after", ["POST /upload/presign", "PATCH /upload/complete"])
def test_it_goes_on_where_it_was_interrupted(
    alice: User, double: FakeWorker, after: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        if after == "POST /upload/presign":
            patch.setattr(httpx, "put", lambda *_, **__: httpx.Response(503, request=REQUEST))
        else:
            patch.setattr("media_shim.client.MediaClient.complete", refuse)
        with pytest.raises(CommandError, match=r"demo-01\.png"):
            demo("--count", "1")

    demo("--count", "1")

    assert MediaObject.objects.get(owner=alice).status == Status.COMMITTED
    assert len(double.files) == 1


REQUEST = httpx.Request("PUT", "https://store.test/bucket/x")


def refuse(*_: object) -> object:
    raise httpx.ConnectError("broke off")


def test_what_the_worker_refuses_is_said(alice: User, double: FakeWorker) -> None:
    double.answer_next(refusal(402, "QUOTA_EXCEEDED", "The quota is used up."))

    with pytest.raises(CommandError, match=r"demo-01\.png: The quota is used up\."):
        demo("--user", alice.username, "--count", "1")


@pytest.mark.parametrize("options", [("--user", "nobody"), ("--count", "61"), ("--count", "-1")])
def test_options_that_cannot_be(alice: User, options: tuple[str, str]) -> None:
    with pytest.raises(CommandError):
        demo("--user", alice.username, *options)


def test_a_picture_is_the_same_again_and_no_other_one() -> None:
    assert sky(1) == sky(1) != sky(2)
    assert len(sky(1)) < 200_000


def test_pictures_and_the_film_can_be_decoded() -> None:
    if shutil.which("ffmpeg") is None:
        pytest.skip("no ffmpeg: install it (Debian: apt-get install ffmpeg)")
    made = film()
    assert made is not None
    for content in (sky(1), sky(59), made):
        done = subprocess.run(
            ["ffmpeg", "-v", "error", "-xerror", "-i", "pipe:", "-f", "null", "-"],
            input=content,
            capture_output=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, b"")


def test_what_was_deleted_is_made_anew(alice: User) -> None:
    demo("--count", "1")
    attachments.remove_all_of(alice)

    demo("--count", "1")

    assert MediaObject.objects.owned_by(alice).committed().count() == 1
