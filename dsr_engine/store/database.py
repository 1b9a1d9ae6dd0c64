"""How a connection to the store is made: SQLite in one file, or PostgreSQL. No other place knows the difference between their settings."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError

from dsr_engine.domain.errors import InputWrong, NotSupported

#: Milliseconds for which a statement waits for somebody else's lock.
WAIT_FOR_LOCK = 30_000

_PRAGMAS = (
    (f"PRAGMA busy_timeout = {WAIT_FOR_LOCK}", WAIT_FOR_LOCK),
    ("PRAGMA journal_mode = WAL", "wal"),
    ("PRAGMA secure_delete = ON", 1),  # freed bytes are overwritten with zeros; the default differs between builds
    ("PRAGMA synchronous = FULL", None),  # an intention is on the disk before the effect begins
    ("PRAGMA foreign_keys = ON", None),
    ("PRAGMA temp_store = MEMORY", None),  # sorting leaves no files behind
)


def connect(url: str) -> Engine:
    """An engine for `sqlite:///file` or `postgresql://…`. Opens no connection yet; raises `InputWrong` for any other url."""
    parsed = _parsed(url)
    if parsed.get_backend_name() == "postgresql":
        settings = {"application_name": "dsr", "connect_timeout": 10, "options": f"-c lock_timeout={WAIT_FOR_LOCK} -c timezone=UTC"}
        return create_engine(
            parsed.set(drivername="postgresql+psycopg"), hide_parameters=True, pool_pre_ping=True, max_overflow=-1, connect_args=settings
        )
    _private_file(Path(str(parsed.database)))
    engine = create_engine(parsed.set(drivername="sqlite+pysqlite"), hide_parameters=True, max_overflow=-1)
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


@contextlib.contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A connection whose transaction sees one moment, writes nothing and keeps nobody from writing."""
    if engine.dialect.name == "postgresql":
        with engine.connect().execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True) as connection:
            yield connection
        return
    with engine.connect().execution_options(dsr_begin="BEGIN") as connection:
        connection.exec_driver_sql("PRAGMA query_only = ON")
        try:
            yield connection
        finally:
            connection.exec_driver_sql("PRAGMA query_only = OFF")  # the connection goes back to the pool


def _parsed(url: str) -> URL:
    hint = "use sqlite:///path/to/dsr.db or postgresql+psycopg://user@host/database"
    try:
        parsed = make_url(url)
    except ArgumentError:  # its text repeats the url, password included
        raise InputWrong("the store's url cannot be read", code="store.url", hint=hint) from None
    if parsed.get_backend_name() not in ("sqlite", "postgresql"):
        raise InputWrong(f"the store cannot live in {parsed.get_backend_name()}", code="store.url", hint=hint)
    if parsed.get_backend_name() == "sqlite" and parsed.database in (None, "", ":memory:"):
        raise InputWrong("the store needs a file: a database in memory forgets the ledger", code="store.url", hint=hint)
    return parsed


def _private_file(path: Path) -> None:
    """Makes the file readable by its owner only, before SQLite would make it readable by all; `-wal` and `-shm` inherit that."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise InputWrong(f"the store's file cannot be opened: {error.strerror}", code="store.url", hint=f"look at {path}") from None


def _prepare(connection: Any, _record: object) -> None:
    """Sets the pragmas and reads back those on which forgetting depends."""
    connection.isolation_level = None  # transactions begin where `_begin` says so, DDL included
    cursor = connection.cursor()
    for statement, expected in _PRAGMAS:
        row = cursor.execute(statement).fetchone()
        if expected is not None and (row is None or row[0] != expected):
            raise NotSupported(f"this SQLite does not do: {statement}", code="store.pragma", hint="put the store on a local disk, or use PostgreSQL")
    cursor.close()


def _begin(connection: Connection) -> None:
    """Takes the write lock at once, unless the connection says otherwise: a transaction that reads first and writes later could fail half way."""
    statement = connection.get_execution_options().get("dsr_begin", "BEGIN IMMEDIATE")
    if statement:
        connection.exec_driver_sql(statement)
