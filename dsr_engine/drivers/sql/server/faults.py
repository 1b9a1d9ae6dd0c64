"""Turns what a database server complains about into the engine's own families, because a server's words may quote a person's values.

Only the stable state (SQLSTATE, MySQL error number, SQLite result code) is read and shown; the server's text never is.
Sources: PostgreSQL manual, appendix A; MariaDB error codes; https://www.sqlite.org/rescode.html.
"""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pymysql
from sqlalchemy import exc

from dsr_engine.domain.errors import Conflict, DsrError, InputWrong, ManifestWrong, NotAllowed, NotSupported, Unreachable

Fault = tuple[type[DsrError], str, str]

_DENIED: Fault = (NotAllowed, "sql.denied", "grant the permissions that `dsr check` names")
_NO_CONNECT: Fault = (NotAllowed, "sql.denied", "GRANT CONNECT ON DATABASE")
_LOGIN: Fault = (NotAllowed, "sql.login", "check user and password")
_TLS: Fault = (NotAllowed, "sql.tls", "the server offers no TLS, or its certificate is not trusted: look at sslmode and sslrootcert in the url")
_READ_ONLY: Fault = (NotAllowed, "sql.read_only", "connect to the primary with an account that may write")
_LOCKED: Fault = (Conflict, "sql.locked", "somebody else holds the rows or changed them meanwhile; it is tried again, and nothing was changed")
_SLOW: Fault = (Conflict, "sql.too_slow", "nothing was changed; an index may be missing on a column that points here: `dsr check`")
_UNKNOWN: Fault = (ManifestWrong, "sql.unknown_field", "the catalogue changed; look again")
_NO_DATABASE: Fault = (InputWrong, "sql.no_database", "check the name of the database in the url")
_DOWN: Fault = (Unreachable, "sql.unreachable", "check host, port and whether the server runs")
_DAMAGED: Fault = (NotSupported, "sql.damaged", "the file is not a sound database; repair it first")
_VALUE: Fault = (NotSupported, "sql.value", "a value cannot be read or written as its column's type")
_REFUSED: Fault = (NotSupported, "sql.refused", "the server refused the statement; its log says why")

_CONSTRAINT: Fault = (Conflict, "sql.constraint", "a constraint of the database forbids it; nothing was changed")

_STATES: dict[Fault, str] = {
    _DENIED: "42501 1044 1142 1143 1227 1370 sqlite-3 sqlite-23",
    _LOGIN: "28000 28P01 1045 1698",
    _TLS: "2026",
    _READ_ONLY: "25006 1290 1792 1836 sqlite-8",
    _LOCKED: "40001 40P01 55P03 1205 1213 1020 sqlite-5 sqlite-6",
    _SLOW: "57014 1969 3024",
    _UNKNOWN: "42P01 42703 1146 1054",
    _NO_DATABASE: "3D000 1049",
    _DOWN: "08 25P03 53 57 58 1040 1053 1158 1159 1160 1161 1203 1226 1317 2002 2003 2006 2013 2055 sqlite-10 sqlite-13 sqlite-14",
    _DAMAGED: "sqlite-11 sqlite-26",
    _VALUE: "22 1264 1265 1292 1366 1406",
    _CONSTRAINT: "23 1048 1062 1451 1452 3819 4025 sqlite-19",
}

#: State, or the first two characters of an SQLSTATE, which are its class → fault.
_FAULTS = {state: known for known, states in _STATES.items() for state in states.split()}

_SQLSTATE = re.compile(r"[0-9A-Z]{5}")
#: Connectors whose errors are told apart more finely than by their class.
_KNOWN = (psycopg.Error, pymysql.Error, sqlite3.Error)
_CLASSES: tuple[tuple[type[exc.DBAPIError], Fault], ...] = ((exc.IntegrityError, _CONSTRAINT), (exc.DataError, _VALUE))

#: psycopg gives no SQLSTATE for a refused login; these fragments of libpq's fixed messages carry no value.
_LOGIN_WORDS = ("authentication failed", "no pg_hba.conf entry", "no password supplied", 'FATAL:  role "')
_TLS_WORDS = ("does not support SSL", "certificate")


@contextmanager
def translated(doing: str, *, is_reading: bool = False) -> Iterator[None]:
    """Everything that a server or a connector raises inside comes out as a `DsrError` that says what was being done (`reading customers`).

    `is_reading`: a lock or a time-out is no lost race then but a system that did not answer, and may be asked again.
    """
    try:
        yield
    except exc.DBAPIError as error:
        raise fault(error.orig, doing, is_reading=is_reading, kind=_general(error)) from None
    except (psycopg.Error, pymysql.Error, sqlite3.Error) as error:
        raise fault(error, doing, is_reading=is_reading) from None
    except exc.SQLAlchemyError as error:
        raise NotSupported(f"{doing}: {type(error).__name__}", code="sql.refused", hint=_REFUSED[2]) from None
    except UnicodeError:
        raise NotSupported(f"{doing}: a text is not in the encoding that the server declares", code="sql.encoding", hint="repair the text") from None


def fault(error: BaseException | None, doing: str, *, is_reading: bool = False, kind: Fault | None = None) -> DsrError:
    """The family, code and hint for one error of a server; never its text. `kind` is what counts where the connector is not known here."""
    state = state_of(error)
    by_state = _FAULTS.get(state) or (_FAULTS.get(state[:2]) if len(state) == 5 else None)
    family, code, hint = by_state or (kind if kind and not isinstance(error, _KNOWN) else None) or _by_kind(error)
    if is_reading and code in (_LOCKED[1], _SLOW[1]):
        return Unreachable(f"{doing}: somebody else holds a lock, or it took too long ({state})", code=code, hint="it is tried again")
    return family(f"{doing}: the database refused" + (f" ({state})" if state else ""), code=code, hint=hint)


def state_of(error: BaseException | None) -> str:
    """The stable state of an error: SQLSTATE, MySQL number, `sqlite-N`, or empty."""
    if isinstance(error, psycopg.Error):
        return error.sqlstate or ""
    if isinstance(error, pymysql.Error):
        return str(error.args[0]) if error.args and isinstance(error.args[0], int) else ""
    if isinstance(error, sqlite3.Error):
        code = getattr(error, "sqlite_errorcode", None)
        return "" if code is None else f"sqlite-{code & 0xFF}"
    state = getattr(error, "sqlstate", None) or getattr(error, "pgcode", None)
    return state if isinstance(state, str) and _SQLSTATE.fullmatch(state) else ""


def _general(error: exc.DBAPIError) -> Fault | None:
    """What every connector says by the class of its errors (PEP 249), and SQLAlchemy by noticing a lost connection."""
    if error.connection_invalidated or isinstance(error, exc.InterfaceError):
        return _DOWN
    return next((known for family, known in _CLASSES if isinstance(error, family)), None)


def _by_kind(error: BaseException | None) -> Fault:
    if isinstance(error, psycopg.OperationalError) and "permission denied for database" in str(error):
        return _NO_CONNECT
    if isinstance(error, psycopg.OperationalError) and any(word in str(error) for word in _LOGIN_WORDS):
        return _LOGIN
    if isinstance(error, psycopg.OperationalError) and any(word in str(error) for word in _TLS_WORDS):
        return _TLS
    if isinstance(error, psycopg.OperationalError) and "database" in str(error) and "does not exist" in str(error):
        return _NO_DATABASE
    if isinstance(error, pymysql.OperationalError) and not 2000 <= int(state_of(error) or 2000) < 3000:
        return _REFUSED  # this connector calls every error operational that it does not know; the server's own are not in 2000–2999
    if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError | pymysql.OperationalError | pymysql.InterfaceError):
        return _DOWN
    return _REFUSED
