"""The tables, so that every repository and the migrations speak of one and the same schema.

What tells of a person lies in columns named `sealed` (AES-256-GCM under the key of the case) and nowhere else. Every other column
holds random ids, names from the operator's own configuration, codes, counts and times.
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    false,
    text,
)

from dsr_engine.domain.errors import InputWrong, NotVerified


class Instant(TypeDecorator[datetime]):
    """An aware moment in UTC. SQLite has no time zones: there it is stored as UTC and read back as UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise InputWrong("a time without a time zone cannot be stored", code="store.naive_time", hint="take it from a Clock")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002  # SQLAlchemy's signature
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Blob(TypeDecorator[bytes]):
    """Bytes. SQLite lets anybody put a text into such a column; the engine never did, so that is damage."""

    impl = LargeBinary
    cache_ok = True

    def process_result_value(self, value: object, dialect: Dialect) -> bytes | None:  # noqa: ARG002  # SQLAlchemy's signature
        if value is None or isinstance(value, bytes):
            return value
        raise NotVerified(
            "the store holds something that is not bytes where the engine wrote bytes", code="store.damaged", hint="restore the store from a backup"
        )


metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
    }
)


def _of_case(*, primary_key: bool = False) -> Column[Any]:
    return Column("case_id", String, ForeignKey("cases.id"), primary_key=primary_key, nullable=False)


cases = Table(
    "cases",
    metadata,
    Column("id", String, primary_key=True),
    Column("subject_ref", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("policy", String, nullable=False),
    Column("regimes", JSON, nullable=False),
    Column("stage", String, nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("opened_by", String, nullable=False),
    Column("received_at", Instant),
    Column("closed_at", Instant),
    Column("systems", JSON, nullable=False),
    Column("round", Integer, nullable=False),
    Column("identity", String, nullable=False),
    Column("outcome", String),
    Column("digests", JSON, nullable=False),
    Column("wait_code", String),
    Column("wait_reason", Text),
    Column("wait_needs", Text),
    Column("wait_since", Instant),
    Column("wait_wake_at", Instant),
    Column("tranche", JSON),
    Column("right_asked", String, nullable=False, server_default="erasure"),
    Column("lease_worker", String),
    Column("lease_fence", BigInteger, nullable=False, server_default="0"),
    Column("lease_until", Instant),
    Index("ix_cases_opened_at", "opened_at"),
    Index("ix_cases_listed", "opened_at", "id"),
    Index("ix_cases_stage", "stage", "wait_code", "wait_since"),
    Index("ix_cases_closed_at", "closed_at"),
)

epochs = Table(
    "epochs",
    metadata,
    Column("id", String, primary_key=True),
    Column("opened_at", Instant, nullable=False),
)

#: No reference to `cases`: a key may be made before its case is written, and both go in one transaction.
case_keys = Table(
    "case_keys",
    metadata,
    Column("case_id", String, primary_key=True),
    Column("epoch_id", String, ForeignKey("epochs.id"), nullable=False, index=True),
    Column("wrapped", Blob, nullable=False),
    Column("until", Instant),
)

shredded = Table(
    "shredded",
    metadata,
    Column("case_id", String, primary_key=True),
    Column("at", Instant, nullable=False),
)

selectors = Table(
    "selectors",
    metadata,
    _of_case(primary_key=True),
    Column("id", String, primary_key=True),
    Column("position", Integer, nullable=False),
    Column("sealed", Blob, nullable=False),
)

findings = Table(
    "findings",
    metadata,
    Column("id", String, primary_key=True),
    _of_case(),
    Column("round", Integer, nullable=False),
    Column("phase", String, nullable=False),
    Column("slice", String, nullable=False),
    Column("position", Integer, nullable=False),
    Column("system", String, nullable=False),
    Column("collection", String, nullable=False),
    Column("match", String, nullable=False),
    Column("confidence", String, nullable=False),
    Column("categories", JSON, nullable=False),
    Column("verdict", String),
    Column("decided_by", String),
    Column("decided_at", Instant),
    Column("sealed", Blob, nullable=False),
    Column("asked", Boolean, nullable=False, server_default=false()),
    Index("ix_findings_asked", "case_id", "round", "phase", "id", sqlite_where=text("asked"), postgresql_where=text("asked")),
    Index("ix_findings_case_id", "case_id", "round", "phase", "slice", "position"),
    Index("ix_findings_possible", "case_id", "round", "phase", "confidence", "id"),
    # Of a hundred thousand findings people decide about a few, and every page of a plan asks who did.
    Index("ix_findings_decided", "case_id", sqlite_where=text("verdict IS NOT NULL"), postgresql_where=text("verdict IS NOT NULL")),
)

slices = Table(
    "slices",
    metadata,
    _of_case(primary_key=True),
    Column("round", Integer, primary_key=True),
    Column("phase", String, primary_key=True),
    Column("slice", String, primary_key=True),
)

coverage = Table(
    "coverage",
    metadata,
    _of_case(primary_key=True),
    Column("round", Integer, primary_key=True),
    Column("phase", String, primary_key=True),
    Column("system", String, primary_key=True),
    Column("collection", String, primary_key=True),
    Column("extent", String, nullable=False),
    Column("reason", Text, nullable=False),
    Column("code", String, nullable=False),
    Column("is_transient", Boolean, nullable=False),
    Column("looked", BigInteger, nullable=False),
)

plans = Table(
    "plans",
    metadata,
    Column("id", String, primary_key=True),
    _of_case(),
    Column("round", Integer, nullable=False),
    Column("policy_digest", String, nullable=False),
    Column("digest", String, nullable=False),
    Column("sealed", Blob, nullable=False),
    UniqueConstraint("case_id", "round"),
)

plan_items = Table(
    "plan_items",
    metadata,
    Column("id", String, primary_key=True),
    Column("plan_id", String, ForeignKey("plans.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("position", Integer, nullable=False),
    Column("system", String, nullable=False),
    Column("collection", String, nullable=False),
    Column("treatment", String, nullable=False),
    Column("state", String, nullable=False, index=True),
    Column("sealed", Blob, nullable=False),
)

#: No reference to `plans`: what happened is still counted when the plan was shredded with its case. A row stands for `count` records from `position`
#: on that came to the same end, so a batch of a thousand is one row nearly always.
results = Table(
    "results",
    metadata,
    Column("plan_id", String, primary_key=True),
    Column("item_id", String, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("count", Integer, nullable=False, server_default="1"),
    Column("state", String, nullable=False),
    Column("code", String, nullable=False),
)

approvals = Table(
    "approvals",
    metadata,
    Column("id", Integer, primary_key=True),
    _of_case(),
    Column("plan_digest", String, nullable=False),
    Column("approved_by", String, nullable=False),
    Column("at", Instant, nullable=False),
    Column("manner", String, nullable=False),
    UniqueConstraint("case_id", "plan_digest", "approved_by", "manner"),
    Index("ix_approvals_manner", "manner"),
)

#: `case_id` does not refer to `cases`: a hold may be placed for a case that another installation runs.
holds = Table(
    "holds",
    metadata,
    Column("id", String, primary_key=True),
    Column("reason", Text, nullable=False),
    Column("placed_by", String, nullable=False),
    Column("placed_at", Instant, nullable=False),
    Column("case_id", String),
    Column("system", String),
    Column("collection", String),
    Column("category", String),
    Column("matter", Text),
    Column("since", Date),
    Column("until", Date),
    Column("is_of_person", Boolean, nullable=False, server_default=false()),
    Column("confirmed_by", String),
    Column("confirmed_at", Instant),
    Column("lift_asked_by", String),
    Column("lift_asked_at", Instant),
    Column("lift_reason", Text),
    Column("lifted_by", String),
    Column("lifted_at", Instant),
)

stops = Table(
    "stops",
    metadata,
    Column("system", String, primary_key=True),
    Column("stopped_by", String, nullable=False),
    Column("at", Instant, nullable=False),
    Column("reason", String),
)

people = Table(
    "people",
    metadata,
    Column("id", String, primary_key=True),
    Column("name", String, nullable=False),
    UniqueConstraint("name"),
)

certificates = Table(
    "certificates",
    metadata,
    Column("id", String, primary_key=True),
    _of_case(),
    Column("serial", BigInteger, nullable=False),
    Column("statement", Blob, nullable=False),
    Column("envelope", Blob, nullable=False),
    Column("leaf_index", BigInteger),
    Column("path", String, nullable=False),
    Index("ix_certificates_case_id", "case_id"),
    UniqueConstraint("serial"),
)

followups = Table(
    "followups",
    metadata,
    _of_case(primary_key=True),
    Column("what", String, primary_key=True),
    Column("due", Instant, nullable=False),
)

tasks = Table(
    "tasks",
    metadata,
    Column("id", String, primary_key=True),
    _of_case(),
    Column("system", String, nullable=False),
    Column("instructions", Text, nullable=False),
    Column("owner", String, nullable=False),
    Column("due", Instant, nullable=False),
    Column("done_by", String),
    Column("done_at", Instant),
    Column("evidence_digest", String),
    Index("ix_tasks_case_id", "case_id"),
)

assessments = Table(
    "assessments",
    metadata,
    _of_case(primary_key=True),
    Column("round", Integer, primary_key=True),
    Column("system", String, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("server", JSON, nullable=False),
    Column("channels", JSON, nullable=False),
    Column("works", JSON, nullable=False),
    Column("marks", JSON, nullable=False),
)

sweeps = Table(
    "sweeps",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("policy", String, nullable=False, index=True),
    Column("at", Instant, nullable=False),
    Column("rule", String, nullable=False),
    Column("found", BigInteger, nullable=False),
    Column("affected", BigInteger, nullable=False),
    Column("is_dry", Boolean, nullable=False),
)

#: How far a sweep's search came in each collection: a key of the collection, which may be personal, is sealed.
sweep_marks = Table(
    "sweep_marks",
    metadata,
    _of_case(primary_key=True),
    Column("round", Integer, primary_key=True),
    Column("phase", String, primary_key=True),
    Column("system", String, primary_key=True),
    Column("collection", String, primary_key=True),
    Column("is_over", Boolean, nullable=False),
    Column("pages", Integer, nullable=False),
    Column("found", BigInteger, nullable=False),
    Column("sealed", Blob, nullable=False),
)

#: What was due before the first tranche of a sweep began, counted by the systems themselves.
sweep_counts = Table(
    "sweep_counts",
    metadata,
    Column("sweep", String, primary_key=True),
    Column("system", String, primary_key=True),
    Column("collection", String, primary_key=True),
    Column("rule", String, primary_key=True),
    Column("ground", String, nullable=False),
    Column("due", BigInteger),
    Column("unknown", BigInteger),
    Column("total", BigInteger),
)

# The ledger. The names are those of RFC 9162: a leaf, the node of a complete subtree, the tree's head, and the signed checkpoints of it.

#: `about_case` repeats the case in `data`. It is called otherwise than elsewhere because leaves stay when the rows of a case go.
leaf = Table(
    "leaf",
    metadata,
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", String, nullable=False),
    Column("dedup_key", String, nullable=False),
    Column("data", Blob, nullable=False),
    Column("at", Instant, nullable=False),
    Column("about_case", String),
    UniqueConstraint("dedup_key"),
    Index("ix_leaf_kind", "kind", "position"),
    Index("ix_leaf_kind_at", "kind", "at", "position"),
    Index("ix_leaf_at", "at", "position"),
    Index("ix_leaf_about_case", "about_case", "position"),
)

node = Table(
    "node",
    metadata,
    Column("level", Integer, primary_key=True, autoincrement=False),
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", Blob, nullable=False),
)

#: One row, written by the first migration. Whoever appends holds its lock until the commit.
head = Table(
    "head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("size", BigInteger, nullable=False),
    Column("root", Blob, nullable=False),
)

checkpoint = Table(
    "checkpoint",
    metadata,
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    Column("note", Text, nullable=False),
    Column("at", Instant, nullable=False),
)
