"""Tables of what is kept when the data are gone: the request log, and the serial numbers of certificates whose case was erased.

They stand apart from the cases and refer to none, because they outlive them or end before them. What links a row to a person, the salt of the
certificate's commitment, is sealed under a key of the row's own (`store/request_log.py`).
"""

from sqlalchemy import JSON, BigInteger, Boolean, Column, Date, Integer, String, Table

from dsr_engine.store.tables import Blob, Instant, metadata

request_log = Table(
    "request_log",
    metadata,
    Column("case_id", String, primary_key=True),
    Column("subject_ref", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("right_asked", String, nullable=False),
    Column("manner", String, nullable=False),
    Column("regimes", JSON, nullable=False),
    Column("received", Date, nullable=False, index=True),
    Column("keep_months", Integer, nullable=False),
    Column("to_year_end", Boolean, nullable=False),
    Column("decision", String),
    Column("decided", Date),
    Column("answered", Date),
    Column("answer", String, nullable=False),
    Column("basis", JSON, nullable=False),
    Column("certificate_id", String, nullable=False),
    Column("acknowledged", Date),
    Column("limits", JSON, nullable=False),
    Column("keep_until", Date, index=True),
    Column("sealed", Blob),
)

#: Serial numbers whose certificates went with the rows of their case: a number is never given again, and a missing one still shows.
spent_serials = Table(
    "spent_serials",
    metadata,
    Column("serial", BigInteger, primary_key=True, autoincrement=False),
    Column("certificate_id", String, nullable=False),
    Column("path", String, nullable=False),
    Column("issued_at", Instant, nullable=False),
    Column("erased_at", Instant, nullable=False),
)
