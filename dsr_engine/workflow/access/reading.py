"""The findings of a copy with their records, in portions: each record is read from its system at that moment, and let go of before the next ones."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from dsr_engine.content.match import Matcher
from dsr_engine.domain.case import Case
from dsr_engine.domain.errors import DsrError
from dsr_engine.domain.finding import Finding
from dsr_engine.domain.record import Locator, Record
from dsr_engine.drivers.reading import Bounds
from dsr_engine.store.copies import CopyRecord
from dsr_engine.workflow.house import House
from dsr_engine.workflow.looking import FOUND
from dsr_engine.workflow.previewing import reread

#: Records that are in memory at once, and how much is read of one.
PORTION = 50
BOUNDS = Bounds(characters=8_000_000, seconds=120)


@dataclass(frozen=True, slots=True)
class Wanted:
    """One finding of the case, with what people said about it."""

    id: str
    finding: Finding
    verdict: str
    known: CopyRecord


@dataclass(frozen=True, slots=True)
class Portion:
    """Findings of one collection with their records (None: gone). `error` says why none of them could be read."""

    system: str
    collection: str
    wanted: tuple[Wanted, ...]
    records: Mapping[Locator, Record | None]
    error: str = ""


def wanted_of(house: House, case: Case) -> list[Wanted]:
    """Every finding of the case's round by system and collection, each record once; where it is in more than one slice, the surest."""
    with house.store.snapshot() as tx:
        verdicts = tx.findings.verdicts(case.id)
        best: dict[Locator, tuple[str, Finding]] = {}
        for id_, finding in tx.findings.of(case.id, case.round, FOUND):
            other = best.get(finding.locator)
            if other is None or finding.confidence.rank > other[1].confidence.rank:
                best[finding.locator] = (id_, finding)
        known = tx.copies.records(case.id, [id_ for id_, _ in best.values()])
    found = [Wanted(id_, finding, verdicts.get(id_, ""), known.get(id_, CopyRecord(id_))) for id_, finding in best.values()]
    return sorted(found, key=lambda one: (_order(one), one.finding.locator.key, one.finding.locator.inside))


def portions(house: House, case: Case, wanted: Sequence[Wanted], matcher: Matcher) -> Iterator[Portion]:
    """The findings with what their records say now. A system that does not answer is a portion with an error, not an end."""
    for (system, collection), group in groupby(wanted, key=_order):
        entries = tuple(group)
        for start in range(0, len(entries), PORTION):
            part = entries[start : start + PORTION]
            places = tuple(dict.fromkeys(one.finding.locator.whole for one in part))
            records: dict[Locator, Record | None] = {}
            error = ""
            try:
                records = dict(reread(house, house.system_named(system), places, matcher, BOUNDS, label=f"dsr/{case.id}"))
            except DsrError as refused:
                error = refused.message
            yield Portion(system, collection, part, records, error)


def _order(one: Wanted) -> tuple[str, str]:
    return one.finding.locator.system, one.finding.locator.collection
