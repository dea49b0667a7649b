"""Two systems that are asked the same: a Worker on workerd, and the engine on fakes.

What they answer and what they keep is compared. Ids, which each makes for itself, are called by
their number, in the order in which they come to light; what depends on the hour, on the host or on
how a store names its parts is told apart from nothing alone.
"""

import json
import re
import time
from asyncio import gather, run
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import unified_diff
from typing import Any, Protocol

import httpx

from media_engine.http.message import Response
from runtime.dev import read_variables
from tests.conftest import ENV_FILE, RunningWorker
from tests.fakes import FixedClock, MemoryStream
from tests.unit.engine import Engine, finish
from tests.worker import state as kept_by
from tests.worker.tokens import mint

ID = re.compile(r"(?<![\w-])(media_)?([\w-]{21})(?![\w-])")
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z")
MADE_ANEW = {"uploadUrl", "uploadToken", "upload_token", "url"}
"""Members of answers that have a signature."""

HEADERS = ("content-type", "cache-control", "upload-offset", "upload-length", "retry-after")
"""Headers of answers that are compared."""

OFF = {"CLOUDFLARE_ZONE_ID": "", "CLOUDFLARE_API_TOKEN": "", "EDGE_CACHE_MAX_BYTES": "0"}
"""What is off in both: no message goes to a queue, and no copy is made behind an answer."""


@dataclass(frozen=True)
class Answer:
    """What was answered.

    Attributes:
        status: the status.
        fields: the members of the body, where it is JSON; otherwise its bytes.
        headers: by name, in small letters.
    """

    status: int
    fields: Any
    headers: Mapping[str, str]

    def __getitem__(self, name: str) -> Any:
        return self.fields[name]


Tables = Mapping[str, list[dict[str, Any]]]


class System(Protocol):
    """One of the two."""

    def send(
        self, method: str, target: str, headers: Mapping[str, str], content: bytes = b""
    ) -> Answer:
        """Send a request of the service API."""

    def send_twice(
        self, method: str, target: str, headers: Mapping[str, str], content: bytes
    ) -> list[Answer]:
        """Send a request of which it does not matter which of two comes first, twice at once."""

    def put(self, signed: Mapping[str, Any], content: bytes) -> int:
        """Use a signed URL that lives; return the status."""

    def clean(self) -> None:
        """Let the cron run."""

    def grow_older(self, keys: list[str], milliseconds: int) -> None:
        """Move the instants of files into the past."""

    def tables(self) -> Tables:
        """Return the rows of each table, in the order in which they were written."""

    def objects(self) -> Mapping[str, int]:
        """Return the size of each object, by its key."""

    def multiparts(self) -> Mapping[str, int]:
        """Return how many parts each multipart upload has that is open, by the store's id."""


TABLES = ("media_files", "transfers", "transfer_parts", "quotas")


@dataclass
class OnWorkerd:
    """A Worker.

    Attributes:
        worker: the Worker.
        http: what sends.
    """

    worker: RunningWorker
    http: httpx.Client

    def send(
        self, method: str, target: str, headers: Mapping[str, str], content: bytes = b""
    ) -> Answer:
        url = self.worker.url + target
        answer = self.http.request(method, url, headers=headers, content=content)
        return _answer(answer)

    def send_twice(
        self, method: str, target: str, headers: Mapping[str, str], content: bytes
    ) -> list[Answer]:
        async def both() -> list[httpx.Response]:
            url = self.worker.url + target
            async with httpx.AsyncClient(timeout=60) as http:
                asked = (
                    http.request(method, url, headers=headers, content=content) for _ in range(2)
                )
                return await gather(*asked)

        return [_answer(answer) for answer in run(both())]

    def put(self, signed: Mapping[str, Any], content: bytes) -> int:
        url, headers = signed["uploadUrl"], signed["headers"]
        return self.http.put(url, headers=headers, content=content).status_code

    def clean(self) -> None:
        self.http.get(f"{self.worker.url}/cdn-cgi/handler/scheduled").raise_for_status()

    def grow_older(self, keys: list[str], milliseconds: int) -> None:
        kept_by.grow_older(self.worker.state, keys, milliseconds)

    def tables(self) -> Tables:
        return {table: kept_by.rows(self.worker.state, table) for table in TABLES}

    def objects(self) -> Mapping[str, int]:
        return kept_by.kept(self.worker.state).objects

    def multiparts(self) -> Mapping[str, int]:
        return kept_by.multiparts(self.worker.state)


class OnFakes:
    """The engine in memory, at the hour at which it was made."""

    def __init__(self) -> None:
        clock = FixedClock(int(time.time() * 1000))
        self._engine = Engine({**read_variables(ENV_FILE), **OFF}, clock=clock)

    def send(
        self, method: str, target: str, headers: Mapping[str, str], content: bytes = b""
    ) -> Answer:
        has_body = method in ("POST", "PUT", "PATCH")
        length = {"content-length": str(len(content))} if has_body else {}
        answer = self._engine.fetch(method, target, {**headers, **length}, content)
        named = {name.lower(): value for name, value in answer.headers.items()}
        # What answers a HEAD loses its body on the way.
        content = b"" if method == "HEAD" else _bytes(answer)
        return Answer(answer.status, _body(content), named)

    def send_twice(
        self, method: str, target: str, headers: Mapping[str, str], content: bytes
    ) -> list[Answer]:
        # Nothing in memory ever waits: one after the other is all there is.
        return [self.send(method, target, headers, content) for _ in range(2)]

    def put(self, signed: Mapping[str, Any], content: bytes) -> int:
        # As the store does: the length is signed, and so is that nothing may be there.
        [size] = [row["file_size"] for row in self._engine.rows() if row["key"] == signed["key"]]
        if len(content) != size:
            return 403
        if signed["key"] in self.objects():
            return 412
        self._engine.put(signed, content)
        return 200

    def clean(self) -> None:
        finish(self._engine.app.clean())

    def grow_older(self, keys: list[str], milliseconds: int) -> None:
        for statement in kept_by.AGING:
            values = {"ms": milliseconds, "keys": json.dumps(keys)}
            self._engine.database._connection.execute(statement, values)

    def tables(self) -> Tables:
        return {table: self._engine.rows(table) for table in TABLES}

    def objects(self) -> Mapping[str, int]:
        store = self._engine.store
        return {key: len(store.content(key)) for key in sorted(store.keys())}

    def multiparts(self) -> Mapping[str, int]:
        uploads = self._engine.store.multiparts
        return {name: len(upload.parts) for name, upload in uploads.items()}


def _answer(answer: httpx.Response) -> Answer:
    return Answer(answer.status_code, _body(answer.content), answer.headers)


def _bytes(answer: Response) -> bytes:
    if isinstance(answer.body, MemoryStream):
        return answer.body.content
    return answer.body.encode() if isinstance(answer.body, str) else answer.body or b""  # type: ignore[return-value]


def _body(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return content


@dataclass
class Twin:
    """A system, and how its ids are called.

    Attributes:
        system: the system.
        scope: whose files are looked at.
        names: the name of each id.
    """

    system: System
    scope: str
    names: dict[str, str] = field(default_factory=dict)

    def plain(self, value: Any, member: str = "") -> Any:
        """Return what was answered, or is kept, without what is its own."""
        if isinstance(value, dict):
            said = {name: one for name, one in value.items() if name != "requestId"}
            return {name: self.plain(one, name) for name, one in said.items()}
        if isinstance(value, list):
            return [self.plain(one) for one in value]
        if not isinstance(value, str):
            return value
        if member in MADE_ANEW:
            return "signed"
        if member == "etag":
            return "an etag"
        return INSTANT.sub("an instant", ID.sub(lambda found: self._name(found[2]), value))

    def _name(self, id_: str) -> str:
        return self.names.setdefault(id_, f"({len(self.names)})")

    def answered(self, answer: Answer) -> Any:
        """Return what is compared of an answer."""
        headers = {name: answer.headers[name] for name in HEADERS if name in answer.headers}
        return answer.status, self.plain(answer.fields), headers

    def keys(self) -> list[str]:
        """Return the keys of the scope's files."""
        return [row["key"] for row in self.system.tables()["media_files"] if self._own(row)]

    def _own(self, row: Mapping[str, Any]) -> bool:
        return bool(row["scope"] == self.scope)

    def state(self) -> Any:
        """Return what is compared of what is kept."""
        tables = self.system.tables()
        files = [row for row in tables["media_files"] if self._own(row)]
        transfers = [row for row in tables["transfers"] if self._own(row)]
        ids = {row["id"] for row in transfers}
        parts = [row for row in tables["transfer_parts"] if row["transfer_id"] in ids]
        uploads = {row["upload_id"]: self.plain(row["id"]) for row in transfers if row["upload_id"]}
        places = [f"/{self.scope[2:]}/", *(f"incoming/{one}/" for one in ids)]
        seen: dict[str, list[Any]] = {
            "files": [self._row(row) for row in files],
            "transfers": [self._row(row) for row in transfers],
            "quota": [self._row(row) for row in tables["quotas"] if self._own(row)],
        }
        # Neither has an order of its own: they come by the names of their files.
        seen["parts"] = sorted((self._row(row) for row in parts), key=str)
        seen["objects"] = sorted(
            (self.plain(key), size)
            for key, size in self.system.objects().items()
            if any(place in key for place in places)
        )
        seen["multiparts"] = sorted(
            (uploads[one], parts)
            for one, parts in self.system.multiparts().items()
            if one in uploads
        )
        return seen

    def _row(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Return a row; of instants and of what the store or a writer was called, only whether."""
        return {
            name: value is not None
            if name.endswith(("_at", "_until", "etag", "upload_id", "lease"))
            else self.plain(value)
            for name, value in row.items()
        }


class Disagreement(AssertionError):
    """The two did or kept not the same."""


@dataclass
class Twins:
    """Both.

    Attributes:
        real: the Worker.
        fake: the engine.
    """

    real: Twin
    fake: Twin

    def ask(self, what: str, work: Callable[[System, int], Answer]) -> tuple[Answer, Answer]:
        """Ask both the same, and compare what they answer and what they then keep.

        Args:
            what: what it is, for the error.
            work: asks one of them; its second argument is 0 for the Worker and 1 for the engine.
        """
        answers = work(self.real.system, 0), work(self.fake.system, 1)
        self._same(what, self.real.answered(answers[0]), self.fake.answered(answers[1]))
        self.compare(what)
        return answers

    def ask_twice(
        self, what: str, work: Callable[[System, int], list[Answer]]
    ) -> tuple[Answer, Answer]:
        """Ask both the same twice at once, and compare; return of each what succeeded, if any."""
        answers = work(self.real.system, 0), work(self.fake.system, 1)
        first, second = (sorted(each, key=lambda answer: answer.status) for each in answers)
        self._same(
            f"{what}, twice at once",
            [self.real.answered(answer) for answer in first],
            [self.fake.answered(answer) for answer in second],
        )
        self.compare(what)
        return first[0], second[0]

    def do(self, what: str, work: Callable[[System, int], object]) -> None:
        """Let both do the same, and compare what comes of it."""
        self._same(what, work(self.real.system, 0), work(self.fake.system, 1))
        self.compare(what)

    def compare(self, what: str) -> None:
        """Compare what they keep."""
        self._same(f"what is kept after {what}", self.real.state(), self.fake.state())

    def _same(self, what: str, real: object, fake: object) -> None:
        if real != fake:
            told, known = (
                json.dumps(one, default=str, indent=1).splitlines() for one in (real, fake)
            )
            lines = unified_diff(told, known, "on workerd", "on fakes", lineterm="", n=20)
            changed = "\n".join(lines)
            raise Disagreement(f"{what}:\n{changed}")


def read_token(key: str) -> str:
    """Return a token that opens a file, on both."""
    return mint(key=key)
