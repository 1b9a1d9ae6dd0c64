"""Long questions that are asked from a page, why a system was stopped, and an index for long lists of notices."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Nobody asked before; what is stopped now was stopped without a reason."""
    op.create_table(
        "inquiries",
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("asked_at", _MOMENT, nullable=False),
        sa.Column("finished_at", _MOMENT, nullable=True),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("answer", sa.JSON(), nullable=True),
        sa.Column("problem", sa.JSON(), nullable=True),
        sa.PrimaryKeyConstraint("kind", "name", name="pk_inquiries"),
    )
    op.add_column("stops", sa.Column("reason", sa.String(), nullable=True))
    op.create_index("ix_notices_made_at", "notices", ["made_at", "id"])
