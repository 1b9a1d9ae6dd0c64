"""Lists of the Delete Request and Opt-out Platform."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Batches, their files and items, answers, accesses, and where a comparison could not look."""
    op.create_table(
        "drop_batches",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("archive", sa.String(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by_hand", sa.Boolean(), nullable=False),
        sa.Column("items", sa.BigInteger(), nullable=False),
        sa.Column("removed", sa.BigInteger(), nullable=False),
        sa.Column("rules", sa.String(), nullable=False),
        sa.Column("matched_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("complete_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_drop_batches"),
        sa.UniqueConstraint("archive", name="uq_drop_batches_archive"),
    )
    op.create_table(
        "drop_archives",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("arrived_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_drop_archives"),
    )
    op.create_table(
        "drop_files",
        sa.Column("batch_id", sa.String(), nullable=False),
        sa.Column("list", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["batch_id"], ["drop_batches.id"], name="fk_drop_files_batch_id"),
        sa.PrimaryKeyConstraint("batch_id", "list", name="pk_drop_files"),
    )
    op.create_table(
        "drop_items",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("list", sa.String(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("batch_id", sa.String(), nullable=False),
        sa.Column("case_id", sa.String(), nullable=True),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("reported", sa.Integer(), nullable=True),
        sa.Column("looked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["batch_id"], ["drop_batches.id"], name="fk_drop_items_batch_id"),
        sa.PrimaryKeyConstraint("id", name="pk_drop_items"),
    )
    op.create_index("ix_drop_items_digest", "drop_items", ["digest"])
    op.create_index("ix_drop_items_case_id", "drop_items", ["case_id"])
    op.create_index("ix_drop_items_batch_id", "drop_items", ["batch_id", "list", "id"])
    op.create_table(
        "drop_answers",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("manner", sa.String(), nullable=False),
        sa.Column("batch_id", sa.String(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tried_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("by_hand", sa.Boolean(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["batch_id"], ["drop_batches.id"], name="fk_drop_answers_batch_id"),
        sa.PrimaryKeyConstraint("name", "manner", name="pk_drop_answers"),
    )
    op.create_index("ix_drop_answers_batch_id", "drop_answers", ["batch_id"])
    op.create_table(
        "drop_accesses",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("by_hand", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_drop_accesses"),
    )
    op.create_table(
        "drop_gaps",
        sa.Column("system", sa.String(), nullable=False),
        sa.Column("collection", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("accepted_by", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("system", "collection", name="pk_drop_gaps"),
    )
