"""Columns that must stay unique although no plain constraint says so: partial and expression indexes, exclusion constraints, generated columns.

Such an index promises nothing that a key could be built on, but a value written twice would still be refused. So these columns get values of their
own.
"""

import sqlalchemy as sa

from dsr_engine.drivers.sql.schema.sqltext import MARIADB, SQLITE, tokens

#: A column on which a unique index or an exclusion constraint depends, in whatever way.
_POSTGRESQL = sa.text("""
SELECT DISTINCT c.relname AS name, a.attname AS field FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid AND d.refclassid = 'pg_class'::regclass AND d.refobjid = i.indrelid
JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = d.refobjsubid
WHERE n.nspname = :schema AND (i.indisunique OR i.indisexclusion)
UNION
SELECT c.relname, a.attname FROM pg_constraint x JOIN pg_class c ON c.oid = x.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (x.conkey) WHERE n.nspname = :schema AND x.contype = 'x'
""")

#: MariaDB and MySQL: generated columns under a unique index; what they are computed from must be unique as well.
_MARIADB = sa.text("""
SELECT DISTINCT c.TABLE_NAME AS name, c.GENERATION_EXPRESSION AS expression FROM information_schema.COLUMNS c
JOIN information_schema.STATISTICS s ON s.TABLE_SCHEMA = c.TABLE_SCHEMA AND s.TABLE_NAME = c.TABLE_NAME AND s.COLUMN_NAME = c.COLUMN_NAME
WHERE c.TABLE_SCHEMA = :schema AND s.NON_UNIQUE = 0 AND c.GENERATION_EXPRESSION IS NOT NULL AND c.GENERATION_EXPRESSION <> ''
""")

_SQLITE = sa.text("SELECT tbl_name AS name, sql AS expression FROM sqlite_master WHERE type = 'index' AND sql LIKE 'create unique%'")


def guarded(connection: sa.Connection, schema: str) -> frozenset[tuple[str, str]]:
    """(table, word) of every such column; for servers that give expressions as text also of other words in them, in lower case."""
    match connection.dialect.name:
        case "postgresql":
            return frozenset((row.name, row.field.lower()) for row in connection.execute(_POSTGRESQL, {"schema": schema}))
        case "mysql" | "mariadb":
            found = connection.execute(_MARIADB, {"schema": schema})
            return frozenset((row.name, token.text.lower()) for row in found for token in tokens(row.expression, MARIADB) if token.is_name)
        case "sqlite":
            found = connection.execute(_SQLITE)
            return frozenset((row.name, token.text.lower()) for row in found for token in tokens(row.expression, SQLITE) if token.is_name)
    return frozenset()
