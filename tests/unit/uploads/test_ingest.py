"""Ingest, through its route, on an internet in memory."""

from collections.abc import Mapping
from typing import Any

import pytest

from media_engine.errors import DatabaseError
from media_engine.housekeeping.plan import DAY_MS, HOUR_MS
from media_engine.http.message import Response
from media_engine.ports import Statement
from media_engine.signing.gateway import READ
from media_engine.uploads.ingest import MOST_UNANNOUNCED
from tests.fakes import MemoryStream, NoAnswer, Served
from tests.media import SMALLEST, video_head
from tests.unit.engine import ALICE_HEADERS, Engine, finish, members, to_json
from tests.unit.interrupted import InterruptedStore
from tests.unit.uploads.internet import (
    PNG,
    RESOLVER,
    Internet,
    image,
    redirect,
    without_length,
)

URL = "https://pictures.acme.org/2026/cat.png"
PRIVATE = "http://169.254.169.254/latest/meta-data/"


def engine_on(internet: Internet, **changed: str) -> Engine:
    return Engine(changed, serve=internet)


def ask(engine: Engine, headers: Mapping[str, str] = ALICE_HEADERS, **fields: object) -> Response:
    body = to_json({"url": URL, "service": "blog", **fields})
    return engine.fetch("POST", "/upload/ingest-url", headers, body)


def code(response: Response) -> str:
    """Return the status with the code of the refusal."""
    return f"{response.status} {members(response).get('code', '')}".strip()


def status(engine: Engine) -> list[str]:
    return [str(row["status"]) for row in engine.rows()]


def reason(engine: Engine) -> object:
    return engine.log.events[-1].get("reason")


def test_a_file_comes_from_a_url() -> None:
    internet = Internet({URL: image()})
    engine = engine_on(internet)
    answer = ask(engine)
    assert answer.status == 201, answer.body
    file = members(answer)
    assert file["status"] == "uploaded"
    assert file["contentType"] == "image/png"
    assert file["fileName"] == "cat.png"
    assert file["fileSize"] == len(PNG)
    assert file["visibility"] == "private"
    assert file["key"].startswith("t/acme/blog/2026/")
    assert file["key"].endswith(".png")
    stored = finish(engine.store.get(file["key"]))
    assert stored is not None
    assert stored.info.content_type == "image/png"
    assert stored.info.content_disposition == 'inline; filename="cat.png"'
    assert stored.info.etag == file["etag"]
    assert isinstance(stored.body, MemoryStream)
    assert stored.body.content == PNG


def test_the_caller_says_what_it_will_be() -> None:
    engine = engine_on(Internet({URL: image()}))
    file = members(
        ask(
            engine, fileName="Katze.png", visibility="public", album="pets", contentType="image/png"
        )
    )
    assert file["fileName"] == "Katze.png"
    assert file["visibility"] == "public"
    assert "/blog/a/pets/" in file["key"]


def test_what_an_ingest_costs() -> None:
    internet = Internet({URL: image()})
    engine = engine_on(internet)
    ask(engine)
    assert internet.resolved == [("pictures.acme.org", 1), ("pictures.acme.org", 28)]
    assert internet.fetched == [URL]
    assert engine.store.operations == {"put": 1, "read": 1}
    assert engine.database.statements == 2


def test_an_address_is_not_resolved() -> None:
    internet = Internet({"http://8.8.8.8/a": image()})
    assert ask(engine_on(internet), url="http://134744072/a").status == 201
    assert internet.resolved == []
    assert internet.fetched == ["http://8.8.8.8/a"]


def test_the_request_says_nothing_of_the_caller() -> None:
    internet = Internet({URL: image()})
    ask(engine_on(internet))
    [request] = internet.seen
    assert request.method == "GET"
    assert request.headers.keys() == {"accept", "accept-encoding", "user-agent"}
    assert request.headers["accept-encoding"] == "identity"


@pytest.mark.parametrize(
    ("fields", "wanted"),
    [
        ({"url": None}, "400 MISSING_FIELDS"),
        ({"service": None}, "400 MISSING_FIELDS"),
        ({"url": 5}, "400 INVALID_FIELD"),
        ({"url": ["https://a.org"]}, "400 INVALID_FIELD"),
        ({"url": "ftp://a.org/"}, "400 INVALID_FIELD"),
        ({"url": "https://a:b@a.org/"}, "400 INVALID_FIELD"),
        ({"service": "a/b"}, "400 INVALID_FIELD"),
        ({"album": "../b"}, "400 INVALID_FIELD"),
        ({"visibility": "secret"}, "400 INVALID_FIELD"),
        ({"fileName": ""}, "400 INVALID_FIELD"),
        ({"contentType": "text/html"}, "400 UNSUPPORTED_MIME"),
        ({"contentType": 5}, "400 INVALID_FIELD"),
        ({"url": PRIVATE}, "400 SSRF_BLOCKED"),
    ],
)
def test_a_field_that_is_wrong_is_named_before_anybody_is_asked(
    fields: dict[str, Any], wanted: str
) -> None:
    internet = Internet({URL: image()})
    engine = engine_on(internet)
    answer = ask(engine, **fields)
    assert code(answer) == wanted
    [name] = fields
    assert name in (members(answer).get("field"), *members(answer).get("fields", []))
    assert internet.fetched == []
    assert internet.resolved == []
    assert engine.rows() == []


def test_who_may_not_write_may_not_ingest() -> None:
    internet = Internet({URL: image()})
    headers = {**ALICE_HEADERS, "x-user-permissions": READ}
    assert code(ask(engine_on(internet), headers)) == "403 FORBIDDEN"
    assert internet.resolved == []


def test_the_twenty_first_in_a_minute_is_refused() -> None:
    internet = Internet({URL: image()})
    engine = engine_on(internet)
    for _ in range(20):
        assert ask(engine).status == 201
    refused = ask(engine)
    assert code(refused) == "429 RATE_LIMITED"
    assert refused.headers["Retry-After"] == "60"
    assert len(internet.fetched) == 20
    bob = {**ALICE_HEADERS, "x-user-id": "bob", "x-tenant-id": "globex"}
    assert ask(engine, bob).status == 201
    engine.clock.advance(60_000)
    assert ask(engine).status == 201


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"],
        ["10.0.0.1"],
        ["93.184.216.34", "10.0.0.1"],
        ["93.184.216.34", "::1"],
        ["2606:4700::1", "fd00:ec2::254"],
        ["::ffff:93.184.216.34"],
        ["64:ff9b::7f00:1"],
        ["169.254.169.254"],
    ],
)
def test_a_name_with_an_address_that_is_not_public_is_not_fetched(addresses: list[str]) -> None:
    internet = Internet({URL: image()}, {"pictures.acme.org": addresses})
    engine = engine_on(internet)
    answer = ask(engine)
    assert code(answer) == "400 SSRF_BLOCKED"
    assert internet.fetched == []
    assert engine.rows() == []
    assert isinstance(answer.body, str)
    assert not [address for address in addresses if address in answer.body]


@pytest.mark.parametrize(
    "resolver",
    [
        Served(500, {}, b"sorry"),
        Served(200, {}, b""),
        Served(200, {}, b"<html>"),
        Served(200, {}, b"\0\0\x81\x82" + bytes(8)),
        Served(200, {}, b"\0\0\x81\x80" + bytes(8)),
        Served(200, {}, b"\0\0\x81\x80" + bytes(8), missing=10),
        Served(302, {"location": "https://elsewhere.org/"}),
    ],
)
def test_a_name_of_which_nothing_is_known_is_not_fetched(resolver: Served) -> None:
    internet = Internet({URL: image()}, resolver=resolver)
    assert code(ask(engine_on(internet))) == "502 SOURCE_UNAVAILABLE"
    assert internet.fetched == []


def test_the_resolver_can_be_another() -> None:
    internet = Internet({URL: image()})
    engine = engine_on(internet, INGEST_RESOLVER_URL="https://dns.acme.org/ask")
    ask(engine)
    assert engine.http.requests[0].url == "https://dns.acme.org/ask"
    assert RESOLVER not in {request.url for request in engine.http.requests}


def test_redirects_are_followed_and_each_is_looked_at() -> None:
    internet = Internet(
        {
            URL: redirect("/a", 301),
            "https://pictures.acme.org/a": redirect("https://cdn.acme.org/b", 307),
            "https://cdn.acme.org/b": redirect("http://8.8.8.8/c.png", 308),
            "http://8.8.8.8/c.png": image(),
        }
    )
    engine = engine_on(internet)
    assert ask(engine).status == 201
    assert [name for name, record in internet.resolved if record == 1] == [
        "pictures.acme.org",
        "pictures.acme.org",
        "cdn.acme.org",
    ]
    assert len(engine.http.requests) == 4 + 2 * 3
    bodies = [answer.body for answer in engine.http.answers if answer.status != 200]
    assert len(bodies) == 3
    assert all(body.cancelled for body in bodies)


def test_the_fourth_redirect_is_one_too_many() -> None:
    internet = Internet({URL: redirect(URL)})
    engine = engine_on(internet)
    answer = ask(engine)
    assert code(answer) == "400 REDIRECT_LOOP"
    assert members(answer)["field"] == "url"
    assert len(internet.fetched) == 4
    assert engine.rows() == []


@pytest.mark.parametrize(
    "target",
    [
        PRIVATE,
        "//127.0.0.1/",
        "http://[::1]/",
        "http://0x7f.1/",
        "http://localhost/",
        "https://pictures.acme.org:22/",
        "https://inside.acme.org/",
        "https://media.example.com/m/x",
    ],
)
def test_a_redirect_to_what_is_not_public_is_blocked(target: str) -> None:
    internet = Internet({URL: redirect(target)}, {"inside.acme.org": ["10.0.0.1"]})
    assert code(ask(engine_on(internet))) == "400 SSRF_BLOCKED"
    assert internet.fetched == [URL]


@pytest.mark.parametrize(
    "answered",
    [
        Served(404, {}, b"not here"),
        Served(500, {"x-secret": "inside"}, b"a stack trace"),
        Served(401, {"www-authenticate": "Basic"}),
        Served(204),
        Served(206, {"content-type": "image/png"}, PNG),
        Served(304),
        Served(302, {}, b"nowhere"),
        redirect("file:///etc/passwd"),
        redirect("http://a@b.org/"),
        redirect("//["),
        Served(300, {"location": "https://pictures.acme.org/a"}),
    ],
)
def test_whatever_a_server_answers_instead_of_a_file_looks_the_same(answered: Served) -> None:
    internet = Internet({URL: answered})
    engine = engine_on(internet)
    refused = ask(engine)
    nobody = engine_on(Internet())
    unanswered = ask(nobody)
    silent = engine_on(Internet(names={"pictures.acme.org": ["93.184.216.34"]}))
    assert refused.status == 502
    assert refused.body == unanswered.body == ask(silent).body
    assert engine.rows() == []
    assert engine.http.answers[-1].body.cancelled


def test_the_log_knows_why_and_not_what() -> None:
    internet = Internet({f"{URL}?token=precious": Served(404)})
    engine = engine_on(internet)
    ask(engine, url=f"{URL}?token=precious")
    assert reason(engine) == "status 404"
    ask(engine, url=f"{URL}?token=precious2")
    assert reason(engine) == "no answer"
    ask(engine, url="http://10.0.0.1/?token=precious")
    assert reason(engine) == "address"
    assert "precious" not in repr(engine.log.events)
    assert "10.0.0.1" not in repr(engine.log.events)


@pytest.mark.parametrize(
    ("answered", "declared", "wanted"),
    [
        ("image/png", None, "201"),
        ("IMAGE/PNG; charset=binary", None, "201"),
        ("image/jpg", None, "201"),
        ("image/jpg", "image/jpeg", "201"),
        ("application/octet-stream", "image/png", "201"),
        ("binary/octet-stream", "image/png", "201"),
        ("", "image/png", "201"),
        ("image/png", "image/png", "201"),
        ("image/png", "image/jpeg", "422 CONTENT_MISMATCH"),
        ("application/octet-stream", None, "400 UNSUPPORTED_MIME"),
        ("", None, "400 UNSUPPORTED_MIME"),
        ("text/html", None, "400 UNSUPPORTED_MIME"),
        ("text/html", "image/png", "400 UNSUPPORTED_MIME"),
        ("image/png, text/html", None, "400 UNSUPPORTED_MIME"),
        ("image/x-icon", None, "400 UNSUPPORTED_MIME"),
    ],
)
def test_the_type_is_one_that_both_say(answered: str, declared: str | None, wanted: str) -> None:
    expected = declared or {"image/jpg": "image/jpeg"}.get(answered, "image/png")
    engine = engine_on(Internet({URL: image(SMALLEST[expected], content_type=answered)}))
    answer = ask(engine, contentType=declared)
    assert code(answer) == wanted
    if wanted == "201":
        assert members(answer)["contentType"] == expected
    else:
        assert engine.rows() == []
        assert engine.http.answers[-1].body.cancelled


def test_what_is_announced_too_large_is_not_read() -> None:
    large = image(PNG, **{"content-length": "10485761"})
    engine = engine_on(Internet({URL: large}))
    answer = ask(engine)
    assert code(answer) == "400 FILE_TOO_LARGE"
    assert "10485760" in members(answer)["error"]
    assert engine.http.answers[-1].body.cancelled
    assert engine.store.operations == {}


@pytest.mark.parametrize("length", ["9" * 400, "9" * 5000])
def test_a_length_of_many_digits_is_too_large(length: str) -> None:
    engine = engine_on(Internet({URL: image(PNG, **{"content-length": length})}))
    assert code(ask(engine)) == "400 FILE_TOO_LARGE"


@pytest.mark.parametrize("length", ["0", "000"])
def test_an_empty_file_is_none(length: str) -> None:
    engine = engine_on(Internet({URL: image(b"", **{"content-length": length})}))
    assert code(ask(engine)) == "422 CONTENT_MISMATCH"
    engine = engine_on(Internet({URL: without_length(image(b""))}))
    assert code(ask(engine)) == "422 CONTENT_MISMATCH"
    assert engine.rows() == []


def test_a_video_may_be_larger() -> None:
    large = image(PNG, "video/mp4", **{"content-length": "10485761"})
    assert code(ask(engine_on(Internet({URL: large})))) != "400 FILE_TOO_LARGE"


@pytest.mark.parametrize("length", ["5", "1000", str(len(PNG) - 1), str(len(PNG) + 1)])
def test_a_file_of_another_length_than_announced_is_refused(length: str) -> None:
    engine = engine_on(Internet({URL: image(PNG, **{"content-length": length})}))
    assert code(ask(engine)) == "502 SOURCE_UNAVAILABLE"
    assert status(engine) == ["rejected"]
    assert engine.store.keys() == set()


@pytest.mark.parametrize("length", ["-1", "1.5", "0x10", "٣", "12,12", "none"])
def test_an_announcement_that_is_none_is_not_heard(length: str) -> None:
    engine = engine_on(Internet({URL: image(PNG, **{"content-length": length})}))
    assert members(ask(engine))["fileSize"] == len(PNG)


def test_a_file_without_a_length_is_collected_first() -> None:
    engine = engine_on(Internet({URL: without_length(image())}))
    file = members(ask(engine))
    assert file["fileSize"] == len(PNG)
    assert engine.store.operations == {"put": 1, "read": 1}
    assert engine.database.statements == 2


def test_a_file_without_a_length_may_be_so_long_and_no_longer() -> None:
    head = video_head(MOST_UNANNOUNCED)
    longest = image(head.ljust(MOST_UNANNOUNCED, b"x"), "video/mp4")
    engine = engine_on(Internet({URL: without_length(longest)}))
    assert members(ask(engine))["fileSize"] == MOST_UNANNOUNCED
    longer = image(b"x" * (MOST_UNANNOUNCED + 1), "video/mp4")
    engine = engine_on(Internet({URL: without_length(longer)}))
    assert code(ask(engine)) == "400 FILE_TOO_LARGE"
    assert engine.rows() == []
    settled = engine_on(Internet({URL: without_length(image(b"12345"))}), MAX_IMAGE_BYTES="4")
    assert code(ask(settled)) == "400 FILE_TOO_LARGE"


def test_what_is_compressed_is_measured_by_what_arrives() -> None:
    compressed = image(PNG, **{"content-encoding": "gzip", "content-length": "7"})
    engine = engine_on(Internet({URL: compressed}))
    assert members(ask(engine))["fileSize"] == len(PNG)
    bomb = image(b"x" * (MOST_UNANNOUNCED + 1), **{"content-encoding": "br", "content-length": "7"})
    assert code(ask(engine_on(Internet({URL: bomb})))) == "400 FILE_TOO_LARGE"


@pytest.mark.parametrize("encoding", ["zstd", "gzip, gzip", "deflate", "identity, gzip", "x"])
def test_what_nobody_undoes_is_no_file(encoding: str) -> None:
    engine = engine_on(Internet({URL: image(PNG, **{"content-encoding": encoding})}))
    assert code(ask(engine)) == "502 SOURCE_UNAVAILABLE"
    assert engine.http.answers[-1].body.cancelled


def test_a_body_that_breaks_off_leaves_nothing() -> None:
    cut = Served(200, {"content-type": "image/png", "content-length": "100"}, PNG, missing=80)
    engine = engine_on(Internet({URL: cut}))
    assert code(ask(engine)) == "502 SOURCE_UNAVAILABLE"
    assert status(engine) == ["rejected"]
    engine = engine_on(Internet({URL: without_length(cut)}))
    assert code(ask(engine)) == "502 SOURCE_UNAVAILABLE"
    assert engine.rows() == []
    assert engine.store.keys() == set()


def test_where_there_is_no_room_the_caller_waits() -> None:
    engine = engine_on(Internet({URL: without_length(image())}))
    engine.streams.room = 3
    assert code(ask(engine)) == "429 RATE_LIMITED"
    assert engine.rows() == []


def test_the_whole_has_a_time_limit_that_redirects_share() -> None:
    internet = Internet({URL: lambda: redirect("/b")})
    engine = engine_on(internet, INGEST_TIMEOUT="5")

    def slow() -> Served:
        engine.clock.advance(5_000)
        return redirect("/b")

    internet.pages = {URL: slow, "https://pictures.acme.org/b": image()}
    assert code(ask(engine)) == "502 SOURCE_UNAVAILABLE"
    assert internet.fetched == [URL]
    assert reason(engine) == "the time was up"


def test_a_development_host_is_let_through_and_no_other() -> None:
    local = "http://127.0.0.1:9000/cat.png"
    internet = Internet({local: image(), "http://127.0.0.1:9001/": image()})
    engine = engine_on(
        internet,
        ENVIRONMENT="development",
        INGEST_DEVELOPMENT_HOSTS="127.0.0.1:9000",
    )
    assert ask(engine, url=local).status == 201
    assert internet.resolved == []
    assert code(ask(engine, url="http://127.0.0.1:9001/")) == "400 SSRF_BLOCKED"


def test_a_development_host_in_production_stops_ingest_and_nothing_else() -> None:
    local = "http://127.0.0.1:9000/cat.png"
    engine = engine_on(Internet({local: image()}), INGEST_DEVELOPMENT_HOSTS="127.0.0.1:9000")
    answer = ask(engine, url=local)
    assert code(answer) == "503 MEDIA_NOT_CONFIGURED"
    assert members(answer)["setting"] == "INGEST_DEVELOPMENT_HOSTS"
    assert engine.presign()["mediaId"]


def test_more_ports_can_be_opened_and_hosts_denied() -> None:
    internet = Internet(
        {"http://pictures.acme.org:8080/a": image(), "https://www.globex.org/": image()}
    )
    engine = engine_on(internet, INGEST_PORTS="443,8080", INGEST_DENIED_HOSTS="globex.org, a.org")
    assert ask(engine, url="http://pictures.acme.org:8080/a").status == 201
    assert code(ask(engine, url="http://pictures.acme.org/a")) == "400 SSRF_BLOCKED"
    assert code(ask(engine, url="https://www.globex.org/")) == "400 SSRF_BLOCKED"


def test_the_name_of_the_file_is_the_end_of_the_url() -> None:
    for end, name in {
        "/cat.png": "cat.png",
        "/a/b/K%C3%A4tzchen.png?x=/y.gif": "Kätzchen.png",
        "/": "file",
        "": "file",
        "/..%2f..%2fetc%2fpasswd": "....etcpasswd".strip("."),
        "/%ff": "\ufffd",
    }.items():
        url = f"https://pictures.acme.org{end}"
        internet = Internet()
        internet.pages = {url if end else f"{url}/": image()}
        assert members(ask(engine_on(internet), url=url))["fileName"] == name


class TestWhenSomethingBreaks:
    """Every point at which it can be cut off: what is left is what housekeeping finishes."""

    def clean(self, engine: Engine) -> None:
        for _ in range(3):
            engine.clock.advance(DAY_MS + HOUR_MS)
            finish(engine.app.clean())

    @pytest.mark.parametrize("moment", ["before", "after"])
    def test_the_store_fails(self, moment: Any) -> None:
        store = InterruptedStore()
        engine = Engine(store=store, serve=Internet({URL: image()}))
        store.fails = moment
        assert code(ask(engine)) == "502 R2_UNAVAILABLE"
        assert status(engine) == ["rejected"]
        self.clean(engine)
        assert status(engine) == ["gone"]
        assert store.keys() == set()

    @pytest.mark.parametrize("statement", ["INSERT INTO media_files", "UPDATE media_files"])
    def test_the_database_fails(self, statement: str, monkeypatch: pytest.MonkeyPatch) -> None:
        engine = engine_on(Internet({URL: image()}))
        run = engine.database.run

        async def fail(asked: Statement, /) -> object:
            if asked.sql.startswith(statement):
                raise DatabaseError(reason="the test says so")
            return await run(asked)

        with monkeypatch.context() as patch:
            patch.setattr(engine.database, "run", fail)
            assert code(ask(engine)) == "500 DB_ERROR"
        body = engine.http.answers[-1].body
        if statement.startswith("INSERT"):
            assert body.cancelled
            assert engine.store.keys() == set()
            assert status(engine) == []
        else:
            assert status(engine) == ["pending_upload"]
            assert len(engine.store.keys()) == 1
            self.clean(engine)
            assert status(engine) == ["gone"]
            assert engine.store.keys() == set()

    def test_the_store_and_then_the_database_fail(self, monkeypatch: pytest.MonkeyPatch) -> None:
        store = InterruptedStore()
        engine = Engine(store=store, serve=Internet({URL: image()}))
        store.fails = "after"
        run = engine.database.run

        async def fail(asked: Statement, /) -> object:
            if asked.sql.startswith("UPDATE"):
                raise DatabaseError(reason="the test says so")
            return await run(asked)

        with monkeypatch.context() as patch:
            patch.setattr(engine.database, "run", fail)
            assert code(ask(engine)) == "500 DB_ERROR"
        assert status(engine) == ["pending_upload"]
        self.clean(engine)
        assert status(engine) == ["gone"]
        assert store.keys() == set()

    def test_the_upload_is_given_up_meanwhile(self) -> None:
        store = InterruptedStore()
        engine = Engine(store=store, serve=Internet({URL: image()}))

        async def give_up() -> None:
            engine.clock.advance(DAY_MS + 1)
            await engine.app.clean()

        store.after_write = give_up
        assert code(ask(engine)) == "410 MEDIA_GONE"
        self.clean(engine)
        assert status(engine) == ["gone"]
        assert store.keys() == set()

    def test_the_key_is_taken_by_a_tombstone(self) -> None:
        store = InterruptedStore()

        def buried() -> Served:
            return image()

        engine = Engine(store=store, serve=Internet({URL: buried}))
        run = engine.database.run

        async def bury_after_insert(asked: Statement, /) -> object:
            rows = await run(asked)
            if asked.sql.startswith("INSERT"):
                [row] = engine.rows()
                await store.bury(row["key"])
            return rows

        engine.database.run = bury_after_insert  # type: ignore[assignment,method-assign]
        assert code(ask(engine)) == "410 MEDIA_GONE"

    def test_a_row_waits_for_its_last_byte_before_anything_is_taken_away(self) -> None:
        engine = engine_on(Internet({URL: image()}), INGEST_TIMEOUT="90")
        started = engine.clock.now()
        ask(engine)
        [row] = engine.rows()
        assert row["url_expires_at"] == started + 90_000


def test_nobody_is_asked_when_the_server_is_silent_for_ever() -> None:
    def hang() -> Served:
        raise NoAnswer(hangs=True)

    engine = engine_on(Internet({URL: hang}))
    assert code(ask(engine)) == "502 SOURCE_UNAVAILABLE"
    assert engine.rows() == []
