"""Requests for a copy of the data."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    """Copies, the records of them that are special, and possible findings in the order in which they are decided."""
    op.create_table(
        "copies",
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("surveyed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("released_by", sa.String(), nullable=True),
        sa.Column("fetched", sa.Integer(), nullable=False),
        sa.Column("fetched_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_copies_case_id"),
        sa.PrimaryKeyConstraint("case_id", name="pk_copies"),
    )
    op.create_table(
        "copy_records",
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("finding_id", sa.String(), nullable=False),
        sa.Column("seen", sa.LargeBinary(), nullable=True),
        sa.Column("names_others", sa.Boolean(), nullable=False),
        sa.Column("treatment", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("decided_by", sa.String(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_copy_records_case_id"),
        sa.PrimaryKeyConstraint("case_id", "finding_id", name="pk_copy_records"),
    )
    op.create_index("ix_findings_possible", "findings", ["case_id", "round", "phase", "confidence", "id"])
