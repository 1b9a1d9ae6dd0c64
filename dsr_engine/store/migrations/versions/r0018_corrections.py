"""What an officer took out of a plan or moved to another treatment before it was approved."""

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    """Nothing of it was there before."""
