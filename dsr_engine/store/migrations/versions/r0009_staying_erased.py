"""Looks at later dates, and what a restored backup brings back."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """The digests get a basis, a law and a key; no version before this one ever wrote any."""
    op.drop_table("suppression")
    op.create_table(
        "suppression",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("basis", sa.String(), nullable=False),
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cite", sa.String(), nullable=False),
        sa.Column("every_days", sa.Integer(), nullable=True),
        sa.Column("looked_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", "kind", "digest", "basis", "case_id", name="pk_suppression"),
    )
    op.create_index("ix_suppression_case_id", "suppression", ["case_id"])
    op.create_index("ix_suppression_until", "suppression", ["until"])
    op.create_table(
        "sequels",
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("of_case", sa.String(), nullable=False),
        sa.Column("why", sa.String(), nullable=False),
        sa.Column("occasion", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_sequels_case_id"),
        sa.PrimaryKeyConstraint("case_id", name="pk_sequels"),
        sa.UniqueConstraint("of_case", "occasion", name="uq_sequels_of_case"),
    )
    op.create_table(
        "restores",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("system", sa.String(), nullable=False),
        sa.Column("as_of", sa.DateTime(timezone=True), nullable=False),
        sa.Column("noted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("noted_by", sa.String(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_restores"),
    )
    op.create_index("ix_restores_system", "restores", ["system"])
    op.create_table(
        "backup_ends",
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("due", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expired_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_backup_ends_case_id"),
        sa.PrimaryKeyConstraint("case_id", name="pk_backup_ends"),
    )
