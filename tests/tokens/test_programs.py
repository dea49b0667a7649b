"""What docs/tokens.md tells to copy works: its programs are taken from it, run, and believed."""

from collections.abc import Mapping

import pytest

from runtime.dev import read_variables
from tests.conftest import ENV_FILE
from tests.media import JPEG, photo_saying
from tests.tokens.minter import MINTERS, Minter
from tests.worker.bucket import store
from tests.worker.caller import Caller

ANOTHER_KEY = "another:bm90IHRoZSBrZXkgdGhhdCBzaWducywgYnV0IGxvbmcgZW5vdWdo"


@pytest.fixture(scope="module", params=MINTERS)
def minter(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Minter:
    """The program of one language."""
    return MINTERS[request.param](tmp_path_factory.mktemp("minter"))


@pytest.fixture(scope="module")
def settings(alice: Caller) -> Mapping[str, str]:
    """The settings of a backend of this Worker."""
    return {
        "MEDIA_TOKEN_KEYS": read_variables(ENV_FILE)["MEDIA_TOKEN_KEYS"],
        "MEDIA_PUBLIC_URL": alice.url,
    }


def test_a_minted_url_opens_the_file(
    minter: Minter, settings: Mapping[str, str], alice: Caller
) -> None:
    url = minter.url(alice.upload(JPEG)["key"], settings)
    answer = alice.http.get(url)
    assert answer.status_code == 200, answer.text
    assert answer.content == JPEG


def test_a_minted_url_opens_no_other_file(
    minter: Minter, settings: Mapping[str, str], alice: Caller
) -> None:
    mine, other = (alice.upload(photo_saying(text))["key"] for text in (b"mine", b"other"))
    answer = alice.http.get(minter.url(mine, settings).replace(mine, other))
    assert answer.status_code == 401
    assert answer.json()["code"] == "TOKEN_KEY_MISMATCH"


@pytest.mark.parametrize("written", ["{key},{another}", "{key}==,{another}", " {key} , {another} "])
def test_the_first_key_signs_however_the_list_is_written(
    minter: Minter, settings: Mapping[str, str], alice: Caller, written: str
) -> None:
    keys = written.format(key=settings["MEDIA_TOKEN_KEYS"], another=ANOTHER_KEY)
    url = minter.url(alice.upload(JPEG)["key"], {**settings, "MEDIA_TOKEN_KEYS": keys})
    assert alice.http.get(url).status_code == 200


def test_a_key_of_any_characters_is_named_in_the_path_as_it_is_in_the_token(
    minter: Minter, settings: Mapping[str, str], alice: Caller
) -> None:
    key = "t/acme/blog/2026/11/Été, 100% & 1+1 #2?.jpg"
    store(alice.url, key, JPEG, ContentType="image/jpeg")
    answer = alice.http.get(minter.url(key, settings))
    assert answer.status_code == 200, answer.text
    assert answer.content == JPEG
