"""The tables beside `holds`: whom a hold protects, when holds were reviewed, and what stays when a case is over."""

from sqlalchemy import Column, Date, ForeignKey, Index, Integer, String, Table, Text

from dsr_engine.store.tables import Blob, Instant, metadata

#: HMACs of a person's identifiers under the key of holds; they go when the hold is lifted.
hold_people = Table(
    "hold_people",
    metadata,
    Column("hold_id", String, ForeignKey("holds.id"), primary_key=True, nullable=False),
    Column("kind", String, primary_key=True),
    Column("digest", Blob, primary_key=True),
)

hold_reviews = Table(
    "hold_reviews",
    metadata,
    Column("id", String, primary_key=True),
    Column("by", String, nullable=False),
    Column("at", Instant, nullable=False, index=True),
    Column("looked_at", Text, nullable=False),
    Column("in_force", Integer, nullable=False),
)

#: No reference to `cases`: what stays is told of after the case was forgotten.
kept = Table(
    "kept",
    metadata,
    Column("case_id", String, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("subject_ref", String, nullable=False),
    Column("at", Instant, nullable=False),
    Column("system", String, nullable=False),
    Column("collection", String, nullable=False),
    Column("records", Integer, nullable=False),
    Column("fence", String, nullable=False),
    Column("ground", String, nullable=False),
    Column("law", String, nullable=False),
    Column("rule", String, nullable=False),
    Column("hold_id", String, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("until", Date),
    Column("lifted_by", String),
    Column("lifted_at", Instant),
    Index("ix_kept_until", "until"),
)
