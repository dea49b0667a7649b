"""Judges a file, and counts what that costs."""

import sys
from types import FrameType

from media_engine.uploads.inspect import Cause, Facts, Refusal, inspect
from media_engine.uploads.inspect.window import MOST_BYTES, MOST_READS
from tests.corpus.reader import CountingReader
from tests.unit.engine import finish

MOST_CALLS = 80_000
MOST_CALLS_FOR_AN_SVG = 2_000_000


def judge(content_type: str, reader: CountingReader) -> tuple[Facts | Cause, str]:
    """Return the verdict on a file, and what was said; no look may cost more than is allowed."""
    try:
        return finish(inspect(content_type, reader)), ""
    except Refusal as refusal:
        return refusal.cause, refusal.message
    finally:
        assert reader.reads <= MOST_READS
        assert reader.bytes_read <= MOST_BYTES


def verdict(content_type: str, content: bytes) -> Facts | Cause:
    """Return the verdict on a file."""
    return judge(content_type, CountingReader(content))[0]


def calls(content_type: str, content: bytes) -> int:
    """Return how many calls, of Python and of C, it takes to judge a file."""
    count = 0

    def count_call(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count_call)
    try:
        judge(content_type, CountingReader(content))
    finally:
        sys.setprofile(before)
    return count


def require_sense(judged: Facts | Cause, said: str) -> None:
    """Hold a verdict to what is true of every one: it can be said, and it can be stored."""
    if isinstance(judged, Cause):
        assert said.isascii()
        assert said.isprintable()
        assert said.endswith(".")
        assert len(said) < 200
        return
    for number in (judged.width, judged.height, judged.duration):
        assert number is None or 0 < number < 2**31
    assert (judged.width is None) == (judged.height is None)
    assert 1 <= judged.orientation <= 8
    assert judged.codec is None or 0 < len(judged.codec) <= 64
