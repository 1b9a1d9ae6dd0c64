"""What long lists of leaves and certificates are found by: the case that a leaf is about, and the facts of each certificate in a narrow table."""

import json
from datetime import datetime

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"

#: So many statements are read at a time.
_SOME = 200


def upgrade() -> None:
    """Fills both from what is there: the case by one statement of the database, the facts from the statements of the certificates."""
    op.add_column("leaf", sa.Column("about_case", sa.String(), nullable=True))
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    case = "json_extract(CAST(data AS TEXT), '$.case')" if is_sqlite else "CAST(convert_from(data, 'UTF8') AS json) ->> 'case'"
    op.execute(f"UPDATE leaf SET about_case = {case}")  # noqa: S608  # one of the two texts above
    op.drop_index("ix_leaf_kind", "leaf")
    op.create_index("ix_leaf_kind", "leaf", ["kind", "position"])
    op.create_index("ix_leaf_kind_at", "leaf", ["kind", "at", "position"])
    op.create_index("ix_leaf_at", "leaf", ["at", "position"])
    op.create_index("ix_leaf_about_case", "leaf", ["about_case", "position"])
    facts = op.create_table(
        "certificate_facts",
        sa.Column("serial", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("certificate_id", sa.String(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("policy", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("serial", name="pk_certificate_facts"),
    )
    op.create_index("ix_certificate_facts_certificate_id", "certificate_facts", ["certificate_id"])
    op.create_index("ix_certificate_facts_issued_at", "certificate_facts", ["issued_at"])
    systems = op.create_table(
        "certificate_systems",
        sa.Column("serial", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("system", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("system", "serial", name="pk_certificate_systems"),
    )
    op.create_index("ix_certificate_systems_serial", "certificate_systems", ["serial"])
    _fill(facts, systems)


def _fill(facts: sa.Table, systems: sa.Table) -> None:
    connection, last = op.get_bind(), 0
    certificates = sa.table("certificates", sa.column("serial"), sa.column("id"), sa.column("statement"))
    wanted = sa.select(certificates.c.serial, certificates.c.id, certificates.c.statement).order_by(certificates.c.serial).limit(_SOME)
    while rows := connection.execute(wanted.where(certificates.c.serial > last)).all():
        last = rows[-1].serial
        for serial, certificate, statement in rows:
            said = json.loads(bytes(statement))
            row = {"serial": serial, "certificate_id": certificate, "issued_at": datetime.fromisoformat(said["issued_at"])}
            if connection.dialect.name == "sqlite":
                row["issued_at"] = row["issued_at"].replace(tzinfo=None)
            connection.execute(sa.insert(facts), {**row, "kind": said["case"].get("kind", ""), "policy": said["policy"].get("name", "")})
            named = {system["name"] for system in said["systems"]}
            if named:
                connection.execute(sa.insert(systems), [{"serial": serial, "system": name} for name in sorted(named)])
