"""How much work a search is, written when it begins: what is done of it stands in `slices`, and a page holds one against the other."""

from sqlalchemy import Column, ForeignKey, Integer, String, Table

from dsr_engine.store.tables import metadata

passes = Table(
    "passes",
    metadata,
    Column("case_id", String, ForeignKey("cases.id"), primary_key=True, nullable=False),
    Column("round", Integer, primary_key=True),
    Column("phase", String, primary_key=True),
    Column("system", String, primary_key=True),
    Column("total", Integer, nullable=False),
)
