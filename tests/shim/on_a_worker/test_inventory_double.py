"""What a shim is shown of both stores, and gets back: every test runs on the double and the Worker.

The Worker is shared, so that each test has a shim and a tenant of its own.
"""

import re
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.media import JPEG
from tests.shim.on_a_worker.sides import ALICE, Side, reconciler, refused

INSTANT = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"


@pytest.fixture(autouse=True)
def _database() -> None:
    """Neither side has anything to do with the application's database."""


@pytest.fixture
def name() -> str:
    """A name that no shim and no tenant has yet."""
    return uuid4().hex[:12]


def shim_of(name: str) -> dict[str, str]:
    """Return the headers of a user of this tenant, for whom the shim of the same name calls."""
    return ALICE | {"x-tenant-id": name, "x-media-shim": name}


def keys(entries: list[dict[str, Any]]) -> list[str]:
    return [entry["key"] for entry in entries]


def lost(file: dict[str, Any], **changed: object) -> dict[str, Any]:
    """Return what a shim says of a file that it knows; without what is changed to None."""
    names = ("mediaId", "key", "visibility", "fileName", "contentType", "fileSize", "createdAt")
    known = {each: file[each] for each in names}
    entry = {**known, "userId": "1", "tenantId": file["key"].split("/")[1], **changed}
    return {each: value for each, value in entry.items() if value is not None}


def verdicts(answer: httpx.Response) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    return [
        {each: value for each, value in one.items() if each not in ("mediaId", "key")}
        for one in answer.json()["files"]
    ]


def test_a_row_and_its_object(side: Side, name: str) -> None:
    file = side.uploaded(shim_of(name), fileName="Grüße/.jpg")

    [row] = side.listed("files", name)
    [stored] = side.listed("objects", name, prefix=f"t/{name}/")

    assert row == {
        "mediaId": file["mediaId"],
        "key": file["key"],
        "status": "uploaded",
        "visibility": "private",
        "contentType": "image/jpeg",
        "fileSize": len(JPEG),
        "fileName": "Grüße.jpg",
        "etag": file["etag"],
        "sha256": None,
        "revision": 0,
        "createdAt": file["createdAt"],
        "uploadedAt": file["uploadedAt"],
        "updatedAt": file["uploadedAt"],
    }
    assert re.fullmatch(INSTANT, stored.pop("uploadedAt"))
    assert stored == {
        "key": file["key"],
        "fileSize": len(JPEG),
        "etag": file["etag"],
        "gone": False,
        "owner": "self",
    }


def test_each_state_that_a_file_can_be_in(side: Side, name: str) -> None:
    who = shim_of(name)
    uploaded = side.uploaded(who)
    pending = side.presign(who).json()
    opened = side.open(who, fileSize=None, maxFileSize=5000).json()
    rejected = side.presign(who).json()
    side.put(rejected, b"<html>".ljust(len(JPEG)))
    side.complete(rejected["mediaId"], who)
    deleted = side.uploaded(who)
    side.http.delete(f"/files/{deleted['mediaId']}?revision=6", headers=who)
    given_up = side.presign(who).json()
    side.delete(given_up["mediaId"], who)

    rows = {row["key"]: row for row in side.listed("files", name)}
    objects = {one["key"]: one for one in side.listed("objects", name, prefix=f"t/{name}/")}

    def seen(file: dict[str, Any]) -> tuple[object, ...]:
        row, stored = rows[file["key"]], objects.get(file["key"])
        is_uploaded = row["uploadedAt"] is not None
        state = None if stored is None else (stored["gone"], stored["fileSize"], stored["owner"])
        return row["status"], row["fileSize"], row["revision"], is_uploaded, state

    size, tombstone = len(JPEG), (True, 0, "self")
    assert seen(uploaded) == ("uploaded", size, 0, True, (False, size, "self"))
    assert seen(pending) == ("pending_upload", size, 0, False, None)
    assert seen(opened) == ("pending_upload", 5000, 0, False, None)
    assert seen(rejected) == ("rejected", size, 0, False, tombstone)
    assert seen(deleted) == ("deleting", size, 6, True, tombstone)
    assert seen(given_up) == ("expired", size, 0, False, tombstone)


def test_a_change_shows_and_one_that_is_late_does_not(side: Side, name: str) -> None:
    who = shim_of(name)
    file = side.uploaded(who)

    def tell(visibility: str, revision: int) -> dict[str, Any]:
        body = {"visibility": visibility, "revision": revision}
        assert side.http.patch(f"/files/{file['mediaId']}", json=body, headers=who).is_success
        [row] = side.listed("files", name)
        return row

    shown = tell("public", 7)

    assert (shown["visibility"], shown["revision"]) == ("public", 7)
    assert shown["updatedAt"] >= file["uploadedAt"]
    assert tell("private", 6) == shown
    assert tell("public", 7) == shown
    assert tell("public", 8)["revision"] == 8


@pytest.mark.parametrize("limit", [1, 2, 3, 1000])
def test_pages_are_in_the_order_of_keys_and_of_this_shim_alone(
    side: Side, name: str, limit: int
) -> None:
    other = f"{name}b"
    mine = [side.uploaded(shim_of(name), album=album) for album in ("a", "B", "c")]
    side.uploaded(shim_of(name) | {"x-media-shim": other})
    side.uploaded({each: value for each, value in shim_of(name).items() if each != "x-media-shim"})
    elsewhere = side.uploaded(shim_of(other) | {"x-media-shim": name})
    own = sorted(keys(mine))

    assert keys(side.listed("files", name, limit=limit)) == sorted([*own, elsewhere["key"]])
    for what in ("files", "objects"):
        assert keys(side.listed(what, name, limit=limit, prefix=f"t/{name}/")) == own
        assert keys(side.listed(what, name, limit=limit, prefix=f"t/{name}/app/a/a/")) == own[1:2]
        assert side.listed(what, name, limit=limit, prefix=f"t/{name}x/") == []


def test_a_page_says_where_the_next_one_begins(side: Side, name: str) -> None:
    own = sorted(side.uploaded(shim_of(name))["key"] for _ in range(3))

    def page(what: str, **query: object) -> tuple[list[str], object]:
        answer = side.managed(what, name, prefix=f"t/{name}/", **query).json()
        return keys(answer[what]), answer["next"]

    assert page("files", limit=2) == (own[:2], own[1])
    assert page("files", limit=2, after=own[1]) == (own[2:], None)
    # It is full, so that there could be another; of objects the store knows.
    assert page("files", limit=3) == (own, own[2])
    assert page("files", limit=1, after=own[0][:-1]) == (own[:1], own[0])
    assert page("objects", limit=3) == (own, None)
    first, cursor = page("objects", limit=2)
    assert first == own[:2]
    assert page("objects", limit=2, cursor=cursor) == (own[2:], None)


def test_the_objects_of_users_come_behind_those_of_tenants(side: Side, name: str) -> None:
    alone = {each: value for each, value in shim_of(name).items() if each != "x-tenant-id"}
    both = [side.uploaded(shim_of(name)), side.uploaded(alone | {"x-user-id": name})]

    listed = [one for one in side.listed("objects", name, limit=2) if one["owner"] == "self"]

    assert keys(listed) == keys(both)
    assert side.listed("objects", name, prefix=f"u/{name}/") == listed[1:]


@pytest.mark.parametrize(
    ("what", "query", "field"),
    [
        *((what, {"limit": value}, "limit") for what in ("files", "objects")
          for value in ("", "0", "1001", "-1", "1.5", "x", "1" * 30)),
        *((what, {"prefix": value}, "prefix") for what in ("files", "objects")
          for value in ("", "t/acme", "t/" + "x" * 1024 + "/")),
        ("objects", {"prefix": "v/"}, "prefix"),
        ("objects", {"prefix": "/"}, "prefix"),
        ("files", {"after": ""}, "after"),
        ("files", {"after": "x" * 1025}, "after"),
        *(("objects", {"cursor": value}, "cursor") for value in ("", "!", "a", "_w", "dC8=")),
    ],
)  # fmt: skip
def test_a_page_that_cannot_be_one(
    side: Side, name: str, what: str, query: dict[str, str], field: str
) -> None:
    assert refused(side.managed(what, name, **query)) == (400, "INVALID_FIELD", field)


@pytest.mark.parametrize("call", ["files", "objects", "restore"])
def test_who_may_not_ask(side: Side, name: str, call: str) -> None:
    entry = lost(side.uploaded(shim_of(name)))

    def ask(**changed: str | None) -> tuple[int, str, object]:
        headers = {**reconciler(name), **{each.replace("_", "-"): v for each, v in changed.items()}}
        sent = {each: value for each, value in headers.items() if value is not None}
        if call == "restore":
            return refused(
                side.http.post("/managed/restore", json={"files": [entry]}, headers=sent)
            )
        return refused(side.http.get(f"/managed/{call}", headers=sent))

    assert ask(x_gateway_key="another")[:2] == (401, "UNAUTHORIZED")
    assert ask(x_user_permissions="media:files.read,media:files.write")[:2] == (403, "FORBIDDEN")
    assert ask(x_tenant_id=name)[:2] == (403, "FORBIDDEN")
    assert ask(x_media_shim=None) == (400, "MISSING_FIELDS", ["x-media-shim"])
    assert ask(x_media_shim="no id") == (400, "INVALID_FIELD", "x-media-shim")


def test_a_method_that_is_not_there(side: Side, name: str) -> None:
    for path, method, allowed in (
        ("/managed/files", "POST", "GET, HEAD"),
        ("/managed/restore", "GET", "POST"),
        ("/upload/presign", "PUT", "POST"),
    ):
        answer = side.http.request(method, path, headers=reconciler(name))
        assert refused(answer)[:2] == (405, "METHOD_NOT_ALLOWED")
        assert answer.headers["allow"] == allowed


# What was lost.


def test_a_row_that_was_lost_is_made_again(side: Side, name: str) -> None:
    who = shim_of(name)
    file = side.uploaded(who, visibility="public", album="summer")
    [before] = side.listed("files", name)
    side.lose_row(file["key"])
    assert side.listed("files", name) == []
    [stray] = side.listed("objects", name, prefix=f"t/{name}/")
    assert (stray["key"], stray["owner"]) == (file["key"], "nobody")

    first = side.restore(name, [lost(file, revision=4)])
    second = side.restore(name, [lost(file, revision=4)])

    assert first.json() == {
        "files": [{"mediaId": file["mediaId"], "key": file["key"], "verdict": "restored"}]
    }
    assert verdicts(second) == [{"verdict": "exists", "status": "uploaded"}]
    [after] = side.listed("files", name)
    # When the bytes came, not when the upload was completed.
    changed = {"uploadedAt": stray["uploadedAt"], "updatedAt": after["updatedAt"], "revision": 4}
    assert after == {**before, **changed}
    again = side.complete(file["mediaId"], who).json()
    assert (again["album"], again["visibility"], again["managedBy"]) == ("summer", "public", name)
    assert [one["owner"] for one in side.listed("objects", name, prefix=f"t/{name}/")] == ["self"]
    assert side.delete(file["mediaId"], who).status_code == 200


def test_a_row_that_is_there_stays_whosever_it_is(side: Side, name: str) -> None:
    other = f"{name}b"
    theirs = side.uploaded(shim_of(other))
    gone = side.uploaded(shim_of(name))
    side.delete(gone["mediaId"], shim_of(name))
    pending = side.presign(shim_of(name)).json()

    answer = side.restore(
        name, [lost(theirs), lost(gone), lost({**gone, **pending}, createdAt=gone["createdAt"])]
    )

    assert verdicts(answer) == [
        {"verdict": "exists", "status": "uploaded"},
        {"verdict": "exists", "status": "deleting"},
        {"verdict": "exists", "status": "pending_upload"},
    ]
    assert keys(side.listed("files", other)) == [theirs["key"]]


def test_each_file_that_cannot_be_restored_is_told_why(side: Side, name: str) -> None:
    who = shim_of(name)
    absent, gone, small, typed, stray = (side.uploaded(who) for _ in range(5))
    side.delete(gone["mediaId"], who)
    for file in (absent, gone, small, typed, stray):
        side.lose_row(file["key"])
    for file in (absent, typed, stray):
        side.lose_object(file["key"])
    for file in (typed, stray):
        side.add_object(file["key"], JPEG, "image/png")

    answer = side.restore(
        name,
        [
            lost(absent),
            lost(gone),
            lost(small, fileSize=len(JPEG) - 1),
            lost(typed),
            lost(stray, quarantine=True),
            lost(absent, mediaId="media_" + "z" * 21, quarantine=True,
                 key=f"t/{name}/app/2026/11/{'z' * 21}.jpg"),
        ],
    )  # fmt: skip

    assert verdicts(answer) == [
        {"verdict": "no_object"},
        {"verdict": "gone"},
        {"verdict": "mismatch", "field": "fileSize"},
        {"verdict": "mismatch", "field": "contentType"},
        {"verdict": "mismatch", "field": "contentType"},
        {"verdict": "no_object"},
    ]
    assert side.listed("files", name) == []


@pytest.mark.parametrize("called", ["hill.jpg", None])
def test_an_object_that_nobody_knows_becomes_a_private_file(
    side: Side, name: str, called: str | None
) -> None:
    nanoid = uuid4().hex[:21]
    key = f"t/{name}/app/2026/11/{nanoid}.jpg"
    side.add_object(key, JPEG, "image/jpeg", called)
    [stored] = side.listed("objects", name, prefix=f"t/{name}/")
    entry = {"mediaId": f"media_{nanoid}", "key": key, "tenantId": name, "visibility": "public"}

    assert verdicts(side.restore(name, [{**entry, "quarantine": True}])) == [
        {"verdict": "restored"}
    ]

    [row] = side.listed("files", name)
    assert row["fileName"] == (called or f"{nanoid}.jpg")
    assert (row["visibility"], row["fileSize"], row["contentType"], row["etag"]) == (
        "private",
        len(JPEG),
        "image/jpeg",
        stored["etag"],
    )
    assert row["createdAt"] == row["uploadedAt"] == stored["uploadedAt"]


KEY = f"t/acme/app/2026/11/{'k' * 21}.jpg"
ENTRY = {
    "mediaId": "media_" + "k" * 21, "key": KEY, "tenantId": "acme", "userId": "1",
    "fileName": "sea.jpg", "contentType": "image/jpeg", "fileSize": 9,
    "createdAt": "2026-11-20T11:48:18.443Z",
}  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "code", "fault"),
    [
        ({"mediaId": None, "fileSize": None}, "MISSING_FIELDS", ["mediaId", "fileSize"]),
        ({"userId": None}, "MISSING_FIELDS", ["userId"]),
        ({"tenantId": None, "userId": None, "quarantine": True}, "MISSING_FIELDS", ["userId"]),
        ({"quarantine": 1}, "INVALID_FIELD", "quarantine"),
        ({"userId": "no id"}, "INVALID_FIELD", "userId"),
        ({"tenantId": 7}, "INVALID_FIELD", "tenantId"),
        ({"tenantId": None}, "INVALID_FIELD", "key"),
        ({"key": "t/acme/app/13/01/x.jpg"}, "INVALID_FIELD", "key"),
        ({"key": KEY.replace("/11/", "/13/")}, "INVALID_FIELD", "key"),
        ({"key": KEY.replace(".jpg", ".png")}, "INVALID_FIELD", "key"),
        ({"key": KEY.replace("acme", "globex")}, "INVALID_FIELD", "key"),
        ({"key": 7}, "INVALID_FIELD", "key"),
        ({"mediaId": "media_" + "l" * 21}, "INVALID_FIELD", "mediaId"),
        ({"mediaId": "nothing"}, "INVALID_FIELD", "mediaId"),
        *(({"revision": value}, "INVALID_FIELD", "revision") for value in (-1, 2**53, "1", True)),
        ({"contentType": "text/html"}, "UNSUPPORTED_MIME", "contentType"),
        ({"contentType": 7}, "INVALID_FIELD", "contentType"),
        ({"visibility": "everybody"}, "INVALID_FIELD", "visibility"),
        *(({"fileName": value}, "INVALID_FIELD", "fileName") for value in ("", " ", 7, "x" * 1025)),
        *(({"fileSize": value}, "INVALID_FIELD", "fileSize") for value in (0, -1, "9", 1.5, True)),
        ({"fileSize": 5 * 2**40 + 1}, "FILE_TOO_LARGE", "fileSize"),
        *(
            ({"createdAt": value}, "INVALID_FIELD", "createdAt")
            for value in ("", "yesterday", 7, "2026-11-20T11:48:18", "1969-12-31T23:59:59Z")
        ),
    ],
)
def test_an_entry_that_cannot_be_used_refuses_all(
    side: Side, name: str, changes: dict[str, object], code: str, fault: str | list[str]
) -> None:
    file = side.uploaded(shim_of(name))
    side.lose_row(file["key"])
    entry = {each: value for each, value in (ENTRY | changes).items() if value is not None}

    answer = side.restore(name, [lost(file), entry])

    named = f"files[1].{fault}" if isinstance(fault, str) else [f"files[1].{one}" for one in fault]
    assert refused(answer) == (400, code, named)
    assert side.listed("files", name) == []


@pytest.mark.parametrize(
    ("files", "code", "fault"),
    [
        (None, "MISSING_FIELDS", ["files"]),
        ([], "INVALID_FIELD", "files"),
        ({}, "INVALID_FIELD", "files"),
        ([ENTRY] * 101, "INVALID_FIELD", "files"),
        ([ENTRY, 7], "INVALID_FIELD", "files[1]"),
        ([ENTRY, ENTRY], "INVALID_FIELD", "files[1].key"),
        ([{"fileName": "x" * 2**19}], "FILE_TOO_LARGE", "body"),
    ],
)
def test_a_list_that_cannot_be_used(
    side: Side, name: str, files: object, code: str, fault: object
) -> None:
    assert refused(side.restore(name, files)) == (400, code, fault)


def test_a_body_that_is_no_object(side: Side, name: str) -> None:
    answer = side.http.post("/managed/restore", json=[ENTRY], headers=reconciler(name))

    assert refused(answer) == (400, "INVALID_FIELD", "body")


def test_a_hundred_files_in_the_order_of_the_question(side: Side, name: str) -> None:
    file = side.uploaded(shim_of(name))
    side.lose_row(file["key"])
    others = [
        lost(file, mediaId=f"media_{number:021}", key=f"t/{name}/app/a/x/{number:021}.jpg")
        for number in range(99)
    ]

    answer = side.restore(name, [*others, lost(file)])

    assert verdicts(answer) == [{"verdict": "no_object"}] * 99 + [{"verdict": "restored"}]
    assert keys(answer.json()["files"]) == [*keys(others), file["key"]]


# What time does.


def test_what_the_cron_clears_away_and_forgets(side: Side, name: str) -> None:
    who = shim_of(name)
    stays, deleted = side.uploaded(who), side.uploaded(who)
    side.delete(deleted["mediaId"], who)
    refused_one, pending, opened = (
        side.presign(who).json(),
        side.presign(who).json(),
        side.open(who).json(),
    )
    side.put(pending)
    side.put(refused_one, b"<html>".ljust(len(JPEG)))
    side.complete(refused_one["mediaId"], who)
    files = {
        "stays": stays,
        "deleted": deleted,
        "refused": refused_one,
        "pending": pending,
        "opened": opened,
    }

    def after(hours: float) -> dict[str, object]:
        side.run_cron(keys([*files.values()]), hours)
        rows = {row["key"]: row["status"] for row in side.listed("files", name)}
        stored = {
            one["key"]: "tombstone" if one["gone"] else "bytes"
            for one in side.listed("objects", name, prefix=f"t/{name}/")
        }
        return {
            called: (rows.get(file["key"]), stored.get(file["key"]))
            for called, file in files.items()
        }

    assert after(1.5) == {
        "stays": ("uploaded", "bytes"),
        "deleted": ("deleting", "tombstone"),
        "refused": ("rejected", "tombstone"),
        "pending": ("pending_upload", "bytes"),
        "opened": ("pending_upload", None),
    }
    cleared = {
        "stays": ("uploaded", "bytes"),
        "deleted": ("gone", None),
        "refused": ("gone", None),
    }
    assert after(23) == {
        **cleared,
        "pending": ("pending_upload", "bytes"),
        "opened": ("pending_upload", None),
    }
    assert after(30) == {**cleared, "pending": ("gone", None), "opened": ("gone", None)}
    assert refused(side.complete(pending["mediaId"], who)) == (410, "MEDIA_GONE", None)
    forgotten = dict.fromkeys(("deleted", "refused", "pending", "opened"), (None, None))
    assert after(30 + 91 * 24) == {"stays": ("uploaded", "bytes"), **forgotten}
    assert refused(side.complete(pending["mediaId"], who)) == (404, "MEDIA_NOT_FOUND", None)
