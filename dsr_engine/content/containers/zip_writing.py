"""A zip archive written with some members changed: every other one is copied as it is stored, and only offsets are written anew."""

import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import BinaryIO, cast

from dsr_engine.content.containers.held import Held
from dsr_engine.content.containers.members import readings_of, redacted_name
from dsr_engine.content.containers.zip_directory import (
    LOCAL,
    UNICODE_PATH,
    Directory,
    Member,
    Now,
    damaged,
    directory_end,
    entry,
    extras,
    local_header,
    without,
)
from dsr_engine.content.containers.zip_leftovers import Stretch, end_of
from dsr_engine.content.format import Opener, Writer
from dsr_engine.content.rewriter import Rewriter
from dsr_engine.content.stream import chunks, opened

_UTF8 = 0x800
_STREAMED = 8
_STORED, _DEFLATED = 0, 8
#: How hard to deflate, by bits 1 and 2 of the flags (APPNOTE 4.4.4).
_LEVELS = {0: 6, 2: 9, 4: 2, 6: 1}


@dataclass(frozen=True, slots=True)
class Words:
    """Which words of a member lose the person."""

    rewriter: Rewriter
    name: bool
    comment: bool
    extra: bool

    def member_name(self, member: Member) -> tuple[bytes, int]:
        """The name and the flags that go with it."""
        if not self.name:
            return member.name, member.flags
        now = redacted_name(member.name, self.rewriter)
        wide = redacted_name(member.unicode_name, self.rewriter)
        if now == member.name and wide != member.unicode_name:
            return wide, member.flags | _UTF8
        return now, member.flags

    def local_name(self, member: Member, stored: bytes, now: bytes) -> bytes:
        """The name in the local header, which may be another one."""
        local = stored[LOCAL.size :][: LOCAL.unpack_from(stored)[9]]
        return now if local == member.name else redacted_name(local, self.rewriter) if self.name else local

    def fields(self, extra: bytes, *, renamed: bool) -> bytes:
        """The extra fields that stay."""
        return without(extra, lambda kind, body: (kind == UNICODE_PATH and renamed) or (self.extra and self._tells(body)))

    def _tells(self, body: bytes) -> bool:
        return any(self.rewriter.redacted(text) != text for text in readings_of(body))


@dataclass(frozen=True, slots=True)
class Outcome:
    """What becomes of one member; without words and a writer it is copied."""

    words: Words | None = None
    writer: Writer | None = None
    is_dropped: bool = False


@dataclass(frozen=True, slots=True)
class Archive:
    """The archive as it will be written. `outcomes` are by `step`; what has none is copied."""

    held: Held
    directory: Directory
    members: Sequence[Member]
    unlisted: Sequence[Member | Stretch]
    outcomes: Mapping[str, Outcome]
    comment: bytes

    def write(self, sink: BinaryIO) -> None:
        with self.held:
            entries: dict[int, bytes] = {}
            at, shift = 0, self._shift()
            for start, end, item in self._segments():
                length, written = self._segment(start, end, item, at - shift, sink)
                at += length
                if written and isinstance(item, Member) and item.is_listed:
                    entries[item.number] = written
            body = b"".join(entries[member.number] for member in self.members if member.number in entries)
            sink.write(body)
            between = self._copy(self.directory.end, self.directory.closing, sink)
            sink.write(directory_end(self.directory, len(entries), at - shift, len(body), between, self.comment))
            self._copy(self.directory.rest, None, sink)

    def _shift(self) -> int:
        """Where offsets are counted from: as before, unless something of what stands before the archive changes."""
        before = (item for item in self.unlisted if (item.offset if isinstance(item, Member) else item.start) < self.directory.shift)
        return 0 if any(item.step in self.outcomes for item in before) else self.directory.shift

    def _segments(self) -> Iterator[tuple[int, int, Member | Stretch | None]]:
        """All that stands before the directory, in its order, without a hole."""
        with closing(opened(self.held.open)) as source:
            placed: list[tuple[int, int, Member | Stretch | None]] = [
                (item.start, item.end, item) for item in self.unlisted if isinstance(item, Stretch)
            ]
            hidden = [item for item in self.unlisted if isinstance(item, Member)]
            placed += [(member.offset, end_of(source, member), member) for member in (*self.members, *hidden)]
        at = 0
        for start, end, item in sorted(placed, key=lambda segment: segment[:2]):
            if start >= self.directory.start:
                continue
            if start > at:
                yield at, start, None
            yield start, end, item
            at = end
        if at < self.directory.start:
            yield at, self.directory.start, None

    def _segment(self, start: int, end: int, item: Member | Stretch | None, offset: int, sink: BinaryIO) -> tuple[int, bytes]:
        """Writes what becomes of it; how long that is, and its entry."""
        outcome = self.outcomes.get(item.step, Outcome()) if item is not None else Outcome()
        if outcome.is_dropped:
            return 0, b""
        if not isinstance(item, Member):
            return self._copy(start, end, sink), b""
        now = Now(item.name, item.flags, item.method, item.crc, item.packed, item.size)
        if outcome.words is None and outcome.writer is None:
            return self._copy(start, end, sink), entry(item, now, item.extra, item.comment, offset)
        return self._changed(item, end, outcome, now, offset, sink)

    def _changed(self, member: Member, end: int, outcome: Outcome, now: Now, offset: int, sink: BinaryIO) -> tuple[int, bytes]:
        stored = local_of(self.held.open, member)
        extra, local_extra, comment, local_name = member.extra, stored[LOCAL.size + LOCAL.unpack_from(stored)[9] :], member.comment, b""
        if words := outcome.words:
            name, flags = words.member_name(member)
            now = Now(name, flags, now.method, now.crc, now.packed, now.size)
            extra, local_extra = (words.fields(each, renamed=name != member.name) for each in (extra, local_extra))
            comment = redacted_name(comment, words.rewriter) if words.comment else comment
            local_name = words.local_name(member, stored, name)
        else:
            local_name = stored[LOCAL.size :][: LOCAL.unpack_from(stored)[9]]
        if outcome.writer is None:
            local_flags = LOCAL.unpack_from(stored)[2] | (now.flags & _UTF8)
            header = local_header(stored, Now(local_name, local_flags, now.method, 0, 0, 0), local_extra, keeps_sizes=True)
            sink.write(header)
            length = self._copy(member.offset + len(stored), end, sink)
            return len(header) + length, entry(member, now, extra, comment, offset)
        # The header stands before the data and holds its sizes: pack once to learn them, once to write.
        method = now.method if now.method == _STORED else _DEFLATED
        measured = _packed(outcome.writer, None, method, now.flags)
        flags = now.flags & ~_STREAMED
        then = Now(local_name, flags, method, measured.crc, measured.packed, measured.size)
        header = local_header(stored, then, local_extra, keeps_sizes=False)
        sink.write(header)
        packing = _packed(outcome.writer, sink, method, now.flags)
        written = Now(now.name, flags, method, packing.crc, packing.packed, packing.size)
        return len(header) + packing.packed, entry(member, written, extra, comment, offset)

    def _copy(self, start: int, end: int | None, sink: BinaryIO) -> int:
        length = 0
        with closing(chunks(self.held.open, start, end)) as pieces:
            for piece in pieces:
                sink.write(piece)
                length += len(piece)
        return length


def local_of(open_file: Opener, member: Member) -> bytes:
    """The local header with its name and extra fields. Raises `Unreadable` where there is none."""
    with closing(opened(open_file)) as source:
        source.seek(member.offset)
        head = source.read(LOCAL.size)
        if len(head) < LOCAL.size or head[:4] != b"PK\x03\x04":
            raise damaged()
        fields = LOCAL.unpack(head)
        return head + source.read(fields[9] + fields[10])


def bodies(extra: bytes) -> Iterator[bytes]:
    """The extra fields that may hold words: not those of sizes, times, owners' numbers, alignment and names that are read elsewhere."""
    yield from (body for kind, body in extras(extra) if kind not in _WORDLESS)


_WORDLESS = (0x0001, 0x000A, 0x5455, 0x5855, 0x7875, 0x9901, 0xCAFE, 0xD935, UNICODE_PATH)


def _packed(writer: Writer, sink: BinaryIO | None, method: int, flags: int) -> "_Packing":
    packing = _Packing(sink, method, _LEVELS[flags & 6])
    writer(cast(BinaryIO, packing))
    packing.finish()
    return packing


class _Packing:
    """A sink that stores or deflates and counts; without a sink behind it, it only counts."""

    def __init__(self, sink: BinaryIO | None, method: int, level: int) -> None:
        self._sink = sink
        self._deflater = zlib.compressobj(level, zlib.DEFLATED, -15) if method == _DEFLATED else None
        self.crc = self.packed = self.size = 0

    def write(self, data: bytes) -> int:
        self.crc = zlib.crc32(data, self.crc)
        self.size += len(data)
        self._put(self._deflater.compress(data) if self._deflater else data)
        return len(data)

    def finish(self) -> None:
        if self._deflater:
            self._put(self._deflater.flush())

    def _put(self, data: bytes) -> None:
        self.packed += len(data)
        if self._sink is not None:
            self._sink.write(data)
