"""A Worker on workerd and the engine on fakes, asked the same in whatever order: both agree.

    AGREEMENT_EXAMPLES=500 pytest tests/worker/test_agreement.py

The machine brings files in by a signed PUT, in chunks and by tus, looks at them, gives them up,
deletes them, changes what may be there, lets time go by and the cron run. After every step the two
must have answered the same, and keep the same: rows, objects, multipart uploads, the account.
"""

import os
from collections.abc import Iterator
from itertools import count
from typing import Any, NamedTuple

import httpx
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, rule, run_state_machine_as_test

from tests.conftest import RunningWorker, RunWorker
from tests.media import JPEG
from tests.media.sent import video_of
from tests.worker.caller import headers_of
from tests.worker.twins import (
    OFF,
    Answer,
    OnFakes,
    OnWorkerd,
    Twin,
    Twins,
    read_token,
)

EXAMPLES = "AGREEMENT_EXAMPLES"

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
SHORT_MS, MIDDLE_MS, LONG_MS = 13 * MINUTE_MS + 17_000, 127 * MINUTE_MS, DAY_MS + 73 * MINUTE_MS
TIMES = st.sampled_from([SHORT_MS, SHORT_MS, MIDDLE_MS, LONG_MS])
"""No sum of a few of them ends where a deadline does: between the two some seconds go by."""

PART = 5 * 1024 * 1024
VIDEOS = {size: video_of(size) for size in (70_000, PART + 7)}
WRONG = b"x" * len(JPEG)
OWNER = {"x-user-permissions": "system:owner"}

_tenants = count()


class Upload(NamedTuple):
    """An upload by a signed PUT: what each of the two answered, and until when a PUT may come."""

    signed: tuple[Answer, Answer]
    dies: int


class Transfer(NamedTuple):
    """A transfer: what each of the two answered, and its bytes."""

    opened: tuple[Answer, Answer]
    content: bytes


class Agreement(RuleBasedStateMachine):
    """Does the same to both. `worker` and `http` are set by the test."""

    worker: RunningWorker
    http: httpx.Client

    uploads: Bundle[Upload] = Bundle("uploads")
    transfers: Bundle[Transfer] = Bundle("transfers")

    def __init__(self) -> None:
        super().__init__()
        tenant = f"twins{next(_tenants)}"
        self.alice = {**headers_of("alice", tenant), "content-type": "application/json"}
        scope = f"t:{tenant}"
        self.twins = Twins(Twin(OnWorkerd(self.worker, self.http), scope), Twin(OnFakes(), scope))
        self.tenant = tenant
        self.elapsed = 0

    def _ask(
        self,
        method: str,
        targets: str | tuple[str, str],
        content: bytes = b"",
        *,
        headers: dict[str, str] | tuple[dict[str, str], dict[str, str]] | None = None,
    ) -> tuple[Answer, Answer]:
        """Ask both; what differs between them comes as a pair."""
        target = (targets, targets) if isinstance(targets, str) else targets
        said = headers if isinstance(headers, tuple) else (headers or self.alice,) * 2
        return self.twins.ask(
            f"{method} {target[0]}",
            lambda system, one: system.send(method, target[one], said[one], content),
        )

    def _tell(self, method: str, target: str, fields: tuple[Any, Any]) -> tuple[Answer, Answer]:
        """Ask both with a body of JSON."""
        return self.twins.ask(
            f"{method} {target} {fields[0]}",
            lambda system, one: system.send(method, target, self.alice, _json(fields[one])),
        )

    def _ask_twice(
        self,
        method: str,
        target: tuple[str, str],
        content: tuple[bytes, bytes] = (b"", b""),
        **headers: str,
    ) -> tuple[Answer, Answer]:
        """Ask both twice at once."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        said = {**self.alice, **named}
        return self.twins.ask_twice(
            f"{method} {target[0]}",
            lambda system, one: system.send_twice(method, target[one], said, content[one]),
        )

    # A file by a signed PUT.

    @rule(
        target=uploads,
        size=st.sampled_from([len(JPEG)] * 4 + [0, 11 * 1024 * 1024]),
        visibility=st.sampled_from(["private", "public"]),
        name=st.sampled_from([None, None, "one", "two"]),
    )
    def presign(self, size: int, visibility: str, name: str | None) -> Upload:
        return self._presign(size, visibility, name)

    def _presign(self, size: int, visibility: str, name: str | None) -> Upload:
        named = {} if name is None else {"idempotency-key": name}
        content = _photo(size, visibility)
        signed = self._ask("POST", "/upload/presign", content, headers={**self.alice, **named})
        return Upload(signed, self.elapsed + HOUR_MS)

    @rule(target=uploads, name=st.sampled_from(["one", "two"]))
    def presign_twice_at_once(self, name: str) -> Upload:
        target, content = "/upload/presign", _photo(len(JPEG), "private")
        signed = self._ask_twice("POST", (target,) * 2, (content,) * 2, idempotency_key=name)
        return Upload(signed, self.elapsed + HOUR_MS)

    @rule(target=uploads, content=st.sampled_from([JPEG, JPEG, JPEG, WRONG, JPEG[1:]]))
    def presign_and_put(self, content: bytes) -> Upload:
        upload = self._presign(len(JPEG), "private", None)
        self.put(upload, content)
        return upload

    @rule(upload=uploads, content=st.sampled_from([JPEG, JPEG, WRONG, JPEG[1:]]))
    def put(self, upload: Upload, content: bytes) -> None:
        if upload.signed[0].status == 201 and self.elapsed < upload.dies:
            signed = [answer.fields for answer in upload.signed]
            self.twins.do("a PUT", lambda system, one: system.put(signed[one], content))

    @rule(upload=uploads)
    def complete(self, upload: Upload) -> None:
        self._tell("PATCH", "/upload/complete", _each(upload.signed, lambda one: {"mediaId": one}))

    @rule(upload=uploads)
    def complete_twice_at_once(self, upload: Upload) -> None:
        first, second = _each(upload.signed, lambda one: _json({"mediaId": one}))
        self._ask_twice("PATCH", ("/upload/complete",) * 2, (first, second))

    @rule(upload=uploads)
    def delete_twice_at_once(self, upload: Upload) -> None:
        self._ask_twice("DELETE", _each(upload.signed, lambda one: f"/files/{one}"))

    @rule(upload=uploads)
    def put_and_complete(self, upload: Upload) -> None:
        self.put(upload, JPEG)
        self.complete(upload)
        self.complete(upload)

    @rule(upload=uploads, visibility=st.sampled_from(["private", "public", "nobody"]))
    def show(self, upload: Upload, visibility: str) -> None:
        targets = _each(upload.signed, lambda one: f"/files/{one}")
        self._ask("PATCH", targets, _json({"visibility": visibility}))

    @rule(upload=uploads)
    def delete(self, upload: Upload) -> None:
        self._ask("DELETE", _each(upload.signed, lambda one: f"/files/{one}"))

    @rule(upload=uploads)
    def read(self, upload: Upload) -> None:
        if upload.signed[0].status == 201:
            key, other = (answer["key"] for answer in upload.signed)
            targets = f"/m/{key}?t={read_token(key)}", f"/m/{other}?t={read_token(other)}"
            self._ask("GET", targets, headers={"accept-encoding": "identity"})

    # A file in chunks, or by tus.

    @rule(target=transfers, size=st.sampled_from([70_000, 70_000, PART + 7]))
    def open(self, size: int) -> Transfer:
        fields = {
            "fileName": "a.mp4", "contentType": "video/mp4", "fileSize": size, "service": "blog"
        }  # fmt: skip
        return Transfer(self._tell("POST", "/upload/open", (fields, fields)), VIDEOS[size])

    @rule(transfer=transfers)
    def renew(self, transfer: Transfer) -> None:
        self._tell("POST", "/upload/token", _each(transfer.opened, lambda one: {"mediaId": one}))

    def _send(
        self, transfer: Transfer, method: str, path: str, content: bytes = b"", **more: str
    ) -> tuple[Answer, Answer]:
        """Ask both with the transfer's token; `{id}` in the path is the transfer's."""
        named = {name.replace("_", "-"): value for name, value in more.items()}
        ids, tokens = [], []
        for answer in transfer.opened:
            opened = answer.fields if answer.status == 201 else {}
            ids.append(opened.get("uploadId", "nothing"))
            tokens.append(opened.get("uploadToken", "none"))
        first, second = (
            {"authorization": f"Bearer {token}", "tus-resumable": "1.0.0", **named}
            for token in tokens
        )
        targets = path.replace("{id}", ids[0]), path.replace("{id}", ids[1])
        return self._ask(method, targets, content, headers=(first, second))

    @rule(transfer=transfers)
    def init(self, transfer: Transfer) -> None:
        self._send(transfer, "POST", "/media/upload/init", b"{}", content_type="application/json")

    @rule(transfer=transfers, index=st.integers(0, 1), short=st.booleans())
    def send_a_chunk(self, transfer: Transfer, index: int, short: bool) -> None:
        chunk = transfer.content[index * PART : (index + 1) * PART]
        self._send(
            transfer,
            "POST",
            f"/media/upload/chunk?upload_id={{id}}&chunk_index={index}",
            chunk[1:] if short else chunk,
            content_type="application/octet-stream",
        )

    @rule(transfer=transfers)
    def ask_what_is_missing(self, transfer: Transfer) -> None:
        self._send(transfer, "GET", "/media/upload/{id}/status")

    @rule(transfer=transfers)
    def finalize(self, transfer: Transfer) -> None:
        self._send(transfer, "POST", "/media/upload/{id}/finalize")

    @rule(transfer=transfers)
    def send_all_chunks(self, transfer: Transfer) -> None:
        self.init(transfer)
        self.send_a_chunk(transfer, 1, False)
        self.send_a_chunk(transfer, 0, False)
        self.finalize(transfer)
        self.finalize(transfer)

    @rule(transfer=transfers)
    def create(self, transfer: Transfer) -> None:
        length = str(len(transfer.content))
        self._send(transfer, "POST", "/files/tus", upload_length=length)

    @rule(transfer=transfers, size=st.sampled_from([1, 100, PART - 1, PART, PART + 7, PART + 8]))
    def send_a_stream(self, transfer: Transfer, size: int) -> None:
        [head, _] = self._send(transfer, "HEAD", "/files/tus/{id}")
        at = int(head.headers.get("upload-offset", 0))
        self._send(
            transfer,
            "PATCH",
            "/files/tus/{id}",
            transfer.content[at : at + size],
            content_type="application/offset+octet-stream",
            upload_offset=str(at),
        )

    @rule(transfer=transfers, size=st.sampled_from([1, PART]))
    def send_all_of_a_stream(self, transfer: Transfer, size: int) -> None:
        self.create(transfer)
        self.send_a_stream(transfer, size)
        self.send_a_stream(transfer, PART + 7)

    @rule(transfer=transfers)
    def give_up(self, transfer: Transfer) -> None:
        self._send(transfer, "DELETE", "/files/tus/{id}")

    @rule(transfer=transfers)
    def delete_what_comes(self, transfer: Transfer) -> None:
        self._ask("DELETE", _each(transfer.opened, lambda one: f"/files/{one}"))

    @rule(transfer=transfers)
    def complete_what_comes(self, transfer: Transfer) -> None:
        self._tell(
            "PATCH", "/upload/complete", _each(transfer.opened, lambda one: {"mediaId": one})
        )

    # What is around them.

    @rule(
        room=st.sampled_from([None, 0, 3 * len(JPEG), 2 * PART]), files=st.sampled_from([None, 3])
    )
    def set_quota(self, room: int | None, files: int | None) -> None:
        target = f"/tenants/{self.tenant}/quota"
        fields = {"bytes": room, "files": files}
        self._ask("PUT", target, _json(fields), headers={**self.alice, **OWNER})

    @rule(time=TIMES)
    def let_time_go_by(self, time: int) -> None:
        self.elapsed += time
        for twin in (self.twins.real, self.twins.fake):
            twin.system.grow_older(twin.keys(), time)
        self.twins.compare("time went by")

    @rule()
    def run_the_cron(self) -> None:
        self.twins.do("the cron", lambda system, _: system.clean())

    def teardown(self) -> None:
        for _ in range(2):
            self.let_time_go_by(3 * DAY_MS)
            self.run_the_cron()
        seen = self.twins.real.state()
        assert {row["status"] for row in seen["files"]} <= {"uploaded", "gone"}
        assert seen["transfers"] == seen["parts"] == seen["multiparts"] == []


def _photo(size: int, visibility: str) -> bytes:
    """Return the body of a presign."""
    fields = {
        "fileName": "a.jpg", "contentType": "image/jpeg", "fileSize": size, "service": "blog",
        "visibility": visibility,
    }  # fmt: skip
    return _json(fields)


def _json(fields: Any) -> bytes:
    return httpx.Request("POST", "http://x", json=fields).content


def _each(answers: tuple[Answer, Answer], make: Any) -> tuple[Any, Any]:
    """Return what is made of the id of a file, or of what is none, for both."""
    first, second = (
        make(answer["mediaId"] if answer.status == 201 else "media_nothing") for answer in answers
    )
    return first, second


@pytest.fixture(scope="module")
def plain(run_worker: RunWorker) -> Iterator[RunningWorker]:
    """A Worker of which nothing is done behind an answer."""
    with run_worker(variables={name: value for name, value in OFF.items() if value}) as running:
        yield running


def test_workerd_and_the_fakes_agree(plain: RunningWorker, http: httpx.Client) -> None:
    machine = type("Agreement", (Agreement,), {"worker": plain, "http": http})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=int(os.environ.get(EXAMPLES, 25)),
            stateful_step_count=30,
            derandomize=EXAMPLES not in os.environ,
            # To make a failure small takes minutes: that is for whoever looks for one.
            phases=[Phase.generate, *([Phase.shrink] if EXAMPLES in os.environ else [])],
            report_multiple_bugs=False,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
