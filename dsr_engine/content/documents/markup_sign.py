"""Signs by which a text is XML or HTML, whatever it is called."""

import re
from xml.parsers import expat

_HTML = re.compile(rb"\s*+(?:<!--(?>.*?-->)\s*+)*+<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE | re.DOTALL)
_ROOT = re.compile(rb"\s*+(?:<!--(?>.*?-->)\s*+)*+<(?:!DOCTYPE\s+)?[A-Za-z_\x80-\xff][^\s/<>]*(?:\s[^<]*|/)?>", re.DOTALL)
_CLOSED = re.compile(rb"</|/>")
# fmt: off
_ENDINGS = frozenset({
    "xml", "xhtml", "xht", "svg", "rss", "atom", "xsd", "xsl", "xslt", "wsdl", "kml", "gpx", "tcx", "opf", "ncx", "rels", "fodt", "fods",
    "fodp", "fodg", "fb2", "dita", "docbook", "plist", "xmp", "owl", "rdf", "tei",
})
# fmt: on
#: Faults that the mere end of a sample makes.
_CUT = frozenset(expat.errors.codes[text] for text in (expat.errors.XML_ERROR_NO_ELEMENTS, expat.errors.XML_ERROR_UNCLOSED_TOKEN))


def markup_of(head: bytes, ending: str) -> str:
    """`xml`, `html`, or nothing. `head` is the beginning of the text, as UTF-8 or another superset of ASCII."""
    start = head.lstrip()
    if not start.startswith(b"<"):
        return "html" if ending in ("html", "htm", "xhtml") and b"<" in head else ""
    if start.startswith(b"<?xml") and start[5:6].isspace():
        return "xml" if not _HTML.match(start, start.find(b"?>") + 2) or _is_well_formed(start) else "html"
    if _HTML.match(start):
        return "html"
    if ending in _ENDINGS:
        return "xml"
    if ending in ("html", "htm", "mht", "vue"):
        return "html"
    # A text may begin with a word in brackets; what is closed nowhere is no element, and a text is read wholly.
    return "xml" if _ROOT.match(start) and _CLOSED.search(start) and _is_well_formed(start) else ""


def _is_well_formed(start: bytes) -> bool:
    """True if expat has nothing against it but that it ends."""
    parser = expat.ParserCreate("utf-8")
    try:
        parser.Parse(start, False)
    except expat.ExpatError as error:
        return error.code in _CUT
    return True
