"""The edge cache, which nobody sees but for what it spares: objects that are no longer in the store
are still served out of it, to those who may have them."""

import random
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from tests.conftest import RunningWorker
from tests.media import JPEG, photo_holding, photo_saying
from tests.worker.bucket import remove, store
from tests.worker.caller import Caller
from tests.worker.state import await_cached, cached
from tests.worker.tokens import file_url, mint

MIB = 1024 * 1024
PICTURES = 117


def plain_url(caller: Caller, file: dict[str, Any]) -> str:
    return f"{caller.url}/m/{quote(file['key'])}"


def warm(caller: Caller, worker: RunningWorker, file: dict[str, Any]) -> None:
    """Bring a file into its private entry, and take it out of the store."""
    assert caller.http.get(file_url(caller.url, file["key"])).status_code == 200
    await_cached(worker.state, f"private/{file['key']}")
    remove(caller.url, file["key"])


def test_the_second_load_of_a_gallery_asks_the_store_for_nothing(
    alice: Caller, worker: RunningWorker
) -> None:
    pictures = {}
    for number in range(PICTURES):
        content = random.Random(number).randbytes(1_000 + number)
        key = f"t/acme/blog/a/summer/{number:021}.jpg"
        store(alice.url, key, content, ContentType="image/jpeg")
        pictures[key] = content

    def load(key: str) -> bytes:
        # Another viewer each time: a token of their own.
        answer = httpx.get(file_url(alice.url, key), timeout=60)
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "private, no-store"
        return answer.content

    with ThreadPoolExecutor(6) as browser:
        assert list(browser.map(load, pictures)) == list(pictures.values())
        await_cached(worker.state, *(f"private/{key}" for key in pictures))
        remove(alice.url, *pictures)
        assert list(browser.map(load, pictures)) == list(pictures.values())


def test_a_warm_private_entry_serves_nobody_else(alice: Caller, worker: RunningWorker) -> None:
    content = photo_saying(b"for one alone")
    file = alice.upload(content)
    other = alice.upload(photo_saying(b"another file"))
    warm(alice, worker, file)
    url = plain_url(alice, file)
    expired = file_url(alice.url, file["key"], life=-1)
    others = mint(key=other["key"])
    for refused in (
        url,
        f"{url}?t=",
        f"{url}?t=x",
        expired,
        f"{url}?t={others}",
        f"{alice.url}/view/{others}/{file['key']}",
        f"{alice.url}/cache/private/{file['key']}",
        f"{alice.url}/m/private/{file['key']}",
    ):
        for headers in ({}, {"range": "bytes=0-3"}, {"if-none-match": "*"}):
            answer = alice.http.get(refused, headers=headers)
            assert answer.status_code in (401, 404), refused
            assert b"for one alone" not in answer.content
    assert alice.http.get(file_url(alice.url, file["key"])).content == content


def test_a_file_is_served_alike_out_of_the_store_and_out_of_the_cache(
    alice: Caller, worker: RunningWorker
) -> None:
    private = alice.upload(JPEG, fileName="mine.jpg")
    public = alice.upload(JPEG, fileName="ours.jpg", visibility="public")
    for url, entry, key in (
        (file_url(alice.url, private["key"]), "private", private["key"]),
        (plain_url(alice, public), "public", public["key"]),
    ):
        missed = alice.http.get(url)
        await_cached(worker.state, f"{entry}/{key}")
        remove(alice.url, key)
        hit = alice.http.get(url)
        assert (hit.status_code, hit.content) == (missed.status_code, missed.content)
        without_date = [{**answer.headers, "date": ""} for answer in (missed, hit)]
        assert without_date[0] == without_date[1]
        assert alice.http.head(url).headers.items() >= {"content-length": str(len(JPEG))}.items()


def test_a_public_file_has_an_entry_of_its_own(alice: Caller, worker: RunningWorker) -> None:
    file = alice.upload(photo_saying(b"for all"), visibility="public")
    assert alice.http.get(file_url(alice.url, file["key"])).status_code == 200
    await_cached(worker.state, f"private/{file['key']}")
    assert f"public/{file['key']}" not in cached(worker.state)
    assert alice.http.get(plain_url(alice, file)).status_code == 200
    await_cached(worker.state, f"public/{file['key']}")


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("HEAD", {}),
        ("GET", {"range": "bytes=0-"}),
        ("GET", {"range": "bytes=1-2,4-4"}),
        ("GET", {"range": "bytes=99-"}),
        ("GET", {"if-none-match": "*"}),
        ("GET", {"if-match": '"another"'}),
    ],
)
def test_what_is_not_the_whole_file_fills_nothing(
    alice: Caller, worker: RunningWorker, method: str, headers: dict[str, str]
) -> None:
    file, sentinel = alice.upload(JPEG), alice.upload(photo_saying(b"other"))
    assert alice.http.request(method, file_url(alice.url, file["key"]), headers=headers)
    # What was to be cached would be cached before what is asked for later.
    assert alice.http.get(file_url(alice.url, sentinel["key"])).status_code == 200
    await_cached(worker.state, f"private/{sentinel['key']}")
    assert f"private/{file['key']}" not in cached(worker.state)


def test_a_file_that_is_too_large_is_not_cached(alice: Caller, worker: RunningWorker) -> None:
    content = random.Random(1).randbytes(10 * MIB + 1)
    key, sentinel = "t/acme/blog/2026/11/large.mp4", alice.upload(photo_saying(b"small"))
    store(alice.url, key, content, ContentType="video/mp4")
    url = file_url(alice.url, key)
    for _ in range(2):
        assert alice.http.get(url).content == content
        part = alice.http.get(url, headers={"range": f"bytes={10 * MIB}-"})
        assert (part.status_code, part.content) == (206, content[-1:])
    assert alice.http.get(file_url(alice.url, sentinel["key"])).status_code == 200
    await_cached(worker.state, f"private/{sentinel['key']}")
    assert f"private/{key}" not in cached(worker.state)


def test_many_who_miss_at_once_all_get_the_file_and_leave_one_entry(
    alice: Caller, worker: RunningWorker
) -> None:
    content = photo_holding(random.Random(2).randbytes(3 * MIB))
    file = alice.upload(content)
    url = file_url(alice.url, file["key"])
    with ThreadPoolExecutor(12) as readers:
        answers = list(readers.map(lambda _: httpx.get(url, timeout=60).content, range(24)))
    assert all(answer == content for answer in answers)
    await_cached(worker.state, f"private/{file['key']}")
    remove(alice.url, file["key"])
    assert alice.http.get(url).content == content


def test_readers_who_leave_early_leave_a_whole_entry_or_none(
    alice: Caller, worker: RunningWorker
) -> None:
    content = photo_holding(random.Random(3).randbytes(8 * MIB))
    file = alice.upload(content)
    url = file_url(alice.url, file["key"])
    for _ in range(3):
        with httpx.stream("GET", url) as answer:
            next(answer.iter_raw(1_000))
    with ThreadPoolExecutor(4) as readers:
        whole = readers.map(lambda _: httpx.get(url, timeout=60).content, range(4))
        assert all(answer == content for answer in whole)
    await_cached(worker.state, f"private/{file['key']}")
    remove(alice.url, file["key"])
    assert alice.http.get(url).content == content


@pytest.mark.parametrize("form", ["/m/", "/view/"])
def test_a_deleted_file_is_gone_out_of_the_cache_at_once(
    alice: Caller, worker: RunningWorker, form: str
) -> None:
    file = alice.upload(JPEG, visibility="public")
    url = file_url(alice.url, file["key"])
    if form == "/view/":
        token = mint(key=file["key"])
        url = f"{alice.url}/view/{token}/{quote(file['key'])}"
    for cached_url, entry in ((url, "private"), (plain_url(alice, file), "public")):
        assert alice.http.get(cached_url).status_code == 200
        await_cached(worker.state, f"{entry}/{file['key']}")
    assert alice.delete(file["mediaId"]).status_code == 200
    for gone in (url, plain_url(alice, file)):
        for headers in ({}, {"range": "bytes=0-1"}, {"if-none-match": "*"}):
            assert alice.http.get(gone, headers=headers).status_code == 410
        assert alice.http.head(gone).status_code == 410


def test_a_file_that_is_made_private_is_gone_out_of_the_public_entry_at_once(
    alice: Caller, worker: RunningWorker
) -> None:
    file = alice.upload(JPEG, visibility="public")
    assert alice.http.get(plain_url(alice, file)).status_code == 200
    await_cached(worker.state, f"public/{file['key']}")
    etag = alice.http.get(plain_url(alice, file)).headers["etag"]
    assert alice.show_to(file["mediaId"], "private").status_code == 200
    assert alice.http.get(plain_url(alice, file)).status_code == 401
    assert alice.http.head(plain_url(alice, file)).status_code == 401
    for header in ({"range": "bytes=0-9"}, {"range": "bytes=999999-"}, {"if-none-match": etag}):
        refused = alice.http.get(plain_url(alice, file), headers=header)
        assert (refused.status_code, refused.headers["cache-control"]) == (401, "no-store")
        assert "etag" not in refused.headers
    assert alice.http.get(file_url(alice.url, file["key"])).content == JPEG


def test_a_revoked_token_opens_nothing_that_is_cached(alice: Caller, worker: RunningWorker) -> None:
    file = alice.upload(JPEG, album="winter")
    granted = alice.access(ids=[file["mediaId"]])
    url = f"{granted['url']}{quote(file['key'])}"
    assert alice.http.get(url).content == JPEG
    await_cached(worker.state, f"private/{file['key']}")
    assert alice.revoke(granted["tokenId"]).status_code == 204
    assert alice.http.get(url).status_code == 410
