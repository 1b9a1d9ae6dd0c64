"""HTML as people and mail programs write it, as events that know their bytes (WHATWG HTML §13.2, as far as texts are concerned).

Nothing is an error: whatever a browser would read, hide or skip ends in some run, so that nothing in the file stays unseen.
"""

import re
from collections import Counter
from collections.abc import Generator, Iterator
from typing import BinaryIO

from dsr_engine.content.documents.block_stream import BlockStream
from dsr_engine.content.documents.markup_words import HTML, XHTML
from dsr_engine.content.documents.xml_runs import Written, xml_run
from dsr_engine.content.documents.xml_stream import Attribute, End, Event, Name, Start, Text
from dsr_engine.content.format import Unreadable
from dsr_engine.content.stream import BLOCK

#: Elements that may be open at once; deeper ones end where they begin, and their text belongs to what is around them.
_DEEPEST = 1000
#: A tag with more attributes is one text.
_MOST_ATTRIBUTES = 10_000
VOID = frozenset(b"area base br col embed hr img input link meta param source track wbr basefont bgsound frame keygen isindex".split())
#: Elements whose content is no markup: as it is written, and (the second) with references.
_RAW = frozenset(b"script style xmp iframe noembed noframes plaintext".split())
_PLAIN_TEXT = frozenset(b"textarea title".split())
#: All of those: their content ends with their own end only.
RAW = _RAW | _PLAIN_TEXT
_BLOCKS = frozenset(name.encode() for name, role in HTML.roles.items() if role.is_block)
#: What ends when one of these begins.
IMPLIED = {
    **dict.fromkeys((b"p", b"div", b"ul", b"ol", b"dl", b"table", b"h1", b"h2", b"h3", b"pre", b"form", b"section", b"article"), (b"p",)),
    b"li": (b"p", b"li"),
    b"dd": (b"p", b"dd", b"dt"),
    b"dt": (b"p", b"dd", b"dt"),
    b"option": (b"option",),
    b"td": (b"p", b"td", b"th"),
    b"th": (b"p", b"td", b"th"),
    b"tr": (b"p", b"td", b"th", b"tr"),
}
_TAG = re.compile(
    rb"""</?([A-Za-z][^\s/>]*+)"""
    rb"""((?:[\s/]++|[^\s/>=]++(?:\s*+=\s*+(?:"[^"]*+"|'[^']*+'|[^\s>"'][^\s>]*+|(?=>)))?+|=)*+)>""",
)
_LOOSE_TAG = re.compile(rb"</?[A-Za-z][^>]*>")
_ATTRIBUTE = re.compile(rb"""([^\s/>=]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>"'][^\s>]*)))?""")
#: Names that say nothing. Any other name is a text of its own: people write `<jane@example.org>`.
_ELEMENTS = frozenset(
    (
        b"a abbr acronym address area article aside audio b base bdi bdo big blockquote body br button canvas caption center cite code col "
        b"colgroup data datalist dd del details dfn dialog dir div dl dt em embed fieldset figcaption figure font footer form frame frameset "
        b"h1 h2 h3 h4 h5 h6 head header hgroup hr html i iframe img input ins kbd label legend li link main map mark marquee menu meta meter "
        b"nav nobr noframes noscript object ol optgroup option output p param picture pre progress q rp rt ruby s samp script search section "
        b"select slot small source span strike strong style sub summary sup svg table tbody td template textarea tfoot th thead time title "
        b"tr track tt u ul var video wbr g path circle rect line text tspan use defs math o:p "
    ).split()
)
_ATTRIBUTES = frozenset(
    (
        b"accept action align alt aria-hidden aria-label async autocomplete bgcolor border cellpadding cellspacing charset checked class "
        b"color cols colspan content d data datetime defer dir disabled enctype face fill for frameborder headers height href hreflang http- "
        b"equiv id itemprop itemscope itemtype label lang language loading maxlength media method multiple name nowrap onclick onload "
        b"placeholder property rel role rows rowspan selected size src srcset style summary tabindex target title type valign value version "
        b"viewbox width xmlns xml:lang "
    ).split()
)
_MARKUP = re.compile(rb"<(?=[A-Za-z!?]|/[A-Za-z]|/?\Z)")
_UNSURE_END = re.compile(rb"(?:&[^;<&\s]{0,64}|[\xc0-\xff][\x80-\xbf]{0,2})\Z")
_CLOSING = {name: re.compile(rb"</" + name + rb"(?=[\s/>])", re.IGNORECASE) for name in RAW - {b"plaintext"}}


def is_whole_tag(data: bytes) -> bool:
    """True for bytes that are one tag, as a browser reads it, and nothing beside it."""
    return _TAG.fullmatch(data) is not None and data.count(b"=") <= _MOST_ATTRIBUTES


class HtmlStream(BlockStream[Event]):
    """Reads one file of UTF-8, or of whatever `written` says."""

    def __init__(self, source: BinaryIO, limit: int, written: Written) -> None:
        super().__init__(source)
        self._limit = limit
        self._written = written
        self._open: list[bytes] = []
        self._count: Counter[bytes] = Counter()
        self._raw = b""
        self._is_xhtml = False

    def events(self) -> Iterator[Event]:
        """All events. Raises `Unreadable` (`html.token_too_long`) for one tag or comment that is longer than the limit."""
        return self._told()

    def _read(self) -> int:
        if len(self._data) > self._limit + BLOCK:
            raise Unreadable("html.token_too_long", "a tag or comment in HTML is longer than the limit; the rest was searched as bytes only")
        return super()._read()

    def _complete(self) -> Generator[Event, None, int]:
        data, at = self._data, 0
        while at < len(data):
            if self._raw:
                end = yield from self._raw_text(at)
            elif data[at] != 60:  # <
                end = yield from self._text(at, self._markup_from(at))
            else:
                end = yield from self._markup(at)
            if end == at:
                return at
            at = end
        return at

    def _markup_from(self, at: int) -> int:
        """Where the next tag or comment begins; -1 if none does. A `<` with a space behind it is text."""
        found = _MARKUP.search(self._data, at)
        return found.start() if found else -1

    def _text(self, at: int, end: int, kind: str = "text") -> Generator[Event, None, int]:
        """Text up to `end`; -1: as far as it surely goes."""
        if end < 0:
            unsure = None if self._is_last else _UNSURE_END.search(self._data, max(at, len(self._data) - 70))
            end = unsure.start() if unsure else len(self._data)
        if end > at:
            yield Text(xml_run(self.offset + at, self._data[at:end], kind, self._written))
        return end

    def _raw_text(self, at: int) -> Generator[Event, None, int]:
        """The content of a script, up to the tag that ends it."""
        name = self._raw
        kind = "html" if name in _PLAIN_TEXT else "raw"
        found = _CLOSING[name].search(self._data, at) if name in _CLOSING else None
        if found is not None:
            self._raw = b""
            if found.start() > at:
                yield from self._text(at, found.start(), kind)
                return found.start()
            return (yield from self._markup(at))
        sure = len(self._data) if self._is_last else len(self._data) - len(name) - 4
        if sure <= at:
            return at
        while sure > at and self._data[sure - 1 : sure] >= b"\x80":
            sure -= 1
        return (yield from self._text(at, max(sure, at + 1), kind))

    def _markup(self, at: int) -> Generator[Event, None, int]:
        data = self._data
        if data.startswith((b"<!", b"<?"), at):
            return (yield from self._comment(at))
        if not data[at + 1 : at + 2].isalpha() and not (data.startswith(b"</", at) and data[at + 2 : at + 3].isalpha()):
            if len(data) - at < 3 and not self._is_last:
                return at
            return (yield from self._text(at, self._markup_from(at + 1)))
        return (yield from self._tagged(at))

    def _tagged(self, at: int) -> Generator[Event, None, int]:
        """A tag, and as a text what in it is no usual name."""
        data = self._data
        found = _TAG.match(data, at)
        if found is None or found[2].count(b"=") > _MOST_ATTRIBUTES:
            found = _LOOSE_TAG.match(data, at)
        if found is None:
            if not self._is_last:
                return at
            return (yield from self._verbatim(at, at + 1, len(data), len(data), "tag"))
        if found.re is _LOOSE_TAG or found[1].lower() not in _ELEMENTS or (found[0].startswith(b"</") and found[2].strip()):
            yield from self._verbatim(at, at + 1, found.end() - 1, found.end(), "tag")
        if found.re is _TAG:
            yield from self._tag(found)
        return found.end()

    def _comment(self, at: int) -> Generator[Event, None, int]:
        data = self._data
        is_comment = data.startswith(b"<!--", at)
        start = at + (4 if is_comment else 2)
        mark = b"-->" if is_comment and not data.startswith((b">", b"->"), start) else b">"
        end = data.find(mark, start)
        if end < 0:
            if not self._is_last:
                return at
            return (yield from self._verbatim(at, min(start, len(data)), len(data), len(data), "comment"))
        kind = "comment" if is_comment else "doctype"
        return (yield from self._verbatim(at, start, end, end + len(mark), kind))

    def _verbatim(self, at: int, start: int, end: int, behind: int, kind: str) -> Generator[Event, None, int]:
        if end > start:
            yield Text(xml_run(self.offset + start, self._data[start:end], kind, self._written))
        return max(behind, at + 1)

    # ---- tags

    def _tag(self, found: re.Match[bytes]) -> Iterator[Event]:
        raw = found[1].lower()
        start, end = self.offset + found.start(), self.offset + found.end()
        if found[0].startswith(b"</"):
            yield from self._closed(raw, start, end)
            return
        for other in IMPLIED.get(raw, ()):
            if self._open and self._open[-1] == other:
                yield from self._pop(start)
        attributes = tuple(self._attributes(found))
        name = Name(XHTML, raw.decode("utf-8", "replace"))
        yield Start(name, start, end, attributes)
        if raw == b"html":
            self._is_xhtml = any(attribute.name.local == "xmlns" for attribute in attributes)
        is_closed = raw in VOID or (found[2].endswith(b"/") and (self._is_xhtml or b":" in raw))
        if is_closed or len(self._open) >= _DEEPEST:
            yield End(name, end, end)
            return
        self._open.append(raw)
        self._count[raw] += 1
        if raw in RAW:
            self._raw = raw

    def _attributes(self, found: re.Match[bytes]) -> Iterator[Attribute]:
        base = self.offset + found.start(2)
        for one in _ATTRIBUTE.finditer(found[2]):
            group = next((number for number in (2, 3, 4) if one[number] is not None), 1)
            name = Name("", one[1].decode("utf-8", "replace").lower())
            kind = {2: "attribute", 3: "single", 4: "bare", 1: "tag"}[group]
            if group != 1 and one[1].lower() not in _ATTRIBUTES:
                yield Attribute(name, xml_run(base + one.start(1), one[1], "tag", self._written))
            yield Attribute(name, xml_run(base + one.start(group), one[group], kind, self._written))

    def _closed(self, raw: bytes, start: int, end: int) -> Iterator[Event]:
        if not self._count[raw] or (raw not in _BLOCKS and self._is_across_a_block(raw)):
            return
        while self._open[-1] != raw:
            yield from self._pop(start)
        self._open.pop()
        self._forget(raw)
        yield End(Name(XHTML, raw.decode("utf-8", "replace")), start, end)

    def _forget(self, raw: bytes) -> None:
        self._count[raw] -= 1
        if not self._count[raw]:
            del self._count[raw]

    def _is_across_a_block(self, raw: bytes) -> bool:
        """True for the end of a formatting element that began outside of the block that is open: the block goes on, as in a browser."""
        for name in reversed(self._open):
            if name == raw:
                return False
            if name in _BLOCKS:
                return True
        return False

    def _pop(self, at: int) -> Iterator[Event]:
        raw = self._open.pop()
        self._forget(raw)
        yield End(Name(XHTML, raw.decode("utf-8", "replace")), at, at)
