"""Tables that are made of tables, in PostgreSQL: partitions are their parent's rows, inheriting tables have rows of their own.

A partitioned table is one collection, whatever its partitions look like: their own foreign keys count as its, and who points at a partition points at
it. A table that others inherit from shows their rows too, so it is read and changed with ONLY: each row belongs to one collection, and a key that is
unique in a parent may name another row in a child (PostgreSQL manual, 5.10.1 "Caveats").
"""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import ReflectedForeignKeyConstraint
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler

#: (schema, table).
Name = tuple[str, str]

_TREE = """
WITH RECURSIVE tree AS (
  SELECT c.oid AS root, c.oid AS leaf FROM pg_class c WHERE c.relkind = 'p' AND NOT c.relispartition
  UNION ALL SELECT t.root, i.inhrelid FROM tree t JOIN pg_inherits i ON i.inhparent = t.leaf
)
"""

_ROOTS = sa.text(f"""{_TREE}
SELECT ln.nspname AS own_schema, l.relname AS own, rn.nspname AS root_schema, r.relname AS root
FROM tree t JOIN pg_class l ON l.oid = t.leaf JOIN pg_namespace ln ON ln.oid = l.relnamespace
JOIN pg_class r ON r.oid = t.root JOIN pg_namespace rn ON rn.oid = r.relnamespace WHERE t.leaf <> t.root
""")  # noqa: S608  # a constant

_LINKS = sa.text(f"""{_TREE}
SELECT r.relname AS root, k.confdeltype::text AS rule, k.condeferrable AS can_wait, tn.nspname AS to_schema, tc.relname AS to_table,
       ARRAY(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY u(n, i) JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.n
             ORDER BY u.i) AS fields,
       ARRAY(SELECT a.attname::text FROM unnest(k.confkey) WITH ORDINALITY u(n, i) JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.n
             ORDER BY u.i) AS to_fields
FROM tree t JOIN pg_class r ON r.oid = t.root JOIN pg_namespace rn ON rn.oid = r.relnamespace
JOIN pg_constraint k ON k.conrelid = t.leaf AND k.contype = 'f' AND k.conparentid = 0
JOIN pg_class tc ON tc.oid = k.confrelid JOIN pg_namespace tn ON tn.oid = tc.relnamespace
WHERE t.leaf <> t.root AND rn.nspname = :schema ORDER BY r.relname, k.conname, k.oid
""")  # noqa: S608  # a constant

_RULES = {"a": "NO ACTION", "r": "RESTRICT", "c": "CASCADE", "n": "SET NULL", "d": "SET DEFAULT"}


class Only(sa.TableClause):
    """A table without those that inherit from it."""

    inherit_cache = True


@compiles(Only)
def _only(element: Only, compiler: SQLCompiler, *, asfrom: bool = False, **options: Any) -> str:
    name: str = compiler.visit_table(element, asfrom=asfrom, **options)  # type: ignore[no-untyped-call]  # SQLAlchemy's own
    return f"ONLY {name}" if asfrom else name


def roots(connection: sa.Connection) -> Mapping[Name, Name]:
    """Partition, at any depth → the table that it is a part of."""
    return {(row.own_schema, row.own): (row.root_schema, row.root) for row in connection.execute(_ROOTS)}


def links_of_partitions(connection: sa.Connection, schema: str) -> Mapping[str, tuple[ReflectedForeignKeyConstraint, ...]]:
    """Partitioned table → foreign keys that only its partitions have, as the inspector would give them."""
    found: dict[str, tuple[ReflectedForeignKeyConstraint, ...]] = {}
    for row in connection.execute(_LINKS, {"schema": schema}):
        link: ReflectedForeignKeyConstraint = {
            "name": None,
            "constrained_columns": list(row.fields),
            "referred_schema": row.to_schema,
            "referred_table": row.to_table,
            "referred_columns": list(row.to_fields),
            "options": {"ondelete": _RULES[row.rule], "deferrable": row.can_wait},
        }
        found[row.root] = (*found.get(row.root, ()), link)
    return found
