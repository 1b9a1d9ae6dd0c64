"""How a session introduces itself to the server, and how long it waits there: for a connection, a lock, a statement, for us.

Nobody waits for ever: a lock that is not given, a statement that takes too long and a worker that is gone each end in an error that
`faults.py` knows, and the batch is tried again. SQLite waits ten seconds for its one lock (`sqlite.opener`).
Sources: PostgreSQL manual, 20.11 "Client Connection Defaults" and 34.1.2 (libpq keywords); MariaDB "Server System Variables".
"""

from typing import Any

import sqlalchemy as sa

#: What a session is called that works for no case.
NAME = "dsr"
#: NAMEDATALEN - 1; PostgreSQL would cut the rest.
_LONGEST_NAME = 63

#: Seconds.
_TO_CONNECT = 15
#: The longest that anything waits for a lock.
LOCK_WAIT = 10
#: The longest single statement of a change, and the longest that its transaction may lie idle: its locks are gone then.
CHANGE_STATEMENT = 300
CHANGE_IDLE = 60
#: The longest that a transaction that only reads may lie idle: it keeps the server from cleaning up.
READ_IDLE = 900
#: The longest that a server may say nothing while it is being read.
_SILENCE = 3600

_POSTGRESQL: dict[str, Any] = {
    "connect_timeout": _TO_CONNECT,
    "keepalives_idle": 60,
    "keepalives_interval": 10,
    "keepalives_count": 6,
}
#: `connect_timeout` ends when the server accepts; its greeting and the login are waited for as long as `read_timeout` says (`settle` changes it).
_MYSQL: dict[str, Any] = {"connect_timeout": _TO_CONNECT, "read_timeout": _TO_CONNECT, "write_timeout": 600}

#: What only MariaDB knows stands in its own kind of comment, which MySQL skips.
_MARIADB = (
    "SET SESSION lock_wait_timeout = {0}, innodb_lock_wait_timeout = {0}"
    " /*M!100300 , max_statement_time = {1}, idle_write_transaction_timeout = {2}, idle_transaction_timeout = {3} */"
)


def arguments(url: sa.URL, label: str) -> dict[str, Any]:
    """What the connector is told when it connects. What the url says itself stays as it says it."""
    name = (label or NAME)[:_LONGEST_NAME]
    match url.get_driver_name():
        case "psycopg":
            # Said when connecting, because the connector gives bytes for texts of a database in SQL_ASCII otherwise, also for its catalogue.
            wanted = _POSTGRESQL | {"application_name": name, "client_encoding": "utf8"}
        case "pymysql":
            wanted = _MYSQL | {"program_name": name}
        case _:
            return {}
    return {key: value for key, value in wanted.items() if key not in url.query}


def settle(connection: Any, kind: str) -> None:
    """The time-outs of a new session that reads. `connection` is the connector's own."""
    statement = {
        "postgresql": f"SET lock_timeout = '{LOCK_WAIT}s'; SET idle_in_transaction_session_timeout = '{READ_IDLE}s'",
        "mariadb": _MARIADB.format(LOCK_WAIT, 0, 0, READ_IDLE),
    }.get(kind)
    if statement is not None:
        _run(connection, statement)
        connection.commit()
    if getattr(connection, "_read_timeout", None) == _TO_CONNECT:  # PyMySQL compares it before each read
        connection._read_timeout = _SILENCE


def limit(connection: sa.Connection, kind: str) -> None:
    """The time-outs of a transaction that changes, set when it begins. On PostgreSQL they end with it."""
    statement = {
        "postgresql": f"SET LOCAL statement_timeout = '{CHANGE_STATEMENT}s'; SET LOCAL idle_in_transaction_session_timeout = '{CHANGE_IDLE}s'",
        "mariadb": _MARIADB.format(LOCK_WAIT, CHANGE_STATEMENT, CHANGE_IDLE, CHANGE_IDLE),
    }.get(kind)
    if statement is not None:
        _run(connection.connection, statement)


def outlives(kind: str) -> bool:
    """True where the limits of a transaction stay behind in its session."""
    return kind == "mariadb"


def unlimit(connection: sa.Connection, kind: str) -> None:
    """Takes them off again where they outlive the transaction."""
    if outlives(kind):
        _run(connection.connection, _MARIADB.format(LOCK_WAIT, 0, 0, READ_IDLE))


def _run(connection: Any, statement: str) -> None:
    cursor = connection.cursor()
    try:
        cursor.execute(statement)
    finally:
        cursor.close()
