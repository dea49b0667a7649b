"""SVGs: harmless ones as programs export them, and those that would run or fetch something."""

from media_engine.uploads.inspect import Cause, Facts
from tests.corpus.case import Case

SVG = "image/svg+xml"
NAMESPACES = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
SIZED = Facts(24, 16)
PIXEL = "data:image/png;base64,iVBORw0KGgo="


def svg(inside: str = "", *, attributes: str = 'width="24" height="16"', before: str = "") -> bytes:
    """Return an SVG."""
    return f"{before}<svg {NAMESPACES} {attributes}>{inside}</svg>".encode()


def _harmless(name: str, content: bytes, facts: Facts = SIZED) -> Case:
    return Case(f"an SVG {name}", SVG, content, facts)


def _refused(name: str, content: bytes, cause: Cause = Cause.UNSAFE, says: str = "") -> Case:
    return Case(f"an SVG {name}", SVG, content, cause, says)


HARMLESS = [
    _harmless("of nothing", svg()),
    _harmless(
        "as Inkscape writes it",
        svg(
            '<sodipodi:namedview xmlns:sodipodi="http://sodipodi.sourceforge.net/DTD/s.dtd"/>'
            '<metadata><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
            '<cc:Work xmlns:cc="http://creativecommons.org/ns#" rdf:about="">'
            '<cc:license rdf:resource="http://creativecommons.org/licenses/by/4.0/"/>'
            "</cc:Work></rdf:RDF></metadata>"
            '<defs><linearGradient id="a"><stop style="stop-color:#f00"/></linearGradient>'
            '<linearGradient id="b" xlink:href="#a"/></defs>'
            '<path style="fill:url(#b)" transform="translate(1,2)" d="M0,0h9"/>',
            before='<?xml version="1.0" encoding="UTF-8" standalone="no"?>\n',
        ),
    ),
    _harmless(
        "as Illustrator writes it",
        svg(
            "<style type='text/css'><![CDATA[.st0{fill:url('#a');font-family:'Myriad'}]]></style>"
            '<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?>',
            before='<?xml version="1.0" encoding="utf-8"?><!DOCTYPE svg PUBLIC "-//W3C//DTD SVG '
            '1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">',
        ),
    ),
    _harmless(
        "that brings a font with it",
        svg("<style>@font-face{src:url(data:font/woff2;base64,d09GMg)}</style>"),
    ),
    _harmless("that brings a picture with it", svg(f'<image href="{PIXEL}"/>')),
    _harmless("that says things", svg("<text>&lt;script&gt; url(http://x) &amp; &#169;</text>")),
    _harmless(
        "with a prefix", b'<s:svg xmlns:s="http://www.w3.org/2000/svg" width="24" height="16"/>'
    ),
    _harmless("with a byte order mark", b"\xef\xbb\xbf" + svg()),
    _harmless("with blanks in front", b"\n\t " + svg()),
    _harmless("of a box alone", svg(attributes='viewBox="-1 -1,24 16"')),
    _harmless("of a width and a box", svg(attributes='width="24" viewBox="0 0 48 32"')),
    _harmless("of a height and a box", svg(attributes='height="16px" viewBox="0 0 48 32"')),
    _harmless("in inches", svg(attributes='width="0.25in" height="12pt"')),
    _harmless("that is as wide as it may be", svg(attributes='width="100%" height="9"'), Facts()),
    _harmless("of a size that is none", svg(attributes='width="auto" height="-3"'), Facts()),
    _harmless("of less than a pixel", svg(attributes='width="24" height="1e-3"'), Facts(24, 1)),
]


def _style(text: str) -> bytes:
    return svg(f"<style><![CDATA[{text}]]></style>")


RUNNING = [
    _refused("with a script", svg("<script>alert(1)</script>"), says="an element script"),
    _refused("with a script far inside", svg("<g>" * 99 + "<script/>" + "</g>" * 99)),
    _refused("with a prefixed script", svg('<s:script xmlns:s="http://www.w3.org/2000/svg"/>')),
    _refused("with a script of HTML", svg('<script xmlns="http://www.w3.org/1999/xhtml"/>')),
    _refused("with a script in capitals", svg("<SCRIPT/>")),
    _refused("with a script of no namespace", svg('<script xmlns=""/>')),
    _refused("with HTML in it", svg('<b xmlns="http://www.w3.org/1999/xhtml"/>')),
    _refused("with a foreign object", svg("<foreignObject/>"), says="foreignObject"),
    _refused("with a frame", svg('<iframe src="#a"/>')),
    _refused("with a handler of SVG Tiny", svg('<handler type="text/ecmascript"/>')),
    _refused("that runs when it is loaded", svg(attributes='onload="alert(1)"'), says="onload"),
    _refused("that runs when it is clicked", svg('<g onclick="alert(1)"/>')),
    _refused("that runs, in capitals", svg('<g ONCLICK="alert(1)"/>')),
    _refused("that runs when it is animated", svg('<animate onbegin="alert(1)"/>')),
    _refused("that runs by an entity", svg('<g onclick="&#97;lert(1)"/>')),
    _refused("with a link that runs", svg('<a href="javascript:alert(1)"/>'), says="javascript:"),
    _refused("with an XLink that runs", svg('<a xlink:href="javascript:alert(1)"/>')),
    _refused(
        "with an XLink of another prefix",
        svg('<a xmlns:x="http://www.w3.org/1999/xlink" x:href="javascript:alert(1)"/>'),
    ),
    _refused("with a link that runs, with a tab", svg('<a href="java&#9;script:alert(1)"/>')),
    _refused("with a link that runs, with a line end", svg('<a href="java&#10;script:alert(1)"/>')),
    _refused("with a link that runs, behind a control", svg('<a href="&#x20;javascript:x"/>')),
    _refused("with a link that runs, by numbers", svg('<a href="&#x6A;avascript:alert(1)"/>')),
    _refused("with a link that runs, in capitals", svg('<a href="JaVaScRiPt:alert(1)"/>')),
    _refused("with a link to HTML in it", svg('<a href="data:text/html,&lt;script>"/>')),
    _refused("with a link to an SVG in it", svg('<image href="data:image/svg+xml,&lt;svg/>"/>')),
    _refused("with a use of an SVG in it", svg('<use href="data:image/svg+xml;base64,PHN2Zz4="/>')),
    _refused("with an animated link", svg('<animate attributeName="href" to="javascript:x"/>')),
    _refused("with a link that is set", svg('<set attributeName=" xlink:href " to="#a"/>')),
    _refused("with an animated handler", svg('<set attributeName="onclick" to="alert(1)"/>')),
    _refused("with a base", svg('<g xml:base="javascript:alert(1)//"/>'), says="xml:base"),
]

FETCHING = [
    _refused("with a picture elsewhere", svg('<image href="http://x/a.png"/>'), says="http://x"),
    _refused("with a picture at the same place", svg('<image xlink:href="a.png"/>')),
    _refused("with a picture without a scheme", svg('<image href="//x/a.png"/>')),
    _refused("with a picture of the disk", svg('<image href="file:///etc/passwd"/>')),
    _refused("with a use elsewhere", svg('<use href="http://x/a.svg#b"/>')),
    _refused("with a filter elsewhere", svg('<feImage href="http://x/a.png"/>')),
    _refused("with a reference to itself", svg('<image href=""/>')),
    _refused("with a long reference", svg(f'<image href="{" " * 300}#a"/>')),
    _refused("with a colour elsewhere", svg('<g fill="url(http://x/#a)"/>')),
    _refused("with a colour elsewhere, quoted", svg("<g fill=\"url( 'http://x/#a')\"/>")),
    _refused("with a second colour elsewhere", svg("<g fill=\"url('#a') url(http://x)\"/>")),
    _refused("with a colour elsewhere, escaped", svg(r'<g fill="\75 r\6C(http://x/#a)"/>')),
    _refused("with a colour elsewhere, in capitals", svg('<g style="fill:URL(http://x)"/>')),
    _refused("with a cursor elsewhere", svg('<g cursor="url(//x/a.cur)"/>')),
    _refused("with a colour that becomes one elsewhere", svg('<set to="url(http://x/#a)"/>')),
    _refused("whose style imports", _style("@import 'http://x/a.css';"), says="@import"),
    _refused("whose style imports, escaped", _style(r"@\69mport 'http://x/a.css';")),
    _refused("whose style imports, in pieces", svg("<style>@im<!-- -->port 'http://x'</style>")),
    _refused("whose style fetches", _style("g{fill:url(http://x/a.png)}")),
    _refused("whose style fetches a string", _style("g{x:image-set('http://x/a.png' 1x)}")),
    _refused("whose style fetches a source", _style("g{x:src('http://x/a.png')}")),
    _refused("whose style fetches, behind a reference", _style("g{fill:url('#a')url(//x)}")),
    _refused("whose style fetches an SVG", _style("g{fill:url(data:image/svg+xml,x)}")),
    _refused("whose style runs", _style("g{width:expression(alert(1))}")),
    _refused("whose style binds", _style("g{-moz-binding:url(#a)}")),
    _refused("whose style behaves", _style("g{behavior : url(#a)}")),
    _refused("whose style is HTML's", svg('<style xmlns="http://www.w3.org/1999/xhtml"/>')),
    _refused("whose style has elements", svg("<style>@im<g>x</g>port</style>"), says="style sheet"),
    _refused("with a style sheet elsewhere", svg(before='<?xml-stylesheet href="http://x/a"?>')),
    _refused("with an instruction", svg("<?php phpinfo() ?>"), says="php"),
]

_LAUGHS = "".join(f'<!ENTITY l{level} "{f"&l{level - 1};" * 10}">' for level in range(1, 10))

DOCUMENTS = [
    _refused(
        "that laughs a thousand million times",
        svg("&l9;", before=f'<!DOCTYPE svg [<!ENTITY l0 "lol">{_LAUGHS}]>'),
    ),
    _refused(
        "that reads a file of the server",
        svg("&a;", before='<!DOCTYPE svg [<!ENTITY a SYSTEM "file:///etc/passwd">]>'),
    ),
    _refused(
        "with entities of its own that it does not use",
        svg(before='<!DOCTYPE svg [<!ENTITY a "b">]>'),
        says="document type of its own",
    ),
    _refused("with an empty document type of its own", svg(before="<!DOCTYPE svg []>")),
    _refused(
        "with an entity that a browser knows",
        svg(
            '<a href="javascript&colon;alert(1)"/>',
            before='<!DOCTYPE svg PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN" "http://x/y.dtd">',
        ),
        says="&colon;",
    ),
    _refused("of the type HTML", svg(before="<!DOCTYPE html>"), Cause.OTHER_TYPE, "type html"),
    _refused("that is HTML", b"<html><body/></html>", Cause.OTHER_TYPE, "root is html"),
    _refused("without a namespace", b"<svg/>", Cause.OTHER_TYPE),
    _refused("that is no XML", b"<svg><p>", Cause.OTHER_TYPE),
    _refused("that is not well-formed", svg("<g>"), Cause.MALFORMED, "mismatched tag"),
    _refused("with something behind it", svg() + b"<script/>", Cause.MALFORMED),
    _refused("that is cut off", svg()[:-3], Cause.CUT_OFF),
    _refused("in UTF-16", svg().decode().encode("utf-16"), Cause.OTHER_TYPE, "UTF-16"),
    _refused("in UTF-16 without a mark", svg().decode().encode("utf-16-le"), Cause.OTHER_TYPE),
    _refused(
        "in UTF-7",
        svg("+ADw-script+AD4-", before='<?xml version="1.0" encoding="UTF-7"?>'),
        Cause.MALFORMED,
        "UTF-7",
    ),
    _refused(
        "in Latin-1",
        svg(before='<?xml version="1.0" encoding="ISO-8859-1"?>'),
        Cause.MALFORMED,
        "ISO-8859-1",
    ),
    _refused("in bytes that are no text", svg() + b"<!--\xff-->", Cause.MALFORMED, "UTF-8"),
    _refused("in XML 1.1", svg(before='<?xml version="1.1"?>'), Cause.MALFORMED, "1.1"),
    _refused("with a NUL", svg("\0"), Cause.MALFORMED),
    _refused("with an attribute twice", svg('<g id="a" id="b"/>'), Cause.MALFORMED),
    _refused("of no width", svg(attributes='width="0" height="9"'), Cause.MALFORMED, "0 by 9"),
    _refused("of 10¹⁸ pixels", svg(attributes='width="999999999e9" height="9"'), Cause.MALFORMED),
    _refused("of 300 elements in each other", svg("<g>" * 300 + "</g>" * 300), Cause.TOO_COSTLY),
    _refused("of 200,000 elements", svg("<g/>" * 200_000), Cause.TOO_COSTLY),
    _refused(
        "of 200,000 attributes",
        svg(" ".join(["<g", *(f'a{number}=""' for number in range(200_000)), "/>"])),
        Cause.TOO_COSTLY,
    ),
    _refused("of more than 2 MiB", svg(" " * 2**21), Cause.TOO_COSTLY, "2097152 bytes"),
]

DRAWINGS = [*HARMLESS, *RUNNING, *FETCHING, *DOCUMENTS]
