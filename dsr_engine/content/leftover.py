"""What a decoding leaves out or cannot see: bytes that are searched once more, as single characters, because the file may not be what it says.

A text that begins with FF FE, or that a header calls UTF-16, is read as UTF-16; if it was plain ASCII all along, nothing readable comes
out of that. A base64 body ends where somebody appended a footer in plain text; decoders skip it. Both are reported as opaque units: never
rewritten, never silent.
"""

import re
from collections.abc import Generator, Iterator
from contextlib import closing

from dsr_engine.content.charset import Charset
from dsr_engine.content.format import Opener, Reading
from dsr_engine.content.places import inside
from dsr_engine.content.scan import windows
from dsr_engine.content.stream import BLOCK, chunks, flowing, opened
from dsr_engine.domain.record import Unit

#: A file that really is wide has zeros between its bytes: they must not vanish, or its own text would be found here a second time.
_ZEROS = bytes.maketrans(b"\0", b"\1")
_PROBE = "jane.doe@example.com 0123456789"
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/=\r\n\t ]|[A-Za-z0-9+/=][ \t]+[A-Za-z0-9+/=]")


def hides_ascii(charset: Charset) -> bool:
    """True if ASCII text that is taken for this charset cannot be recognised any more."""
    return bool(charset.wide) and _PROBE.encode().decode(charset.wide, "replace") != _PROBE


def single_bytes(open_file: Opener, reading: Reading) -> Iterator[Unit]:
    """What passes the gate in the bytes, taken one by one."""
    yield from _searched(lambda: flowing(piece.translate(_ZEROS) for piece in chunks(open_file)), "bytes", reading)


def stray_lines(open_file: Opener, start: int, end: int, reading: Reading) -> Iterator[Unit]:
    """What passes the gate in the lines of a base64 body that are no base64."""
    yield from _searched(lambda: flowing(_stray(open_file, start, end)), "stray", reading)


def is_all_base64(open_file: Opener, start: int, end: int) -> bool:
    """True if the body has no stray lines, so that decoding and encoding it loses nothing."""
    with closing(_stray(open_file, start, end)) as stray:
        return next(stray, None) is None


def _stray(open_file: Opener, start: int, end: int) -> Generator[bytes, None, None]:
    carry = b""
    with closing(chunks(open_file, start, end)) as pieces:
        for piece in pieces:
            data = carry + piece
            cut = data.rfind(b"\n") + 1
            if not cut and len(data) > BLOCK:
                cut = len(data)
            carry = data[cut:]
            yield from _stray_of(data[:cut])
    yield from _stray_of(carry)


def _stray_of(data: bytes) -> Iterator[bytes]:
    if _NOT_BASE64.search(data):
        yield b"".join(line for line in data.splitlines(keepends=True) if _NOT_BASE64.search(line))


def _searched(open_file: Opener, word: str, reading: Reading) -> Iterator[Unit]:
    if reading.gate is None:
        return
    with closing(opened(open_file)) as source:
        for offset, data in windows(source, reading.gate, reading.gate.reach):
            yield Unit(f"{reading.prefix}{word}:{offset}", data.decode("latin-1"), inside(reading), is_opaque=True)
