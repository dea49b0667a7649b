"""The promises of uploads where many calls are on their way at once, and any may die anywhere.

Each call stops before and behind each thing that it asks of the store and of the database. The
machine chooses which call goes on, which dies, when bytes come, when time goes by. A tenant has
room for three files, and after every step the account is right to the byte.
"""

from collections.abc import Callable, Coroutine
from hashlib import sha256
from itertools import pairwise
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from media_engine.housekeeping.plan import DAY_MS, HOUR_MS
from media_engine.idempotency.model import KEY_LIFE_MS
from media_engine.ports import ObjectInfo, Statement
from media_engine.uploads.model import LATE_PUT_MS
from tests.fakes import MemoryStore, SqliteDatabase
from tests.media import JPEG
from tests.unit.engine import PHOTO, Engine, finish
from tests.unit.uploads.stepped import Call, SteppedDatabase, SteppedStore

ALICE = {"userId": "alice", "tenantId": "acme", "permissions": ["media:files.write"]}
MOST_BYTES, MOST_FILES = 3 * len(JPEG) + 1, 3
CONTENTS = st.sampled_from(
    [(JPEG, "image/jpeg")] * 4
    + [(b"x" * len(JPEG), "image/jpeg"), (JPEG[:-1], "image/jpeg"), (JPEG, "text/html")]
)
HASHES = st.sampled_from([None, None, sha256(JPEG).hexdigest(), sha256(b"other").hexdigest()])
TIMES = st.sampled_from([1, 1, HOUR_MS // 2, HOUR_MS, 2 * HOUR_MS + 1, DAY_MS + 1])
STEPS = st.sampled_from([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 99, 99, 99])
# Mostly the latest, so that calls meet.
WHICH = st.sampled_from([-1, -1, -1, -2, -3, 0])


class Interleaving(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.store = SteppedStore()
        self.engine = Engine(
            {"TENANT_QUOTA_BYTES": str(MOST_BYTES), "TENANT_QUOTA_FILES": str(MOST_FILES)},
            store=self.store,
            database=SteppedDatabase(),
        )
        self.calls: list[Call] = []
        self.uploads: list[str] = []
        self.named: dict[str, tuple[str, int]] = {}
        self.completed: set[str] = set()
        self.deleted: set[str] = set()

    # Calls begin.

    @rule(key=st.sampled_from([None, None, "one", "two"]), sha256=HASHES, steps=STEPS)
    def presign(self, key: str | None, sha256: str | None, steps: int) -> None:
        fields = {**PHOTO, "fileName": f"{key}.jpg", "sha256": sha256}
        began = self.engine.clock.now()
        work = self.engine.app.rpc.presign(ALICE, fields, key)
        self._begin("presign", work, lambda answer: self._presigned(key, began, answer), steps)

    @rule()
    def upload(self) -> None:
        self.presign(None, None, 99)
        if self.uploads:
            self.put(-1, (JPEG, "image/jpeg"))

    @precondition(lambda self: self.uploads)
    @rule(which=WHICH, steps=STEPS)
    def complete(self, which: int, steps: int) -> None:
        media_id = self.uploads[max(which, -len(self.uploads))]
        work = self.engine.app.rpc.complete(ALICE, media_id)
        self._begin("complete", work, lambda answer: self._completed(media_id, answer), steps)

    @rule(steps=STEPS)
    def clean(self, steps: int) -> None:
        self._begin("clean", self.engine.app.clean(), lambda _: None, steps)

    @precondition(lambda self: self.completed)
    @rule(which=WHICH, dies=st.booleans())
    def delete(self, which: int, dies: bool) -> None:
        answered = [one for one in self.uploads if one in self.completed]
        media_id = answered[max(which, -len(answered))]
        self.completed.discard(media_id)
        self.deleted.add(media_id)
        condemn = Statement(
            "UPDATE media_files SET status = 'deleting', updated_at = ? "
            "WHERE id = ? AND status = 'uploaded' RETURNING key",
            (self.engine.clock.now(), media_id),
        )
        row = finish(SqliteDatabase.batch(self.engine.database, [condemn]))[0].first()
        if row is not None and not dies:
            finish(MemoryStore.bury(self.store, str(row["key"])))

    # Calls go on, or die.

    @precondition(lambda self: self.calls)
    @rule(which=WHICH, steps=st.sampled_from([1, 1, 2, 3, 5, 99]))
    def go_on(self, which: int, steps: int) -> None:
        self._step(self.calls[max(which, -len(self.calls))], steps)

    @precondition(lambda self: self.calls)
    @rule(which=WHICH)
    def die(self, which: int) -> None:
        self.calls.pop(max(which, -len(self.calls))).die()

    # The world goes on.

    @precondition(lambda self: self.uploads)
    @rule(which=WHICH, what=CONTENTS)
    def put(self, which: int, what: tuple[bytes, str]) -> None:
        media_id = self.uploads[max(which, -len(self.uploads))]
        row = next((row for row in self.engine.rows() if row["id"] == media_id), None)
        if row is None or self.engine.clock.now() > row["url_expires_at"] + LATE_PUT_MS:
            return
        if self._info(row["key"]) is None:  # The URL signs if-none-match.
            assert row["status"] == "pending_upload", "bytes came to a file that was given up"
            self.store.put(row["key"], *what)

    @rule(time=TIMES)
    def let_time_go_by(self, time: int) -> None:
        # No call takes so long: the platform ends it before.
        if time > HOUR_MS:
            self._all_die()
        self.engine.clock.advance(time)

    # What must be true.

    @invariant()
    def the_account_is_right_and_never_overdrawn(self) -> None:
        charges = self.engine.charges()
        assert self.engine.used() == (sum(charges), len(charges))
        assert sum(charges) <= MOST_BYTES
        assert len(charges) <= MOST_FILES
        for row in self.engine.rows():
            assert row["charged"] or row["status"] != "uploaded"

    @invariant()
    def a_name_makes_one_upload_a_day(self) -> None:
        for name in ("one.jpg", "two.jpg"):
            made = sorted(
                row["created_at"] for row in self.engine.rows() if row["file_name"] == name
            )
            assert all(later - first > KEY_LIFE_MS for first, later in pairwise(made))

    @invariant()
    def every_uploaded_file_has_the_bytes_that_were_declared(self) -> None:
        for row in self.engine.rows():
            if row["status"] == "uploaded":
                info = self._info(row["key"])
                assert info is not None
                assert (info.size, info.etag) == (row["file_size"], row["etag"])
                assert self.store.content(row["key"]) == JPEG
                assert row["sha256"] in (None, sha256(JPEG).hexdigest())
                assert row["width"] == 8

    @invariant()
    def every_object_has_a_row_that_knows_it(self) -> None:
        statuses = {row["key"]: row["status"] for row in self.engine.rows()}
        assert all(statuses.get(key, "gone") != "gone" or self._cleaning() for key in self._keys())

    @invariant()
    def a_file_that_was_answered_stays_until_it_is_deleted(self) -> None:
        uploaded = {row["id"] for row in self.engine.rows() if row["status"] == "uploaded"}
        assert self.completed <= uploaded

    def teardown(self) -> None:
        self._all_die()
        for _ in range(3):
            self.engine.clock.advance(DAY_MS + 1)
            Call("clean", self.engine.app.clean(), lambda _: None).run()
        rows = self.engine.rows()
        assert {row["status"] for row in rows} <= {"uploaded", "gone"}
        assert self._keys() == {row["key"] for row in rows if row["status"] == "uploaded"}
        self.the_account_is_right_and_never_overdrawn()
        names = [Statement("SELECT * FROM idempotency_keys")]
        assert finish(SqliteDatabase.batch(self.engine.database, names))[0].rows == []

    # How.

    def _begin(
        self,
        name: str,
        work: Coroutine[Any, Any, Any],
        answered: Callable[[Any], None],
        steps: int,
    ) -> None:
        call = Call(name, work, answered)
        self.calls.append(call)
        self._step(call, steps)

    def _step(self, call: Call, steps: int) -> None:
        for _ in range(steps):
            if not call.over:
                call.step()
        if call.over:
            self.calls.remove(call)

    def _presigned(self, key: str | None, began: int, answer: dict[str, Any]) -> None:
        if "mediaId" not in answer:
            assert answer["code"] in {"QUOTA_EXCEEDED", "IDEMPOTENCY_KEY_REUSED", "MEDIA_GONE"}
            assert key is not None or answer["code"] == "QUOTA_EXCEEDED"
            return
        if answer["mediaId"] not in self.uploads:
            self.uploads.append(answer["mediaId"])
        if key is not None:
            known, since = self.named.get(key, (answer["mediaId"], began))
            if began <= since + KEY_LIFE_MS:
                assert answer["mediaId"] == known, "one name, two uploads"
            else:
                known, since = answer["mediaId"], began
            self.named[key] = (known, since)

    def _completed(self, media_id: str, answer: dict[str, Any]) -> None:
        if "code" not in answer:
            assert answer["status"] == "uploaded"
            if media_id not in self.deleted:
                self.completed.add(media_id)
            return
        assert media_id not in self.completed, answer
        assert answer["code"] in {
            "UPLOAD_INCOMPLETE", "CONTENT_MISMATCH", "MEDIA_GONE", "MEDIA_NOT_FOUND",
            "QUOTA_EXCEEDED",
        }  # fmt: skip

    def _all_die(self) -> None:
        while self.calls:
            self.calls.pop().die()

    def _cleaning(self) -> bool:
        return any(call.name == "clean" for call in self.calls)

    def _keys(self) -> set[str]:
        return self.store.keys()

    def _info(self, key: str) -> ObjectInfo | None:
        return finish(MemoryStore.head(self.store, key))


Interleaving.TestCase.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)
TestInterleaving = Interleaving.TestCase
