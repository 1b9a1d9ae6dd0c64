"""What an API call with an idempotency key answered, and what is told to subscribers."""

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Nothing of it was there before."""
