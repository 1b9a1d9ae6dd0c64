"""Content transfer encodings (RFC 2045 §6) as streams, in both directions."""

import binascii
import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import BinaryIO, cast

from dsr_engine.content.format import Opener, Writer
from dsr_engine.content.mail.mime_uuencode import UUENCODE, YENC, unpacked
from dsr_engine.content.stream import Positioned, chunks, flowing

_NOT_BASE64 = bytes(sorted(set(range(256)) - set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=")))
_IDENTITY = frozenset({"", "7bit", "8bit", "binary"})
_PACKED = UUENCODE | YENC
_TAIL = 4096
#: So much of a part in one of the old encodings is decoded. Bytes.
_LARGEST = 256 * 1024 * 1024
#: Spaces and returns that a relay put behind a soft break.
_SPACED_BREAK = re.compile(rb"=[ \t\r]+(?=\n)")
_RETURN_BREAK = re.compile(rb"=\r(?!\n)")
#: What either of these begins with.
_ODD_BREAK = re.compile(rb"=(?:[ \t]|\r(?!\n))")


def is_known(encoding: str) -> bool:
    """True for an encoding that can be read."""
    return encoding in _IDENTITY or encoding in ("base64", "quoted-printable") or encoding in _PACKED


def is_plain(encoding: str) -> bool:
    """True where nothing is encoded."""
    return encoding in _IDENTITY


def is_packed(encoding: str) -> bool:
    """True for an encoding that is read and not written (uuencode, yEnc)."""
    return encoding in _PACKED


class _Within(Positioned):
    """A stretch of an open file."""

    def __init__(self, source: BinaryIO, start: int, end: int) -> None:
        super().__init__(max(0, end - start))
        self._source, self._start = source, start

    def bytes_at(self, offset: int, count: int) -> bytes:
        self._source.seek(self._start + offset)
        return self._source.read(count)

    def close(self) -> None:
        if not self.closed:
            self._source.close()
        super().close()


@dataclass(frozen=True, slots=True)
class Stretch:
    """Opens a stretch of a file. A stretch of a stretch is one of the same file, so that mails in mails in mails are not read through each other."""

    open_file: Opener
    start: int
    end: int

    def __call__(self) -> BinaryIO:
        source = self.open_file()
        if source.seekable():
            return cast(BinaryIO, _Within(source, self.start, self.end))
        source.close()
        return flowing(chunks(self.open_file, self.start, self.end))


def _stretch(open_file: Opener, start: int, end: int) -> Stretch:
    if isinstance(open_file, Stretch):
        return Stretch(open_file.open_file, open_file.start + start, min(open_file.end, open_file.start + end))
    return Stretch(open_file, start, end)


def body_of(open_file: Opener, start: int, end: int, encoding: str) -> Opener:
    """The decoded body. What is not valid in the encoding is skipped, as mail readers do; an unknown encoding is read as it is."""
    if encoding in _PACKED:
        return lambda: flowing(_from_packed(chunks(open_file, start, min(end, start + _LARGEST)), encoding))
    if encoding == "base64":
        return lambda: flowing(_from_base64(chunks(open_file, start, end)))
    if encoding == "quoted-printable":
        return lambda: flowing(_from_quoted(chunks(open_file, start, end)))
    return _stretch(open_file, start, end)


def _from_packed(pieces: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    yield unpacked(b"".join(pieces), encoding)


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
        yield unquoted(data[:cut])
    yield unquoted(carry)


def unquoted(data: bytes) -> bytes:
    if _ODD_BREAK.search(data) is not None:
        if b"= " in data or b"=\t" in data or b"=\r\r" in data:
            data = _SPACED_BREAK.sub(b"=", data)
        data = _RETURN_BREAK.sub(b"=\n", data)
    return binascii.a2b_qp(data)


def encoded(writer: Writer, open_file: Opener, start: int, end: int, encoding: str) -> Writer:
    """What writes a body in its encoding again, with the line length, line ends and white space at the end of the original."""
    if encoding not in ("base64", "quoted-printable"):
        return writer

    def write(sink: BinaryIO) -> None:
        with closing(chunks(open_file, start, end, _TAIL)) as pieces:
            first = next(pieces, b"")
        newline = b"\r\n" if b"\r\n" in first or not (b"\n" in first or b"\r" in first) else b"\n" if b"\n" in first else b"\r"
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
        """No line begins with `From `, which would cut the mail in two where it lies in an mbox (RFC 2049, section 3)."""
        lines = binascii.b2a_qp(line, istext=False).replace(b"=\r\n", b"=\n").split(b"\n")
        return self._newline.join(_guarded(piece, self._newline) for piece in lines)

    def finish(self) -> None:
        self._sink.write(self._quoted(self._carry))


def _guarded(piece: bytes, newline: bytes) -> bytes:
    """A line of quoted-printable that may have begun with `From `, broken softly so that it stays short enough."""
    guarded = b""
    while piece.startswith(b"From "):
        guarded += b"=46rom =" + newline
        piece = piece[5:]
    return guarded + piece
