"""Who may have a file once the database is asked: revoked tokens, sets, and strangers who guess."""

import secrets
import time
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from tests.conftest import RunningWorker
from tests.media import JPEG, photo_saying
from tests.unit.http.vectors import received
from tests.worker.caller import Caller
from tests.worker.test_delivery import TOKENS, assert_refused
from tests.worker.tokens import mint, new_id

BOUND_SECONDS = 30
MOST_GUESSES = 100
"""What wrangler.toml says of a minute."""

each_form = pytest.mark.parametrize("form", ["/m/{key}?t={token}", "/view/{token}/{key}"])


@pytest.fixture(scope="module")
def file(alice: Caller) -> dict[str, Any]:
    """A private photo."""
    return alice.upload(JPEG)


def read(
    caller: Caller, form: str, token: str, key: str, method: str = "GET", **headers: str
) -> httpx.Response:
    return caller.http.request(
        method, caller.url + form.format(token=token, key=key), headers=headers
    )


# Revoked tokens.


@each_form
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_token_that_was_revoked_before_it_was_used_opens_nothing(
    alice: Caller, file: dict[str, Any], form: str, method: str
) -> None:
    jti = new_id()
    token = mint(key=file["key"], jti=jti, life=86_400)
    assert alice.revoke(jti).status_code == 204
    answer = read(alice, form, token, file["key"], method)
    assert answer.status_code == 410
    assert answer.headers["cache-control"] == "no-store"
    if method == "GET":
        assert_refused(answer, 410, "TOKEN_REVOKED")


@each_form
@pytest.mark.parametrize("headers", [{"range": "bytes=0-0"}, {"if_none_match": "*"}])
def test_a_revoked_token_opens_no_part_either(
    alice: Caller, file: dict[str, Any], form: str, headers: dict[str, str]
) -> None:
    jti = new_id()
    alice.revoke(jti)
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = read(alice, form, mint(key=file["key"], jti=jti), file["key"], **sent)
    assert_refused(answer, 410, "TOKEN_REVOKED")


@each_form
def test_a_token_with_an_id_opens_what_one_without_opens(
    alice: Caller, file: dict[str, Any], form: str
) -> None:
    with_id = mint(key=file["key"], jti=new_id(), life=86_400)
    without = mint(key=file["key"])
    for headers in ({}, {"range": "bytes=1-2"}, {"range": "bytes=0-0,-1"}, {"if-none-match": "*"}):
        one, other = (read(alice, form, t, file["key"], **headers) for t in (with_id, without))
        assert one.status_code == other.status_code
        if one.status_code == 206:
            assert received(one.headers, one.content) == received(other.headers, other.content)
        else:
            assert one.content == other.content


def test_a_revocation_is_felt_within_its_bound_however_often_the_token_was_used(
    alice: Caller, file: dict[str, Any]
) -> None:
    jti = new_id()
    token = mint(key=file["key"], jti=jti)
    form = "/m/{key}?t={token}"
    assert read(alice, form, token, file["key"]).status_code == 200
    assert alice.revoke(jti).status_code == 204
    deadline = time.monotonic() + BOUND_SECONDS + 5
    while (answer := read(alice, form, token, file["key"])).status_code == 200:
        assert time.monotonic() < deadline, "the token still opens"
        time.sleep(0.5)
    assert_refused(answer, 410, "TOKEN_REVOKED")


@each_form
def test_only_the_scope_of_the_file_revokes(
    alice: Caller, bob: Caller, carol: Caller, file: dict[str, Any], form: str
) -> None:
    jti = new_id()
    for other in (bob, carol):
        assert other.revoke(jti).status_code == 204
    assert read(alice, form, mint(key=file["key"], jti=jti), file["key"]).status_code == 200


# Sets.


@each_form
def test_a_token_for_a_set_opens_its_files_and_nothing_else(
    alice: Caller, bob: Caller, file: dict[str, Any], form: str
) -> None:
    chosen = [alice.upload(photo_saying(f"bytes of {number}".encode())) for number in range(3)]
    strangers = [file, alice.upload(JPEG, visibility="public"), bob.upload(JPEG)]
    token = alice.access(ids=[one["mediaId"] for one in chosen])["token"]
    for number, one in enumerate(chosen):
        photo = photo_saying(f"bytes of {number}".encode())
        assert read(alice, form, token, one["key"]).content == photo
    for stranger in strangers:
        answer = read(alice, form, token, stranger["key"])
        assert_refused(answer, 401, "TOKEN_KEY_MISMATCH")


@each_form
def test_a_set_that_is_taken_back_opens_nothing(
    alice: Caller, file: dict[str, Any], form: str
) -> None:
    granted = alice.access(ids=[file["mediaId"]])
    alice.revoke(granted["tokenId"])
    assert_refused(read(alice, form, granted["token"], file["key"]), 410, "TOKEN_REVOKED")


@each_form
@pytest.mark.parametrize("claims", [{"set": "none"}, {"set": "none", "key": "{key}"}])
def test_a_set_that_is_not_there_opens_nothing(
    alice: Caller, file: dict[str, Any], form: str, claims: dict[str, str]
) -> None:
    said: dict[str, Any] = {name: value.format(key=file["key"]) for name, value in claims.items()}
    answer = read(alice, form, mint(jti=new_id(), **said), file["key"])
    code = "TOKEN_MALFORMED" if "key" in said else "TOKEN_KEY_MISMATCH"
    assert_refused(answer, 401, code)


# Strangers. A laptop has no network around it, so a client may say whose it is.


def guess(caller: Caller, key: str, address: str, method: str = "GET") -> httpx.Response:
    headers = {"cf-connecting-ip": address}
    return caller.http.request(method, f"{caller.url}/m/{key}", headers=headers)


def guess_too_often(caller: Caller, network: str) -> httpx.Response:
    """Guess wrong, from one address after the other of a /64, until it is enough; return the last.

    The platform counts by the minute, which may end meanwhile.
    """
    for number in range(2 * MOST_GUESSES + 1):
        key = f"t/acme/blog/2026/11/{new_id()}.jpg"
        answer = guess(caller, key, f"{network}::{number:x}")
        if answer.status_code == 429:
            assert number >= MOST_GUESSES
            return answer
        assert_refused(answer, 401, "TOKEN_MISSING")
    raise AssertionError("nobody stopped it")


def test_a_network_that_guesses_is_told_nothing_any_more(
    alice: Caller, file: dict[str, Any]
) -> None:
    public = alice.upload(JPEG, visibility="public")
    network = f"2001:db8:{secrets.token_hex(2)}:{secrets.token_hex(2)}"
    limited = guess_too_often(alice, network)
    assert_refused(limited, 429, "RATE_LIMITED")
    assert limited.headers["retry-after"] == "60"
    assert limited.headers["access-control-allow-origin"] == "*"

    for key in (public["key"], "t/acme/blog/2026/11/none.jpg"):
        assert_refused(guess(alice, key, network + ":ffff::2"), 429, "RATE_LIMITED")
    assert guess(alice, public["key"], network + "::2", "HEAD").status_code == 429

    # Others are told, and so is whoever has a token.
    assert guess(alice, public["key"], "203.0.113.77").content == JPEG
    for form in ("/m/{key}?t={token}", "/view/{token}/{key}"):
        answer = read(
            alice, form, mint(key=file["key"]), file["key"], **{"cf-connecting-ip": network + "::2"}
        )
        assert answer.status_code == 200


def test_a_page_of_public_pictures_is_no_guessing(alice: Caller) -> None:
    key = alice.upload(JPEG, visibility="public")["key"]
    address = f"198.51.100.{secrets.randbelow(256)}"
    for _ in range(2 * MOST_GUESSES + 1):
        assert guess(alice, key, address).status_code == 200


# Tokens in the path.


@pytest.mark.parametrize(
    "vector",
    [
        case
        for case in TOKENS
        if case.get("code") in ("TOKEN_MALFORMED", "TOKEN_BAD_SIGNATURE", "TOKEN_UNKNOWN_KEY")
        and '"k2"' not in case.get("header", "")
        and quote(case["token"], safe="") == case["token"]
        # A client takes dots alone for a way up.
        and set(case["token"]) != {"."}
    ],
    ids=lambda vector: vector["name"],
)
def test_a_vector_of_a_bad_token_is_refused_in_the_path_as_in_the_query(
    alice: Caller, file: dict[str, Any], vector: dict[str, Any]
) -> None:
    answer = read(alice, "/view/{token}/{key}", vector["token"], file["key"])
    assert_refused(answer, 401, vector["code"])


# What the log is told.


@each_form
@pytest.mark.parametrize(
    ("claims", "code"),
    [({"life": -1}, "TOKEN_EXPIRED"), ({"key": "t/x/y"}, "TOKEN_KEY_MISMATCH")],
)
def test_the_log_knows_whose_token_was_refused(
    alice: Caller,
    worker: RunningWorker,
    file: dict[str, Any],
    form: str,
    claims: dict[str, Any],
    code: str,
) -> None:
    jti, viewer = new_id(), new_id()
    token = mint(**{"key": file["key"], "jti": jti, "sub": viewer, **claims})
    assert_refused(read(alice, form, token, file["key"]), 401, code)
    # The log is written behind the answers.
    for _ in range(100):
        lines = [
            line for line in worker.log.read_text(errors="replace").splitlines() if jti in line
        ]
        if lines:
            break
        alice.http.get(f"{alice.url}/health")
    assert [line for line in lines if f'"sub":"{viewer}"' in line and code in line]
    assert not [line for line in lines if line.startswith("{") and token in line]
