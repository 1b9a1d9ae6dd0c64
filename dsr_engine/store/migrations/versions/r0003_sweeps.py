"""Sweeps in tranches: which part of a sweep a case is, how far it came, what was due, and results that stand for many records."""

from datetime import UTC

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """A sweep that an earlier version began is a first tranche, and stays dry if it was."""
    op.add_column("cases", sa.Column("tranche", sa.JSON(), nullable=True))
    op.add_column("results", sa.Column("count", sa.Integer(), server_default="1", nullable=False))
    op.create_table(
        "sweep_marks",
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("phase", sa.String(), nullable=False),
        sa.Column("system", sa.String(), nullable=False),
        sa.Column("collection", sa.String(), nullable=False),
        sa.Column("is_over", sa.Boolean(), nullable=False),
        sa.Column("pages", sa.Integer(), nullable=False),
        sa.Column("found", sa.BigInteger(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_sweep_marks_case_id"),
        sa.PrimaryKeyConstraint("case_id", "round", "phase", "system", "collection", name="pk_sweep_marks"),
    )
    op.create_table(
        "sweep_counts",
        sa.Column("sweep", sa.String(), nullable=False),
        sa.Column("system", sa.String(), nullable=False),
        sa.Column("collection", sa.String(), nullable=False),
        sa.Column("rule", sa.String(), nullable=False),
        sa.Column("ground", sa.String(), nullable=False),
        sa.Column("due", sa.BigInteger(), nullable=True),
        sa.Column("unknown", sa.BigInteger(), nullable=True),
        sa.Column("total", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("sweep", "system", "collection", "rule", name="pk_sweep_counts"),
    )
    _name_tranches()


def _name_tranches() -> None:
    cases = sa.table(
        "cases",
        sa.column("id"),
        sa.column("kind"),
        sa.column("opened_at", sa.DateTime(timezone=True)),
        sa.column("digests", sa.JSON()),
        sa.column("tranche", sa.JSON()),
    )
    connection = op.get_bind()
    for row in connection.execute(sa.select(cases).where(cases.c.kind == "sweep")).all():
        at = row.opened_at if row.opened_at.tzinfo else row.opened_at.replace(tzinfo=UTC)
        tranche = {"sweep": row.id, "number": 1, "begun": at.isoformat(), "is_dry": "dry_run" in row.digests, "before": 0}
        connection.execute(sa.update(cases).where(cases.c.id == row.id).values(tranche=tranche))
