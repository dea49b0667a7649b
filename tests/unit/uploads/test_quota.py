"""A quota holds to the byte, whoever asks, and gives back what is not used."""

import sqlite3
from contextlib import closing
from typing import Any

import pytest

from media_engine.housekeeping.plan import CALL_LIFE_MS, DAY_MS, HOUR_MS
from media_engine.ports import Statement
from media_engine.signing.gateway import OWNER
from media_engine.uploads.model import LATE_PUT_MS, UPLOAD_URL_LIFE_MS
from tests.fakes import MIGRATIONS
from tests.media import JPEG, photo_saying
from tests.unit.engine import ALICE_HEADERS, Engine, finish, members, to_json

SIZE = len(JPEG)
OWNER_HEADERS = {**ALICE_HEADERS, "x-user-permissions": OWNER}


def set_quota(engine: Engine, **fields: object) -> dict[str, Any]:
    answer = engine.fetch("PUT", "/tenants/acme/quota", OWNER_HEADERS, to_json(fields))
    assert answer.status == 200, answer.body
    return members(answer)


def used(engine: Engine) -> tuple[int | None, int | None]:
    account = engine.account()
    return account.get("used_bytes", 0), account.get("used_files", 0)


def test_the_owner_says_what_their_tenant_may_have_and_is_told_what_it_has() -> None:
    engine = Engine()
    engine.presign()
    told = set_quota(engine, bytes=1_000, files=10)
    assert told == {"bytes": 1_000, "files": 10, "bytesUsed": SIZE, "filesUsed": 1}
    assert set_quota(engine, bytes=None, files=None) == {
        "bytes": None, "files": None, "bytesUsed": SIZE, "filesUsed": 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/tenants/acme/quota", ALICE_HEADERS),
        ("/tenants/globex/quota", OWNER_HEADERS),
        ("/tenants/ACME/quota", OWNER_HEADERS),
        (
            "/tenants/alice/quota",
            {name: OWNER_HEADERS[name] for name in OWNER_HEADERS if name != "x-tenant-id"},
        ),
    ],
    ids=["no owner", "another tenant", "other capitals", "a user without a tenant"],
)
def test_nobody_else_does(path: str, headers: dict[str, str]) -> None:
    engine = Engine()
    answer = engine.fetch("PUT", path, headers, to_json({"bytes": 1, "files": 1}))
    assert (answer.status, members(answer)["code"]) == (403, "FORBIDDEN")
    assert engine.account() == {}


@pytest.mark.parametrize(
    ("fields", "code", "named"),
    [
        ({}, "MISSING_FIELDS", ["bytes", "files"]),
        ({"bytes": 1}, "MISSING_FIELDS", ["files"]),
        *(
            ({"bytes": 1, "files": 1, field: value}, "INVALID_FIELD", field)
            for field in ("bytes", "files")
            for value in (-1, 1.5, "1", True, [1], 2**50 + 1)
        ),
    ],
)
def test_a_quota_that_is_none_is_refused(fields: Any, code: str, named: object) -> None:
    answer = members(Engine().fetch("PUT", "/tenants/acme/quota", OWNER_HEADERS, to_json(fields)))
    assert answer["code"] == code
    assert named in (answer.get("fields"), answer.get("field"))


def test_a_file_that_does_not_fit_is_told_what_is_left() -> None:
    engine = Engine()
    set_quota(engine, bytes=2 * SIZE, files=5)
    engine.presign()
    refused = engine.presign(fileSize=SIZE + 1)
    assert (refused["status"], refused["code"]) == (402, "QUOTA_EXCEEDED")
    assert (refused["bytesLeft"], refused["filesLeft"]) == (SIZE, 4)
    assert len(engine.rows()) == 1
    assert "mediaId" in engine.presign(fileSize=SIZE)
    assert engine.presign(fileSize=1)["bytesLeft"] == 0


@pytest.mark.parametrize("scope", ["TENANT", "USER"])
@pytest.mark.parametrize(("unit", "most"), [("BYTES", SIZE), ("FILES", 1)])
def test_the_settings_say_what_a_scope_may_have_of_which_nobody_says_more(
    scope: str, unit: str, most: int
) -> None:
    engine = Engine({f"{scope}_QUOTA_{unit}": str(most)})
    tenant = dict(ALICE_HEADERS)
    user = {name: tenant[name] for name in tenant if name != "x-tenant-id"}
    body = to_json({"fileName": "a", "contentType": "image/jpeg", "fileSize": SIZE, "service": "x"})
    limited, free = (tenant, user) if scope == "TENANT" else (user, tenant)
    for headers, statuses in ((limited, [201, 402]), (free, [201, 201])):
        answers = [engine.fetch("POST", "/upload/presign", headers, body) for _ in range(2)]
        assert [answer.status for answer in answers] == statuses


def test_completing_changes_nothing_of_what_was_reserved() -> None:
    engine = Engine()
    upload = engine.presign()
    assert used(engine) == (SIZE, 1)
    engine.put(upload)
    assert engine.complete(upload["mediaId"]).status == 200
    assert used(engine) == (SIZE, 1)


def test_what_is_refused_is_given_back() -> None:
    engine = Engine()
    upload = engine.presign()
    engine.put(upload, b"no")
    assert engine.complete(upload["mediaId"]).status == 422
    assert used(engine) == (0, 0)


@pytest.mark.parametrize("after", [[], ["gone"]])
def test_what_is_deleted_is_given_back_once(after: list[str]) -> None:
    engine = Engine()
    engine.upload()
    for status in ("deleting", *after):
        finish(engine.database.run(Statement("UPDATE media_files SET status = ?", (status,))))
        assert used(engine) == (0, 0)
    finish(engine.database.run(Statement("DELETE FROM media_files")))
    assert used(engine) == (0, 0)


def test_a_row_that_is_dropped_gives_back_what_it_had() -> None:
    engine = Engine()
    engine.upload()
    engine.presign()
    finish(engine.database.run(Statement("DELETE FROM media_files WHERE scope = 't:acme'")))
    assert used(engine) == (0, 0)


def test_a_size_that_is_corrected_is_counted() -> None:
    engine = Engine()
    engine.presign()
    finish(engine.database.run(Statement("UPDATE media_files SET file_size = 7")))
    assert used(engine) == (7, 1)


def test_what_never_came_is_given_back_an_hour_after_its_url_has_ended() -> None:
    engine = Engine()
    engine.presign()
    engine.clock.advance(UPLOAD_URL_LIFE_MS + LATE_PUT_MS + CALL_LIFE_MS)
    finish(engine.app.clean())
    assert used(engine) == (SIZE, 1)
    engine.clock.advance(1)
    finish(engine.app.clean())
    assert used(engine) == (0, 0)
    engine.clock.advance(DAY_MS)
    finish(engine.app.clean())
    assert used(engine) == (0, 0), "given back twice"


def came_late(engine: Engine) -> dict[str, Any]:
    """Return an upload that came, and was not completed before its room was given away."""
    upload = engine.presign()
    engine.put(upload)
    engine.clock.advance(3 * HOUR_MS)
    finish(engine.app.clean())
    assert used(engine) == (0, 0)
    return upload


def test_what_came_and_is_completed_late_counts_again() -> None:
    engine = Engine()
    upload = came_late(engine)
    assert engine.complete(upload["mediaId"]).status == 200
    assert used(engine) == (SIZE, 1)


def test_what_is_completed_late_may_find_its_room_taken_and_wait_for_some() -> None:
    engine = Engine()
    set_quota(engine, bytes=SIZE, files=1)
    upload = came_late(engine)
    other = engine.presign()
    answer = members(engine.complete(upload["mediaId"]))
    assert (answer["code"], answer["bytesLeft"], answer["filesLeft"]) == ("QUOTA_EXCEEDED", 0, 0)
    engine.put(other, photo_saying(b"no")[:SIZE])
    assert engine.complete(other["mediaId"]).status == 422
    assert engine.complete(upload["mediaId"]).status == 200
    assert used(engine) == (SIZE, 1)


def test_a_quota_below_what_is_there_takes_nothing_away_and_lets_nothing_in() -> None:
    engine = Engine()
    file = engine.upload()
    set_quota(engine, bytes=0, files=0)
    assert engine.presign()["code"] == "QUOTA_EXCEEDED"
    assert engine.complete(file["mediaId"]).status == 200


def test_what_was_there_before_there_were_quotas_counts() -> None:
    with closing(sqlite3.connect(":memory:")) as database:
        for migration in sorted(MIGRATIONS.glob("*.sql")):
            if migration.name == "0004_quotas.sql":
                for number, status in enumerate(("uploaded", "pending_upload", "gone", "rejected")):
                    database.execute(
                        "INSERT INTO media_files (id, scope, key, service_code, file_name, "
                        "mime_type, file_size, status, uploaded_by, etag, url_expires_at, "
                        "created_at, updated_at, uploaded_at) VALUES (?1, 't:acme', ?1, 'a', 'a', "
                        "'image/jpeg', 10, ?2, 'a', 'tag', 1, 1, 1, iif(?2 = 'uploaded', 1, NULL))",
                        (str(number), status),
                    )
            database.executescript(migration.read_text())
        used = database.execute("SELECT scope, used_bytes, used_files FROM quotas").fetchall()
    assert used == [("t:acme", 20, 2)]
