"""Every bad token of the vectors, carried to the engine in both forms of a URL."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from media_engine.http.message import Response
from tests.unit.delivery.test_delivery import Delivery
from tests.unit.engine import members

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "token.json").read_text("utf-8"))
KEY = "t/acme/blog/2026/04/xK9mQ2pLxK9mQ2pLxK9mQ.webp"
REFUSED = [case for case in VECTORS["cases"] if "code" in case]
ACCEPTED = [case for case in VECTORS["cases"] if case.get("claims", {}).get("key") == KEY]
SECRETS = [
    *(entry.partition(":")[2] for entry in VECTORS["keyring"].split(",")),
    "development-only-media-token-key",
]
SEGMENT = 20
"""From how many characters on a piece of a token would be told apart from a word."""


def name(case: dict[str, Any]) -> str:
    return str(case["name"])


@pytest.fixture
def engine() -> Delivery:
    """An engine with the keyring of the vectors, at their time, and with the file they are for."""
    engine = Delivery(
        changed={"MEDIA_TOKEN_KEYS": VECTORS["keyring"], "ENVIRONMENT": "development"}
    )
    engine.clock.instant = VECTORS["now"] * 1000
    engine.store.put(KEY, b"bytes", "image/webp")
    engine.store.operations.clear()
    return engine


def in_the_query(engine: Delivery, token: str) -> Response:
    return engine.fetch("GET", f"/m/{KEY}?t={quote(token, safe='')}")


def in_the_path(engine: Delivery, token: str) -> Response:
    return engine.fetch("GET", f"/view/{quote(token, safe='')}/{KEY}")


def assert_refused_in_silence(engine: Delivery, response: Response, token: str) -> str:
    """It is a 401 that nobody keeps, cost nothing and tells nothing; return its code."""
    answer = members(response)
    assert (response.status, answer["status"]) == (401, 401)
    assert response.headers["Cache-Control"] == "no-store"
    assert engine.spent() == (0, 0)
    [event] = engine.log.events
    assert event["code"] == answer["code"]
    told = json.dumps([answer, event])
    pieces = [piece for piece in token.split(".") if len(piece) > SEGMENT]
    assert not [piece for piece in (*pieces, *SECRETS) if piece in told]
    return str(answer["code"])


@pytest.mark.parametrize("case", REFUSED, ids=name)
def test_a_bad_token_in_the_query_is_refused_for_its_reason(
    engine: Delivery, case: dict[str, Any]
) -> None:
    response = in_the_query(engine, case["token"])
    assert assert_refused_in_silence(engine, response, case["token"]) == case["code"]


@pytest.mark.parametrize("case", REFUSED, ids=name)
def test_a_bad_token_in_the_path_is_refused_for_its_reason(
    engine: Delivery, case: dict[str, Any]
) -> None:
    response = in_the_path(engine, case["token"])
    code = assert_refused_in_silence(engine, response, case["token"])
    if quote(case["token"], safe="") == case["token"]:
        assert code == case["code"]
    else:
        # A path is not decoded for its token: what a token does not have is another text there.
        assert code in {"TOKEN_MALFORMED", "TOKEN_BAD_SIGNATURE"}


@pytest.mark.parametrize("case", ACCEPTED, ids=name)
def test_a_good_token_opens_in_both_places(engine: Delivery, case: dict[str, Any]) -> None:
    assert in_the_query(engine, case["token"]).status == 200
    assert in_the_path(engine, case["token"]).status == 200


@pytest.mark.parametrize(
    "code",
    [
        "TOKEN_MALFORMED", "TOKEN_BAD_SIGNATURE", "TOKEN_UNKNOWN_KEY", "TOKEN_EXPIRED",
        "TOKEN_NOT_YET_VALID", "TOKEN_TTL_TOO_LONG",
    ],
)  # fmt: skip
def test_there_are_vectors_of_every_refusal_that_a_text_can_meet(code: str) -> None:
    assert code in {case["code"] for case in REFUSED}
