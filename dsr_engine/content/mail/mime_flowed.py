"""The text of a mail: lines, and what programs broke over two of them (RFC 3676), behind marks of quotation or not.

An address that is cut by a line end is one address for whoever reads the mail; so lines that hold somebody only together are read without their
break, too (`wrap:5-6`).
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import closing

from dsr_engine.content.charset_guess import text_of
from dsr_engine.content.format import Opener, Reading, Writer
from dsr_engine.content.gate import Gate
from dsr_engine.content.mail.mime_cuts import cut
from dsr_engine.content.mail.mime_inline import Watch
from dsr_engine.content.places import inside, local_place
from dsr_engine.content.rewriter import Rewriter
from dsr_engine.content.scan import Block, Lines, blocks
from dsr_engine.content.stream import Splice, cannot_rewrite, head_of, opened, spliced
from dsr_engine.content.text import PlainText, newline_of
from dsr_engine.domain.plan import Edit, RedactSpans
from dsr_engine.domain.record import Gap, Unit

#: A break with everything that a program put there, and the marks of quotation alone.
_BREAK = re.compile(rb"[ \t]*(?:\r\n?|\n)[> \t]*")
_MARKS = re.compile(rb"(?<=[\r\n])[> \t]*>[> \t]*")
#: What ends a line that goes on in the next: a space that is none (DelSp, RFC 3676 §4.5) but in the mark of a signature, or half of an address.
_FLOWS = re.compile(rb"(?<!\n--) \r?\n(?:>+ ?)?")
_CUT = re.compile(rb"(?<=@)[ \t]*\r?\n[> \t]*")
_FLOWING = re.compile(rb" \r?\n\Z")
_CUTTING = re.compile(rb"@[ \t]*\r?\n\Z")
_WORD, _WRAP = "line:", "wrap:"
_HEAD = 65536
#: Longer lines were not wrapped by a program.
_LONGEST = 4000


class FlowedText:
    """The body of a mail. `is_flowed`: it says of itself that spaces at line ends are none of its own."""

    name = "text"

    def __init__(self, watch: Watch | None = None, *, is_flowed: bool = False) -> None:
        self._lines = PlainText()
        self._watch = watch or Watch()
        self._is_flowed = is_flowed

    def read(self, open_file: Opener, reading: Reading) -> Iterator[Unit | Gap]:
        ranges: list[tuple[int, int]] = []
        for got in self._lines.read(self._watch.over(open_file), reading):
            yield got
            if reading.gate is not None and isinstance(got, Unit) and not got.is_opaque and len(got.text) < _LONGEST:
                found = _range(got.place[len(reading.prefix) :], _WORD)
                if found[0] != found[1]:
                    ranges.append(found)
        if reading.gate is not None and (self._is_flowed or self._watch.has_cut):
            ranges += self._broken(open_file, reading, reading.gate)
        if ranges:
            for (first, last), (_, data) in _stretches(open_file, _merged(ranges), reading).items():
                texts = [text_of(plain, reading.gate) for plain in dict.fromkeys((_BREAK.sub(b"", data), _MARKS.sub(b"", data)))]
                yield Unit(f"{reading.prefix}{_WRAP}{first}-{last}", "\n".join(texts), inside(reading))

    def _broken(self, open_file: Opener, reading: Reading, gate: Gate) -> Iterator[tuple[int, int]]:
        """The lines that pass the gate without the breaks between them."""
        breaks, ending = (_FLOWS, _FLOWING) if self._is_flowed else (_CUT, _CUTTING)
        with closing(opened(open_file)) as source:
            for block in blocks(source, Lines(), reading.limits.line_bytes):
                if block.is_overlong or not gate.passes(breaks.sub(b"", block.data)):
                    continue
                for first, last, data in _paragraphs(block, ending):
                    if first < last and gate.passes(_BREAK.sub(b"", data)):
                        yield first, last

    def prepare(self, open_file: Opener, edits: Sequence[Edit], rewriter: Rewriter, reading: Reading) -> Writer:
        """As `PlainText.prepare`; lines that are read without their break lose only what is cut out."""
        wrapped = [edit for edit in edits if local_place(edit, reading).startswith(_WRAP)]
        if not wrapped:
            return self._lines.prepare(open_file, edits, rewriter, reading)
        if not all(isinstance(edit.how, RedactSpans) for edit in edits):
            raise cannot_rewrite("A plain text has no fields or rows: spans in it can be redacted, nothing else.")
        merged = _merged([_range(local_place(edit, reading), _WRAP if edit in wrapped else _WORD) for edit in edits])
        found = _stretches(open_file, merged, reading)
        if len(found) < len(merged):
            raise cannot_rewrite("A line of the plan is not in the file.", "plan again: the file is not what it was")
        return spliced(open_file, [Splice(at, at + len(data), _without(data, rewriter)) for at, data in found.values()])


def _paragraphs(block: Block, ending: re.Pattern[bytes]) -> Iterator[tuple[int, int, bytes]]:
    """Lines that go on in the next, together: first and last number, bytes."""
    first, pieces = block.first, list[bytes]()
    for number, (start, end) in enumerate(Lines().spans(block.data), block.first):
        line = block.data[start:end]
        pieces.append(line)
        if not ending.search(line):
            yield first, number, b"".join(pieces)
            first, pieces = number + 1, []
    if pieces:
        yield first, first + len(pieces) - 1, b"".join(pieces)


def _without(data: bytes, rewriter: Rewriter) -> bytes:
    """Lines without the person: first as they stand, then without marks of quotation, then without any break."""
    for pattern in (None, _MARKS, _BREAK):
        now = cut(data, [found.span() for found in pattern.finditer(data)] if pattern is not None else (), rewriter)
        if now is None:
            raise cannot_rewrite("A text is broken within what shall be redacted, and its charset does not allow it.")
        data = now
    return data


def _range(place: str, word: str) -> tuple[int, int]:
    first, _, last = place.removeprefix(word).partition("-")
    if not place.startswith(word) or not first.isdecimal() or not (last or first).isdecimal():
        raise cannot_rewrite("There is no place of that kind in a text: it has lines.", "plan again: the file is not what it was")
    return int(first), int(last or first)


def _merged(ranges: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Ranges of lines in their order; those that overlap are one."""
    merged: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if merged and first <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return merged


def _stretches(open_file: Opener, ranges: Sequence[tuple[int, int]], reading: Reading) -> dict[tuple[int, int], tuple[int, bytes]]:
    """Each of the ascending ranges of lines, as far as it is there, with where it begins and its bytes, its last line end excluded."""
    lines = Lines(newline_of(head_of(open_file, _HEAD)))
    gathered: dict[tuple[int, int], tuple[int, bytes]] = {}
    pending = list(ranges)
    with closing(opened(open_file)) as source:
        for block in blocks(source, lines, reading.limits.line_bytes):
            while pending and pending[0][1] < block.first:
                pending.pop(0)
            if not pending:
                break
            if block.is_overlong:
                continue
            for one in pending:
                if one[0] >= block.first + block.count:
                    break
                for _, start, end in block.picked(lines, range(max(one[0], block.first), min(one[1] + 1, block.first + block.count))):
                    at, before = gathered.get(one, (block.offset + start, b""))
                    gathered[one] = (at, before + block.data[start:end])
    return {one: (at, data.rstrip(b"\r\n")) for one, (at, data) in gathered.items()}
