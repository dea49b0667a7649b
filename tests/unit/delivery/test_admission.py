"""Who may have a file once the database may be asked: revoked tokens, sets, and strangers."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from media_engine.errors import DatabaseError
from media_engine.http.message import Response
from media_engine.ports import Rows, Statement
from media_engine.signing.token import Claims, mint
from tests.unit.delivery.test_delivery import CONTENT, KEY, NO_STORE, Delivery, content, refusal
from tests.unit.engine import ALICE_HEADERS, Engine, finish, members, to_json

ALBUM = "t/acme/blog/a/summer/"
IN_ALBUM = ALBUM + "bB3nR7kWaB3nR7kWaB3nR.jpg"
OTHER = "t/acme/blog/2026/11/cB3nR7kWaB3nR7kWaB3nR.jpg"
GLOBEX = "t/globex/blog/2026/11/dB3nR7kWaB3nR7kWaB3nR.jpg"
CAROLS = "u/carol/blog/2026/11/eB3nR7kWaB3nR7kWaB3nR.jpg"
JTI = "tok_1"
BELIEVED_MS = 30_000
SILENCED_MS = 60_000
TOKEN_REVOKED = (410, "TOKEN_REVOKED", NO_STORE)
TOKEN_KEY_MISMATCH = (401, "TOKEN_KEY_MISMATCH", NO_STORE)
TOKEN_MISSING = (401, "TOKEN_MISSING", NO_STORE)
RATE_LIMITED = (429, "RATE_LIMITED", NO_STORE)

each_form = pytest.mark.parametrize("form", ["/m/{key}?t={token}", "/view/{token}/{key}"])


class Admitting(Delivery):
    """An engine with a file in each of three scopes, and what may be asked about tokens.

    It has no edge cache, which would spare it some of the questions.
    """

    def __init__(self, guesses: int | None = None) -> None:
        super().__init__(changed={"EDGE_CACHE_MAX_BYTES": "0"}, guesses=guesses)
        for key in (IN_ALBUM, OTHER, GLOBEX, CAROLS):
            self.store.put(key, CONTENT, "image/jpeg")
        self.database.statements = 0

    def sign(self, **claims: Any) -> str:
        """Return a token that lives ten minutes and says these claims."""
        return mint(Claims(**{"exp": self.now + 600, **claims}), self.settings.token_keys)

    def open(self, form: str, token: str, key: str = KEY, method: str = "GET") -> Response:
        """Ask for the key with the token, in the query or in the path."""
        return self.fetch(method, form.format(key=key, token=token))

    def stranger(self, key: str = KEY, address: str | None = None, method: str = "GET") -> Response:
        """Ask for a key without a token."""
        headers = {} if address is None else {"cf-connecting-ip": address}
        return self.fetch(method, f"/m/{key}", headers)


# Revoked tokens.


@each_form
@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    ("claims", "key"),
    [({"key": KEY}, KEY), ({"pfx": ALBUM}, IN_ALBUM), ({"set": "s_1"}, OTHER)],
)
def test_a_token_with_an_id_opens_until_it_is_revoked(
    form: str, method: str, claims: Mapping[str, str], key: str
) -> None:
    engine = Admitting()
    engine.collect("s_1", OTHER)
    token = engine.sign(jti=JTI, **claims)
    assert engine.open(form, token, key, method).status == 200
    engine.clock.advance(BELIEVED_MS)
    engine.revoke(JTI)
    response = engine.open(form, token, key, method)
    assert refusal(response) == TOKEN_REVOKED
    assert "Access-Control-Allow-Origin" not in response.headers


@each_form
def test_a_revoked_token_that_nobody_asked_about_is_refused_at_once(form: str) -> None:
    engine = Admitting()
    engine.revoke(JTI)
    assert refusal(engine.open(form, engine.sign(key=KEY, jti=JTI))) == TOKEN_REVOKED
    assert engine.spent() == (0, 1)


@each_form
@pytest.mark.parametrize("claims", [{"key": KEY}, {"set": "s_1"}])
def test_what_was_answered_is_believed_for_half_a_minute_and_no_longer(
    form: str, claims: Mapping[str, str]
) -> None:
    engine = Admitting()
    engine.collect("s_1", KEY)
    token = engine.sign(jti=JTI, **claims)
    assert engine.open(form, token).status == 200
    engine.revoke(JTI)
    engine.clock.advance(BELIEVED_MS - 1)
    assert engine.open(form, token).status == 200
    assert engine.database.statements == 1
    engine.clock.advance(1)
    assert refusal(engine.open(form, token)) == TOKEN_REVOKED
    assert refusal(engine.open(form, token)) == TOKEN_REVOKED
    assert engine.database.statements == 2, "a refusal is believed as well"


def test_another_token_for_the_same_file_is_not_revoked() -> None:
    engine = Admitting()
    engine.revoke(JTI)
    for jti in ("tok_2", "tok_", "tok_1 ", "TOK_1", "%"):
        assert engine.ask_with(engine.sign(key=KEY, jti=jti)).status == 200


@pytest.mark.parametrize("scope", ["t:globex", "u:acme", "u:carol", "t:ACME", "t:acme2"])
def test_nobody_revokes_another_scopes_token(scope: str) -> None:
    engine = Admitting()
    engine.revoke(JTI, scope)
    assert engine.ask_with(engine.sign(key=KEY, jti=JTI)).status == 200


@pytest.mark.parametrize(
    ("key", "scope"), [(GLOBEX, "t:globex"), (CAROLS, "u:carol"), (KEY, "t:acme")]
)
def test_a_token_is_looked_up_in_the_scope_of_the_file(key: str, scope: str) -> None:
    engine = Admitting()
    engine.revoke(JTI, scope)
    assert refusal(engine.ask_with(engine.sign(key=key, jti=JTI), key)) == TOKEN_REVOKED


def test_what_is_believed_of_a_token_is_not_believed_of_its_namesake_in_another_scope() -> None:
    engine = Admitting()
    engine.revoke(JTI, "t:globex")
    assert engine.ask_with(engine.sign(key=KEY, jti=JTI)).status == 200
    assert refusal(engine.ask_with(engine.sign(key=GLOBEX, jti=JTI), GLOBEX)) == TOKEN_REVOKED
    assert engine.ask_with(engine.sign(key=KEY, jti=JTI)).status == 200


def test_a_token_for_another_file_is_refused_before_the_database_is_asked() -> None:
    engine = Admitting()
    engine.revoke(JTI)
    for claims in ({"key": OTHER}, {"pfx": ALBUM}):
        assert refusal(engine.ask_with(engine.sign(jti=JTI, **claims))) == TOKEN_KEY_MISMATCH
    assert engine.spent() == (0, 0)


class SilentDatabase:
    async def run(self, statement: Statement, /) -> Rows:
        raise DatabaseError(reason=f"nobody answers {statement}")


@pytest.mark.parametrize("claims", [{"key": KEY}, {"set": "s_1"}])
def test_a_token_that_cannot_be_looked_up_opens_nothing(claims: Mapping[str, str]) -> None:
    engine = Admitting()
    engine.database.run = SilentDatabase().run  # type: ignore[method-assign]
    response = engine.ask_with(engine.sign(jti=JTI, **claims))
    assert refusal(response) == (500, "DB_ERROR", NO_STORE)
    assert engine.store.operations.total() == 0
    assert engine.ask_with(engine.sign(key=KEY)).status == 200


# Sets.


@each_form
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_token_for_a_set_opens_its_members_alone(form: str, method: str) -> None:
    engine = Admitting()
    engine.collect("s_1", KEY, IN_ALBUM)
    token = engine.sign(set="s_1", jti=JTI)
    for key in (KEY, IN_ALBUM):
        assert engine.open(form, token, key, method).status == 200
    for key in (OTHER, GLOBEX, CAROLS, KEY[:-1], KEY + "x", "t/acme/none.jpg"):
        assert refusal(engine.open(form, token, key, method)) == TOKEN_KEY_MISMATCH


def test_a_set_that_was_revoked_says_so_of_every_key() -> None:
    engine = Admitting()
    engine.collect("s_1", KEY)
    engine.revoke(JTI)
    token = engine.sign(set="s_1", jti=JTI)
    for key in (KEY, OTHER):
        assert refusal(engine.ask_with(token, key)) == TOKEN_REVOKED


def test_a_set_that_is_not_there_opens_nothing() -> None:
    engine = Admitting()
    engine.collect("s_1", KEY)
    for set_id in ("s_2", "s_", "S_1", JTI, "%", "t/acme"):
        token = engine.sign(set=set_id, jti=JTI)
        assert refusal(engine.ask_with(token)) == TOKEN_KEY_MISMATCH


def test_a_set_never_opens_another_scopes_file() -> None:
    engine = Admitting()
    # Nothing writes such a set. If something did, it would open nothing.
    engine.collect("s_1", KEY, GLOBEX, CAROLS)
    token = engine.sign(set="s_1", jti=JTI)
    assert engine.ask_with(token).status == 200
    for key in (GLOBEX, CAROLS):
        assert refusal(engine.ask_with(token, key)) == TOKEN_KEY_MISMATCH


def test_a_set_of_another_scope_with_the_same_id_is_another_set() -> None:
    engine = Admitting()
    engine.collect("s_1", KEY)
    engine.collect("s_1", GLOBEX, scope="t:globex")
    token = engine.sign(set="s_1", jti=JTI)
    assert engine.ask_with(token).status == 200
    assert engine.ask_with(token, GLOBEX).status == 200
    assert refusal(engine.ask_with(token, OTHER)) == TOKEN_KEY_MISMATCH


@pytest.mark.parametrize(
    "asked", [f'{KEY}", "{OTHER}', f'{KEY}"', f'{KEY}\\", "{OTHER}', "t/acme/blog/2026/11/"]
)
def test_what_stands_between_the_members_is_no_member(asked: str) -> None:
    engine = Admitting()
    engine.collect("s_1", KEY, OTHER)
    token = engine.sign(set="s_1", jti=JTI)
    quoted = asked.replace('"', "%22").replace(" ", "%20").replace("\\", "%5C")
    assert engine.fetch("GET", f"/m/{quoted}?t={token}").status in (401, 404)
    assert engine.store.operations.total() == 0


def test_a_member_that_was_deleted_is_gone() -> None:
    engine = Admitting()
    engine.collect("s_1", KEY)
    engine.row("gone", "private")
    finish(engine.store.bury(KEY))
    token = engine.sign(set="s_1", jti=JTI)
    assert refusal(engine.ask_with(token)) == (410, "MEDIA_GONE", NO_STORE)


# Strangers.


def test_what_is_public_is_asked_once_in_half_a_minute() -> None:
    engine = Admitting()
    engine.row("uploaded", "public")
    for _ in range(3):
        assert content(engine.stranger()) == CONTENT
    assert engine.database.statements == 1
    engine.clock.advance(BELIEVED_MS)
    assert engine.stranger().status == 200
    assert engine.database.statements == 2


@pytest.mark.parametrize("status", ["gone", "deleting"])
def test_what_is_not_public_any_more_is_so_after_half_a_minute(status: str) -> None:
    engine = Admitting()
    engine.row("uploaded", "public")
    assert engine.stranger().status == 200
    finish(
        engine.database.run(
            Statement(
                "UPDATE media_files SET status = ?, uploaded_at = NULL WHERE key = ?", (status, KEY)
            )
        )
    )
    engine.clock.advance(BELIEVED_MS - 1)
    assert engine.stranger().status == 200
    engine.clock.advance(1)
    assert refusal(engine.stranger())[:2] == (410, "MEDIA_GONE")


def test_what_was_believed_to_be_there_and_is_deleted_is_gone_all_the_same() -> None:
    engine = Admitting()
    engine.row("uploaded", "public")
    assert engine.stranger().status == 200
    finish(engine.store.bury(KEY))
    finish(
        engine.database.run(
            Statement("UPDATE media_files SET status = 'gone' WHERE key = ?", (KEY,))
        )
    )
    for method in ("GET", "HEAD"):
        assert refusal(engine.stranger(method=method))[:2] == (410, "MEDIA_GONE")


def test_a_no_is_believed_as_long_as_a_yes() -> None:
    engine = Admitting()
    assert refusal(engine.stranger()) == TOKEN_MISSING
    engine.row("uploaded", "public")
    engine.clock.advance(BELIEVED_MS - 1)
    assert refusal(engine.stranger()) == TOKEN_MISSING
    assert engine.database.statements == 0
    engine.clock.advance(1)
    assert engine.stranger().status == 200


def test_a_network_that_guesses_too_often_is_told_nothing_for_a_minute() -> None:
    engine = Admitting(guesses=3)
    engine.row("uploaded", "public")
    for number in range(3):
        assert refusal(engine.stranger(f"t/acme/{number}.jpg", "203.0.113.7")) == TOKEN_MISSING
    limited = engine.stranger("t/acme/3.jpg", "203.0.113.7")
    assert refusal(limited) == RATE_LIMITED
    assert limited.headers["Retry-After"] == "60"
    assert limited.headers["Access-Control-Allow-Origin"] == "*"
    spent = engine.spent()
    for key in (KEY, "t/acme/4.jpg", "t/acme/1.jpg"):
        for method in ("GET", "HEAD"):
            assert refusal(engine.stranger(key, "203.0.113.7", method)) == RATE_LIMITED
    assert engine.spent() == spent, "neither a right nor a wrong guess is even looked up"
    engine.clock.advance(SILENCED_MS)
    assert engine.stranger(KEY, "203.0.113.7").status == 200


def test_a_network_that_guesses_silences_nobody_else() -> None:
    engine = Admitting(guesses=0)
    engine.row("uploaded", "public")
    assert refusal(engine.stranger(OTHER, "203.0.113.7")) == RATE_LIMITED
    for address in ("203.0.113.8", "2001:db8::1", None):
        assert engine.stranger(KEY, address).status == 200


def test_the_addresses_of_one_network_are_one_guesser() -> None:
    engine = Admitting(guesses=3)
    for host in range(3):
        assert refusal(engine.stranger(OTHER, f"2001:db8::{host}")) == TOKEN_MISSING
    assert refusal(engine.stranger(OTHER, "2001:db8::ffff:0:0:9")) == RATE_LIMITED
    assert refusal(engine.stranger(OTHER, "2001:db8:0:1::9")) == TOKEN_MISSING


def test_right_guesses_are_not_counted() -> None:
    engine = Admitting(guesses=0)
    engine.row("uploaded", "public")
    for _ in range(500):
        assert engine.stranger(KEY, "203.0.113.7").status == 200
    assert not engine.limiter.events


def test_a_deleted_public_file_and_a_key_that_is_none_are_no_guesses() -> None:
    engine = Admitting(guesses=0)
    engine.row("gone", "public")
    for key, status in ((KEY, 410), ("x/none.jpg", 404), ("t/../a.jpg", 404)):
        assert engine.stranger(key, "203.0.113.7").status == status
    assert not engine.limiter.events


def test_the_same_wrong_guess_counts_each_time() -> None:
    engine = Admitting(guesses=2)
    codes = [refusal(engine.stranger(OTHER, "203.0.113.7"))[0] for _ in range(4)]
    assert codes == [401, 401, 429, 429]
    assert engine.database.statements == 1


@each_form
def test_whoever_has_a_token_is_not_limited(form: str) -> None:
    engine = Admitting(guesses=0)
    assert refusal(engine.stranger(OTHER)) == RATE_LIMITED
    assert engine.open(form, engine.sign(key=KEY)).status == 200
    assert refusal(engine.open(form, engine.sign(key=OTHER))) == TOKEN_KEY_MISMATCH
    assert sum(engine.limiter.events.values()) == 1


# What the log is told.


@each_form
@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ({"exp": -1}, "TOKEN_EXPIRED"),
        ({"nbf": 61}, "TOKEN_NOT_YET_VALID"),
        ({"iat": 61}, "TOKEN_NOT_YET_VALID"),
        ({"exp": 86_461}, "TOKEN_TTL_TOO_LONG"),
        ({}, "TOKEN_KEY_MISMATCH"),
        ({"key": OTHER}, "TOKEN_REVOKED"),
        ({"key": None, "set": "s_1"}, "TOKEN_REVOKED"),
    ],
)
def test_a_refusal_of_a_signed_token_tells_whose_it_was(
    form: str, claims: Mapping[str, Any], code: str
) -> None:
    engine = Admitting()
    engine.revoke(JTI)
    instants = {
        name: engine.now + value for name, value in claims.items() if isinstance(value, int)
    }
    token = engine.sign(**{"key": KEY, "jti": JTI, "sub": "viewer_1", **claims, **instants})
    response = engine.open(form, token, OTHER)
    assert members(response)["code"] == code
    assert members(response).keys() == {"error", "code", "status", "requestId"}
    [event] = engine.log.events
    assert (event["code"], event["jti"], event["sub"]) == (code, JTI, "viewer_1")
    for segment in token.split("."):
        assert segment not in json.dumps(event)


def test_a_claim_that_is_not_there_is_not_told() -> None:
    engine = Admitting()
    engine.ask_with(engine.sign(key=KEY), OTHER)
    assert not engine.log.events[0].keys() & {"jti", "sub"}


def test_what_nobody_signed_tells_nothing_of_itself() -> None:
    engine = Admitting()
    token = engine.sign(key=KEY, jti=JTI, sub="viewer_1")
    engine.ask_with(token[:-4] + "AAAA")
    assert not engine.log.events[0].keys() & {"jti", "sub"}


def test_an_id_of_any_length_is_a_short_entry_in_the_log() -> None:
    engine = Admitting()
    engine.ask_with(engine.sign(key=KEY, jti="j" * 1000, sub="s" * 1000), OTHER)
    assert engine.log.events[0]["jti"] == "j" * 64
    assert engine.log.events[0]["sub"] == "s" * 64


# What it costs.


@each_form
@pytest.mark.parametrize(
    ("claims", "key", "first", "again"),
    [
        ({"key": KEY}, KEY, 0, 0),
        ({"pfx": ALBUM}, IN_ALBUM, 0, 0),
        ({"key": KEY, "jti": JTI}, KEY, 1, 0),
        ({"pfx": ALBUM, "jti": JTI}, IN_ALBUM, 1, 0),
        ({"set": "s_1", "jti": JTI}, OTHER, 1, 0),
        ({"set": "s_1", "jti": JTI}, KEY, 1, 0),
    ],
)
def test_a_token_costs_at_most_one_statement(
    form: str, claims: Mapping[str, str], key: str, first: int, again: int
) -> None:
    engine = Admitting()
    engine.collect("s_1", OTHER)
    token = engine.sign(**claims)
    engine.open(form, token, key)
    assert engine.database.statements == first
    engine.open(form, token, key)
    assert engine.database.statements == first + again


def test_a_gallery_of_an_album_costs_one_statement_in_all() -> None:
    engine = Admitting()
    token = engine.sign(pfx=ALBUM, jti=JTI)
    for number in range(117):
        engine.store.put(f"{ALBUM}{number}.jpg", CONTENT, "image/jpeg")
        assert engine.ask_with(token, f"{ALBUM}{number}.jpg").status == 200
    assert engine.database.statements == 1


def test_each_question_is_a_look_up_however_much_there_is() -> None:
    engine = Admitting()
    engine.database.seen.clear()
    engine.ask_with(engine.sign(key=KEY, jti=JTI))
    engine.ask_with(engine.sign(set="s_1", jti=JTI))
    engine.stranger()
    assert (
        engine.database.plans("revoked_tokens")
        == ["SEARCH revoked_tokens USING PRIMARY KEY (scope=? AND jti=?)"] * 2
    )
    assert engine.database.plans("media_sets") == [
        "SEARCH media_sets USING INDEX sqlite_autoindex_media_sets_1 (scope=? AND id=?)"
    ]
    assert engine.database.plans() == [
        "SEARCH media_files USING INDEX sqlite_autoindex_media_files_2 (key=?)"
    ]


def test_what_is_remembered_does_not_grow_without_end() -> None:
    engine = Admitting()
    for number in range(5_000):
        engine.stranger(f"t/acme/{number}.jpg")
    engine.database.statements = 0
    engine.stranger("t/acme/4999.jpg")
    assert engine.database.statements == 0
    engine.stranger("t/acme/0.jpg")
    assert engine.database.statements == 1


# Together with the endpoint that gives tokens out.


@each_form
def test_a_token_that_was_revoked_by_its_own_scope_opens_nothing_from_the_next_look_on(
    form: str,
) -> None:
    engine = Engine()
    file = engine.upload(album="summer")
    body = to_json({"service": "blog", "album": "summer"})
    granted = members(engine.fetch("POST", "/api/v1/media/access-token", ALICE_HEADERS, body))
    target = form.format(key=file["key"], token=granted["token"])
    assert engine.fetch("GET", target).status == 200
    path = f"/api/v1/media/access-token/{granted['tokenId']}"
    assert engine.fetch("DELETE", path, ALICE_HEADERS).status == 204
    engine.clock.advance(BELIEVED_MS)
    assert refusal(engine.fetch("GET", target)) == TOKEN_REVOKED


def test_where_a_file_is_withdrawn_its_standing_is_not_believed_any_longer() -> None:
    engine = Engine({"EDGE_CACHE_MAX_BYTES": "0"})
    file = engine.upload(visibility="public")
    path = f"/m/{file['key']}"
    assert engine.fetch("GET", path).status == 200
    engine.show_to(file["mediaId"], "private")
    assert engine.fetch("GET", path).status == 401
    engine.show_to(file["mediaId"], "public")
    assert engine.fetch("GET", path).status == 200
    engine.delete(file["mediaId"])
    assert engine.fetch("GET", path).status == 410


@pytest.mark.parametrize("chosen", [{"service": "blog", "album": "summer"}, {"ids": ...}])
def test_where_a_token_is_revoked_it_is_not_believed_any_longer(chosen: dict[str, Any]) -> None:
    engine = Engine()
    file = engine.upload(album="summer")
    body = {name: [file["mediaId"]] if value is ... else value for name, value in chosen.items()}
    granted = members(
        engine.fetch("POST", "/api/v1/media/access-token", ALICE_HEADERS, to_json(body))
    )
    path = f"/m/{file['key']}?t={granted['token']}"
    assert engine.fetch("GET", path).status == 200
    revoked = f"/api/v1/media/access-token/{granted['tokenId']}"
    assert engine.fetch("DELETE", revoked, ALICE_HEADERS).status == 204
    assert refusal(engine.fetch("GET", path))[:2] == (410, "TOKEN_REVOKED")
