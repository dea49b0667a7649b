"""What a shim has here, when others have files too, and what it gets back: through workerd."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import httpx
import pytest

from tests.conftest import RunningWorker, RunWorker
from tests.media import JPEG
from tests.worker.bucket import remove, store
from tests.worker.caller import Caller, headers_of
from tests.worker.state import account, counting, grow_older, kept, lose
from tests.worker.tokens import file_url

DAY_MS = 24 * 3_600_000


@pytest.fixture(scope="module")
def place(run_worker: RunWorker) -> Iterator[RunningWorker]:
    """A Worker of which this file knows everything that is in it."""
    with run_worker() as running:
        yield running


@pytest.fixture
def alice(http: httpx.Client, place: RunningWorker) -> Caller:
    return Caller(http, place.url, headers_of("alice", "acme"))


def of_shim(caller: Caller, shim: str, user: str = "alice", tenant: str | None = "acme") -> Caller:
    """Return a user's calls as a shim makes them."""
    return replace(caller, headers={**headers_of(user, tenant), "x-media-shim": shim})


def reconciler(caller: Caller, shim: str) -> Caller:
    """Return the calls of a shim that compares its own database with what is here."""
    headers = {
        **headers_of("reconciler", None),
        "x-user-permissions": "system:owner",
        "x-media-shim": shim,
    }
    return replace(caller, headers=headers)


def listed(shim: Caller, what: str, **query: object) -> list[dict[str, Any]]:
    """Go through all pages; return what is on them."""
    entries: list[dict[str, Any]] = []
    follow = "after" if what == "files" else "cursor"
    while True:
        answer = shim.managed(what, **query)
        assert answer.status_code == 200, answer.text
        assert answer.headers["cache-control"] == "no-store"
        page = answer.json()
        entries += page[what]
        if page["next"] is None:
            return entries
        query[follow] = page["next"]


def keys(entries: list[dict[str, Any]]) -> list[str]:
    return [entry["key"] for entry in entries]


def verdicts(answer: httpx.Response) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    return [
        {name: value for name, value in one.items() if name not in ("mediaId", "key")}
        for one in answer.json()["files"]
    ]


def entry_of(file: dict[str, Any], **changed: object) -> dict[str, Any]:
    """Return what a shim says of a file that it knows."""
    names = ("mediaId", "key", "visibility", "fileName", "contentType", "fileSize", "createdAt")
    known = {name: file[name] for name in names}
    return {**known, "userId": "alice", "tenantId": file["key"].split("/")[1], **changed}


# The lists.


def test_of_many_shims_each_sees_its_own_and_the_two_lists_agree(
    alice: Caller, place: RunningWorker
) -> None:
    mine = [
        of_shim(alice, "one").upload(JPEG),
        of_shim(alice, "one", "bob", "globex").upload(JPEG, visibility="public"),
        of_shim(alice, "one", "carol", None).upload(JPEG),
        of_shim(alice, "one", "dave", "globe").upload(JPEG, album="summer"),
    ]
    theirs = [of_shim(alice, "two").upload(JPEG), alice.upload(JPEG)]
    pending = of_shim(alice, "one").presigned(len(JPEG))
    deleted = of_shim(alice, "one").upload(JPEG)
    of_shim(alice, "one").delete(deleted["mediaId"], revision=6)
    for name in ("t/globex.jpg", "incoming/part/a", "unrelated"):
        store(place.url, name, b"x")

    one = reconciler(alice, "one")
    own = sorted([*keys(mine), deleted["key"]])
    for limit in (1, 2, 1_000):
        files = listed(one, "files", limit=limit)
        assert keys(files) == sorted([*own, pending["key"]])
        objects = listed(one, "objects", limit=limit)
        assert keys(objects) == sorted([*own, "t/globex.jpg"])
    rows = {file["key"]: file for file in files}
    for entry in objects:
        if entry["owner"] == "self":
            assert entry["gone"] is (entry["key"] == deleted["key"])
            assert entry["gone"] or entry["etag"] == rows[entry["key"]]["etag"]
            assert entry["gone"] or entry["fileSize"] == rows[entry["key"]]["fileSize"]
        else:
            assert (entry["owner"], entry["key"]) == ("nobody", "t/globex.jpg")
    assert (rows[deleted["key"]]["status"], rows[deleted["key"]]["revision"]) == ("deleting", 6)
    assert rows[pending["key"]]["status"] == "pending_upload"
    assert keys(listed(reconciler(alice, "two"), "files")) == [theirs[0]["key"]]
    assert listed(reconciler(alice, "three"), "files") == []
    assert keys(listed(reconciler(alice, "three"), "objects")) == ["t/globex.jpg"]

    for what in ("files", "objects"):
        narrow = keys(listed(one, what, prefix="t/globe/"))
        assert narrow == [mine[3]["key"]]
        refused = one.managed(what, prefix="t/globe").json()
        assert (refused["code"], refused["field"]) == ("INVALID_FIELD", "prefix")
    remove(place.url, "t/globex.jpg", "incoming/part/a", "unrelated")


def test_what_was_there_at_the_start_is_listed_while_uploads_go_on(alice: Caller) -> None:
    shim, owner = of_shim(alice, "busy", tenant="busy"), reconciler(alice, "busy")
    before = {shim.upload(JPEG)["key"] for _ in range(12)}
    with ThreadPoolExecutor(2) as pool:
        uploads = [pool.submit(shim.upload, JPEG) for _ in range(12)]
        seen = {
            what: listed(owner, what, prefix="t/busy/", limit=3) for what in ("files", "objects")
        }
        after = {upload.result()["key"] for upload in uploads}
    for entries in seen.values():
        assert before <= set(keys(entries)) <= before | after
        assert keys(entries) == sorted(set(keys(entries)))
    assert {entry["owner"] for entry in seen["objects"]} == {"self"}


# Changes with numbers.


def test_a_change_that_comes_late_loses(alice: Caller, place: RunningWorker) -> None:
    shim = of_shim(alice, "numbers")
    file = shim.upload(JPEG)
    url = f"{alice.url}/m/{file['key']}"
    assert shim.show_to(file["mediaId"], "public", revision=2).json()["visibility"] == "public"
    assert httpx.get(url).status_code == 200
    assert shim.show_to(file["mediaId"], "private", revision=3).json() == file
    before = kept(place.state)
    for revision in (2, 1):
        late = shim.show_to(file["mediaId"], "public", revision=revision)
        assert (late.status_code, late.json()) == (200, file)
    assert shim.show_to(file["mediaId"], "private", revision=3).json() == file
    assert kept(place.state) == before
    assert httpx.get(url).status_code == 401
    assert shim.delete(file["mediaId"], revision=1).json()["deleted"] is True
    late = shim.show_to(file["mediaId"], "public", revision=2**53 - 1)
    assert late.json()["code"] == "MEDIA_GONE"


def test_of_many_changes_at_once_the_one_with_the_greatest_number_stands(
    alice: Caller, place: RunningWorker
) -> None:
    shim = of_shim(alice, "numbers")
    file = shim.upload(JPEG)
    changes = [(number, ("public", "private")[number % 2]) for number in range(1, 12)] * 2

    def change(numbered: tuple[int, str]) -> int:
        number, visibility = numbered
        return shim.show_to(file["mediaId"], visibility, revision=number).status_code

    with ThreadPoolExecutor(6) as pool:
        assert set(pool.map(change, changes)) == {200}
    row = kept(place.state).rows[file["key"]]
    assert (row["visibility"], row["revision"], row["purge_due_at"]) == ("private", 11, None)


def test_the_greatest_number_is_taken(alice: Caller, place: RunningWorker) -> None:
    shim = of_shim(alice, "numbers")
    file = shim.upload(JPEG)
    greatest = 2**53 - 1
    assert shim.show_to(file["mediaId"], "public", revision=greatest).status_code == 200
    shown = {one["key"]: one for one in listed(reconciler(alice, "numbers"), "files")}
    assert shown[file["key"]]["revision"] == greatest
    assert shim.delete(file["mediaId"], revision=greatest).status_code == 200
    assert kept(place.state).rows[file["key"]]["revision"] == greatest


# What was lost.


def test_what_the_database_lost_opens_again(alice: Caller, place: RunningWorker) -> None:
    shim, owner = of_shim(alice, "loser", tenant="lost"), reconciler(alice, "loser")
    file = shim.upload(JPEG, visibility="public", fileName="Grüße 🏔.jpg")
    other = of_shim(alice, "rival", tenant="lost").upload(JPEG)
    before = kept(place.state).rows[file["key"]]
    account_before = account(place.state, "t:lost")
    lose(place.state, file["key"])
    assert httpx.get(f"{alice.url}/m/{file['key']}").status_code == 401
    [found] = listed(owner, "objects", prefix="t/lost/")
    assert (found["key"], found["owner"]) == (file["key"], "nobody")

    answer = owner.restore(entry_of(file, revision=4), entry_of(other))
    assert verdicts(answer) == [
        {"verdict": "restored"},
        {"verdict": "exists", "status": "uploaded"},
    ]
    after = kept(place.state).rows[file["key"]]
    measured = dict.fromkeys(("width", "height", "animated", "alpha"))
    # When the bytes came, not when the upload was completed.
    instants = {name: after[name] for name in ("uploaded_at", "url_expires_at", "updated_at")}
    assert after == {**before, **measured, **instants, "revision": 4}
    assert before["created_at"] <= after["uploaded_at"] <= before["uploaded_at"]
    assert account(place.state, "t:lost") == account_before
    assert kept(place.state).rows[other["key"]]["managed_by"] == "rival"
    assert httpx.get(f"{alice.url}/m/{file['key']}").content == JPEG
    [found] = listed(owner, "objects", prefix="t/lost/")
    assert found["owner"] == "self"
    assert shim.delete(file["mediaId"]).status_code == 200
    assert httpx.get(file_url(alice.url, file["key"])).status_code == 410


def test_each_file_that_cannot_be_restored_is_told_why(alice: Caller, place: RunningWorker) -> None:
    shim, owner = of_shim(alice, "loser", tenant="told"), reconciler(alice, "loser")
    absent, gone, small, typed = (shim.upload(JPEG) for _ in range(4))
    shim.delete(gone["mediaId"])
    lose(place.state, *keys([absent, gone, small, typed]))
    remove(place.url, absent["key"], typed["key"])
    store(place.url, typed["key"], JPEG, ContentType="image/png")
    answer = owner.restore(
        entry_of(absent),
        entry_of(gone),
        entry_of(small, fileSize=len(JPEG) - 1),
        entry_of(typed),
        {
            "mediaId": "media_" + "z" * 21,
            "key": f"t/told/blog/2026/11/{'z' * 21}.jpg",
            "tenantId": "told",
            "quarantine": True,
        },
    )
    assert verdicts(answer) == [
        {"verdict": "no_object"},
        {"verdict": "gone"},
        {"verdict": "mismatch", "field": "fileSize"},
        {"verdict": "mismatch", "field": "contentType"},
        {"verdict": "no_object"},
    ]
    assert not [key for key in kept(place.state).rows if key.startswith("t/told/")]
    remove(place.url, *keys([gone, small, typed]))


def test_an_object_that_nobody_knows_is_put_away(alice: Caller, place: RunningWorker) -> None:
    owner = reconciler(alice, "keeper")
    identifiers = [letter * 21 for letter in "pqr"]
    paths = [f"t/stray/blog/2026/11/{name}.jpg" for name in identifiers]
    store(place.url, paths[0], JPEG, ContentType="image/jpeg",
          ContentDisposition="inline; filename=\"_.jpg\"; filename*=UTF-8''%C3%BC.jpg")  # fmt: skip
    store(place.url, paths[1], b"anything", ContentType="application/octet-stream")
    store(place.url, paths[2], b"anything")
    strays = [
        {
            "mediaId": f"media_{name}",
            "key": path,
            "tenantId": "stray",
            "visibility": "public",
            "quarantine": True,
        }
        for name, path in zip(identifiers, paths, strict=True)
    ]
    assert keys(listed(owner, "objects", prefix="t/stray/")) == paths
    answer = owner.restore(*strays)
    assert verdicts(answer) == [
        {"verdict": "restored"},
        {"verdict": "mismatch", "field": "contentType"},
        {"verdict": "mismatch", "field": "contentType"},
    ]
    [file] = listed(owner, "files", prefix="t/stray/")
    assert (file["key"], file["fileName"], file["visibility"]) == (paths[0], "ü.jpg", "private")
    assert (file["fileSize"], file["contentType"]) == (len(JPEG), "image/jpeg")
    assert file["createdAt"] == file["uploadedAt"]
    assert httpx.get(f"{alice.url}/m/{paths[0]}").status_code == 401
    row = kept(place.state).rows[paths[0]]
    assert (row["uploaded_by"], row["managed_by"]) == ("quarantine", "keeper")
    grow_older(place.state, paths[:1], DAY_MS)
    assert of_shim(alice, "keeper", tenant="stray").delete(file["mediaId"]).status_code == 200
    assert paths[0] not in kept(place.state).objects
    remove(place.url, *paths[1:])


def test_of_restores_and_deletes_at_the_same_time_one_row_comes_and_the_account_is_right(
    alice: Caller, place: RunningWorker
) -> None:
    shim = of_shim(alice, "racer", tenant="race")
    owners = [reconciler(alice, name) for name in ("racer", "racer2")]
    files = [shim.upload(JPEG) for _ in range(4)]
    lose(place.state, *keys(files))

    def restore(number: int) -> list[str]:
        answer = owners[number % 2].restore(*map(entry_of, files))
        if number == 3:
            shim.delete(files[0]["mediaId"])
        return [one["verdict"] for one in verdicts(answer)]

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(restore, range(6)))
    for each in zip(*answers, strict=True):
        assert sorted(each) == ["exists"] * 5 + ["restored"]
    counted = account(place.state, "t:race")
    assert (counted["used_bytes"], counted["used_files"]) == counting(place.state, "t:race")
    rows = kept(place.state).rows
    assert {rows[file["key"]]["status"] for file in files[1:]} == {"uploaded"}


# Bad input.


@pytest.mark.parametrize(
    ("what", "query", "field"),
    [
        *((what, {"limit": value}, "limit") for what in ("files", "objects")
          for value in ("", "0", "1001", "-1", "1.5", "x", "1" * 5_000)),
        *((what, {"prefix": value}, "prefix") for what in ("files", "objects")
          for value in ("", "t", "t/acme", "t/" + "a" * 1_023 + "/")),
        ("objects", {"prefix": "incoming/"}, "prefix"),
        ("files", {"after": ""}, "after"),
        ("files", {"after": "t" * 1_025}, "after"),
        *(("objects", {"cursor": value}, "cursor") for value in ("", "=", "!", "gA", "dA==")),
    ],
)  # fmt: skip
def test_a_question_that_cannot_be_answered_is_refused(
    alice: Caller, what: str, query: dict[str, str], field: str
) -> None:
    answer = reconciler(alice, "one").managed(what, **query)
    assert answer.status_code == 400
    assert (answer.json()["code"], answer.json()["field"]) == ("INVALID_FIELD", field)


@pytest.mark.parametrize("call", ["files", "objects", "restore"])
def test_a_tenant_and_whoever_is_no_shim_are_turned_away(alice: Caller, call: str) -> None:
    def ask(headers: dict[str, str]) -> dict[str, Any]:
        caller = replace(alice, headers=headers)
        stray = {
            "mediaId": "media_" + "z" * 21,
            "key": f"t/acme/blog/2026/11/{'z' * 21}.jpg",
            "tenantId": "acme",
            "quarantine": True,
        }
        answer = caller.restore(stray) if call == "restore" else caller.managed(call)
        envelope: dict[str, Any] = answer.json()
        return envelope

    good = dict(reconciler(alice, "one").headers)
    unnamed = {name: value for name, value in good.items() if name != "x-media-shim"}
    assert ask(unnamed)["fields"] == ["x-media-shim"]
    assert ask({**good, "x-tenant-id": "acme"})["code"] == "FORBIDDEN"
    assert ask({**good, "x-user-permissions": "media:files.write"})["code"] == "FORBIDDEN"
    assert ask({**good, "x-gateway-key": "x"})["code"] == "UNAUTHORIZED"


@pytest.mark.parametrize("revision", ["", "0", "-1", "1.5", "x", str(2**53)])
def test_a_revision_that_is_none_changes_nothing(alice: Caller, revision: str) -> None:
    shim = of_shim(alice, "numbers")
    file = shim.upload(JPEG)
    for answer in (
        shim.delete(file["mediaId"], revision=revision),
        shim.show_to(file["mediaId"], "public", revision=revision),
    ):
        assert (answer.status_code, answer.json()["field"]) == (400, "revision")
    assert httpx.get(file_url(alice.url, file["key"])).status_code == 200


def test_a_body_of_a_hundred_files_with_long_names_is_taken_and_no_more(alice: Caller) -> None:
    owner = reconciler(alice, "one")
    entries = [
        {
            "mediaId": f"media_{number:021}",
            "key": f"t/many/{'s' * 64}/a/{'b' * 64}/{number:021}.jpg",
            "tenantId": "many",
            "userId": "u" * 64,
            "fileName": "n" * 1_024,
            "contentType": "image/jpeg",
            "fileSize": 5,
            "createdAt": "2026-11-20T11:48:18.443Z",
        }
        for number in range(100)
    ]
    assert len(json.dumps(entries)) > 64 * 1024
    assert verdicts(owner.restore(*entries)) == [{"verdict": "no_object"}] * 100
    assert owner.restore(*entries, entries[0]).json()["field"] == "files"
    assert owner.restore({"padding": "x" * 600_000}).json()["code"] == "FILE_TOO_LARGE"
