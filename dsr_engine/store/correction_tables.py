"""The tables of corrections of plans, and of plans that were given back. Codes and counts; the corrected records are sealed under the case's key."""

from sqlalchemy import Column, ForeignKey, Index, Integer, String, Table

from dsr_engine.store.tables import Blob, Instant, metadata

corrections = Table(
    "corrections",
    metadata,
    Column("id", String, primary_key=True),
    Column("case_id", String, ForeignKey("cases.id"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("kind", String, nullable=False),
    Column("treatment", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("law", String, nullable=False),
    Column("hold_id", String, nullable=False),
    Column("system", String, nullable=False),
    Column("collection", String, nullable=False),
    Column("records", Integer, nullable=False),
    Column("carried_from", String, nullable=False),
    Column("placed_by", String, nullable=False),
    Column("at", Instant, nullable=False),
    Column("undone_by", String),
    Column("undone_at", Instant),
    Index("ix_corrections_case_id", "case_id", "position", unique=True),
)

#: Where the corrected records are, a thousand to a row. Goes with the case's key; the correction itself stays as long as its case.
corrected_places = Table(
    "corrected_places",
    metadata,
    Column("correction_id", String, ForeignKey("corrections.id"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("case_id", String, ForeignKey("cases.id"), nullable=False, index=True),
    Column("sealed", Blob, nullable=False),
)

plan_returns = Table(
    "plan_returns",
    metadata,
    Column("id", String, primary_key=True),
    Column("case_id", String, ForeignKey("cases.id"), nullable=False),
    Column("plan_digest", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("returned_by", String, nullable=False),
    Column("at", Instant, nullable=False),
    Column("answered_by", String),
    Column("answered_at", Instant),
    Index("ix_plan_returns_case_id", "case_id", "at"),
)
