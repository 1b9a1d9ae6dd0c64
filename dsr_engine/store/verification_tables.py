"""The tables of who asked, why that is due, and who ordered it. What was shown as proof is sealed, and goes when the case is decided."""

from sqlalchemy import JSON, Column, Date, ForeignKey, Integer, String, Table

from dsr_engine.store.tables import Blob, Instant, metadata

#: What was done to verify a requester. `kinds` are the kinds of data that matched, never values. `document` is a keyed digest of a signed paper.
verifications = Table(
    "verifications",
    metadata,
    Column("id", String, primary_key=True),
    Column("case_id", String, ForeignKey("cases.id"), nullable=False, index=True),
    Column("method", String, nullable=False),
    Column("kinds", JSON, nullable=False),
    Column("document", Blob),
    Column("signed_on", Date),
    Column("verified_by", String, nullable=False),
    Column("at", Instant, nullable=False),
)

#: The one code of a case that may be answered now, as a keyed digest with an end.
codes = Table(
    "codes",
    metadata,
    Column("case_id", String, ForeignKey("cases.id"), primary_key=True),
    Column("selector", String, nullable=False),
    Column("digest", Blob, nullable=False),
    Column("sent_at", Instant, nullable=False),
    Column("until", Instant, nullable=False),
    Column("tries", Integer, nullable=False),
)

#: Papers that a requester showed, while somebody has to look at them.
evidence = Table(
    "evidence",
    metadata,
    Column("case_id", String, ForeignKey("cases.id"), primary_key=True),
    Column("id", String, primary_key=True),
    Column("doubt", String, nullable=False),
    Column("added_at", Instant, nullable=False),
    Column("added_by", String, nullable=False),
    Column("sealed", Blob, nullable=False),
)

#: Why what a person asks for is due: the entitlement of a regime, by category.
case_grounds = Table(
    "case_grounds",
    metadata,
    Column("case_id", String, ForeignKey("cases.id"), primary_key=True),
    Column("category", String, primary_key=True),
    Column("entitlement", String, primary_key=True),
    Column("reason", String, nullable=False),
    Column("named_by", String, nullable=False),
    Column("at", Instant, nullable=False),
)

#: What an authority ordered: its file reference, sealed, and the last day.
orders = Table(
    "orders",
    metadata,
    Column("case_id", String, ForeignKey("cases.id"), primary_key=True),
    Column("due", Date, nullable=False),
    Column("sealed", Blob, nullable=False),
)
