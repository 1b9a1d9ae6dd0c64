"""HTML files: text joined across the tags that only format it, attributes, comments, scripts, styles. A rewrite changes the bytes of texts only."""

import codecs
import re
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import chain

from dsr_engine.content.charset import Charset, as_utf8, detected, from_utf8, is_faithful, is_guessed
from dsr_engine.content.codec_names import WIDE, known_codec
from dsr_engine.content.documents.html_stream import HtmlStream
from dsr_engine.content.documents.markup_blocks import Blocks
from dsr_engine.content.documents.passages import Passage, fault, opaque_rest, units_of
from dsr_engine.content.documents.xml_file import edited
from dsr_engine.content.documents.xml_runs import Written
from dsr_engine.content.format import Opener, Reading, Unreadable, Writer
from dsr_engine.content.opaque import Opaque
from dsr_engine.content.rewriter import Rewriter
from dsr_engine.content.stream import cannot_rewrite, chunks, head_of, opened, part_of, spliced
from dsr_engine.domain.plan import Edit
from dsr_engine.domain.record import Gap, Unit

_HEAD = 65536
_STRAY = re.compile("[\udc80-\udcff]")
_BEYOND = re.compile("[^\x00-\x7f]")
_META = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([A-Za-z][A-Za-z0-9._:\-]*)""", re.IGNORECASE)
_DECLARATION = re.compile(rb"""^\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z][A-Za-z0-9._\-]*)["']""")


class HtmlFile:
    """One HTML file, however broken. Reads the file's own bytes: its charset is its own business.

    `declared` is the charset by whatever brought the file (a mail's header), which is stronger than what the file says itself.
    """

    name = "html"

    def __init__(self, declared: str = "") -> None:
        self._declared = declared

    def read(self, open_file: Opener, reading: Reading) -> Iterator[Unit | Gap]:
        script = script_of(open_file, self._declared)
        if not script.is_sure:
            yield Gap(
                reading.collection, "text.charset_unknown", "a text is in a charset that could not be told; only what is ASCII in it was searched"
            )
        told: set[str] = set()
        for got in _read(as_utf8(open_file, script.charset), script.written, reading):
            yield got
            if isinstance(got, Unit):
                told.add(got.place)
        if script.other is not None and reading.gate is not None:
            for got in _read(open_file, script.other, reading):
                if isinstance(got, Unit) and got.place not in told:
                    yield replace(got, is_opaque=True, is_value=False)

    def prepare(self, open_file: Opener, edits: Sequence[Edit], rewriter: Rewriter, reading: Reading) -> Writer:
        if not edits:
            return spliced(open_file, ())
        script = script_of(open_file, self._declared)
        if not is_faithful(open_file, script.charset):
            raise cannot_rewrite("The file is not valid in its charset and cannot be written back.")
        plain = as_utf8(open_file, script.charset)
        with closing(opened(plain)) as source:
            document = _Page(HtmlStream(source, reading.limits.line_bytes, script.written), reading)
            splices = edited(document.passages(), edits, rewriter, reading)
            if document.fault is not None:
                raise cannot_rewrite(f"The file cannot be rewritten: {document.fault.reason}.")
        return from_utf8(spliced(plain, splices), script.charset)


def _read(plain: Opener, written: Written, reading: Reading) -> Iterator[Unit | Gap]:
    with closing(opened(plain)) as source:
        document = _Page(HtmlStream(source, reading.limits.line_bytes, written), reading)
        yield from units_of(document.passages(), reading)
        if document.fault is not None:
            yield from opaque_rest(Opaque().read(part_of(plain, document.stream.offset), reading), reading)
            yield fault(document.fault, reading)


@dataclass(frozen=True, slots=True)
class Script:
    """How the bytes of a page are characters. `is_sure`: it is not a mere guess.

    `other` is how they may be read as well, where a page has bytes of several charsets: what only shows so is told, and never rewritten.
    """

    charset: Charset
    written: Written
    is_sure: bool = True
    other: Written | None = None


def said_charset(head: bytes) -> str:
    """The codec that a page names; empty where it names none that is known."""
    said = _META.search(head) or _DECLARATION.match(head)
    return known_codec(said[1].decode("ascii")) if said else ""


def script_of(open_file: Opener, declared: str = "") -> Script:
    """By byte order mark, by what is declared, else by what the bytes are: UTF-8, Windows-1252, or both, mixed by careless programs."""
    head = head_of(open_file, _HEAD)
    codec = known_codec(declared) or said_charset(head)
    found = detected(head, codec)
    if found is not None and (found.bom or found.wide.startswith(WIDE)):
        return Script(found, Written(found.wide))
    has_utf8, has_other = _bytes_in(open_file)
    if found is not None and found.wide and not (has_utf8 and not has_other):
        return Script(found, Written(found.wide), other=Written(western="strays") if has_utf8 else None)
    if not has_other:
        return Script(Charset(), Written())
    is_sure = codec not in ("", "utf-8") or not is_guessed(head)
    if has_utf8:
        return Script(Charset(), Written(western="strays"), is_sure, Written(western="all"))
    wide = "cp1252" if _is_all(open_file, "cp1252") else "iso8859-1"
    return Script(Charset(wide=wide), Written(wide), is_sure)


def _bytes_in(open_file: Opener) -> tuple[bool, bool]:
    """Whether there are characters beyond ASCII in UTF-8, and whether there are bytes that are no UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    has_utf8 = has_other = False
    with closing(chunks(open_file)) as pieces:
        for piece in chain(pieces, (b"",)):
            text = decoder.decode(piece, final=not piece)
            if not text.isascii():
                strays = len(_STRAY.findall(text))
                has_other = has_other or strays > 0
                has_utf8 = has_utf8 or len(_BEYOND.findall(text)) > strays
    return has_utf8, has_other


def _is_all(open_file: Opener, codec: str) -> bool:
    decoder = codecs.getincrementaldecoder(codec)("strict")
    try:
        with closing(chunks(open_file)) as pieces:
            for piece in pieces:
                decoder.decode(piece)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


class _Page:
    """The passages of a page; `fault` is why they ended early."""

    def __init__(self, stream: HtmlStream, reading: Reading) -> None:
        self.stream = stream
        self.fault: Unreadable | None = None
        self._limit = reading.limits.line_bytes

    def passages(self) -> Iterator[Passage]:
        try:
            yield from Blocks(self._limit).passages(self.stream.events())
        except Unreadable as unreadable:
            self.fault = unreadable
