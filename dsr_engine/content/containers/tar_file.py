"""Tar archives: each member is read by its own format under `member:N/`; its name, what it links to, its owners and its pax records are units.

A rewrite goes by member: headers and data that do not change are copied, sums are right, and what stands behind the last member stays.
"""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import BinaryIO, cast

from dsr_engine.content.containers.held import Held, view_of
from dsr_engine.content.containers.inflate import Ratio
from dsr_engine.content.containers.members import budget_of, each_gap_once, name_units, step_into, unhurried
from dsr_engine.content.containers.tar_headers import TarMember, members_of
from dsr_engine.content.containers.tar_writing import renamed, resized
from dsr_engine.content.format import Budget, Nested, Opener, Reading, Unreadable, Writer
from dsr_engine.content.opaque import opaque_bytes
from dsr_engine.content.places import by_number, inside, local_place
from dsr_engine.content.rewriter import Rewriter
from dsr_engine.content.stream import BLOCK, Splice, cannot_rewrite, chunks, flowing, head_of, opened, part_of, spliced
from dsr_engine.domain.plan import DropPart, Edit, RedactSpans
from dsr_engine.domain.record import Gap, Unit

WORDS = ("name", "link", "owner", "group")
#: Bytes of a member that stay in memory where the archive itself cannot be read twice; larger ones go to a file without a name.
_IN_MEMORY = 4 * 1024 * 1024


class TarFile:
    """One member after the other, as tapes are read."""

    name = "tar"

    def __init__(self, nested: Nested) -> None:
        self._nested = nested

    def read(self, open_file: Opener, reading: Reading) -> Iterator[Unit | Gap]:
        yield from each_gap_once(self._archive(open_file, reading, budget_of(reading)))

    def _archive(self, open_file: Opener, reading: Reading, budget: Budget) -> Iterator[Unit | Gap]:
        at = 0
        with closing(opened(open_file)) as source:
            try:
                for member in members_of(source):
                    if isinstance(member, int):
                        at = member
                        break
                    at = member.first
                    budget.members += 1
                    budget.check()
                    yield from _words(member, reading)
                    if member.end > member.start or member.sparse:
                        yield from self._content(open_file, source, member, reading, budget)
            except Unreadable as unreadable:
                yield Gap(reading.collection, unreadable.code, unreadable.reason)
                if unreadable.code != "tar.damaged":
                    return
        yield from _behind(open_file, at, reading)

    def _content(self, open_file: Opener, source: BinaryIO, member: TarMember, reading: Reading, budget: Budget) -> Iterator[Unit | Gap]:
        inner = step_into(reading, member.step, member.title.decode("utf-8", "replace"), budget)
        with closing(open_file()) as probe:
            can_seek = probe.seekable()
        if can_seek:
            yield from self._nested.read(content_of(open_file, member, budget), inner)
            return
        # The archive comes out of something that cannot go back: the member is laid aside, for formats read it more than once.
        with tempfile.SpooledTemporaryFile(_IN_MEMORY) as aside:
            source.seek(member.start)
            left = member.end - member.start
            while left > 0 and (piece := source.read(min(BLOCK, left))):
                aside.write(piece)
                left -= len(piece)
            yield from self._nested.read(content_of(lambda: view_of(cast(BinaryIO, aside)), _moved(member), budget), inner)

    def prepare(self, open_file: Opener, edits: Sequence[Edit], rewriter: Rewriter, reading: Reading) -> Writer:
        if not edits:
            return spliced(open_file, ())
        places = {edit: local_place(edit, reading) for edit in edits}
        pending = {
            f"{word}:{number}": of_it
            for word in ("member", "global")
            for number, of_it in by_number([edit for edit in edits if places[edit].startswith(f"{word}:")], word, reading).items()
        }
        if sum(map(len, pending.values())) < len(edits):
            raise cannot_rewrite("There is no place of that kind in this file: it has members.", "plan again: the file is not what it was")
        held = Held(open_file)
        try:
            with held:
                splices = list(self._splices(held.open, pending, rewriter, reading))
        except Unreadable as unreadable:
            raise cannot_rewrite(f"The archive cannot be rewritten: {unreadable.reason}.") from None
        if pending:
            raise cannot_rewrite("A member of the plan is not in the archive.", "plan again: the file is not what it was")
        write = spliced(held.open, splices)

        def written(sink: BinaryIO) -> None:
            with held:
                write(sink)

        return written

    def _splices(self, open_file: Opener, pending: dict[str, tuple[Edit, ...]], rewriter: Rewriter, reading: Reading) -> Iterator[Splice]:
        """Takes what it deals with out of `pending`."""
        with closing(opened(open_file)) as source:
            for member in members_of(source):
                if isinstance(member, TarMember) and (edits := pending.pop(member.step, None)):
                    yield from self._changed(open_file, member, edits, rewriter, reading)

    def _changed(self, open_file: Opener, member: TarMember, edits: Sequence[Edit], rewriter: Rewriter, reading: Reading) -> Iterator[Splice]:
        if any(not edit.place and isinstance(edit.how, DropPart) for edit in edits):
            yield Splice(member.first, member.next, b"")
            return
        own = [edit for edit in edits if edit.place in ("", *WORDS, "pax")]
        if any(not edit.place or not isinstance(edit.how, RedactSpans) for edit in own):
            raise cannot_rewrite("A member of an archive can be dropped, its name redacted, and places in it changed.")
        blocks = renamed(member, rewriter, {edit.place for edit in own})
        inner = [Edit(f"{reading.prefix}{member.step}/{edit.place}", edit.how) for edit in edits if edit not in own]
        if not inner:
            yield Splice(member.first, member.behind_headers, blocks)
            return
        if member.sparse is not None or member.is_global or member.start == member.end:
            raise cannot_rewrite("A member of the archive is stored with holes and cannot be written.")
        budget = unhurried(reading.limits)
        title = member.title.decode("utf-8", "replace")
        writer = self._nested.prepare(content_of(open_file, member, budget), inner, rewriter, step_into(reading, member.step, title, budget))
        yield Splice(member.first, member.next, resized(blocks, writer))


def content_of(open_file: Opener, member: TarMember, budget: Budget) -> Opener:
    """The bytes of a member, holes included: those count as unpacked, so that a file of holes is a bomb."""
    if member.sparse is None:
        return lambda: flowing(_stored(open_file, member))
    return lambda: flowing(_filled(open_file, member, budget))


def _stored(open_file: Opener, member: TarMember) -> Iterator[bytes]:
    left = member.end - member.start
    with closing(chunks(open_file, member.start, member.end)) as pieces:
        for piece in pieces:
            left -= len(piece)
            yield piece
    if left:
        raise Unreadable("archive.truncated", "an archive ends too early; the rest was not read")


def _filled(open_file: Opener, member: TarMember, budget: Budget) -> Iterator[bytes]:
    ratio, at, done = Ratio(budget), member.start, 0
    for start, length in member.sparse or ():
        yield from _zeros(start - done, ratio)
        taken = 0
        with closing(chunks(open_file, at, min(at + length, member.end))) as pieces:
            for piece in pieces:
                ratio.taken += len(piece)
                ratio.gave(len(piece))
                taken += len(piece)
                yield piece
        if taken < length:
            raise Unreadable("archive.truncated", "an archive ends too early; the rest was not read")
        at, done = at + length, max(done, start + length)
    yield from _zeros(member.size - done, ratio)


def _zeros(count: int, ratio: Ratio) -> Iterator[bytes]:
    while count > 0:
        piece = bytes(min(count, BLOCK))
        ratio.gave(len(piece))
        yield piece
        count -= len(piece)


def _moved(member: TarMember) -> TarMember:
    """The member where its data stand at the start of a file of their own."""
    length = member.end - member.start
    return TarMember(member.number, 0, member.blocks, 0, length, member.size, member.sparse)


def _words(member: TarMember, reading: Reading) -> Iterator[Unit | Gap]:
    place = inside(reading, member.step)
    try:
        for word in WORDS:
            if not member.is_global or word != "name":
                for said in dict.fromkeys(member.words(word)):
                    yield from name_units(f"{member.step}/{word}", said, place, reading)
        for said in member.others():
            yield from name_units(f"{member.step}/pax", said, place, reading)
    except Unreadable as unreadable:
        yield Gap(reading.collection, unreadable.code, unreadable.reason)


def _behind(open_file: Opener, at: int, reading: Reading) -> Iterator[Unit | Gap]:
    """What stands behind the last member and is no header."""
    rest = part_of(open_file, at)
    if head_of(rest, BLOCK).strip(b"\0"):
        yield Gap(reading.collection, "tar.trailing", "something else stands in an archive where a header should be; it was searched as bytes")
        yield from opaque_bytes(rest, "rest", reading)
