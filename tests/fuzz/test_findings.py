"""What attacks have found, each put right."""

import sys
from types import FrameType

import pytest

from media_engine.http.byteranges import Part, coalesce
from tests.fuzz.attack import Attack
from tests.fuzz.engine import Cost, Target
from tests.unit.delivery.test_delivery import CONTENT, KEY


@pytest.mark.parametrize("character", ["\r\n", "\n", "\x01", "\x7f", "\u2028", "😀"])
def test_a_stored_disposition_is_sent_as_one_line_of_ascii(character: str) -> None:
    target = Target()
    target.store.put(KEY, CONTENT, "image/jpeg", f'inline; filename="a{character}b.jpg"')
    answer, _ = target.suffer(Attack("GET", f"/m/{KEY}", f"t={target.token()}"))
    sent = answer.headers["content-disposition"]
    assert sent.isascii()
    assert sent.isprintable()


def test_twice_as_many_ranges_are_twice_as_much_work() -> None:
    assert calls_to_coalesce(1_000) < 3 * calls_to_coalesce(500)


def calls_to_coalesce(count: int) -> int:
    """Return how many calls it takes to coalesce so many parts, none of which overlap."""
    parts = [Part(2 * place, 1) for place in range(count)]
    calls = 0

    def count_call(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count_call)
    try:
        coalesce(parts)
    finally:
        sys.setprofile(before)
    return calls


@pytest.mark.parametrize("path", ["/view//{token}/{key}", "/m/{token}/{key}", "/m/view/{token}"])
def test_a_token_in_the_wrong_place_of_a_path_is_not_logged(path: str) -> None:
    target = Target()
    token = target.token()
    target.suffer(Attack("GET", path.format(token=token, key=KEY), ""))
    assert token not in target.told()


def test_a_range_outside_an_older_version_costs_two_operations() -> None:
    target = Target()
    headers = {"range": "bytes=100-", "if-range": '"older"'}
    answer, cost = target.suffer(Attack("GET", f"/m/{KEY}", f"t={target.token()}", headers))
    assert answer.content == CONTENT
    assert cost == Cost(operations=2, statements=0)


def test_a_public_file_without_bytes_costs_one_statement() -> None:
    target = Target()
    target.row("uploaded", "public", "t/acme/lost.jpg")
    answer, cost = target.suffer(Attack("GET", "/m/t/acme/lost.jpg", ""))
    assert answer.status == 404
    assert cost == Cost(operations=1, statements=1)


def test_a_preflight_is_answered_with_what_keeps_every_answer_harmless() -> None:
    answer, _ = Target().suffer(Attack("OPTIONS", f"/m/{KEY}", ""))
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
