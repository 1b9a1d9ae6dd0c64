"""The door through which time comes in: a thread that looks at the clock, and a few that run what is due. What is due is said in `workflow/jobs`.

A clock that jumps costs nothing but the jump: what is due is asked anew at every look, from the time that is and from what was run.
"""

import logging
from collections.abc import Callable
from datetime import UTC

from apscheduler.events import EVENT_JOB_ERROR, JobExecutionEvent
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from dsr_engine.bootstrap import Keeper
from dsr_engine.domain.clock import SystemClock
from dsr_engine.domain.errors import DsrError, place_of
from dsr_engine.domain.job import JobRun, RunState
from dsr_engine.workflow.jobs.running import due_now, run_job
from dsr_engine.workflow.jobs.timetable import Job, timetable

#: Seconds between two looks at the clock.
LOOK = 15
#: Jobs that run at the same time in one process; each runs one at a time anyway.
_HANDS = 4
_WATCH = "watch"

_log = logging.getLogger(__name__)
# What it logs of an error holds the error's text, which may hold what was worked on.
logging.getLogger("apscheduler").setLevel(logging.CRITICAL)


class Clockwork:
    """Runs the jobs of a house while it is started. Several processes may have one each: one of them watches, the others wait for it to be gone."""

    def __init__(self, keeper: Keeper, process: str, say: Callable[[str], None] = _log.info, look: float = LOOK) -> None:
        self._keeper = keeper
        self._process = process
        self._say = say
        self._hands = {"default": ThreadPoolExecutor(1), "jobs": ThreadPoolExecutor(_HANDS)}
        self._scheduler = BackgroundScheduler(
            executors=self._hands,
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
            timezone=UTC,
        )
        self._scheduler.add_listener(self._tell, EVENT_JOB_ERROR)
        self._scheduler.add_job(self._watch, "interval", seconds=look, id=_WATCH)

    def start(self) -> None:
        """Begins to look at the clock, at once."""
        self._scheduler.start()
        self._scheduler.modify_job(_WATCH, next_run_time=SystemClock().now())

    def stop(self) -> None:
        """Looks no more, waits for what runs, and lets another process watch."""
        # The scheduler would wait with its locks held, and the watch needs them to end.
        self._scheduler.shutdown(wait=False)
        for hand in self._hands.values():
            hand.shutdown(wait=True)
        with self._keeper.house().store.transaction() as tx:
            tx.jobs.let_go(self._process)

    def _watch(self) -> None:
        house = self._keeper.house()
        try:
            due = due_now(house, timetable(house, self._keeper.pin), self._process)
        except DsrError as error:
            self._say(f"clock: {error.message}")
            return
        for job, run in due:
            if self._scheduler.get_job(job.name) is None:
                self._scheduler.add_job(self._run, args=(job, run), id=job.name, executor="jobs")

    def _run(self, job: Job, run: JobRun) -> None:
        ended = run_job(self._keeper.house(), job, run)
        if ended is None:
            return
        for line in ended.lines:
            self._say(line)
        if ended.state is RunState.FAILED:
            self._say(f"{job.name} failed; it is tried again when it is due again")

    def _tell(self, event: JobExecutionEvent) -> None:
        """Kind and place of an error that nobody foresaw; its text stays out of the log."""
        _log.error("mistake of the engine: %s at %s, job %s", type(event.exception).__name__, place_of(event.exception), event.job_id)
