"""What a later search of the same case need not read again: digests under keys of the case, sealed like everything that tells of a person."""

from sqlalchemy import Column, ForeignKey, Integer, String, Table

from dsr_engine.store.tables import Blob, metadata

#: One row for each part of a verified collection; the next verification of the case writes it anew.
clean_records = Table(
    "clean_records",
    metadata,
    Column("case_id", String, ForeignKey("cases.id"), primary_key=True, nullable=False),
    Column("slice", String, primary_key=True),
    Column("round", Integer, nullable=False),
    Column("sealed", Blob, nullable=False),
)
