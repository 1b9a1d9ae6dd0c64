"""What certificates are listed by. The statements themselves are long; a list of ten thousand must not read them.

Days, names of policies and of systems from the operator's own files; nothing of a person. The rows go when their certificate does.
"""

from sqlalchemy import BigInteger, Column, Index, String, Table

from dsr_engine.store.tables import Instant, metadata

certificate_facts = Table(
    "certificate_facts",
    metadata,
    Column("serial", BigInteger, primary_key=True, autoincrement=False),
    Column("certificate_id", String, nullable=False, index=True),
    Column("issued_at", Instant, nullable=False, index=True),
    Column("kind", String, nullable=False),
    Column("policy", String, nullable=False),
)

certificate_systems = Table(
    "certificate_systems",
    metadata,
    Column("system", String, primary_key=True),
    Column("serial", BigInteger, primary_key=True, autoincrement=False),
    Index("ix_certificate_systems_serial", "serial"),
)
