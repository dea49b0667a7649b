"""Workers that were configured wrongly: each says what is wrong, and does what it still can.

They share their state with the Worker that is configured rightly, as the versions of a deployment
do. Their secrets come in a file, because Wrangler shows what is on its command line.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import TypeAlias

import httpx
import pytest

from tests.conftest import RunningWorker, RunWorker
from tests.media import JPEG
from tests.worker.caller import Caller
from tests.worker.state import kept
from tests.worker.tokens import file_url

DEVELOPMENT_KEY = "ZGV2ZWxvcG1lbnQtb25seS1tZWRpYS10b2tlbi1rZXktMQ"
SHORT_KEY = "dG9vIHNob3J0IHRvIHNpZ24gd2l0aA"
S3_SECRET = "the-secret-of-the-bucket"
GATEWAY_KEY = "a-gateway-key-of-its-own"

Configure: TypeAlias = Callable[..., AbstractContextManager[RunningWorker]]


@pytest.fixture(scope="module")
def configure(
    run_worker: RunWorker, worker: RunningWorker, tmp_path_factory: pytest.TempPathFactory
) -> Configure:
    """Return what starts a Worker with these secrets alone, beside the shared one."""

    @contextmanager
    def start(variables: dict[str, str] | None = None, **secrets: str) -> Iterator[RunningWorker]:
        folder = tmp_path_factory.mktemp("configuration")
        env_file = folder / "secrets"
        env_file.write_text("".join(f"{name}={value}\n" for name, value in secrets.items()))
        with run_worker(
            state=worker.state, env_file=env_file, registry=folder, variables=variables or {}
        ) as running:
            yield running

    return start


@pytest.fixture(scope="module")
def bare(configure: Configure) -> Iterator[RunningWorker]:
    """A Worker in production that has only a gateway key, which everybody knows."""
    with configure(GATEWAY_KEYS="dev-gateway-key") as running:
        yield running


@pytest.fixture(scope="module")
def unfinished(configure: Configure) -> Iterator[RunningWorker]:
    """A Worker in development whose token key is short and whose S3 secret was forgotten."""
    with configure(
        ENVIRONMENT="development",
        GATEWAY_KEYS="dev-gateway-key",
        MEDIA_TOKEN_KEYS=f"k1:{SHORT_KEY}",
        R2_ACCESS_KEY_ID="development-only",
    ) as running:
        yield running


@pytest.fixture(scope="module")
def careless(configure: Configure) -> Iterator[RunningWorker]:
    """A Worker in production with the development's token key and an S3 endpoint that is none."""
    with configure(
        {"R2_S3_ENDPOINT": "https://S3.example.com/?bucket=media"},
        GATEWAY_KEYS=f"an-older-key,{GATEWAY_KEY}",
        MEDIA_TOKEN_KEYS=f"dev1:{DEVELOPMENT_KEY}",
        R2_ACCESS_KEY_ID="the-id-of-the-token",
        R2_SECRET_ACCESS_KEY=S3_SECRET,
    ) as running:
        yield running


def assert_not_configured(answer: httpx.Response, code: str, setting: str, why: str) -> None:
    assert answer.status_code == 503, answer.text
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    assert (body["code"], body["setting"]) == (code, setting)
    assert setting in body["error"]
    assert why in body["error"]


def problems(worker: RunningWorker) -> str:
    """Return what a Worker that is not well says about itself."""
    answer = httpx.get(f"{worker.url}/health")
    assert answer.status_code == 200
    health = answer.json()
    assert health["status"] == "degraded"
    limiters = {"PRESIGN_LIMITER", "GUESS_LIMITER", "INGEST_LIMITER"}
    assert health["bindings"].keys() == {"MEDIA_BUCKET", "DB", *limiters}
    assert all(health["bindings"].values())
    return "\n".join(health["problems"])


def test_a_worker_that_is_configured_says_so(worker: RunningWorker) -> None:
    health = httpx.get(f"{worker.url}/health").json()
    assert (health["status"], health["service"], health["problems"]) == ("ok", "media", [])


def test_a_gateway_key_that_everybody_knows_opens_nothing_in_production(
    bare: RunningWorker, alice: Caller
) -> None:
    before = kept(bare.state)
    there = replace(alice, url=bare.url)
    for answer in (there.presign(), there.complete("media_" + "a" * 21)):
        assert_not_configured(answer, "MEDIA_NOT_CONFIGURED", "GATEWAY_KEYS", "development key")
    assert kept(bare.state) == before


def test_without_token_keys_no_token_opens_anything(bare: RunningWorker, alice: Caller) -> None:
    answer = httpx.get(file_url(bare.url, alice.upload(JPEG)["key"]))
    assert_not_configured(answer, "MEDIA_NOT_CONFIGURED", "MEDIA_TOKEN_KEYS", "no keys")


def test_without_any_secret_public_files_are_served_and_private_ones_are_not(
    bare: RunningWorker, alice: Caller
) -> None:
    public = alice.upload(JPEG, visibility="public")
    assert httpx.get(f"{bare.url}/m/{public['key']}").content == JPEG
    private = alice.upload(JPEG)
    assert httpx.get(f"{bare.url}/m/{private['key']}").json()["code"] == "TOKEN_MISSING"
    assert httpx.get(f"{bare.url}/nothing").json()["code"] == "NOT_FOUND"


def test_everything_that_is_wrong_is_named_at_once(bare: RunningWorker) -> None:
    said = problems(bare)
    for setting in ("GATEWAY_KEYS", "MEDIA_TOKEN_KEYS", "R2_ACCESS_KEY_ID", "R2_SECRET_ACCESS_KEY"):
        assert setting in said
    assert "MEDIA_PUBLIC_URL" not in said


def test_a_token_key_that_is_too_short_opens_nothing(
    unfinished: RunningWorker, alice: Caller
) -> None:
    answer = httpx.get(file_url(unfinished.url, alice.upload(JPEG)["key"]))
    assert_not_configured(answer, "MEDIA_NOT_CONFIGURED", "MEDIA_TOKEN_KEYS", "shorter than 32")
    assert "MEDIA_TOKEN_KEYS" in problems(unfinished)


def test_without_the_s3_secret_nothing_is_signed_and_no_row_is_written(
    unfinished: RunningWorker, alice: Caller
) -> None:
    before = kept(unfinished.state)
    photo = {
        "fileName": "a.jpg",
        "contentType": "image/jpeg",
        "fileSize": len(JPEG),
        "service": "blog",
    }
    answer = replace(alice, url=unfinished.url).presign(**photo)
    assert_not_configured(answer, "R2_NOT_CONFIGURED", "R2_SECRET_ACCESS_KEY", "not set")
    assert kept(unfinished.state) == before


def test_without_the_s3_secret_what_was_sent_is_still_completed(
    unfinished: RunningWorker, alice: Caller
) -> None:
    signed = alice.presigned(len(JPEG))
    alice.put(signed, JPEG)
    answer = replace(alice, url=unfinished.url).complete(signed["mediaId"])
    assert (answer.status_code, answer.json()["status"]) == (200, "uploaded")


def test_a_development_token_key_opens_nothing_in_production(
    careless: RunningWorker, alice: Caller
) -> None:
    answer = httpx.get(file_url(careless.url, alice.upload(JPEG)["key"]))
    assert_not_configured(answer, "MEDIA_NOT_CONFIGURED", "MEDIA_TOKEN_KEYS", "development key")


def test_an_endpoint_that_cannot_be_signed_for_is_named(
    careless: RunningWorker, alice: Caller
) -> None:
    before = kept(careless.state)
    headers = {**alice.headers, "x-gateway-key": GATEWAY_KEY}
    answer = replace(alice, url=careless.url, headers=headers).presign(fileName="a.jpg")
    assert_not_configured(answer, "R2_NOT_CONFIGURED", "R2_S3_ENDPOINT", "URL")
    assert kept(careless.state) == before
    assert "R2_S3_ENDPOINT" in problems(careless)


def test_a_gateway_key_of_its_own_is_the_only_one(careless: RunningWorker, alice: Caller) -> None:
    there = replace(alice, url=careless.url)
    assert there.complete("media_" + "a" * 21).json()["code"] == "UNAUTHORIZED"
    for key in ("an-older-key", GATEWAY_KEY):
        known = replace(there, headers={**alice.headers, "x-gateway-key": key})
        assert known.complete("media_" + "a" * 21).json()["code"] == "MEDIA_NOT_FOUND"


def test_no_secret_is_said_or_logged(
    bare: RunningWorker, unfinished: RunningWorker, careless: RunningWorker
) -> None:
    secrets = {SHORT_KEY, "too short to sign with", DEVELOPMENT_KEY, S3_SECRET, GATEWAY_KEY}
    for worker in (bare, unfinished, careless):
        everything = problems(worker) + worker.log.read_text()
        assert not [secret for secret in secrets if secret in everything]
