"""What elements mean to a reader: which ones are paragraphs, which stand for a space or a line break, which hold what is not shown in line.

WordprocessingML, DrawingML, PresentationML, SpreadsheetML (ECMA-376-1, both namespaces), OpenDocument 1.3, XHTML and HTML, SVG.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from dsr_engine.content.documents.xml_stream import Name

_OOXML = "http://schemas.openxmlformats.org/"
_STRICT = "http://purl.oclc.org/ooxml/"
_ODF = "urn:oasis:names:tc:opendocument:xmlns:"
XHTML = "http://www.w3.org/1999/xhtml"
_SVG = "http://www.w3.org/2000/svg"


@dataclass(frozen=True, slots=True)
class Role:
    """`is_block`: its text is read together, and apart from what is around it. `stands_for`: what a reader sees in the element's place.

    `label` is the stream that text in it belongs to: `ins` and `del` are corrections (the text as it is, the text as it was), others
    (`field`, `phonetic`, `data`) are read apart. `has_text`: white space in it is text. `is_row` and `is_cell`: of a table, whose neighbouring cells
    may say something only together.
    """

    is_block: bool = False
    stands_for: str = ""
    label: str = ""
    has_text: bool = False
    is_row: bool = False
    is_cell: bool = False


#: Names whose roles are remembered.
_MOST_NAMES = 10_000
_PLAIN = Role()
_BLOCK = Role(is_block=True)
_TEXT = Role(has_text=True)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The words of one namespace. `collapses`: several spaces are one. `is_spaced`: white space between elements is text.

    `is_apart`: a block inside a block parts the text around it, as in HTML; elsewhere it is a note or a box that is set aside.
    """

    roles: Mapping[str, Role]
    collapses: bool = False
    is_spaced: bool = False
    is_apart: bool = False


_ROW, _CELL = Role(is_row=True), Role(is_cell=True)
_WORD = Vocabulary(
    {
        "tr": _ROW,
        "tc": _CELL,
        "p": _BLOCK,
        "t": _TEXT,
        "delText": Role(label="del", has_text=True),
        "instrText": Role(label="field", has_text=True),
        "delInstrText": Role(label="field", has_text=True),
        "fldData": Role(label="data"),
        "ins": Role(label="ins"),
        "moveTo": Role(label="ins"),
        "del": Role(label="del"),
        "moveFrom": Role(label="del"),
        "rt": Role(label="phonetic"),
        "tab": Role(stands_for="\t"),
        "ptab": Role(stands_for="\t"),
        "br": Role(stands_for="\n"),
        "cr": Role(stands_for="\n"),
        "noBreakHyphen": Role(stands_for="-"),
        "txbxContent": _BLOCK,
    }
)
_DRAWING = Vocabulary({"tr": _ROW, "tc": _CELL, "p": _BLOCK, "t": _TEXT, "br": Role(stands_for="\n"), "tab": Role(stands_for="\t")})
_SHEET = Vocabulary({"si": _BLOCK, "is": _BLOCK, "text": _BLOCK, "c": _BLOCK, "t": _TEXT, "v": _TEXT, "f": _BLOCK, "rPh": Role(label="phonetic")})
_MATH = Vocabulary({"t": _TEXT})
_OOXML_WORDS = {
    "wordprocessingml": _WORD,
    "drawingml": _DRAWING,
    "presentationml": Vocabulary({}),
    "spreadsheetml": _SHEET,
    "officeDocument": _MATH,
}
_ODF_TEXT = Vocabulary(
    {
        **dict.fromkeys(("p", "h", "note", "note-citation", "note-body", "tracked-changes", "ruby-text", "alphabetical-index-mark"), _BLOCK),
        "s": Role(stands_for=" "),
        "tab": Role(stands_for="\t"),
        "line-break": Role(stands_for="\n"),
    },
    collapses=True,
    is_spaced=True,
)
_ODF_OTHER = Vocabulary(
    {
        **dict.fromkeys(("annotation", "event-listeners", "binary-data"), _BLOCK),
        **dict.fromkeys(("frame", "text-box", "title", "desc", "object"), _BLOCK),
        "table-row": _ROW,
        "table-cell": Role(is_block=True, is_cell=True),
    },
    collapses=True,
    is_spaced=True,
)
_DUBLIN = Vocabulary(dict.fromkeys(("creator", "date", "title", "subject", "description", "contributor", "publisher"), _BLOCK))
# fmt: off
_HTML_BLOCKS = (
    "address", "article", "aside", "blockquote", "body", "button", "caption", "center", "dd", "details", "dialog", "dir", "div", "dl", "dt",
    "fieldset", "figcaption", "figure", "footer", "form", "frameset", "h1", "h2", "h3", "h4", "h5", "h6", "head", "header", "hgroup",
    "html", "legend", "li", "main", "menu", "nav", "noframes", "noscript", "object", "ol", "optgroup", "option", "p", "pre", "script",
    "section", "select", "style", "summary", "table", "tbody", "td", "template", "textarea", "tfoot", "th", "thead", "title", "tr", "ul",
    "xmp", "plaintext", "iframe", "noembed", "svg", "math", "canvas", "audio", "video",
)
# fmt: on
HTML = Vocabulary(
    {
        **dict.fromkeys(_HTML_BLOCKS, _BLOCK),
        "tr": Role(is_block=True, is_row=True),
        **dict.fromkeys(("td", "th"), Role(is_block=True, is_cell=True)),
        "br": Role(stands_for="\n"),
        "hr": Role(stands_for="\n"),
        "img": Role(stands_for=" "),
        "input": Role(stands_for=" "),
        "rt": Role(label="phonetic"),
        "rp": Role(label="phonetic"),
        "del": Role(label="del"),
        "ins": Role(label="ins"),
    },
    collapses=True,
    is_spaced=True,
    is_apart=True,
)
_DRAWN = Vocabulary({"text": _BLOCK, "title": _BLOCK, "desc": _BLOCK, "p": _BLOCK, "metadata": _BLOCK}, collapses=True, is_spaced=True, is_apart=True)
_OTHER = Vocabulary({}, is_spaced=True)
_MICROSOFT = "http://schemas.microsoft.com/office/"


def vocabulary_of(namespace: str) -> Vocabulary:
    """The words of a namespace; of an unknown one, that nothing in it is special."""
    if namespace.startswith((_OOXML, _STRICT)):
        rest = namespace.removeprefix(_OOXML).removeprefix(_STRICT)
        return _OOXML_WORDS.get(rest.partition("/")[0], _MATH)
    if namespace.startswith(_ODF):
        return _ODF_TEXT if namespace.startswith(f"{_ODF}text:") else _ODF_OTHER
    if namespace == XHTML:
        return HTML
    if namespace == "http://purl.org/dc/elements/1.1/":
        return _DUBLIN
    if namespace.startswith("http://schemas.microsoft.com/"):
        return _MATH
    return _DRAWN if namespace == _SVG else _OTHER


def is_document(name: Name) -> bool:
    """True for the root of a document that people read; other XML is data, with fields and records."""
    namespace = name.namespace
    if namespace in (XHTML, _SVG):
        return True
    if namespace.startswith(_ODF):
        return True
    return namespace.startswith((_OOXML, _STRICT, _MICROSOFT)) and not namespace.startswith(
        (f"{_OOXML}package/", f"{_OOXML}officeDocument/2006/customXml")
    )


class Roles:
    """The roles of names, looked up once each."""

    def __init__(self) -> None:
        self._roles: dict[Name, Role] = {}
        self._words: dict[str, Vocabulary] = {}

    def of(self, name: Name) -> Role:
        role = self._roles.get(name)
        if role is None:
            if len(self._roles) > _MOST_NAMES:
                self._roles.clear()
            role = self._roles[name] = self.words(name.namespace).roles.get(name.local, _PLAIN)
        return role

    def words(self, namespace: str) -> Vocabulary:
        found = self._words.get(namespace)
        if found is None:
            found = self._words[namespace] = vocabulary_of(namespace)
        return found
