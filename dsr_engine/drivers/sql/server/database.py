"""One connected database: address, session settings, transactions, and which server it is.

SQL is built with SQLAlchemy's core only; identifiers come from the live catalogue, values are always bound.
`hide_parameters` keeps values out of whatever SQLAlchemy may say, and `faults.translated` drops its words altogether.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event, exc
from sqlalchemy.engine.interfaces import DBAPIConnection

from dsr_engine.domain.errors import InputWrong
from dsr_engine.domain.system import System
from dsr_engine.drivers.sql.server import sessions
from dsr_engine.drivers.sql.server.dialects import Dialect, Generic
from dsr_engine.drivers.sql.server.faults import translated
from dsr_engine.drivers.sql.server.mariadb import MariaDB
from dsr_engine.drivers.sql.server.postgresql import PostgreSQL
from dsr_engine.drivers.sql.server.sqlite import SQLite, opener

#: What people write in a url, and the connector that it means.
_CONNECTORS = {"postgres": "postgresql+psycopg", "postgresql": "postgresql+psycopg", "mysql": "mysql+pymysql", "mariadb": "mysql+pymysql"}


class Database:
    """A pool of two connections: one that streams, one for questions meanwhile."""

    def __init__(self, system: System) -> None:
        url = _url(system)
        self.system = system.name
        self.pace = system.pace
        self.schema = system.setting("schema")
        self.dialect: Dialect = _dialect(url)
        options: dict[str, Any] = {
            "hide_parameters": True,
            "pool_size": 2,
            "max_overflow": 2,
            "connect_args": sessions.arguments(url, system.label),
        }
        if url.get_backend_name() == "sqlite":
            options |= {"creator": opener(url), "poolclass": sa.pool.QueuePool, "connect_args": {}}
            url = url.set(query={})  # `opener` has read `mode`; SQLAlchemy would warn of it
        try:
            self.engine = sa.create_engine(url, **options)
        except (exc.SQLAlchemyError, ImportError):
            raise InputWrong(
                f"{system.name}: there is no connector for {url.drivername}", code="sql.no_connector", hint="install its Python driver"
            ) from None
        event.listen(self.engine, "connect", self._prepare)

    def _prepare(self, connection: DBAPIConnection, _: object) -> None:
        self.dialect.prepare(connection)
        sessions.settle(connection, self.dialect.name)

    @contextmanager
    def reading(self, doing: str) -> Iterator[sa.Connection]:
        """A connection in a transaction that ends without a trace. Errors come out translated, naming what was being done.

        A lock that somebody else holds is `Unreachable` here: nothing was changed, and whoever looks later may see.
        """
        with translated(f"{self.system}: {doing}", is_reading=True), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self, doing: str) -> Iterator[sa.Connection]:
        """A connection in a writing transaction: committed at the end, rolled back by any exception. No statement in it waits for ever."""
        with translated(f"{self.system}: {doing}"), self.engine.connect() as connection:
            is_over = False
            try:
                with connection.begin():
                    sessions.limit(connection, self.dialect.name)
                    self.dialect.begin(connection)
                    yield connection
                sessions.unlimit(connection, self.dialect.name)
                is_over = True
            finally:
                if not is_over and sessions.outlives(self.dialect.name):
                    connection.invalidate()

    def identity(self, connection: sa.Connection) -> str:
        """Which server and database the connection reaches, and which schema counts as its own. Asked anew each time."""
        return self.dialect.identity(connection) + (f":{self.schema}" if self.schema else "")

    def close(self) -> None:
        self.engine.dispose()


def _url(system: System) -> sa.URL:
    try:
        url = sa.make_url(system.setting("url"))
    except (exc.ArgumentError, ValueError):
        raise InputWrong(f"{system.name}: the url cannot be read", code="sql.url", hint="postgresql://user@host/database") from None
    url = url.set(drivername=_CONNECTORS.get(url.drivername, url.drivername))
    if system.setting("user"):
        url = url.set(username=system.setting("user"))
    if system.setting("password"):
        url = url.set(password=system.setting("password"))
    if url.get_backend_name() in ("mysql", "mariadb"):
        if not url.database:
            raise InputWrong(f"{system.name}: the url names no database", code="sql.no_database", hint="mysql://user@host/database")
        url = url.update_query_dict({"charset": "utf8mb4"})
    return url


def _dialect(url: sa.URL) -> Dialect:
    match url.get_backend_name():
        case "postgresql":
            return PostgreSQL()
        case "mysql" | "mariadb":
            return MariaDB()
        case "sqlite":
            return SQLite(url)
    return Generic()
