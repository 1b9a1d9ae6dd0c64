"""Finds a person without a case: nothing is stored, nothing is changed, and nothing of the person is given back but where they are."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from dsr_engine.domain.clock import Clock, SystemClock
from dsr_engine.domain.errors import DsrError
from dsr_engine.domain.finding import Coverage, Extent, Finding
from dsr_engine.domain.selector import Selector
from dsr_engine.domain.system import System
from dsr_engine.workflow.house import OpenDriver, Progress
from dsr_engine.workflow.looking import Look, Search, merged, person_search
from dsr_engine.workflow.mailboxes import title_of
from dsr_engine.workflow.pacing import admit
from dsr_engine.workflow.readers import Readers
from dsr_engine.workflow.searching import Searchers
from dsr_engine.workflow.turnstile import limited

_NOBODY = "find"


@dataclass(frozen=True, slots=True)
class Found:
    """What was found and how far was looked; one coverage row for each collection, or for a system that could not be read at all."""

    findings: tuple[Finding, ...]
    coverage: tuple[Coverage, ...]

    @property
    def is_complete(self) -> bool:
        return all(row.extent is Extent.FULL for row in self.coverage)


def find_person(
    selectors: Sequence[Selector],
    systems: Sequence[System],
    open_driver: OpenDriver,
    searchers: Searchers,
    progress: Progress,
    clock: Clock | None = None,
) -> Found:
    """Searches the systems for the person. One that is down or outside its hours is a coverage row: there is no case that could wait."""
    clock = clock or SystemClock()
    search = person_search({_NOBODY: tuple(selectors)}, {})
    findings: list[Finding] = []
    coverage: dict[tuple[str, str], Coverage] = {}
    for system in systems:
        readers = _readers(system, open_driver, clock)
        for look in _looks(system, search, readers, searchers, progress, coverage):
            findings += look.findings.get(_NOBODY, [])
            row = look.coverage
            if look.error is not None:
                row = Coverage(system.name, look.part.collection, Extent.NONE, str(look.error), look.error.code, is_transient=True)
            if row is not None:
                key = (row.system, row.collection)
                coverage[key] = merged(coverage.get(key), row)
    return Found(tuple(findings), tuple(coverage.values()))


def _readers(system: System, open_driver: OpenDriver, clock: Clock) -> Readers:
    """Connections within the hours of the system, under a name that says that no case stands behind them."""
    return Readers(partial(open_driver, replace(system, label=f"dsr/{_NOBODY}"), read_only=True), lambda: admit(system, clock.now()))


def _looks(
    system: System, search: Search, readers: Readers, searchers: Searchers, progress: Progress, coverage: dict[tuple[str, str], Coverage]
) -> Sequence[Look]:
    if system.is_disabled:
        coverage[system.name, "*"] = Coverage(system.name, "*", Extent.NONE, "the system is disabled in systems.yaml", "system.disabled")
        return ()
    with readers:
        try:
            with readers.lent() as driver:
                parts = list(driver.slices(search.query))
        except DsrError as error:
            coverage[system.name, "*"] = Coverage(system.name, "*", Extent.NONE, str(error), error.code)
            return ()
        what = title_of(system, parts)
        progress.begin(what, len(parts))
        looks = []
        with searchers.over(system, search, readers) as handed:
            hand = limited(system, handed)
            for wave in ([part for part in parts if not part.is_late], [part for part in parts if part.is_late]):
                for order in [hand(part) for part in wave]:
                    looks.append(order.result())
                    progress.advance(what)
        progress.end(what)
    return looks
