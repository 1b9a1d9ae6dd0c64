"""One JSON document of any size: elements of its outermost arrays of objects are records, what lies around them is the file's own.

Objects around the records are judged each for itself: the members of an object are given together when one of them passes the gate.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from dsr_engine.content.format import Opener, Reading, Unreadable, Writer
from dsr_engine.content.opaque import Opaque
from dsr_engine.content.places import inside, local_place
from dsr_engine.content.records.json_places import is_record, path_of, wanted
from dsr_engine.content.records.json_tokens import Event, Tokens, Walker
from dsr_engine.content.records.json_units import splices_of, unit_of, units_of
from dsr_engine.content.rewriter import Rewriter
from dsr_engine.content.stream import cannot_rewrite, opened, part_of, spliced
from dsr_engine.domain.plan import Edit
from dsr_engine.domain.record import Gap, Unit

#: Members of one object that are held back until it is known whether one of them passes.
_HELD = 1000


class JsonDocument:
    """Broken or hostile JSON is read up to the fault and searched as bytes behind it."""

    name = "json"

    def read(self, open_file: Opener, reading: Reading) -> Iterator[Unit | Gap]:
        with opened(open_file) as source:
            walker = Walker(Tokens(source, reading.limits.line_bytes))
            held: list[list[Unit] | None] = []
            try:
                yield from _document(walker, open_file, reading, held)
            except Unreadable as unreadable:
                for members in held:
                    yield from _released(members, reading)
                rest = part_of(open_file, walker.tokens.offset)
                for got in Opaque().read(rest, reading):
                    if isinstance(got, Unit):
                        yield replace(got, place=f"{reading.prefix}$")
                yield Gap(reading.collection, unreadable.code, unreadable.reason)

    def prepare(self, open_file: Opener, edits: Sequence[Edit], rewriter: Rewriter, reading: Reading) -> Writer:
        local = [Edit(local_place(edit, reading), edit.how) for edit in edits]
        with opened(open_file) as source:
            try:
                splices = list(splices_of(Walker(Tokens(source, reading.limits.line_bytes)), wanted(local), rewriter)) if edits else []
            except Unreadable as unreadable:
                raise cannot_rewrite(f"The file cannot be rewritten: {unreadable.reason}.") from None
        return spliced(open_file, splices)


def _document(walker: Walker, open_file: Opener, reading: Reading, held: list[list[Unit] | None]) -> Iterator[Unit | Gap]:
    """`held` are the members of objects that are open: they wait until it is known whether one of them passes."""
    is_told = False
    for event in walker.events():
        if is_record(walker, event, reading):
            start, end = event.token.start, walker.skip(event)
            data = walker.tokens.skipped(start, end)
            if data:
                yield from _record(walker, data, reading)
            else:
                yield from _overlong(open_file, start, end, f"${path_of(walker, reading)}", reading)
                if not is_told:
                    yield Gap(reading.collection, "json.value_too_long", "an object is longer than the limit; it was searched as bytes only")
                is_told = True
            for _, data in walker.following():
                yield from _record(walker, data, reading)
        elif event.kind == "enter":
            held.append([] if event.token.kind == "{" else None)
        elif event.kind == "leave":
            yield from _released(held.pop(), reading)
        else:
            yield from _outer(walker, event, held, reading)


def _record(walker: Walker, data: bytes, reading: Reading) -> Iterator[Unit]:
    """The units of the object that was just skipped, if it passes."""
    if reading.gate is None or reading.gate.passes(data):
        place = f"${path_of(walker, reading)}"
        names = [frame.name for frame in walker.frames if frame.is_object]
        record = Walker(Tokens(None, reading.limits.line_bytes, data))
        yield from units_of(record, reading.prefix + place, inside(reading, place), reading, names)


def _outer(walker: Walker, event: Event, held: Sequence[list[Unit] | None], reading: Reading) -> Iterator[Unit]:
    """A key or scalar outside of all records: held back with its object, or judged alone."""
    unit = unit_of(walker, event, f"{reading.prefix}$", inside(reading), reading)
    if unit is None:
        return
    members = held[-1] if held else None
    if members is not None and len(members) < _HELD:
        members.append(unit)
    elif _passes(unit, reading):
        yield unit


def _released(members: list[Unit] | None, reading: Reading) -> Iterator[Unit]:
    if members and any(_passes(unit, reading) for unit in members):
        yield from members


def _passes(unit: Unit, reading: Reading) -> bool:
    return reading.gate is None or reading.gate.passes_text(unit.text)


def _overlong(open_file: Opener, start: int, end: int, place: str, reading: Reading) -> Iterator[Unit]:
    for got in Opaque().read(part_of(open_file, start, end), reading):
        if isinstance(got, Unit):
            yield replace(got, place=reading.prefix + place, inside=inside(reading, place))
