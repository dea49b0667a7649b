"""SVG: a document that could run and fetch things, and must not.

It is served so that a browser lets it do neither, but it does not stay there: it is downloaded,
put into pages and mails, and turned into pictures. So whatever could run (scripts, event handlers,
foreign documents) or fetch (references to anything but the file itself) is refused, not removed:
what was uploaded is what is served, byte for byte.

The checker must read what a browser reads. It takes UTF-8 alone, so that there is no second way
to read the bytes, and no entities but XML's own five, since a document type may bring more. It is
expat, which is linear and does not recurse; handlers are called as it goes, and no tree is made.
"""

import re
from collections.abc import Sequence
from typing import Final
from xml.parsers import expat

from media_engine.uploads.inspect.css import fetching, harmless_reference
from media_engine.uploads.inspect.facts import Facts, sized
from media_engine.uploads.inspect.refusal import Cause, Refusal, malformed, quoted
from media_engine.uploads.inspect.window import Window

MOST_PARTS: Final = 200_000
"""How many elements, attributes and instructions are looked at. A map of a country has 50,000."""

MOST_DEPTH: Final = 256

_SVG: Final = "http://www.w3.org/2000/svg"
_XHTML: Final = "http://www.w3.org/1999/xhtml"
_XML: Final = "http://www.w3.org/XML/1998/namespace"

_RUNNING: Final = frozenset({
    "script", "foreignobject", "handler", "listener", "iframe", "embed", "object", "audio",
    "video", "link", "meta", "base",
})  # fmt: skip
"""Elements that run or show other documents, in SVG or where an SVG is put into HTML."""

_REFERENCES: Final = frozenset({"href", "src"})
_ANIMATED_ATTRIBUTE: Final = "attributeName"
_HARMLESS_INSTRUCTIONS: Final = frozenset({"xpacket"})
"""What frames Adobe's metadata."""

_ENTITY: Final = re.compile(r"&(?!#|(?:amp|lt|gt|quot|apos);)[^\s&;<]*;")
_LENGTH: Final = re.compile(
    r"\s*\+?(\d{1,9}(?:\.\d{0,9})?|\.\d{1,9})(?:e([+-]?\d))?(px|pt|pc|mm|cm|in|q)?\s*",
    re.IGNORECASE | re.ASCII,
)
_PIXELS: Final = {
    "": 1.0, "px": 1.0, "pt": 4 / 3, "pc": 16.0, "in": 96.0, "cm": 96 / 2.54, "mm": 96 / 25.4,
    "q": 96 / 101.6,
}  # fmt: skip
"""CSS Values §6.2."""

_CUT_OFF: Final = frozenset({
    expat.errors.codes[message]
    for message in (
        expat.errors.XML_ERROR_NO_ELEMENTS,
        expat.errors.XML_ERROR_UNCLOSED_TOKEN,
        expat.errors.XML_ERROR_UNCLOSED_CDATA_SECTION,
    )
})  # fmt: skip


async def inspect(window: Window) -> Facts:
    """Look into an SVG, all of it."""
    content = await window.whole("An SVG")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        raise malformed("The SVG is not UTF-8.") from None
    entity = _ENTITY.search(text)
    if entity is not None:
        raise _unsafe(f"uses the entity {quoted(entity.group())}")
    document = _Document()
    try:
        document.read(content)
    except expat.ExpatError as error:
        cause = Cause.CUT_OFF if error.code in _CUT_OFF else Cause.MALFORMED
        raise Refusal(
            cause,
            f"The SVG is not well-formed: {expat.ErrorString(error.code)} in line {error.lineno}.",
        ) from None
    width, height = document.size()
    return Facts(width=width, height=height)


def _unsafe(what: str) -> Refusal:
    return Refusal(Cause.UNSAFE, f"The SVG {what}.")


class _Document:
    """Refuses what is not to be in an SVG, and remembers how large it is."""

    def __init__(self) -> None:
        self._parser = expat.ParserCreate("utf-8", " ")
        self._depth = 0
        self._parts = 0
        self._style: list[str] | None = None
        self._root: dict[str, str] = {}

    def read(self, content: bytes) -> None:
        """Read the document.

        Raises:
            Refusal: something in it could run or fetch, or there is too much of it.
            ExpatError: it is not well-formed.
        """
        parser = self._parser
        parser.ordered_attributes = True
        parser.buffer_text = True
        parser.XmlDeclHandler = self._declared
        parser.StartDoctypeDeclHandler = self._typed
        parser.ProcessingInstructionHandler = self._instructed
        parser.StartElementHandler = self._started
        parser.EndElementHandler = self._ended
        parser.Parse(content, True)

    def size(self) -> tuple[int | None, int | None]:
        """Return width and height in pixels, as far as the root says so."""
        width, height = (_pixels(self._root.get(side, "")) for side in ("width", "height"))
        sides = self._root.get("viewBox", "").replace(",", " ").split(maxsplit=4)
        box = [_pixels(side) for side in sides]
        if len(box) == 4 and box[2] and box[3]:
            if width is None:
                width = box[2] if height is None else height * box[2] / box[3]
            if height is None:
                height = width * box[3] / box[2]
        if width is None or height is None:
            return None, None
        # Something is never shown as nothing.
        whole = [max(round(side), 1) if side else 0 for side in (width, height)]
        return sized("The SVG", *whole)

    def _declared(self, version: str, encoding: str | None, _standalone: int) -> None:
        if version != "1.0":
            raise malformed(f"The SVG is declared as XML {quoted(version)}; only 1.0 is read.")
        if encoding is not None and encoding.lower() not in {"utf-8", "us-ascii"}:
            raise malformed(f"The SVG is declared as {quoted(encoding)}; only UTF-8 is read.")

    def _typed(self, name: str, _system: str | None, _public: str | None, subset: int) -> None:
        if subset:
            raise _unsafe("declares a document type of its own (entities)")
        if name.rpartition(":")[2] != "svg":
            raise Refusal(Cause.OTHER_TYPE, f"The file is a document of type {quoted(name)}.")

    def _instructed(self, target: str, _data: str) -> None:
        self._count(1)
        if target not in _HARMLESS_INSTRUCTIONS:
            raise _unsafe(f"has the processing instruction {quoted(target)}")

    def _started(self, name: str, attributes: Sequence[str]) -> None:
        namespace, _, local = name.rpartition(" ")
        if self._depth == 0:
            self._begin(namespace, local, attributes)
        self._depth += 1
        if self._depth > MOST_DEPTH:
            raise Refusal(Cause.TOO_COSTLY, f"The SVG is nested deeper than {MOST_DEPTH}.")
        self._count(1 + len(attributes) // 2)
        if namespace == _XHTML or local.lower() in _RUNNING:
            raise _unsafe(f"has an element {quoted(local)}")
        if self._style is not None:
            raise _unsafe("has an element inside a style sheet")
        if local.lower() == "style":
            self._style = []
            # Called for nothing else, because there can be much of it.
            self._parser.CharacterDataHandler = self._style.append
        for at in range(0, len(attributes), 2):
            _check_attribute(attributes[at], attributes[at + 1])

    def _ended(self, _name: str) -> None:
        self._depth -= 1
        if self._style is not None:
            found = fetching("".join(self._style))
            self._style = None
            self._parser.CharacterDataHandler = None
            if found is not None:
                raise _unsafe(f"has a style sheet that could fetch something: {quoted(found)}")

    def _count(self, parts: int) -> None:
        self._parts += parts
        if self._parts > MOST_PARTS:
            raise Refusal(Cause.TOO_COSTLY, f"The SVG has more than {MOST_PARTS} parts.")

    def _begin(self, namespace: str, local: str, attributes: Sequence[str]) -> None:
        if (namespace, local) != (_SVG, "svg"):
            raise Refusal(
                Cause.OTHER_TYPE,
                f"The file is a document whose root is {quoted(local)}, and not svg of SVG's "
                "namespace.",
            )
        self._root = dict(zip(attributes[::2], attributes[1::2], strict=True))


def _check_attribute(name: str, value: str) -> None:
    namespace, _, local = name.rpartition(" ")
    small = local.lower()
    if small.startswith("on"):
        raise _unsafe(f"has an event handler ({quoted(local)})")
    if namespace == _XML and small == "base":
        raise _unsafe("has a base (xml:base), from which its references would be read")
    if small in _REFERENCES:
        if not harmless_reference(value):
            raise _unsafe(f"refers to something outside of itself: {quoted(value)}")
    elif local == _ANIMATED_ATTRIBUTE:
        target = value.strip().rpartition(":")[2].lower()
        if target in _REFERENCES or target.startswith("on"):
            raise _unsafe(f"animates the attribute {quoted(value)}")
    elif "(" in value or "\\" in value:
        found = fetching(value)
        if found is not None:
            raise _unsafe(f"has an attribute that could fetch something: {quoted(found)}")


def _pixels(text: str) -> float | None:
    """Read a length (SVG 2 §8.9, CSS Values §6); None for what is none, or is relative."""
    length = _LENGTH.fullmatch(text)
    if length is None:
        return None
    digits, exponent, unit = length.groups()
    return float(digits) * 10.0 ** int(exponent or 0) * _PIXELS[(unit or "").lower()]
