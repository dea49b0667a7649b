"""The promise of uploads, under whatever order of events: nothing is lost and nothing is left.

The machine signs uploads, stores bytes (the declared ones, others, and slowly, so that a PUT that
began in time ends when its URL is dead), completes them, lets the cron run, breaks calls off in
their middle and lets time go by. After every step the rows and the store must agree.
"""

from dataclasses import dataclass
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, consumes, invariant, rule

from media_engine.housekeeping.plan import GONE_LIFE_MS
from media_engine.uploads.model import LATE_PUT_MS
from tests.media import JPEG
from tests.unit.engine import finish, members
from tests.unit.interrupted import Moment
from tests.unit.life import DAY_MS, HOUR_MS, MOMENTS, Life

DECLARED = (JPEG, "image/jpeg")
CONTENTS = st.sampled_from(
    [DECLARED] * 3 + [(JPEG[:-1], "image/jpeg"), (JPEG + b"!", "image/jpeg"), (JPEG, "text/html")]
)
TIMES = st.sampled_from([1, 1, HOUR_MS // 2, HOUR_MS // 2, HOUR_MS, 2 * HOUR_MS + 1, DAY_MS + 1])


@dataclass(frozen=True)
class Put:
    """A PUT that began while its URL was alive."""

    key: str
    began: int
    content: bytes
    content_type: str


class UploadLife(Life):
    uploads: Bundle[dict[str, Any]] = Bundle("uploads")
    puts: Bundle[Put] = Bundle("puts")

    def __init__(self) -> None:
        super().__init__()
        self.dies: dict[str, int] = {}

    @rule(target=uploads)
    def presign(self) -> dict[str, Any]:
        return self._presign()

    @rule(target=uploads, what=CONTENTS)
    def presign_and_put(self, what: tuple[bytes, str]) -> dict[str, Any]:
        upload = self._presign()
        self._store(upload["key"], *what)
        return upload

    def _presign(self) -> dict[str, Any]:
        upload = self.engine.presign()
        self.dies[upload["key"]] = self.engine.clock.now() + HOUR_MS
        return upload

    @rule(upload=uploads, what=CONTENTS)
    def put(self, upload: dict[str, Any], what: tuple[bytes, str]) -> None:
        if self.engine.clock.now() <= self.dies[upload["key"]]:
            self._store(upload["key"], *what)

    @rule(target=puts, upload=uploads, what=CONTENTS)
    def begin_to_put(self, upload: dict[str, Any], what: tuple[bytes, str]) -> Put:
        began = min(self.engine.clock.now(), self.dies[upload["key"]])
        return Put(upload["key"], began, *what)

    @rule(put=consumes(puts))
    def end_to_put(self, put: Put) -> None:
        if self.engine.clock.now() <= put.began + LATE_PUT_MS:
            self._store(put.key, put.content, put.content_type)

    def _store(self, key: str, content: bytes, content_type: str) -> None:
        if self.info(key) is None:  # The URL signs if-none-match.
            [status] = [row["status"] for row in self.engine.rows() if row["key"] == key]
            assert status == "pending_upload", "bytes came to a file that was given up"
            self.store.put(key, content, content_type)

    @rule(upload=uploads, fails=MOMENTS)
    def complete(self, upload: dict[str, Any], fails: Moment | None) -> None:
        self.store.fails = fails
        self._complete(upload)

    @rule(upload=uploads, time=TIMES)
    def complete_while_the_cron_runs(self, upload: dict[str, Any], time: int) -> None:
        async def cron() -> None:
            self.engine.clock.advance(time)
            await self.engine.app.clean()

        self.store.after_head = cron
        self._complete(upload)

    @rule(upload=uploads)
    def complete_twice_at_once(self, upload: dict[str, Any]) -> None:
        async def other() -> None:
            caller = {"userId": "anna", "tenantId": "acme", "permissions": ["media:files.write"]}
            await self.engine.app.rpc.complete(caller, upload["mediaId"])

        self.store.after_head = other
        self._complete(upload)

    def _complete(self, upload: dict[str, Any]) -> None:
        was_completed = upload["mediaId"] in self.whole
        answer = self.engine.complete(upload["mediaId"])
        self.store.after_head = self.store.fails = None
        if answer.status == 200:
            self.whole.add(upload["mediaId"])
        else:
            assert not was_completed, members(answer)
            assert members(answer)["code"] in {
                "UPLOAD_INCOMPLETE", "CONTENT_MISMATCH", "MEDIA_GONE", "MEDIA_NOT_FOUND",
                "R2_UNAVAILABLE",
            }  # fmt: skip

    @rule(time=TIMES)
    def let_time_go_by(self, time: int) -> None:
        self.engine.clock.advance(time)

    @invariant()
    def every_uploaded_file_has_the_bytes_that_were_declared(self) -> None:
        for row in self.engine.rows():
            if row["status"] == "uploaded":
                info = self.info(row["key"])
                assert info is not None
                assert not info.tombstone
                assert (info.size, info.content_type) == (row["file_size"], row["mime_type"])
                assert info.etag == row["etag"]

    @invariant()
    def every_object_has_a_row_that_knows_it(self) -> None:
        statuses = {row["key"]: row["status"] for row in self.engine.rows()}
        stored = self.store.keys()
        for key in stored:
            info = self.info(key)
            assert info is not None
            allowed = {"rejected"} if info.tombstone else {
                "pending_upload", "uploaded", "rejected", "expired",
            }  # fmt: skip
            assert statuses.get(key) in allowed

    def teardown(self) -> None:
        files = self.end(2 * DAY_MS)
        self.engine.clock.advance(GONE_LIFE_MS + 1)
        finish(self.engine.app.clean())
        assert {row["key"] for row in self.engine.rows()} == files


UploadLife.TestCase.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)
TestUploadLife = UploadLife.TestCase
