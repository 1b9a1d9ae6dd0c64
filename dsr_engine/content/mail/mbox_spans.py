"""An mbox file as a row of spans: where each mail begins and ends (RFC 4155, mbox(5)).

A mail begins at a line `From SENDER DATE` with a whole asctime date, with or without an empty line before it. Taking two mails for one would erase
the second with the first, so the rule leans to splitting. Only where every mail of a file says how long it is, and each length ends where a mail
begins, lengths are believed instead (the dialects mboxcl and mboxcl2, in which such a line may stand in a text). Content is taken as it stands in the
file, `>From ` quoting included: so what is not edited is written back byte for byte, whichever kind of quoting the file uses.
"""

import io
import os
import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from typing import BinaryIO

from dsr_engine.content.pread_file import Part

_MONTHS = (b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec")

_ENVELOPE = re.compile(
    rb"From (?P<sender>[^\r\n]{0,800}?)(?P<gap> *)(?P<date>(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? +(?P<month>%s) +(?P<day>\d{1,2}) +"
    rb"(?P<hour>\d{1,2}):(?P<minute>\d\d)(?::(?P<second>\d\d))?(?: +[A-Za-z0-9+-]{1,6}){0,2} +(?P<year>\d{4})[^\r\n]{0,100})(?P<end>\r?\n|\Z)"
    % b"|".join(_MONTHS)
)

#: No envelope line is longer, in bytes.
_LINE = 1_000

_BLOCK = 1024 * 1024

#: As much of a mail as a length is looked for in, in bytes.
HEAD = 64 * 1024

#: The header that says how long the text of a mail is, in bytes behind the empty line; and that line.
LENGTH = re.compile(rb"(?mi)^(Content-Length:[ \t]*)(\d{1,15})(?=[ \t]*\r?$)")
_BLANK = re.compile(rb"(?:\A|\n)\r?\n")


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
    """One mail in the file, in bytes from its start: envelope line at `start`, content from `content` up to `stop`, the next mail at `end`.

    `is_doubtful`: an earlier mail says that it reaches beyond this line, and others in the file say nothing of the kind.
    """

    start: int
    content: int
    stop: int
    end: int
    envelope: Envelope
    is_doubtful: bool = False


def window(handle: int, start: int, stop: int) -> BinaryIO:
    return io.BufferedReader(Part(handle, start, stop))


def spans(handle: int, size: int) -> Iterator[Span]:
    """The mails in the first `size` bytes, in order. Nothing where the file does not begin with a mail."""
    found = _envelopes(handle, size)
    first = next(found, None)
    if first is None or first[0]:
        return
    lines: Iterable[tuple[int, Envelope]] = chain((first,), found)
    doubtful: frozenset[int] = frozenset()
    if _claimed(handle, first, size) is not None:
        every = dict(lines)
        told = _told(handle, every, size)
        lines = tuple((start, every[start]) for start in told.starts)
        doubtful = told.doubtful
    previous: tuple[int, Envelope] | None = None
    for start, envelope in lines:
        if previous is not None:
            yield _span(handle, *previous, start, doubtful)
        previous = (start, envelope)
    if previous is not None:
        yield _span(handle, *previous, size, doubtful)


@dataclass(frozen=True, slots=True)
class _Told:
    """Where mails begin, after what they say of their lengths was heard; and where one begins inside of what an earlier one claims."""

    starts: Sequence[int]
    doubtful: frozenset[int] = frozenset()


def _told(handle: int, lines: Mapping[int, Envelope], size: int) -> _Told:
    """Lengths count if those of all mails do: a sender can write a length, and could else make the next mails a part of his own."""
    starts, at = [], 0
    while at < size:
        starts.append(at)
        end = _claimed_end(handle, (at, lines[at]), lines, size)
        if end is None:
            return _Told(tuple(lines), _swallowed(handle, lines, size))
        at = end
    return _Told(starts)


def _swallowed(handle: int, lines: Mapping[int, Envelope], size: int) -> frozenset[int]:
    """Lines inside of what some mail claims where the claim ends exactly at another line: whether they begin mails cannot be told."""
    ordered, found = tuple(lines), set[int]()
    for index, start in enumerate(ordered):
        end = _claimed_end(handle, (start, lines[start]), lines, size)
        if end is not None:
            found.update(ordered[index + 1 : bisect_left(ordered, end)])
    return frozenset(found)


def _claimed_end(handle: int, line: tuple[int, Envelope], lines: Mapping[int, Envelope], size: int) -> int | None:
    """Where the next mail begins by what this one says of its length; None where it says nothing, or no mail begins there."""
    claimed = _claimed(handle, line, size)
    if claimed is None:
        return None
    for gap in (b"\n", b"\r\n", b""):
        end = claimed + len(gap)
        if end in lines or end == size:
            return end if os.pread(handle, len(gap), claimed) == gap else None
    return None


def _claimed(handle: int, line: tuple[int, Envelope], size: int) -> int | None:
    """Where the text of a mail ends by its header `Content-Length`."""
    begin = line[0] + len(line[1].line)
    head = os.pread(handle, min(HEAD, size - begin), begin)
    blank = _BLANK.search(head)
    found = LENGTH.search(head[: blank.start() + 1]) if blank else None
    if found is None or blank is None:
        return None
    end = begin + blank.end() + int(found[2])
    return end if end <= size else None


def is_envelope(head: bytes) -> bool:
    """True for bytes that begin with a whole envelope line."""
    return _ENVELOPE.match(head[:_LINE]) is not None


def begins_like_mbox(handle: int) -> bool:
    return _ENVELOPE.match(os.pread(handle, _LINE, 0)) is not None


def _span(handle: int, start: int, envelope: Envelope, end: int, doubtful: frozenset[int]) -> Span:
    match = _ENVELOPE.match(os.pread(handle, _LINE, start))
    content = min(end, start + (match.end() if match else 0))
    last = os.pread(handle, 4, max(content, end - 4)) if end - content > 0 else b""
    gap = 2 if last.endswith(b"\n\r\n") else 1 if last.endswith(b"\n\n") or last == b"\n" else 2 if last == b"\r\n" else 0
    return Span(start, content, end - gap, end, envelope, start in doubtful)


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
