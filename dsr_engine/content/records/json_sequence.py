"""JSON values one after the other, with or without RS before each (RFC 7464), on one line or several: each is a record (`value:3/$.email`).

Log shippers and `jq` write such files. A value without line ends of its own is JSON lines and is read as those.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import BinaryIO

from dsr_engine.content.format import Opener, Reading, Unreadable, Writer
from dsr_engine.content.opaque import Opaque
from dsr_engine.content.places import by_number, inside
from dsr_engine.content.records.json_places import wanted
from dsr_engine.content.records.json_tokens import Tokens, Walker, broken
from dsr_engine.content.records.json_units import splices_of, units_of
from dsr_engine.content.rewriter import Rewriter
from dsr_engine.content.stream import Splice, cannot_rewrite, chunks, flowing, opened, part_of, spliced
from dsr_engine.domain.plan import DropPart, Edit
from dsr_engine.domain.record import Gap, Unit

_MARK = b"\x1e"


@dataclass(frozen=True, slots=True)
class _Value:
    """One value; `data` is empty for one that is too long to be kept."""

    number: int
    start: int
    end: int
    data: bytes


class JsonSequence:
    """Broken JSON is read up to the fault and searched as bytes behind it."""

    name = "jsonseq"

    def read(self, open_file: Opener, reading: Reading) -> Iterator[Unit | Gap]:
        at = 0
        with closing(_without_marks(open_file)) as source:
            try:
                for value in _values(source, reading.limits.line_bytes):
                    yield from _units(open_file, value, reading)
                    at = value.end
            except Unreadable as unreadable:
                yield from (got for got in Opaque().read(part_of(open_file, at), reading) if isinstance(got, Unit))
                yield Gap(reading.collection, unreadable.code, unreadable.reason)

    def prepare(self, open_file: Opener, edits: Sequence[Edit], rewriter: Rewriter, reading: Reading) -> Writer:
        pending = dict(by_number(edits, "value", reading))
        splices: list[Splice] = []
        try:
            with closing(_without_marks(open_file)) as source:
                for value in _values(source, reading.limits.line_bytes) if pending else ():
                    if found := pending.pop(value.number, None):
                        splices += _splices(value, found, rewriter, reading)
        except Unreadable as unreadable:
            raise cannot_rewrite(f"The file cannot be rewritten: {unreadable.reason}.") from None
        if pending:
            raise cannot_rewrite("A value of the plan is not in the file.", "plan again: the file is not what it was")
        return spliced(open_file, splices)


def is_sequence(start: bytes) -> bool:
    """True if the text begins with a whole value and another one behind it."""
    tokens = Tokens(None, len(start) + 1, start.replace(_MARK, b" "))
    try:
        first = tokens.next()
        if first is None or first.kind not in ("{", "["):
            return False
        tokens.object_end(first.start)
        second = tokens.next()
    except Unreadable:
        return False
    return second.kind in ("{", "[") if second is not None else start.startswith(_MARK)


def _without_marks(open_file: Opener) -> BinaryIO:
    """The file with spaces where marks are, so that offsets stay what they are."""
    return opened(lambda: flowing(piece.replace(_MARK, b" ") for piece in chunks(open_file)))


def _values(source: BinaryIO, limit: int) -> Iterator[_Value]:
    tokens = Tokens(source, limit)
    number = 0
    while (token := tokens.next()) is not None:
        number += 1
        if token.kind in ("{", "["):
            end = tokens.object_end(token.start)
            yield _Value(number, token.start, end, tokens.skipped(token.start, end))
        elif token.kind in ("string", "number", "word"):
            yield _Value(number, token.start, token.end, token.raw)
        else:
            raise broken()


def _units(open_file: Opener, value: _Value, reading: Reading) -> Iterator[Unit | Gap]:
    place = f"value:{value.number}"
    if not value.data:
        for got in Opaque().read(part_of(open_file, value.start, value.end), reading):
            if isinstance(got, Unit):
                yield Unit(f"{reading.prefix}{place}", got.text, inside(reading, place), is_opaque=True)
        yield Gap(reading.collection, "json.value_too_long", "an object is longer than the limit; it was searched as bytes only")
    elif reading.gate is None or reading.gate.passes(value.data):
        walker = Walker(Tokens(None, reading.limits.line_bytes, value.data))
        yield from tuple(units_of(walker, f"{reading.prefix}{place}/$", inside(reading, place), reading))


def _splices(value: _Value, edits: Sequence[Edit], rewriter: Rewriter, reading: Reading) -> Iterator[Splice]:
    if any(not edit.place and isinstance(edit.how, DropPart) for edit in edits):
        yield Splice(value.start, value.end, b"")
        return
    if not value.data:
        raise cannot_rewrite("A value is longer than the limit and cannot be rewritten.")
    walker = Walker(Tokens(None, reading.limits.line_bytes, value.data))
    for splice in splices_of(walker, wanted(edits), rewriter):
        yield Splice(value.start + splice.start, value.start + splice.end, splice.content)
