"""Rich Text Format (RTF 1.9.1) as paragraphs and embedded data, each with its bytes.

A destination (a header, a note, an author, a field instruction) is read apart from the text around it; formatting is not seen. Pictures and
objects are hexadecimal digits and come as `Data`. Text marked as hidden, inserted or deleted is text; corrections give a paragraph two texts.
"""

import re
from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from typing import BinaryIO

from dsr_engine.content.documents.block_stream import BlockStream
from dsr_engine.content.documents.markup_blocks import Paragraph
from dsr_engine.content.documents.passages import Passage
from dsr_engine.content.documents.rtf_runs import CHARSETS, codec_of, rtf_run
from dsr_engine.content.format import Unreadable

_DEEPEST = 1000
_MOST_FONTS = 10_000
_MOST_DATA = 50_000
_TOKEN = re.compile(
    rb"(?P<text>(?:[^\\{}]+|\\'[0-9a-fA-F]{2}|\\u-?\d{1,6} ?|\\[\\{}~_\-])+)"
    rb"|\\(?P<word>[a-zA-Z]{1,32})(?P<number>-?\d{1,9})? ?|\\(?P<symbol>[^a-zA-Z])|(?P<brace>[{}])|\\",
    re.DOTALL,
)
_HEX = re.compile(rb"[0-9a-fA-F\s]+")
#: Bytes of characters without a control word that are read at once.
_LONGEST_RUN = 256 * 1024
#: Bytes that a control word may have.
_LONGEST_WORD = 64
_DESTINATIONS = frozenset(
    (
        b"fonttbl filetbl colortbl stylesheet info author title subject manager company operator category keywords comment doccomm hlinkbase header "
        b"headerl headerr headerf footer footerl footerr footerf footnote annotation pict object result pntext listtext shptxt sn sv xe tc txe rxe "
        b"nonshppict atnid atnauthor"
    ).split()
)
_DATA = frozenset(b"pict objdata datafield themedata colorschememapping datastore fontemb".split())
_ENDS_PARAGRAPH = frozenset(b"par cell nestcell row nestrow sect page column".split())
_STANDS_FOR = {
    b"tab": "\t", b"line": "\n", b"lbr": "\n", b"emdash": "\u2014", b"endash": "\u2013", b"lquote": "\u2018", b"rquote": "\u2019",
    b"ldblquote": "\u201c", b"rdblquote": "\u201d", b"bullet": "\u2022", b"emspace": " ", b"enspace": " ", b"qmspace": " ",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Data:
    """Something embedded: its bytes in the file. `is_hex`: they are digits. `kind` is the destination (`pict`, `objdata`)."""

    number: int
    kind: str
    start: int
    end: int
    is_hex: bool


@dataclass(frozen=True, slots=True)
class _State:
    """What braces save and restore."""

    codec: str
    fallback: int = 1
    label: str = ""
    kind: bytes = b""
    is_own: bool = False


@dataclass(slots=True)
class _Flow:
    """One stream of text: the document, or a destination. Its paragraph begins with its first character."""

    paragraph: Paragraph | None = None


class RtfStream(BlockStream[Passage | Data]):
    """Reads one document. `limit`: characters of a paragraph that are held."""

    def __init__(self, source: BinaryIO, limit: int) -> None:
        super().__init__(source)
        self._limit = limit
        self._state = _State("cp1252")
        self._saved: list[_State] = []
        self._flows = [_Flow()]
        self._fonts: dict[int, str] = {}
        self._font = -1
        self._default = "cp1252"
        self._paragraphs = self._datas = self._binary = 0
        self._region: list[int] = []
        self._is_starred = self._is_fresh = self._is_glued = False

    def items(self) -> Iterator[Passage | Data]:
        """Paragraphs and data in the order in which they end. Raises `Unreadable` (`rtf.too_deep`)."""
        yield from self._told()
        yield from self._data_ended()
        for _ in range(len(self._flows)):
            yield from self._paragraph_ended()
            self._flows.pop()

    def _complete(self) -> Generator[Passage | Data, None, int]:
        data, at = self._data, 0
        while at < len(data):
            if self._binary:
                passed = min(self._binary, len(data) - at)
                self._binary, at = self._binary - passed, at + passed
                continue
            if self._state.kind in _DATA and (found := _HEX.match(data, at)):
                yield from self._hexed(found)
                at = found.end()
                continue
            found = _TOKEN.match(data, at)
            assert found is not None  # every byte is a token
            if not self._is_last and self._is_unsure(found, at):
                return at
            yield from self._token(found)
            at = found.end()
        return at

    def _is_unsure(self, found: re.Match[bytes], at: int) -> bool:
        """True if more bytes could change what this token is."""
        near_end = len(self._data) - found.end() < _LONGEST_WORD
        return near_end and (len(self._data) - at < _LONGEST_RUN if found["text"] else True)

    def _hexed(self, found: re.Match[bytes]) -> Iterator[Data]:
        """Digits: more of the data that is open, or, behind something else, of another."""
        start, end = self.offset + found.start(), self.offset + found.end()
        if self._region and self._region[1] != start:
            yield from self._data_ended()
        if self._region or not found[0].isspace():
            self._region = [self._region[0] if self._region else start, end]

    def _data_ended(self) -> Iterator[Data]:
        if self._region:
            start, end = self._region
            self._region = []
            yield self._data_at(start, end, is_hex=True)

    def _data_at(self, start: int, end: int, *, is_hex: bool) -> Data:
        self._datas += 1
        if self._datas > _MOST_DATA:
            raise Unreadable("rtf.too_many_parts", "an RTF document has more embedded parts than the limit; the rest was searched as bytes only")
        return Data(self._datas, self._state.kind.decode("ascii"), start, end, is_hex)

    def _token(self, found: re.Match[bytes]) -> Iterator[Passage | Data]:
        is_glued = False
        if found["text"] is not None:
            yield from self._said(found)
        elif found["word"] is not None:
            is_glued = not found[0].endswith(b" ")
            yield from self._word(found["word"], int(found["number"] or 1), has_number=found["number"] is not None, end=found.end())
        elif found["brace"] == b"{":
            self._opened()
        elif found["brace"] == b"}":
            yield from self._closed()
        elif found["symbol"] == b"*":
            self._is_starred = True
        elif found["symbol"] in (b"\r", b"\n"):
            yield from self._paragraph_ended()
        if not (found["brace"] == b"{" or found["symbol"] == b"*" or (found["text"] is not None and not found["text"].strip(b"\r\n"))):
            self._is_fresh = self._is_starred = False
        self._is_glued = is_glued

    # ---- text

    def _said(self, found: re.Match[bytes]) -> Iterator[Passage]:
        state = self._state
        run = rtf_run(self.offset + found.start(), found[0], state.codec, state.fallback, is_glued=self._is_glued)
        if run.text:
            paragraph = self._current()
            paragraph.add(state.label, run)
            if paragraph.size > self._limit:
                paragraph.is_cut = True
                yield from paragraph.passages()
                paragraph.shortened()

    def _current(self) -> Paragraph:
        flow = self._flows[-1]
        if flow.paragraph is None:
            self._paragraphs += 1
            flow.paragraph = Paragraph(self._paragraphs)
        return flow.paragraph

    def _paragraph_ended(self) -> Iterator[Passage]:
        flow = self._flows[-1]
        if flow.paragraph is not None:
            yield from flow.paragraph.passages()
            flow.paragraph = None

    # ---- groups

    def _opened(self) -> None:
        if len(self._saved) >= _DEEPEST:
            raise Unreadable("rtf.too_deep", "groups of an RTF document are nested deeper than the limit; the rest was searched as bytes only")
        self._saved.append(self._state)
        self._state = replace(self._state, is_own=False)
        self._is_fresh = True

    def _closed(self) -> Iterator[Passage | Data]:
        yield from self._data_ended()
        if self._state.is_own:
            yield from self._paragraph_ended()
            self._flows.pop()
        if self._saved:
            self._state = self._saved.pop()

    def _destination(self, word: bytes) -> None:
        if not self._state.is_own:
            self._flows.append(_Flow())
        self._state = replace(self._state, kind=word, is_own=True, label="")

    # ---- control words

    def _word(self, word: bytes, number: int, *, has_number: bool, end: int) -> Iterator[Passage | Data]:
        if (self._is_starred and self._is_fresh) or word in _DESTINATIONS or word in _DATA:
            self._destination(word)
        if word in _ENDS_PARAGRAPH:
            yield from self._paragraph_ended()
        elif word in _STANDS_FOR:
            self._current().add(self._state.label, _STANDS_FOR[word])
        elif word == b"bin" and has_number and number > 0:
            self._binary = number
            yield self._data_at(self.offset + end, self.offset + end + number, is_hex=False)
        elif word in (b"deleted", b"revised"):
            label = ("del" if word == b"deleted" else "ins") if number else ""
            self._state = replace(self._state, label=label)
        elif word == b"uc":
            self._state = replace(self._state, fallback=max(0, min(number, 16)) if has_number else 1)
        else:
            self._charset(word, number)

    def _charset(self, word: bytes, number: int) -> None:
        in_table = self._state.kind == b"fonttbl"
        if word == b"ansicpg":
            self._default = codec_of(number)
            self._state = replace(self._state, codec=self._default)
        elif word == b"f" and in_table:
            self._font = number
        elif word == b"fcharset" and in_table:
            codec = CHARSETS.get(number, self._default)
            if len(self._fonts) < _MOST_FONTS:
                self._fonts[self._font] = codec
            self._state = replace(self._state, codec=codec)
        elif word == b"f":
            self._state = replace(self._state, codec=self._fonts.get(number, self._default))
        elif word == b"plain":
            self._state = replace(self._state, codec=self._default, label="")
        elif word in (b"mac", b"pc", b"pca"):
            self._default = {b"mac": "mac_roman", b"pc": "cp437", b"pca": "cp850"}[word]
            self._state = replace(self._state, codec=self._default)
