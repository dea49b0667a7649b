"""What docs/tokens.md says about tokens is what the Worker does."""

import re

import pytest

from media_engine import errors
from media_engine.signing import jwt, token
from tests.tokens.document import TOKENS

DOCUMENT = TOKENS.read_text(encoding="utf-8")


def test_every_refusal_of_a_token_is_explained_and_no_other() -> None:
    explained = re.findall(r"^\| `(TOKEN_\w+)` \| (\d+) \|", DOCUMENT, re.MULTILINE)
    refusals = [(error.code, str(error.status)) for error in errors.TokenRefused.__subclasses__()]
    assert sorted(explained) == sorted(refusals)


@pytest.mark.parametrize(
    "sentence",
    [
        f"| without `jti` | at most {token.LONGEST_UNREVOCABLE_LIFE:,} s |",
        f"| with `jti` | at most {token.LONGEST_LIFE:,} s:",
        f"`iat` and `nbf` may be up to {token.SKEW} s ahead",
        f"at most {jwt.LONGEST:,} characters",
    ],
)
def test_a_limit_is_told_as_it_is(sentence: str) -> None:
    assert sentence in " ".join(DOCUMENT.split())
