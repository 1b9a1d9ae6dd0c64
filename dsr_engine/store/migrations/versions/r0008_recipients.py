"""Who had received the data, and whether they were told."""

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Nothing yet."""
