"""Which characters the bytes of a text file are, so that formats need to know about bytes that contain ASCII as ASCII and nothing else.

Files in UTF-16, UTF-32, EBCDIC, ISO-2022-JP or a declared charset beyond Windows-1252 are read *through* a transcoding layer as UTF-8 and written
back through it; all others are read as they are, and each piece is decoded on its own (UTF-8, else what `charset_guess` makes of it), because real
files mix them.
"""

import codecs
import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import chain
from typing import BinaryIO, cast

from dsr_engine.content.codec_names import WIDE, known_codec
from dsr_engine.content.format import Opener, Writer
from dsr_engine.content.stream import chunks, flowing

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
#: Without those that separate fields and records in some tables (Hive, ASCII delimited text), tabs, line ends, and ESC.
_CONTROLS = re.compile(rb"[\x00\x04-\x08\x0e-\x1a]")
#: Letters, digits, space and the signs of addresses and tables, in every EBCDIC code page of the West; and what ends its lines.
_EBCDIC_LETTERS = rb"\x81-\x89\x91-\x99\xa2-\xa9\xc1-\xc9\xd1-\xd9\xe2-\xe9\xf0-\xf9"
_EBCDIC_TEXT = re.compile(rb"[" + _EBCDIC_LETTERS + rb"\x05\x0d\x15\x25\x40\x4b-\x4e\x50\x5c-\x61\x6b-\x6f\x7a-\x7f]")
_EBCDIC_WORD = re.compile(rb"[" + _EBCDIC_LETTERS + rb"]{2}")
#: What Windows-1252 text does not hold: bytes without a character, and words of nothing but accented letters.
NOT_WESTERN = re.compile(rb"[\x81\x8d\x8f\x90\x9d]|[\xa1-\xff]{4}")
#: For a quick look: what has no character, what may be a word of nothing but accented letters, and all else.
_WESTERN_SORTS = bytes(1 if byte in b"\x81\x8d\x8f\x90\x9d" else 2 if byte >= 0xA1 else 0 for byte in range(256))
_TEXT_LIKE = re.compile(r"[\t\n\r\x20-\x7e\xa0-\u024f\u0370-\u1fff\u2010-\u205e\u3000-\u9fff\uac00-\ud7af\uff00-\uffef]")


@dataclass(frozen=True, slots=True)
class Charset:
    """How a text file is encoded: its byte order mark, and the codec of a file that has to be transcoded (empty: read it as it is).

    `has_nel`: its lines end with the next line of EBCDIC, which is read as a line feed.
    """

    bom: bytes = b""
    wide: str = ""
    has_nel: bool = False


#: Charsets that `decoded` gives anyway.
_READ_AS_THEY_ARE = {"utf-8", "ascii", "iso8859-1", "cp1252"}


def detected(head: bytes, declared: str = "") -> Charset | None:
    """The charset of the file that begins so; None where it is no text."""
    for bom, codec in _BOMS:
        if head.startswith(bom):
            return Charset(bom, "" if codec == "utf-8" else codec)
    wide = _wide_without_bom(head)
    if wide:
        return Charset(wide=wide)
    codec = known_codec(declared) if declared else ""
    if codec and codec not in _READ_AS_THEY_ARE and not _is_utf8(head) and not (codec.startswith(WIDE) and head.isascii() and b"\0" not in head):
        return Charset(wide=codec)
    if head.isascii() and b"\x1b$" in head:
        return Charset(wide="iso2022_jp")
    if _is_ebcdic(head):
        return Charset(wide="cp037", has_nel=b"\x15" in head)
    return None if _is_binary(head) else Charset()


def _is_ebcdic(head: bytes) -> bool:
    """True for text of a mainframe: nearly nothing but EBCDIC letters, digits and signs, most of them in words. Too little text is none.

    The code pages 037, 500 and 1047 differ in brackets, exclamation mark, caret and bar; read as 037 they keep their bytes.
    """
    if len(head) < 16 or head.isascii() or _is_utf8(head):
        return False
    texts, words = len(_EBCDIC_TEXT.findall(head)), 2 * len(_EBCDIC_WORD.findall(head))
    return texts > 0.97 * len(head) and words > 0.4 * len(head) and b"\x40" in head


def _is_utf8(head: bytes) -> bool:
    """True for text beyond ASCII that is valid UTF-8: no other charset looks like that by chance. A character may be cut at the end."""
    if head.isascii():
        return False
    try:
        codecs.getincrementaldecoder("utf-8")("strict").decode(head)
    except UnicodeDecodeError:
        return False
    return True


def _is_binary(head: bytes) -> bool:
    """Text has no NUL and hardly any other control characters."""
    return b"\0" in head or len(_CONTROLS.findall(head)) * 50 > len(head)


def is_western(data: bytes) -> bool:
    """True for bytes in which `NOT_WESTERN` finds nothing; many times faster."""
    sorts = data.translate(_WESTERN_SORTS)
    return b"\1" not in sorts and b"\2\2\2\2" not in sorts


def is_guessed(head: bytes) -> bool:
    """True for a text that is neither UTF-8 nor Windows-1252: some charset that nobody declared (GBK, KOI8), in which names stay unseen."""
    return not head.isascii() and not _is_utf8(head) and bool(NOT_WESTERN.search(head))


def _wide_without_bom(head: bytes) -> str:
    """The UTF-16 or UTF-32 that these bytes are, judged by whether nearly all of it reads as text."""
    if b"\0" not in head or len(head) < 4:
        return ""
    for codec, width in (("utf-32-le", 4), ("utf-32-be", 4), ("utf-16-le", 2), ("utf-16-be", 2)):
        text = head[: len(head) // width * width].decode(codec, "replace")
        likely = len(_TEXT_LIKE.findall(text))
        apart = text.count("\x01") + text.count("\x1f") if likely >= len(text) * 0.6 else 0
        if likely + apart >= len(text) * 0.95 and "\n\0" not in text:
            return codec
    return ""


def decoded(data: bytes) -> tuple[str, str]:
    """The text, and the codec that gives exactly these bytes back."""
    for codec in ("utf-8", "cp1252"):
        try:
            return data.decode(codec), codec
        except UnicodeDecodeError:
            continue
    return data.decode("latin-1"), "latin-1"


def encoded_like(before: bytes, codec: str, text: str, now: str) -> bytes:
    """`now` in bytes, where `before` were the bytes of `text`: what did not change at both ends keeps its own bytes.

    A character that the charset does not have becomes a question mark.
    """
    if text == now:
        return before
    start = _shared(text, now)
    end = _shared(text[start:][::-1], now[start:][::-1])
    head = text[:start].encode(codec)
    tail = text[len(text) - end :].encode(codec)
    return head + now[start : len(now) - end].encode(codec, "replace") + tail


def _shared(one: str, other: str) -> int:
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if one[:middle] == other[:middle] else (low, middle - 1)
    return low


# ---- the transcoding layer


def as_utf8(open_file: Opener, charset: Charset) -> Opener:
    """The file without its byte order mark and, where it is wide, as UTF-8."""
    skip = len(charset.bom)
    if not charset.wide:
        return (lambda: flowing(chunks(open_file, skip))) if skip else open_file
    return lambda: flowing(_transcoded(open_file, skip, charset))


def _transcoded(open_file: Opener, skip: int, charset: Charset) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(charset.wide)("replace")
    with closing(chunks(open_file, skip)) as pieces:
        for piece in pieces:
            text = decoder.decode(piece)
            yield (text.replace("\x85", "\n") if charset.has_nel else text).encode()
    yield decoder.decode(b"", final=True).encode()


class _Encoding:
    """A sink that takes UTF-8 and writes the wide charset."""

    def __init__(self, sink: BinaryIO, charset: Charset) -> None:
        self._sink = sink
        self._has_nel = charset.has_nel
        self._decoder = codecs.getincrementaldecoder("utf-8")("strict")
        self._encoder = codecs.getincrementalencoder(charset.wide)("replace")

    def write(self, data: bytes) -> int:
        text = self._decoder.decode(data)
        self._sink.write(self._encoder.encode(text.replace("\n", "\x85") if self._has_nel else text))
        return len(data)

    def finish(self) -> None:
        self._sink.write(self._encoder.encode(self._decoder.decode(b"", final=True), final=True))


def from_utf8(writer: Writer, charset: Charset) -> Writer:
    """The writer of a file in its own charset, from one that writes what `as_utf8` gave."""
    if not charset.bom and not charset.wide:
        return writer

    def write(sink: BinaryIO) -> None:
        sink.write(charset.bom)
        if not charset.wide:
            writer(sink)
            return
        encoding = _Encoding(sink, charset)
        writer(cast(BinaryIO, encoding))
        encoding.finish()

    return write


def marked(plain: Opener) -> Opener:
    """What `as_utf8` gave, so that whoever reads it does not take it for what it says it is: a page that was in KOI8-R still says so."""
    return lambda: flowing(chain((codecs.BOM_UTF8,), chunks(plain)))


def unmarked(writer: Writer) -> Writer:
    """The writer of what `as_utf8` gave, from one that writes what `marked` made of it."""
    return lambda sink: writer(cast(BinaryIO, _Unmarked(sink)))


class _Unmarked:
    """A sink that leaves out the mark at the beginning."""

    def __init__(self, sink: BinaryIO) -> None:
        self._sink = sink
        self._left = len(codecs.BOM_UTF8)

    def write(self, data: bytes) -> int:
        skipped = min(self._left, len(data))
        self._left -= skipped
        self._sink.write(data[skipped:])
        return len(data)


def is_faithful(open_file: Opener, charset: Charset) -> bool:
    """True if reading and writing through the layer gives the file back byte for byte; only then may it be rewritten."""
    if not charset.wide:
        return True
    decoder = codecs.getincrementaldecoder(charset.wide)("strict")
    encoder = codecs.getincrementalencoder(charset.wide)("strict")
    pending = bytearray()
    try:
        for piece in chunks(open_file, len(charset.bom)):
            pending += piece
            if charset.has_nel and b"\x25" in piece:
                return False
            back = encoder.encode(decoder.decode(piece))
            if not pending.startswith(back):
                return False
            del pending[: len(back)]
        return encoder.encode(decoder.decode(b"", final=True), final=True) == bytes(pending)
    except UnicodeError:
        return False
