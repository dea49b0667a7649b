"""What a shim is shown of its files and of the bucket, and what it has restored."""

from collections.abc import Mapping
from typing import Any

import pytest

from media_engine.errors import R2Unavailable
from media_engine.http.message import Response
from media_engine.ports import ObjectPage, SqlValue, Statement
from media_engine.signing.gateway import OWNER, READ, WRITE
from media_engine.signing.token import Claims, mint
from media_engine.uploads.model import LATE_PUT_MS, UPLOAD_URL_LIFE_MS
from tests.fakes import MemoryStore
from tests.media import JPEG
from tests.unit.engine import ALICE_HEADERS, PHOTO, Engine, finish, members, to_json
from tests.unit.interrupted import InterruptedStore

SHIM_HEADERS = {
    "x-gateway-key": "the-gateway",
    "x-user-id": "reconciler",
    "x-user-permissions": OWNER,
    "x-media-shim": "backend",
    "content-type": "application/json",
}
OTHER_HEADERS = {**SHIM_HEADERS, "x-media-shim": "another"}


def upload(
    engine: Engine,
    shim: str | None,
    user: str = "alice",
    tenant: str | None = "acme",
    content: bytes = JPEG,
    **fields: object,
) -> dict[str, Any]:
    """Bring a file in; return it."""
    upload = presign(engine, shim, user, tenant, **{"fileSize": len(content), **fields})
    engine.put(upload, content)
    headers = headers_of(shim, user, tenant)
    body = to_json({"mediaId": upload["mediaId"]})
    return members(engine.fetch("PATCH", "/upload/complete", headers, body))


def presign(
    engine: Engine,
    shim: str | None,
    user: str = "alice",
    tenant: str | None = "acme",
    **fields: object,
) -> dict[str, Any]:
    body = to_json({**PHOTO, **fields})
    return members(engine.fetch("POST", "/upload/presign", headers_of(shim, user, tenant), body))


def headers_of(shim: str | None, user: str, tenant: str | None) -> dict[str, str]:
    named = {"x-user-id": user, "x-tenant-id": tenant, "x-media-shim": shim}
    others = {
        name: value
        for name, value in ALICE_HEADERS.items()
        if name not in ("x-user-id", "x-tenant-id")
    }
    return {**others, **{name: value for name, value in named.items() if value is not None}}


def files(
    engine: Engine, query: str = "", headers: Mapping[str, str] = SHIM_HEADERS
) -> dict[str, Any]:
    answer = engine.fetch("GET", f"/managed/files{query}", headers)
    assert answer.status == 200, answer.body
    return members(answer)


def objects(
    engine: Engine, query: str = "", headers: Mapping[str, str] = SHIM_HEADERS
) -> dict[str, Any]:
    answer = engine.fetch("GET", f"/managed/objects{query}", headers)
    assert answer.status == 200, answer.body
    return members(answer)


def all_objects(engine: Engine, query: str = "?limit=2") -> list[dict[str, Any]]:
    """Go through all pages; return the objects."""
    found: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = objects(engine, query + cursor)
        found += page["objects"]
        if page["next"] is None:
            return found
        cursor = f"&cursor={page['next']}"


def keys(entries: list[dict[str, Any]]) -> list[str]:
    return [entry["key"] for entry in entries]


def restore(
    engine: Engine, *entries: object, headers: Mapping[str, str] = SHIM_HEADERS
) -> Response:
    return engine.fetch("POST", "/managed/restore", headers, to_json({"files": list(entries)}))


def verdicts(answer: Response) -> list[dict[str, Any]]:
    """Return what is said of each entry besides which one it is."""
    assert answer.status == 200, answer.body
    found: list[dict[str, Any]] = members(answer)["files"]
    return [
        {name: value for name, value in one.items() if name not in ("mediaId", "key")}
        for one in found
    ]


def entry_of(file: Mapping[str, Any], **changed: object) -> dict[str, Any]:
    """Return what a shim says of a file that it knows."""
    tenant = file["key"].split("/")[1] if file["key"].startswith("t/") else None
    return {
        "mediaId": file["mediaId"],
        "key": file["key"],
        "userId": "alice",
        "tenantId": tenant,
        "visibility": file["visibility"],
        "fileName": file["fileName"],
        "contentType": file["contentType"],
        "fileSize": file["fileSize"],
        "createdAt": file["createdAt"],
        "revision": 3,
        **changed,
    }


def stray_of(file: Mapping[str, Any], **changed: object) -> dict[str, Any]:
    """Return what a shim says of an object that it does not know."""
    return {
        "mediaId": file["mediaId"],
        "key": file["key"],
        "tenantId": file["key"].split("/")[1],
        "quarantine": True,
        **changed,
    }


def lose(engine: Engine, *lost: Mapping[str, Any]) -> None:
    """Lose the rows of files, as a database does that is restored from an old backup."""
    for file in lost:
        write(engine, "DELETE FROM media_files WHERE id = ?", file["mediaId"])


def write(engine: Engine, sql: str, *values: SqlValue) -> None:
    finish(engine.database.run(Statement(sql, values)))


# Files.


def test_a_shim_sees_its_files_of_all_scopes_and_statuses_and_no_others() -> None:
    engine = Engine()
    mine = [
        upload(engine, "backend"),
        upload(engine, "backend", "bob", "globex", visibility="public"),
        upload(engine, "backend", "carol", None),
        presign(engine, "backend"),
        upload(engine, "backend"),
    ]
    upload(engine, None)
    upload(engine, "another")
    upload(engine, "backend2")
    engine.fetch(
        "DELETE", f"/files/{mine[4]['mediaId']}?revision=7", headers_of("backend", "alice", "acme")
    )
    page = files(engine)
    assert keys(page["files"]) == sorted(file["key"] for file in mine)
    assert page["next"] is None
    shown = {one["mediaId"]: one for one in page["files"]}
    first = mine[0]
    assert shown[first["mediaId"]] == {
        **{
            name: first[name]
            for name in (
                "mediaId", "key", "status", "visibility", "contentType", "fileSize", "fileName",
                "etag", "sha256", "createdAt", "uploadedAt",
            )
        },
        "revision": 0,
        "updatedAt": first["uploadedAt"],
    }  # fmt: skip
    statuses = [shown[file["mediaId"]]["status"] for file in mine]
    assert statuses == ["uploaded", "uploaded", "uploaded", "pending_upload", "deleting"]
    assert shown[mine[4]["mediaId"]]["revision"] == 7
    assert shown[mine[3]["mediaId"]]["uploadedAt"] is None
    assert keys(files(engine, headers=OTHER_HEADERS)["files"]) != []
    assert files(engine, headers={**SHIM_HEADERS, "x-media-shim": "nobody"})["files"] == []


def test_pages_follow_one_another_and_the_last_one_says_so() -> None:
    engine = Engine()
    expected = sorted(upload(engine, "backend")["key"] for _ in range(5))
    seen: list[str] = []
    after = ""
    for length in (2, 2, 1):
        page = files(engine, f"?limit=2{after}")
        assert len(page["files"]) == length
        seen += keys(page["files"])
        after = f"&after={page['next']}"
    assert page["next"] is None
    assert seen == expected
    assert files(engine, f"?limit=5&after={expected[4]}") == {"files": [], "next": None}


def test_a_prefix_takes_no_neighbour() -> None:
    engine = Engine()
    for tenant in ("abc", "abcd", "ab", "abc-d", "ABC"):
        upload(engine, "backend", tenant=tenant)
    upload(engine, "backend", "abc", None)
    assert [key.split("/")[:2] for key in keys(files(engine, "?prefix=t/abc/")["files"])] == [
        ["t", "abc"]
    ]
    assert {key[:2] for key in keys(files(engine, "?prefix=u/")["files"])} == {"u/"}
    assert keys(files(engine, "?prefix=t/none/")["files"]) == []
    abc = keys(objects(engine, "?prefix=t/abc/")["objects"])
    assert [key.split("/")[1] for key in abc] == ["abc"]
    for path in ("files", "objects"):
        answer = engine.fetch("GET", f"/managed/{path}?prefix=t/abc", SHIM_HEADERS)
        assert (members(answer)["code"], members(answer)["field"]) == ("INVALID_FIELD", "prefix")


def test_what_comes_before_a_prefix_begins_with_it() -> None:
    engine = Engine()
    file = upload(engine, "backend", tenant="m")
    upload(engine, "backend", tenant="a")
    assert keys(files(engine, "?prefix=t/m/&after=a")["files"]) == [file["key"]]
    assert keys(files(engine, "?prefix=t/m/&after=u/z")["files"]) == []


def test_a_page_of_files_is_one_statement_by_its_index() -> None:
    engine = Engine()
    upload(engine, "backend")
    engine.database.statements = 0
    engine.store.operations.clear()
    engine.database.seen.clear()
    files(engine, "?prefix=t/acme/&limit=10")
    files(engine)
    assert engine.database.statements == 2
    assert engine.store.operations.total() == 0
    for statement in engine.database.plans():
        assert statement == (
            "SEARCH media_files USING INDEX media_files_managed (managed_by=? AND key>? AND key<?)"
        )
    assert len(engine.database.plans()) == 2


# Objects.


def test_a_shim_sees_its_objects_and_those_of_nobody_in_the_order_of_keys() -> None:
    engine = Engine()
    mine = [
        upload(engine, "backend"),
        upload(engine, "backend", "carol", None),
        upload(engine, "backend", "bob", "globex"),
    ]
    pending = presign(engine, "backend")
    engine.put(pending)
    deleted = upload(engine, "backend")
    headers = headers_of("backend", "alice", "acme")
    engine.fetch("DELETE", f"/files/{deleted['mediaId']}", headers)
    for shim in (None, "another"):
        upload(engine, shim)
    strays = [upload(engine, "another"), upload(engine, None)]
    lose(engine, *strays)
    engine.store.put("incoming/x/a", b"part")
    engine.store.put("t", b"x")
    engine.store.put("t/ü 1.jpg", b"x")
    expected = {
        **{file["key"]: ("self", False) for file in [*mine, pending]},
        deleted["key"]: ("self", True),
        **{file["key"]: ("nobody", False) for file in strays},
        "t/ü 1.jpg": ("nobody", False),
    }
    for query in ("?limit=1", "?limit=2", "?limit=3", "?limit=1000", "?prefix=t/&limit=2"):
        found = all_objects(engine, query)
        assert keys(found) == [
            key for key in sorted(expected) if "prefix" not in query or key[:2] == "t/"
        ]
        for one in found:
            assert (one["owner"], one["gone"]) == expected[one["key"]]
    shown = next(one for one in found if one["key"] == mine[0]["key"])
    assert shown == {
        "key": mine[0]["key"],
        "fileSize": len(JPEG),
        "etag": mine[0]["etag"],
        "uploadedAt": mine[0]["uploadedAt"],
        "gone": False,
        "owner": "self",
    }


def test_a_page_that_is_all_others_is_empty_and_goes_on() -> None:
    engine = Engine()
    for _ in range(3):
        upload(engine, "another")
    page = objects(engine, "?limit=2")
    assert page["objects"] == []
    assert page["next"] is not None


def test_a_bucket_that_gives_less_than_was_asked_for_is_gone_through_all_the_same() -> None:
    engine = Engine()
    engine.store.most_listed = 2
    expected = sorted(upload(engine, "backend")["key"] for _ in range(5))
    assert keys(all_objects(engine, "?limit=1000")) == expected


def test_an_empty_bucket_is_a_page_for_each_prefix() -> None:
    engine = Engine()
    page = objects(engine)
    assert page["objects"] == []
    last = objects(engine, f"?cursor={page['next']}")
    assert last == {"objects": [], "next": None}
    assert engine.database.statements == 0


def test_a_cursor_behind_everything_is_the_end() -> None:
    engine = Engine()
    upload(engine, "backend")
    engine.store.operations.clear()
    assert objects(engine, "?cursor=eg") == {"objects": [], "next": None}
    assert objects(engine, "?prefix=t/&cursor=dS8") == {"objects": [], "next": None}
    assert engine.store.operations.total() == 0


def test_prefixes_that_are_not_files_are_refused() -> None:
    engine = Engine({"KEY_PREFIXES": "t/"})
    for prefix in ("u/", "incoming/", "v/", "T/", "/"):
        answer = engine.fetch("GET", f"/managed/objects?prefix={prefix}", SHIM_HEADERS)
        assert (members(answer)["code"], members(answer)["field"]) == ("INVALID_FIELD", "prefix")


def test_a_page_of_objects_is_one_operation_and_one_statement() -> None:
    engine = Engine()
    for _ in range(3):
        upload(engine, "backend")
    engine.store.operations.clear()
    engine.database.statements = 0
    engine.database.seen.clear()
    objects(engine)
    assert dict(engine.store.operations) == {"list": 1}
    assert engine.database.statements == 1
    [step] = engine.database.plans()
    assert step == "SEARCH media_files USING INDEX sqlite_autoindex_media_files_2 (key=?)"


class GrowingStore(MemoryStore):
    """Has one file more whenever it is asked for a list."""

    engine: Engine

    async def list(self, prefix: str, after: str | None, limit: int, /) -> ObjectPage:
        upload(self.engine, "backend", tenant="zzz")
        return await super().list(prefix, after, limit)


def test_what_comes_while_it_is_listed_is_never_called_nobodys() -> None:
    store = GrowingStore()
    engine = store.engine = Engine(store=store)
    expected = sorted(upload(engine, "backend")["key"] for _ in range(5))
    for found in (all_objects(engine, "?limit=1"), all_objects(engine, "?limit=1000")):
        assert {one["owner"] for one in found} == {"self"}
        assert [key for key in keys(found) if key in expected] == expected


# Restoring.


def test_a_row_that_was_lost_is_as_it_was() -> None:
    engine = Engine()
    file = upload(engine, "backend", album="summer", visibility="public", fileName="Grüße 🏔.jpg")
    [before] = engine.rows()
    account = engine.account()
    lose(engine, file)
    assert engine.account()["used_files"] == 0
    assert engine.fetch("GET", f"/m/{file['key']}").status == 401
    engine.clock.advance(5)
    answer = restore(engine, entry_of(file))
    assert members(answer) == {
        "files": [{"mediaId": file["mediaId"], "key": file["key"], "verdict": "restored"}]
    }
    [after] = engine.rows()
    measured = dict.fromkeys(("width", "height", "animated", "alpha"))
    assert after == {**before, **measured, "revision": 3, "updated_at": engine.clock.now()}
    assert engine.account() == account
    assert engine.fetch("GET", f"/m/{file['key']}").status == 200
    assert verdicts(restore(engine, entry_of(file))) == [
        {"verdict": "exists", "status": "uploaded"}
    ]


def test_a_users_own_file_is_restored_with_what_the_store_has_verified() -> None:
    engine = Engine()
    sha256 = "ab" * 32
    signed = presign(engine, "backend", "carol", None, sha256=sha256)
    engine.put(signed, JPEG, sha256)
    body = to_json({"mediaId": signed["mediaId"]})
    file = members(
        engine.fetch("PATCH", "/upload/complete", headers_of("backend", "carol", None), body)
    )
    lose(engine, file)
    assert verdicts(restore(engine, entry_of(file, userId="carol"))) == [{"verdict": "restored"}]
    [row] = engine.rows()
    assert (row["scope"], row["sha256"], row["uploaded_by"]) == ("u:carol", sha256, "carol")


def test_a_restored_file_is_its_shims_and_can_be_deleted_for_good() -> None:
    engine = Engine()
    file = upload(engine, None)
    lose(engine, file)
    restore(engine, entry_of(file))
    assert keys(files(engine)["files"]) == [file["key"]]
    assert members(engine.delete(file["mediaId"]))["code"] == "MEDIA_MANAGED"
    headers = headers_of("backend", "alice", "acme")
    assert engine.fetch("DELETE", f"/files/{file['mediaId']}", headers).status == 200
    token = mint(Claims(key=file["key"], exp=engine.now + 60), engine.settings.token_keys)
    assert engine.fetch("GET", f"/m/{file['key']}?t={token}").status == 410
    assert engine.store.keys() == {file["key"]}, "a tombstone: its URL may still be alive"


def test_the_tombstone_of_a_restored_file_stays_as_long_as_its_url_can_live() -> None:
    engine = Engine()
    file = upload(engine, "backend")
    lose(engine, file)
    engine.clock.advance(UPLOAD_URL_LIFE_MS + LATE_PUT_MS + 1)
    restore(engine, entry_of(file))
    headers = headers_of("backend", "alice", "acme")
    engine.fetch("DELETE", f"/files/{file['mediaId']}", headers)
    assert engine.store.keys() == set()


@pytest.mark.parametrize("shim", [None, "another", "backend"])
@pytest.mark.parametrize("status", ["pending_upload", "uploaded", "deleting", "gone"])
def test_nothing_is_restored_over_a_row(shim: str | None, status: str) -> None:
    engine = Engine()
    file = upload(engine, shim)
    write(
        engine,
        "UPDATE media_files SET status = ?, uploaded_at = CASE ? WHEN 'pending_upload' THEN NULL "
        "ELSE uploaded_at END",
        status,
        status,
    )
    before = engine.rows()
    engine.store.operations.clear()
    for entry in (entry_of(file), stray_of(file)):
        assert verdicts(restore(engine, entry)) == [{"verdict": "exists", "status": status}]
    moved = file["key"].replace("/blog/", "/other/")
    engine.store.put(moved, JPEG, "image/jpeg")
    assert verdicts(restore(engine, entry_of(file, key=moved))) == [
        {"verdict": "exists", "status": status}
    ], "the id is taken"
    assert engine.rows() == before
    assert engine.store.operations.total() == 0


def test_each_entry_has_its_own_verdict_in_the_order_of_the_question() -> None:
    engine = Engine()
    restored, exists, absent, gone, small, other = (upload(engine, "backend") for _ in range(6))
    lose(engine, restored, absent, gone, small, other)
    finish(engine.store.delete([absent["key"]]))
    finish(engine.store.bury(gone["key"]))
    engine.store.put(other["key"], JPEG, "image/png")
    engine.database.statements = 0
    engine.store.operations.clear()
    answer = restore(
        engine,
        entry_of(small, fileSize=small["fileSize"] + 1),
        entry_of(exists),
        entry_of(absent),
        entry_of(gone),
        entry_of(restored),
        entry_of(other),
    )
    assert verdicts(answer) == [
        {"verdict": "mismatch", "field": "fileSize"},
        {"verdict": "exists", "status": "uploaded"},
        {"verdict": "no_object"},
        {"verdict": "gone"},
        {"verdict": "restored"},
        {"verdict": "mismatch", "field": "contentType"},
    ]
    assert dict(engine.store.operations) == {"head": 5}
    assert engine.database.statements == 2
    assert len(engine.rows()) == 2


def test_a_restore_needs_no_room() -> None:
    engine = Engine({"TENANT_QUOTA_BYTES": str(len(JPEG)), "TENANT_QUOTA_FILES": "1"})
    first = upload(engine, "backend")
    lose(engine, first)
    second = upload(engine, "backend")
    assert verdicts(restore(engine, entry_of(first))) == [{"verdict": "restored"}]
    account = engine.account()
    assert (account["used_bytes"], account["used_files"]) == (2 * len(JPEG), 2)
    assert {file["key"] for file in files(engine)["files"]} == {first["key"], second["key"]}


def test_of_two_that_restore_the_same_at_once_one_makes_the_row() -> None:
    store = InterruptedStore()
    engine = Engine(store=store)
    file, other = upload(engine, "backend"), upload(engine, "backend")
    lose(engine, file, other)
    rival: list[Response] = []

    async def restore_too() -> None:
        rival.append(restore(engine, entry_of(file), headers=OTHER_HEADERS))

    store.after_head = restore_too
    answer = restore(engine, entry_of(file), entry_of(other))
    assert verdicts(rival[0]) == [{"verdict": "restored"}]
    assert verdicts(answer) == [
        {"verdict": "exists", "status": "uploaded"},
        {"verdict": "restored"},
    ]
    managers = {row["id"]: row["managed_by"] for row in engine.rows()}
    assert managers == {file["mediaId"]: "another", other["mediaId"]: "backend"}
    assert engine.account()["used_files"] == 2


def test_a_file_that_is_deleted_while_it_is_restored_stays_deleted() -> None:
    store = InterruptedStore()
    engine = Engine(store=store)
    file = upload(engine, "backend")
    lose(engine, file)

    async def restore_and_delete() -> None:
        restore(engine, entry_of(file))
        headers = headers_of("backend", "alice", "acme")
        assert engine.fetch("DELETE", f"/files/{file['mediaId']}", headers).status == 200

    store.after_head = restore_and_delete
    assert verdicts(restore(engine, entry_of(file))) == [
        {"verdict": "exists", "status": "deleting"}
    ]
    [row] = engine.rows()
    assert row["status"] == "deleting"
    assert engine.account()["used_files"] == 0


# Strays.


def test_of_a_stray_everything_is_taken_from_its_object() -> None:
    engine = Engine()
    file = upload(engine, None, visibility="public", fileName="Grüße 🏔.jpg")
    lose(engine, file)
    engine.clock.advance(90_000)
    entry = stray_of(
        file, visibility="public", fileName="else.png", contentType="image/png", fileSize=1,
        createdAt="1970-01-01T00:00:00Z",
    )  # fmt: skip
    assert verdicts(restore(engine, entry)) == [{"verdict": "restored"}]
    [row] = engine.rows()
    assert (row["file_name"], row["mime_type"], row["file_size"]) == (
        "Grüße 🏔.jpg",
        "image/jpeg",
        len(JPEG),
    )
    assert (row["visibility"], row["managed_by"], row["uploaded_by"], row["revision"]) == (
        "private",
        "backend",
        "quarantine",
        0,
    )
    assert row["created_at"] == row["uploaded_at"] == row["updated_at"] - 90_000
    assert engine.fetch("GET", f"/m/{file['key']}").status == 401


def test_a_stray_without_a_name_is_called_by_its_id() -> None:
    engine = Engine()
    file = upload(engine, None)
    lose(engine, file)
    engine.store.put(file["key"], JPEG, "image/jpeg", "attachment")
    restore(engine, stray_of(file, userId="alice"))
    [row] = engine.rows()
    assert row["file_name"] == file["mediaId"].removeprefix("media_") + ".jpg"
    assert row["uploaded_by"] == "alice"


@pytest.mark.parametrize(
    ("content", "content_type", "field"),
    [
        (JPEG, "application/octet-stream", "contentType"),
        (JPEG, "", "contentType"),
        (JPEG, "text/html", "contentType"),
        (JPEG, "image/png", "contentType"),
        (b"", "image/jpeg", "fileSize"),
    ],
)
def test_a_stray_that_no_file_can_be_is_left(content: bytes, content_type: str, field: str) -> None:
    engine = Engine()
    file = upload(engine, None)
    lose(engine, file)
    engine.store.put(file["key"], content, content_type)
    assert verdicts(restore(engine, stray_of(file))) == [{"verdict": "mismatch", "field": field}]
    assert engine.rows() == []


def test_a_users_stray_needs_its_user() -> None:
    engine = Engine()
    file = upload(engine, None, "carol", None)
    lose(engine, file)
    entry = {name: value for name, value in stray_of(file).items() if name != "tenantId"}
    answer = members(restore(engine, entry))
    assert (answer["code"], answer["fields"]) == ("MISSING_FIELDS", ["files[0].userId"])
    assert verdicts(restore(engine, {**entry, "userId": "carol"})) == [{"verdict": "restored"}]


# Who may, and what is refused.

CALLS = [
    ("GET", "/managed/files", b""),
    ("GET", "/managed/objects", b""),
    (
        "POST",
        "/managed/restore",
        to_json(
            {
                "files": [
                    {
                        "mediaId": "media_" + "a" * 21,
                        "key": f"t/acme/blog/2026/11/{'a' * 21}.jpg",
                        "tenantId": "acme",
                        "quarantine": True,
                    }
                ]
            }
        ),
    ),
]
each_call = pytest.mark.parametrize("call", CALLS, ids=lambda call: call[1])


@each_call
@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"x-media-shim": None}, "MISSING_FIELDS"),
        ({"x-media-shim": ""}, "INVALID_FIELD"),
        ({"x-tenant-id": "acme"}, "FORBIDDEN"),
        ({"x-user-permissions": f"{READ},{WRITE}"}, "FORBIDDEN"),
        ({"x-user-permissions": ""}, "FORBIDDEN"),
        ({"x-gateway-key": "wrong"}, "UNAUTHORIZED"),
        ({"x-user-id": None}, "UNAUTHORIZED"),
    ],
)
def test_only_a_shim_that_owns_the_system_may_ask(
    call: tuple[str, str, bytes], changed: dict[str, str | None], code: str
) -> None:
    engine = Engine()
    merged = {**SHIM_HEADERS, **changed}
    headers = {name: value for name, value in merged.items() if value is not None}
    method, path, body = call
    answer = members(engine.fetch(method, path, headers, body))
    assert answer["code"] == code
    if code == "MISSING_FIELDS":
        assert answer["fields"] == ["x-media-shim"]
    assert engine.database.statements == engine.store.operations.total() == 0


@each_call
def test_a_service_binding_has_no_route_for_it(call: tuple[str, str, bytes]) -> None:
    method, path, body = call
    answer = Engine().fetch(method, path, SHIM_HEADERS, body, internal=True)
    assert members(answer)["code"] == "NOT_FOUND"


@pytest.mark.parametrize("path", ["files", "objects"])
@pytest.mark.parametrize(
    "query", ["limit=", "limit=0", "limit=1001", "limit=-1", "limit=1.5", "limit=x", "limit=٣"]
)
def test_a_limit_that_is_none_is_refused(path: str, query: str) -> None:
    answer = members(Engine().fetch("GET", f"/managed/{path}?{query}", SHIM_HEADERS))
    assert (answer["code"], answer["field"]) == ("INVALID_FIELD", "limit")


GOOD = {
    "mediaId": "media_" + "a" * 21,
    "key": f"t/acme/blog/2026/11/{'a' * 21}.jpg",
    "userId": "alice",
    "tenantId": "acme",
    "visibility": "private",
    "fileName": "a.jpg",
    "contentType": "image/jpeg",
    "fileSize": 5,
    "createdAt": "2026-11-20T11:48:18.443Z",
    "revision": 0,
}
NOT_TEXT: list[object] = [7, 1.5, True, [], {}]
BAD: dict[str, list[object]] = {
    "mediaId": [*NOT_TEXT, "", "media_", "media_" + "b" * 21, "a" * 27],
    "key": [
        *NOT_TEXT,
        "",
        "t/acme/",
        f"t/acme/blog/2026/11/{'b' * 20}.jpg",
        f"t/acme/blog/2026/13/{'a' * 21}.jpg",
        f"t/acme/blog/2026/00/{'a' * 21}.jpg",
        f"t/acme/blog/a/{'a' * 21}.jpg",
        f"t/acme/blog/a/{'x' * 65}/{'a' * 21}.jpg",
        f"t/acme/blog/٢٠٢٦/11/{'a' * 21}.jpg",
        f"t/acme/blog/2026/11/{'a' * 21}.jpg\n",
        f"t/acme/blog/2026/11/{'a' * 21}",
        f"t/acme/blog/2026/11/{'a' * 21}.png",
        f"t/acme/blog/2026/11/{'a' * 21}.JPG",
        f"t/acme2/blog/2026/11/{'a' * 21}.jpg",
        f"t/acme/../blog/2026/11/{'a' * 21}.jpg",
        f"u/acme/blog/2026/11/{'a' * 21}.jpg",
        f"u/alice/blog/2026/11/{'a' * 21}.jpg",
        f"v/acme/blog/2026/11/{'a' * 21}.jpg",
    ],
    "userId": [*NOT_TEXT, "", "a b", "a/b", "a" * 65],
    "tenantId": [*NOT_TEXT, "", "a b", "a/b", "a" * 65],
    "visibility": [*NOT_TEXT, "", "secret"],
    "fileName": [*NOT_TEXT, "", "  ", "a" * 1_025],
    "contentType": NOT_TEXT,
    "fileSize": ["5", 0, -1, 1.5, True, []],
    "createdAt": [
        *NOT_TEXT, "", "yesterday", "2026-11-20T11:48:18.443", "2026-11-20", "2026-13-20T00:00:00Z",
        "1969-12-31T23:59:59.999Z", "9999-12-31T23:59:59-01:00", "0001-01-01T00:00:00+23:00",
    ],
    "revision": [-1, 1.5, 0.0, "1", True, False, [], 2**53],
    "quarantine": [0, 1, "true", [], {}],
}  # fmt: skip


@pytest.mark.parametrize(
    ("field", "value"),
    [(field, value) for field, values in BAD.items() for value in values],
    ids=repr,
)
def test_an_entry_that_cannot_be_used_refuses_all_and_is_named(field: str, value: object) -> None:
    engine = Engine()
    file = upload(engine, "backend")
    lose(engine, file)
    engine.store.operations.clear()
    engine.database.statements = 0
    answer = members(restore(engine, entry_of(file), {**GOOD, field: value}))
    assert (answer["code"], answer["field"]) == ("INVALID_FIELD", f"files[1].{field}")
    assert answer["error"].startswith(f"files[1].{field} ")
    assert engine.database.statements == engine.store.operations.total() == 0


def test_what_is_no_type_and_what_is_no_size_have_their_own_codes() -> None:
    engine = Engine()
    answer = members(restore(engine, {**GOOD, "contentType": "text/html"}))
    assert (answer["code"], answer["field"]) == ("UNSUPPORTED_MIME", "files[0].contentType")
    answer = members(restore(engine, {**GOOD, "fileSize": 10**15}))
    assert (answer["code"], answer["field"]) == ("FILE_TOO_LARGE", "files[0].fileSize")


@pytest.mark.parametrize(
    "field", ["mediaId", "key", "userId", "fileName", "contentType", "fileSize", "createdAt"]
)
def test_what_an_entry_lacks_is_named(field: str) -> None:
    for entry in ({**GOOD, field: None}, {k: v for k, v in GOOD.items() if k != field}):
        answer = members(restore(Engine(), GOOD, entry))
        assert (answer["code"], answer["fields"]) == ("MISSING_FIELDS", [f"files[1].{field}"])


@pytest.mark.parametrize("value", [[], {}, "x", 7, True, [GOOD] * 101])
def test_what_is_no_list_of_files_is_refused(value: object) -> None:
    engine = Engine()
    answer = members(
        engine.fetch("POST", "/managed/restore", SHIM_HEADERS, to_json({"files": value}))
    )
    assert (answer["code"], answer["field"]) == ("INVALID_FIELD", "files")


@pytest.mark.parametrize("entry", [None, 7, "x", [], True])
def test_an_entry_that_is_no_object_is_named(entry: object) -> None:
    answer = members(restore(Engine(), GOOD, entry))
    assert (answer["code"], answer["field"]) == ("INVALID_FIELD", "files[1]")


def test_files_that_are_missing_are_named() -> None:
    answer = members(Engine().fetch("POST", "/managed/restore", SHIM_HEADERS, b"{}"))
    assert (answer["code"], answer["fields"]) == ("MISSING_FIELDS", ["files"])


def test_a_file_is_there_once() -> None:
    album = f"t/acme/blog/a/summer/{'a' * 21}.jpg"
    for again in (GOOD, {**GOOD, "key": album}):
        answer = members(restore(Engine(), GOOD, again))
        assert (answer["code"], answer["field"]) == ("INVALID_FIELD", "files[1].key")


def test_a_hundred_files_are_two_statements() -> None:
    engine = Engine()
    lost = [upload(engine, "backend", fileName="ü" * 100) for _ in range(100)]
    lose(engine, *lost)
    engine.database.statements = 0
    assert verdicts(restore(engine, *map(entry_of, lost))) == [{"verdict": "restored"}] * 100
    assert engine.database.statements == 2
    assert engine.account()["used_files"] == 100


def test_a_store_that_does_not_answer_leaves_nothing_half_done() -> None:
    store = InterruptedStore()
    engine = Engine(store=store)
    lost = [upload(engine, "backend") for _ in range(3)]
    lose(engine, *lost)

    async def fall_silent() -> None:
        raise R2Unavailable(reason="the test says so")

    async def answer_once_more() -> None:
        store.after_head = fall_silent

    store.after_head = answer_once_more
    answer = members(restore(engine, *map(entry_of, lost)))
    assert answer["code"] == "R2_UNAVAILABLE"
    assert engine.rows() == []


def test_the_log_tells_which_call_it_was() -> None:
    engine = Engine()
    files(engine)
    objects(engine)
    restore(engine, GOOD)
    assert [event["event"] for event in engine.log.events] == [
        "media.managed.files",
        "media.managed.objects",
        "media.managed.restore",
    ]
