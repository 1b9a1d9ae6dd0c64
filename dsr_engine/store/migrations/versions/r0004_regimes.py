"""Several laws may apply to one case: the one regime becomes a list, and each is pinned under its own name."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """A case keeps the regime that it had, in the version that it was opened under."""
    op.add_column("cases", sa.Column("regimes", sa.JSON(), nullable=True))
    cases = sa.table("cases", sa.column("id"), sa.column("regime"), sa.column("regimes", sa.JSON()), sa.column("digests", sa.JSON()))
    connection = op.get_bind()
    for row in connection.execute(sa.select(cases)).all():
        digests = dict(row.digests)
        for key in ("regime", "regime_version"):
            if key in digests:
                digests[f"{key}:{row.regime}"] = digests.pop(key)
        values = {"regimes": [row.regime] if row.regime else [], "digests": digests}
        connection.execute(sa.update(cases).where(cases.c.id == row.id).values(values))
    with op.batch_alter_table("cases") as table:
        table.alter_column("regimes", existing_type=sa.JSON(), nullable=False)
        table.drop_column("regime")
