"""The engine in memory under attack: one engine, many requests, and what each of them cost."""

from dataclasses import dataclass

from media_engine.http.message import Response
from tests.fakes import JoinedStream, MemoryStream
from tests.fuzz.answer import Answer
from tests.fuzz.attack import Attack
from tests.fuzz.file import File
from tests.fuzz.token import Signer
from tests.unit.delivery.test_delivery import CONTENT, KEY, Delivery
from tests.unit.engine import finish

PUBLIC = File("u/user_789/avatar/2026/04/aB3nR7kWaB3nR7kWaB3nR.png", b"for everybody", public=True)
ALBUM = File("t/acme/blog/a/summer/bB3nR7kWaB3nR7kWaB3nR.mp4", b"in the album")
EMPTY = File("t/acme/blog/2026/11/cB3nR7kWaB3nR7kWaB3nR.pdf", b"")
PENDING = File("t/acme/blog/2026/11/dB3nR7kWaB3nR7kWaB3nR.gif", b"on its way")
GONE = "t/acme/blog/2026/11/eB3nR7kWaB3nR7kWaB3nR.jpg"
BURIED = "t/globex/blog/2026/11/fB3nR7kWaB3nR7kWaB3nR.jpg"

SET_ID, REVOKED = "s1", "j0"
MEMBERS = {"t:acme": [KEY, ALBUM.key, GONE], "t:globex": [BURIED], "u:user_789": [PUBLIC.key]}
"""What is in the set of each scope that has one."""


@dataclass(frozen=True)
class Cost:
    """What an answer cost.

    Attributes:
        operations: of the store.
        statements: of the database.
    """

    operations: int
    statements: int


class Target(Delivery):
    """An engine with a file in each state that a file can be in."""

    def __init__(self) -> None:
        super().__init__()
        self.files = (File(KEY, CONTENT), PUBLIC, ALBUM, EMPTY, PENDING)
        for file, content_type in (
            (PUBLIC, "image/png"),
            (ALBUM, "video/mp4"),
            (EMPTY, "application/pdf"),
            (PENDING, "image/gif"),
        ):
            self.store.put(file.key, file.content, content_type)
        finish(self.store.bury(BURIED))
        self.row("uploaded", "public", PUBLIC.key)
        self.row("pending_upload", "public", PENDING.key)
        for scope, members in MEMBERS.items():
            self.collect(SET_ID, *members, scope=scope)
            self.revoke(REVOKED, scope)
        self.row("gone", "public", GONE)
        self.row("rejected", "private", BURIED)

    @property
    def signer(self) -> Signer:
        kid, secret = self.settings.token_keys.signing
        members = [key for keys in MEMBERS.values() for key in keys]
        return Signer({kid: secret}, self.now, SET_ID, members, [REVOKED])

    def suffer(self, attack: Attack) -> tuple[Answer, Cost]:
        """Send an attack; whatever it opened is either sent or let go."""
        self.store.operations.clear()
        self.store.streams.clear()
        self.database.statements = 0
        self.database.seen.clear()
        self.log.events.clear()
        response = self.fetch(attack.method, attack.target, attack.headers)
        assert all(stream.cancelled for stream in self.store.streams if stream is not response.body)
        content = _read(response)
        names = [name.lower() for name in response.headers]
        assert len(names) == len(set(names))
        headers = dict(zip(names, response.headers.values(), strict=True))
        return Answer(response.status, headers, content), Cost(*self.spent())

    def told(self) -> str:
        """Return all that the log was told."""
        return repr(self.log.events)


def _read(response: Response) -> bytes:
    body = response.body
    if isinstance(body, MemoryStream):
        assert not body.cancelled
        return body.content
    if isinstance(body, JoinedStream):
        content = finish(body.read())
        assert len(content) == body.length
        return content
    assert not isinstance(body, bytes)
    assert body is None or isinstance(body, str)
    return (body or "").encode()
