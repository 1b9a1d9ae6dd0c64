"""Tells which rows of a file are of people who were erased, before an import takes them in again. It gives numbers of rows and nothing else.

Nobody can list the erased with it: a row has to bring the value that is asked about, the question is counted in the ledger, and the answer says
neither who it was nor why.
"""

import os
import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

from dsr_engine.content.canonical import addresses_of, canonical, mailbox
from dsr_engine.content.digest_gate import DigestGate
from dsr_engine.content.files import read_file, rewrite_file
from dsr_engine.content.format import Opener, Reading
from dsr_engine.content.match import Matcher
from dsr_engine.content.rewriter import CaseRewriter
from dsr_engine.content.stream import chunks
from dsr_engine.domain.errors import InputWrong
from dsr_engine.domain.plan import DropPart, Edit
from dsr_engine.domain.record import Gap, Unit
from dsr_engine.domain.suppression import MAILBOX
from dsr_engine.domain.system import CollectionMap, FieldMap
from dsr_engine.workflow.house import House
from dsr_engine.workflow.leaves import leaf
from dsr_engine.workflow.staying_erased.digest_search import EMAIL, Roll, is_key

#: A row of a table, a line of JSON lines, an element of a JSON array at the top; also inside a gzip file.
_PLACE = re.compile(r"(?P<part>(?:gz/)?(?:row|line):(?P<number>\d+))(?:/|$)")
#: The first row of a table that was taken for a header: in a list without one it is somebody's.
_HEADER = re.compile(r"(?P<part>gz/|)column:\d+/name$")
_ELEMENT = re.compile(r"(?P<part>(?:gz/)?\$\[(?P<number>\d+)\])")


#: How packed files and UTF-16 begin: their bytes say nothing of line ends.
_NOT_BYTES_OF_TEXT = (b"\x1f\x8b", b"PK", b"\xff\xfe", b"\xfe\xff")
#: Values at the beginning of a file that are looked at to see whether anything in it can be compared.
_SAMPLE = 20_000


@dataclass(slots=True)
class Screened:
    """`rows` are the numbers of rows of erased people, as the file counts them (a header is row 1), each with the words for how it was recognised.

    `lines` counts the line ends of the file. `gaps` says what could not be looked at: a row in there may be of somebody as well.
    """

    rows: dict[int, str] = field(default_factory=dict)
    parts: list[str] = field(default_factory=list)
    lines: int = 0
    gaps: list[str] = field(default_factory=list)


def screen(house: House, open_file: Opener, name: str, columns: Mapping[str, str], by: str) -> Screened:
    """Looks through a file in one pass; memory grows with the hits only. `columns` maps a kind of identifier to the column that holds it.

    Without columns every value that is an e-mail address is asked about, and columns that are called like a kind. Raises `InputWrong` for a kind that
    is unknown to the list's makers, and for a file without rows.
    """
    with house.store.snapshot() as tx:
        roll = Roll(tx.suppression.keys, tx.suppression.live())
    found = Screened()
    _refuse_blind(roll, open_file, name, columns, found)
    for got in read_file(open_file, _reading(roll, name, columns)):
        if isinstance(got, Gap):
            found.gaps.append(got.reason)
        else:
            _take(got, roll, columns, found)
    found.lines, are_rows_unsure = _lines(open_file)
    if are_rows_unsure:
        found.gaps.append("its rows end with carriage returns alone, as on old Macs, and cannot be told apart for sure; save it with line feeds")
    _count(house, found, by)
    return found


def _refuse_blind(roll: Roll, open_file: Opener, name: str, columns: Mapping[str, str], found: Screened) -> None:
    """Where nothing can be compared, "none of them" would be a lie: a column that is not there is an error, and a file without identifiers a gap."""
    reading = replace(_reading(roll, name, columns), gate=None)
    units = [got for got in islice(read_file(open_file, reading), _SAMPLE) if isinstance(got, Unit) and _row(got)[0]]
    seen = {_kind(unit, columns) for unit in units if canonical(_kind(unit, columns), addresses_of(unit.text)[0])} - {""}
    for kind, column in columns.items() if units else ():
        if not any(unit.field is not None and unit.field.name == column for unit in units):
            raise InputWrong(
                f"the first rows have no column {column}",
                code="suppress.no_column",
                hint=f"write it as the file's header does, or by its number: --column {kind}=2",
            )
    if units and not seen:
        found.gaps.append("nothing in the first rows is an identifier that could be compared; name the column: --column KIND=COLUMN")


def _reading(roll: Roll, name: str, columns: Mapping[str, str]) -> Reading:
    """Addresses are looked for in the raw bytes. Kinds without a shape of their own need every row, so only where a column is named for one."""
    kinds = [kind for kind in roll.kinds if not is_key(kind) and kind not in (EMAIL, MAILBOX)]
    named = {kind: columns[kind] for kind in columns} or {kind: kind for kind in kinds}
    fields = tuple(FieldMap(column, selects=kind) for kind, column in named.items())
    needs_all = any(kind in roll.kinds and kind != EMAIL for kind in named) if columns else bool(kinds)
    gate = None if needs_all else DigestGate(lambda address: bool(_recognised(roll, EMAIL, address)))
    return Reading("import", gate, CollectionMap("import", fields=fields), name=_called(name))


def _called(name: str) -> str:
    """The name by which the format is guessed: a list of addresses, one a line, is a table of one column whatever it is called."""
    return name if name.lower().endswith((".json", ".jsonl", ".ndjson", ".gz", ".zip")) else f"{name}.csv"


def _take(unit: Unit, roll: Roll, columns: Mapping[str, str], found: Screened) -> None:
    if unit.is_opaque:
        return
    kind = _kind(unit, columns)
    how = _recognised(roll, kind, unit.text) if kind else ""
    if not how:
        return
    part, number = _row(unit)
    if not part:
        raise InputWrong(
            "the file has no rows that could be told by number",
            code="suppress.no_rows",
            hint="give it as CSV, as JSON lines, as a JSON array of objects, or one address a line",
        )
    if number not in found.rows:
        found.rows[number] = how
        found.parts.append(part)


def _row(unit: Unit) -> tuple[str, int]:
    """The row in which a unit stands: its name as a part of the file, and its number from 1; empty where there are no rows."""
    header = _HEADER.match(unit.place)
    if header is not None:
        return f"{header['part']}row:1", 1
    place = _PLACE.match(unit.place) or _ELEMENT.match(unit.place)
    return (place["part"], int(place["number"]) + place["part"].endswith("]")) if place is not None else ("", 0)


def _kind(unit: Unit, columns: Mapping[str, str]) -> str:
    """As what the value is asked about; empty where it is not."""
    if unit.field is not None and unit.field.selects is not None:
        return unit.field.selects
    if columns:
        return ""
    return EMAIL if unit.is_value or _HEADER.match(unit.place) else ""


def _recognised(roll: Roll, kind: str, value: str) -> str:
    """How a value is recognised: `equal` to an erased identifier, the `same mailbox`, or empty."""
    texts = [canonical(kind, part) for part in (addresses_of(value) if kind == EMAIL else (value,))]
    if any(roll.of(kind, text) for text in texts):
        return "equal"
    return "same mailbox" if kind == EMAIL and any(roll.of(MAILBOX, mailbox(text)) for text in texts) else ""


def _lines(open_file: Opener) -> tuple[int, bool]:
    """How many lines the file has, and whether more of them end with a carriage return than with a line feed."""
    count, returns, last, first = 0, 0, b"\n", b""
    for piece in chunks(open_file):
        first = first or piece[:2]
        count += piece.count(b"\n")
        returns += piece.count(b"\r")
        last = piece[-1:]
    return count + (last != b"\n"), returns > count and first not in _NOT_BYTES_OF_TEXT


def _count(house: House, found: Screened, by: str) -> None:
    """The question is on record by its size: who asks about everybody shows."""
    with house.store.transaction() as tx:
        facts = {"lines": found.lines, "rows_of_erased": len(found.rows)}
        tx.ledger.append(leaf(house.clock, "suppression.checked", secrets.token_hex(8), by=tx.people.id_of(by), counts=facts))


def drop_rows(open_file: Opener, name: str, found: Screened, out: Path) -> None:
    """Writes the file without the rows that were found, every other byte as it was; it appears whole or not at all.

    Raises `NotSupported` where rows of this format cannot be taken out, and `InputWrong` where a part of the file could not be looked at.
    """
    if found.gaps:
        raise InputWrong(
            f"a part of the file could not be looked at: {found.gaps[0]}",
            code="suppress.unread",
            hint="nothing was written: what cannot be read may be of somebody who was erased",
        )
    edits = [Edit(part, DropPart()) for part in found.parts]
    draft = out.with_name(f".{out.name}.{secrets.token_hex(4)}.part")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as sink:
            rewrite_file(open_file, sink, edits, CaseRewriter(Matcher({}), "", b""), Reading("import", None, name=_called(name)))
            sink.flush()
            os.fsync(sink.fileno())
        draft.replace(out)
    finally:
        draft.unlink(missing_ok=True)
    folder = os.open(out.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def is_listed(house: House, values: Mapping[str, str], by: str) -> bool:
    """True if one of these identifiers (kind → value) is of somebody who was erased: for programs that take in people one by one. It is counted."""
    return are_listed(house, [tuple(values.items())], by)[0]


def are_listed(house: House, people: Sequence[Sequence[tuple[str, str]]], by: str) -> tuple[bool, ...]:
    """As `is_listed`, for several people at once, each with their identifiers (kind, value). The question is counted once, by its size."""
    found = Screened(lines=len(people))
    with house.store.snapshot() as tx:
        for number, values in enumerate(people, 1):
            asked = [(kind, canonical(kind, value)) for kind, value in values]
            asked += [(MAILBOX, mailbox(text)) for kind, text in asked if kind == EMAIL and text]
            if any(text and tx.suppression.is_suppressed(kind, text) for kind, text in asked):
                found.rows[number] = "equal"
    _count(house, found, by)
    return tuple(number in found.rows for number in range(1, len(people) + 1))


def read_lines(found: Screened) -> Iterator[dict[str, str | int]]:
    """The rows in their order, as plain data."""
    return ({"row": number, "how": how} for number, how in sorted(found.rows.items()))
