"""What is kept of a request when its data are gone."""

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Nothing yet."""
