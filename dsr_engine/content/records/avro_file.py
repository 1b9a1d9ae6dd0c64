"""Avro object container files: a row is a record of its own (`row:17`), a value in it a path (`row:17/customer.email`, `row:17/tags[0]`).

Entries of maps are named by their position (`row:17/attributes{2}`), because their keys may be personal; a key is a text of its own
(`row:17/attributes{2}/name`). Values that are bytes are read by what they hold. A block in which nothing changes is copied as it is stored; in
another, every byte that no edit concerns stays before it is compressed again. Words of the header (schema, documentation, metadata) are `header:N`.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from typing import BinaryIO

from dsr_engine.content.charset import decoded, detected
from dsr_engine.content.detect import container_of
from dsr_engine.content.format import Budget, Nested, Opener, Reading, Unreadable, Writer
from dsr_engine.content.opaque import Opaque, opaque_units
from dsr_engine.content.places import by_number, inside, is_plain, local_place
from dsr_engine.content.records.avro_blocks import Block, Damage, Header, blocks_of, header_of
from dsr_engine.content.records.avro_data import Leaf, Rows, content_of, damaged, is_file_like, text_of, texts_of
from dsr_engine.content.records.avro_edit import Editing, entries_edited, rewritten_block
from dsr_engine.content.rewriter import Rewriter
from dsr_engine.content.stream import Splice, cannot_rewrite, flowing, opened, part_of, spliced
from dsr_engine.domain.plan import Edit
from dsr_engine.domain.record import Gap, Unit
from dsr_engine.domain.system import FieldMap

#: Characters of rows that are judged together before each is judged for itself.
_TOGETHER = 256 * 1024


@dataclass(frozen=True, slots=True)
class _Row:
    number: int
    leaves: Sequence[Leaf]
    text: str


class AvroFile:
    """A file that says so by its first four bytes."""

    name = "avro"

    def __init__(self, nested: Nested) -> None:
        self._nested = nested

    def read(self, open_file: Opener, reading: Reading) -> Iterator[Unit | Gap]:
        told: set[str] = set()
        for got in self._file(open_file, replace(reading, budget=reading.budget or Budget(reading.limits))):
            if isinstance(got, Gap):
                if got.code in told:
                    continue
                told.add(got.code)
            yield got

    def _file(self, open_file: Opener, reading: Reading) -> Iterator[Unit | Gap]:
        with closing(opened(open_file)) as source:
            try:
                header = header_of(source)
            except Unreadable as unreadable:
                yield from (got for got in Opaque().read(open_file, reading) if isinstance(got, Unit))
                yield Gap(reading.collection, unreadable.code, unreadable.reason)
                return
            yield from _header_units(header, reading)
            for block in blocks_of(source, header):
                if isinstance(block, Damage):
                    yield from _searched(open_file, block, reading)
                else:
                    yield from self._block(block, header, reading)

    def _block(self, block: Block, header: Header, reading: Reading) -> Iterator[Unit | Gap]:
        assert reading.budget is not None  # given by `read`
        try:
            content = block.content(header, reading.budget)
        except Unreadable as unreadable:
            yield from opaque_units(block.stored, f"block:{block.first}", reading)
            yield Gap(reading.collection, unreadable.code, unreadable.reason)
            return
        rows = Rows(header.root, content)
        try:
            for together in _batches(rows, block, content):
                yield from self._rows(together, content, reading)
            if rows.at != len(content):
                raise damaged()
        except Unreadable as unreadable:
            # Rows before the damage may wait to be judged together with those behind it, so the whole block is searched as bytes.
            yield from opaque_units(content, f"block:{block.first}", reading)
            yield Gap(reading.collection, unreadable.code, unreadable.reason)

    def _rows(self, rows: Sequence[_Row], content: bytes, reading: Reading) -> Iterator[Unit | Gap]:
        gate = reading.gate
        is_any = gate is None or gate.passes_text("\n".join(row.text for row in rows))
        for row in rows:
            files = [leaf for leaf in row.leaves if is_file_like(leaf.node) and leaf.end - leaf.start > 8 and _is_container(leaf, content)]
            if is_any and (gate is None or gate.passes_text(row.text)):
                yield from _row_units(row, content, reading, files)
            for leaf in files:
                yield from self._nested.read(*_inner(row.number, leaf, content, reading))

    def prepare(self, open_file: Opener, edits: Sequence[Edit], rewriter: Rewriter, reading: Reading) -> Writer:
        if not edits:
            return spliced(open_file, ())
        words = [edit for edit in edits if local_place(edit, reading).startswith("header:")]
        numbers = {id(edit) for edit in words}
        pending = dict(by_number([edit for edit in edits if id(edit) not in numbers], "row", reading))
        ordered = sorted(pending)
        try:
            with closing(opened(open_file)) as source:
                header = header_of(source)
                splices = _header_splices(header, words, rewriter, reading)
                for block in blocks_of(source, header):
                    if isinstance(block, Damage):
                        raise cannot_rewrite("The file is damaged: a block of it cannot be read.")
                    near = ordered[bisect_left(ordered, block.first) : bisect_left(ordered, block.first + block.count)]
                    wanted = {number: pending.pop(number) for number in near}
                    if wanted:
                        splices.append(self._block_splice(open_file, block, header, wanted, rewriter, reading))
        except Unreadable as unreadable:
            raise cannot_rewrite(f"The file cannot be rewritten: {unreadable.reason}.") from None
        if pending:
            raise cannot_rewrite("A row of the plan is not in the file.", "plan again: the file is not what it was")
        return spliced(open_file, splices)

    def _block_splice(
        self, open_file: Opener, block: Block, header: Header, wanted: dict[int, tuple[Edit, ...]], rewriter: Rewriter, reading: Reading
    ) -> Splice:
        editing = Editing(header, wanted, rewriter, partial(step_path, reading=reading), partial(self._nested_bytes, rewriter, reading))
        rewritten_block(block, editing, Budget(reading.limits))  # refuses now what cannot be done, and is not kept
        lean = replace(block, stored=b"")

        def write(sink: BinaryIO) -> None:
            with closing(opened(open_file)) as source:
                source.seek(lean.start)
                again = next(iter(blocks_of(source, replace(header, end=lean.start))))
            if isinstance(again, Damage):
                raise cannot_rewrite("The file changed while it was written.", "plan again: the file is not what it was")
            sink.write(rewritten_block(replace(again, first=lean.first), editing, Budget(reading.limits)))

        return Splice(block.start, block.end, write)

    def _nested_bytes(self, rewriter: Rewriter, reading: Reading, row: int, leaf: Leaf, data: bytes, edits: Sequence[Edit]) -> bytes:
        """A value that is a file, with edits at places in it."""
        open_inner, inner = _inner(row, leaf, data, reading)
        out = bytearray()
        writer = self._nested.prepare(open_inner, [Edit(inner.prefix + edit.place, edit.how) for edit in edits], rewriter, inner)
        writer(_Gathering(out))  # type: ignore[arg-type]  # a sink that is only written to
        return bytes(out)


class _Gathering:
    """A sink in memory: what goes in came out of one block, which is bounded."""

    def __init__(self, out: bytearray) -> None:
        self._out = out

    def write(self, data: bytes) -> int:
        self._out += data
        return len(data)


def step_path(leaf: Leaf, reading: Reading) -> str:
    """How a leaf is called inside its row."""
    path = ""
    for step in leaf.path:
        if isinstance(step, int):
            path += f"[{step}]"
        elif isinstance(step, tuple):
            path += f"{{{step[0]}}}"
        else:
            path += ("." if path else "") + (step if is_plain(step, reading) else "field")
    return (path or "value") + ("/name" if leaf.is_key else "")


def _header_units(header: Header, reading: Reading) -> Iterator[Unit]:
    for number, (key, value) in enumerate(header.entries, start=1):
        for place, word in ((f"header:{number}/name", key), (f"header:{number}", value)):
            text = decoded(word)[0]
            if reading.gate is None or reading.gate.passes_text(text):
                yield Unit(reading.prefix + place, text, inside(reading))


def _searched(open_file: Opener, damage: Damage, reading: Reading) -> Iterator[Unit | Gap]:
    for got in Opaque().read(part_of(open_file, damage.start, damage.end), reading):
        if isinstance(got, Unit):
            yield replace(got, place=f"{reading.prefix}bytes:{damage.start}")
    reason = damaged()
    yield Gap(reading.collection, reason.code, reason.reason)


def _batches(rows: Rows, block: Block, content: bytes) -> Iterator[list[_Row]]:
    """Rows in lots that are judged together. Rows that take no bytes say nothing."""
    lot: list[_Row] = []
    size = 0
    for number in range(block.first, block.first + block.count):
        before = rows.at
        leaves = rows.next()
        if rows.at == before:
            break
        text = "\n".join(texts_of(leaves, content))
        lot.append(_Row(number, leaves, text))
        size += len(text)
        if size > _TOGETHER:
            yield lot
            lot, size = [], 0
    yield lot


def _is_container(leaf: Leaf, content: bytes) -> bool:
    return bool(container_of(content_of(leaf.node, content[leaf.start : leaf.end])[:64]))


def _inner(row: int, leaf: Leaf, content: bytes, reading: Reading) -> tuple[Opener, Reading]:
    raw = content_of(leaf.node, content[leaf.start : leaf.end])
    prefix = f"{reading.prefix}row:{row}/{step_path(leaf, reading)}/"
    return (lambda: flowing(iter((raw,)))), replace(reading, prefix=prefix, depth=reading.depth + 1, name="")


def _row_units(row: _Row, content: bytes, reading: Reading, files: Sequence[Leaf]) -> Iterator[Unit]:
    local = f"row:{row.number}"
    for leaf in row.leaves:
        if leaf in files:
            continue
        raw = content[leaf.start : leaf.end]
        entry = None if leaf.is_key else _field(leaf, reading)
        place = f"{reading.prefix}{local}/{step_path(leaf, reading)}"
        if is_file_like(leaf.node):
            held = content_of(leaf.node, raw)
            if detected(held) is None:
                yield Unit(place, held.decode("latin-1"), inside(reading, local), entry, is_opaque=True)
            else:
                yield Unit(place, decoded(held)[0], inside(reading, local), entry, is_value=True)
        elif leaf.node.kind != "boolean" or entry is not None:
            yield Unit(place, text_of(leaf.node, raw), inside(reading, local), entry, is_value=not leaf.is_key)


def _field(leaf: Leaf, reading: Reading) -> FieldMap | None:
    if reading.map is None or not leaf.names:
        return None
    return reading.map.field_named(".".join(leaf.names)) or reading.map.field_named(leaf.names[-1])


def _header_splices(header: Header, edits: Sequence[Edit], rewriter: Rewriter, reading: Reading) -> list[Splice]:
    if not edits:
        return []
    return [Splice(0, header.end, header.written(entries_edited(header.entries, by_number(edits, "header", reading), rewriter)))]
