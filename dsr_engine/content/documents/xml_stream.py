"""XML as a stream of events that know their bytes (XML 1.0, Namespaces in XML 1.0), so that a text can be changed and all else stays.

Expat judges: it sees every byte, says whether the document is well-formed, and refuses nothing silently. It does not say which bytes an
attribute or a reference is, so the events are made beside it from the same bytes. Entities that a document defines are refused, whatever they
expand to; nothing outside the document is ever opened. Several documents one behind the other in a file, as logs have them, are read as one.
"""

import re
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import BinaryIO
from xml.parsers import expat

from dsr_engine.content.charset import Charset, as_utf8, detected
from dsr_engine.content.codec_names import known_codec
from dsr_engine.content.documents.block_stream import BlockStream
from dsr_engine.content.documents.xml_runs import Written, XmlRun, xml_run
from dsr_engine.content.format import Opener, Unreadable
from dsr_engine.content.stream import BLOCK, head_of, opened

_DEEPEST = 2000
#: Different names of elements and attributes: expat remembers each, and so do places.
_MOST_NAMES = 300_000
_NAMES = re.compile(rb"""(?<=<)[^\s/>!?]+|(?<=\s)[^\s=<>"'/]++(?=\s{0,8}=\s{0,8}["'])""")
_DECLARED = re.compile(rb"""^\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z][A-Za-z0-9._\-]*)["']""")
_TAG = re.compile(rb"""<([^\s/>]++)((?:\s++[^\s=]++\s*+=\s*+(?:"[^"]*+"|'[^']*+'))*+)\s*+(/?)>""")
_ATTRIBUTE = re.compile(rb"""([^\s=]+)\s*=\s*(?:"([^"]*)"|'([^']*)')""")
_PART_OF_DOCTYPE = re.compile(rb"""(?s)"[^"]*"|'[^']*'|<!--.*?-->|<\?.*?\?>|[\[\]>]|<!(?!--)|[^"'<\[\]>]+|<""")
#: What may not be cut apart at the end of a buffer: a reference, a carriage return, a character of several bytes.
_UNSURE_END = re.compile(rb"(?:&[^;<&]{0,64}|\r|[\xc0-\xff][\x80-\xbf]{0,2})\Z")
#: Faults that a further document behind the first makes, and what the end of the file makes where nothing is open.
_SEVERAL = tuple(expat.errors.codes[text] for text in (expat.errors.XML_ERROR_JUNK_AFTER_DOC_ELEMENT, expat.errors.XML_ERROR_MISPLACED_XML_PI))
_EMPTY = expat.errors.codes[expat.errors.XML_ERROR_NO_ELEMENTS]


@dataclass(frozen=True, slots=True)
class Name:
    """A name with its namespace resolved; empty where it has none or its prefix is not declared."""

    namespace: str
    local: str

    @property
    def declares(self) -> bool:
        """True for an attribute that says which namespace names are of: part of those names, not something that is told."""
        return self.namespace == "xmlns" or (not self.namespace and self.local == "xmlns")


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute, declarations of namespaces included; `value` is what stands between its quotes."""

    name: Name
    value: XmlRun


@dataclass(slots=True)
class Start:
    """A start tag: its bytes, and its attributes in their order. An empty element is a `Start` and an `End` without bytes."""

    name: Name
    start: int
    end: int
    attributes: tuple[Attribute, ...]


@dataclass(slots=True)
class End:
    """An end tag."""

    name: Name
    start: int
    end: int


@dataclass(slots=True)
class Text:
    """A piece of text, of a CDATA section (without its marks), a comment, a processing instruction or the document type.

    A long text comes in several pieces. `run.kind` says which of these it is.
    """

    run: XmlRun


Event = Start | End | Text


def xml_charset(head: bytes) -> Charset:
    """The charset by byte order mark or declaration (XML 1.0 §4.3.3, appendix F). Raises `Unreadable` for one that is not known."""
    found = detected(head)
    if found is not None and (found.bom or found.wide):
        return found
    declared = _DECLARED.match(head)
    if declared is None:
        return Charset()
    codec = known_codec(declared[1].decode("ascii"))
    if not codec:
        raise Unreadable("xml.charset", "an XML document is in a charset that is not known; only its bytes were searched")
    return Charset() if codec in ("utf-8", "ascii") or codec.startswith(("utf-16", "utf-32")) else Charset(wide=codec)


def as_plain(open_file: Opener) -> tuple[Opener, Charset]:
    """The document as UTF-8 without a mark, which is what `XmlStream` reads, and the charset that it has to be written back in."""
    charset = xml_charset(head_of(open_file, 4096))
    return as_utf8(open_file, charset), charset


def events_of(open_file: Opener, limit: int, codec: str = "") -> Generator[Event, None, None]:
    """The events of a document in UTF-8. Raises `Unreadable`. `limit`: bytes of one tag or comment; `codec`: the charset that is written later."""
    with closing(opened(open_file)) as source:
        yield from XmlStream(source, limit, codec).events()


@dataclass(slots=True)
class _Scope:
    """The namespaces that are declared here, and the names that were resolved with them."""

    prefixes: dict[bytes, str]
    elements: dict[bytes, Name] = field(default_factory=dict)
    attributes: dict[bytes, Name] = field(default_factory=dict)

    def element(self, raw: bytes) -> Name:
        name = self.elements.get(raw)
        if name is None:
            prefix, colon, local = raw.rpartition(b":")
            name = self.elements[raw] = Name(self.prefixes.get(prefix, "") if colon else self.prefixes.get(b"", ""), local.decode("utf-8", "replace"))
        return name

    def attribute(self, raw: bytes) -> Name:
        name = self.attributes.get(raw)
        if name is None:
            prefix, colon, local = raw.rpartition(b":")
            name = self.attributes[raw] = Name(self.prefixes.get(prefix, "") if colon else "", local.decode("utf-8", "replace"))
        return name


_XML = "http://www.w3.org/XML/1998/namespace"


class XmlStream(BlockStream[Event]):
    """Reads one document."""

    def __init__(self, source: BinaryIO, limit: int, codec: str = "") -> None:
        super().__init__(source)
        self._limit = limit
        self._written = Written(codec)
        self._judge = _Judge()
        self._scopes = [_Scope({b"xml": _XML, b"xmlns": "xmlns"})]
        self._open: list[tuple[bytes, bool]] = []

    def events(self) -> Iterator[Event]:
        """All events in their order. Raises `Unreadable` (`xml.broken`, `xml.entities`, `xml.too_deep`, `xml.token_too_long`)."""
        yield from self._told()
        if self._data:  # expat reads it otherwise than the events do
            raise _broken()

    def _read(self) -> int:
        if len(self._data) > self._limit:
            raise Unreadable("xml.token_too_long", "a tag or comment in XML is longer than the limit; the rest was searched as bytes only")
        fresh = super()._read()
        self._judge.see(self._data, self.offset, fresh, is_open=bool(self._open or self._data))
        return fresh

    def _complete(self) -> Generator[Event, None, int]:
        data, at = self._data, 0
        while at < len(data):
            if data[at] != 60:  # <
                end = data.find(b"<", at)
                if end < 0:
                    end = len(data) if self._is_last else self._sure_end(at)
                    if end == at:
                        return at
                yield Text(xml_run(self.offset + at, data[at:end], "text", self._written))
                at = end
                continue
            end = yield from self._markup(at)
            if end < 0:
                return at
            at = end
        return at

    def _sure_end(self, at: int) -> int:
        unsure = _UNSURE_END.search(self._data, max(at, len(self._data) - 70))
        return unsure.start() if unsure else len(self._data)

    def _markup(self, at: int) -> Generator[Event, None, int]:
        """The event of the markup that begins here, and where it ends; -1 if it is not complete."""
        data = self._data
        mark = data[at + 1 : at + 2]
        if mark == b"/":
            end = data.find(b">", at) + 1
            if not end:
                return -1
            yield self._closed(at, end)
            return end
        if mark == b"!":
            return (yield from self._declaration(at))
        if mark == b"?":
            end = data.find(b"?>", at) + 2
            if end < 2:
                return -1
            if not data.startswith(b"<?xml", at) or not data[at + 5 : at + 6].isspace():
                yield Text(xml_run(self.offset + at + 2, data[at + 2 : end - 2], "instruction", self._written))
            return end
        found = _TAG.match(data, at)
        if found is None:
            return -1
        yield from self._opened(found)
        return found.end()

    def _opened(self, found: re.Match[bytes]) -> Iterator[Event]:
        raw, base = found[1], self.offset
        attributes = tuple(_ATTRIBUTE.finditer(found[2])) if found[2] else ()
        is_scope = b"xmlns" in found[2] and self._declares(attributes)
        scope = self._scopes[-1]
        name = scope.element(raw)
        inner = base + found.start(2)
        seen = tuple(self._attribute(one, inner, scope) for one in attributes)
        yield Start(name, base + found.start(), base + found.end(), seen)
        if found[3]:
            yield End(name, base + found.end(), base + found.end())
            if is_scope:
                self._scopes.pop()
            return
        self._open.append((raw, is_scope))
        if len(self._open) > _DEEPEST:
            raise Unreadable("xml.too_deep", "XML is nested deeper than the limit; the rest was searched as bytes only")

    def _attribute(self, found: re.Match[bytes], base: int, scope: _Scope) -> Attribute:
        group = 2 if found[2] is not None else 3
        kind = "attribute" if group == 2 else "single"
        return Attribute(scope.attribute(found[1]), xml_run(base + found.start(group), found[group], kind, self._written))

    def _declares(self, attributes: Sequence[re.Match[bytes]]) -> bool:
        """True if the tag declares namespaces: a scope of its own begins."""
        declared = {}
        for found in attributes:
            if found[1] == b"xmlns" or found[1].startswith(b"xmlns:"):
                value = found[2] if found[2] is not None else found[3]
                declared[found[1][6:]] = value.decode("utf-8", "replace")
        if declared:
            self._scopes.append(_Scope(self._scopes[-1].prefixes | declared))
        return bool(declared)

    def _closed(self, at: int, end: int) -> Event:
        raw, is_scope = self._open.pop() if self._open else (b"", False)
        event = End(self._scopes[-1].element(raw), self.offset + at, self.offset + end)
        if is_scope:
            self._scopes.pop()
        return event

    def _declaration(self, at: int) -> Generator[Event, None, int]:
        data = self._data
        if data.startswith(b"<!--", at):
            end = data.find(b"-->", at + 4)
            if end < 0:
                return -1
            yield Text(xml_run(self.offset + at + 4, data[at + 4 : end], "comment", self._written))
            return end + 3
        if data.startswith(b"<![CDATA[", at):
            end = data.find(b"]]>", at + 9)
            if end < 0:
                return -1
            yield Text(xml_run(self.offset + at + 9, data[at + 9 : end], "cdata", self._written))
            return end + 3
        if not data.startswith(b"<!DOCTYPE", at):
            return -1
        end = _doctype_end(data, at)
        if end >= 0:
            yield Text(xml_run(self.offset + at + 9, data[at + 9 : end - 1], "doctype", self._written))
        return end


def _doctype_end(data: bytes, at: int) -> int:
    """Behind the document type declaration that begins here; -1 if it is not complete."""
    depth = 0
    for found in _PART_OF_DOCTYPE.finditer(data, at + 2):
        if found[0] in (b"[", b"<!"):
            depth += 1
        elif found[0] == b"]":
            depth -= 1
        elif found[0] == b">":
            if not depth:
                return found.end()
            depth -= 1
    return -1


def judged(plain: Opener) -> None:
    """Raises `Unreadable` where a document in UTF-8 is not well-formed."""
    judge = _Judge()
    offset = 0
    with closing(opened(plain)) as source:
        while piece := source.read(BLOCK):
            judge.see(piece, offset, len(piece), is_open=True)
            offset += len(piece)
    judge.see(b"", offset, 0, is_open=True)


class _Judge:
    """Expat over the same bytes. A further document behind the first gets a parser of its own."""

    def __init__(self) -> None:
        self._parser = _parser()
        self._base = 0
        self._names: set[bytes] = set()

    def see(self, data: bytes, offset: int, fresh: int, *, is_open: bool) -> None:
        """Judges the last `fresh` bytes of the buffer, which begins at `offset`; no fresh bytes mean the end. Raises `Unreadable`."""
        at = len(data) - fresh
        self._names.update(_NAMES.findall(data, at))
        if len(self._names) > _MOST_NAMES:
            raise Unreadable("xml.too_many_names", "XML has more different names than the limit; the rest was searched as bytes only")
        while True:
            try:
                self._parser.Parse(data[at:], not fresh)
            except expat.ExpatError as error:
                if error.code == _EMPTY and not fresh and not is_open:
                    return
                junk = self._base + self._parser.ErrorByteIndex - offset
                if error.code not in _SEVERAL or junk < 0 or data[junk : junk + 1] != b"<":
                    raise _broken() from None
                self._parser, self._base, at = _parser(), offset + junk, junk
            else:
                return


def _parser() -> expat.XMLParserType:
    parser = expat.ParserCreate("utf-8")
    parser.EntityDeclHandler = _refused
    return parser


def _refused(*_: object) -> None:
    raise Unreadable("xml.entities", "an XML document defines entities, as attacks do; it was searched as bytes only")


def _broken() -> Unreadable:
    return Unreadable("xml.broken", "an XML document is damaged or ends too early; what lies behind the fault was searched as bytes only")
