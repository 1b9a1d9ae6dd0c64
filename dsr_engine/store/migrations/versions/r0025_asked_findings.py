"""Findings that a rule leaves to a person."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    """No earlier policy could ask."""
    op.add_column("findings", sa.Column("asked", sa.Boolean(), nullable=False, server_default=sa.false()))
    asked = sa.text("asked")
    op.create_index("ix_findings_asked", "findings", ["case_id", "round", "phase", "id"], sqlite_where=asked, postgresql_where=asked)
