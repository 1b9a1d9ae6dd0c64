"""What an officer took out of a plan or moved to another treatment before it was approved."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    """Nothing of it was there before."""
    op.create_table(
        "corrections",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("treatment", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("law", sa.String(), nullable=False),
        sa.Column("hold_id", sa.String(), nullable=False),
        sa.Column("system", sa.String(), nullable=False),
        sa.Column("collection", sa.String(), nullable=False),
        sa.Column("records", sa.Integer(), nullable=False),
        sa.Column("carried_from", sa.String(), nullable=False),
        sa.Column("placed_by", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("undone_by", sa.String(), nullable=True),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_corrections_case_id"),
        sa.PrimaryKeyConstraint("id", name="pk_corrections"),
    )
    op.create_index("ix_corrections_case_id", "corrections", ["case_id", "position"], unique=True)
    op.create_table(
        "corrected_places",
        sa.Column("correction_id", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["correction_id"], ["corrections.id"], name="fk_corrected_places_correction_id"),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_corrected_places_case_id"),
        sa.PrimaryKeyConstraint("correction_id", "position", name="pk_corrected_places"),
    )
    op.create_index("ix_corrected_places_case_id", "corrected_places", ["case_id"])
    op.create_table(
        "plan_returns",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("plan_digest", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("returned_by", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered_by", sa.String(), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_plan_returns_case_id"),
        sa.PrimaryKeyConstraint("id", name="pk_plan_returns"),
    )
    op.create_index("ix_plan_returns_case_id", "plan_returns", ["case_id", "at"])
    decided = sa.text("verdict IS NOT NULL")
    op.create_index("ix_findings_decided", "findings", ["case_id"], sqlite_where=decided, postgresql_where=decided)
