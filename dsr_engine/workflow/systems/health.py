"""How systems are: whether they can be reached and used, how far they were searched last, what stops them.

Asking a system may take as long as a login that never comes back, so the answer is kept and pages show it with its age.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from dsr_engine.domain.errors import DsrError, InputWrong, ManifestWrong
from dsr_engine.domain.finding import Extent
from dsr_engine.domain.system import System
from dsr_engine.drivers.driver import Problem
from dsr_engine.store.inquiries import Inquiry
from dsr_engine.store.stops import Stop
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.house import House, OpenDriver
from dsr_engine.workflow.systems.asking import Bench, state_of

#: The kind of the inquiry that asks how a system is.
CHECK = "system.check"
#: Problems that mean that a connector says something else than the live system.
_OF_FILES = frozenset({"sql.unknown_field", "sql.unknown_collection"})
#: How many of the last searches are looked through for a system's last coverage.
LAST_SEARCHES = 50


@dataclass(frozen=True, slots=True)
class Told:
    """One thing that a check has to say. `is_file`: a file of ours is wrong, not the system; `is_note`: nothing is wrong, it is good to know."""

    code: str
    message: str
    hint: str
    is_fatal: bool
    is_file: bool = False
    is_note: bool = False


def told_by(system: System, open_driver: OpenDriver) -> tuple[Told, ...]:
    """Connects, asks the driver what is wrong, and gives all of it; empty: the system is ready. It raises nothing that a system can cause."""
    if system.is_disabled:
        return (Told("system.disabled", "the system is disabled", "every case shows it as a gap", is_fatal=False),)
    try:
        driver = open_driver(system)
        try:
            problems = list(driver.check())
        finally:
            driver.close()
    except DsrError as error:
        return (Told(error.code, error.message, error.hint, is_fatal=True, is_file=isinstance(error, InputWrong | ManifestWrong)),)
    return tuple(_told(problem) for problem in sorted(problems, key=lambda problem: problem.is_note))


def _told(problem: Problem) -> Told:
    return Told(problem.code, problem.message, problem.hint, problem.is_fatal, problem.code in _OF_FILES, problem.is_note)


def ask_check(bench: Bench, house: House, name: str) -> None:
    """Begins a check of the system. Raises `InputWrong` for an unknown one, `Conflict` while it is being checked."""
    system = house.system_named(name)
    bench.ask(house, CHECK, name, lambda _: check_of(told_by(system, house.open_driver)))


def check_of(told: Iterable[Told]) -> Mapping[str, object]:
    """What a check found out, as it is kept."""
    keys = ("code", "message", "hint", "is_fatal", "is_note")
    return {"told": [{key: getattr(entry, key) for key in keys} for entry in told]}


@dataclass(frozen=True, slots=True)
class Health:
    """`state`: `never` (nobody asked), `running`, `broken_off`, `ready`, `warning` or `cannot_be_used`; `at` is when that was found out."""

    state: str
    at: datetime | None = None
    told: tuple[Told, ...] = ()


def health_of(inquiry: Inquiry | None, now: datetime) -> Health:
    """What the last check of a system said."""
    state = state_of(inquiry, now)
    if inquiry is None or state in ("never", "running", "broken_off"):
        return Health(state, inquiry.asked_at if inquiry else None)
    if inquiry.problem is not None:
        problem = inquiry.problem
        return Health("cannot_be_used", inquiry.finished_at, (Told(problem["code"], problem["message"], problem["hint"], is_fatal=True),))
    told = tuple(Told(**entry) for entry in (inquiry.answer or {})["told"])
    worst = "cannot_be_used" if any(entry.is_fatal for entry in told) else "warning" if not all(entry.is_note for entry in told) else "ready"
    return Health(worst, inquiry.finished_at, told)


@dataclass(frozen=True, slots=True)
class Searched:
    """How far one case searched a system: collections by extent. `case` was the last one, opened at `at`."""

    case: str
    at: datetime
    full: int
    partial: int
    none: int

    @property
    def is_whole(self) -> bool:
        return not (self.partial or self.none)


def searched(tx: Transaction) -> Mapping[str, tuple[Searched, ...]]:
    """For each system the last searches that looked into it, the newest first, among the last `LAST_SEARCHES` cases."""
    found: dict[str, dict[tuple[str, datetime], dict[Extent, int]]] = {}
    for case, opened_at, system, extent, count in tx.coverage.summary(LAST_SEARCHES):
        found.setdefault(system, {}).setdefault((case, opened_at), {})[Extent(extent)] = count
    return {
        system: tuple(
            Searched(case, at, counts.get(Extent.FULL, 0), counts.get(Extent.PARTIAL, 0), counts.get(Extent.NONE, 0))
            for (case, at), counts in sorted(cases.items(), key=lambda entry: entry[0][1], reverse=True)
        )
        for system, cases in found.items()
    }


@dataclass(frozen=True, slots=True)
class Standing:
    """One system as the list of all shows it. `stop` is its own, or the one of all systems."""

    system: System
    health: Health
    searches: tuple[Searched, ...]
    stop: Stop | None


def standings(house: House) -> tuple[Standing, ...]:
    """Every declared system, by name."""
    with house.store.snapshot() as tx:
        checks, searches = tx.inquiries.of_kind(CHECK), searched(tx)
        stops = {stop.system: stop for stop in tx.stops.list()}
    now = house.clock.now()
    return tuple(
        Standing(system, health_of(checks.get(name), now), searches.get(name, ()), stops.get("*") or stops.get(name))
        for name, system in sorted(house.systems.items())
    )
