"""Parquet: each row is a record of its own (`row:17`), each leaf of its columns a value (`row:17/address.city`, `row:17/phones[2].number`).

A search reads columns, not rows: the values of a column go through the gate as one buffer, dictionaries once, and only the rows with a hit are
put together. What stands outside of the columns (statistics, indexes, bloom filters, bytes that nothing refers to) repeats values of rows, so it
is searched where no row was found. The file's own metadata are texts (`metadata:2/value`), and so are names of columns that hold a person
(`column:3/name`).
"""

from collections.abc import Iterator, Sequence
from typing import BinaryIO, cast

from dsr_engine.content.apart import on_disk
from dsr_engine.content.charset_guess import is_utf8
from dsr_engine.content.columnar.arrow_search import NEEDS_EXTRA, ArrowSearch, as_bytes, has_library
from dsr_engine.content.columnar.parquet_asking import REASONS
from dsr_engine.content.columnar.parquet_footer import Footer, Stretch, footer_of, key_values
from dsr_engine.content.columnar.parquet_rewrite import rewritten
from dsr_engine.content.columnar.parquet_schema import schema_texts
from dsr_engine.content.format import Opener, Reading, Unreadable, Writer
from dsr_engine.content.places import inside
from dsr_engine.content.pread_file import Seekable, reopened
from dsr_engine.content.rewriter import Rewriter
from dsr_engine.content.scan import windows
from dsr_engine.content.stream import BLOCK, cannot_rewrite, opened, part_of, spliced
from dsr_engine.domain.plan import Edit
from dsr_engine.domain.record import Gap, Unit

_ELSEWHERE = "a Parquet file refers to data in other files, which are searched only where they lie within the collection"
_STRAY = "a Parquet file has bytes that belong to none of its columns; they were searched as bytes only"
#: Bytes outside of all columns that nobody need be told of.
_LITTLE = 256


class Parquet:
    """Reads columns in a child (`parquet_child`); rewriting copies every row group, and every column, that no edit concerns."""

    name = "parquet"

    def read(self, open_file: Opener, reading: Reading) -> Iterator[Unit | Gap]:
        if not has_library():
            yield Gap(reading.collection, "format.needs_extra", NEEDS_EXTRA)
            yield from as_bytes(open_file, reading)
            return
        with on_disk(open_file) as file:
            search = ArrowSearch(file, reading, "dsr_engine.content.columnar.parquet_child:read", "parquet", REASONS)
            yield from _found(search)
            if search.is_partial:
                yield from as_bytes(lambda: reopened(file), reading)

    def prepare(self, open_file: Opener, edits: Sequence[Edit], rewriter: Rewriter, reading: Reading) -> Writer:
        if not edits:
            return spliced(open_file, ())
        if not has_library():
            raise cannot_rewrite("A file in Parquet can be rewritten with pyarrow only.", "pip install 'dsr-engine[parquet]'")
        return rewritten(open_file, edits, rewriter, reading)


def _found(search: ArrowSearch) -> Iterator[Unit | Gap]:
    """All that passes, metadata first."""
    footer, has_found = None, False
    try:
        footer = footer_of(cast("BinaryIO", Seekable(search.file)))
    except Unreadable as unreadable:
        yield from search.gap(unreadable.code, unreadable.reason)
        if unreadable.code == "parquet.encrypted":
            return
    for found in _metadata(footer, search.reading) if footer is not None else ():
        has_found = True
        yield found
    if footer is not None and footer.is_elsewhere():
        yield from search.gap("parquet.elsewhere", _ELSEWHERE, is_partial=False)
    else:
        for each in search.units():
            has_found = has_found or isinstance(each, Unit)
            yield each
    if footer is not None:
        yield from _outside(search, footer, has_found=has_found)


def _metadata(footer: Footer, reading: Reading) -> Iterator[Unit]:
    for at, (key, value) in enumerate(key_values(footer.meta), 1):
        where = f"{reading.prefix}metadata:{at}"
        for name, text in (("key", key.decode("utf-8", "replace")), ("value", schema_texts(key, value))):
            if text and (reading.gate is None or reading.gate.passes_text(text)):
                yield Unit(f"{where}/{name}", text, inside(reading), is_opaque=not is_utf8(key + value))


# ---- what is outside of the columns


def _outside(search: ArrowSearch, footer: Footer, *, has_found: bool) -> Iterator[Unit | Gap]:
    try:
        stretches = () if footer.is_elsewhere() else footer.stretches(cast("BinaryIO", Seekable(search.file)))
    except Unreadable as unreadable:
        yield from search.gap(unreadable.code, unreadable.reason)
        return
    if any(_is_stray(search.file, start, end) for start, end in _between(stretches, footer.start)):
        yield from search.gap("parquet.stray", _STRAY, is_partial=False)
    if search.reading.gate is not None and not has_found and not search.is_partial:
        for start, end in _between([each for each in stretches if each.what == "pages"], footer.size):
            yield from _searched(search.file, start, end, search.reading)


def _between(stretches: Sequence[Stretch], end: int) -> Iterator[tuple[int, int]]:
    """The bytes that are in none of the stretches, from behind the first magic number to `end`."""
    at = 4
    for stretch in stretches:
        if stretch.start > at:
            yield at, stretch.start
        at = max(at, stretch.end)
    if end > at:
        yield at, end


def _is_stray(file: BinaryIO, start: int, end: int) -> bool:
    """True for more than a few bytes that are no padding."""
    at, seen = start, 0
    source = Seekable(file)
    source.seek(start)
    while at < end and seen <= _LITTLE and (block := source.read(min(BLOCK, end - at))):
        seen += len(block) - block.count(0)
        at += len(block)
    return seen > _LITTLE


def _searched(file: BinaryIO, start: int, end: int, reading: Reading) -> Iterator[Unit]:
    gate = reading.gate
    assert gate is not None  # asked for with a gate only
    with opened(part_of(lambda: reopened(file), start, end)) as source:
        for offset, data in windows(source, gate, gate.reach):
            yield Unit(f"{reading.prefix}bytes:{start + offset}", data.decode("latin-1"), inside(reading), is_opaque=True)
