"""`media_shim.testing`, as an application's own tests use it."""

import re
import shutil
import subprocess
import sys
import unittest
from typing import Any

import httpx
import pytest
from django.contrib.auth.models import User
from django.test import TestCase

import media_shim.testing as testing
from media_shim import conf, services
from media_shim.errors import WorkerUnavailable
from media_shim.models import MediaObject, Status
from media_shim.testing import FakeWorkerMixin, fake_worker, make_media, make_upload
from media_shim.testing.samples import SAMPLES
from media_shim.testing.worker import FakeWorker
from runtime.process import ROOT
from tests.shim.conftest import Browser


def test_the_example_in_the_readme_runs(alice: User, as_alice: Browser, settings: Any) -> None:
    text = (ROOT / "backend_shim" / "README.md").read_text()
    (example,) = re.findall(r"^```python\n(from media_shim\.testing.*?)^```$", text, re.M | re.S)
    settings.ROOT_URLCONF = "demo.urls"

    exec(example, {"alice": alice, "client": as_alice})


def test_only_the_doubles_secrets_take_the_place_of_the_settings(
    settings: Any, shim_settings: dict[str, Any]
) -> None:
    settings.MEDIA_SHIM = {**shim_settings, "SERVICE": "shop"}

    with fake_worker():
        inside = conf.current()

    assert (inside.worker_url, inside.service) == ("https://worker.test", "shop")
    assert conf.current().signing_key != inside.signing_key


def test_an_application_without_any_settings_has_a_shim(settings: Any, alice: User) -> None:
    del settings.MEDIA_SHIM

    with fake_worker():
        assert make_media(alice).status == Status.COMMITTED


@pytest.mark.parametrize("kind", ["image", "video", "document"])
@pytest.mark.parametrize("visibility", ["private", "public"])
def test_a_file_of_each_kind(alice: User, kind: str, visibility: str) -> None:
    with fake_worker():
        media = make_media(alice, kind=kind, visibility=visibility, attached_to="post:1")

    assert (media.kind, media.visibility) == (kind, visibility)
    assert MediaObject.objects.get(attached_to="post:1").owner == alice


def test_an_upload_is_ready_to_be_committed(alice: User) -> None:
    with fake_worker() as worker:
        media = make_upload(alice, file_name="sea.png")
        assert media.status == Status.PENDING
        assert services.commit(alice, media.key).file_name == "sea.png"

    assert worker.called == ["POST /upload/presign", "PATCH /upload/complete"]


def test_a_pending_file_is_one(alice: User) -> None:
    with fake_worker():
        assert make_media(alice, status=Status.PENDING).status == Status.PENDING


def test_a_worker_that_is_down_is_played(alice: User) -> None:
    with fake_worker() as worker:
        worker.answer_next(httpx.ConnectError("down"))
        with pytest.raises(WorkerUnavailable):
            make_upload(alice)


def test_outside_of_the_block_nothing_is_replaced() -> None:
    before = httpx.HTTPTransport.handle_request

    with fake_worker():
        assert httpx.HTTPTransport.handle_request is not before

    assert httpx.HTTPTransport.handle_request is before


class Case(FakeWorkerMixin, TestCase):
    """What a developer writes; run below, so that a failure in it is seen to be one."""

    __test__ = False
    seen: FakeWorker

    def test_a_file(self) -> None:
        make_media(User.objects.create_user("carol"))
        type(self).seen = self.worker


def test_a_test_case_has_a_worker_of_its_own() -> None:
    result = unittest.TestResult()

    Case("test_a_file").run(result)

    assert (result.errors, result.failures) == ([], [])
    assert Case.seen.called == ["POST /upload/presign", "PATCH /upload/complete"]


def test_nothing_of_pytest_is_needed() -> None:
    code = (
        "import sys, django; django.setup(); import media_shim.testing;"
        "sys.exit('pytest' in sys.modules)"
    )
    env = {"DJANGO_SETTINGS_MODULE": "demo.settings", "PYTHONPATH": str(ROOT / "backend_shim")}

    subprocess.run([sys.executable, "-c", code], env=env, check=True)


@pytest.mark.parametrize("content_type", [name for name in SAMPLES if name != "application/pdf"])
def test_a_sample_can_be_decoded(content_type: str) -> None:
    if shutil.which("ffmpeg") is None:
        pytest.skip("no ffmpeg: install it (Debian: apt-get install ffmpeg)")
    done = subprocess.run(
        ["ffmpeg", "-v", "error", "-xerror", "-i", "pipe:", "-f", "null", "-"],
        input=SAMPLES[content_type],
        capture_output=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, b"")


def test_the_smallest_pdf_has_its_objects_where_its_table_says() -> None:
    pdf = SAMPLES["application/pdf"]
    table = int(pdf.split(b"startxref\n")[1].split()[0])

    assert pdf[table:].startswith(b"xref")
    for number, offset in enumerate(re.findall(rb"(\d{10}) 00000 n", pdf), start=1):
        assert pdf[int(offset) :].startswith(b"%d 0 obj" % number)


def test_what_is_offered_is_there() -> None:
    for name in testing.__all__:
        assert getattr(testing, name) is not None
