"""What is quoted of a file in a refusal."""

import pytest

from media_engine.uploads.inspect.refusal import quoted


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("plain", "plain"),
        ("a\n\u202eb", "a\\n\\u202eb"),
        ("x" * 40, "x" * 40),
        ("x" * 41, "x" * 37 + "..."),
    ],
)
def test_what_a_file_says_is_quoted_so_that_it_can_be_printed(text: str, said: str) -> None:
    assert quoted(text) == said
