"""The tables of copies of the data: how far a copy is, and what an officer left out of it. Codes, counts and keyed digests; never content."""

from sqlalchemy import Boolean, Column, ForeignKey, Integer, String, Table

from dsr_engine.store.tables import Blob, Instant, metadata

copies = Table(
    "copies",
    metadata,
    Column("case_id", String, ForeignKey("cases.id"), primary_key=True),
    Column("round", Integer, nullable=False),
    Column("surveyed_at", Instant),
    Column("released_at", Instant),
    Column("released_by", String),
    Column("fetched", Integer, nullable=False),
    Column("fetched_at", Instant),
)

#: What is special about a record of a copy. `seen` is a digest of its content under the case's key, so these rows go with the key.
copy_records = Table(
    "copy_records",
    metadata,
    Column("case_id", String, ForeignKey("cases.id"), primary_key=True),
    Column("finding_id", String, primary_key=True),
    Column("seen", Blob),
    Column("names_others", Boolean, nullable=False),
    Column("treatment", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("decided_by", String),
    Column("decided_at", Instant),
)
