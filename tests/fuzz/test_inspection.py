"""Whatever is uploaded, looking into it ends in a verdict, and costs no more than it may."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from media_engine.uploads.inspect import PARSERS, Facts
from tests.corpus.drawings import DRAWINGS, HARMLESS
from tests.corpus.honest import SMALL
from tests.corpus.hostile import HOSTILE
from tests.corpus.reader import CountingReader
from tests.corpus.verdict import MOST_CALLS, calls, judge, require_sense
from tests.fuzz.profile import profile, tried
from tests.fuzz.upload import spoiled_files

HONEST = [*SMALL, *HARMLESS]
FILES = [*HONEST * 3, *[case for case in [*HOSTILE, *DRAWINGS] if len(case.content) < 4096]]
"""Most are honest, because a file that is wrong in every way is refused for the first of them."""


def look(content_type: str, content: bytes) -> None:
    """Look into a file, and hold the verdict to what is true of every one."""
    verdict, said = judge(content_type, CountingReader(content))
    status = 200 if isinstance(verdict, Facts) else 422
    tried.setdefault("looking into files", Counter())[status] += 1
    require_sense(verdict, said)
    assert calls(content_type, content) <= MOST_CALLS


@profile("FUZZ_EXAMPLES", 500)
@given(spoiled_files(FILES))
def test_what_is_spoiled_gets_a_verdict(file: tuple[str, bytes]) -> None:
    look(*file)


@profile("FUZZ_EXAMPLES", 100)
@given(st.sampled_from(sorted(PARSERS)), st.binary(max_size=200), st.integers(0, 10))
def test_noise_behind_a_right_start_gets_a_verdict(
    content_type: str, noise: bytes, kept: int
) -> None:
    start = next(case.content for case in FILES if case.content_type == content_type)
    look(content_type, start[: 4 + 4 * kept] + noise)
