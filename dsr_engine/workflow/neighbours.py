"""What stands next to a person's records and is not theirs by that: rows that point at them (dependents) and rows that they point at (parents).

Shown beside a search, because whoever writes a connector has to decide about each link; nothing here makes a record anybody's.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from dsr_engine.domain.errors import DsrError
from dsr_engine.domain.finding import Confidence, Finding, Match
from dsr_engine.domain.record import Locator
from dsr_engine.domain.system import System
from dsr_engine.drivers.survey import Surveyor

OpenSurveyor = Callable[[System], Surveyor | None]


@dataclass(frozen=True, slots=True)
class Beside:
    """`count` records of a collection that are linked with the person's by `via` (`orders.customer_id → customers.id`)."""

    system: str
    collection: str
    via: str
    is_dependent: bool
    count: int

    @property
    def relation(self) -> str:
        return "dependent" if self.is_dependent else "parent"


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """What stands beside, and sentences about systems that did not tell."""

    beside: tuple[Beside, ...]
    untold: tuple[str, ...] = ()


def neighbourhood(findings: Sequence[Finding], systems: Sequence[System], open_surveyor: OpenSurveyor) -> Neighbourhood:
    """The neighbours of the records that are surely the person's; the person's own records are not among them."""
    beside: list[Beside] = []
    untold: list[str] = []
    for system in systems:
        theirs = _theirs(findings, system.name)
        if not theirs:
            continue
        try:
            beside += _of(system, theirs, open_surveyor)
        except DsrError as error:
            untold.append(f"{system.name}: what is linked with these records could not be counted: {error.message}")
    return Neighbourhood(tuple(beside), tuple(untold))


def _theirs(findings: Sequence[Finding], system: str) -> list[Locator]:
    owned = (entry for entry in findings if entry.match is Match.OWNS and entry.confidence is not Confidence.POSSIBLE)
    return list(dict.fromkeys(entry.locator.whole for entry in owned if entry.locator.system == system))


def _of(system: System, theirs: Sequence[Locator], open_surveyor: OpenSurveyor) -> list[Beside]:
    surveyor = open_surveyor(system)
    if surveyor is None:
        return []
    try:
        found = surveyor.neighbours(theirs)
    finally:
        surveyor.close()
    counts: dict[tuple[str, str, bool], int] = {}
    for each in found:
        link = each.via
        start = f"{each.collection}." if each.is_dependent else ""
        via = f"{start}{', '.join(link.fields)} → {link.to_collection}.{', '.join(link.to_fields)}"
        key = (each.collection, via, each.is_dependent)
        counts[key] = counts.get(key, 0) + each.count
    return [Beside(system.name, collection, via, is_dependent, count) for (collection, via, is_dependent), count in sorted(counts.items())]
