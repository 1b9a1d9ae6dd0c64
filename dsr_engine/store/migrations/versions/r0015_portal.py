"""Requests that came through the portal and wait to be confirmed."""

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Nothing of it was there before."""
