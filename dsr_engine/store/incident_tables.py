"""The tables of incidents, and of what became of certificates later. Counts, codes, ids and times; nothing of a person."""

from sqlalchemy import JSON, Column, ForeignKey, String, Table

from dsr_engine.store.tables import Instant, metadata

#: `case_id` does not refer to `cases`: an incident outlives the rows of its case.
incidents = Table(
    "incidents",
    metadata,
    Column("id", String, primary_key=True),
    Column("kind", String, nullable=False),
    Column("case_id", String, nullable=False, index=True),
    Column("aware_at", Instant, nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("opened_by", String, nullable=False),
    Column("lost", JSON, nullable=False),
    Column("risk", String, nullable=False),
    Column("told", JSON, nullable=False),
    Column("closed_at", Instant),
    Column("closed_by", String, nullable=False),
    Column("closing", String, nullable=False),
)

#: A certificate that was withdrawn, and the one that superseded it once that was issued.
withdrawals = Table(
    "withdrawals",
    metadata,
    Column("certificate_id", String, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("reason", String, nullable=False),
    Column("superseded_by", String),
)

#: Cases whose certificate is to replace an earlier one.
replacements = Table(
    "replacements",
    metadata,
    Column("case_id", String, ForeignKey("cases.id"), primary_key=True),
    Column("certificate_id", String, nullable=False),
)
