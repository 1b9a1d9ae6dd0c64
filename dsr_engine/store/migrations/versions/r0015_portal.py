"""Requests that came through the portal and wait to be confirmed, private links, and what requesters wrote and may download."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Nothing of it was there before."""
    op.create_table(
        "portal_requests",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("received_at", _MOMENT, nullable=False),
        sa.Column("ends_at", _MOMENT, nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        *_code(),
        sa.PrimaryKeyConstraint("digest", name="pk_portal_requests"),
    )
    op.create_index("ix_portal_requests_ends_at", "portal_requests", ["ends_at"])
    op.create_table(
        "portal_links",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("part", sa.String(), nullable=False),
        sa.Column("made_at", _MOMENT, nullable=False),
        sa.Column("confirmed_at", _MOMENT, nullable=True),
        sa.Column("judged", sa.String(), nullable=False),
        *_code(),
        sa.PrimaryKeyConstraint("digest", name="pk_portal_links"),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_portal_links_case_id"),
    )
    op.create_index("ix_portal_links_case_id", "portal_links", ["case_id"])
    op.create_index("ix_portal_links_judged", "portal_links", ["judged", "confirmed_at"])
    op.create_table(
        "portal_visits",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("link", sa.LargeBinary(), nullable=False),
        sa.Column("ends_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_portal_visits"),
    )
    op.create_index("ix_portal_visits_ends_at", "portal_visits", ["ends_at"])
    op.create_table(
        "portal_notes",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("read_at", _MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_portal_notes"),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_portal_notes_case_id"),
    )
    op.create_index("ix_portal_notes_case_id", "portal_notes", ["case_id"])
    op.create_index("ix_portal_notes_read_at", "portal_notes", ["read_at", "at"])
    op.create_table(
        "portal_letters",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("sent_at", _MOMENT, nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_portal_letters"),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_portal_letters_case_id"),
    )
    op.create_index("ix_portal_letters_case_id", "portal_letters", ["case_id"])


def _code() -> "tuple[sa.Column[object], ...]":
    return (
        sa.Column("code", sa.LargeBinary(), nullable=True),
        sa.Column("code_until", _MOMENT, nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("sent", sa.Integer(), nullable=False),
    )
