"""Pages of the clock and of sweeps: what runs when, what stands still, and running it now."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from dsr_engine.domain.job import RunState
from dsr_engine.domain.user import Role
from dsr_engine.workflow.jobs.running import due_now, run_job
from dsr_engine.workflow.jobs.timetable import timetable
from tests.web.conftest import Doors, doors_of
from tests.workflow.company import Company
from tests.workflow.test_jobs import sweeping


@pytest.fixture
def doors(shop: Company) -> Iterator[Doors]:
    sweeping(shop)
    with doors_of(shop) as found:
        yield found


def _tick(doors: Doors) -> list[str]:
    """One look at the clock, as the worker takes it; the jobs that ended."""
    jobs = timetable(doors.house, doors.keeper.pin)
    return [run.job for job, due in due_now(doors.house, jobs, "worker") if (run := run_job(doors.house, job, due)) is not None]


def test_the_clock_says_that_nobody_watches_it_and_what_ran_when_somebody_did(doors: Doors) -> None:
    officer = doors.signed_in(Role.OFFICER)
    assert "Nobody watches the clock" in officer.go("/clock").text
    _tick(doors)
    doors.clock.at += timedelta(minutes=2)
    assert "send_post" in _tick(doors)
    assert "Nobody watches the clock" not in officer.go("/clock").text
    assert "sweep:ours" in officer.text


def test_a_sweep_is_asked_for_and_runs_dry_while_the_policy_says_so(doors: Doors) -> None:
    _tick(doors)
    officer = doors.signed_in(Role.OFFICER).go("/sweeps/ours")
    assert "2 left" in officer.text
    officer.send("Run dry now")
    assert officer.path == "/sweeps/ours"
    doors.clock.at += timedelta(seconds=10)
    assert "sweep:ours" in _tick(doors)
    officer.go("/sweeps/ours")
    assert "dry run, 1 record(s) would be changed" in officer.text
    assert doors.company.rows("SELECT id FROM orders ORDER BY id") == [(171,), (181,)]
    with doors.house.store.snapshot() as tx:
        assert [run.state for run in tx.jobs.of("sweep:ours")] == [RunState.DONE]
    doors.signed_in(Role.OFFICER).go("/sweeps/ours").send("Run dry now")
    assert "asked for already" in officer.go("/sweeps/ours").send("Run dry now").text


def test_an_auditor_sees_sweeps_and_runs_none(doors: Doors) -> None:
    auditor = doors.signed_in(Role.AUDITOR).go("/sweeps")
    assert "ours" in auditor.text
    assert "Run dry now" not in auditor.go("/sweeps/ours").text
    token = auditor.client.post("/sweeps/ours/run", data={})
    assert token.status_code in (400, 403)


def test_a_sample_is_shown_as_what_never_runs_by_itself(doors: Doors) -> None:
    officer = doors.signed_in(Role.OFFICER).go("/sweeps")
    assert "sample, runs on call only" in officer.text
    assert officer.go("/sweeps/no-such-policy").status == 404
