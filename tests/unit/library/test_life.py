"""The promise of deletion, under whatever order of events: what is deleted goes, everywhere.

The machine brings files in, deletes them, changes who sees them and lets the cron run; it lets the
Worker die at any await of these, stops the queue and makes the API fail; people read files at
other places meanwhile, some of them so slowly that their cache has its copy after the file was
deleted. After every step the rows and the store must agree, and in the end no cache has what nobody
may have.
"""

from contextlib import suppress
from typing import Any, NamedTuple

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from media_engine.housekeeping.plan import DAY_MS, GONE_LIFE_MS, HOUR_MS
from media_engine.http.message import Response
from media_engine.ports import ObjectInfo
from media_engine.signing.token import Claims, mint
from tests.cloudflare_api import FAILURES
from tests.media import JPEG
from tests.unit.crash import Crash, mortal_engine
from tests.unit.engine import ALICE_HEADERS, finish, to_json

File = dict[str, Any]

LONGEST_READ_MS = 30_000
"""How long a reader may take whose cache stores what it reads."""

DEATHS = st.none() | st.none() | st.tuples(st.integers(1, 9), st.sampled_from(["before", "after"]))
VISIBILITIES = st.sampled_from(["public", "private"])
TIMES = st.sampled_from([1, 5_000, 20_000, 61_000, HOUR_MS, 2 * HOUR_MS + 1, DAY_MS + 1])
FAILING = st.lists(st.sampled_from([*sorted(FAILURES), "silence"]), min_size=1, max_size=3)


class Copy(NamedTuple):
    """A copy in a cache somewhere, under the entry for those with a token or without."""

    file: str
    public: bool


class Read(NamedTuple):
    """A read that has begun and whose copy is not in the cache yet."""

    copy: Copy
    began: int


class FileLife(RuleBasedStateMachine):
    uploads: Bundle[File] = Bundle("uploads")
    files: Bundle[File] = Bundle("files")
    reads: Bundle[Read] = Bundle("reads")

    def __init__(self) -> None:
        super().__init__()
        self.engine, self.fuse = mortal_engine()
        self.deleted: set[str] = set()
        self.private: set[str] = set()
        self.copies: set[Copy] = set()
        self.calls_seen = 0

    def _attempt(self, death: Any, method: str, path: str, body: bytes) -> Response | None:
        """Do a call in which the Worker may die; return the answer if there is one."""
        if death is not None:
            self.fuse.set(*death)
        try:
            return self.engine.fetch(method, path, ALICE_HEADERS, body)
        except Crash:
            return None
        finally:
            self.fuse.take_out()

    @rule(target=uploads, visibility=VISIBILITIES, content=st.sampled_from([None, JPEG, b"no"]))
    def presign(self, visibility: str, content: bytes | None) -> File:
        upload = self.engine.presign(visibility=visibility)
        if content is not None:
            self.engine.put(upload, content)
        return upload

    @rule(target=files, visibility=VISIBILITIES)
    def upload(self, visibility: str) -> File:
        return self.engine.upload(visibility=visibility)

    @rule(upload=uploads)
    def put(self, upload: File) -> None:
        alive = any(row["url_expires_at"] >= self.engine.clock.now() for row in self._rows(upload))
        if alive and self._info(upload["key"]) is None:  # The URL signs if-none-match.
            self.engine.put(upload)

    @rule(target=files, upload=uploads, death=DEATHS)
    def complete(self, upload: File, death: Any) -> File:
        body = to_json({"mediaId": upload["mediaId"]})
        answer = self._attempt(death, "PATCH", "/upload/complete", body)
        assert answer is None or answer.status in (200, 404, 409, 410, 422)
        return upload

    @rule(file=files | uploads, death=DEATHS)
    def delete(self, file: File, death: Any) -> None:
        self._delete(file, death)

    def _delete(self, file: File, death: Any) -> None:
        answer = self._attempt(death, "DELETE", f"/files/{file['mediaId']}", b"")
        if answer is not None:
            assert answer.status in (200, 404)
            self.deleted.add(file["key"])

    @rule(file=files, visibility=VISIBILITIES, death=DEATHS)
    def show_to(self, file: File, visibility: str, death: Any) -> None:
        self._show_to(file, visibility, death)

    def _show_to(self, file: File, visibility: str, death: Any) -> None:
        body = to_json({"visibility": visibility})
        answer = self._attempt(death, "PATCH", f"/files/{file['mediaId']}", body)
        if answer is None or (answer.status == 200 and visibility == "public"):
            self.private.discard(file["key"])
        elif answer.status == 200:
            self.private.add(file["key"])
        else:
            assert answer.status in (404, 409, 410)

    @rule(death=DEATHS)
    def run_the_cron(self, death: Any) -> None:
        if death is not None:
            self.fuse.set(*death)
        with suppress(Crash):
            finish(self.engine.app.clean())
        self.fuse.take_out()

    @rule(down=st.booleans())
    def stop_or_start_the_queue(self, down: bool) -> None:
        self.engine.queue.down = down

    @rule(fails=FAILING)
    def make_the_api_fail(self, fails: Any) -> None:
        self.engine.api.fails.extend(fails)

    @rule(target=reads, file=files, token=st.booleans())
    def begin_to_read(self, file: File, token: bool) -> Read:
        began = self.engine.clock.now() if self._open(file["key"], token=token) == 200 else -DAY_MS
        return Read(Copy(file["key"], public=not token), began)

    @rule(read=consumes(reads))
    def end_to_read(self, read: Read) -> None:
        if self.engine.clock.now() <= read.began + LONGEST_READ_MS:
            self.copies.add(read.copy)

    @rule(file=files, token=st.booleans())
    def read(self, file: File, token: bool) -> None:
        if self._open(file["key"], token=token) == 200:
            self.copies.add(Copy(file["key"], public=not token))

    @rule(file=files, delete=st.booleans(), death=DEATHS, time=st.integers(1, LONGEST_READ_MS - 9))
    def read_it_while_it_goes(self, file: File, delete: bool, death: Any, time: int) -> None:
        reads = [self.begin_to_read(file, token) for token in (True, False)]
        if delete:
            self._delete(file, death)
        else:
            self._show_to(file, "private", death)
        self.let_time_go_by(time // 3)
        for read in reads:
            self.end_to_read(read)

    @rule(time=TIMES)
    def let_time_go_by(self, time: int) -> None:
        """The queue delivers every second what is due; here, in a few steps."""
        for step in (1, min(time, 60_000), time):
            self.engine.clock.advance(step)
            self._deliver()

    def _deliver(self) -> None:
        self.engine.consume()
        for tags in self.engine.api.calls[self.calls_seen :]:
            self.copies = {copy for copy in self.copies if _tag(copy.file) not in tags}
        self.calls_seen = len(self.engine.api.calls)

    @invariant()
    def every_uploaded_file_has_its_bytes(self) -> None:
        for row in self.engine.rows():
            if row["status"] == "uploaded":
                info = self._info(row["key"])
                assert info is not None
                assert (info.tombstone, info.size) == (False, row["file_size"])

    @invariant()
    def every_object_has_a_row_that_knows_it(self) -> None:
        rows = {row["key"]: row for row in self.engine.rows()}
        for key in sorted(self.engine.store.keys()):
            info, row = self._info(key), rows.get(key)
            assert info is not None
            assert row is not None, "bytes that nobody collects"
            assert row["status"] != "gone"
            if row["status"] in ("rejected", "expired", "deleting") and row["purge_due_at"] is None:
                assert info.tombstone, "nobody would take these bytes away before their URL is dead"

    @invariant()
    def what_was_deleted_opens_to_nobody(self) -> None:
        for key in self.deleted:
            assert self._open(key, token=True) in (404, 410)
            assert self._open(key, token=False) in (401, 410)

    @invariant()
    def what_was_made_private_needs_a_token(self) -> None:
        for key in self.private:
            assert self._open(key, token=False) in (401, 410)

    def teardown(self) -> None:
        self.engine.queue.down = False
        self.engine.api.fails.clear()
        self.let_time_go_by(HOUR_MS)
        finish(self.engine.app.clean())
        for row in self.engine.rows():
            info = self._info(row["key"])
            if info is not None and row["status"] not in ("pending_upload", "uploaded"):
                assert info.tombstone, "bytes outlive the next run of the cron"
        for _ in range(3):
            self.let_time_go_by(DAY_MS)
            finish(self.engine.app.clean())
        self.let_time_go_by(2 * HOUR_MS)
        rows = {row["key"]: row for row in self.engine.rows()}
        assert {row["status"] for row in rows.values()} <= {"uploaded", "gone"}
        assert {row["purge_due_at"] for row in rows.values()} <= {None}
        uploaded = {key for key, row in rows.items() if row["status"] == "uploaded"}
        assert self.engine.store.keys() == uploaded
        assert self.engine.queue.waiting() == []
        for copy in self.copies:
            assert copy.file in uploaded, "a cache has what was deleted"
            if copy.public:
                assert rows[copy.file]["visibility"] == "public", "a cache shows what is private"
        self.engine.clock.advance(GONE_LIFE_MS + 1)
        finish(self.engine.app.clean())
        assert {row["key"] for row in self.engine.rows()} == uploaded

    def _rows(self, file: File) -> list[dict[str, Any]]:
        return [row for row in self.engine.rows() if row["key"] == file["key"]]

    def _info(self, key: str) -> ObjectInfo | None:
        return finish(self.engine.store.head(key))

    def _open(self, key: str, *, token: bool) -> int:
        claims = Claims(key=key, exp=self.engine.now + 60)
        query = f"?t={mint(claims, self.engine.settings.token_keys)}" if token else ""
        return self.engine.fetch("GET", f"/m/{key}{query}").status


def _tag(key: str) -> str:
    return "m-" + key.rpartition("/")[2].removesuffix(".jpg")


FileLife.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestFileLife = FileLife.TestCase
