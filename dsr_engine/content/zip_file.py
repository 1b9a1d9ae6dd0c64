"""Zip archives: each member is read by its own format under `member:N/`, its name is a unit of its own.

A member that does not change is copied as it is stored, local header and extra fields included; only offsets are written anew.
"""

import zlib
from bisect import bisect
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import BinaryIO, cast

from dsr_engine.content.charset import decoded
from dsr_engine.content.format import Budget, Nested, Opener, Reading, Unreadable, Writer
from dsr_engine.content.inflate import Ratio, expanded
from dsr_engine.content.places import by_number, inside, local_place
from dsr_engine.content.rewriter import Rewriter
from dsr_engine.content.stream import cannot_rewrite, chunks, flowing, opened, spliced
from dsr_engine.content.zip_directory import LOCAL, Directory, Member, damaged, directory_end, directory_of, entry, local_header, members_of
from dsr_engine.domain.plan import DropPart, Edit, RedactSpans
from dsr_engine.domain.record import Gap, Unit

_OFFICE = (b"[Content_Types].xml", b"mimetype")


class ZipFile:
    """Also Office documents, whose text is in XML members: a text that is split between formatting runs may be missed there, which is a gap."""

    name = "zip"

    def __init__(self, nested: Nested) -> None:
        self._nested = nested

    def read(self, open_file: Opener, reading: Reading) -> Iterator[Unit | Gap]:
        told: set[str] = set()
        for got in self._archive(open_file, reading):
            if isinstance(got, Gap):
                if got.code in told:
                    continue
                told.add(got.code)
            yield got

    def _archive(self, open_file: Opener, reading: Reading) -> Iterator[Unit | Gap]:
        budget = reading.budget or Budget(reading.limits)
        with closing(opened(open_file)) as source:
            try:
                directory = directory_of(source)
                yield from _text("comment", directory.comment, inside(reading), reading)
                taken: list[tuple[int, int]] = []
                for member in members_of(source, directory):
                    budget.members += 1
                    if budget.members > reading.limits.members:
                        raise Unreadable("archive.too_many_members", "an archive has more members than the limit; the rest was not read")
                    _take(taken, member)
                    yield from self._member(open_file, member, replace(reading, budget=budget))
                    if budget.decoded > reading.limits.decoded_bytes:
                        return
            except Unreadable as unreadable:
                yield Gap(reading.collection, unreadable.code, unreadable.reason)

    def _member(self, open_file: Opener, member: Member, reading: Reading) -> Iterator[Unit | Gap]:
        place = f"member:{member.number}"
        yield from _text(f"{place}/name", member.title.encode(), inside(reading, place), reading)
        yield from _text(f"{place}/comment", member.comment, inside(reading, place), reading)
        if member.name in _OFFICE:
            yield Gap(
                reading.collection, "zip.office", "an office document was searched as the text of its parts; text split by formatting may be missed"
            )
        if member.is_encrypted:
            yield Gap(reading.collection, "zip.encrypted", "a member of an archive is encrypted; it was not read")
        elif member.size or member.packed:
            assert reading.budget is not None  # given by `read`
            yield from self._nested.read(_content(open_file, member, reading.budget), _inner(member, reading))

    def prepare(self, open_file: Opener, edits: Sequence[Edit], rewriter: Rewriter, reading: Reading) -> Writer:
        if not edits:
            return spliced(open_file, ())
        comment = [edit for edit in edits if local_place(edit, reading) == "comment"]
        pending = dict(by_number([edit for edit in edits if edit not in comment], "member", reading))
        try:
            with closing(opened(open_file)) as source:
                directory = directory_of(source)
                if directory.count > reading.limits.members or directory.end - directory.start > reading.limits.line_bytes:
                    raise cannot_rewrite("The archive has more members than the limit.")
                members = tuple(members_of(source, directory))
                outcomes = {member.number: self._outcome(open_file, member, pending.pop(member.number, ()), rewriter, reading) for member in members}
        except Unreadable as unreadable:
            raise cannot_rewrite(f"The archive cannot be rewritten: {unreadable.reason}.") from None
        if pending:
            raise cannot_rewrite("A member of the plan is not in the archive.", "plan again: the file is not what it was")
        note = _redacted(directory.comment, rewriter) if comment else directory.comment
        return _Archive(open_file, directory, members, outcomes, note).write

    def _outcome(self, open_file: Opener, member: Member, edits: Sequence[Edit], rewriter: Rewriter, reading: Reading) -> "_Outcome":
        if any(not edit.place and isinstance(edit.how, DropPart) for edit in edits):
            return _Outcome(is_dropped=True)
        own = [edit for edit in edits if edit.place in ("", "name", "comment")]
        if any(not edit.place or not isinstance(edit.how, RedactSpans) for edit in own):
            raise cannot_rewrite("A member of an archive can be dropped, its name redacted, and places in it changed.")
        places = {edit.place for edit in own}
        name = _redacted(member.name, rewriter) if "name" in places else member.name
        comment = _redacted(member.comment, rewriter) if "comment" in places else member.comment
        inner = [Edit(f"{reading.prefix}member:{member.number}/{edit.place}", edit.how) for edit in edits if edit not in own]
        if not inner:
            return _Outcome(name=name, comment=comment)
        if member.is_encrypted or member.method not in (0, 8):
            raise cannot_rewrite("A member of the archive is stored in a way that cannot be written.")
        writer = self._nested.prepare(_content(open_file, member, Budget(reading.limits)), inner, rewriter, _inner(member, reading))
        return _Outcome(name=name, comment=comment, writer=writer)


def _take(taken: list[tuple[int, int]], member: Member) -> None:
    """Notes the bytes of a member. Raises `Unreadable` if another one has them."""
    start, end = member.offset, member.offset + LOCAL.size + member.packed
    at = bisect(taken, (start, end))
    if (at and taken[at - 1][1] > start) or (at < len(taken) and taken[at][0] < end):
        raise Unreadable("zip.overlap", "members of an archive lie over each other, as in a bomb; the rest was not read")
    taken.insert(at, (start, end))


def _text(place: str, data: bytes, inside_of: str, reading: Reading) -> Iterator[Unit]:
    text = decoded(data)[0]
    if text and (reading.gate is None or reading.gate.passes_text(text)):
        yield Unit(reading.prefix + place, text, inside_of)


def _inner(member: Member, reading: Reading) -> Reading:
    return replace(reading, prefix=f"{reading.prefix}member:{member.number}/", depth=reading.depth + 1, name=member.title)


def _redacted(data: bytes, rewriter: Rewriter) -> bytes:
    text, codec = decoded(data)
    now = rewriter.redacted(text)
    return data if now == text else now.encode(codec, "replace")


def _content(open_file: Opener, member: Member, budget: Budget) -> Opener:
    return lambda: flowing(_unpacked(open_file, member, budget))


def _unpacked(open_file: Opener, member: Member, budget: Budget) -> Iterator[bytes]:
    start = member.offset + len(_local(open_file, member))
    crc = 0
    with closing(chunks(open_file, start, start + member.packed, 256 * 1024)) as pieces:
        for piece in expanded(pieces, member.method, Ratio(budget)):
            crc = zlib.crc32(piece, crc)
            yield piece
    if crc != member.crc:
        raise Unreadable("archive.damaged", "a member of an archive is damaged: its checksum is wrong")


def _local(open_file: Opener, member: Member) -> bytes:
    """The local header with its name and extra fields."""
    with closing(opened(open_file)) as source:
        source.seek(member.offset)
        head = source.read(LOCAL.size)
        if len(head) < LOCAL.size or head[:4] != b"PK\x03\x04":
            raise damaged()
        fields = LOCAL.unpack(head)
        return head + source.read(fields[9] + fields[10])


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What becomes of one member."""

    name: bytes = b""
    comment: bytes = b""
    writer: Writer | None = None
    is_dropped: bool = False


@dataclass(frozen=True, slots=True)
class _Archive:
    """The archive as it will be written. Regions between local headers are copied whole, so that data descriptors stay with their members."""

    open_file: Opener
    directory: Directory
    members: Sequence[Member]
    outcomes: Mapping[int, _Outcome]
    comment: bytes

    def write(self, sink: BinaryIO) -> None:
        ordered = sorted(self.members, key=lambda member: member.offset)
        ends = [member.offset for member in ordered[1:]] + [self.directory.start]
        entries: dict[int, bytes] = {}
        at = ordered[0].offset if ordered else self.directory.start
        _copy(self.open_file, 0, at, sink)
        for member, end in zip(ordered, ends, strict=True):
            outcome = self.outcomes[member.number]
            if not outcome.is_dropped:
                length, entries[member.number] = self._member(member, end, outcome, at, sink)
                at += length
        body = b"".join(entries[member.number] for member in self.members if member.number in entries)
        sink.write(body + directory_end(self.directory, len(entries), at, len(body), self.comment))

    def _member(self, member: Member, end: int, outcome: _Outcome, offset: int, sink: BinaryIO) -> tuple[int, bytes]:
        """Writes one member; how long it became, and its entry."""
        kept = replace(member, comment=outcome.comment, fixed=(*member.fixed[:12], len(outcome.comment), *member.fixed[13:]))
        if outcome.writer is None and outcome.name == member.name:
            _copy(self.open_file, member.offset, end, sink)
            return end - member.offset, entry(kept, member.name, member.flags, member.crc, member.packed, member.size, offset)
        stored = _local(self.open_file, member)
        if outcome.writer is None:
            header = local_header(member, stored, outcome.name, 0, 0, 0, keeps_sizes=True)
            sink.write(header)
            _copy(self.open_file, member.offset + len(stored), end, sink)
            length = len(header) + end - member.offset - len(stored)
            return length, entry(kept, outcome.name, member.flags, member.crc, member.packed, member.size, offset)
        # The header stands before the data and holds its sizes: pack once to learn them, once to write.
        measured = _Packing(None, member.method)
        outcome.writer(cast(BinaryIO, measured))
        measured.finish()
        header = local_header(member, stored, outcome.name, measured.crc, measured.packed, measured.size, keeps_sizes=False)
        sink.write(header)
        packing = _Packing(sink, member.method)
        outcome.writer(cast(BinaryIO, packing))
        packing.finish()
        written = entry(kept, outcome.name, member.flags & ~8, packing.crc, packing.packed, packing.size, offset)
        return len(header) + packing.packed, written


class _Packing:
    """A sink that stores or deflates and counts; without a sink behind it, it only counts."""

    def __init__(self, sink: BinaryIO | None, method: int) -> None:
        self._sink = sink
        self._deflater = zlib.compressobj(6, zlib.DEFLATED, -15) if method == 8 else None
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


def _copy(open_file: Opener, start: int, end: int, sink: BinaryIO) -> None:
    with closing(chunks(open_file, start, end)) as pieces:
        for piece in pieces:
            sink.write(piece)
