"""Asks the server itself, before anything is written, whether its constraints would accept the new values of rows.

The rows are selected with the new values in the place of the old ones, under the name of their table, and the server evaluates its own CHECK
expressions over them. Values are cast to the columns' declared types on the way (PostgreSQL), so a domain, an enum or a precision speaks up as well.
Nothing is locked and nothing is written.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc

from dsr_engine.drivers.driver import Problem
from dsr_engine.drivers.sql.effects.assigning import assigned
from dsr_engine.drivers.sql.schema.catalogue import Table
from dsr_engine.drivers.sql.schema.columns import Column, Value, as_value
from dsr_engine.drivers.sql.schema.naming import table_name
from dsr_engine.drivers.sql.schema.sqltext import checks_in
from dsr_engine.drivers.sql.server.dialects import Dialect
from dsr_engine.drivers.sql.server.faults import state_of
from dsr_engine.drivers.sql.values.rows import Key, Row, addressed, key_of

#: A constraint of a partitioned table is that of its partitions, too.
_POSTGRESQL = sa.text("""
SELECT conname AS name, pg_get_expr(conbin, conrelid) AS expression FROM pg_constraint
WHERE contype = 'c' AND conrelid = to_regclass(:name) ORDER BY conname
""")
_MARIADB = sa.text("""
SELECT CONSTRAINT_NAME AS name, CHECK_CLAUSE AS expression FROM information_schema.CHECK_CONSTRAINTS
WHERE CONSTRAINT_SCHEMA = :schema AND TABLE_NAME = :name ORDER BY 1
""")
_MYSQL = sa.text("""
SELECT k.CONSTRAINT_NAME AS name, k.CHECK_CLAUSE AS expression FROM information_schema.CHECK_CONSTRAINTS k
JOIN information_schema.TABLE_CONSTRAINTS t USING (CONSTRAINT_SCHEMA, CONSTRAINT_NAME)
WHERE t.TABLE_SCHEMA = :schema AND t.TABLE_NAME = :name ORDER BY 1
""")
_SQLITE = sa.text("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = :name")

#: Rows that one statement asks about; each value of each row is a parameter.
_ROWS = 200
#: SQLSTATE classes that mean: this value, not this statement.
_OF_THE_VALUE = ("22", "23")


def constraints_of(connection: sa.Connection, table: Table) -> Mapping[str, str]:
    """Name → expression of every CHECK constraint of the table, in the server's own words."""
    relation = table.relation
    match connection.dialect.name:
        case "postgresql":
            found = connection.execute(_POSTGRESQL, {"name": table_name(connection, relation)})
            return {row.name: row.expression for row in found}
        case "mysql" | "mariadb":
            query = _MARIADB if getattr(connection.dialect, "is_mariadb", False) else _MYSQL
            found = connection.execute(query, {"schema": relation.schema, "name": relation.name})
            return {row.name: row.expression.replace("\\'", "'") for row in found}
        case "sqlite":
            create = connection.scalar(_SQLITE, {"name": relation.name}) or ""
            return {f"CHECK {number}": text for number, text in enumerate(checks_in(create), start=1)}
    return {}


@dataclass(frozen=True, slots=True)
class Checks:
    """The constraints of one table, asked about new values."""

    dialect: Dialect
    connection: sa.Connection
    table: Table
    constraints: Mapping[str, str]

    def refusals(self, after: Mapping[Key, Mapping[str, Value]]) -> Iterator[tuple[Key, Problem]]:
        """The rows whose new values would not be accepted, each with the first constraint that says so."""
        if not self.constraints and self.connection.dialect.name != "postgresql":
            return  # nothing would be asked: only PostgreSQL casts
        keys = [key for key, values in after.items() if values]
        for start in range(0, len(keys), _ROWS):
            yield from self._asked(keys[start : start + _ROWS], after)

    def _asked(self, keys: Sequence[Key], after: Mapping[Key, Mapping[str, Value]]) -> Iterator[tuple[Key, Problem]]:
        try:
            answers = self._answers({key: after[key] for key in keys})
        except exc.DBAPIError as error:
            if len(keys) > 1:  # one of the values is none of its type: look for it
                half = len(keys) // 2
                yield from self._asked(keys[:half], after)
                yield from self._asked(keys[half:], after)
            elif state_of(error.orig).startswith(_OF_THE_VALUE):
                text = f"a column of {self.table.collection} does not accept its new value (its type, its domain or its length)"
                yield keys[0], Problem("sql.value", text, "choose another method for its category")
            return  # a constraint that cannot be evaluated here (a function that only its owner may call) is left to the server
        for key, failed in answers.items():
            if failed:
                text = f"the constraint {failed} of {self.table.collection} does not accept the new values"
                yield key, Problem("sql.check", text, "choose another method for the categories that it looks at")

    def _answers(self, after: Mapping[Key, Mapping[str, Value]]) -> dict[Key, str]:
        """For each row the name of the first constraint that is false; one that is NULL accepts."""
        names = list(dict.fromkeys(name for values in after.values() for name in values))
        columns = [self._column(column, after) if column.name in names else column.element for column in self._columns()]
        rows = [Row(key, {}) for key in after]
        new = sa.select(*columns).select_from(self.table.element).where(addressed(self.dialect, self.table, rows)).subquery(self.table.relation.name)
        keys = [column.read_from(new).label(f"k{n}") for n, column in enumerate(self.table.key)]
        texts = enumerate(self.constraints.values())
        conditions: list[sa.Label[Any]] = [sa.literal_column(f"({text})").label(f"c{number}") for number, text in texts]
        values = [new.c[name].is_(None).label(f"v{number}") for number, name in enumerate(names)]  # so that the server computes each of them
        found: dict[Key, str] = {}
        with self.connection.begin_nested():
            for raw in self.connection.execute(sa.select(*keys, *conditions, *values).select_from(new)):
                parts = [as_value(part) for part in raw[: len(keys)]]
                key = key_of(self.table, dict(zip((column.name for column in self.table.key), parts, strict=True)))
                verdicts = zip(self.constraints, raw[len(keys) : len(keys) + len(conditions)], strict=True)
                if key is not None:
                    found[key] = next((name for name, verdict in verdicts if verdict is not None and not verdict), "")
        return found

    def _columns(self) -> list[Column]:
        return [column for column in self.table.columns.values() if column.is_readable]

    def _column(self, column: Column, after: Mapping[Key, Mapping[str, Value]]) -> sa.Label[object]:
        given = {key: values[column.name] for key, values in after.items() if column.name in values}
        new = assigned(self.dialect, self.connection, self.table, column, given)
        return new.label(column.name)
