"""Texts of a structured document on their way to units, and edits on their way back to bytes.

Formats make `Passage`s; what the gate thinks of them is asked for many at once, because most documents hold nothing. Passages of one record
(`inside`) are given together, so that fields can be judged together.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from dsr_engine.content.documents.runs import Change, Joined
from dsr_engine.content.format import Reading, Unreadable
from dsr_engine.content.places import inside, local_place
from dsr_engine.content.records.split_cells import joined, parted, place_of, run_of
from dsr_engine.content.rewriter import Rewriter
from dsr_engine.content.stream import cannot_rewrite
from dsr_engine.domain.anonymize import FieldFacts, Misfit
from dsr_engine.domain.plan import DropPart, Edit, Fence, How, Point, RedactSpans, SetValue
from dsr_engine.domain.record import Gap, Unit
from dsr_engine.domain.system import FieldMap

#: Characters that the gate is asked about at once.
_BATCH = 64 * 1024
#: Between two texts of a batch: far enough apart that what two of them say together means nothing.
_APART = "\n\n \n\n"


@dataclass(frozen=True, slots=True)
class Passage:
    """One text of a document. `place` and `inside` are local to the file.

    `steps` are the ways in which each step of the place may be spelt, where there are two. `names` are the field names that lead to it.
    `is_cut`: one of several pieces of a text that is longer than the limit. `is_fixed`: a name, which can be reported and not rewritten.
    `cells` are those of a row of a table: only what several of them say together is a text of its own (`split_cells.py`), at `PLACE/2-3`.
    """

    place: str
    text: Joined
    inside: str = ""
    steps: tuple[tuple[str, str], ...] = ()
    names: tuple[str, ...] = ()
    is_value: bool = False
    is_cut: bool = False
    is_fixed: bool = False
    cells: tuple[Joined, ...] = ()


@dataclass(frozen=True, slots=True)
class Region:
    """The bytes of a sub-record, which go when it is dropped."""

    inside: str
    start: int
    end: int


# ---- reading


def units_of(passages: Iterable[Passage], reading: Reading) -> Iterator[Unit | Gap]:
    """What passes the gate. A record that is longer than the limit is judged piece by piece."""
    is_told = False
    for passage in _passing(passages, reading):
        if passage.cells:
            yield from _together(passage, reading)
            continue
        if passage.is_cut and not is_told:
            is_told = True
            yield Gap(reading.collection, "markup.text_too_long", "a text in a document is longer than the limit; it was searched piece by piece")
        yield Unit(
            reading.prefix + passage.place,
            passage.text.text,
            inside(reading, passage.inside),
            mapped(passage.names, reading),
            is_value=passage.is_value,
            is_opaque=passage.is_cut or passage.is_fixed,
        )


def _together(row: Passage, reading: Reading) -> Iterator[Unit]:
    """What neighbouring cells say only together."""
    if reading.gate is not None:
        for first, last, text in joined(_cell_texts(row), reading.gate):
            yield Unit(f"{reading.prefix}{row.place}/{place_of(first, last)}", text, inside(reading, row.inside))


def _cell_texts(row: Passage) -> list[str]:
    return [cell.text.strip() for cell in row.cells]


def mapped(names: Sequence[str], reading: Reading) -> FieldMap | None:
    """What the manifest says of a field: by its dotted path, else by its name."""
    if reading.map is None or not names:
        return None
    return reading.map.field_named(".".join(names)) or reading.map.field_named(names[-1])


def _passing(passages: Iterable[Passage], reading: Reading) -> Iterator[Passage]:
    """Batches of groups; a group is one record, or one text that belongs to none."""
    groups: list[tuple[str, list[Passage]]] = []
    size = grown = 0
    name = ""
    for passage in passages:
        text = passage.text.text
        if not text.strip():
            continue
        if not groups or not passage.inside or passage.inside != name or grown > reading.limits.line_bytes:
            if size > _BATCH:
                yield from _judged(groups, reading)
                groups, size = [], 0
            groups.append(("", []))
            name, grown = passage.inside, 0
        said, members = groups[-1]
        groups[-1] = (said + _APART + text if said else text, members) if len(said) < _BATCH else (said, members)
        members.append(passage)
        size, grown = size + len(text), grown + len(text)
    yield from _judged(groups, reading)


def _judged(groups: Sequence[tuple[str, list[Passage]]], reading: Reading) -> Iterator[Passage]:
    """The members of the groups that pass, found by halves."""
    gate = reading.gate
    if gate is None:
        yield from (passage for _, members in groups for passage in members)
        return
    if not groups or not gate.passes_text(_APART.join(_said(group) for group in groups)):
        return
    if len(groups) > 1:
        middle = len(groups) // 2
        yield from _judged(groups[:middle], reading)
        yield from _judged(groups[middle:], reading)
    else:
        yield from groups[0][1]


def _said(group: tuple[str, list[Passage]]) -> str:
    said, members = group
    return said if len(said) < _BATCH else _APART.join(passage.text.text for passage in members)


# ---- rewriting


class Wanted:
    """The edits of one document, taken as their places come by."""

    def __init__(self, edits: Sequence[Edit], reading: Reading) -> None:
        self._pending: dict[str, How] = {local_place(edit, reading): edit.how for edit in edits}
        if len(self._pending) < len({(edit.place, repr(edit.how)) for edit in edits}):
            raise cannot_rewrite("Two edits of the plan concern the same place.", "plan again")
        self._positions = {place: tuple(place.split("/")) for place in self._pending if "*" in place}

    def of(self, passage: Passage) -> How | None:
        """The edit of this passage, if there is one."""
        how = self._pending.pop(passage.place, None)
        if how is None and self._positions and passage.steps:
            place = next((place for place, steps in self._positions.items() if _is_at(steps, passage)), None)
            if place is not None:
                del self._positions[place]
                how = self._pending.pop(place, None)
        return how

    def of_cells(self, row: Passage) -> Iterator[tuple[int, int, How]]:
        """The edits of what cells of this row say together: their first and last index."""
        for place in [place for place in self._pending if place.startswith(f"{row.place}/")]:
            if (run := run_of(place.removeprefix(f"{row.place}/"))) is not None and run[1] < len(row.cells):
                yield *run, self._pending.pop(place)

    def is_going(self, inside_of: str) -> bool:
        """True if the sub-record that a passage belongs to is dropped."""
        return bool(inside_of) and isinstance(self._pending.get(inside_of), DropPart)

    def drops(self, region: Region) -> bool:
        """True if the sub-record is to go. Edits of places in it are forgotten with it."""
        how = self._pending.pop(region.inside, None)
        if how is None:
            return False
        if not isinstance(how, DropPart):
            raise cannot_rewrite("A record of a document can be dropped, or places in it can be changed.")
        for place in [place for place in self._pending if place.startswith(f"{region.inside}/")]:
            del self._pending[place]
        return True

    def finish(self) -> None:
        """Raises `NotSupported` if a place was not there."""
        if self._pending:
            raise cannot_rewrite("A place of the plan is not in the file.", "plan again: the file is not what it was")


def _is_at(wanted: Sequence[str], passage: Passage) -> bool:
    around = passage.inside.split("/") if passage.inside else []
    steps = [*((step, step) for step in around), *passage.steps]
    return len(steps) == len(wanted) and all(want in spelt for want, spelt in zip(wanted, steps, strict=True))


def changes_of(passage: Passage, how: How, rewriter: Rewriter) -> Iterator[Change]:
    """What the edit makes of the passage. Raises `NotSupported`."""
    if passage.is_fixed:
        raise cannot_rewrite("A name of an element or attribute, or of their namespace, cannot be rewritten.")
    if passage.is_cut:
        raise cannot_rewrite("A text is longer than the limit and cannot be rewritten.")
    match how:
        case RedactSpans():
            yield from passage.text.redacted(rewriter)
        case SetValue():
            yield from passage.text.replaced(_replacement(passage, how, rewriter))
        case Fence(value) | Point(value):
            yield from passage.text.replaced(str(value))
        case DropPart():
            raise cannot_rewrite("A text cannot be dropped: drop its record, redact it or set its value.")


def changes_of_cells(row: Passage, first: int, last: int, how: How, rewriter: Rewriter) -> Iterator[Change]:
    """What the edit makes of the cells of a row from `first` to `last`. Raises `NotSupported`."""
    if not isinstance(how, RedactSpans):
        raise cannot_rewrite("What cells of a table say together can be redacted, nothing else.")
    texts = _cell_texts(row)
    for index, text in parted(texts, first, last, rewriter).items():
        was = row.cells[index].text
        begin = was.find(texts[index])
        yield from row.cells[index].changes(was[:begin] + text + was[begin + len(texts[index]) :])


def _replacement(passage: Passage, how: SetValue, rewriter: Rewriter) -> str:
    if not passage.is_value:
        raise cannot_rewrite("A text among others has no value to set: it can be redacted.")
    try:
        value = rewriter.replaced(how, passage.text.text, FieldFacts(passage.names[-1] if passage.names else ""))
    except Misfit as misfit:
        raise cannot_rewrite(f"A field cannot hold what the method gives: {misfit}.") from None
    return "" if value is None else str(value)


def opaque_rest(units: Iterable[Unit | Gap], reading: Reading) -> Iterator[Unit]:
    """What was found in bytes behind a fault, under one place."""
    for got in units:
        if isinstance(got, Unit):
            yield Unit(f"{reading.prefix}rest", got.text, inside(reading), is_opaque=True)


def fault(unreadable: Unreadable, reading: Reading) -> Gap:
    """The gap that a fault ends as."""
    return Gap(reading.collection, unreadable.code, unreadable.reason)
