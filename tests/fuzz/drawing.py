"""SVGs that look harmless, and try to run or to fetch something by every way that is known."""

from typing import Final

from hypothesis import strategies as st

from tests.fuzz.text import once_in

ELSEWHERE: Final = "http://elsewhere.example"
RAN: Final = "ran"
_SCRIPT: Final = f"void(document.title='{RAN}')"
_FRAGMENTS: Final = ("#a", "data:image/png;base64,iVBORw0KGgo=", "data:image/gif,x")
_TARGETS: Final = (
    f"{ELSEWHERE}/a", "//elsewhere.example/a", "a.svg", "/a.svg#b", f"javascript:{_SCRIPT}",
    f"data:text/html,<script>{_SCRIPT}</script>", "data:image/svg+xml,<svg/>", "?a", "..", "a:b",
)  # fmt: skip
_ELEMENTS: Final = (
    "g", "a", "use", "image", "rect", "path", "text", "style", "style", "style", "set", "animate",
    "animateMotion", "filter", "feImage", "linearGradient", "pattern", "mask", "marker", "x:g",
    "x:a", "x:style", "mpath", "textPath", "metadata", "switch", "font-face-uri", "cursor",
    "color-profile", "view", "tref", "glyph", "stop", "symbol",
)  # fmt: skip
_REFUSED_ELEMENTS: Final = (
    "script", "x:script", "foreignObject", "iframe", "h:b", "h:img", "h:link", "h:style", "handler",
)  # fmt: skip
_ATTRIBUTES: Final = (
    "href", "xlink:href", "y:href", "HREF", "src", "x:href", "style", "style", "fill", "filter",
    "mask", "clip-path", "marker-end", "cursor", "stroke", "to", "values", "from", "by", "base",
    "id", "class", "background", "data", "content", "rel", "type", "ping", "target", "begin", "dur",
    "attributeName",
)  # fmt: skip
_REFUSED_ATTRIBUTES: Final = (
    "onload", "onclick", "ONLOAD", "onbegin", "x:onload", "xml:base",
)  # fmt: skip
_PROPERTIES: Final = (
    "fill", "filter", "background", "background-image", "cursor", "mask", "--a", "content", "src",
    "list-style-image", "marker-start", "offset-path",
)  # fmt: skip
_FUNCTIONS: Final = (
    "url", "src", "image", "image-set", "-webkit-image-set", "cross-fade", "element", "URL", "Url",
    "var", "attr", "url-prefix",
)  # fmt: skip


@st.composite
def _disguised(draw: st.DrawFn, text: str) -> str:
    """Return a text, perhaps with something in it that a browser passes over."""
    if not once_in(draw, 3):
        return text
    at = draw(st.integers(0, len(text)))
    passed = draw(
        st.sampled_from(["\t", "\n", " ", "\x01", "/**/", "\\", "\\\n", "\0", "\u200b", "\ufeff"])
    )
    piece = text[at : at + 1]
    changed = [
        passed + piece,
        piece.swapcase(),
        f"\\{ord(piece):x} " if piece else "",
        f"\\{piece}",
        f"\\{ord(piece):06x}" if piece else "",
    ]
    return text[:at] + draw(st.sampled_from(changed)) + text[at + 1 :]


@st.composite
def _target(draw: st.DrawFn) -> str:
    if once_in(draw, 4):
        return draw(_disguised(draw(st.sampled_from(_TARGETS))))
    target = draw(st.sampled_from(_FRAGMENTS))
    if once_in(draw, 4):
        # What looks harmless at first, and goes on.
        target += draw(st.sampled_from(["", "'", '"', ")", " ", "\n"])) + draw(
            st.sampled_from(_TARGETS)
        )
    return draw(_disguised(target))


@st.composite
def _declaration(draw: st.DrawFn) -> str:
    quote = draw(st.sampled_from(["", "'", '"']))
    names = _FUNCTIONS if once_in(draw, 4) else ("url", "URL", "var", "translate")
    function = draw(_disguised(draw(st.sampled_from(names))))
    blank = draw(st.sampled_from(["", " ", "\n"]))
    value = f"{function}({blank}{quote}{draw(_target())}{quote}{blank})"
    if once_in(draw, 4):
        value += f" {draw(_disguised(f'url({draw(_target())})'))}"
    return f"{draw(st.sampled_from(_PROPERTIES))}:{value}"


@st.composite
def _sheet(draw: st.DrawFn) -> str:
    rules = [f"*{{{draw(_declaration())}}}"]
    if once_in(draw, 12):
        quoted = draw(st.sampled_from(["'{}'", "url({})", '"{}"', "url('{}')"]))
        rules.insert(0, f"{draw(_disguised('@import'))} {quoted.format(draw(_target()))};")
    if once_in(draw, 5):
        rules.append(f"@font-face{{font-family:a;src:url({draw(_target())})}}*{{font-family:a}}")
    return "".join(rules)


@st.composite
def _value(draw: st.DrawFn, name: str) -> str:
    if name.lower().startswith(("on", "x:on")):
        return _SCRIPT
    if name == "style":
        return draw(_declaration())
    if name == "attributeName":
        return draw(
            _disguised(draw(st.sampled_from(["href", "xlink:href", "fill", "onclick", "style"])))
        )
    if name in {"begin", "dur"}:
        return draw(st.sampled_from(["0s", "1ms", "click", "indefinite"]))
    if name in {"fill", "filter", "mask", "clip-path", "marker-end", "cursor", "stroke"}:
        return draw(_declaration()).partition(":")[2]
    return draw(st.one_of(_target(), _declaration()))


def _escaped(draw: st.DrawFn, text: str, *, everything: bool) -> str:
    """Return a text as XML has it, some of its characters as numbers."""
    special = {"&": "&amp;", "<": "&lt;", '"': "&quot;"}
    return "".join(
        f"&#{draw(st.sampled_from([str(ord(one)), f'x{ord(one):x}']))};"
        if (one in "\t\n" or (everything and once_in(draw, 8)))
        else special.get(one, one)
        for one in text
        if one not in "\0\x01"
    )


@st.composite
def _element(draw: st.DrawFn, depth: int = 0) -> str:
    name = draw(st.sampled_from(_REFUSED_ELEMENTS if once_in(draw, 40) else _ELEMENTS))
    names = draw(st.lists(st.sampled_from(_ATTRIBUTES), max_size=3, unique=True))
    if once_in(draw, 40):
        names.append(draw(st.sampled_from(_REFUSED_ATTRIBUTES)))
    everything = once_in(draw, 3)
    attributes = "".join(
        f' {one}="{_escaped(draw, draw(_value(one)), everything=everything)}"' for one in names
    )
    inside = ""
    if name.rpartition(":")[2] == "style":
        sheet = draw(_sheet())
        inside = draw(
            st.sampled_from([_escaped(draw, sheet, everything=False), f"<![CDATA[{sheet}]]>"])
        )
        inside = inside.replace("\0", "").replace("\x01", "")
    elif name.rpartition(":")[2] == "script":
        inside = _SCRIPT
    elif depth < 2:
        inside = "".join(draw(st.lists(_element(depth + 1), max_size=2)))
    return f"<{name}{attributes}>{inside}</{name}>"


@st.composite
def drawings(draw: st.DrawFn) -> bytes:
    """Return an SVG."""
    before = draw(st.sampled_from([
        *[""] * 20, "<!DOCTYPE svg>", "<?xml version='1.0'?>",
        '<!DOCTYPE svg PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN" "http://x/">',
        f"<!DOCTYPE svg SYSTEM '{ELSEWHERE}/a.dtd'>",
        f"<?xml-stylesheet href='{ELSEWHERE}/a.css'?>", "<!-- -->", "<?xpacket a?>",
    ]))  # fmt: skip
    inside = "".join(draw(st.lists(_element(), min_size=1, max_size=3)))
    return (
        f'{before}<svg xmlns="http://www.w3.org/2000/svg" xmlns:x="http://www.w3.org/2000/svg" '
        f'xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:y="http://www.w3.org/1999/xlink" '
        f'xmlns:h="http://www.w3.org/1999/xhtml" width="99" height="99"><rect id="a" width="9" '
        f'height="9"/>{inside}</svg>'
    ).encode()
