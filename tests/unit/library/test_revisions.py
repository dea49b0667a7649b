"""Changes that have a number: in any order and more than once, the last one stands."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media_engine.http.message import Response
from media_engine.uploads.model import MAX_REVISION
from tests.unit.engine import ALICE_HEADERS, PHOTO, Engine, finish, members, to_json

SHIM_HEADERS = {**ALICE_HEADERS, "x-media-shim": "backend"}
SHIM = {
    "userId": "alice",
    "tenantId": "acme",
    "permissions": ["media:files.write"],
    "shim": "backend",
}


def managed(engine: Engine, visibility: str = "private") -> dict[str, Any]:
    """Bring a file in as a shim does; return it."""
    body = to_json({**PHOTO, "visibility": visibility})
    upload = members(engine.fetch("POST", "/upload/presign", SHIM_HEADERS, body))
    engine.put(upload)
    return members(engine.complete(upload["mediaId"]))


def change(engine: Engine, media_id: str, **fields: object) -> Response:
    return engine.fetch("PATCH", f"/files/{media_id}", SHIM_HEADERS, to_json(fields))


def delete(engine: Engine, media_id: str, query: str = "") -> Response:
    return engine.fetch("DELETE", f"/files/{media_id}{query}", SHIM_HEADERS)


def row(engine: Engine) -> dict[str, Any]:
    [only] = engine.rows()
    return only


def test_a_change_that_comes_late_changes_nothing_and_is_no_error() -> None:
    engine = Engine()
    file = managed(engine)
    assert change(engine, file["mediaId"], visibility="public", revision=4).status == 200
    assert change(engine, file["mediaId"], visibility="private", revision=5).status == 200
    engine.consume()
    before = engine.rows()
    engine.clock.advance(5)
    late = change(engine, file["mediaId"], visibility="public", revision=4)
    assert (late.status, members(late)) == (200, file)
    assert engine.rows() == before
    assert engine.fetch("GET", f"/m/{file['key']}").status == 401


def test_a_change_to_what_is_so_already_is_kept_by_its_number() -> None:
    engine = Engine()
    file = managed(engine)
    assert members(change(engine, file["mediaId"], visibility="private", revision=5)) == file
    assert (row(engine)["revision"], row(engine)["purge_due_at"]) == (5, None)
    assert members(change(engine, file["mediaId"], visibility="public", revision=4)) == file
    assert row(engine)["visibility"] == "private"


def test_what_stays_public_is_not_purged() -> None:
    engine = Engine()
    file = managed(engine, "public")
    change(engine, file["mediaId"], visibility="public", revision=5)
    assert (row(engine)["revision"], row(engine)["purge_due_at"]) == (5, None)
    assert engine.queue.operations["send"] == 0


def test_a_change_that_is_repeated_changes_nothing() -> None:
    engine = Engine()
    file = managed(engine, "public")
    first = change(engine, file["mediaId"], visibility="private", revision=7)
    before, sent = engine.rows(), engine.queue.operations["send"]
    engine.clock.advance(5)
    again = change(engine, file["mediaId"], visibility="private", revision=7)
    assert (again.status, again.body) == (200, first.body)
    assert (engine.rows(), engine.queue.operations["send"]) == (before, sent)


def test_a_change_without_a_number_is_made_as_it_comes_and_leaves_the_number() -> None:
    engine = Engine()
    file = managed(engine)
    change(engine, file["mediaId"], visibility="private", revision=9)
    assert members(change(engine, file["mediaId"], visibility="public"))["visibility"] == "public"
    assert (row(engine)["visibility"], row(engine)["revision"]) == ("public", 9)


@given(
    st.lists(st.sampled_from(["private", "public"]), min_size=1, max_size=5).flatmap(
        lambda made: st.tuples(
            st.just(made),
            st.lists(st.integers(0, len(made) - 1), max_size=10).flatmap(
                lambda again: st.permutations([*range(len(made)), *again])
            ),
        )
    )
)
@settings(max_examples=150, deadline=None)
def test_in_whatever_order_and_however_often_changes_come_the_last_one_stands(
    drawn: tuple[list[str], list[int]],
) -> None:
    made, order = drawn
    engine = Engine()
    media_id = managed(engine)["mediaId"]
    for number in order:
        answer = change(engine, media_id, visibility=made[number], revision=number + 1)
        assert answer.status == 200
    assert row(engine)["visibility"] == made[-1]
    assert row(engine)["revision"] == len(made)
    assert row(engine)["purge_due_at"] is None


@pytest.mark.parametrize("query", ["", "?revision=1", "?revision=5", "?revision=9"])
def test_a_deletion_is_never_late_and_nothing_comes_after_it(query: str) -> None:
    engine = Engine()
    file = managed(engine)
    change(engine, file["mediaId"], visibility="public", revision=5)
    for _ in range(2):
        assert delete(engine, file["mediaId"], query).status == 200
    assert row(engine)["status"] == "deleting"
    assert row(engine)["revision"] == (9 if query.endswith("9") else 5)
    late = change(engine, file["mediaId"], visibility="public", revision=12)
    assert members(late)["code"] == "MEDIA_GONE"


@pytest.mark.parametrize("headers", [ALICE_HEADERS, {**ALICE_HEADERS, "x-media-shim": "another"}])
def test_a_number_opens_nothing_to_anybody_else(headers: dict[str, str]) -> None:
    engine = Engine()
    file = managed(engine)
    before = engine.rows()
    body = to_json({"visibility": "public", "revision": MAX_REVISION})
    path = f"/files/{file['mediaId']}"
    for answer in (
        engine.fetch("PATCH", path, headers, body),
        engine.fetch("DELETE", f"{path}?revision=9", headers),
    ):
        assert members(answer)["code"] == "MEDIA_MANAGED"
    assert engine.rows() == before


@pytest.mark.parametrize(
    "revision", [0, -1, 1.5, 1.0, "1", "", True, False, [], {}, MAX_REVISION + 1, 10**400]
)
def test_a_revision_that_is_none_is_refused(revision: object) -> None:
    engine = Engine()
    file = managed(engine)
    before = engine.rows()
    answers = [
        members(change(engine, file["mediaId"], visibility="public", revision=revision)),
        finish(engine.app.rpc.delete(SHIM, file["mediaId"], revision)),
        finish(
            engine.app.rpc.update(
                SHIM, file["mediaId"], {"visibility": "public", "revision": revision}
            )
        ),
    ]
    assert {(one["code"], one["field"]) for one in answers} == {("INVALID_FIELD", "revision")}
    assert engine.rows() == before


@pytest.mark.parametrize(
    "text", ["", "0", "-1", "1.0", "1e3", "x", "%31%00", "٣", "+1", str(2**53), "9" * 5_000]
)
def test_a_revision_in_a_query_that_is_none_is_refused(text: str) -> None:
    engine = Engine()
    file = managed(engine)
    answer = members(delete(engine, file["mediaId"], f"?revision={text}"))
    assert (answer["code"], answer["field"]) == ("INVALID_FIELD", "revision")
    assert row(engine)["status"] == "uploaded"


def test_the_greatest_revision_is_one() -> None:
    engine = Engine()
    file = managed(engine)
    change(engine, file["mediaId"], visibility="public", revision=MAX_REVISION)
    assert row(engine)["revision"] == MAX_REVISION
    late = change(engine, file["mediaId"], visibility="private", revision=MAX_REVISION - 1)
    assert members(late)["visibility"] == "public"
    assert delete(engine, file["mediaId"], f"?revision={MAX_REVISION}").status == 200


def test_over_rpc_changes_have_numbers_too() -> None:
    engine = Engine()
    file = managed(engine)
    fields = {"visibility": "public", "revision": 4}
    assert finish(engine.app.rpc.update(SHIM, file["mediaId"], fields))["visibility"] == "public"
    fields = {"visibility": "private", "revision": 3}
    assert finish(engine.app.rpc.update(SHIM, file["mediaId"], fields))["visibility"] == "public"
    assert finish(engine.app.rpc.delete(SHIM, file["mediaId"], 2))["deleted"] is True
    assert row(engine)["revision"] == 4


def test_a_number_costs_no_statement() -> None:
    engine = Engine()
    file = managed(engine)
    for revision, visibility, statements in (
        (1, "public", 1),
        (2, "public", 1),
        (3, "private", 2),
        (3, "private", 2),
        (1, "public", 2),
    ):
        engine.database.statements = 0
        change(engine, file["mediaId"], visibility=visibility, revision=revision)
        assert engine.database.statements == statements
