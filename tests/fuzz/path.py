"""Paths to a file, and paths that only look like it."""

from urllib.parse import quote

from hypothesis import strategies as st

from tests.fuzz.text import VISIBLE, once_in, spoiled

_STEPS = ("..", ".", "%2e%2e", "%2E.", "..%2f", "%2e%2e%2f", "%252e%252e%252f", "..%5c", "..\\",
          "%c0%ae%c0%ae", "%2F", "%5C", "%00", "%0d%0a", "%7f", "%ff", "%u002e", "%", "%2", ";",
          "%3F", "%23", "%20", "%E2%80%AE", "%ed%a0%80", "t", "u", "m")  # fmt: skip
"""What a path is led astray with."""


@st.composite
def paths(draw: st.DrawFn, key: str) -> str:
    """Return a path to the key, or one that looks like it."""
    plain = quote(key)
    if not once_in(draw, 8):
        return f"/m/{plain}"
    kind = draw(st.sampled_from(["spoiled", "encoded", "steps", "long", "bytes", "before"]))
    if kind == "spoiled":
        plain = draw(spoiled(plain, VISIBLE.filter(lambda c: c not in "?#")))
    elif kind == "encoded":
        times = draw(st.sampled_from([1, 1, 1, 2, 3]))
        chosen = set(draw(st.text(st.sampled_from(sorted(set(key))), min_size=1)))
        percent = "%" + "25" * (times - 1)
        plain = "".join(f"{percent}{ord(c):02x}" if c in chosen else quote(c) for c in key)
    elif kind == "steps":
        segments = plain.split("/")
        at = draw(st.integers(0, len(segments)))
        steps = draw(st.lists(st.sampled_from(_STEPS), min_size=1, max_size=4))
        plain = draw(st.sampled_from(["/", "%2f", "\\", "//", ""])).join(
            [*segments[:at], *steps, *segments[at:]]
        )
    elif kind == "long":
        plain = plain + draw(st.sampled_from(["a", "/a", "%61", "%C3%BC", "/.."])) * 1024
    elif kind == "bytes":
        plain = plain[:2] + quote(draw(st.binary(max_size=40)))
    elif kind == "before":
        return (
            draw(st.sampled_from(["/m", "/M/", "//m/", "/m//", "/m/./", "/", "/health/../m/"]))
            + plain
        )
    return f"/m/{plain}"
