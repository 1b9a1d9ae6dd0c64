"""The register of certificates as people leaf through it, and what happened in a period: a number that is missing shows in both."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time

from dsr_engine.store.certificate_lists import Listed, Wanted
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.house import House
from dsr_engine.workflow.records.register import amiss
from dsr_engine.workflow.report import Row

#: What is counted in a period, and the leaf that says so. The last one is about certificates, the others are about cases.
COUNTED = {
    "opened": "case.opened",
    "certified": "certificate.issued",
    "refused": "case.refused",
    "withdrawn": "case.withdrawn",
    "certificates_withdrawn": "certificate.withdrawn",
}
MISSING = "missing"
#: So many missing numbers are named; of more it is said that there are more.
NAMED = 50
#: Of so many missing numbers a report tells in which period they lie; the first ones.
_MOST_MISSING = 10_000


@dataclass(frozen=True, slots=True)
class Line:
    """One number of the register. `listed` None: nobody knows of it. `amiss` says in words what is not as it should be; empty if nothing is."""

    serial: int
    listed: Listed | None
    amiss: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of the register, the highest number first. `missing` are the numbers that are missing anywhere, at most `NAMED`."""

    lines: tuple[Line, ...]
    missing: tuple[int, ...]
    is_first: bool
    is_last: bool


def register_page(tx: Transaction, house: House, wanted: Wanted, count: int, *, before: int | None = None, after: int | None = None) -> Page:
    """A page of the register. What is missing is shown among the others where nothing is filtered."""
    highest = _highest(tx)
    missing = tx.certificate_lists.missing(highest, NAMED + 1)
    if wanted.state == MISSING:
        return Page(tuple(_unknown(tx, missing[:NAMED]).values()), missing, is_first=True, is_last=True)
    if wanted == Wanted():
        return _whole_page(tx, house, count, highest, missing, before, after)
    found = tx.certificate_lists.page(wanted, count + 1, before=before, after=after)
    is_upward = after is not None and before is None
    rest = len(found) > count
    found = (found[1:] if is_upward else found[:-1]) if rest else found
    is_first = not rest if is_upward else before is None
    return Page(tuple(_lines(tx, house, found).values()), missing, is_first=is_first, is_last=not rest and not is_upward)


def _whole_page(tx: Transaction, house: House, count: int, highest: int, missing: tuple[int, ...], before: int | None, after: int | None) -> Page:
    """A page of all numbers: those that nobody knows stand among the others."""
    top = highest if before is None else min(before - 1, highest)
    if after is not None and before is None:
        top = min(after + count, highest)
    bottom = max(top - count + 1, 1)
    known = _lines(tx, house, [each for each in tx.certificate_lists.page(Wanted(), count, before=top + 1) if each.serial >= bottom])
    numbers = range(top, bottom - 1, -1)
    unknown = _unknown(tx, (number for number in numbers if number not in known))
    lines = tuple(known.get(number) or unknown[number] for number in numbers)
    return Page(lines, missing, is_first=top >= highest, is_last=bottom <= 1)


def register_rows(tx: Transaction, house: House, wanted: Wanted) -> Iterator[Row]:
    """The whole register, or what is wanted of it, for a spreadsheet."""
    before: int | None = None
    while True:
        page = register_page(tx, house, wanted, 500, before=before)
        for line in page.lines:
            yield _row(house, line)
        if page.is_last or not page.lines:
            return
        before = page.lines[-1].serial


COLUMNS = ("serial", "certificate", "issued_on", "state", "kind", "policy", "amiss")


def _row(house: House, line: Line) -> Row:
    listed = line.listed
    if listed is None:
        return {"serial": line.serial, "state": MISSING, "amiss": line.amiss}
    day = house.calendar.day_of(listed.issued_at).isoformat()
    named: Row = {"serial": line.serial, "certificate": listed.id, "issued_on": day, "state": listed.state}
    return {**named, "kind": listed.kind, "policy": listed.policy, "amiss": line.amiss}


def _lines(tx: Transaction, house: House, found: Sequence[Listed]) -> dict[int, Line]:
    """The lines of these certificates by number, each held against the ledger and the folder of PDFs."""
    papers = tx.certificate_lists.papers(found)
    leaves = tx.ledger_lists.data_of(index for _, index in papers.values() if index is not None)
    lines = {}
    for listed in found:
        path, index = papers.get(listed.serial, ("", None))
        is_there = bool(path) and (house.paper.folder / path).is_file()
        # An entry that is not there any more is worse than none: it cannot be the one of this certificate.
        entered = listed.id if index is None else str(json.loads(leaves.get(index, b"{}")).get("certificate", ""))
        lines[listed.serial] = Line(listed.serial, listed, amiss(entered, listed.id, is_there=is_there))
    return lines


def _highest(tx: Transaction) -> int:
    """The highest number that the store or the ledger knows."""
    last = tx.ledger_lists.last("certificate.issued")
    entered = int(json.loads(last.data)["serial"]) if last is not None else 0
    return max(entered, tx.certificate_lists.highest())


def _unknown(tx: Transaction, numbers: Iterable[int]) -> dict[int, Line]:
    """The lines of numbers that the store does not know, with what the ledger says of them: it is read once for all of them."""
    wanted = set(numbers)
    found = ((data["serial"], str(data["certificate"])) for _, data in tx.ledger.find("certificate.issued")) if wanted else ()
    entered = {serial: certificate for serial, certificate in found if serial in wanted}
    return {number: Line(number, None, amiss(entered.get(number, ""), "", is_there=False)) for number in sorted(wanted)}


@dataclass(frozen=True, slots=True)
class Span:
    """One month or quarter: its name, its first and its last day, what happened in it, and the numbers of its certificates.

    `numbers` are the lowest and the highest that were issued, None where none was; `missing` those between them that nobody knows.
    """

    name: str
    start: date
    end: date
    counts: dict[str, int]
    numbers: tuple[int, int] | None = None
    missing: tuple[int, ...] = ()


def periods(tx: Transaction, house: House, year: int, *, by_quarter: bool = False) -> tuple[Span, ...]:
    """What happened in each month, or quarter, of a year, by the days of the ledger; and which numbers certificates got."""
    step = 3 if by_quarter else 1
    missing = tx.certificate_lists.missing(_highest(tx), _MOST_MISSING)
    found = []
    for first in range(1, 13, step):
        start = date(year, first, 1)
        following = date(year + (first + step > 12), (first + step - 1) % 12 + 1, 1)
        moments = [datetime.combine(day, time.min, house.calendar.zone) for day in (start, following)]
        name = f"{year} Q{(first + 2) // 3}" if by_quarter else f"{year}-{first:02}"
        counts = {what: tx.ledger_lists.count(kind, *moments) for what, kind in COUNTED.items()}
        numbers = tx.certificate_lists.numbers(*moments)
        lacking = tuple(number for number in missing if numbers is not None and numbers[0] < number < numbers[1])
        found.append(Span(name, start, date.fromordinal(following.toordinal() - 1), counts, numbers, lacking))
    return tuple(found)


def period_rows(spans: Iterable[Span]) -> tuple[Row, ...]:
    """The report for a spreadsheet."""
    return tuple(_period_row(span) for span in spans)


def _period_row(span: Span) -> Row:
    row: Row = {"period": span.name, "from": span.start.isoformat(), "to": span.end.isoformat(), **span.counts}
    row |= {"first_number": None, "last_number": None, "missing_numbers": " ".join(map(str, span.missing))}
    if span.numbers is not None:
        row |= {"first_number": span.numbers[0], "last_number": span.numbers[1]}
    return row


PERIOD_COLUMNS = ("period", "from", "to", *COUNTED, "first_number", "last_number", "missing_numbers")
