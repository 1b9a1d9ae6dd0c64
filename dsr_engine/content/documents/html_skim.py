"""The texts of an ordinary page at a glance, for a search that only wants to know whether anybody is in it.

What `HtmlFile` reads piece by piece, with the bytes of every character, is told here from the tags alone: the same paragraphs, joined across the tags
that only format them, and the same attributes and comments. A page that a browser has to guess at is not skimmed: it is read in full.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import unescape
from io import BytesIO

from dsr_engine.content.documents.html_stream import IMPLIED, RAW, VOID, HtmlStream, is_whole_tag
from dsr_engine.content.documents.markup_blocks import LONGEST_CELL
from dsr_engine.content.documents.markup_words import HTML, Role
from dsr_engine.content.documents.xml_runs import Written
from dsr_engine.content.documents.xml_stream import Start, Text

#: A comment, a declaration, or a tag whose quotes are closed within it.
_TOKEN = re.compile(
    r"(\x02|<!--(?!-?>).*?-->|<[!?](?!--)[^<>]*>|"
    r"""</?[A-Za-z](?:[^<>"'=]|=[ \t\r\n\f]*(?:"[^"<>]*"|'[^'<>]*'|(?=[^"' \t\r\n\f])))*>)""",
    re.DOTALL,
)
#: Whole paragraphs without a tag in them, which most pages consist of: they are taken out first, and a sign stands for each run of them.
_WHOLES = re.compile(r"""((?:<(p|div)(?:[ \t\r\n\f][^<>"'=]*(?:="[^"<>]*"[^<>"'=]*)*)?>[^<]*</\2>[ \t\r\n\f]*)+)""")
_SIGN, _SPLIT = "\x02", "\x03"
_REFERENCE = re.compile("&(?:#[0-9]{1,9}|#[xX][0-9a-fA-F]{1,8}|[A-Za-z][A-Za-z0-9]{0,40});?")
_CLOSED_REFERENCE = re.compile("&(?:#[0-9]{1,9}|#[xX][0-9a-fA-F]{1,8}|[A-Za-z][A-Za-z0-9]{0,40});")
_RETURN = re.compile("\r\n?")
#: Between two texts: nothing that is looked for reaches across it.
_APART = "\n\n \n\n"
#: Tags are remembered, for programs write the same ones again and again: so many of them, up to so long.
_MOST_TAGS, _LONGEST = 5_000, 400
#: Elements within elements; what is nested deeper is read in full.
_DEEPEST = 200
_LIMIT = 8 * 1024 * 1024
#: Elements whose content is as it is written, but for references.
_PLAIN_TEXT = frozenset({"title", "textarea"})
_PLAIN = Role()
_CELLS = frozenset({"td", "th"})
#: Between two cells of a row: what they say together means something.
_JOINT = ", "


@dataclass(frozen=True, slots=True)
class _Tag:
    """What a tag does, and `said`, what in it is a text of its own. `is_odd`: it is more than can be told here."""

    name: str = ""
    said: str = ""
    is_odd: bool = False
    is_whole: bool = False
    is_end: bool = False
    is_block: bool = False
    stands_for: str = ""
    is_void: bool = False
    is_closed: bool = False
    is_raw: bool = False
    is_xhtml: bool = False
    implied: tuple[str, ...] = ()


_ODD = _Tag(is_odd=True)


class Pages:
    """Skims pages one after the other."""

    def __init__(self) -> None:
        self._tags: dict[str, _Tag] = {}

    def texts(self, page: str) -> Sequence[str] | None:
        """All texts of the page, joined in any way in which nothing comes together that stood apart. None: it has to be read in full."""
        # A comment that never ends would be looked for from each of its beginnings.
        if _SIGN in page or _SPLIT in page or ("<!--" in page and page.find("<!--", page.rfind("-->") + 1) >= 0):
            return None
        pieces = _WHOLES.split(page)
        if len(pieces) == 1:
            return self._texts(page, {}, "")
        tags, said = _whole("".join(pieces[1::3]))
        found = self._texts(_SIGN.join(pieces[::3]), tags, said)
        # A sign in a comment or a script: those are texts as they stand.
        return self._texts(page, {}, "") if found is None else found

    def _texts(self, page: str, wholes: dict[str, None], said: str) -> Sequence[str] | None:
        pieces = _TOKEN.split(page)
        if "<" in "".join(pieces[::2]):
            return None
        known = self._tags
        tags: dict[str, _Tag] = {}
        for token in dict.fromkeys((*pieces[1::2], *wholes)):
            tag = tags[token] = known.get(token) or self._learnt(token)
            if tag.is_odd:
                return None
        paragraphs = _Paragraphs()
        if not paragraphs.are_told(pieces, tags):
            return None
        texts = [_APART.join(text for text in paragraphs.said if text and not text.isspace()), said]
        return [*texts, *(tag.said for tag in tags.values() if tag.said)]

    def _learnt(self, token: str) -> _Tag:
        tag = _told(token)
        if len(token) <= _LONGEST:
            if len(self._tags) >= _MOST_TAGS:
                self._tags.clear()
            self._tags[token] = tag
        return tag


def _whole(paragraphs: str) -> tuple[dict[str, None], str]:
    """The first tags of whole paragraphs, and their texts."""
    # Each second piece begins with what ends a paragraph.
    pairs = [piece.split(">", 1) for piece in paragraphs.split("<")[1::2]]
    tags = dict.fromkeys([pair[0] for pair in pairs])
    said = _collapsed(_SPLIT.join([pair[1] for pair in pairs]))
    return {f"<{tag}>": None for tag in tags}, said.replace(_SPLIT, _APART)


def _told(token: str) -> _Tag:
    if token == _SIGN:
        return _Tag(_SIGN, is_whole=True)
    if token.startswith(("<!", "<?")):
        return _Tag(said=_RETURN.sub("\n", token[4:-3] if token.startswith("<!--") else token[2:-1]), is_odd=_SIGN in token)
    raw = token.encode("utf-8", "replace")
    name = re.split(r"[\s/>]", token[2:] if token.startswith("</") else token[1:], maxsplit=1, flags=re.ASCII)[0].encode().lower().decode()
    role = HTML.roles.get(name, _PLAIN)
    # Corrections and readings are texts of their own, and one element never ends.
    if not is_whole_tag(raw) or role.label or name == "plaintext" or _SIGN in token:
        return _ODD
    texts, is_xhtml = _said_in(raw)
    said = _APART.join(text for text in texts if text.strip())
    if token.startswith("</"):
        return _Tag(name, said, is_end=True, is_block=role.is_block)
    written = name.encode()
    return _Tag(
        name,
        said,
        is_block=role.is_block,
        stands_for=role.stands_for,
        is_void=written in VOID or (token.endswith("/>") and ":" in name),
        is_closed=token.endswith("/>"),
        is_raw=written in RAW,
        is_xhtml=is_xhtml,
        implied=tuple(other.decode() for other in IMPLIED.get(written, ())),
    )


def _said_in(tag: bytes) -> tuple[list[str], bool]:
    """What the reader finds to say in a tag, and whether it names a namespace as the first tag of XHTML does."""
    said: list[str] = []
    is_xhtml = False
    for event in HtmlStream(BytesIO(tag), _LIMIT, Written()).events():
        if isinstance(event, Text):
            said.append(event.run.text)
        elif isinstance(event, Start):
            said += (attribute.value.text for attribute in event.attributes)
            is_xhtml = any(attribute.name.local == "xmlns" for attribute in event.attributes)
    return said, is_xhtml


@dataclass(slots=True)
class _Row:
    """A row of a table that is open. `within` is where the element of its cell is, 0: none is open. `is_known` False: a cell has more in it."""

    depth: int
    cells: list[str] = field(default_factory=list)
    within: int = 0
    is_known: bool = True

    def begin(self, depth: int) -> None:
        self.cells.append("")
        self.within = depth

    def add(self, text: str) -> None:
        if self.within and len(self.cells[-1]) <= LONGEST_CELL:
            self.cells[-1] += text

    def text(self) -> str:
        """What its cells say together; a long one says what it says alone."""
        return _JOINT.join(text if len(cell) <= LONGEST_CELL else _APART for cell in self.cells if (text := cell.strip()))


class _Paragraphs:
    """The paragraphs of a page, as `HtmlStream` and `Blocks` make them together."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self._stack: list[str] = []
        #: How deep the element of each open paragraph is, and its pieces.
        self._depths: list[int] = []
        self._open: list[list[str]] = []
        self._rows: list[_Row] = []
        self._is_xhtml = False
        #: The script or style that is open, and what of it was there.
        self._raw = ""
        self._held: list[str] = []
        #: False: a row has more in its cells than can be told here.
        self.is_known = True

    def are_told(self, pieces: Sequence[str], tags: dict[str, _Tag]) -> bool:
        """Takes the texts of a page and the tags between them. False: it has to be read in full."""
        for index in range(0, len(pieces) - 1, 2):
            token = pieces[index + 1]
            if not self._is_taken(pieces[index], token, tags[token]):
                return False
        return self._is_finished(pieces[-1])

    def _is_taken(self, text: str, token: str, tag: _Tag) -> bool:
        """Takes a text and the tag behind it. False: the page has to be read in full."""
        if self._raw:
            self._held.append(text)
            if not tag.is_end or tag.name != self._raw:
                self._held.append(token)
                return True
            if not self._is_raw_told():
                return False
        elif text:
            self._say(text)
        if tag.is_end:
            self._close(tag)
        elif tag.is_whole:
            self._pass_whole()
        elif tag.name:
            self._begin(tag)
        return len(self._stack) <= _DEEPEST

    def _is_finished(self, text: str) -> bool:
        if self._raw or (not self._stack and "&" in text):
            # What may be half a reference at the end of a page is read apart from the space before it.
            return False
        if text:
            self._say(text)
        while self._stack:
            self._end()
        self.said += ("".join(pieces) for pieces in self._open)
        return self.is_known

    def _say(self, text: str) -> None:
        stack, open_ones = self._stack, self._open
        text = _collapsed(text) if stack else _as_written(text)
        if (text and not text.isspace()) or (open_ones and stack):
            if not open_ones:
                self._depths.append(0)
                open_ones.append([])
            open_ones[-1].append(text)
            if self._rows:
                self._rows[-1].add(text)

    def _is_raw_told(self) -> bool:
        """Says the content of a script or style. False: it may have ended before."""
        content = "".join(self._held)
        if f"</{self._raw}" in content.lower() or _SIGN in content:
            return False
        if content:
            text = _collapsed(content) if self._raw in _PLAIN_TEXT else _RETURN.sub("\n", content)
            self._open[-1].append(text)
            if self._rows:
                self._rows[-1].add(text)
        self._raw, self._held = "", []
        return True

    def _begin(self, tag: _Tag) -> None:
        stack = self._stack
        for other in tag.implied:
            if stack and stack[-1] == other:
                self._end()
        stack.append(tag.name)
        if tag.is_block:
            self._depths.append(len(stack))
            self._open.append([])
        elif tag.stands_for and self._open:
            self._open[-1].append(tag.stands_for)
        self._table(tag, len(stack))
        if tag.name == "html":
            self._is_xhtml = tag.is_xhtml
        if tag.is_void or (tag.is_closed and self._is_xhtml):
            self._end()
        elif tag.is_raw:
            self._raw = tag.name

    def _table(self, tag: _Tag, depth: int) -> None:
        """Takes note of rows, cells, and what parts the text of a cell."""
        if tag.name == "tr":
            self._rows.append(_Row(depth))
        elif self._rows and tag.name in _CELLS:
            self._rows[-1].begin(depth)
        elif self._rows and (tag.is_block or tag.stands_for):
            self._rows[-1].add(tag.stands_for or " ")

    def _pass_whole(self) -> None:
        """Paragraphs that were taken out: what ends where one begins, and a new line for the text around them."""
        if self._stack and self._stack[-1] == "p":
            self._end()
        self._break()
        if self._rows and self._rows[-1].within:
            self._rows[-1].is_known = False

    def _break(self) -> None:
        if self._open and (last := self._open[-1]) and last[-1] != "\n":
            last.append("\n")

    def _close(self, tag: _Tag) -> None:
        stack, name = self._stack, tag.name
        if name in stack and (tag.is_block or not _is_across_a_block(stack, name)):
            while stack[-1] != name:
                self._end()
            self._end()

    def _end(self) -> None:
        self._stack.pop()
        if self._rows:
            row, depth = self._rows[-1], len(self._stack)
            row.within = row.within if row.within <= depth else 0
            if row.depth > depth:
                self._end_row(self._rows.pop())
        if self._depths and self._depths[-1] > len(self._stack):
            self._depths.pop()
            self.said.append("".join(self._open.pop()))
            self._break()

    def _end_row(self, row: _Row) -> None:
        self.is_known = self.is_known and (row.is_known or len(row.cells) < 2)
        if len(row.cells) > 1:
            self.said.append(row.text())


def _is_across_a_block(stack: Sequence[str], name: str) -> bool:
    for other in reversed(stack):
        if other == name:
            return False
        if HTML.roles.get(other, _PLAIN).is_block:
            return True
    return False


def _collapsed(text: str) -> str:
    """Text in an element: several spaces are one, and references are characters."""
    for space in "\n\r\t\f":
        if space in text:
            text = text.replace(space, " ")
    while "  " in text:
        text = text.replace("  ", " ")
    return _REFERENCE.sub(lambda found: unescape(found[0]), text) if "&" in text else text


def _as_written(text: str) -> str:
    """Text around all elements, in which spaces stay."""
    text = _RETURN.sub("\n", text)
    return _CLOSED_REFERENCE.sub(lambda found: unescape(found[0]), text) if "&" in text else text
