"""A dialect that this engine has never heard of, over a connector that it has never heard of: SQLite behind other names.

What the driver does with it is what it does with any server that SQLAlchemy reaches: plain SQL and reflection, nothing else.
"""

import sqlite3
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from sqlalchemy.dialects import registry
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

NAME = "plainsql"


class Error(Exception):
    """PEP 249."""


class IntegrityError(Error):
    pass


class OperationalError(Error):
    pass


class ProgrammingError(Error):
    pass


class _Cursor:
    def __init__(self, inner: sqlite3.Cursor) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def execute(self, *arguments: Any) -> "_Cursor":
        try:
            self._inner.execute(*arguments)
        except sqlite3.IntegrityError:
            raise IntegrityError("a rule of the server, with a value of somebody in it") from None
        except sqlite3.ProgrammingError:
            raise ProgrammingError("a mistake, with a value of somebody in it") from None
        except sqlite3.Error:
            raise OperationalError("something else, with a value of somebody in it") from None
        return self


class _Connection:
    def __init__(self, inner: sqlite3.Connection) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def cursor(self) -> _Cursor:
        return _Cursor(self._inner.cursor())


def _connect(path: str, **_: Any) -> _Connection:
    inner = sqlite3.connect(path, check_same_thread=False)
    inner.execute("PRAGMA foreign_keys = ON")
    return _Connection(inner)


_CONNECTOR = SimpleNamespace(
    paramstyle="qmark",
    connect=_connect,
    Error=Error,
    IntegrityError=IntegrityError,
    OperationalError=OperationalError,
    ProgrammingError=ProgrammingError,
    InterfaceError=type("InterfaceError", (Error,), {}),
    DatabaseError=type("DatabaseError", (Error,), {}),
    DataError=type("DataError", (Error,), {}),
    InternalError=type("InternalError", (Error,), {}),
    NotSupportedError=type("NotSupportedError", (Error,), {}),
    sqlite_version_info=sqlite3.sqlite_version_info,
    version_info=(2, 6, 0),
    PARSE_DECLTYPES=0,
    PARSE_COLNAMES=0,
)


class Plain(SQLiteDialect_pysqlite):
    name = NAME
    driver = "unknown"
    supports_statement_cache = True

    @classmethod
    def import_dbapi(cls) -> Any:
        return _CONNECTOR

    def on_connect(self) -> Callable[[Any], None]:
        return lambda _: None


registry.register(NAME, __name__, "Plain")
