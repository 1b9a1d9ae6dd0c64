"""Finds a person without a case: nothing is stored, nothing is changed, and nothing of the person is given back but where they are."""

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace

from dsr_engine.domain.clock import Clock, SystemClock
from dsr_engine.domain.errors import DsrError
from dsr_engine.domain.finding import Coverage, Extent, Finding
from dsr_engine.domain.selector import Selector
from dsr_engine.domain.system import System
from dsr_engine.drivers.driver import Driver, Slice
from dsr_engine.workflow.house import OpenDriver, Progress
from dsr_engine.workflow.looking import Look, Search, look_at, merged, person_search
from dsr_engine.workflow.pacing import admit

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
    executor: Executor,
    progress: Progress,
    clock: Clock | None = None,
) -> Found:
    """Searches the systems for the person. One that is down or outside its hours is a coverage row: there is no case that could wait."""
    opened = _Admitted(open_driver, clock or SystemClock())
    search = person_search({_NOBODY: tuple(selectors)}, {})
    findings: list[Finding] = []
    coverage: dict[tuple[str, str], Coverage] = {}
    for system in systems:
        for look in _looks(system, search, opened, executor, progress, coverage):
            findings += look.findings.get(_NOBODY, [])
            row = look.coverage
            if look.error is not None:
                row = Coverage(system.name, look.part.collection, Extent.NONE, str(look.error), look.error.code, is_transient=True)
            if row is not None:
                key = (row.system, row.collection)
                coverage[key] = merged(coverage.get(key), row)
    return Found(tuple(findings), tuple(coverage.values()))


@dataclass(frozen=True, slots=True)
class _Admitted:
    """Opens drivers within the hours of their systems, under a name that says that no case stands behind them."""

    open_driver: OpenDriver
    clock: Clock

    def __call__(self, system: System, *, read_only: bool = False) -> Driver:
        admit(system, self.clock.now())
        return self.open_driver(replace(system, label=f"dsr/{_NOBODY}"), read_only=read_only)


def _looks(
    system: System, search: Search, open_driver: OpenDriver, executor: Executor, progress: Progress, coverage: dict[tuple[str, str], Coverage]
) -> Sequence[Look]:
    if system.is_disabled:
        coverage[system.name, "*"] = Coverage(system.name, "*", Extent.NONE, "the system is disabled in systems.yaml", "system.disabled")
        return ()

    def fresh() -> Driver:
        return open_driver(system, read_only=True)

    try:
        parts = _parts(fresh(), search)
    except DsrError as error:
        coverage[system.name, "*"] = Coverage(system.name, "*", Extent.NONE, str(error), error.code)
        return ()
    what = f"{system.name}: looking"
    progress.begin(what, len(parts))
    looks = []
    for order in [executor.submit(look_at, fresh, search, part) for part in parts]:
        looks.append(order.result())
        progress.advance(what)
    progress.end(what)
    return looks


def _parts(driver: Driver, search: Search) -> list[Slice]:
    try:
        return list(driver.slices(search.query))
    finally:
        driver.close()
