"""An mbox file as a row of spans: where each mail begins and ends, and a digest of it that flags do not change (RFC 4155, mbox(5)).

A mail begins at a line `From SENDER DATE` with a whole asctime date, with or without an empty line before it. Taking two mails for one would erase
the second with the first, so the rule leans to splitting. Content is taken as it stands in the file, `>From ` quoting included: so what is not edited
is written back byte for byte, whichever kind of quoting the file uses.
"""

import hashlib
import io
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import BinaryIO

from dsr_engine.drivers.mailstore.store import short

_MONTHS = (b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec")

_ENVELOPE = re.compile(
    rb"From (?P<sender>[^\r\n]{0,800}?)(?P<gap> *)(?P<date>(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? +(?P<month>%s) +(?P<day>\d{1,2}) +"
    rb"(?P<hour>\d{1,2}):(?P<minute>\d\d)(?::(?P<second>\d\d))?(?: +[A-Za-z0-9+-]{1,6}){0,2} +(?P<year>\d{4})[^\r\n]{0,100})(?P<end>\r?\n|\Z)"
    % b"|".join(_MONTHS)
)

#: No envelope line is longer, in bytes.
_LINE = 1_000

_BLOCK = 1024 * 1024

#: Headers in which mail programs keep flags and counters inside the file.
_FLAG_HEADERS = frozenset({b"status", b"x-status", b"x-keywords", b"x-uid", b"x-imap", b"x-imapbase", b"content-length"})

#: As much of a mail as its headers are looked for in, in bytes.
_HEAD = 1024 * 1024


@dataclass(frozen=True, slots=True, repr=False)
class Envelope:
    """The line that separates mails. `date` is its date as written, `created` the same as a time (in UTC, as the format leaves the zone open)."""

    sender: bytes
    gap: bytes
    date: bytes
    created: datetime | None
    end: bytes

    @property
    def line(self) -> bytes:
        return b"From " + self.sender + (self.gap or b" ") + self.date + self.end


@dataclass(frozen=True, slots=True, repr=False)
class Span:
    """One mail in the file, in bytes from its start: envelope line at `start`, content from `content` up to `stop`, the next mail at `end`."""

    start: int
    content: int
    stop: int
    end: int
    envelope: Envelope


class Window(io.RawIOBase):
    """A part of an open file as a file of its own; the open file's position is not touched."""

    def __init__(self, handle: int, start: int, stop: int) -> None:
        super().__init__()
        self._handle, self._start, self._stop, self._at = handle, start, stop, start

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        origin = {os.SEEK_SET: self._start, os.SEEK_CUR: self._at, os.SEEK_END: self._stop}[whence]
        self._at = max(self._start, origin + offset)
        return self._at - self._start

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]  # any writable buffer, as io passes a memoryview
        data = os.pread(self._handle, max(0, min(len(buffer), self._stop - self._at)), self._at)
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)


def window(handle: int, start: int, stop: int) -> BinaryIO:
    return io.BufferedReader(Window(handle, start, stop))


def spans(handle: int, size: int) -> Iterator[Span]:
    """The mails in the first `size` bytes, in order. Nothing where the file does not begin with a mail."""
    previous: tuple[int, Envelope] | None = None
    for start, envelope in _envelopes(handle, size):
        if previous is not None:
            yield _span(handle, *previous, start)
        elif start:
            return
        previous = (start, envelope)
    if previous is not None:
        yield _span(handle, *previous, size)


def begins_like_mbox(handle: int) -> bool:
    return _ENVELOPE.match(os.pread(handle, _LINE, 0)) is not None


def _span(handle: int, start: int, envelope: Envelope, end: int) -> Span:
    match = _ENVELOPE.match(os.pread(handle, _LINE, start))
    content = min(end, start + (match.end() if match else 0))
    last = os.pread(handle, 4, max(content, end - 4)) if end - content > 0 else b""
    gap = 2 if last.endswith(b"\n\r\n") else 1 if last.endswith(b"\n\n") or last == b"\n" else 2 if last == b"\r\n" else 0
    return Span(start, content, end - gap, end, envelope)


def _envelopes(handle: int, size: int) -> Iterator[tuple[int, Envelope]]:
    """Where envelope lines begin. The file is read once, in blocks; what may be a line that a block cuts is carried into the next."""
    carried, at = b"\n", 0
    while True:
        block = os.pread(handle, min(_BLOCK, size - at), at)
        data = carried + block
        origin = at - len(carried)
        at += len(block)
        is_last = not block
        hit = data.find(b"\nFrom ")
        while hit >= 0 and (is_last or len(data) - hit > _LINE):
            envelope = _parsed(data[hit + 1 : hit + 1 + _LINE])
            if envelope is not None:
                yield origin + hit + 1, envelope
            hit = data.find(b"\nFrom ", hit + 1)
        if is_last:
            return
        carried = data[hit:] if hit >= 0 else data[-6:]


def _parsed(line: bytes) -> Envelope | None:
    match = _ENVELOPE.match(line)
    if match is None:
        return None
    month = _MONTHS.index(match["month"]) + 1
    numbers = [int(match[name] or 0) for name in ("year", "day", "hour", "minute", "second")]
    year, day, hour, minute, second = numbers
    try:
        created = datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC)
    except ValueError:
        created = None
    return Envelope(match["sender"], match["gap"], match["date"], created, match["end"] or b"\n")


class StateSink(io.RawIOBase):
    """Takes a mail's content and gives its state: a digest of envelope and content without the headers that hold flags."""

    def __init__(self, envelope: Envelope) -> None:
        super().__init__()
        self._hash = hashlib.sha256(envelope.sender + b"\0" + envelope.date + b"\0")
        self._date = envelope.date
        self._head: bytes | None = b""
        self._last = b"\n"
        self._message_id = b""

    def writable(self) -> bool:
        return True

    def write(self, data: bytes | bytearray | memoryview, /) -> int:  # type: ignore[override]  # any buffer, as io allows
        data = bytes(data)
        self._last = data[-1:] or self._last
        if self._head is None:
            self._hash.update(data)
        else:
            self._head += data
            if len(self._head) >= _HEAD or _head_end(self._head) >= 0:
                self._take_head()
        return len(data)

    def state(self) -> bytes:
        """The digest; nothing may be written after it. A missing last line end counts as there."""
        self._take_head()
        if self._last != b"\n":
            self._hash.update(b"\n")
            self._last = b"\n"
        return self._hash.digest()

    def link(self) -> str:
        """What ties a mail to its rewritten successor: Message-ID and delivery date; empty where it has no Message-ID."""
        self._take_head()
        return short(hashlib.sha256(self._message_id + b"\0" + self._date).digest()) if self._message_id else ""

    def _take_head(self) -> None:
        if self._head is None:
            return
        end = _head_end(self._head[:_HEAD])
        cut = _HEAD if end < 0 else end
        head, rest = self._head[:cut], self._head[cut:]
        is_flag = False
        for line in head.splitlines(keepends=True):
            if line[:1] not in (b" ", b"\t"):
                name = line.split(b":", 1)[0].strip().lower()
                is_flag = name in _FLAG_HEADERS
                if name == b"message-id" and not self._message_id:
                    self._message_id = line.split(b":", 1)[-1].strip()
            if not is_flag:
                self._hash.update(line)
        self._hash.update(rest)
        self._head = None


_EMPTY_LINE = re.compile(rb"(?:\A|\n)\r?\n")


def _head_end(data: bytes) -> int:
    """Where the empty line after the headers begins; -1 where there is none yet."""
    match = _EMPTY_LINE.search(data)
    return -1 if match is None else match.start() + (data[match.start() : match.start() + 1] == b"\n" and match.end() - match.start() > 1)
