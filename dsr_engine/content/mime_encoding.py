"""Content transfer encodings (RFC 2045 §6) as streams, in both directions."""

import binascii
import re
from collections.abc import Iterator
from contextlib import closing
from typing import BinaryIO, cast

from dsr_engine.content.format import Opener, Writer
from dsr_engine.content.stream import chunks, flowing

_NOT_BASE64 = bytes(sorted(set(range(256)) - set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=")))
_IDENTITY = frozenset({"", "7bit", "8bit", "binary"})
_TAIL = 4096


def is_known(encoding: str) -> bool:
    return encoding in _IDENTITY or encoding in ("base64", "quoted-printable")


def body_of(open_file: Opener, start: int, end: int, encoding: str) -> Opener:
    """The decoded body. What is not valid in the encoding is skipped, as mail readers do; an unknown encoding is read as it is."""
    if encoding == "base64":
        return lambda: flowing(_from_base64(chunks(open_file, start, end)))
    if encoding == "quoted-printable":
        return lambda: flowing(_from_quoted(chunks(open_file, start, end)))
    return lambda: flowing(chunks(open_file, start, end))


def _from_base64(pieces: Iterator[bytes]) -> Iterator[bytes]:
    carry = b""
    for piece in pieces:
        data = carry + piece.translate(None, _NOT_BASE64)
        cut = len(data) - len(data) % 4
        carry = data[cut:]
        yield _decoded_base64(data[:cut])
    yield _decoded_base64(carry)


def _decoded_base64(data: bytes) -> bytes:
    """Padding may come in the middle, where encoders joined two texts."""
    runs = [run[: len(run) - (len(run) % 4 == 1)] for run in re.split(rb"=+", data)]
    return b"".join(binascii.a2b_base64(run + b"=" * (-len(run) % 4)) for run in runs)


def _from_quoted(pieces: Iterator[bytes]) -> Iterator[bytes]:
    carry = b""
    for piece in pieces:
        data = carry + piece
        cut = data.rfind(b"\n") + 1
        if not cut and len(data) > 1024 * 1024:
            cut = data.rfind(b"=", len(data) - 3) if b"=" in data[-3:] else len(data)
        carry = data[cut:]
        yield binascii.a2b_qp(data[:cut])
    yield binascii.a2b_qp(carry)


def encoded(writer: Writer, open_file: Opener, start: int, end: int, encoding: str) -> Writer:
    """What writes a body in its encoding again, with the line length, line ends and white space at the end of the original."""
    if encoding not in ("base64", "quoted-printable"):
        return writer

    def write(sink: BinaryIO) -> None:
        with closing(chunks(open_file, start, end, _TAIL)) as pieces:
            first = next(pieces, b"")
        newline = b"\r\n" if b"\r\n" in first or b"\n" not in first else b"\n"
        if encoding == "base64":
            with closing(chunks(open_file, max(start, end - _TAIL), end)) as pieces:
                last = b"".join(pieces)
            width = len(first.split(newline)[0]) // 4 * 4 or 76
            encoding_sink: _Base64 | _Quoted = _Base64(sink, width, newline)
            tail = last[len(last.rstrip()) :]
        else:
            encoding_sink, tail = _Quoted(sink, newline), b""
        writer(cast(BinaryIO, encoding_sink))
        encoding_sink.finish()
        sink.write(tail)

    return write


class _Base64:
    """Lines of `width` characters, at most 76 by RFC 2045 unless the original had longer ones."""

    def __init__(self, sink: BinaryIO, width: int, newline: bytes) -> None:
        self._sink = sink
        self._bytes = width // 4 * 3
        self._newline = newline
        self._carry = b""
        self._is_first = True

    def write(self, data: bytes) -> int:
        pending = self._carry + data
        cut = len(pending) - len(pending) % self._bytes
        for at in range(0, cut, self._bytes):
            self._line(pending[at : at + self._bytes])
        self._carry = pending[cut:]
        return len(data)

    def _line(self, data: bytes) -> None:
        self._sink.write((b"" if self._is_first else self._newline) + binascii.b2a_base64(data, newline=False))
        self._is_first = False

    def finish(self) -> None:
        if self._carry:
            self._line(self._carry)


class _Quoted:
    """Line by line, so that line ends stay line ends."""

    def __init__(self, sink: BinaryIO, newline: bytes) -> None:
        self._sink = sink
        self._newline = newline
        self._carry = b""

    def write(self, data: bytes) -> int:
        *lines, self._carry = (self._carry + data).split(b"\n")
        for line in lines:
            has_return = line.endswith(b"\r")
            self._sink.write(self._quoted(line[:-1] if has_return else line) + (b"\r\n" if has_return else b"\n"))
        return len(data)

    def _quoted(self, line: bytes) -> bytes:
        return binascii.b2a_qp(line, istext=False).replace(b"=\r\n", b"=\n").replace(b"=\n", b"=" + self._newline)

    def finish(self) -> None:
        self._sink.write(self._quoted(self._carry))
