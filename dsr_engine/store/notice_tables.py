"""Who had received the data of a case, and whether they were told. What is told stands nowhere here: identifiers are read when a notice goes out."""

from sqlalchemy import Column, ForeignKey, Index, Integer, String, Table, Text, UniqueConstraint

from dsr_engine.store.tables import Instant, metadata

notices = Table(
    "notices",
    metadata,
    Column("id", String, primary_key=True),
    Column("case_id", String, ForeignKey("cases.id"), nullable=False),
    Column("recipient", String, nullable=False),
    Column("title", String, nullable=False),
    Column("role", String, nullable=False),
    Column("channel", String, nullable=False),
    Column("awaits", String, nullable=False),
    Column("duty", String, nullable=False),
    Column("law", Text, nullable=False),
    Column("what", String, nullable=False),
    Column("state", String, nullable=False, index=True),
    Column("made_at", Instant, nullable=False),
    Column("answer_by", Instant, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("next_try", Instant),
    Column("sent_at", Instant),
    Column("reminded", Integer, nullable=False),
    Column("answered_at", Instant),
    Column("expected_at", Instant),
    Column("code", String, nullable=False),
    Column("reason", Text, nullable=False),
    Column("decided_by", String, nullable=False),
    Column("approved_by", String, nullable=False),
    Column("evidence", String, nullable=False),
    Column("closed_at", Instant),
    UniqueConstraint("case_id", "recipient"),
    Index("ix_notices_case_id", "case_id"),
    Index("ix_notices_made_at", "made_at", "id"),
)
