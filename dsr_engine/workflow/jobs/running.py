"""Running what is due, each moment of each job once, whoever and however many are there to run it.

One process watches the clock at a time (a row that it renews); and each run is a row whose key is the job and the moment for which it was due. So two
that watch at once, because one of them slept, still run nothing twice:

1. Tx: the run is taken (`RUNNING`). Killed after it: the row is not renewed, counts as dead two minutes later, and the next moment runs.
2. The job itself: idempotent, killable.
3. Tx: how it ended.
"""

import logging
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from dsr_engine.domain.errors import Conflict, DsrError, InputWrong
from dsr_engine.domain.job import JobRun, RunState
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.house import House
from dsr_engine.workflow.jobs.timetable import Job
from dsr_engine.workflow.jobs.timing import latest
from dsr_engine.workflow.leaves import leaf

#: For so many seconds a process is believed to watch, and a run to be alive, after it said so.
BELIEVED = 120
#: Lines of one run that are kept.
_MOST_LINES = 200
#: A clock that is this far behind what was run already was put back.
_PUT_BACK = timedelta(minutes=5)
ASKED = "job.asked"

_log = logging.getLogger(__name__)


def due_now(house: House, jobs: Iterable[Job], process: str) -> tuple[tuple[Job, JobRun], ...]:
    """What this process has to run now: nothing while another watches. Whoever runs long calls this often: it also says that its runs are alive."""
    now = house.clock.now()
    until = now + timedelta(seconds=BELIEVED)
    with house.store.transaction() as tx:
        tx.jobs.renew(process, until)
        if not tx.jobs.hold(process, now, BELIEVED):
            return ()
        last = tx.jobs.last_due(now)
        known = {job.name: job for job in jobs}
        found = [(known[run.job], replace(run, by=process, until=until)) for run in tx.jobs.asked() if run.job in known]
        for job in known.values():
            if job.name not in last:
                # From now on: what a policy would have run before it was written is nobody's miss.
                tx.jobs.note(job.name, now)
                continue
            moment, missed = latest(job.schedule, last[job.name], now)
            if moment is not None:
                found.append((job, JobRun(job.name, moment, RunState.RUNNING, missed=missed, by=process, until=until)))
    return tuple(found)


def run_job(house: House, job: Job, run: JobRun) -> JobRun | None:
    """Runs it, if nobody else does; gives how it ended. An error of the engine itself is raised, after the run was noted as failed."""
    begun = house.clock.now()
    with house.store.transaction() as tx:
        if not tx.jobs.begin(run, begun):
            return None
    lines: list[str] = [f"{run.missed} earlier run(s) were missed; this one catches up"] if run.missed and job.policy else []
    state = RunState.FAILED
    try:
        lines.extend(job.run(house))
        state = RunState.DONE
    except Conflict as error:
        # Somebody else is at it: the next run comes soon enough.
        lines.append(error.message)
        state = RunState.DONE if error.code == "store.busy" else RunState.FAILED
    except DsrError as error:
        lines.append(f"{error.message}" + (f" ({error.hint})" if error.hint else ""))
    finally:
        ended = house.clock.now()
        with house.store.transaction() as tx:
            tx.jobs.end(run, state, lines[:_MOST_LINES], ended)
    return replace(run, state=state, begun_at=begun, ended_at=ended, lines=tuple(lines[:_MOST_LINES]), until=None)


def ask_for(house: House, jobs: Iterable[Job], name: str, by: str) -> None:
    """Has a job run as soon as somebody watches the clock. Raises `InputWrong` for one that is not there, `Conflict` if it waits already."""
    if name not in {job.name for job in jobs}:
        raise InputWrong("there is no such job", code="job.unknown", hint="the page of the clock lists them")
    now = house.clock.now()
    with house.store.transaction() as tx:
        person = tx.people.id_of(by)
        if not tx.jobs.ask(name, now, person):
            raise Conflict("this job is asked for already", code="job.asked", hint="it begins within a minute, if a worker runs")
        tx.ledger.append(leaf(house.clock, ASKED, f"{name}:{now.isoformat()}", job=name, by=person))


def was_put_back(tx: Transaction, now: datetime) -> bool:
    """True if runs are noted for moments that are still to come: the machine's clock was ahead then, or is behind now."""
    return tx.jobs.furthest(now) > now + _PUT_BACK
