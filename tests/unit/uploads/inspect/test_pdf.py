"""PDF: where its end may be."""

import pytest

from media_engine.uploads.inspect import Cause, Facts
from tests.corpus import pdf
from tests.corpus.verdict import verdict


@pytest.mark.parametrize(("behind", "expected"), [(1018, Facts()), (1019, Cause.CUT_OFF)])
def test_the_end_of_a_pdf_is_in_its_last_kilobyte(behind: int, expected: Facts | Cause) -> None:
    # The mark has five bytes and a line end.
    assert verdict("application/pdf", pdf.pdf(after=b"x" * behind)) == expected
    assert verdict("application/pdf", pdf.pdf(after=b"x" * behind + b"\0\r\n\t " * 9)) == expected
