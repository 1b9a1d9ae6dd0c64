"""Long questions to systems and to the store, which are asked from a page and answered later; and what stopped a system."""

from sqlalchemy import JSON, Column, String, Table, Text

from dsr_engine.store.tables import Instant, metadata

#: One row for each kind of question and what it is about: the last one. Names, counts and sentences only, nothing of a person.
inquiries = Table(
    "inquiries",
    metadata,
    Column("kind", String, primary_key=True),
    Column("name", String, primary_key=True),
    Column("asked_at", Instant, nullable=False),
    Column("finished_at", Instant),
    Column("step", Text, nullable=False),
    Column("answer", JSON),
    Column("problem", JSON),
)
