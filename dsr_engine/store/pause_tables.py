"""The tables of what stopped a case's clock, and of appeals against how it ended. Nothing of a person is in them: codes and days only."""

from sqlalchemy import Column, Date, ForeignKey, Index, String, Table

from dsr_engine.store.tables import Instant, metadata

pauses = Table(
    "pauses",
    metadata,
    Column("id", String, primary_key=True),
    Column("case_id", String, ForeignKey("cases.id"), nullable=False),
    Column("why", String, nullable=False),
    Column("asked", Date, nullable=False),
    Column("ended", Date),
    Column("doubt", String),
    Column("placed_by", String, nullable=False),
    Column("at", Instant, nullable=False),
    Index("ix_pauses_case_id", "case_id"),
)

#: `case_id` is the case that was refused; `new_case_id` the one that was opened because the appeal was granted.
appeals = Table(
    "appeals",
    metadata,
    Column("id", String, primary_key=True),
    Column("case_id", String, ForeignKey("cases.id"), nullable=False),
    Column("received", Date, nullable=False),
    Column("recorded_by", String, nullable=False),
    Column("at", Instant, nullable=False),
    Column("extended_on", Date),
    Column("decided_on", Date),
    Column("decision", String),
    Column("decided_by", String),
    Column("new_case_id", String),
    Index("ix_appeals_case_id", "case_id"),
)
