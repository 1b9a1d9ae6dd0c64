"""Indexes for long lists of cases, and how much work a search is."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    """Earlier cases have no total of their searches: pages show what is done of them."""
    op.create_table(
        "passes",
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("phase", sa.String(), nullable=False),
        sa.Column("system", sa.String(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_passes_case_id"),
        sa.PrimaryKeyConstraint("case_id", "round", "phase", "system", name="pk_passes"),
    )
    op.create_index("ix_cases_listed", "cases", ["opened_at", "id"])
    op.create_index("ix_cases_stage", "cases", ["stage", "wait_code", "wait_since"])
    op.create_index("ix_cases_closed_at", "cases", ["closed_at"])
    op.create_index("ix_approvals_manner", "approvals", ["manner"])
