"""Zip archives: each member is read by its own format under `member:N/`, its name is a unit of its own.

A member that does not change is copied as it is stored, local header and extra fields included; only offsets are written anew. What the directory
does not list (members that an earlier edit left behind) is read and rewritten as `unlisted:N/`.
"""

import zlib
from bisect import bisect
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from typing import BinaryIO

from dsr_engine.content.containers.held import Held
from dsr_engine.content.containers.inflate import METHODS, Ratio, expanded
from dsr_engine.content.containers.members import budget_of, each_gap_once, name_units, redacted_name, step_into, unhurried
from dsr_engine.content.containers.zip_directory import LOCAL, Directory, Member, directory_of, members_of
from dsr_engine.content.containers.zip_leftovers import Stretch, end_of, leftovers, start_of
from dsr_engine.content.containers.zip_writing import Archive, Outcome, Words, bodies, local_of
from dsr_engine.content.format import Budget, Nested, Opener, Reading, Unreadable, Writer
from dsr_engine.content.opaque import opaque_bytes
from dsr_engine.content.places import by_number, inside, local_place
from dsr_engine.content.rewriter import Rewriter
from dsr_engine.content.stream import cannot_rewrite, chunks, flowing, opened, part_of, spliced
from dsr_engine.domain.plan import DropPart, Edit, RedactSpans
from dsr_engine.domain.record import Gap, Unit

_WORDS = ("name", "comment", "extra")
_PIECE = 256 * 1024


class ZipFile:
    """An archive of files. Documents that are zip archives are read by `office_file` through this."""

    name = "zip"

    def __init__(self, nested: Nested) -> None:
        self._nested = nested

    def read(self, open_file: Opener, reading: Reading) -> Iterator[Unit | Gap]:
        with Held(open_file) as held:
            yield from each_gap_once(self._archive(held.open, reading, budget_of(reading)))

    def _archive(self, open_file: Opener, reading: Reading, budget: Budget) -> Iterator[Unit | Gap]:
        covered: list[tuple[int, int]] = []
        directory: Directory | None = None
        with closing(opened(open_file)) as source:
            try:
                directory = directory_of(source)
                yield from name_units("comment", directory.comment, inside(reading), reading)
                taken: list[tuple[int, int]] = []
                for member in members_of(source, directory):
                    budget.members += 1
                    budget.check()
                    _take(taken, member)
                    start = start_of(source, member)
                    yield from self._member(open_file, member, reading, budget)
                    # Now, while this part of the file is at hand.
                    covered.append((member.offset, end_of(source, member, start)))
            except Unreadable as unreadable:
                yield Gap(reading.collection, unreadable.code, unreadable.reason)
                if unreadable.code != "zip.damaged":
                    return
                directory = None
            yield from self._unlisted(open_file, source, directory, covered, reading, budget)

    def _unlisted(
        self, open_file: Opener, source: BinaryIO, directory: Directory | None, covered: Sequence[tuple[int, int]], reading: Reading, budget: Budget
    ) -> Iterator[Unit | Gap]:
        try:
            for found in leftovers(source, directory, covered, budget):
                budget.members += 1
                budget.check()
                if isinstance(found, Member):
                    yield from self._member(open_file, found, reading, budget)
                else:
                    yield Gap(reading.collection, "zip.leftover", "an archive holds bytes that belong to no member; they were searched as bytes")
                    yield from opaque_bytes(part_of(open_file, found.start, found.end), found.step, reading)
        except Unreadable as unreadable:
            yield Gap(reading.collection, unreadable.code, unreadable.reason)

    def _member(self, open_file: Opener, member: Member, reading: Reading, budget: Budget) -> Iterator[Unit | Gap]:
        yield from _words(open_file, member, reading)
        if member.is_encrypted:
            yield Gap(reading.collection, "zip.encrypted", "a member of an archive is encrypted; it was not read")
        elif member.size or member.packed:
            yield from self._nested.read(content_of(open_file, member, budget), step_into(reading, member.step, member.title, budget))

    def prepare(self, open_file: Opener, edits: Sequence[Edit], rewriter: Rewriter, reading: Reading) -> Writer:
        if not edits:
            return spliced(open_file, ())
        local = {edit: local_place(edit, reading) for edit in edits}
        listed, unlisted = (
            dict(by_number([edit for edit in edits if local[edit].startswith(f"{word}:")], word, reading)) for word in ("member", "unlisted")
        )
        if any(place != "comment" and not place.startswith(("member:", "unlisted:")) for place in local.values()):
            raise cannot_rewrite("There is no place of that kind in this file: it has members.", "plan again: the file is not what it was")
        pending = {f"member:{number}": listed[number] for number in listed} | {f"unlisted:{number}": unlisted[number] for number in unlisted}
        held = Held(open_file)
        archive = _archive_of(held, reading, {}, has_unlisted=True)
        items = {item.step: item for item in (*archive.members, *archive.unlisted)}
        if not items.keys() >= pending.keys():
            raise cannot_rewrite("A member of the plan is not in the archive.", "plan again: the file is not what it was")
        with held:
            outcomes = {step: self._outcome(held.open, items[step], of_it, rewriter, reading) for step, of_it in pending.items()}
        note = redacted_name(archive.comment, rewriter) if "comment" in local.values() else archive.comment
        return Archive(held, archive.directory, archive.members, archive.unlisted, outcomes, note).write

    def _outcome(self, open_file: Opener, item: Member | Stretch, edits: Sequence[Edit], rewriter: Rewriter, reading: Reading) -> Outcome:
        if any(not edit.place and isinstance(edit.how, DropPart) for edit in edits):
            return Outcome(is_dropped=True)
        own = [edit for edit in edits if edit.place in ("", *_WORDS)]
        if any(not edit.place or not isinstance(edit.how, RedactSpans) for edit in own):
            raise cannot_rewrite("A member of an archive can be dropped, its name redacted, and places in it changed.")
        if isinstance(item, Stretch):
            raise cannot_rewrite("Bytes of an archive that belong to no member can be dropped, and not changed.")
        places = {edit.place for edit in own}
        words = Words(rewriter, *(word in places for word in _WORDS)) if places else None
        inner = [Edit(f"{reading.prefix}{item.step}/{edit.place}", edit.how) for edit in edits if edit not in own]
        if not inner:
            return Outcome(words)
        _refuse_unwritable(item)
        # Nothing of it is read before the writer runs, unless a format has to look ahead: each time with a budget of its own.
        content = content_of(open_file, item, unhurried(reading.limits))
        return Outcome(words, self._nested.prepare(content, inner, rewriter, step_into(reading, item.step, item.title, unhurried(reading.limits))))


def with_members(open_file: Opener, writers: Mapping[int, Writer], reading: Reading) -> Writer:
    """What writes the archive with the content of some members, by number, written anew and all else copied as it is stored.

    Raises `NotSupported` where the archive or one of these members cannot be written.
    """
    archive = _archive_of(Held(open_file), reading, {f"member:{number}": Outcome(writer=writer) for number, writer in writers.items()})
    for member in archive.members:
        if member.number in writers:
            _refuse_unwritable(member)
    return archive.write


def content_of(open_file: Opener, member: Member, budget: Budget) -> Opener:
    """The unpacked bytes of a member. Reading them raises `Unreadable` where they are damaged or more than the limits allow."""
    return lambda: flowing(_unpacked(open_file, member, budget))


def _archive_of(held: Held, reading: Reading, outcomes: Mapping[str, Outcome], *, has_unlisted: bool = False) -> Archive:
    """The archive as it is. Raises `NotSupported` where it cannot be written."""
    try:
        with held, closing(opened(held.open)) as source:
            directory = directory_of(source)
            if directory.count > reading.limits.members or directory.end - directory.start > 16 * reading.limits.line_bytes:
                raise cannot_rewrite("The archive has more members than the limit.")
            members = tuple(members_of(source, directory))
            taken: list[tuple[int, int]] = []
            for member in members:
                _take(taken, member)
            covered = ((member.offset, end_of(source, member)) for member in members) if has_unlisted else ()
            unlisted = tuple(leftovers(source, directory, covered, unhurried(reading.limits))) if has_unlisted else ()
    except Unreadable as unreadable:
        raise cannot_rewrite(f"The archive cannot be rewritten: {unreadable.reason}.") from None
    return Archive(held, directory, members, unlisted, outcomes, directory.comment)


def _refuse_unwritable(member: Member) -> None:
    if member.is_encrypted or member.method not in METHODS:
        raise cannot_rewrite("A member of the archive is stored in a way that cannot be written.")


def _words(open_file: Opener, member: Member, reading: Reading) -> Iterator[Unit | Gap]:
    """Name, comment and what extra fields say, in the directory and in the local header."""
    place = inside(reading, member.step)
    yield from name_units(f"{member.step}/name", member.name, place, reading)
    if member.unicode_name != member.name:
        yield from name_units(f"{member.step}/name", member.unicode_name, place, reading)
    yield from name_units(f"{member.step}/comment", member.comment, place, reading)
    fields = list(bodies(member.extra))
    try:
        stored = local_of(open_file, member)
    except Unreadable as unreadable:
        yield Gap(reading.collection, unreadable.code, unreadable.reason)
    else:
        name_length = LOCAL.unpack_from(stored)[9]
        name, extra = stored[LOCAL.size : LOCAL.size + name_length], stored[LOCAL.size + name_length :]
        if name != member.name:
            yield from name_units(f"{member.step}/name", name, place, reading)
        fields += bodies(extra)
    for body in dict.fromkeys(fields):
        if reading.gate is not None:
            yield from name_units(f"{member.step}/extra", body, place, reading)


def _take(taken: list[tuple[int, int]], member: Member) -> None:
    """Notes the bytes of a member. Raises `Unreadable` if another one has them."""
    start, end = member.offset, member.offset + LOCAL.size + member.packed
    at = bisect(taken, (start, end))
    if (at and taken[at - 1][1] > start) or (at < len(taken) and taken[at][0] < end):
        raise Unreadable("zip.overlap", "members of an archive lie over each other, as in a bomb; the rest was not read")
    taken.insert(at, (start, end))


def _unpacked(open_file: Opener, member: Member, budget: Budget) -> Iterator[bytes]:
    start = member.offset + len(local_of(open_file, member))
    crc = 0
    with closing(chunks(open_file, start, start + member.packed, _PIECE)) as pieces:
        for piece in expanded(pieces, member.method, Ratio(budget)):
            crc = zlib.crc32(piece, crc)
            yield piece
    if crc != member.crc:
        raise Unreadable("archive.damaged", "a member of an archive is damaged: its checksum is wrong")
