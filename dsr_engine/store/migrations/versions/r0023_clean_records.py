"""What a later search of the same case need not read again."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    """Nothing is known of earlier cases: their later searches read everything."""
    op.create_table(
        "clean_records",
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("slice", sa.String(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_clean_records_case_id"),
        sa.PrimaryKeyConstraint("case_id", "slice", name="pk_clean_records"),
    )
