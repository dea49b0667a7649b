"""What may be asked for, field by field."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_engine.errors import InvalidField, InvalidInput, MissingFields
from media_engine.sharing.model import (
    LONGEST_LIFE,
    LONGEST_TOKEN_ID,
    SHARD,
    AccessRequest,
    Album,
    Selection,
    new_token_id,
    parse_token_id,
)

ALBUM = {"service": "blog", "album": "summer"}
ID = "media_" + "a" * 21
IDS = [f"media_{number:021}" for number in range(1_001)]


def test_an_album_is_named_by_its_service_and_its_name() -> None:
    wanted = AccessRequest.parse(ALBUM)
    assert wanted == AccessRequest(Album("blog", "summer"), LONGEST_LIFE)


def test_files_are_named_by_their_ids_each_once_in_their_order() -> None:
    wanted = AccessRequest.parse({"ids": [IDS[2], IDS[0], IDS[2], IDS[1]]})
    assert wanted.files == Selection([IDS[2], IDS[0], IDS[1]])


def test_a_thousand_ids_are_welcome() -> None:
    assert AccessRequest.parse({"ids": IDS[:1_000]}).files == Selection(IDS[:1_000])


@pytest.mark.parametrize("life", [1, 600, LONGEST_LIFE])
def test_a_shorter_life_may_be_asked_for(life: int) -> None:
    assert AccessRequest.parse({**ALBUM, "expiresIn": life}).life == life


@pytest.mark.parametrize("life", [None, "absent"])
def test_without_a_wish_a_token_lives_a_day(life: object) -> None:
    fields = ALBUM if life == "absent" else {**ALBUM, "expiresIn": life}
    assert AccessRequest.parse(fields).life == 86_400


@pytest.mark.parametrize(
    ("fields", "missing"),
    [
        ({}, ("service", "album")),
        ({"ids": None}, ("service", "album")),
        ({"expiresIn": 60}, ("service", "album")),
        ({"album": "summer"}, ("service",)),
        ({"service": "blog"}, ("album",)),
        ({"service": "blog", "album": None}, ("album",)),
    ],
)
def test_what_is_missing_is_named(fields: dict[str, Any], missing: tuple[str, ...]) -> None:
    with pytest.raises(MissingFields) as refused:
        AccessRequest.parse(fields)
    assert refused.value.fields == missing


NO_NAMES: list[object] = ["", "a/b", "..", 7, [], "a" * 65]
NO_LIVES: list[object] = [0, -1, 86_401, 10**400, 60.0, "60", True, [60]]
NO_IDS: list[object] = [
    [], {}, "x", 7, True, ID, IDS, [7], [None], [[ID]], [ID, ""], [ID + "\n"], [ID[:-1]],
]  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        *(({**ALBUM, "service": value}, "service") for value in NO_NAMES),
        *(({**ALBUM, "album": value}, "album") for value in NO_NAMES),
        *(({**ALBUM, "expiresIn": value}, "expiresIn") for value in NO_LIVES),
        *(({"ids": value}, "ids") for value in NO_IDS),
        ({"ids": [ID], "album": "summer"}, "ids"),
        ({"ids": [ID], **ALBUM}, "ids"),
        ({"ids": [], **ALBUM}, "ids"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_named(fields: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidField) as refused:
        AccessRequest.parse(fields)
    assert refused.value.field == field


json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just(ID),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(
    st.fixed_dictionaries(
        {}, optional=dict.fromkeys(("service", "album", "ids", "expiresIn"), json_values)
    )
)
def test_no_fields_do_worse_than_be_refused(fields: dict[str, Any]) -> None:
    try:
        wanted = AccessRequest.parse(fields)
    except InvalidInput:
        return
    assert 1 <= wanted.life <= LONGEST_LIFE


@given(st.binary(min_size=21, max_size=21))
def test_an_id_of_ours_begins_with_its_shard(entropy: bytes) -> None:
    token_id = new_token_id(entropy)
    assert token_id.startswith(SHARD)
    assert len(token_id) == 22
    assert parse_token_id(token_id) == token_id


@pytest.mark.parametrize("token_id", ["x", "0", "ü 😀", "a/b", "a\x00b", "x" * LONGEST_TOKEN_ID])
def test_whatever_another_minter_calls_its_token_is_an_id(token_id: str) -> None:
    assert parse_token_id(token_id) == token_id


@pytest.mark.parametrize("token_id", ["\ufffd", "x" * (LONGEST_TOKEN_ID + 1), "ü" * 1_537])
def test_what_no_token_can_be_called_is_refused(token_id: str) -> None:
    with pytest.raises(InvalidField) as refused:
        parse_token_id(token_id)
    assert refused.value.field == "tokenId"
