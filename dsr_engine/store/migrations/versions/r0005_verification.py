"""How a requester was verified, and why what they ask for is due."""

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Nothing yet."""
