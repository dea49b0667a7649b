"""The promise of transfers, under whatever order of events: nothing is lost and nothing is left.

The machine opens transfers, sends their bytes in chunks and by tus, twice and in pieces, breaks
requests off, lets the store fail before and after it has done its work, gives transfers up, lets
the cron run in between, and lets time go by. After every step the rows and the store must agree.
"""

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, invariant, rule

from media_engine.http.message import Response
from tests.media.sent import video_of
from tests.unit.engine import ALICE_HEADERS, members, to_json
from tests.unit.interrupted import Moment
from tests.unit.life import DAY_MS, HOUR_MS, MOMENTS, Life
from tests.unit.transfers.sending import PART, bearer, opened, rows

SIZE = PART + 7
CONTENT = video_of(SIZE)
CHUNKS = (CONTENT[:PART], CONTENT[PART:])
TIMES = st.sampled_from([1, 1, 21_000, 21_000, 21_000, HOUR_MS, 5 * HOUR_MS, DAY_MS + 1])


class TransferLife(Life):
    transfers: Bundle[dict[str, Any]] = Bundle("transfers")

    def __init__(self) -> None:
        super().__init__()
        self.deleted: set[str] = set()

    @rule(target=transfers)
    def open(self) -> dict[str, Any]:
        return opened(self.engine, SIZE)

    def _fetch(
        self, transfer: dict[str, Any], method: str, path: str, body: bytes = b"", **more: Any
    ) -> Response:
        broken = more.pop("broken", False)
        named = {name.replace("_", "-"): str(value) for name, value in more.items()}
        renewed = self.engine.fetch(
            "POST", "/upload/token", ALICE_HEADERS, to_json({"mediaId": transfer["mediaId"]})
        )
        if renewed.status == 200:
            transfer = members(renewed)
        headers = {**bearer(transfer), "tus-resumable": "1.0.0", **named}
        return self.engine.fetch(method, path, headers, body, broken=broken)

    def _settle(self, transfer: dict[str, Any], answer: Response) -> None:
        self.store.fails = None
        if answer.status < 300 and self._status(transfer) == "uploaded":
            self.whole.add(transfer["mediaId"])

    def _status(self, transfer: dict[str, Any]) -> str | None:
        for row in self.engine.rows():
            if row["id"] == transfer["mediaId"]:
                return str(row["status"])
        return None

    @rule(transfer=transfers, index=st.integers(0, 1), fails=MOMENTS, broken=st.booleans())
    def send_a_chunk(
        self, transfer: dict[str, Any], index: int, fails: Moment | None, broken: bool
    ) -> None:
        self._fetch(transfer, "POST", "/media/upload/init", b"{}")
        self.store.fails = fails
        path = f"/media/upload/chunk?upload_id={transfer['uploadId']}&chunk_index={index}"
        chunk = CHUNKS[index]
        answer = self._fetch(
            transfer,
            "POST",
            path,
            chunk,
            content_type="x/y",
            content_length=len(chunk),
            broken=broken,
        )
        self._settle(transfer, answer)

    @rule(transfer=transfers, fails=MOMENTS)
    def finalize(self, transfer: dict[str, Any], fails: Moment | None) -> None:
        self.store.fails = fails
        path = f"/media/upload/{transfer['uploadId']}/finalize"
        answer = self._fetch(transfer, "POST", path)
        if transfer["mediaId"] in self.whole and fails is None:
            known = self._fetch(transfer, "GET", path.replace("finalize", "status"))
            assert answer.status == 200 or known.status != 200, members(answer)
        self._settle(transfer, answer)

    @rule(
        transfer=transfers,
        size=st.sampled_from([0, 1, 5, PART - 1, PART, SIZE]),
        fails=MOMENTS,
        broken=st.booleans(),
    )
    def send_by_tus(
        self, transfer: dict[str, Any], size: int, fails: Moment | None, broken: bool
    ) -> None:
        self._fetch(transfer, "POST", "/files/tus", upload_length=SIZE)
        self.store.fails = fails
        path = f"/files/tus/{transfer['uploadId']}"
        head = self._fetch(transfer, "HEAD", path)
        if head.status == 200:
            offset = int(head.headers["Upload-Offset"])
            answer = self._fetch(
                transfer,
                "PATCH",
                path,
                CONTENT[offset : offset + size],
                content_type="application/offset+octet-stream",
                upload_offset=offset,
                broken=broken,
            )
            self._settle(transfer, answer)
        self._settle(transfer, head)

    @rule(transfer=transfers, fails=MOMENTS, step=st.integers(0, 2))
    def send_all_chunks(self, transfer: dict[str, Any], fails: Moment | None, step: int) -> None:
        for index in (1, 0):
            self.send_a_chunk(transfer, index, fails if step == index else None, False)
        self.finalize(transfer, fails if step == 2 else None)

    @rule(transfer=transfers, fails=MOMENTS, size=st.sampled_from([PART - 1, PART, SIZE]))
    def send_all_by_tus(self, transfer: dict[str, Any], fails: Moment | None, size: int) -> None:
        self.send_by_tus(transfer, size, fails, False)
        self.send_by_tus(transfer, SIZE, None, False)

    @rule(transfer=transfers, fails=MOMENTS)
    def give_up(self, transfer: dict[str, Any], fails: Moment | None) -> None:
        self.store.fails = fails
        self._fetch(transfer, "DELETE", f"/files/tus/{transfer['uploadId']}")
        self.store.fails = None

    @rule(transfer=transfers, fails=MOMENTS)
    def delete(self, transfer: dict[str, Any], fails: Moment | None) -> None:
        self.store.fails = fails
        target = f"/files/{transfer['mediaId']}"
        answer = self.engine.fetch("DELETE", target, ALICE_HEADERS)
        self.store.fails = None
        self.whole.discard(transfer["mediaId"])
        if answer.status == 200:
            self.deleted.add(transfer["key"])

    @rule(time=TIMES)
    def let_time_go_by(self, time: int) -> None:
        self.engine.clock.advance(time)

    @invariant()
    def every_uploaded_file_has_its_bytes(self) -> None:
        for row in self.engine.rows():
            if row["status"] == "uploaded":
                info, content = self.store._objects[row["key"]]
                assert content == CONTENT
                assert info.etag == row["etag"]

    @invariant()
    def every_object_has_a_row_that_knows_it(self) -> None:
        keys = {row["key"] for row in self.engine.rows() if row["status"] != "gone"}
        transfers = rows(self.engine, "transfers")
        aside = {f"incoming/{row['id']}/{name}" for row in transfers for name in "ab"}
        assert self.store.keys() <= keys | aside
        known = {row["upload_id"] for row in transfers}
        assert self.store.multiparts.keys() <= known

    @invariant()
    def what_was_deleted_has_no_bytes(self) -> None:
        for key in self.deleted & self.store.keys():
            assert self.store._objects[key][0].tombstone

    def teardown(self) -> None:
        self.end(3 * DAY_MS)
        assert self.store.multiparts == {}
        assert rows(self.engine, "transfers") == []
        assert rows(self.engine, "transfer_parts") == []


TransferLife.TestCase.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
TestTransferLife = TransferLife.TestCase
