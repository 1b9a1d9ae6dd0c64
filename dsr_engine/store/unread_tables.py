"""Which records a search could not read: names of files and mails, sealed under the case's key like everything that may tell of a person."""

from sqlalchemy import Column, ForeignKey, Integer, String, Table

from dsr_engine.store.tables import Blob, metadata

#: One row for each part of a collection in which something could not be read.
unread_records = Table(
    "unread_records",
    metadata,
    Column("case_id", String, ForeignKey("cases.id"), primary_key=True, nullable=False),
    Column("round", Integer, primary_key=True),
    Column("phase", String, primary_key=True),
    Column("slice", String, primary_key=True),
    Column("sealed", Blob, nullable=False),
)
