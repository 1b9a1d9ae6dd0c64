"""The clock: each moment of a job is run once, whoever is there, whatever the machine's clock does."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest

from dsr_engine.bootstrap import Keeper, pin_policy, read_home
from dsr_engine.domain.clock import FixedClock
from dsr_engine.domain.errors import Conflict, InputWrong, Unreachable
from dsr_engine.domain.job import JobRun, RunState
from dsr_engine.scheduler import Clockwork
from dsr_engine.workflow.chores import CHORES
from dsr_engine.workflow.house import House
from dsr_engine.workflow.jobs.running import BELIEVED, ask_for, due_now, run_job, was_put_back
from dsr_engine.workflow.jobs.timetable import ABOUT, Job, scheduled, timetable
from dsr_engine.workflow.jobs.timing import Cron, Every, Schedule
from tests.workflow.company import POLICY, Company
from tests.workflow.journeys import NOON, working

_SWEEPING = """\
  - name: old orders
    when: {collection: shop.orders}
    keep: {for: 1 year, from: placed_on, because: contract}
    then: delete
sweep: {schedule: "30 3 * * *", approval: automatic, max_affected: 100, max_share: 100%, first_runs_dry: 2}
request:"""


_TEN = Every(600)


class _Counted:
    """A job that counts how often it was run."""

    def __init__(self) -> None:
        self.runs = 0

    def __call__(self, house: House) -> Iterator[str]:
        self.runs += 1
        yield f"run {self.runs}"


def _job(run: Any, schedule: Schedule = _TEN) -> Job:
    return Job("counted", "Counts.", schedule, run)


def _look(house: House, job: Job, process: str = "one") -> list[JobRun]:
    """One look at the clock by this process; what it ran."""
    return [ended for found, run in due_now(house, [job], process) if (ended := run_job(house, found, run)) is not None]


def test_a_new_job_waits_for_its_first_moment_and_then_runs_once_for_each(shop: Company) -> None:
    clock, counted = FixedClock(NOON), _Counted()
    with working(shop, clock) as house:
        assert _look(house, _job(counted)) == []
        clock.at += timedelta(minutes=9)
        assert _look(house, _job(counted)) == []
        clock.at += timedelta(minutes=2)
        ended = _look(house, _job(counted))
        assert [(run.due, run.state, run.lines) for run in ended] == [(NOON + timedelta(minutes=10), RunState.DONE, ("run 1",))]
        assert _look(house, _job(counted)) == []
    assert counted.runs == 1


def test_missed_moments_are_caught_up_once_and_told(shop: Company) -> None:
    clock, counted = FixedClock(NOON), _Counted()
    with working(shop, clock) as house:
        _look(house, _job(counted))
        clock.at += timedelta(hours=2)
        ended = _look(house, _job(counted))
        assert [(run.due, run.missed) for run in ended] == [(NOON + timedelta(hours=2), 11)]
        assert _look(house, _job(counted)) == []
        with house.store.snapshot() as tx:
            assert [run.missed for run in tx.jobs.with_news(NOON)] == [11]
    assert counted.runs == 1


def test_one_process_watches_and_another_takes_over_when_it_is_gone(shop: Company) -> None:
    clock, counted = FixedClock(NOON), _Counted()
    with working(shop, clock) as house:
        _look(house, _job(counted), "one")
        clock.at += timedelta(minutes=10)
        clock.at -= timedelta(seconds=30)
        _look(house, _job(counted), "one")
        clock.at += timedelta(seconds=30)
        assert _look(house, _job(counted), "two") == []
        clock.at += timedelta(seconds=BELIEVED)
        assert [run.by for run in _look(house, _job(counted), "two")] == ["two"]
        assert _look(house, _job(counted), "one") == []
    assert counted.runs == 1


def test_two_that_both_believe_that_they_watch_run_it_once(shop: Company) -> None:
    clock, counted = FixedClock(NOON), _Counted()
    with working(shop, clock) as house:
        _look(house, _job(counted), "one")
        clock.at += timedelta(minutes=10)
        mine = due_now(house, [_job(counted)], "one")
        clock.at += timedelta(seconds=BELIEVED + 1)
        theirs = due_now(house, [_job(counted)], "two")
        ended = [run_job(house, job, run) for job, run in (*theirs, *mine)]
    assert [run is None for run in ended] == [False, True]
    assert counted.runs == 1


def test_many_threads_that_begin_one_run_at_once_begin_it_once(shop: Company) -> None:
    with working(shop, FixedClock(NOON)) as house:
        run = JobRun("counted", NOON, RunState.RUNNING, until=NOON + timedelta(minutes=2))
        barrier = threading.Barrier(8)

        def begin(number: int) -> bool:
            barrier.wait()
            with house.store.transaction() as tx:
                return tx.jobs.begin(JobRun(run.job, run.due, run.state, by=f"process {number}", until=run.until), NOON)

        with ThreadPoolExecutor(8) as threads:
            assert sorted(threads.map(begin, range(8))) == [False] * 7 + [True]


def test_a_run_never_overlaps_itself_and_a_dead_one_is_told(shop: Company) -> None:
    clock, counted = FixedClock(NOON), _Counted()
    with working(shop, clock) as house:
        _look(house, _job(counted))
        clock.at += timedelta(minutes=10)
        ((job, run),) = due_now(house, [_job(counted)], "one")
        with house.store.transaction() as tx:
            assert tx.jobs.begin(run, clock.at)  # and then the process hangs, while its watch goes on
        for _ in range(12):
            clock.at += timedelta(minutes=1)
            assert _look(house, job, "one") == []
        clock.at += timedelta(seconds=BELIEVED + 1)  # now it is dead
        assert [ended.state for ended in _look(house, job, "two")] == [RunState.DONE]
        with house.store.snapshot() as tx:
            assert [run.state for run in tx.jobs.of("counted")] == [RunState.DONE, RunState.INTERRUPTED]
    assert counted.runs == 1


def test_a_clock_that_was_ahead_does_not_stop_what_is_due(shop: Company) -> None:
    clock, counted = FixedClock(NOON), _Counted()
    with working(shop, clock) as house:
        _look(house, _job(counted))
        clock.at = NOON + timedelta(days=400)
        assert len(_look(house, _job(counted))) == 1
        clock.at = NOON + timedelta(minutes=30)
        assert [run.due for run in _look(house, _job(counted))] == []  # the other process's word still stands
        with house.store.transaction() as tx:
            tx.jobs.let_go("one")
        with house.store.snapshot() as tx:
            assert was_put_back(tx, clock.at)
        clock.at += timedelta(minutes=10)
        assert len(_look(house, _job(counted))) == 1
    assert counted.runs == 2


def test_what_fails_is_told_and_comes_again(shop: Company) -> None:
    def away(house: House) -> Iterator[str]:
        yield "began"
        raise Unreachable("the system does not answer", code="test.away", hint="wait")

    clock = FixedClock(NOON)
    with working(shop, clock) as house:
        _look(house, _job(away))
        for number in (1, 2):
            clock.at = NOON + timedelta(minutes=10 * number)
            assert [(run.state, run.lines) for run in _look(house, _job(away))] == [
                (RunState.FAILED, ("began", "the system does not answer (wait)")),
            ]


def test_an_error_that_nobody_foresaw_leaves_a_failed_run(shop: Company) -> None:
    def broken(house: House) -> Iterator[str]:
        yield "began"
        raise ZeroDivisionError

    clock = FixedClock(NOON)
    with working(shop, clock) as house:
        _look(house, _job(broken))
        clock.at += timedelta(minutes=10)
        with pytest.raises(ZeroDivisionError):
            _look(house, _job(broken))
        with house.store.snapshot() as tx:
            assert [run.state for run in tx.jobs.of("counted")] == [RunState.FAILED]


def test_a_person_may_have_it_run_now(shop: Company) -> None:
    clock, counted = FixedClock(NOON), _Counted()
    with working(shop, clock) as house:
        job = _job(counted, Cron("0 0 1 1 *"))
        _look(house, job)
        ask_for(house, [job], "counted", "ann")
        with pytest.raises(Conflict):
            ask_for(house, [job], "counted", "ben")
        with pytest.raises(InputWrong):
            ask_for(house, [job], "nothing", "ann")
        clock.at += timedelta(seconds=5)
        assert [run.state for run in _look(house, job)] == [RunState.DONE]
        assert _look(house, job) == []
    assert counted.runs == 1


def test_runs_without_news_are_not_kept(shop: Company) -> None:
    def quiet(house: House) -> Iterator[str]:
        yield from ()

    clock = FixedClock(NOON)
    with working(shop, clock) as house:
        for _ in range(20):
            clock.at += timedelta(minutes=10)
            _look(house, _job(quiet))
        with house.store.snapshot() as tx:
            assert len(tx.jobs.of("counted")) == 1


# --- the timetable -----------------------------------------------------------------------------------------------------------------


def sweeping(shop: Company) -> None:
    """Gives the company old orders, and its policy a sweep that lets them go after two dry runs."""
    shop.sql("ALTER TABLE orders ADD COLUMN placed_on DATE; UPDATE orders SET placed_on = '2019-01-01' WHERE id = 181;")
    text = (shop.home / "connectors" / "shop.yaml").read_text(encoding="utf-8")
    dated = text.replace("references: customers.id}\n", "references: customers.id}\n      placed_on: {category: user.behavior, starts: retention}\n")
    shop.connector(dated)
    shop.policy(POLICY.replace("request:", _SWEEPING))


def test_sweeps_of_the_homes_own_policies_are_scheduled_and_samples_are_not(shop: Company) -> None:
    sweeping(shop)
    with working(shop) as house:
        assert any(policy.sweep is not None and policy.name != "ours" for policy in house.policies.values()), "a sample with a sweep is shipped"
        assert [policy.name for policy in scheduled(house)] == ["ours"]
        names = [job.name for job in timetable(house, lambda _policy: None)]
    assert len(names) == len(set(names))
    assert {chore.__name__ for chore in CHORES} <= set(names)
    assert [name for name in names if name.startswith("sweep:")] == ["sweep:ours"]
    assert set(names) - {"sweep:ours"} == set(ABOUT), "each job says on its page what it does"


def test_a_new_sweep_is_dry_at_first_and_erases_afterwards(shop: Company) -> None:
    sweeping(shop)
    clock = FixedClock(NOON)
    with working(shop, clock, are_holds_reviewed=True) as house:
        home = read_home(shop.home, shop.environment, allow_gaps=True)
        (job,) = [job for job in timetable(house, lambda policy: pin_policy(home, policy)) if job.policy]
        told = []
        _look(house, job)
        before = shop.rows("SELECT id FROM orders ORDER BY id")
        for _ in range(3):
            clock.at += timedelta(days=1)
            told += [run.lines[-1] for run in _look(house, job)]
            if len(told) <= 2:
                assert shop.rows("SELECT id FROM orders ORDER BY id") == before
        assert ["dry run" in line for line in told] == [True, True, False], told
        assert shop.rows("SELECT id FROM orders ORDER BY id") == [(171,)], told


# --- the door ----------------------------------------------------------------------------------------------------------------------


class _Moving:
    """A clock that goes twenty seconds with every look, so that what is due is due soon."""

    def __init__(self) -> None:
        self.at = NOON
        self._lock = threading.Lock()

    def now(self) -> datetime:
        with self._lock:
            self.at += timedelta(seconds=20)
            return self.at


def test_the_clockwork_runs_what_is_due_and_lets_go_when_it_stops(shop: Company) -> None:
    with working(shop, _Moving()) as house:
        keeper = Keeper(house, read_home(shop.home, shop.environment, allow_gaps=True), shop.environment)
        clockwork = Clockwork(keeper, "one", look=0.02)
        clockwork.start()
        try:
            done: tuple[JobRun, ...] = ()
            for _ in range(3000):
                with house.store.snapshot() as tx:
                    done = tuple(run for run in tx.jobs.of("send_post") if run.state is RunState.DONE)
                if done:
                    break
                threading.Event().wait(0.02)
            assert done[-1].by == "one"
        finally:
            clockwork.stop()
        with house.store.snapshot() as tx:
            assert tx.jobs.holder() is None
