"""Runs of jobs, so that each happens once among all processes, and a lost process is noticed."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, String, and_, cast, delete, func, not_, or_, select, update

from dsr_engine.domain.job import JobRun, RunState
from dsr_engine.store.job_tables import clock_holder, job_runs
from dsr_engine.store.upsert import insert_if_absent
from dsr_engine.store.work import JOBS, lock

_ONLY = 1
_NEXT = timedelta(microseconds=1)
#: A run that has nothing to tell.
_QUIET = and_(job_runs.c.state.in_((RunState.DONE, RunState.KNOWN)), job_runs.c.missed == 0, cast(job_runs.c.lines, String) == "[]")


class Jobs:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def hold(self, process: str, now: datetime, seconds: int) -> bool:
        """True if this process watches the clock from now on for so long: it did before, or nobody does."""
        insert_if_absent(self._connection, clock_holder, {"id": _ONLY, "process": process, "until": now})
        mine = or_(clock_holder.c.process == process, clock_holder.c.until <= now)
        taken = update(clock_holder).where(clock_holder.c.id == _ONLY, mine).values(process=process, until=now + timedelta(seconds=seconds))
        return self._connection.execute(taken).rowcount == 1

    def let_go(self, process: str) -> None:
        """Lets another process watch at once."""
        self._connection.execute(delete(clock_holder).where(clock_holder.c.process == process))

    def holder(self) -> tuple[str, datetime] | None:
        """The process that watches the clock, and until when it is believed to."""
        row = self._connection.execute(select(clock_holder)).one_or_none()
        return None if row is None else (row.process, row.until)

    def last_due(self, now: datetime) -> Mapping[str, datetime]:
        """By job, the latest moment up to now for which it was run (or known). What a clock that was ahead left does not count."""
        wanted = select(job_runs.c.job, func.max(job_runs.c.due)).where(job_runs.c.due <= now, job_runs.c.state != RunState.ASKED)
        return {row[0]: row[1] for row in self._connection.execute(wanted.group_by(job_runs.c.job))}

    def furthest(self, now: datetime) -> datetime:
        """The latest moment for which anything was run or known; `now` where nothing was."""
        found = self._connection.scalar(select(func.max(job_runs.c.due)))
        return now if found is None else found

    def note(self, job: str, due: datetime) -> None:
        """The job is known from this moment on."""
        insert_if_absent(self._connection, job_runs, _row(JobRun(job, due, RunState.KNOWN)))

    def ask(self, job: str, at: datetime, by: str) -> bool:
        """Somebody wants it to run now; False if somebody else wants so already."""
        if self._connection.scalar(select(func.count()).where(job_runs.c.job == job, job_runs.c.state == RunState.ASKED)):
            return False
        taken = self._connection.scalar(select(func.max(job_runs.c.due)).where(job_runs.c.job == job, job_runs.c.due >= at))
        insert_if_absent(self._connection, job_runs, _row(JobRun(job, taken + _NEXT if taken else at, RunState.ASKED, by=by)))
        return True

    def asked(self) -> tuple[JobRun, ...]:
        """What people want to run now, in the order in which they asked."""
        return self._read(select(job_runs).where(job_runs.c.state == RunState.ASKED).order_by(job_runs.c.due, job_runs.c.job))

    def begin(self, run: JobRun, now: datetime) -> bool:
        """Takes this run for its process; False if another has it, or if the job runs at this moment."""
        lock(self._connection, JOBS)
        alive = and_(job_runs.c.job == run.job, job_runs.c.state == RunState.RUNNING, job_runs.c.until > now)
        if self._connection.scalar(select(func.count()).where(alive)):
            return False
        dead = and_(job_runs.c.job == run.job, job_runs.c.state == RunState.RUNNING)
        self._connection.execute(update(job_runs).where(dead).values(state=RunState.INTERRUPTED, ended_at=now))
        insert_if_absent(self._connection, job_runs, {**_row(run), "state": RunState.ASKED.value})
        mine = and_(job_runs.c.job == run.job, job_runs.c.due == run.due, job_runs.c.state == RunState.ASKED)
        values = {"state": RunState.RUNNING.value, "begun_at": now, "until": run.until, "missed": run.missed, "process": run.by}
        return self._connection.execute(update(job_runs).where(mine).values(**values)).rowcount == 1

    def renew(self, process: str, until: datetime) -> None:
        """What this process runs is alive."""
        mine = and_(job_runs.c.process == process, job_runs.c.state == RunState.RUNNING)
        self._connection.execute(update(job_runs).where(mine).values(until=until))

    def end(self, run: JobRun, state: RunState, lines: Sequence[str], now: datetime) -> None:
        mine = and_(job_runs.c.job == run.job, job_runs.c.due == run.due, job_runs.c.process == run.by)
        self._connection.execute(update(job_runs).where(mine).values(state=state, ended_at=now, lines=list(lines), until=None))
        # Most runs of a chore find nothing to do: of those, the last one tells enough.
        self._connection.execute(delete(job_runs).where(job_runs.c.job == run.job, job_runs.c.due < run.due, _QUIET))

    def latest(self, jobs: Iterable[str]) -> Mapping[str, JobRun]:
        """The last run of each of these jobs, also one that goes on."""
        ran = (RunState.RUNNING, RunState.DONE, RunState.FAILED, RunState.INTERRUPTED)
        newest = select(job_runs.c.job, func.max(job_runs.c.due).label("due")).where(job_runs.c.job.in_(list(jobs)), job_runs.c.state.in_(ran))
        last = newest.group_by(job_runs.c.job).subquery()
        wanted = select(job_runs).join(last, and_(job_runs.c.job == last.c.job, job_runs.c.due == last.c.due))
        return {run.job: run for run in self._read(wanted)}

    def of(self, job: str, most: int = 50) -> tuple[JobRun, ...]:
        """The last runs of a job, newest first."""
        wanted = select(job_runs).where(job_runs.c.job == job, job_runs.c.state != RunState.KNOWN)
        return self._read(wanted.order_by(job_runs.c.due.desc()).limit(most))

    def with_news(self, since: datetime, most: int = 50) -> tuple[JobRun, ...]:
        """Runs since then that did something, failed, were interrupted or late; newest first."""
        return self._read(select(job_runs).where(job_runs.c.ended_at > since, not_(_QUIET)).order_by(job_runs.c.ended_at.desc()).limit(most))

    def forget_before(self, before: datetime) -> int:
        """Removes ended runs but the last of each job; gives how many."""
        same = job_runs.alias()
        last = select(func.max(same.c.due)).where(same.c.job == job_runs.c.job).scalar_subquery()
        wanted = delete(job_runs).where(job_runs.c.ended_at < before, job_runs.c.due < last)
        return self._connection.execute(wanted).rowcount

    def _read(self, statement: Any) -> tuple[JobRun, ...]:
        return tuple(
            JobRun(row.job, row.due, RunState(row.state), row.begun_at, row.ended_at, row.missed, tuple(row.lines), row.process, row.until)
            for row in self._connection.execute(statement)
        )


def _row(run: JobRun) -> dict[str, Any]:
    return {
        "job": run.job,
        "due": run.due,
        "state": run.state.value,
        "begun_at": run.begun_at,
        "ended_at": run.ended_at,
        "missed": run.missed,
        "lines": list(run.lines),
        "process": run.by,
        "until": run.until,
    }
