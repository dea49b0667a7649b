"""Tags, entries, and what the queue carries."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_engine.delivery.model import cache_entries, cache_tag
from media_engine.purging.model import MAX_TAGS, Purge, purges

NANOID = "xK9mQ2pL_-xK9mQ2pLxK9"
KEY = f"t/acme/blog/2026/11/{NANOID}.jpg"
MESSAGE: dict[str, Any] = {"kind": "purge", "version": 1, "tags": ["m-a", "m-b"]}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@pytest.mark.parametrize(
    "key", [KEY, f"u/user.name/avatar/a/sum.mer/{NANOID}.webp", f"t/a/b/{NANOID}", f"{NANOID}.mp4"]
)
def test_the_tag_of_a_file_is_its_nanoid(key: str) -> None:
    assert cache_tag(key) == f"m-{NANOID}"


def test_a_file_has_two_entries_in_a_cache() -> None:
    assert cache_entries(KEY) == (f"public/{KEY}", f"private/{KEY}")


def test_a_message_is_read_as_it_was_written() -> None:
    purge = Purge(("m-a", "m-b"))
    assert purge.to_message() == MESSAGE
    assert Purge.from_message(json.loads(json.dumps(purge.to_message()))) == purge


@pytest.mark.parametrize(
    "body",
    [
        None, 7, "purge", [], [MESSAGE], {}, {**MESSAGE, "kind": "webhook"},
        {**MESSAGE, "version": 2}, {**MESSAGE, "version": "1"}, {**MESSAGE, "tags": []},
        {**MESSAGE, "tags": None}, {**MESSAGE, "tags": "m-a"}, {**MESSAGE, "tags": {"0": "m-a"}},
        {**MESSAGE, "tags": ["m-a", 7]}, {**MESSAGE, "tags": ["m-a", ""]},
        {**MESSAGE, "tags": ["m-"]}, {**MESSAGE, "tags": ["n-a"]}, {**MESSAGE, "tags": ["m-a b"]},
        {**MESSAGE, "tags": ["m-a\n"]}, {**MESSAGE, "tags": ["m-" + "a" * 65]},
        {**MESSAGE, "tags": ["m-a"] * (MAX_TAGS + 1)},
    ],
)  # fmt: skip
def test_what_is_no_purge_is_none(body: object) -> None:
    assert Purge.from_message(body) is None


@given(JSON)
def test_whatever_a_message_is_it_is_read_or_not(body: object) -> None:
    assert Purge.from_message(body) is None


@given(st.lists(st.from_regex(r"t/a/b/[A-Za-z0-9_-]{21}\.jpg", fullmatch=True), max_size=350))
def test_files_are_purged_in_as_few_messages_as_can_be(keys: list[str]) -> None:
    messages = purges(keys)
    assert [tag for purge in messages for tag in purge.tags] == [cache_tag(key) for key in keys]
    assert len(messages) == -(-len(keys) // MAX_TAGS)
    assert all(Purge.from_message(purge.to_message()) == purge for purge in messages)
