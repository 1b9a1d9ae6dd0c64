"""Plain text, and whatever else is text: each line is a unit; lines that hold a selector only together are one unit (`line:5-6`)."""

from collections.abc import Iterator, Sequence

from dsr_engine.content.charset_guess import redacted, text_of
from dsr_engine.content.format import Opener, Reading, Writer
from dsr_engine.content.opaque import opaque_units
from dsr_engine.content.places import inside, local_place
from dsr_engine.content.rewriter import Rewriter
from dsr_engine.content.scan import Block, Lines, around, blocks, joined
from dsr_engine.content.stream import Splice, cannot_rewrite, head_of, opened, spliced
from dsr_engine.domain.plan import Edit, RedactSpans
from dsr_engine.domain.record import Gap, Unit

_SEAM = 8192


class PlainText:
    """Lines end with a line feed, or with a carriage return in files that have no line feed at their start."""

    name = "text"

    def read(self, open_file: Opener, reading: Reading) -> Iterator[Unit | Gap]:
        lines = Lines(newline_of(head_of(open_file, 65536)))
        tail = b""
        is_told = False
        with opened(open_file) as source:
            for block in blocks(source, lines, reading.limits.line_bytes):
                if block.is_overlong:
                    yield from opaque_units(block.data, f"line:{block.first}", reading)
                    if not is_told:
                        yield Gap(reading.collection, "text.line_too_long", "a line is longer than the limit; it was searched as bytes only")
                    is_told, tail = True, b""
                    continue
                yield from _seam(tail, block, reading)
                yield from _units(block, lines, reading)
                tail = block.data[block.data.find(b"\n", max(0, len(block.data) - _SEAM)) + 1 :]

    def prepare(self, open_file: Opener, edits: Sequence[Edit], rewriter: Rewriter, reading: Reading) -> Writer:
        wanted = {local_place(edit, reading): edit for edit in edits}
        if not all(isinstance(edit.how, RedactSpans) for edit in edits):
            raise cannot_rewrite("A plain text has no fields or rows: spans in it can be redacted, nothing else.")
        ranges = sorted(_line_range(place) for place in wanted)
        splices: list[Splice] = []
        lines = Lines(newline_of(head_of(open_file, 65536)))
        for offset, data in _picked(open_file, lines, ranges, reading):
            splices.append(Splice(offset, offset + len(data), redacted(data, rewriter.redacted)))
        return spliced(open_file, splices)


def newline_of(head: bytes) -> bytes:
    """The byte that ends lines in a file that begins so."""
    return b"\r" if b"\r" in head and b"\n" not in head else b"\n"


def _units(block: Block, lines: Lines, reading: Reading) -> Iterator[Unit]:
    for index, start, end in around(lines, block.data, reading.gate):
        yield _unit(f"line:{block.first + index}", block.data[start:end], reading)
    if reading.gate is not None:
        for first, last, start, end in joined(block.data, reading.gate):
            yield _unit(f"line:{block.first + first}-{block.first + last}", block.data[start:end], reading)


def _seam(tail: bytes, block: Block, reading: Reading) -> Iterator[Unit]:
    """What lies across two buffers."""
    if not tail or reading.gate is None:
        return
    head = block.data[: block.data.rfind(b"\n", 0, _SEAM) + 1]
    before = tail.count(b"\n")
    for first, last, start, end in joined(tail + head, reading.gate):
        if start < len(tail) < end:
            yield _unit(f"line:{block.first - before + first}-{block.first - before + last}", (tail + head)[start:end], reading)


def _unit(place: str, data: bytes, reading: Reading) -> Unit:
    return Unit(reading.prefix + place, text_of(data, reading.gate).rstrip("\r\n"), inside(reading))


def _line_range(place: str) -> tuple[int, int]:
    word, _, numbers = place.partition(":")
    first, _, last = numbers.partition("-")
    if word != "line" or not first.isdecimal() or not (last or first).isdecimal():
        raise cannot_rewrite("There is no place of that kind in a text: it has lines.", "plan again: the file is not what it was")
    return int(first), int(last or first)


def _merged(ranges: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Ranges of lines in their order; those that overlap are taken as one."""
    merged: list[tuple[int, int]] = []
    for first, last in ranges:
        if merged and first <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return merged


def _picked(open_file: Opener, lines: Lines, ranges: Sequence[tuple[int, int]], reading: Reading) -> Iterator[tuple[int, bytes]]:
    """Offset and bytes of each range of lines, its last line end excluded."""
    pending = _merged(ranges)[::-1]
    gathered: list[tuple[int, bytes]] = []
    for number, offset, data in _numbered(open_file, lines, pending, reading):
        gathered.append((offset, data))
        if number == pending[-1][1]:
            yield gathered[0][0], b"".join(piece for _, piece in gathered).rstrip(b"\r\n")
            gathered.clear()
            pending.pop()
    if pending:
        raise cannot_rewrite("A line of the plan is not in the file.", "plan again: the file is not what it was")


def _numbered(open_file: Opener, lines: Lines, pending: Sequence[tuple[int, int]], reading: Reading) -> Iterator[tuple[int, int, bytes]]:
    """Number, offset and bytes of each line in the ranges; the caller takes a range from the end of `pending` once it is through."""
    with opened(open_file) as source:
        for block in blocks(source, lines, reading.limits.line_bytes):
            if not pending:
                return
            if block.is_overlong and pending[-1][0] <= block.first <= pending[-1][1]:
                raise cannot_rewrite("A line is longer than the limit and cannot be rewritten.")
            low, high = block.first, block.first + block.count
            numbers = [number for first, last in reversed(pending) for number in range(max(low, first), min(high, last + 1))]
            for number, start, end in block.picked(lines, numbers):
                yield number, block.offset + start, block.data[start:end]
