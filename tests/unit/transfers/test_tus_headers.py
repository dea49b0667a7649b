"""The headers of tus, as text."""

from base64 import b64encode

from hypothesis import given
from hypothesis import strategies as st

from media_engine.errors import InvalidInput
from media_engine.transfers.tus import (
    parse_checksum,
    parse_concat,
    parse_metadata,
    upload_length,
    whole_number,
)

names = st.from_regex(r"[A-Za-z0-9_]{1,10}", fullmatch=True)


@given(st.dictionaries(names, st.text(st.characters(exclude_categories=["Cs"])), max_size=5))
def test_metadata_are_read_as_they_were_written(values: dict[str, str]) -> None:
    text = ", ".join(f"{k} {b64encode(v.encode()).decode()}" for k, v in values.items())
    assert parse_metadata(text) == values


@given(st.text(max_size=100))
def test_no_header_does_worse_than_be_refused(text: str) -> None:
    for parse in (
        parse_metadata,
        parse_concat,
        parse_checksum,
        lambda value: whole_number("Upload-Offset", value),
        lambda value: upload_length(value, None),
        lambda value: upload_length(None, value),
    ):
        try:
            parse(text)
        except InvalidInput:
            continue


@given(st.binary(min_size=20, max_size=20))
def test_a_hash_is_read_as_it_was_written(digest: bytes) -> None:
    encoded = b64encode(digest).decode()
    assert parse_checksum(f"sha1 {encoded}") == ("SHA-1", encoded)


def test_pieces_are_named_by_the_end_of_their_urls() -> None:
    concat = parse_concat("final;/files/tus/a https://media.example.com/u/x/files/tus/b/")
    assert concat.pieces == ("a", "b")
    assert parse_concat("partial").pieces is None
