"""What an API call with an idempotency key answered, what is told to subscribers, and which cases partners asked for."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Nothing of it was there before."""
    op.create_table(
        "api_answers",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("begun_at", _MOMENT, nullable=False),
        sa.Column("ends_at", _MOMENT, nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("answer", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("digest", name="pk_api_answers"),
    )
    op.create_index("ix_api_answers_ends_at", "api_answers", ["ends_at"])
    op.create_table(
        "webhook_cursors",
        sa.Column("subscriber", sa.String(), nullable=False),
        sa.Column("next_leaf", sa.Integer(), nullable=False),
        sa.Column("alarms_at", _MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("subscriber", name="pk_webhook_cursors"),
    )
    op.create_table(
        "webhook_events",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("subscriber", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("cause", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("made_at", _MOMENT, nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("next_try", _MOMENT, nullable=True),
        sa.Column("settled_at", _MOMENT, nullable=True),
        sa.Column("code", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_webhook_events"),
    )
    op.create_index("ix_webhook_events_cause", "webhook_events", ["subscriber", "cause"], unique=True)
    op.create_index("ix_webhook_events_queue", "webhook_events", ["subscriber", "state", "number"])
    op.create_table(
        "partner_requests",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("partner", sa.String(), nullable=False),
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("received_at", _MOMENT, nullable=False),
        sa.Column("request_id", sa.String(), nullable=False),
        sa.Column("callbacks", sa.Text(), nullable=False),
        sa.Column("told", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_partner_requests"),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_partner_requests_case_id"),
    )
    op.create_index("ix_partner_requests_case_id", "partner_requests", ["case_id"])
