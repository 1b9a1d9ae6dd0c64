"""JSON Lines: each line is a record of its own (`line:17`), each scalar in it one value (`line:17/$.customer.email`)."""

from collections.abc import Iterator, Sequence

from dsr_engine.content.format import Opener, Reading, Unreadable, Writer
from dsr_engine.content.opaque import opaque_units
from dsr_engine.content.places import by_number, inside
from dsr_engine.content.records.json_places import wanted
from dsr_engine.content.records.json_tokens import Tokens, Walker
from dsr_engine.content.records.json_units import splices_of, units_of
from dsr_engine.content.rewriter import Rewriter
from dsr_engine.content.scan import Found, Lines, blocks, candidates
from dsr_engine.content.stream import Splice, cannot_rewrite, opened, spliced
from dsr_engine.domain.plan import DropPart, Edit
from dsr_engine.domain.record import Gap, Unit


class JsonLines:
    """A line that is not JSON is a gap and is searched as bytes; the others are not harmed by it."""

    name = "jsonl"

    def read(self, open_file: Opener, reading: Reading) -> Iterator[Unit | Gap]:
        told: set[str] = set()
        with opened(open_file) as source:
            for found in candidates(source, Lines(), reading.gate, reading.limits.line_bytes):
                for got in _line(found, reading):
                    if isinstance(got, Gap):
                        if got.code in told:
                            continue
                        told.add(got.code)
                    yield got

    def prepare(self, open_file: Opener, edits: Sequence[Edit], rewriter: Rewriter, reading: Reading) -> Writer:
        pending = dict(by_number(edits, "line", reading))
        splices: list[Splice] = []
        lines = Lines()
        with opened(open_file) as source:
            for block in blocks(source, lines, reading.limits.line_bytes):
                if not pending:
                    break
                if block.is_overlong and block.first in pending:
                    raise cannot_rewrite("A line is longer than the limit and cannot be rewritten.")
                for number, start, end in block.picked(lines, sorted(pending)):
                    splices += _line_splices(block.data[start:end], block.offset + start, pending.pop(number), rewriter, reading)
        if pending:
            raise cannot_rewrite("A line of the plan is not in the file.", "plan again: the file is not what it was")
        return spliced(open_file, splices)


def _line(found: Found, reading: Reading) -> Iterator[Unit | Gap]:
    line = f"line:{found.number}"
    if found.is_overlong:
        yield from opaque_units(found.data, line, reading)
        yield Gap(reading.collection, "json.value_too_long", "a line of JSON is longer than the limit; it was searched as bytes only")
        return
    if not found.data.strip():
        return
    walker = Walker(Tokens(None, reading.limits.line_bytes, found.data))
    try:
        # Whole or not at all: half a line would be judged as if it were the record.
        units = tuple(units_of(walker, f"{reading.prefix}{line}/$", inside(reading, line), reading))
    except Unreadable as unreadable:
        yield from opaque_units(found.data, line, reading)
        yield Gap(reading.collection, unreadable.code, "a line is not valid JSON; it was searched as bytes only")
        return
    yield from units


def _line_splices(line: bytes, offset: int, edits: Sequence[Edit], rewriter: Rewriter, reading: Reading) -> Iterator[Splice]:
    if any(not edit.place and isinstance(edit.how, DropPart) for edit in edits):
        yield Splice(offset, offset + len(line), b"")
        return
    walker = Walker(Tokens(None, reading.limits.line_bytes, line))
    try:
        for splice in splices_of(walker, wanted(edits), rewriter):
            yield Splice(offset + splice.start, offset + splice.end, splice.content)
    except Unreadable:
        raise cannot_rewrite("A line is not valid JSON and cannot be rewritten.", "drop the line, or the file") from None
