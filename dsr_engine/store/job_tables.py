"""Tables of the clock: what it ran, and which process is the one that runs it."""

from sqlalchemy import JSON, Column, Index, Integer, String, Table

from dsr_engine.store.tables import Instant, metadata

job_runs = Table(
    "job_runs",
    metadata,
    Column("job", String, primary_key=True),
    Column("due", Instant, primary_key=True),
    Column("state", String, nullable=False),
    Column("begun_at", Instant),
    Column("ended_at", Instant),
    Column("missed", Integer, nullable=False),
    Column("lines", JSON, nullable=False),
    Column("process", String, nullable=False),
    Column("until", Instant),
    Index("ix_job_runs_state", "state"),
    Index("ix_job_runs_ended_at", "ended_at"),
)

#: At most one row: the process that watches the clock, for as long as it says so again and again.
clock_holder = Table(
    "clock_holder",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("process", String, nullable=False),
    Column("until", Instant, nullable=False),
)
