"""The bytes of a PDF as they lie on the disk: what stands behind its end, between its objects, in comments, or in objects that were struck out of its
tables is in the file and in no object that a reader would open. A rewrite leaves all of it out.
"""

import re
import zlib
from collections.abc import Collection, Generator, Iterator
from contextlib import closing, suppress

from dsr_engine.content.format import Opener, Reading
from dsr_engine.content.gate import Gate
from dsr_engine.content.pdf.places import is_known
from dsr_engine.content.pdf.strings import text_of
from dsr_engine.content.pdf.tokens import hex_string, literal_string
from dsr_engine.content.places import inside
from dsr_engine.content.rewriter import Rewriter
from dsr_engine.content.scan import windows
from dsr_engine.content.stream import BLOCK, chunks, flowing, opened
from dsr_engine.domain.record import Unit

_STRING = re.compile(rb"\((?:[^()\\]|\\.)*\)|<[0-9A-Fa-f\s]*>", re.DOTALL)
_STREAM = re.compile(rb"stream\r?\n(?=[\x08-\x78][\x01-\xff])")
_KEY = re.compile(rb"/[A-Za-z][A-Za-z0-9_]*(?![A-Za-z0-9_])")
_CODECS = ("utf-8", "latin-1", "utf-16-be", "utf-16-le")
_OVERLAP = 4096
#: Bytes of the shortest text that is told apart from its surroundings.
_LEAST = 3
#: Bytes that one stream is unpacked to here: those that belong to objects are unpacked again, and further, by who reads objects.
_UNPACKED = 16 * 1024 * 1024


class _Given:
    """Texts that were given already, by whoever reads objects. Lines that the gate would not look at again are left out."""

    def __init__(self, texts: Collection[str], gate: Gate) -> None:
        self._whole = "\n".join(texts)
        lines = {line for text in texts for line in text.split("\n") if gate.passes_text(line)}
        self._passages = {passage for line in lines for codec in _CODECS if len(passage := line.encode(codec, "replace")) > _LEAST}

    def left_of(self, data: bytes) -> bytes:
        """The bytes without strings and passages that say what is given."""
        data = _STRING.sub(lambda found: b"" if _said(found[0]) in self._whole else found[0], data)
        for passage in self._passages:
            if passage in data:
                data = data.replace(passage, b" ")
        return data


def raw_units(open_file: Opener, given: Collection[str], reading: Reading) -> Iterator[Unit]:
    """What passes the gate in the bytes, and in what they unpack to, where it is not one of the texts that were given already."""
    if reading.gate is None:
        return
    known = _Given(given, reading.gate)
    for offset, data in _regions(open_file, reading.gate):
        rest = known.left_of(data)
        if reading.gate.passes(rest):
            yield from _told(f"{reading.prefix}bytes:{offset}", rest, reading)


def _told(place: str, rest: bytes, reading: Reading) -> Iterator[Unit]:
    """The bytes; apart from them keys that the format itself writes, which are there again after any rewrite."""
    assert reading.gate is not None
    keys = b"\n".join(sorted({found[0][1:] for found in _KEY.finditer(rest) if is_known(found[0].decode())}))
    if not keys or not reading.gate.passes(keys):
        yield Unit(place, rest.decode("latin-1"), inside(reading))
        return
    yield Unit(f"{place}/names", keys.decode(), inside(reading), is_opaque=True)
    bare = _KEY.sub(lambda found: b"/" if is_known(found[0].decode()) else found[0], rest)
    if reading.gate.passes(bare):
        yield Unit(place, bare.decode("latin-1"), inside(reading))


def raw_is_free(open_file: Opener, rewriter: Rewriter) -> bool:
    """True if the bytes, taken one by one, and what they unpack to hold nothing that would be redacted."""
    return not any(rewriter.spans(data.decode("latin-1")) for _, data in _regions(open_file, None))


def _regions(open_file: Opener, gate: Gate | None) -> Iterator[tuple[int, bytes]]:
    reach = gate.reach if gate is not None else _OVERLAP
    with closing(opened(open_file)) as source:
        yield from windows(source, gate, reach)
    for start in _streams(open_file):
        with closing(flowing(_unpacked(open_file, start))) as source:
            yield from ((start, data) for _, data in windows(source, gate, reach))


def _streams(open_file: Opener) -> Iterator[int]:
    """Where streams begin that may be deflated."""
    offset, carry = 0, b""
    with closing(chunks(open_file)) as pieces:
        for piece in pieces:
            data = carry + piece
            yield from (offset + found.end() for found in _STREAM.finditer(data) if int.from_bytes(data[found.end() : found.end() + 2]) % 31 == 0)
            carry = data[-10:]
            offset += len(data) - len(carry)


def _unpacked(open_file: Opener, start: int) -> Generator[bytes, None, None]:
    """What the bytes from `start` on unpack to, as far as they do."""
    inflater, size = zlib.decompressobj(), 0
    with closing(chunks(open_file, start)) as pieces, suppress(zlib.error):
        for piece in pieces:
            rest = piece
            while rest and not inflater.eof and size < _UNPACKED:
                out = inflater.decompress(rest, BLOCK)
                rest, size = inflater.unconsumed_tail, size + len(out)
                yield out
            if inflater.eof or size >= _UNPACKED:
                return


def _said(raw: bytes) -> str:
    return text_of(hex_string(raw) if raw.startswith(b"<") else literal_string(raw))[0]
