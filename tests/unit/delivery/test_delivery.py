"""`/m/<key>`, from the request to the answer."""

import json
from collections.abc import Mapping
from urllib.parse import quote

import pytest

from media_engine.errors import R2Unavailable
from media_engine.http.message import Response
from media_engine.ports import ObjectRange, Statement, StoredObject
from media_engine.signing import jwt
from media_engine.signing.keyring import Keyring
from media_engine.signing.token import Claims, mint
from tests.fakes import JoinedStream, MemoryStore, MemoryStream
from tests.unit.engine import Engine, finish, members
from tests.unit.http.vectors import Case, StoredFile, received, requests

KEY = "t/acme/blog/2026/11/aB3nR7kWaB3nR7kWaB3nR.jpg"
CONTENT = b"0123456789"
NO_STORE = "no-store"
FOR_HALF_A_MINUTE = "public, max-age=30"


class HandedOutStore(MemoryStore):
    """Remembers the streams that it gave."""

    def __init__(self) -> None:
        super().__init__()
        self.streams: list[MemoryStream] = []

    async def get(
        self,
        key: str,
        /,
        *,
        wanted: ObjectRange | None = None,
        etag: str | None = None,
        unless: str | None = None,
    ) -> StoredObject | None:
        stored = await super().get(key, wanted=wanted, etag=etag, unless=unless)
        if stored is not None and stored.body is not None:
            assert isinstance(stored.body, MemoryStream)
            self.streams.append(stored.body)
        return stored


class Delivery(Engine):
    """An engine with one private file, which nothing but its store knows."""

    store: HandedOutStore

    def __init__(
        self,
        content: bytes = CONTENT,
        changed: Mapping[str, str] = {},
        guesses: int | None = None,
    ) -> None:
        super().__init__(changed, store=HandedOutStore(), guesses=guesses)
        self.info = self.store.put(KEY, content, "image/jpeg", 'inline; filename="beach.jpg"')

    def token(self, key: str = KEY, life: int = 600, dl: str | None = None) -> str:
        return mint(Claims(key=key, exp=self.now + life, dl=dl), self.settings.token_keys)

    def ask(self, method: str = "GET", key: str = KEY, /, **headers: str) -> Response:
        """Ask with a token for the key, and with these headers."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.fetch(method, f"/m/{quote(key)}?t={self.token(key)}", sent)

    def ask_with(self, token: str, key: str = KEY) -> Response:
        """Ask for a key with this token."""
        return self.fetch("GET", f"/m/{quote(key)}?t={token}")

    def row(self, status: str, visibility: str, key: str = KEY) -> None:
        """Write a row for the key."""
        finish(
            self.database.run(
                Statement(
                    "INSERT INTO media_files (id, scope, key, service_code, file_name, mime_type,"
                    " file_size, status, visibility, uploaded_by, etag, url_expires_at,"
                    " created_at, updated_at, uploaded_at) VALUES (?, 't:acme', ?, 'blog', 'a',"
                    " 'image/jpeg', 10, ?, ?, 'alice', ?, 0, 0, 0, ?)",
                    (
                        f"media_{key}",
                        key,
                        status,
                        visibility,
                        '"tag"' if status == "uploaded" else None,
                        1 if status == "uploaded" else None,
                    ),
                )
            )
        )
        self.database.statements = 0

    def revoke(self, jti: str, scope: str = "t:acme") -> None:
        """Write a revocation."""
        self._write("INSERT INTO revoked_tokens VALUES (?, ?, 0, 0)", scope, jti)

    def collect(self, set_id: str, *keys: str, scope: str = "t:acme") -> None:
        """Write a set."""
        members = json.dumps(keys)
        self._write("INSERT INTO media_sets VALUES (?, ?, ?, 'me', 0, 0)", scope, set_id, members)

    def _write(self, sql: str, *values: str) -> None:
        """Run a statement, without counting it."""
        finish(self.database.run(Statement(sql, values)))
        self.database.statements -= 1

    def spent(self) -> tuple[int, int]:
        """Return how many operations of the store and how many statements there were."""
        return self.store.operations.total(), self.database.statements


def content(response: Response) -> bytes:
    if isinstance(response.body, JoinedStream):
        body = finish(response.body.read())
        assert len(body) == response.body.length
        return body
    assert isinstance(response.body, MemoryStream)
    assert not response.body.cancelled
    return response.body.content


def refusal(response: Response) -> tuple[int, str, str | None]:
    """Return the status, the code and the Cache-Control of a refusal."""
    return response.status, members(response)["code"], response.headers.get("Cache-Control")


def test_a_token_opens_a_private_file() -> None:
    engine = Delivery()
    response = engine.ask()
    assert response.status == 200
    assert content(response) == CONTENT
    assert response.headers == {
        "Content-Type": "image/jpeg",
        "Content-Disposition": 'inline; filename="beach.jpg"',
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Accept-Ranges": "bytes",
        "ETag": engine.info.etag,
        "Last-Modified": "Wed, 18 Nov 2026 11:06:40 GMT",
        "Cache-Control": "private, no-store",
        "Cross-Origin-Resource-Policy": "same-site",
    }


def test_the_stream_of_the_store_is_handed_on_itself() -> None:
    engine = Delivery()
    assert engine.ask(range="bytes=2-4").body is engine.store.streams[0]
    assert engine.ask().body is engine.store.streams[1]


def test_a_token_for_an_album_opens_each_file_in_it() -> None:
    engine = Delivery()
    album = "t/acme/blog/a/summer/"
    token = mint(Claims(pfx=album, exp=engine.now + 60), engine.settings.token_keys)
    for name in ("one.jpg", "two.jpg"):
        engine.store.put(album + name, name.encode(), "image/jpeg")
        assert content(engine.fetch("GET", f"/m/{album}{name}?t={token}")) == name.encode()


def test_a_download_has_the_tokens_name() -> None:
    engine = Delivery()
    response = engine.fetch("GET", f"/m/{KEY}?t={engine.token(dl='holiday.jpg')}")
    assert response.headers["Content-Disposition"] == 'attachment; filename="holiday.jpg"'


def test_head_is_get_without_the_body() -> None:
    engine = Delivery()
    got, head = engine.ask(), engine.ask("HEAD")
    assert head.status == 200
    assert head.body is None
    assert head.headers == {**got.headers, "Content-Length": "10"}


def test_head_ignores_range() -> None:
    engine = Delivery()
    for wanted in ("bytes=2-4", "bytes=100-", "bytes=-0"):
        assert engine.ask("HEAD", range=wanted) == engine.ask("HEAD")


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("headers", [{}, {"range": "bytes=2-4"}, {"range": "bytes=10-"}])
def test_a_token_in_the_path_opens_what_it_opens_in_the_query(
    method: str, headers: dict[str, str]
) -> None:
    engine = Delivery()
    asked = engine.ask(method, **headers)
    viewed = engine.fetch(method, f"/view/{engine.token()}/{KEY}", headers)
    assert (viewed.status, viewed.headers) == (asked.status, asked.headers)
    assert engine.database.statements == 0


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/view/{token}/{other}", (401, "TOKEN_KEY_MISMATCH", NO_STORE)),
        ("/view/{token}", (404, "MEDIA_NOT_FOUND", NO_STORE)),
        ("/view/{token}/", (404, "MEDIA_NOT_FOUND", NO_STORE)),
        ("/view//{key}", (401, "TOKEN_MALFORMED", NO_STORE)),
        ("/view/{key}", (404, "MEDIA_NOT_FOUND", NO_STORE)),
        ("/view/x.y.z/{key}", (401, "TOKEN_MALFORMED", NO_STORE)),
    ],
)
def test_a_token_in_the_path_is_refused_as_in_the_query(
    path: str, expected: tuple[int, str, str]
) -> None:
    engine = Delivery()
    token = engine.token()
    filled = path.format(token=token, key=KEY, other=KEY.replace("2026", "2025"))
    assert refusal(engine.fetch("GET", filled)) == expected
    assert token not in json.dumps(engine.log.events)


def test_a_range_is_a_part_of_the_file() -> None:
    engine = Delivery()
    whole, part = engine.ask(), engine.ask(range="bytes=2-4")
    assert part.status == 206
    assert content(part) == b"234"
    assert part.headers == {**whole.headers, "Content-Range": "bytes 2-4/10"}


def test_several_ranges_are_as_many_parts() -> None:
    engine = Delivery()
    whole, response = engine.ask(), engine.ask(range="bytes=7-8,0-1,-1")
    assert response.status == 206
    parts = received(response.headers, content(response))
    assert parts == [("bytes 7-8/10", b"78"), ("bytes 0-1/10", b"01"), ("bytes 9-9/10", b"9")]
    assert response.headers.keys() == whole.headers.keys()


def test_ranges_that_overlap_are_one_part() -> None:
    engine = Delivery()
    response = engine.ask(range="bytes=2-5,1-3")
    assert response.status == 206
    assert response.headers["Content-Range"] == "bytes 1-5/10"
    assert content(response) == b"12345"


def test_a_file_that_goes_while_its_parts_are_sent_breaks_the_answer_off() -> None:
    engine = Delivery()
    response = engine.ask(range="bytes=0-1,8-9")
    finish(engine.store.bury(KEY))
    assert isinstance(response.body, JoinedStream)
    body = finish(response.body.read())
    assert len(body) < response.body.length
    assert body.endswith(b"Content-Range: bytes 0-1/10\r\n\r\n")


@pytest.mark.parametrize(
    "header", ["bytes=5-4", "lines=1-2", "bytes=" + ",".join(f"{2 * i}-{2 * i}" for i in range(9))]
)
def test_unreadable_ranges_and_too_many_give_the_whole(header: str) -> None:
    engine = Delivery(bytes(20))
    response = engine.ask(range=header)
    assert response.status == 200
    assert content(response) == bytes(20)
    assert "Content-Range" not in response.headers


def test_a_range_outside_the_file_is_told_how_long_the_file_is() -> None:
    engine = Delivery()
    response = engine.ask(range="bytes=10-")
    assert refusal(response) == (416, "RANGE_NOT_SATISFIABLE", NO_STORE)
    assert response.headers["Content-Range"] == "bytes */10"


def test_of_several_ranges_one_must_touch_the_file() -> None:
    engine = Delivery()
    assert engine.ask(range="bytes=10-,20-,0-0").headers["Content-Range"] == "bytes 0-0/10"
    response = engine.ask(range="bytes=10-,20-")
    assert refusal(response) == (416, "RANGE_NOT_SATISFIABLE", NO_STORE)
    assert response.headers["Content-Range"] == "bytes */10"


def test_a_file_that_the_client_has_is_not_sent_again() -> None:
    engine = Delivery()
    whole = engine.ask()
    for method, headers in (
        ("GET", {}),
        ("HEAD", {}),
        ("GET", {"range": "bytes=2-4"}),
        ("GET", {"range": "bytes=100-"}),
    ):
        response = engine.ask(method, if_none_match=engine.info.etag, **headers)
        assert response.status == 304
        assert response.body is None
        assert response.headers == whole.headers


def test_a_condition_that_fails_is_a_412_whatever_the_range() -> None:
    engine = Delivery()
    for headers in ({}, {"range": "bytes=2-4"}, {"range": "bytes=100-"}):
        for method in ("GET", "HEAD"):
            response = engine.ask(method, if_match='"other"', **headers)
            assert refusal(response) == (412, "PRECONDITION_FAILED", NO_STORE)


@pytest.mark.parametrize("wanted", ["bytes=2-4", "bytes=100-"])
def test_a_range_of_another_version_gives_the_whole_of_this_one(wanted: str) -> None:
    engine = Delivery()
    response = engine.ask(range=wanted, if_range='"other"')
    assert response.status == 200
    assert content(response) == CONTENT
    assert "Content-Range" not in response.headers


CASES = [*requests("ranges.json"), *requests("conditional.json")]


@pytest.mark.parametrize(
    "case", [case for case in CASES if case.method in ("GET", "HEAD")], ids=lambda case: case.name
)
def test_a_request_is_answered_as_its_vector_says(case: Case) -> None:
    body = bytes(i % 251 for i in range(case.file.size))
    engine = Delivery(body)
    file = StoredFile(case.file.size, engine.info.etag, engine.info.uploaded_at // 1000)
    response = engine.fetch(case.method, f"/m/{KEY}?t={engine.token()}", case.headers_for(file))
    assert response.status == case.status
    if response.status == 206:
        parts = received(response.headers, content(response))
        assert tuple(content_range for content_range, _ in parts) == case.ranges
        for content_range, part in parts:
            first, last = content_range.removeprefix("bytes ").split("/")[0].split("-")
            assert part == body[int(first) : int(last) + 1]
    elif response.status == 416:
        assert (response.headers["Content-Range"],) == case.ranges
    elif response.status == 200 and case.method == "GET":
        assert content(response) == body


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "get", "PROPFIND", ""])
def test_another_method_is_told_those_that_there_are(method: str) -> None:
    engine = Delivery()
    response = engine.ask(method)
    assert refusal(response) == (405, "METHOD_NOT_ALLOWED", NO_STORE)
    assert response.headers["Allow"] == "GET, HEAD"
    assert engine.spent() == (0, 0)


def test_a_page_of_another_origin_may_ask_whether_it_may() -> None:
    engine = Delivery()
    response = engine.fetch("OPTIONS", f"/m/{KEY}")
    assert response.status == 204
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert response.headers["Access-Control-Allow-Methods"] == "GET, HEAD"
    assert "Range" in response.headers["Access-Control-Allow-Headers"].split(", ")
    assert engine.spent() == (0, 0)


def signed(engine: Engine, **claims: object) -> str:
    """Return a token with these claims, sensible or not."""
    said = {"aud": "media", "key": KEY, "exp": engine.now + 600, **claims}
    return jwt.sign(
        {name: value for name, value in said.items() if value is not None},
        engine.settings.token_keys,
    )


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ({"exp": -1}, "TOKEN_EXPIRED"),
        ({"exp": 0}, "TOKEN_EXPIRED"),
        ({"nbf": 61}, "TOKEN_NOT_YET_VALID"),
        ({"iat": 61}, "TOKEN_NOT_YET_VALID"),
        ({"exp": 3_601}, "TOKEN_TTL_TOO_LONG"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_token_out_of_its_time_opens_nothing(
    method: str, claims: Mapping[str, int], code: str
) -> None:
    engine = Delivery()
    at = {name: engine.now + seconds for name, seconds in claims.items()}
    response = engine.fetch(method, f"/m/{KEY}?t={signed(engine, **at)}")
    assert refusal(response) == (401, code, NO_STORE)
    assert engine.spent() == (0, 0)


@pytest.mark.parametrize(
    "claims",
    [{"aud": "media-upload"}, {"aud": None}, {"exp": None}, {"key": None}, {"pfx": "t/acme/"}],
)
def test_a_token_that_is_for_something_else_cannot_be_read(claims: dict[str, object]) -> None:
    engine = Delivery()
    response = engine.fetch("GET", f"/m/{KEY}?t={signed(engine, **claims)}")
    assert refusal(response) == (401, "TOKEN_MALFORMED", NO_STORE)
    assert engine.spent() == (0, 0)


def test_each_other_refusal_of_a_token_has_its_code() -> None:
    engine = Delivery()
    token = engine.token()
    other_key = mint(Claims(key=KEY, exp=engine.now + 60), Keyring({"k1": b"x" * 32}))
    other_kid = mint(Claims(key=KEY, exp=engine.now + 60), Keyring({"k9": b"x" * 32}))
    for presented, code in (
        ("", "TOKEN_MALFORMED"),
        ("a.b.c", "TOKEN_MALFORMED"),
        (token[:-2], "TOKEN_BAD_SIGNATURE"),
        (other_key, "TOKEN_BAD_SIGNATURE"),
        (other_kid, "TOKEN_UNKNOWN_KEY"),
        (engine.token(key=KEY + "x"), "TOKEN_KEY_MISMATCH"),
    ):
        response = engine.fetch("GET", f"/m/{KEY}?t={presented}")
        assert refusal(response) == (401, code, NO_STORE)
    assert engine.spent() == (0, 0)


def test_a_bad_token_does_not_fall_back_to_what_is_public() -> None:
    engine = Delivery()
    engine.row("uploaded", "public")
    assert refusal(engine.fetch("GET", f"/m/{KEY}?t=nonsense"))[:2] == (401, "TOKEN_MALFORMED")


def test_the_first_token_counts() -> None:
    engine = Delivery()
    assert engine.fetch("GET", f"/m/{KEY}?t={engine.token()}&t=nonsense").status == 200
    assert engine.fetch("GET", f"/m/{KEY}?t=nonsense&t={engine.token()}").status == 401


def test_a_public_file_needs_no_token() -> None:
    engine = Delivery()
    engine.row("uploaded", "public")
    response = engine.fetch("GET", f"/m/{KEY}")
    assert content(response) == CONTENT
    assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert response.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert engine.spent() == (1, 1)


def test_a_public_file_that_is_asked_for_with_a_token_is_answered_in_private() -> None:
    engine = Delivery()
    engine.row("uploaded", "public")
    assert engine.ask().headers["Cache-Control"] == "private, no-store"
    assert "Access-Control-Allow-Origin" not in engine.ask().headers


@pytest.mark.parametrize(
    ("status", "visibility"),
    [
        ("uploaded", "private"),
        ("gone", "private"),
        ("deleting", "private"),
        ("rejected", "private"),
        ("pending_upload", "private"),
        ("pending_upload", "public"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_stranger_learns_nothing_of_what_is_not_public(
    status: str, visibility: str, method: str
) -> None:
    engine = Delivery()
    stranger = refusal(engine.fetch(method, "/m/t/acme/blog/2026/11/never.jpg"))
    assert stranger == (401, "TOKEN_MISSING", NO_STORE)
    engine.row(status, visibility)
    assert refusal(engine.fetch(method, f"/m/{KEY}")) == stranger
    assert engine.store.operations.total() == 0


@pytest.mark.parametrize("status", ["deleting", "gone", "rejected", "expired"])
def test_a_public_file_that_was_deleted_is_gone_and_its_bytes_are_not_asked_for(
    status: str,
) -> None:
    engine = Delivery()
    engine.row(status, "public")
    assert refusal(engine.fetch("GET", f"/m/{KEY}")) == (410, "MEDIA_GONE", FOR_HALF_A_MINUTE)
    assert engine.spent() == (0, 1)


def test_a_public_file_without_bytes_is_not_found() -> None:
    engine = Delivery()
    engine.row("uploaded", "public", "t/acme/lost.jpg")
    for method in ("GET", "HEAD"):
        response = engine.fetch(method, "/m/t/acme/lost.jpg")
        assert refusal(response) == (404, "MEDIA_NOT_FOUND", FOR_HALF_A_MINUTE)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (None, (404, "MEDIA_NOT_FOUND", NO_STORE)),
        ("pending_upload", (404, "MEDIA_NOT_FOUND", NO_STORE)),
        ("uploaded", (404, "MEDIA_NOT_FOUND", NO_STORE)),
        ("rejected", (410, "MEDIA_GONE", NO_STORE)),
        ("expired", (410, "MEDIA_GONE", NO_STORE)),
        ("deleting", (410, "MEDIA_GONE", NO_STORE)),
        ("gone", (410, "MEDIA_GONE", NO_STORE)),
    ],
)
def test_who_has_a_token_is_told_whether_there_ever_was_a_file(
    status: str | None, expected: tuple[int, str, str], method: str
) -> None:
    engine = Delivery()
    if status is not None:
        engine.row(status, "private", "t/acme/absent.jpg")
    assert refusal(engine.ask(method, "t/acme/absent.jpg")) == expected
    assert engine.spent() == (1, 1)


@pytest.mark.parametrize("headers", [{}, {"range": "bytes=0-"}, {"if_none_match": "*"}])
def test_a_tombstone_is_no_file(headers: dict[str, str]) -> None:
    engine = Delivery()
    engine.row("rejected", "private")
    finish(engine.store.bury(KEY))
    for method in ("GET", "HEAD"):
        assert refusal(engine.ask(method, **headers)) == (410, "MEDIA_GONE", NO_STORE)
    assert all(stream.cancelled for stream in engine.store.streams)


@pytest.mark.parametrize("path", ["x/a.jpg", "t/acme/%2e%2e/a", "t/a%00", "t/a%FF", "", "t//a"])
def test_a_path_that_is_no_key_is_not_found_and_costs_nothing(path: str) -> None:
    engine = Delivery()
    assert refusal(engine.fetch("GET", f"/m/{path}")) == (
        404, "MEDIA_NOT_FOUND", FOR_HALF_A_MINUTE,
    )  # fmt: skip
    with_token = engine.fetch("GET", f"/m/{path}?t={engine.token()}")
    assert refusal(with_token) == (404, "MEDIA_NOT_FOUND", NO_STORE)
    assert engine.spent() == (0, 0)


@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [
        ("GET", {}, 200),
        ("HEAD", {}, 200),
        ("GET", {"range": "bytes=2-4"}, 206),
        ("GET", {"range": "bytes=-3"}, 206),
        ("GET", {"if_none_match": "*"}, 304),
        ("HEAD", {"if_none_match": "*"}, 304),
        ("GET", {"range": "bytes=2-4", "if_none_match": "*"}, 304),
        ("GET", {"if_match": '"other"'}, 412),
        ("HEAD", {"if_match": '"other"'}, 412),
        ("GET", {"range": "bytes=2-4", "if_match": '"other"'}, 412),
    ],
)
def test_a_file_costs_one_operation_of_the_store_and_no_statement(
    method: str, headers: dict[str, str], status: int
) -> None:
    engine = Delivery()
    assert engine.ask(method, **headers).status == status
    assert engine.spent() == (1, 0)


def test_several_ranges_cost_a_read_each_and_one_for_the_size() -> None:
    engine = Delivery()
    content(engine.ask(range="bytes=0-1,3-4,6-7"))
    assert engine.spent() == (4, 0)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"range": "bytes=10-"}, 416),
        ({"range": "bytes=-0"}, 416),
        ({"range": "bytes=2-4", "if_range": '"other"'}, 200),
    ],
)
def test_two_rare_answers_cost_a_second_operation(headers: dict[str, str], status: int) -> None:
    engine = Delivery()
    assert engine.ask(**headers).status == status
    assert engine.spent() == (2, 0)


@pytest.mark.parametrize(
    "headers",
    [
        {"if_none_match": "*"},
        {"if_match": '"other"'},
        {"range": "bytes=2-4", "if_none_match": "*"},
        {"range": "bytes=2-4", "if_match": '"other"'},
        {"range": "bytes=2-4", "if_range": '"other"'},
        {"range": "bytes=10-"},
        {"range": "bytes=10-,20-"},
    ],
)
def test_a_stream_that_is_not_sent_is_let_go(headers: dict[str, str]) -> None:
    engine = Delivery()
    response = engine.ask(**headers)
    for stream in engine.store.streams:
        assert stream.cancelled == (stream is not response.body)


class SilentStore(MemoryStore):
    async def get(
        self,
        key: str,
        /,
        *,
        wanted: ObjectRange | None = None,
        etag: str | None = None,
        unless: str | None = None,
    ) -> StoredObject | None:
        del key, wanted, etag, unless  # Whatever is asked for.
        raise R2Unavailable(reason="the test says so")


def test_a_store_that_does_not_answer_is_not_an_absent_file() -> None:
    engine = Engine(store=SilentStore())
    token = mint(Claims(key=KEY, exp=engine.now + 60), engine.settings.token_keys)
    response = engine.fetch("GET", f"/m/{KEY}?t={token}")
    assert refusal(response) == (502, "R2_UNAVAILABLE", NO_STORE)
    assert "the test says so" not in str(response.body)


@pytest.mark.parametrize("name", ["KEY_PREFIXES", "PRIVATE_RESOURCE_POLICY"])
def test_a_setting_that_delivery_needs_and_that_is_wrong_is_named(name: str) -> None:
    engine = Delivery(changed={name: "nonsense"})
    response = engine.ask()
    assert refusal(response) == (503, "MEDIA_NOT_CONFIGURED", NO_STORE)
    assert members(response)["setting"] == name
