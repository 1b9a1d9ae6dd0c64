r"""Judges what PostgreSQL's COPY TO STDOUT gives, a block of rows at a time; only rows that pass become Python values.

COPY's text format (PostgreSQL manual, COPY, "Text Format") has one line for each row, tabs between its values, and backslashes before what would
be mistaken. So a block can be judged as it came, and is cut into halves at line ends until single rows are left: a row is looked at by itself only
where something is. NULL is written as a control character, because the usual `\N` would put a backslash into nearly every row.

Rows are taken from libpq itself (`psycopg.pq`, PostgreSQL manual, "Functions Associated with the COPY Command"), in a loop that runs in C: psycopg's
own loop costs three times as much as libpq does, which is more than all judging.
"""

import io
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from itertools import islice
from operator import itemgetter
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg import pq

from dsr_engine.content.gate import Gate

#: Bytes that are judged in one call of the gate, and rows that are read before their bytes are counted.
BLOCK = 512 * 1024
_ROWS = 128

_NULL = b"\x01"
#: What COPY writes a backslash before, but for the backslash itself.
_ESCAPES = ((b"\\n", b"\n"), (b"\\t", b"\t"), (b"\\r", b"\r"), (b"\\b", b"\b"), (b"\\f", b"\f"), (b"\\v", b"\v"))


class Copy:
    """One COPY on a connection. `count` is the number of rows, known when all of them were read."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self.count = 0

    def blocks(self, query: str, parameters: Mapping[str, Any]) -> Iterator[bytes]:
        """The rows of a query, as psycopg takes it, many in one block.

        Raises `psycopg.Error`. A connection whose copy was not read to its end is given up.
        """
        own: Any = self._connection.connection.dbapi_connection
        with psycopg.ClientCursor(own) as cursor:
            statement = cursor.mogrify(f"COPY ({query}) TO STDOUT (NULL E'\\x01')", parameters or None)
        server: pq.abc.PGconn = own.pgconn
        is_done = False
        # A database without an encoding keeps any bytes, and refuses those that are no UTF-8 to whoever wants UTF-8.
        is_encoded = own.info.parameter_status("server_encoding") != "SQL_ASCII"
        try:
            if not is_encoded:
                server.exec_(b"SET client_encoding TO 'SQL_ASCII'")
            _expect(server.exec_(statement.encode()), pq.ExecStatus.COPY_OUT)
            yield from blocks(map(itemgetter(1), iter(partial(server.get_copy_data, 0), (-1, b""))))
            is_done = True
        finally:
            if not is_done:
                self._connection.invalidate()
        for answer in list(iter(server.get_result, None)):
            _expect(answer, pq.ExecStatus.COMMAND_OK)
            self.count += (answer.command_tuples or 0) if answer is not None else 0
        if not is_encoded:
            server.exec_(b"SET client_encoding TO 'UTF8'")


def _expect(answer: pq.abc.PGresult | None, status: pq.ExecStatus) -> None:
    """Raises the error that the server answered with, without its words."""
    if answer is not None and answer.status != status:
        state = (answer.error_field(pq.DiagnosticField.SQLSTATE) or b"XX000").decode()
        raise _error(state)("the copy was refused")


def _error(state: str) -> type[psycopg.Error]:
    """The class of an SQLSTATE; psycopg does not know every state."""
    try:
        return psycopg.errors.lookup(state)
    except KeyError:
        return psycopg.OperationalError


def blocks(rows: Iterable[bytes | memoryview]) -> Iterator[bytes]:
    """The rows as they came, many in one piece: the loop over them runs in C and keeps none of them alive."""
    left = iter(rows)
    while True:
        sink = io.BytesIO()
        before = -1
        while before < sink.tell() < BLOCK:
            before = sink.tell()
            sink.writelines(islice(left, _ROWS))
        if not sink.tell():
            return
        yield sink.getvalue()


def passing(block: bytes, gate: Gate) -> Iterator[bytes]:
    """The rows of a block that pass, without their line end."""
    if not gate.passes(plain(block)):
        return
    middle = block.find(b"\n", len(block) // 2) + 1
    if middle in (0, len(block)):
        middle = block.rfind(b"\n", 0, len(block) - 1) + 1
    if middle == 0:
        yield block.removesuffix(b"\n")
        return
    yield from passing(block[:middle], gate)
    yield from passing(block[middle:], gate)


def plain(data: bytes) -> bytes:
    """The text without COPY's backslashes."""
    return b"\\".join(map(_unescaped, data.split(b"\\\\"))) if b"\\" in data else data


def _unescaped(data: bytes) -> bytes:
    if b"\\" in data:
        for written, meant in _ESCAPES:
            data = data.replace(written, meant)
    return data


def values(line: bytes) -> list[str | bytes | None]:
    """The values of one row. A text that is no UTF-8, as a server without an encoding may keep it, stays bytes and is searched like a file."""
    return [None if part == _NULL else _text(plain(part)) for part in line.split(b"\t")]


def _text(data: bytes) -> str | bytes:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data
