"""Holds by matter, person and period, the second person who confirms them, attestations that they were reviewed, and what stays after a case."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """A hold of an earlier version stays in force and waits for its second person."""
    op.add_column("holds", sa.Column("matter", sa.Text(), nullable=True))
    op.add_column("holds", sa.Column("since", sa.Date(), nullable=True))
    op.add_column("holds", sa.Column("until", sa.Date(), nullable=True))
    op.add_column("holds", sa.Column("is_of_person", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("holds", sa.Column("confirmed_by", sa.String(), nullable=True))
    op.add_column("holds", sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("holds", sa.Column("lift_asked_by", sa.String(), nullable=True))
    op.add_column("holds", sa.Column("lift_asked_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("holds", sa.Column("lift_reason", sa.Text(), nullable=True))
    op.create_table(
        "hold_people",
        sa.Column("hold_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["hold_id"], ["holds.id"], name="fk_hold_people_hold_id"),
        sa.PrimaryKeyConstraint("hold_id", "kind", "digest", name="pk_hold_people"),
    )
    op.create_table(
        "hold_reviews",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("looked_at", sa.Text(), nullable=False),
        sa.Column("in_force", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_hold_reviews"),
    )
    op.create_index("ix_hold_reviews_at", "hold_reviews", ["at"])
    op.create_table(
        "kept",
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("subject_ref", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("system", sa.String(), nullable=False),
        sa.Column("collection", sa.String(), nullable=False),
        sa.Column("records", sa.Integer(), nullable=False),
        sa.Column("fence", sa.String(), nullable=False),
        sa.Column("ground", sa.String(), nullable=False),
        sa.Column("law", sa.String(), nullable=False),
        sa.Column("rule", sa.String(), nullable=False),
        sa.Column("hold_id", sa.String(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("until", sa.Date(), nullable=True),
        sa.Column("lifted_by", sa.String(), nullable=True),
        sa.Column("lifted_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("case_id", "position", name="pk_kept"),
    )
    op.create_index("ix_kept_until", "kept", ["until"])
