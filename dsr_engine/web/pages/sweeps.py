"""Retention sweeps: when each runs, what it would take, what stopped it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from flask import Blueprint, flash, redirect, render_template, url_for
from werkzeug.wrappers import Response

from dsr_engine.domain.case import Case
from dsr_engine.domain.errors import InputWrong
from dsr_engine.domain.job import JobRun
from dsr_engine.domain.policy import Policy
from dsr_engine.domain.user import Permission
from dsr_engine.store.sweeps import SweepRun
from dsr_engine.store.transaction import Transaction
from dsr_engine.web.guard import house, needs, user, with_second_factor
from dsr_engine.web.pages.jobs import jobs_now
from dsr_engine.workflow.jobs.running import ask_for
from dsr_engine.workflow.jobs.timetable import SWEEP, Job
from dsr_engine.workflow.jobs.timing import following, upcoming
from dsr_engine.workflow.records.keeping import is_own
from dsr_engine.workflow.sweeps.sweep import dry_runs

blueprint = Blueprint("sweeps", __name__, url_prefix="/sweeps")

_WEEKS = 5
_RUNS_SHOWN = 30


@dataclass(frozen=True, slots=True)
class Sweep:
    """One policy that sweeps. `job` None: it lies among the samples, and runs only when somebody calls it. `history` has one entry for each rule."""

    policy: Policy
    job: Job | None
    next: datetime | None
    dry_left: int
    open: Case | None
    history: tuple[SweepRun, ...]
    last: JobRun | None


@dataclass(frozen=True, slots=True)
class Day:
    """A day of the calendar with the runs that were and those that are to come."""

    day: date
    is_today: bool
    past: tuple[JobRun, ...]
    planned: tuple[tuple[str, datetime], ...]


@blueprint.get("")
@needs(Permission.SWEEP_READ)
def index() -> str:
    jobs = {job.policy: job for job in jobs_now() if job.policy}
    with house().store.snapshot() as tx:
        sweeps = [_sweep(tx, policy, jobs.get(policy.name)) for policy in _sweeping()]
        runs = [run for job in jobs.values() for run in tx.jobs.of(job.name)]
    return render_template("sweeps/index.html", sweeps=sweeps, weeks=_weeks(jobs, runs))


@blueprint.get("/<name>")
@needs(Permission.SWEEP_READ)
def show(name: str) -> str:
    """One sweep: its terms, what each rule found in each run, and how the runs ended."""
    policy = _named(name)
    job = next((job for job in jobs_now() if job.policy == name), None)
    with house().store.snapshot() as tx:
        sweep = _sweep(tx, policy, job)
        runs = tx.jobs.of(SWEEP + name, _RUNS_SHOWN)
        cases = tx.cases.sweeps_of(name, _RUNS_SHOWN)
    return render_template("sweeps/show.html", sweep=sweep, runs=runs, cases=cases)


@blueprint.post("/<name>/run")
@needs(Permission.SWEEP_WRITE)
@with_second_factor
def run(name: str) -> Response:
    """Has the sweep run now: dry as long as the policy says so, and stopped by the same caps as at night."""
    _named(name)
    ask_for(house(), jobs_now(), SWEEP + name, user().name)
    flash("The sweep begins within a minute, if a worker is there.", "done")
    return redirect(url_for("sweeps.show", name=name), 303)


def _sweeping() -> list[Policy]:
    """The home's own policies first, samples after them."""
    found = [policy for policy in house().policies.values() if policy.sweep is not None]
    return sorted(found, key=lambda policy: (not is_own(house(), policy), policy.name))


def _named(name: str) -> Policy:
    policy = house().policies.get(name)
    if policy is None or policy.sweep is None:
        raise InputWrong("there is no such sweep", code="sweep.unknown", hint="the page of sweeps lists them")
    return policy


def _sweep(tx: Transaction, policy: Policy, job: Job | None) -> Sweep:
    assert policy.sweep is not None
    moment = following(job.schedule, house().clock.now()) if job else None
    left = max(0, policy.sweep.first_runs_dry - dry_runs(tx, policy))
    last = tx.jobs.latest([job.name]).get(job.name) if job else None
    return Sweep(
        policy, job, moment, left, next(iter(tx.cases.sweeps_of(policy.name, 1, open_only=True)), None), tx.sweeps.history(policy.name), last
    )


def _weeks(jobs: dict[str, Job], runs: list[JobRun]) -> list[list[Day]]:
    """Five weeks, this one and the one before it among them, from Monday on."""
    zone = ZoneInfo(house().settings.time_zone)
    now = house().clock.now()
    today = now.astimezone(zone).date()
    first = today - timedelta(days=today.weekday() + 7)
    until = now + timedelta(weeks=_WEEKS)
    planned = sorted((moment, name) for name, job in jobs.items() for moment in upcoming(job.schedule, now, until))
    days = [
        Day(
            day,
            day == today,
            tuple(run for run in reversed(runs) if run.due.astimezone(zone).date() == day),
            tuple((name, moment) for moment, name in planned if moment.astimezone(zone).date() == day),
        )
        for day in _days(first)
    ]
    return [days[start : start + 7] for start in range(0, len(days), 7)]


def _days(first: date) -> Iterator[date]:
    for number in range(7 * _WEEKS):
        yield first + timedelta(days=number)
