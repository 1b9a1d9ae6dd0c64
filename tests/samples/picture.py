"""What a database holds, read by other means than the engine's, and what a right erasure leaves of it.

A picture has every row of every table: also partitions by themselves, history of versioned tables, materialized views, shadow tables of
full-text search, large objects. Only what is a view is left out.
"""

import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pymysql
import sqlalchemy as sa

#: One row: column → value as text, bytes of binary columns as the connector gives them.
Row = Mapping[str, Any]
#: Table → key of a row → row. A table without a key has the row's own content and a number as its key.
Picture = Mapping[str, Mapping[Any, Row]]


class Anything:
    """Equals every value; for clocks that run by themselves."""

    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 0

    def __repr__(self) -> str:
        return "anything"


@dataclass(frozen=True)
class Like:
    """Equals every text of which the whole fits the pattern; for values that the case's key makes."""

    pattern: str

    def __eq__(self, other: object) -> bool:
        return isinstance(other, str) and re.fullmatch(self.pattern, other) is not None

    def __hash__(self) -> int:
        return hash(self.pattern)


ANYTHING: Any = Anything()


@dataclass(frozen=True)
class Outcome:
    """What is different afterwards. `gone` are rows that are not there any more, `became` the columns of rows that stay and are not as before."""

    gone: Mapping[str, Iterable[Any]] = field(default_factory=dict)
    became: Mapping[str, Mapping[Any, Mapping[str, Any]]] = field(default_factory=dict)

    def of(self, before: Picture) -> Picture:
        """The whole picture afterwards. A row or a column that was not there before is a mistake of the expectation."""
        after = {table: dict(rows) for table, rows in before.items()}
        for table, keys in self.gone.items():
            for key in keys:
                del after[table][key]
        for table, changes in self.became.items():
            for key, columns in changes.items():
                unknown = columns.keys() - after[table][key].keys()
                assert not unknown, f"{table} has no {unknown}"
                after[table][key] = {**after[table][key], **columns}
        return after


def assert_pictures(seen: Picture, expected: Picture) -> None:
    """Compares table by table and row by row, so that a failure names the row."""
    wrong = [
        f"{table} {key}: is {seen.get(table, {}).get(key)} and should be {expected.get(table, {}).get(key)}"
        for table in sorted(seen.keys() | expected.keys())
        for key in sorted(seen.get(table, {}).keys() | expected.get(table, {}).keys(), key=repr)
        if not _same(seen.get(table, {}).get(key), expected.get(table, {}).get(key))
    ]
    assert not wrong, "\n".join(wrong)


def _same(seen: Row | None, expected: Row | None) -> bool:
    if seen is None or expected is None:
        return seen is expected
    return seen.keys() == expected.keys() and all(expected[name] == value for name, value in seen.items())


def _named(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _keyed(names: Sequence[str], key: Sequence[str], rows: Iterable[Sequence[Any]]) -> dict[Any, Row]:
    found: dict[Any, Row] = {}
    for row in rows:
        values = dict(zip(names, row, strict=True))
        if key:
            found[values[key[0]] if len(key) == 1 else tuple(values[name] for name in key)] = values
        else:
            number = sum(1 for known in found if known[1:] == tuple(row))
            found[(number, *row)] = values
    return found


@dataclass(frozen=True)
class Database:
    """One sample database on one kind of server: `postgres`, `mariadb` or `sqlite`. `url` is as people write it in systems.yaml."""

    kind: str
    url: str

    def run(self, *statements: str) -> None:
        """Runs statements as they are, in one transaction where the server has them."""
        self._connected(lambda cursor: [cursor.execute(statement) for statement in statements])

    def insert(self, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Rows with the same columns each."""
        if not rows:
            return
        names = list(rows[0])
        self.insert_rows(table, names, [tuple(row[name] for name in names) for row in rows])

    def insert_rows(self, table: str, names: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Rows as tuples, where names are so odd that a statement has to quote them. A dot in the table's name is its schema's."""
        mark = "?" if self.kind == "sqlite" else "%s"
        quote = "`" if self.kind == "mariadb" else '"'
        target, columns = (
            glue.join(quote + name.replace(quote, quote * 2).replace("%", "%%" if mark == "%s" else "%") + quote for name in found)
            for glue, found in ((".", table.split(".")), (", ", names))
        )
        sql = f"INSERT INTO {target} ({columns}) VALUES ({', '.join([mark] * len(names))})"
        self._connected(lambda cursor: cursor.executemany(sql, [tuple(row) for row in rows]))

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        def fetched(cursor: Any) -> list[tuple[Any, ...]]:
            cursor.execute(query)
            return [tuple(row) for row in cursor.fetchall()]

        found = self._connected(fetched)
        assert isinstance(found, list)
        return found

    @contextmanager
    def holding(self, statement: str) -> Iterator[None]:
        """A session of somebody else that runs the statement and ends its transaction, without a change, only afterwards. Not for SQLite."""
        engine = sa.create_engine(
            self.url.replace("postgresql://", "postgresql+psycopg://").replace("mysql://", "mysql+pymysql://"), poolclass=sa.pool.NullPool
        )
        with engine.connect() as connection:
            connection.exec_driver_sql(statement)
            yield

    def picture(self) -> Picture:
        """Every row of every table."""
        taken = {"postgres": _postgres, "mariadb": _mariadb, "sqlite": _sqlite}[self.kind]
        found = self._connected(taken)
        assert isinstance(found, dict)
        return found

    def _connected(self, work: Callable[[Any], object]) -> Any:
        address = sa.make_url(self.url)
        if self.kind == "sqlite":
            with closing(sqlite3.connect(Path(address.database or ""))) as connection:
                done = work(connection.cursor())
                connection.commit()
                return done
        if self.kind == "postgres":
            with psycopg.connect(self.url) as connected, connected.cursor() as cursor:
                return work(cursor)
        assert address.host is not None
        assert address.port is not None
        with (
            pymysql.connect(
                host=address.host, port=address.port, user=address.username, password=str(address.password), database=address.database
            ) as session,
            session.cursor() as own,
        ):
            done = work(own)
            session.commit()
            return done


_POSTGRES_TABLES = """
SELECT n.nspname, c.relname,
       ARRAY(SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum),
       ARRAY(SELECT a.attname::text FROM pg_index i, unnest(i.indkey) WITH ORDINALITY AS k (number, place) JOIN pg_attribute a ON a.attnum = k.number
             WHERE i.indrelid = c.oid AND i.indisprimary AND a.attrelid = c.oid ORDER BY k.place)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'm') AND c.relispopulated AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_'
ORDER BY 1, 2
"""


def _postgres(cursor: Any) -> dict[str, dict[Any, Row]]:
    cursor.execute("SET row_security = off")
    cursor.execute("SET timezone = 'UTC'")
    cursor.execute(_POSTGRES_TABLES)
    found: dict[str, dict[Any, Row]] = {}
    for schema, name, columns, key in cursor.fetchall():
        read = ", ".join(f"{_named(column)}::text" for column in columns)
        cursor.execute(f"SELECT {read} FROM {_named(schema)}.{_named(name)} ORDER BY {', '.join(str(n + 1) for n in range(len(columns)))}")
        found[name if schema == "public" else f"{schema}.{name}"] = _keyed(columns, key, cursor.fetchall())
    cursor.execute("SELECT oid::text, encode(lo_get(oid), 'hex') FROM pg_largeobject_metadata ORDER BY 1")
    return found | {"large objects": _keyed(("oid", "data"), ("oid",), cursor.fetchall())}


def _mariadb(cursor: Any) -> dict[str, dict[Any, Row]]:
    cursor.execute("SELECT table_name, table_type FROM information_schema.tables WHERE table_schema = DATABASE() AND table_type <> 'VIEW' ORDER BY 1")
    found: dict[str, dict[Any, Row]] = {}
    for name, kind in cursor.fetchall():
        quoted = name.replace("`", "``")
        cursor.execute(f"SHOW COLUMNS FROM `{quoted}`")
        described = cursor.fetchall()
        columns = [row[0] for row in described]
        key = [row[0] for row in described if row[3] == "PRI"]
        read = ", ".join("`" + column.replace("`", "``") + "`" for column in columns)
        cursor.execute(f"SELECT {read} FROM `{quoted}` ORDER BY {', '.join(str(n + 1) for n in range(len(columns)))}")
        found[name] = _keyed(columns, key, cursor.fetchall())
        if kind == "SYSTEM VERSIONED":
            cursor.execute(f"SELECT {read} FROM `{quoted}` FOR SYSTEM_TIME ALL WHERE ROW_END < NOW(6)")
            found[f"{name} history"] = _keyed(columns, (), sorted(cursor.fetchall(), key=repr))
    return found


def _sqlite(cursor: Any) -> dict[str, dict[Any, Row]]:
    names = [name for (name,) in cursor.execute("SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'sqlite_sequence' ORDER BY 1")]
    found: dict[str, dict[Any, Row]] = {}
    for name in names:
        described = cursor.execute(f"PRAGMA table_info({_named(name)})").fetchall()
        columns = [row[1] for row in described]
        key = [row[1] for row in sorted(described, key=lambda row: row[5]) if row[5]]
        read, order = ", ".join(map(_named, columns)), ", ".join(str(number + 1) for number in range(len(columns)))
        found[name] = _keyed(columns, key, cursor.execute(f"SELECT {read} FROM {_named(name)} ORDER BY {order}"))
    return found
