"""Letters and notices on their way, and where a requester can be reached."""

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Nothing yet."""
