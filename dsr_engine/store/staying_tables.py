"""The tables of what happens after a certificate: digests of who must stay erased, later looks, restored backups, cases that repeat others."""

from sqlalchemy import Column, ForeignKey, Index, Integer, String, Table, UniqueConstraint

from dsr_engine.store.tables import Blob, Instant, metadata

#: No reference to `cases`: a digest may outlive the row of its case, which the request log's own end removes.
suppression = Table(
    "suppression",
    metadata,
    Column("key", String, primary_key=True),
    Column("kind", String, primary_key=True),
    Column("digest", Blob, primary_key=True),
    Column("basis", String, primary_key=True),
    Column("case_id", String, primary_key=True),
    Column("erased_at", Instant, nullable=False),
    Column("until", Instant, nullable=False, index=True),
    Column("cite", String, nullable=False),
    Column("every_days", Integer),
    Column("looked_at", Instant, nullable=False),
    Index("ix_suppression_case_id", "case_id"),
)

#: Which case does again what another one did. `restore` is the restored backup that made it necessary; empty where no backup did.
sequels = Table(
    "sequels",
    metadata,
    Column("case_id", String, ForeignKey("cases.id"), primary_key=True),
    Column("of_case", String, nullable=False),
    Column("why", String, nullable=False),
    Column("occasion", String, nullable=False),
    UniqueConstraint("of_case", "occasion"),
)

#: A system that was brought back to an earlier state. `as_of` is the moment of the backup.
restores = Table(
    "restores",
    metadata,
    Column("id", String, primary_key=True),
    Column("system", String, nullable=False),
    Column("as_of", Instant, nullable=False),
    Column("noted_at", Instant, nullable=False),
    Column("noted_by", String, nullable=False),
    Column("opened_at", Instant),
    Column("done_at", Instant),
    Index("ix_restores_system", "system"),
)

#: When the last backup that may hold the person is gone; `expired_at` is when the ledger was told.
backup_ends = Table(
    "backup_ends",
    metadata,
    Column("case_id", String, ForeignKey("cases.id"), primary_key=True),
    Column("due", Instant, nullable=False),
    Column("expired_at", Instant),
)
