"""Looks at later dates, and what a restored backup brings back."""

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Nothing yet."""
