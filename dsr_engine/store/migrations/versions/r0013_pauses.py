"""What stopped a case's clock, and when it went on."""

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Nothing yet."""
