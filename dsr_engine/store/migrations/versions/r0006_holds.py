"""Holds by matter, person and period, the second person who confirms them, and attestations that they were reviewed."""

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Nothing yet."""
