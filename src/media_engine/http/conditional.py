"""Conditional requests: RFC 9110 §13, and the validators that they compare (§5.6.7, §8.8).

The order of the steps is §13.2.2's, and it matters: If-Match hides If-Unmodified-Since, and
If-None-Match hides If-Modified-Since, even where what hides cannot be read. All of this is for
an object that exists; whoever asks has answered 404 before (§13.2.1).

What cannot be read is taken so that nobody gets a wrong file: a list of entity tags with
anything else in it names no tag, so If-Match fails and If-None-Match does not; a date that is
none of §5.6.7's three is ignored, as §13.1.3 and §13.1.4 ask.
"""

import re
import time
from datetime import date
from enum import Enum
from functools import lru_cache
from typing import Final

from media_engine.http.message import RequestHeaders


class Outcome(Enum):
    """What the preconditions make of a request."""

    PROCEED = "proceed"
    NOT_MODIFIED = "not modified"
    PRECONDITION_FAILED = "precondition failed"


def evaluate(method: str, headers: RequestHeaders, etag: str, last_modified: int) -> Outcome:
    """Evaluate If-Match, If-Unmodified-Since, If-None-Match and If-Modified-Since.

    If-Range is not among them: it never refuses, and it counts only beside a Range that is
    honoured. `if_range_holds` evaluates it, after this.

    Args:
        method: the verb.
        headers: the request's headers; one that another hides is not looked up.
        etag: the object's entity tag, as its ETag header has it.
        last_modified: the object's Last-Modified, in seconds since 1970.

    Returns:
        Whether to go on, or to answer 304 or 412 instead.
    """
    reading = method in ("GET", "HEAD")

    if_match = headers.get("if-match")
    if if_match is not None:
        if not _names_strongly(if_match, etag):
            return Outcome.PRECONDITION_FAILED
    else:
        unmodified_since = _date(headers, "if-unmodified-since")
        if unmodified_since is not None and last_modified > unmodified_since:
            return Outcome.PRECONDITION_FAILED

    if_none_match = headers.get("if-none-match")
    if if_none_match is not None:
        if _names_weakly(if_none_match, etag):
            return Outcome.NOT_MODIFIED if reading else Outcome.PRECONDITION_FAILED
    elif reading:
        modified_since = _date(headers, "if-modified-since")
        if modified_since is not None and last_modified <= modified_since:
            return Outcome.NOT_MODIFIED

    return Outcome.PROCEED


def if_range_holds(value: str, etag: str, last_modified: int) -> bool:
    """Say whether an If-Range holds, so that its Range counts (RFC 9110 §13.1.5).

    An entity tag holds if it is the object's by the strong comparison. A date holds if it is
    the object's Last-Modified, neither before nor after, and is a strong validator, which here
    it always is: a key is written once, so the object did not change twice within the second
    that the date names (§8.8.2.2).

    Args:
        value: the header's value: one entity tag, or one date.
        etag: the object's entity tag, as its ETag header has it.
        last_modified: the object's Last-Modified, in seconds since 1970.
    """
    if value[:1] == '"':
        return value == etag
    return parse_http_date(value) == last_modified


def _names_strongly(header: str, etag: str) -> bool:
    """Compare for If-Match: a weak tag on either side is never equal (§8.8.3.2)."""
    return header == "*" or (etag[:1] == '"' and etag in entity_tags(header))


def _names_weakly(header: str, etag: str) -> bool:
    """Compare for If-None-Match: a W/ on either side does not count (§8.8.3.2)."""
    if header in (etag, "*"):
        return True
    opaque = etag.removeprefix("W/")
    # Most lists that do not name the tag do not contain its text either, which is cheaper to see.
    return opaque in header and any(tag.removeprefix("W/") == opaque for tag in entity_tags(header))


def _date(headers: RequestHeaders, name: str) -> int | None:
    """Return the date in a header, or None if there is none that can be read."""
    text = headers.get(name)
    return None if text is None else parse_http_date(text)


# Possessive, because a run of blanks must not be tried in all its halves.
_LIST_ELEMENT: Final = re.compile(
    r'[ \t]*+(?P<tag>(?:W/)?"[\x21\x23-\x7e\x80-\xff]*+")?+[ \t]*+(?:,|\Z)'
)


def entity_tags(header: str) -> tuple[str, ...]:
    """Return the entity tags of a list, weak ones with their W/ (RFC 9110 §8.8.3, §5.6.1).

    Args:
        header: the value of If-Match or If-None-Match, other than `*`. Empty elements of the
            list are skipped, as a recipient must.

    Returns:
        The tags in their order; none if there is anything else in the list.
    """
    tags = []
    position = 0
    while position < len(header):
        element = _LIST_ELEMENT.match(header, position)
        if element is None:
            return ()
        if element["tag"] is not None:
            tags.append(element["tag"])
        position = element.end()
    return tuple(tags)


_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS: Final = (
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
)  # fmt: skip

_DAY: Final = "(?:" + "|".join(_DAYS) + ")"
_LONG_DAY: Final = "(?:Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday)"
_MONTH: Final = "(?P<month>" + "|".join(_MONTHS) + ")"
_TIME: Final = "(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2}):(?P<second>[0-9]{2})"
_DATE_FORMATS: Final = tuple(
    re.compile(pattern)
    for pattern in (
        f"{_DAY}, (?P<day>[0-9]{{2}}) {_MONTH} (?P<year>[0-9]{{4}}) {_TIME} GMT",  # IMF-fixdate
        f"{_LONG_DAY}, (?P<day>[0-9]{{2}})-{_MONTH}-(?P<year>[0-9]{{2}}) {_TIME} GMT",  # RFC 850
        f"{_DAY} {_MONTH} (?P<day>[0-9]{{2}}| [0-9]) {_TIME} (?P<year>[0-9]{{4}})",  # asctime
    )
)

_EPOCH_DAY: Final = date(1970, 1, 1).toordinal()
_FIRST_YEAR_OF_LAST_CENTURY: Final = 77


@lru_cache(maxsize=1024)
def http_date(seconds: int) -> str:
    """Write a date as HTTP does: an IMF-fixdate (RFC 9110 §5.6.7).

    Args:
        seconds: whole seconds since 1970.
    """
    year, month, day, hour, minute, second, weekday, _, _ = time.gmtime(seconds)
    return (
        f"{_DAYS[weekday]}, {day:02} {_MONTHS[month - 1]} {year:04}"
        f" {hour:02}:{minute:02}:{second:02} GMT"
    )


def parse_http_date(text: str) -> int | None:
    """Read a date in any of the three formats of RFC 9110 §5.6.7.

    The day of the week is not compared with the date. A year of two digits is at most 50 years
    ahead, counted from 2026, when the first object was stored, because there is no clock here:
    no date that was ever sent as a Last-Modified is taken for another.

    Args:
        text: the header's value.

    Returns:
        Seconds since 1970, or None if it is no such date.
    """
    for date_format in _DATE_FORMATS:
        match = date_format.fullmatch(text)
        if match is not None:
            return _seconds(match)
    return None


def _seconds(match: re.Match[str]) -> int | None:
    hour, minute, second = int(match["hour"]), int(match["minute"]), int(match["second"])
    # The second 60 is a leap second (§5.6.7); Unix time counts it as the next minute's first.
    if hour > 23 or minute > 59 or second > 60:
        return None
    year = int(match["year"])
    if len(match["year"]) == 2:
        year += 1900 if year >= _FIRST_YEAR_OF_LAST_CENTURY else 2000
    try:
        day = date(year, _MONTHS.index(match["month"]) + 1, int(match["day"]))
    except ValueError:
        return None
    return (day.toordinal() - _EPOCH_DAY) * 86_400 + hour * 3_600 + minute * 60 + second
