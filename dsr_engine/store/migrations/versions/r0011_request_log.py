"""What is kept of a request when its data are gone, and which right it rests on."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Cases of an earlier version are requests for erasure, for nothing else could be asked; the worker gives them their row."""
    op.add_column("cases", sa.Column("right_asked", sa.String(), server_default="erasure", nullable=False))
    op.create_table(
        "request_log",
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("subject_ref", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("right_asked", sa.String(), nullable=False),
        sa.Column("manner", sa.String(), nullable=False),
        sa.Column("regimes", sa.JSON(), nullable=False),
        sa.Column("received", sa.Date(), nullable=False),
        sa.Column("keep_months", sa.Integer(), nullable=False),
        sa.Column("to_year_end", sa.Boolean(), nullable=False),
        sa.Column("decision", sa.String(), nullable=True),
        sa.Column("decided", sa.Date(), nullable=True),
        sa.Column("answered", sa.Date(), nullable=True),
        sa.Column("answer", sa.String(), nullable=False),
        sa.Column("basis", sa.JSON(), nullable=False),
        sa.Column("certificate_id", sa.String(), nullable=False),
        sa.Column("acknowledged", sa.Date(), nullable=True),
        sa.Column("limits", sa.JSON(), nullable=False),
        sa.Column("keep_until", sa.Date(), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("case_id", name="pk_request_log"),
    )
    op.create_index("ix_request_log_received", "request_log", ["received"])
    op.create_index("ix_request_log_keep_until", "request_log", ["keep_until"])
    op.create_table(
        "spent_serials",
        sa.Column("serial", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("certificate_id", sa.String(), nullable=False),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("serial", name="pk_spent_serials"),
    )
