"""RTF files: paragraphs, notes, authors and fields by their characters, pictures and objects by their own formats. A rewrite changes texts only."""

import re
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from typing import BinaryIO

from dsr_engine.content.documents.passages import Passage, fault, opaque_rest, units_of
from dsr_engine.content.documents.rtf_stream import Data, RtfStream
from dsr_engine.content.documents.xml_file import edited
from dsr_engine.content.format import Budget, Nested, Opener, Reading, Unreadable, Writer
from dsr_engine.content.opaque import Opaque
from dsr_engine.content.places import inside, local_place
from dsr_engine.content.rewriter import Rewriter
from dsr_engine.content.stream import cannot_rewrite, chunks, flowing, head_of, opened, part_of, spliced
from dsr_engine.domain.plan import Edit
from dsr_engine.domain.record import Gap, Unit

_SPACE = re.compile(rb"\s+")
_OWN = re.compile(r"data:\d+")
#: Bytes of an object's header (MS-OLEDS 2.2.4) that are looked at.
_HEADER = 4096


class RtfFile:
    """One document. What is embedded is `data:N/`."""

    name = "rtf"

    def __init__(self, nested: Nested) -> None:
        self._nested = nested

    def read(self, open_file: Opener, reading: Reading) -> Iterator[Unit | Gap]:
        datas: list[Data] = []
        faults: list[Unreadable] = []
        with closing(opened(open_file)) as source:
            stream = RtfStream(source, reading.limits.line_bytes)
            yield from units_of(_passages(stream, datas, faults), reading)
            for unreadable in faults:
                yield from opaque_rest(Opaque().read(part_of(open_file, stream.offset), reading), reading)
                yield fault(unreadable, reading)
        told: set[str] = set()
        for data in datas:
            for got in self._embedded(open_file, data, reading):
                if isinstance(got, Unit) or got.code not in told:
                    yield got
                if isinstance(got, Gap):
                    told.add(got.code)

    def _embedded(self, open_file: Opener, data: Data, reading: Reading) -> Iterator[Unit | Gap]:
        budget = reading.budget or Budget(reading.limits)
        budget.members += 1
        try:
            budget.check()
        except Unreadable as unreadable:
            yield fault(unreadable, reading)
            return
        inner = replace(reading, prefix=f"{reading.prefix}data:{data.number}/", depth=reading.depth + 1, name="", budget=budget)
        for got in self._nested.read(_content(open_file, data), inner):
            if isinstance(got, Unit) and _OWN.fullmatch(got.inside.removeprefix(reading.prefix)):
                yield replace(got, inside=inside(reading), is_value=False)
            else:
                yield got

    def prepare(self, open_file: Opener, edits: Sequence[Edit], rewriter: Rewriter, reading: Reading) -> Writer:
        if not edits:
            return spliced(open_file, ())
        if any(local_place(edit, reading).startswith("data:") for edit in edits):
            raise cannot_rewrite("What is embedded in an RTF document cannot be rewritten.")
        faults: list[Unreadable] = []
        with closing(opened(open_file)) as source:
            splices = edited(_passages(RtfStream(source, reading.limits.line_bytes), [], faults), edits, rewriter, reading)
        if faults:
            raise cannot_rewrite(f"The file cannot be rewritten: {faults[0].reason}.")
        return spliced(open_file, splices)


def _passages(stream: RtfStream, datas: list[Data], faults: list[Unreadable]) -> Iterator[Passage]:
    """The paragraphs; what is embedded, and why they ended early, is put aside."""
    try:
        for item in stream.items():
            if isinstance(item, Data):
                datas.append(item)
            else:
                yield item
    except Unreadable as unreadable:
        faults.append(unreadable)


def _content(open_file: Opener, data: Data) -> Opener:
    """The embedded bytes. An object comes without the header of its container (OLE 1.0), so that its own format is seen."""
    if not data.is_hex:
        return part_of(open_file, data.start, data.end)

    def whole() -> BinaryIO:
        return flowing(_bytes(open_file, data.start, data.end))

    skipped = _native(head_of(whole, _HEADER)) if data.kind == "objdata" else 0
    return part_of(whole, skipped) if skipped else whole


def _bytes(open_file: Opener, start: int, end: int) -> Iterator[bytes]:
    carry = b""
    with closing(chunks(open_file, start, end)) as pieces:
        for piece in pieces:
            digits = carry + _SPACE.sub(b"", piece)
            even = len(digits) & ~1
            yield bytes.fromhex(digits[:even].decode("ascii"))
            carry = digits[even:]


def _native(head: bytes) -> int:
    """How long the header of an embedded object is; 0 where it is none."""
    if len(head) < 12 or int.from_bytes(head[4:8], "little") != 2:
        return 0
    at = 8
    for _ in range(3):
        at += 4 + int.from_bytes(head[at : at + 4], "little")
        if at + 4 > len(head):
            return 0
    return at + 4
