"""A file is called so that a computer opens it as what it is."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_engine.http.disposition import clean_filename
from media_engine.uploads.filename import EXTENSIONS, typed_filename
from media_engine.uploads.model import MEDIA_TYPES
from tests.unit.http.vectors import read

VECTORS = read("filename.json")["cases"]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_a_name_becomes_what_its_vector_says(vector: dict[str, Any]) -> None:
    assert (
        typed_filename(vector["filename"], vector["contentType"]) == (vector["expect"]["filename"])
    )


@given(st.text(), st.sampled_from(sorted(MEDIA_TYPES)))
def test_any_name_is_clean_and_ends_as_its_type_does(name: str, content_type: str) -> None:
    typed = typed_filename(name, content_type)
    assert typed == clean_filename(typed) == typed_filename(typed, content_type)
    stem, _, extension = typed.rpartition(".")
    assert stem
    assert extension.lower() in EXTENSIONS[content_type]


def test_every_type_has_its_own_ends_and_its_keys_end_in_one() -> None:
    assert EXTENSIONS.keys() == MEDIA_TYPES.keys()
    ends = [end for ends in EXTENSIONS.values() for end in ends]
    assert len(set(ends)) == len(ends)
    for content_type, media_type in MEDIA_TYPES.items():
        assert media_type.extension in EXTENSIONS[content_type]
