"""What the scheduler ran, and who is the scheduler."""

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Nothing of it was there before."""
