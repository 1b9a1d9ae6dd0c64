"""Work that time brings, not a person: what was run, when it had been due, and how it ended."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class RunState(StrEnum):
    #: The job was seen for the first time: it counts from here on.
    KNOWN = "known"
    #: A person wants it to run now.
    ASKED = "asked"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    #: The process that ran it was killed; what it had begun goes on with the next run.
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True)
class JobRun:
    """One run of one job. `due` names it: no two processes run the same job for the same moment.

    `missed` counts earlier moments for which nobody was there; they are caught up by this one run. `lines` say what was done, without anything of a
    person. `by` is the process that ran it, or the random id of whoever asked for it. `until` is when a run that says nothing more counts as dead.
    """

    job: str
    due: datetime
    state: RunState
    begun_at: datetime | None = None
    ended_at: datetime | None = None
    missed: int = 0
    lines: tuple[str, ...] = ()
    by: str = ""
    until: datetime | None = None
