"""SQLite files in folders, buckets and mails: rows are records (`table:2/row:17`), columns are places (`table:2/row:17/email`).

Tables are numbered in the order of the schema, rows in the order of their keys. What deleted rows left behind in the file is a text too
(`leftover:PAGE`): any rewrite removes all of it. A live database is better configured as a system of its own: a file
that another program has open is a picture of a moment.
"""

import base64
import io
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Any, BinaryIO

from dsr_engine.content.apart import Frame, spoken
from dsr_engine.content.charset import decoded, detected, encoded_like
from dsr_engine.content.detect import container_of
from dsr_engine.content.format import Nested, Opener, Reading, Unreadable, Writer
from dsr_engine.content.opaque import Opaque
from dsr_engine.content.places import inside, is_plain, local_place
from dsr_engine.content.records.sqlite_child import CELL
from dsr_engine.content.rewriter import Rewriter
from dsr_engine.content.scan import windows
from dsr_engine.content.stream import BLOCK, cannot_rewrite, flowing, head_of, opened, spliced
from dsr_engine.domain.anonymize import FieldFacts, Misfit, ValueType
from dsr_engine.domain.plan import DropPart, Edit, Fence, How, Point, RedactSpans, SetValue
from dsr_engine.domain.record import Gap, Unit
from dsr_engine.domain.system import FieldMap

#: Larger files are databases that somebody runs, and are searched by the driver for them.
_LARGEST = 256 * 1024 * 1024
_WORK = "dsr_engine.content.records.sqlite_child:read"
_REASONS = {
    "sqlite.damaged": "a SQLite file is damaged, encrypted or needs an extension; what could not be read of it was searched as bytes",
    "sqlite.too_many": "a SQLite file has more tables than the limit; its bytes were searched as they are",
    "sqlite.virtual": "a SQLite file has virtual tables (full-text search), whose indexes would keep what is erased",
    "sqlite.refused": "SQLite refused the changes: a constraint, a trigger or a collation of the file stands against them",
}
_WAL = "a SQLite file is in WAL mode: its newest changes may be in the -wal file beside it, which was not read with it"


@dataclass(slots=True)
class _Table:
    """The table whose rows come."""

    number: int = 0
    columns: Sequence[str] = ()
    not_null: Sequence[bool] = ()
    generated: Sequence[bool] = ()
    called: list[str] = field(default_factory=list)

    def is_told_by(self, frame: Frame, reading: Reading) -> None:
        self.number = int(frame.head["number"])
        self.columns, self.not_null, self.generated = (tuple(frame.head[word]) for word in ("columns", "not_null", "generated"))
        self.called = [name if is_plain(name, reading) and self.columns.count(name) == 1 else str(at + 1) for at, name in enumerate(self.columns)]


@dataclass(frozen=True, slots=True)
class _Cell:
    """`kind` is n, i, f, t or b."""

    kind: str
    data: bytes

    @property
    def text(self) -> str:
        return decoded(self.data)[0] if self.kind in "tb" else self.data.decode("ascii")


class SqliteFile:
    """SQLite itself reads it, in a process that can do nothing else."""

    name = "sqlite"

    def __init__(self, nested: Nested) -> None:
        self._nested = nested

    def read(self, open_file: Opener, reading: Reading) -> Iterator[Unit | Gap]:
        if _size(open_file) > _LARGEST:
            yield from _as_bytes(open_file, reading)
            reason = "a SQLite file is larger than 256 MiB and was searched as bytes only; configure it as a system of driver sql"
            yield Gap(reading.collection, "sqlite.too_large", reason)
            return
        if head_of(open_file, 20)[18:20] != b"\1\1":
            yield Gap(reading.collection, "sqlite.wal", _WAL)
        try:
            yield from self._database(open_file, reading)
        except Unreadable as unreadable:
            yield from _as_bytes(open_file, reading)
            yield Gap(reading.collection, unreadable.code, unreadable.reason)

    def _database(self, open_file: Opener, reading: Reading) -> Iterator[Unit | Gap]:
        table = _Table()
        for frame in spoken(_WORK, open_file, {}, reasons=_REASONS, reading=reading):
            kind = frame.head.get("kind")
            if kind == "schema" and frame.head["has_virtual"]:
                reason = "a SQLite file has virtual tables (full-text search): their own tables were read, their indexes as bytes only"
                yield Gap(reading.collection, "sqlite.virtual_table", reason)
            elif kind == "entry":
                yield from _entry(frame, reading)
            elif kind == "table":
                table.is_told_by(frame, reading)
                yield from _names(table, reading)
            elif kind == "rows":
                yield from self._rows(frame, table, reading)
            elif kind == "leftover":
                yield from _leftover(frame, reading)

    def _rows(self, frame: Frame, table: _Table, reading: Reading) -> Iterator[Unit | Gap]:
        gate = reading.gate
        if gate is not None and not frame.head["has_blobs"] and not gate.passes(frame.body):
            return
        rows = list(_cells(frame, len(table.columns)))
        is_any = gate is None or gate.passes_text("\n".join(_judged(cells) for _, cells in rows))
        for number, cells in rows:
            row = f"table:{table.number}/row:{number}"
            is_passed = is_any and (gate is None or gate.passes_text(_judged(cells)))
            for at, cell in enumerate(cells):
                place = f"{reading.prefix}{row}/{table.called[at]}"
                if cell.kind == "b" and container_of(cell.data[:64]):
                    how = replace(reading, prefix=f"{place}/", depth=reading.depth + 1, name="")
                    yield from self._nested.read(_opener(cell.data), how)
                elif is_passed and cell.kind != "n":
                    yield _unit(cell, place, inside(reading, row), _field(table.columns[at], reading))

    def prepare(self, open_file: Opener, edits: Sequence[Edit], rewriter: Rewriter, reading: Reading) -> Writer:
        if not edits:
            return spliced(open_file, ())
        if _size(open_file) > _LARGEST:
            raise cannot_rewrite("A SQLite file of this size is not rewritten.", "configure it as a system of driver sql")
        if head_of(open_file, 20)[18:20] != b"\1\1":
            hint = "switch it to journal_mode=DELETE, or configure it as a system of driver sql"
            raise cannot_rewrite("A SQLite file in WAL mode is not rewritten: a -wal file beside it would undo the change.", hint)
        wanted = _wanted(edits, reading)
        try:
            changes = self._changes(open_file, wanted, rewriter, reading)
            with tempfile.TemporaryFile() as tried:
                _apply(open_file, changes, tried)
        except Unreadable as unreadable:
            raise cannot_rewrite(f"The file cannot be rewritten: {unreadable.reason}.") from None

        def write(sink: BinaryIO) -> None:
            with tempfile.TemporaryFile() as written:
                _apply(open_file, changes, written)
                written.seek(0)
                while piece := written.read(BLOCK):
                    sink.write(piece)

        return write

    def _changes(self, open_file: Opener, wanted: dict[tuple[int, int], list[Edit]], rewriter: Rewriter, reading: Reading) -> Mapping[str, Any]:
        """What the child is told: table, row, column, and the new value."""
        pending = dict(wanted)
        changes: dict[str, dict[str, Any]] = {}
        table = _Table()
        for frame in spoken(_WORK, open_file, {}, reasons=_REASONS):
            kind = frame.head.get("kind")
            if kind == "entry":
                _refuse_schema(frame, pending, rewriter)
            elif kind == "table":
                table.is_told_by(frame, reading)
            elif kind == "rows":
                for number, cells, edits in _picked(frame, table, pending):
                    now = self._row(table, number, cells, edits, rewriter, reading)
                    if now is None or now:
                        changes.setdefault(str(table.number), {})[str(number)] = now
        if pending:
            raise cannot_rewrite("A row of the plan is not in the file.", "plan again: the file is not what it was")
        return changes

    def _row(
        self, table: _Table, number: int, cells: Sequence[_Cell], edits: Sequence[Edit], rewriter: Rewriter, reading: Reading
    ) -> dict[str, tuple[str, str]] | None:
        if any(not edit.place and isinstance(edit.how, DropPart) for edit in edits):
            return None
        now: dict[str, tuple[str, str]] = {}
        inner: dict[int, list[Edit]] = {}
        for edit in edits:
            column, _, rest = edit.place.partition("/")
            if column not in table.called:
                raise cannot_rewrite("A column of the plan is not in the file.", "plan again: the file is not what it was")
            at = table.called.index(column)
            if table.generated[at]:
                raise cannot_rewrite("A column is computed from others and cannot be set.", "drop the row, or change what it is computed from")
            if rest:
                inner.setdefault(at, []).append(Edit(rest, edit.how))
            elif (value := _value(cells[at], edit.how, table, at, rewriter)) is not None:
                now[str(at)] = value
        for at, several in inner.items():
            prefix = f"{reading.prefix}table:{table.number}/row:{number}/{table.called[at]}/"
            how = replace(reading, prefix=prefix, depth=reading.depth + 1, name="")
            sink = io.BytesIO()
            self._nested.prepare(_opener(cells[at].data), [Edit(prefix + edit.place, edit.how) for edit in several], rewriter, how)(sink)
            now[str(at)] = "b", base64.b64encode(sink.getvalue()).decode()
        return now


def _apply(open_file: Opener, changes: Mapping[str, Any], sink: BinaryIO) -> None:
    for _ in spoken(_WORK, open_file, {"changes": changes}, reasons=_REASONS, sink=sink):
        pass


def _opener(data: bytes) -> Opener:
    return lambda: flowing(iter((data,)))


def _size(open_file: Opener) -> int:
    with closing(opened(open_file)) as source:
        return source.seek(0, io.SEEK_END)


def _as_bytes(open_file: Opener, reading: Reading) -> Iterator[Unit]:
    yield from (got for got in Opaque().read(open_file, reading) if isinstance(got, Unit))


def _cells(frame: Frame, width: int) -> Iterator[tuple[int, list[_Cell]]]:
    """Number and cells of each row of a frame."""
    at = 0
    for number in range(int(frame.head["first"]), int(frame.head["first"]) + int(frame.head["count"])):
        cells: list[_Cell] = []
        for _ in range(width):
            _, kind, length, _ = CELL.unpack_from(frame.body, at)
            at += CELL.size
            cells.append(_Cell(kind.decode("ascii"), frame.body[at : at + length]))
            at += length
        yield number, cells


def _judged(cells: Sequence[_Cell]) -> str:
    return "\n".join(cell.data.decode("latin-1") if cell.kind == "b" else cell.text for cell in cells)


def _unit(cell: _Cell, place: str, part: str, entry: FieldMap | None) -> Unit:
    if cell.kind == "b" and detected(cell.data) is None:
        return Unit(place, cell.data.decode("latin-1"), part, entry, is_opaque=True)
    return Unit(place, cell.text, part, entry, is_value=True)


def _entry(frame: Frame, reading: Reading) -> Iterator[Unit]:
    """One line of the schema. It can be reported and not be rewritten: programs know tables by their names."""
    for _, (name, sql) in _cells(Frame({"first": 0, "count": 1}, frame.body), 2):
        text = sql.text or name.text
        if reading.gate is None or reading.gate.passes_text(text):
            yield Unit(f"{reading.prefix}schema:{int(frame.head['number'])}", text, inside(reading))


def _names(table: _Table, reading: Reading) -> Iterator[Unit]:
    for at, name in enumerate(table.columns):
        if reading.gate is not None and reading.gate.passes_text(name):
            yield Unit(f"{reading.prefix}table:{table.number}/column:{at + 1}/name", name, inside(reading))


def _field(name: str, reading: Reading) -> FieldMap | None:
    return reading.map.field_named(name) if reading.map is not None else None


def _leftover(frame: Frame, reading: Reading) -> Iterator[Unit]:
    overlap = reading.gate.reach if reading.gate is not None else 0
    for offset, data in windows(io.BytesIO(frame.body), reading.gate, overlap) if reading.gate is not None else ():
        yield Unit(f"{reading.prefix}leftover:{int(frame.head['page'])}/{offset}", data.decode("latin-1"), inside(reading))


# ---- rewriting


def _wanted(edits: Sequence[Edit], reading: Reading) -> dict[tuple[int, int], list[Edit]]:
    """Edits by table and row, with places that begin behind them. What was left behind goes with any rewrite."""
    found: dict[tuple[int, int], list[Edit]] = {}
    for edit in edits:
        local = local_place(edit, reading)
        if local.startswith("leftover:") and isinstance(edit.how, RedactSpans):
            continue
        if local.startswith("schema:") and isinstance(edit.how, RedactSpans):
            found[(0, int(local[7:]) if local[7:].isdecimal() else 0)] = [edit]
            continue
        steps = local.split("/", 2)
        numbers = [step.partition(":")[2] for step in steps[:2]]
        if len(numbers) < 2 or not all(map(str.isdecimal, numbers)) or not local.startswith("table:") or not steps[1].startswith("row:"):
            raise _no_names()
        found.setdefault((int(numbers[0]), int(numbers[1])), []).append(Edit(steps[2] if len(steps) > 2 else "", edit.how))
    return found


def _picked(frame: Frame, table: _Table, pending: dict[tuple[int, int], list[Edit]]) -> Iterator[tuple[int, list[_Cell], list[Edit]]]:
    """The rows of a frame that are edited, with their edits."""
    first = int(frame.head["first"])
    if any(number == table.number and first <= row < first + int(frame.head["count"]) for number, row in pending):
        for number, cells in _cells(frame, len(table.columns)):
            if edits := pending.pop((table.number, number), None):
                yield number, cells, edits


def _refuse_schema(frame: Frame, pending: dict[tuple[int, int], list[Edit]], rewriter: Rewriter) -> None:
    """Names of tables and views may hold the person; programs know them by these names."""
    if pending.pop((0, int(frame.head["number"])), None):
        for _, words in _cells(Frame({"first": 0, "count": 1}, frame.body), 2):
            if any(rewriter.redacted(word.text) != word.text for word in words):
                raise _no_names()


def _no_names() -> Exception:
    return cannot_rewrite("Rows of a SQLite file can be changed; names of tables, views and columns cannot.")


def _value(cell: _Cell, how: How, table: _Table, at: int, rewriter: Rewriter) -> tuple[str, str] | None:
    """Type and text of what the cell becomes; None where it stays."""
    match how:
        case RedactSpans():
            return _redacted(cell, table, at, rewriter)
        case SetValue():
            return _replaced(cell, how, table, at, rewriter)
        case Fence(value) | Point(value):
            return _typed(value)
        case DropPart():
            raise cannot_rewrite("A column cannot be dropped: drop its row or set its value.")


def _redacted(cell: _Cell, table: _Table, at: int, rewriter: Rewriter) -> tuple[str, str] | None:
    text, codec = decoded(cell.data)
    now = rewriter.redacted(text)
    if now == text:
        return None
    if cell.kind in "if":
        if table.not_null[at]:
            raise cannot_rewrite("A number cannot be cut out of a column that may not be empty.", "drop the row, or set another value")
        return "n", ""
    changed = encoded_like(cell.data, codec, text, now)
    return ("b", base64.b64encode(changed).decode()) if cell.kind == "b" else ("t", decoded(changed)[0])


_TYPES = {"i": ValueType.INTEGER, "f": ValueType.NUMBER}


def _replaced(cell: _Cell, how: SetValue, table: _Table, at: int, rewriter: Rewriter) -> tuple[str, str] | None:
    if cell.kind == "n":
        return None
    value = {"i": int, "f": float}.get(cell.kind, str)(cell.text)
    facts = FieldFacts(table.columns[at], _TYPES.get(cell.kind, ValueType.TEXT), is_nullable=not table.not_null[at])
    try:
        return _typed(rewriter.replaced(how, value, facts))
    except Misfit as misfit:
        raise cannot_rewrite(f"A column cannot hold what the method gives: {misfit}.") from None


def _typed(value: object) -> tuple[str, str]:
    if value is None:
        return "n", ""
    if isinstance(value, bool | int):
        return "i", str(int(value))
    return ("f", repr(value)) if isinstance(value, float) else ("t", str(value))
