"""What a file answers to ranges and conditions: the pieces, put together as a delivery does."""

import pytest

from media_engine.http import conditional, ranges
from media_engine.http.byteranges import Part, coalesce
from media_engine.http.conditional import Outcome
from tests.unit.http.headers import Headers
from tests.unit.http.vectors import Case, requests

CASES = [*requests("ranges.json"), *requests("conditional.json")]


def answer(case: Case) -> tuple[int, list[str]]:
    """Return the status and the Content-Ranges, as RFC 9110 §13.2.2 and §14.2 order the steps."""
    headers, file = Headers(case.headers_for(case.file)), case.file
    outcome = conditional.evaluate(case.method, headers, file.etag, file.last_modified)
    if outcome is not Outcome.PROCEED:
        return {Outcome.NOT_MODIFIED: 304, Outcome.PRECONDITION_FAILED: 412}[outcome], []
    wanted, if_range = headers.get("range"), headers.get("if-range")
    if case.method != "GET" or wanted is None:
        return 200, []
    if if_range is not None and not conditional.if_range_holds(
        if_range, file.etag, file.last_modified
    ):
        return 200, []
    specs = ranges.parse(wanted)
    if specs is None:
        return 200, []
    resolved = [ranges.resolve(spec, file.size) for spec in specs]
    parts = coalesce([Part(*part) for part in resolved if part is not None])
    if not parts:
        return 416, [f"bytes */{file.size}"]
    return 206, [ranges.content_range(*part, file.size) for part in parts]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_request_is_answered_as_its_vector_says(case: Case) -> None:
    assert answer(case) == (case.status, list(case.ranges))


def test_every_case_has_a_name_of_its_own() -> None:
    assert len({case.name for case in CASES}) == len(CASES)
