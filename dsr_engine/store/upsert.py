"""`INSERT … ON CONFLICT`, which SQLite and PostgreSQL both know and SQLAlchemy offers per dialect only."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite


def upsert(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Inserts the rows; where a primary key is there already, its other columns are replaced."""
    if not rows:
        return
    statement = _insert(connection, table)
    key = [column.name for column in table.primary_key]
    changed = {name: statement.excluded[name] for name in rows[0] if name not in key}
    finished = statement.on_conflict_do_update(index_elements=key, set_=changed) if changed else statement.on_conflict_do_nothing()
    connection.execute(finished, [dict(row) for row in rows])


def insert_if_absent(connection: Connection, table: Table, row: Mapping[str, Any]) -> bool:
    """Inserts the row unless one with an equal key, primary or unique, is there already; True if it did."""
    return connection.execute(_insert(connection, table).on_conflict_do_nothing(), dict(row)).rowcount == 1


def _insert(connection: Connection, table: Table) -> "postgresql.Insert | sqlite.Insert":
    return postgresql.insert(table) if connection.dialect.name == "postgresql" else sqlite.insert(table)
