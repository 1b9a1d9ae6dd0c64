"""Hours, lost races and names of sessions: what a case does while a system must be left alone."""

from datetime import timedelta

import pytest

from dsr_engine.domain.case import Case, Stage
from dsr_engine.domain.clock import FixedClock
from dsr_engine.domain.errors import Conflict, Unreachable
from dsr_engine.domain.system import System
from dsr_engine.drivers.driver import Driver
from dsr_engine.drivers.registry import open_driver
from dsr_engine.workflow import pacing
from dsr_engine.workflow.engine import run_case
from dsr_engine.workflow.find import find_person
from dsr_engine.workflow.house import House
from dsr_engine.workflow.searching import Threads
from tests.workflow.company import Company
from tests.workflow.journeys import NOON, WORKER, Serial, approved, carried_through, opened_for, planned, results_of, waits_for, working
from tests.workflow.meddling import Once, meddled

#: Two hours that begin one hour after the tests' noon, and two that are open at it.
LATER = f"{NOON + timedelta(hours=1):%H:%M}-{NOON + timedelta(hours=3):%H:%M}"
NOW = f"{NOON - timedelta(hours=1):%H:%M}-{NOON + timedelta(hours=1):%H:%M}"
HOUR = timedelta(hours=1)


def _windowed(shop: Company, window: str) -> None:
    shop.declare("shop", f'connector: shop, owner: shop@example.com, url: "sqlite:///{shop.shop}", window: "{window}"')


def _case(house: House, case: Case) -> Case:
    with house.store.snapshot() as tx:
        return tx.cases.get(case.id)


def test_a_search_outside_its_hours_waits_until_they_come(shop: Company) -> None:
    _windowed(shop, LATER)
    with working(shop) as house:
        case = run_case(house, opened_for(house).id, WORKER)
        assert case.wait is not None
        assert (case.wait.code, case.wait.wake_at) == ("window.closed", NOON + HOUR)
        assert case.id not in house.store.claimable(NOON + timedelta(minutes=59))
        assert case.id in house.store.claimable(NOON + HOUR)
    with working(shop, FixedClock(NOON + HOUR)) as house:
        assert carried_through(house, _case(house, case)).stage is Stage.CLOSED


def test_a_search_that_runs_stops_between_two_slices_and_goes_on_with_the_rest(shop: Company) -> None:
    _windowed(shop, NOW)
    clock = FixedClock(NOON)
    with working(shop, clock) as house:
        case = run_case(house, opened_for(house).id, WORKER, until=Stage.DISCOVER)

    def leave() -> None:
        clock.at = NOON + 2 * HOUR

    with working(shop, clock, drivers=meddled(Once("shop", "after find", leave))) as house:
        case = run_case(house, case.id, WORKER)
        assert case.wait is not None
        assert (case.stage, case.wait.code, case.wait.wake_at) == (Stage.DISCOVER, "window.closed", NOON + 23 * HOUR)
    searched: list[str] = []

    def note(_: str, point: str) -> None:
        searched.append(point)

    clock.at = NOON + 23 * HOUR
    with working(shop, clock, drivers=meddled(note)) as house:
        case = run_case(house, case.id, WORKER)
        assert (case.stage, waits_for(case)) == (Stage.APPROVE, "approval.missing")
    assert searched.count("before find") == 2, "of three tables one was searched before"


def test_what_was_approved_is_carried_out_at_any_hour(shop: Company) -> None:
    _windowed(shop, NOW)
    clock = FixedClock(NOON)
    with working(shop, clock) as house:
        case = planned(house)
        approved(house, case)
        clock.at = NOON + 2 * HOUR
        case = run_case(house, case.id, WORKER)
        assert (case.stage, waits_for(case)) == (Stage.VERIFY_ABSENCE, "window.closed")
        assert results_of(house, case)
        clock.at = NOON + 23 * HOUR
        assert carried_through(house, case).stage is Stage.CLOSED


def test_finding_without_a_case_outside_the_hours_is_a_gap_that_says_when(shop: Company) -> None:
    _windowed(shop, LATER)
    with working(shop) as house:
        found = find_person((), tuple(house.systems.values()), open_driver, Threads(Serial()), house.progress, house.clock)
    (row,) = found.coverage
    assert (row.collection, row.code, LATER in row.reason, found.is_complete) == ("*", "window.closed", True, False)


def test_every_session_of_a_case_bears_its_name_and_nothing_else(shop: Company) -> None:
    labels: set[str] = set()

    def noting(system: System, *, read_only: bool = False) -> Driver:
        labels.add(system.label)
        return open_driver(system, read_only=read_only)

    with working(shop, drivers=noting) as house:
        case = planned(house)
        approved(house, case)
        assert run_case(house, case.id, WORKER).stage is Stage.CLOSED
        assert labels == {f"dsr/{case.id}"}
        labels.clear()
        find_person((), tuple(house.systems.values()), noting, Threads(Serial()), house.progress, house.clock)
    assert labels == {"dsr/find"}


def _lose(*, times: int, code: str) -> tuple[list[str], Once]:
    """A race that is lost so many times, then won."""
    lost: list[str] = []

    def lose() -> None:
        lost.append(code)
        raise Conflict("somebody else holds the rows", code=code)

    class Lost(Once):
        def __call__(self, system: str, point: str) -> None:
            if (system, point) == ("shop", "before change") and len(lost) < times:
                lose()

    return lost, Lost("shop", "before change", lose)


@pytest.mark.parametrize("code", ["sql.locked", "sql.too_slow"])
def test_a_batch_that_loses_a_race_is_tried_again_at_once(shop: Company, code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pacing, "_PAUSES", (0.0, 0.0, 0.0))
    lost, loser = _lose(times=3, code=code)
    with working(shop, drivers=meddled(loser)) as house:
        assert carried_through(house, opened_for(house)).stage is Stage.CLOSED
    assert len(lost) == 3


def test_a_batch_that_always_loses_waits_and_is_taken_up_by_itself(shop: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pacing, "_PAUSES", (0.0, 0.0, 0.0))
    before = shop.everything()
    _, loser = _lose(times=4, code="sql.locked")
    with working(shop, drivers=meddled(loser)) as house:
        case = planned(house)
        approved(house, case)
        case = run_case(house, case.id, WORKER)
        assert case.wait is not None
        assert (case.stage, case.wait.code, case.wait.wake_at) == (Stage.EXECUTE, "sql.locked", NOON + timedelta(minutes=5))
        assert shop.everything() == before
        assert carried_through(house, case).stage is Stage.CLOSED


def test_a_system_that_is_too_busy_is_a_wait_with_its_own_name(shop: Company) -> None:
    def be_busy() -> None:
        raise Unreachable("a replica is 45 s behind", code="system.busy", hint="it is tried again later")

    with working(shop, drivers=meddled(Once("shop", "before find", be_busy))) as house:
        case = run_case(house, opened_for(house).id, WORKER)
        assert case.wait is not None
        assert (case.wait.code, "45 s behind" in case.wait.reason, case.wait.wake_at) == ("system.busy", True, NOON + timedelta(minutes=5))
        assert carried_through(house, case).stage is Stage.CLOSED


def test_a_mailbox_that_moved_its_bytes_of_the_day_is_waited_for_and_asked_again(shop: Company) -> None:
    with working(shop) as house:
        wait = pacing.wait_of(Unreachable("a mailbox has moved its bytes_per_day", code="mail.daily_limit", hint="time passes"), house)
    assert (wait.code, wait.needs) == ("mail.daily_limit", "time passes")
    assert wait.wake_at is not None
    assert wait.wake_at > NOON
