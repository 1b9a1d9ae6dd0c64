"""Which records a search could not read."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    """Of earlier searches only reasons are known."""
    op.create_table(
        "unread_records",
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("phase", sa.String(), nullable=False),
        sa.Column("slice", sa.String(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_unread_records_case_id"),
        sa.PrimaryKeyConstraint("case_id", "round", "phase", "slice", name="pk_unread_records"),
    )
