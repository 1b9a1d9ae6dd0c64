"""Requests for a copy of the data."""

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    """Nothing of it was there before."""
