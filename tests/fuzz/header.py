"""What a request is made conditional and partial with."""

from hypothesis import strategies as st

from tests.fuzz.file import File
from tests.fuzz.text import FIELD, JUNK, once_in, spoiled

_numbers = st.one_of(
    st.integers(0, 12).map(str),
    st.sampled_from(["", "00", "007", "9" * 14, "9" * 16, "9" * 400, "-1", "+1", " 1", "1.5", "²"]),
)
_ranges = st.one_of(
    st.builds("{}-{}".format, _numbers, _numbers),
    st.builds(lambda first, more: f"{first}-{first + more}", st.integers(0, 9), st.integers(0, 9)),
    st.builds("-{}".format, _numbers),
    st.sampled_from(["", " ", "-", "0-0", "a-b", "0", "0-1-2", "\t0-0 "]),
)
_range_header = st.builds(
    lambda unit, ranges, comma: unit + comma.join(ranges),
    st.sampled_from(["bytes="] * 12 + ["Bytes=", "bytes =", "bytes:", "lines=", "", "bytes=,"]),
    st.lists(_ranges, min_size=1, max_size=12),
    st.sampled_from([",", ", ", ",,", " ,\t", ";"]),
)
_good_ranges = st.lists(
    st.builds(lambda first, more: f"{first}-{first + more}", st.integers(0, 9), st.integers(0, 2)),
    min_size=1,
    max_size=9,
).map(lambda ranges: "bytes=" + ",".join(ranges))
_dates = st.sampled_from([
    "Wed, 18 Nov 2026 11:06:40 GMT", "Wednesday, 18-Nov-26 11:06:40 GMT",
    "Wed Nov 18 11:06:40 2026", "Thu, 01 Jan 1970 00:00:00 GMT", "Fri, 31 Dec 9999 23:59:60 GMT",
    "Mon, 00 Jan 0000 00:00:00 GMT", "Mon, 30 Feb 2026 00:00:00 GMT", "0", "-1", "now",
]) | st.datetimes().map(lambda at: f"{at:%a, %d %b %Y %H:%M:%S} GMT")  # fmt: skip
_tag = st.sampled_from(
    ["{etag}", "{etag}", "{etag}", "W/{etag}", '"x"', 'W/"x"', '""', "*", '"{etag}"', "{etag},"]
)
_tags = _tag | st.lists(_tag | JUNK, min_size=1, max_size=4).map(", ".join)
_addresses = st.one_of(
    st.ip_addresses().map(str),
    st.sampled_from(["", "unknown", "::", "127.0.0.1, ::1", "1.2.3.4:80", "[::1]", "0x7f.1", "%"]),
    JUNK,
)
_HEADERS = {
    "range": (_good_ranges | _range_header, 2),
    "if-range": (_tag | _dates, 5),
    "if-match": (_tags, 8),
    "if-none-match": (_tags, 6),
    "if-modified-since": (_dates, 8),
    "if-unmodified-since": (_dates, 8),
    # The platform sets this one. Where there is no platform, a client can.
    "cf-connecting-ip": (_addresses, 2),
}
"""What a header is made of, `{etag}` for the file's, and in one request of how many it is."""


@st.composite
def headers(draw: st.DrawFn, file: File) -> dict[str, str]:
    """Return what a request for the file is made conditional and partial with, and from where."""
    sent = {}
    for name, (values, rarity) in _HEADERS.items():
        if once_in(draw, rarity):
            value = draw(values).replace("{etag}", file.etag)
            if once_in(draw, 8):
                value = draw(spoiled(value, FIELD))
            # Blanks at both ends are no part of a value.
            sent[name] = value.strip(" \t")
    return sent
