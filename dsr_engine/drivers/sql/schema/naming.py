"""Names of tables and columns as they are written for people and for statements without parameters."""

import sqlalchemy as sa

from dsr_engine.drivers.sql.server.dialects import Relation


def written(connection: sa.Connection, *names: str) -> str:
    """The names, quoted where they have to be and joined by dots; empty ones and SQLite's `main` are left out."""
    prepare = connection.dialect.identifier_preparer
    is_doubled = "%%" in prepare.quote_identifier("%")  # for connectors that take % for a parameter
    quoted = (prepare.quote(name) for name in names if name and name != "main")
    return ".".join(name.replace("%%", "%") if is_doubled else name for name in quoted)


def table_name(connection: sa.Connection, relation: Relation) -> str:
    return written(connection, relation.schema, relation.name)


def run_plain(connection: sa.Connection, statement: str) -> None:
    """Runs a statement that has no parameters and holds no value, only names."""
    is_doubled = "%%" in connection.dialect.identifier_preparer.quote_identifier("%")
    connection.exec_driver_sql(statement.replace("%", "%%") if is_doubled else statement)
