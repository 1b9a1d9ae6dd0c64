"""What would make a plan slow or let it wait: links without an index, transactions that have been open for long. Read when the plan is made."""

from collections.abc import Iterator, Sequence

import sqlalchemy as sa

from dsr_engine.drivers.driver import Problem
from dsr_engine.drivers.sql.schema.catalogue import Catalogue, Inbound, Table
from dsr_engine.drivers.sql.schema.naming import table_name, written

#: Seconds after which an open transaction is worth a word: it may hold the rows for just as long again.
LONG = 60

#: Who holds a lock on the table in a transaction that began long ago. `xact_start` of other people's sessions shows to members of pg_read_all_stats.
_POSTGRESQL = sa.text("""
SELECT max(extract(epoch FROM clock_timestamp() - a.xact_start)) FROM pg_locks l JOIN pg_stat_activity a USING (pid)
WHERE l.relation = to_regclass(:name) AND l.pid <> pg_backend_pid() AND l.granted
""")

_MARIADB = sa.text("""
SELECT MAX(TIMESTAMPDIFF(SECOND, trx_started, NOW())) FROM information_schema.INNODB_TRX
WHERE trx_mysql_thread_id <> CONNECTION_ID() AND trx_tables_locked > 0
""")
_MAY_SEE = sa.text("SELECT COUNT(*) FROM information_schema.USER_PRIVILEGES WHERE PRIVILEGE_TYPE = 'PROCESS'")


def unindexed(connection: sa.Connection, catalogue: Catalogue, table: Table, count: int) -> Iterator[Problem]:
    """A warning for each link to the table that no index serves: each of `count` deletions would read the whole of the pointing table."""
    for inbound in catalogue.inbound(table.collection):
        child, fields = inbound.table, inbound.link.fields
        if child.relation.reason or child.is_plain_view or _is_indexed(connection, child, fields):
            continue
        rows = child.relation.count
        today = f"about {rows:,} rows for each of {count:,} deletions" if rows is not None else f"for each of {count:,} deletions"
        text = f"{child.collection} has no index on {', '.join(fields)}, by which it points at {table.collection}: it is read as a whole; "
        yield Problem("sql.unindexed_link", text + _statement(connection, inbound), today, is_fatal=False)


def _is_indexed(connection: sa.Connection, table: Table, fields: Sequence[str]) -> bool:
    """True if an index begins with these columns, in any order."""
    inspector = sa.inspect(connection)
    schema = table.relation.schema or None
    indexes = inspector.get_indexes(table.relation.name, schema, include_auto_indexes=True)
    lists = [list(index["column_names"]) for index in indexes if not index.get("dialect_options", {}).get("postgresql_where")]
    lists += [list(entry["column_names"]) for entry in inspector.get_unique_constraints(table.relation.name, schema)]
    lists.append(list(inspector.get_pk_constraint(table.relation.name, schema)["constrained_columns"]))
    return any(set(columns[: len(fields)]) == set(fields) for columns in lists)


def _statement(connection: sa.Connection, inbound: Inbound) -> str:
    where = table_name(connection, inbound.table.relation)
    columns = ", ".join(written(connection, name) for name in inbound.link.fields)
    quietly = "CONCURRENTLY " if connection.dialect.name == "postgresql" else ""
    return f"CREATE INDEX {quietly}ON {where} ({columns})" if quietly else f"CREATE INDEX {_index_name(inbound)} ON {where} ({columns})"


def _index_name(inbound: Inbound) -> str:
    plain = "_".join((inbound.table.relation.name, *inbound.link.fields))
    return "".join(character if character.isalnum() else "_" for character in plain)[:60]


def long_transactions(connection: sa.Connection, table: Table, longer_than: float = LONG) -> Iterator[Problem]:
    """A warning if somebody has held a lock on the table (MariaDB: on any table) for longer than so many seconds, as far as we may see that."""
    age = _age(connection, table)
    if age is not None and age > longer_than:
        text = f"a transaction that began long ago holds locks on {table.collection}; changes may have to wait for it"
        yield Problem("sql.long_transaction", text, f"for {age:,.0f} s when the plan was made", is_fatal=False)


def _age(connection: sa.Connection, table: Table) -> float | None:
    age: object = None
    match connection.dialect.name:
        case "postgresql":
            age = connection.scalar(_POSTGRESQL, {"name": table_name(connection, table.relation)})
        case "mysql" | "mariadb" if connection.scalar(_MAY_SEE):
            age = connection.scalar(_MARIADB)
    return None if age is None else float(str(age))
