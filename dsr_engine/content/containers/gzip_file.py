"""gzip (RFC 1952), several members included: what is inside is read by its own format under `gz/`.

An edited file is compressed anew as one member: time, system and name of the first one stay, a name that holds the person is dropped.
"""

import struct
import zlib
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import BinaryIO, cast

from dsr_engine.content.charset import decoded
from dsr_engine.content.containers.inflate import Ratio
from dsr_engine.content.containers.members import unhurried
from dsr_engine.content.format import Budget, Nested, Opener, Reading, Unreadable, Writer
from dsr_engine.content.opaque import opaque_bytes
from dsr_engine.content.places import inside, local_place
from dsr_engine.content.rewriter import Rewriter
from dsr_engine.content.stream import cannot_rewrite, flowing, head_of, opened, part_of, spliced
from dsr_engine.domain.plan import Edit, RedactSpans
from dsr_engine.domain.record import Gap, Unit

_HEADER_BYTES = 65536
_PIECE = 256 * 1024
_MAGIC = b"\x1f\x8b\x08"
_FEXTRA, _FNAME, _FCOMMENT, _FHCRC = 4, 8, 16, 2


@dataclass(frozen=True, slots=True)
class _Header:
    """The words of one member's header, and how many bytes it takes."""

    size: int
    mtime: int
    hint: int
    system: int
    name: bytes
    comment: bytes
    extra: bytes


class GzipFile:
    """Reads through all members as one stream, which is what gzip means by them."""

    name = "gzip"

    def __init__(self, nested: Nested) -> None:
        self._nested = nested

    def read(self, open_file: Opener, reading: Reading) -> Iterator[Unit | Gap]:
        words: list[bytes] = []
        behind: list[int] = []
        budget = reading.budget or Budget(reading.limits)
        inner = replace(reading, prefix=f"{reading.prefix}gz/", depth=reading.depth + 1, budget=budget, name=_inner_name(reading.name))
        yield from self._nested.read(lambda: flowing(_content(open_file, budget, words, behind)), inner)
        for word in dict.fromkeys(words):
            text = decoded(word)[0]
            if text and (reading.gate is None or reading.gate.passes_text(text)):
                yield Unit(f"{reading.prefix}gz/name", text, inside(reading))
        if behind:
            yield from opaque_bytes(part_of(open_file, behind[0]), "rest", reading)

    def prepare(self, open_file: Opener, edits: Sequence[Edit], rewriter: Rewriter, reading: Reading) -> Writer:
        if not edits:
            return spliced(open_file, ())
        budget = unhurried(reading.limits)
        names = [edit for edit in edits if local_place(edit, reading) == "gz/name"]
        if any(not isinstance(edit.how, RedactSpans) for edit in names):
            raise cannot_rewrite("The name in a gzip file can be redacted, nothing else.")
        inner = replace(reading, prefix=f"{reading.prefix}gz/", depth=reading.depth + 1, budget=budget, name=_inner_name(reading.name))
        try:
            header = _header(head_of(open_file, _HEADER_BYTES))
            rest = [edit for edit in edits if edit not in names]
            writer = self._nested.prepare(lambda: flowing(_content(open_file, unhurried(reading.limits), [], [])), rest, rewriter, inner)
        except Unreadable as unreadable:
            raise cannot_rewrite(f"The file cannot be rewritten: {unreadable.reason}.") from None
        kept = tuple(b"" if rewriter.redacted(text := decoded(word)[0]) != text else word for word in (header.name, header.comment))
        return _compressed(writer, replace(header, name=kept[0], comment=kept[1]))


def _inner_name(name: str) -> str:
    return name[:-3] if name.lower().endswith(".gz") else ""


def _header(data: bytes) -> _Header:
    """The header at the start of the bytes. Raises `Unreadable` if there is none."""
    if len(data) < 10 or not data.startswith(_MAGIC):
        raise Unreadable("archive.damaged", "what follows in a gzip file is no gzip; the rest was not read")
    _, _, flags, mtime, hint, system = struct.unpack("<2sBBIBB", data[:10])
    at = 10
    extra = b""
    if flags & _FEXTRA:
        length = 2 + int.from_bytes(data[at : at + 2], "little")
        extra = data[at + 2 : at + length]
        at += length
    words = []
    for flag in (_FNAME, _FCOMMENT):
        end = data.find(b"\0", at) if flags & flag else at
        words.append(data[at : max(at, end)])
        at = end + 1 if flags & flag else at
        if end < 0:
            raise Unreadable("archive.truncated", "the header of a gzip file has no end; it was not read")
    at += 2 if flags & _FHCRC else 0
    return _Header(at, mtime, hint, system, words[0], words[1], extra)


def _content(open_file: Opener, budget: Budget, words: list[bytes], behind: list[int]) -> Iterator[bytes]:
    """The decompressed bytes of all members; `words` gathers names, comments and extra fields on the way, `behind` where something else begins.

    Zeros behind the last member are padding.
    """
    ratio = Ratio(budget)
    with closing(opened(open_file)) as source:
        at = 0
        while True:
            source.seek(at)
            head = source.read(_HEADER_BYTES)
            if not head.strip(b"\0") and at:
                return
            if at and not head.startswith(_MAGIC):
                behind.append(at)
            header = _header(head)
            words += [header.name, header.comment, header.extra]
            source.seek(at + header.size)
            at = yield from _member(source, at + header.size, ratio)


def _member(source: BinaryIO, at: int, ratio: Ratio) -> Generator[bytes, None, int]:
    """The content of the member whose compressed bytes begin here; returns where the next member begins."""
    inflater = zlib.decompressobj(-15)
    crc = size = 0
    while not inflater.eof:
        piece = inflater.unconsumed_tail or source.read(_PIECE)
        if not inflater.unconsumed_tail:
            at += len(piece)
            ratio.taken += len(piece)
        try:
            out = inflater.decompress(piece, _PIECE)
        except zlib.error:
            raise Unreadable("archive.damaged", "a compressed file is damaged; the rest was not read") from None
        if not piece and not out and not inflater.eof:
            raise Unreadable("archive.truncated", "a compressed file ends too early; the rest was not read")
        crc, size = zlib.crc32(out, crc), size + len(out)
        ratio.gave(len(out))
        if out:
            yield out
    at -= len(inflater.unused_data)
    source.seek(at)
    trailer = source.read(8)
    if trailer != struct.pack("<II", crc, size & 0xFFFFFFFF):
        raise Unreadable("archive.damaged", "a compressed file is damaged: its checksum is wrong")
    return at + 8


def _compressed(writer: Writer, header: _Header) -> Writer:
    def write(sink: BinaryIO) -> None:
        compressing = _Compressing(sink, header)
        writer(cast(BinaryIO, compressing))
        compressing.finish()

    return write


class _Compressing:
    """A sink that compresses what it gets into one gzip member. The header's hint says how hard."""

    def __init__(self, sink: BinaryIO, header: _Header) -> None:
        self._sink = sink
        flags = (_FNAME if header.name else 0) | (_FCOMMENT if header.comment else 0)
        words = b"".join(word + b"\0" for word in (header.name, header.comment) if word)
        sink.write(struct.pack("<2sBBIBB", b"\x1f\x8b", 8, flags, header.mtime, header.hint, header.system) + words)
        self._deflater = zlib.compressobj({2: 9, 4: 1}.get(header.hint, 6), zlib.DEFLATED, -15)
        self._crc = 0
        self._size = 0

    def write(self, data: bytes) -> int:
        self._crc = zlib.crc32(data, self._crc)
        self._size += len(data)
        self._sink.write(self._deflater.compress(data))
        return len(data)

    def finish(self) -> None:
        self._sink.write(self._deflater.flush() + struct.pack("<II", self._crc, self._size & 0xFFFFFFFF))
