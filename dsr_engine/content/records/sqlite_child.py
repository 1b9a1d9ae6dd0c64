"""The part of reading a SQLite file that the confined child does: SQLite itself on bytes in memory, told to run nothing that the file brings.

Views are never read, triggers are taken away before anything is changed and put back, and no function is called but those of SQLite's own
that a stored expression needs. The file is given as rows in frames; a rewrite is given values for rows by their number.
"""

import base64
import contextlib
import sqlite3
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

from dsr_engine.content.format import Unreadable
from dsr_engine.content.records.sqlite_pages import clear, leftovers

#: Bytes of rows in one frame.
_FRAME = 1024 * 1024
_MOST_TABLES = 2000
#: Bytes of one value or row.
_LONGEST = 128 * 1024 * 1024
#: A cell: its type (n, i, f, t, b), how many bytes follow. Line ends around it, so that no byte of it looks like a part of a neighbour's text.
CELL = struct.Struct(">ccIc")
_ALLOWED = {
    sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_UPDATE, sqlite3.SQLITE_DELETE, sqlite3.SQLITE_INSERT, sqlite3.SQLITE_TRANSACTION,
    sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_DROP_TRIGGER, sqlite3.SQLITE_CREATE_TRIGGER, sqlite3.SQLITE_SAVEPOINT, sqlite3.SQLITE_RECURSIVE,
}  # fmt: skip
#: Where ANALYZE keeps samples of keys. A rewrite empties them; SQLite makes new ones.
_SAMPLES = frozenset({"sqlite_stat3", "sqlite_stat4"})
_UNSAFE = frozenset({"load_extension", "fts3_tokenizer", "readfile", "writefile", "edit", "randomblob", "zeroblob"})


@dataclass(frozen=True, slots=True)
class Table:
    """A table that holds rows of its own. `key` are the expressions by which its rows are put in order and told apart."""

    number: int
    name: str
    columns: tuple[str, ...]
    not_null: tuple[bool, ...]
    generated: tuple[bool, ...]
    key: tuple[str, ...]

    def head(self) -> dict[str, Any]:
        return {"kind": "table", "number": self.number, "columns": self.columns, "not_null": self.not_null, "generated": self.generated}


def read(source: BinaryIO, request: dict[str, Any], files: Sequence[BinaryIO], sink: BinaryIO | None) -> Iterator[tuple[dict[str, Any], bytes]]:  # noqa: ARG001  # the protocol's arguments
    """Schema, tables and rows; or, with a sink, the file with the changes that the request holds."""
    data = bytearray(source.read())
    with contextlib.closing(_opened(data)) as database:
        try:
            if sink is not None:
                mode = bytes(data[18:20])
                data.clear()
                sink.write(_changed(database, request["changes"], mode))
                return
            yield from _schema(database)
            for table in _tables(database):
                yield table.head(), b""
                yield from _frames(database, table)
            yield from _left_behind(data, _roots(database))
            yield from _samples(database)
            if database.execute("PRAGMA quick_check(1)").fetchall() != [("ok",)]:
                raise Unreadable("sqlite.damaged", "")
        except (sqlite3.Error, OverflowError):
            raise Unreadable("sqlite.damaged" if sink is None else "sqlite.refused", "") from None


def _opened(data: bytearray) -> sqlite3.Connection:
    """The database in memory. A file in WAL mode is opened as it is without its WAL."""
    database = sqlite3.connect(":memory:", isolation_level=None)
    mode = bytes(data[18:20])
    try:
        data[18:20] = b"\1\1"
        database.deserialize(data)
        data[18:20] = mode
        database.text_factory = lambda text: text.decode("utf-8", "surrogateescape")
        database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST)
        database.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 1)
        for pragma in (
            "trusted_schema=OFF",
            "writable_schema=OFF",
            "cell_size_check=ON",
            "temp_store=MEMORY",
            "foreign_keys=OFF",
            "secure_delete=ON",
        ):
            database.execute(f"PRAGMA {pragma}").fetchall()
    except (sqlite3.Error, OverflowError):
        raise Unreadable("sqlite.damaged", "") from None
    return database


def _permitted(action: int, _: str | None, function: str | None, *__: str | None) -> int:
    """SQLite asks before it runs anything: ordinary statements may, functions that reach out may not."""
    if action == sqlite3.SQLITE_FUNCTION and (function or "").lower() in _UNSAFE:
        return sqlite3.SQLITE_DENY
    return sqlite3.SQLITE_OK if action in _ALLOWED else sqlite3.SQLITE_DENY


def _schema(database: sqlite3.Connection) -> Iterator[tuple[dict[str, Any], bytes]]:
    entries = database.execute("SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY rowid").fetchall()
    has_virtual = any(_is_virtual(sql) for _, _, _, sql in entries)
    triggers = sum(kind == "trigger" for kind, *_ in entries)
    yield {"kind": "schema", "entries": len(entries), "has_virtual": has_virtual, "triggers": triggers}, b""
    for number, (_, name, _, sql) in enumerate(entries, start=1):
        yield {"kind": "entry", "number": number}, _packed((str(name), str(sql or "")))


def _is_virtual(sql: object) -> bool:
    return isinstance(sql, str) and sql.upper().split()[:2] == ["CREATE", "VIRTUAL"]


def _tables(database: sqlite3.Connection) -> Iterator[Table]:
    named = database.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table' ORDER BY rowid").fetchall()
    if len(named) > _MOST_TABLES:
        raise Unreadable("sqlite.too_many", "")
    without_rowid = {name for schema, name, _, _, wr, *_ in database.execute("PRAGMA table_list").fetchall() if schema == "main" and wr}
    for number, (name, sql) in enumerate(named, start=1):
        if not _is_virtual(sql) and name not in _SAMPLES:
            columns = [column for column in database.execute(f"PRAGMA table_xinfo({quoted(name)})").fetchall() if column[6] != 1]
            names = tuple(str(column[1]) for column in columns)
            by_rowid = next(([word] for word in ("rowid", "_rowid_", "oid") if word not in {each.lower() for each in names}), [])
            primary = [quoted(str(column[1])) for column in sorted(columns, key=lambda column: int(column[5])) if column[5]]
            key = primary if name in without_rowid else by_rowid or primary
            yield Table(
                number, str(name), names, tuple(bool(column[3]) for column in columns), tuple(column[6] > 1 for column in columns), tuple(key)
            )


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _select(table: Table, what: Sequence[str]) -> str:
    return f"SELECT {', '.join(what)} FROM {quoted(table.name)} ORDER BY {', '.join(table.key) or '1'}"  # noqa: S608  # names are quoted


def _frames(database: sqlite3.Connection, table: Table) -> Iterator[tuple[dict[str, Any], bytes]]:
    database.set_authorizer(_permitted)
    first, lot, has_blobs = 1, bytearray(), False
    number = 0
    for number, row in enumerate(database.execute(_select(table, [quoted(name) for name in table.columns])), start=1):
        lot += _packed(row)
        has_blobs = has_blobs or any(isinstance(value, bytes) for value in row)
        if len(lot) > _FRAME:
            yield _rows_head(table, first, number, has_blobs), bytes(lot)
            first, lot, has_blobs = number + 1, bytearray(), False
    yield _rows_head(table, first, number, has_blobs), bytes(lot)
    database.set_authorizer(None)


def _rows_head(table: Table, first: int, last: int, has_blobs: bool) -> dict[str, Any]:
    return {"kind": "rows", "table": table.number, "first": first, "count": last - first + 1, "has_blobs": has_blobs}


def _packed(row: Sequence[object]) -> bytes:
    out = bytearray()
    for value in row:
        kind, data = _cell(value)
        out += CELL.pack(b"\n", kind, len(data), b"\n") + data
    return bytes(out)


def _cell(value: object) -> tuple[bytes, bytes]:
    if value is None:
        return b"n", b""
    if isinstance(value, bytes):
        return b"b", value
    if isinstance(value, str):
        return b"t", value.encode("utf-8", "surrogateescape")
    return (b"i" if isinstance(value, int) else b"f"), repr(value).encode()


# ---- changing


def _changed(database: sqlite3.Connection, changes: Mapping[str, Mapping[str, Any]], mode: bytes) -> bytearray:
    """The file with `changes` {table: {row: {column: value} or null to drop it}} made, and nothing left of what was there before."""
    if any(_is_virtual(sql) for (sql,) in database.execute("SELECT sql FROM sqlite_master").fetchall()):
        raise Unreadable("sqlite.virtual", "")
    tables = {table.number: table for table in _tables(database)}
    kept = {table.number: _keys(database, table) for table in tables.values()}
    triggers = database.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' ORDER BY rowid").fetchall()
    database.execute("BEGIN")
    for name, _ in triggers:
        database.execute(f"DROP TRIGGER {quoted(name)}")
    database.set_authorizer(_permitted)
    for word, rows in changes.items():
        _change_table(database, tables[int(word)], rows, kept[int(word)])
    for (name,) in database.execute("SELECT name FROM sqlite_master WHERE name IN ('sqlite_stat3', 'sqlite_stat4')").fetchall():
        database.execute(f"DELETE FROM {name}")  # noqa: S608  # one of two names
    database.set_authorizer(None)
    _put_back(database, [sql for _, sql in triggers])
    database.execute("COMMIT")
    now, roots = bytearray(database.serialize()), _roots(database)
    database.close()
    clear(now, roots)
    now[18:20] = mode
    left = {number: _left(kept[number], changes.get(str(number), {})) for number in tables}
    with contextlib.closing(_opened(now)) as written:
        is_whole = written.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        if not is_whole or {number: _keys(written, table) for number, table in tables.items()} != left:
            raise Unreadable("sqlite.refused", "")
    return now


def _samples(database: sqlite3.Connection) -> Iterator[tuple[dict[str, Any], bytes]]:
    """Samples of keys, as something that is left behind."""
    for (name,) in database.execute("SELECT name FROM sqlite_master WHERE name IN ('sqlite_stat3', 'sqlite_stat4')").fetchall():
        for (sample,) in database.execute(f"SELECT sample FROM {name} WHERE sample IS NOT NULL"):  # noqa: S608  # one of two names
            yield {"kind": "leftover", "page": 0}, sample if isinstance(sample, bytes) else str(sample).encode("utf-8", "surrogateescape")


def _put_back(database: sqlite3.Connection, triggers: Sequence[str]) -> None:
    """Defines the triggers again; nothing else that stands in their place is run."""
    for sql in triggers:
        if sql.upper().split()[:1] != ["CREATE"]:
            raise Unreadable("sqlite.refused", "")
        database.execute(sql)


def _roots(database: sqlite3.Connection) -> list[int]:
    return [int(page) for (page,) in database.execute("SELECT rootpage FROM sqlite_master WHERE rootpage > 0").fetchall()]


def _left_behind(data: bytearray, roots: Sequence[int]) -> Iterator[tuple[dict[str, Any], bytes]]:
    """What deleted rows left, a page after the other, in frames of some size."""
    lot: list[bytes] = []
    first = size = 0
    for page, rest in leftovers(data, roots):
        if size + len(rest) > _FRAME:
            yield {"kind": "leftover", "page": first}, b"\0".join(lot)
            lot, size = [], 0
        first = first if lot else page
        lot.append(rest)
        size += len(rest)
    if lot:
        yield {"kind": "leftover", "page": first}, b"\0".join(lot)


def _keys(database: sqlite3.Connection, table: Table) -> list[tuple[Any, ...]]:
    return database.execute(_select(table, table.key)).fetchall() if table.key else []


def _left(keys: list[tuple[Any, ...]], rows: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    return [key for number, key in enumerate(keys, start=1) if rows.get(str(number), {}) is not None]


def _change_table(database: sqlite3.Connection, table: Table, rows: Mapping[str, Any], keys: list[tuple[Any, ...]]) -> None:
    if not table.key:
        raise Unreadable("sqlite.refused", "")
    where = " AND ".join(f"{word} IS ?" for word in table.key)
    for row, values in rows.items():
        key = keys[int(row) - 1]
        if values is None:
            done = database.execute(f"DELETE FROM {quoted(table.name)} WHERE {where}", key)  # noqa: S608  # names are quoted
        else:
            names = ", ".join(f"{quoted(table.columns[int(column)])} = ?" for column in values)
            now = [_value(*value) for value in values.values()]
            done = database.execute(f"UPDATE {quoted(table.name)} SET {names} WHERE {where}", (*now, *key))  # noqa: S608  # names are quoted
        if done.rowcount != 1:
            raise Unreadable("sqlite.refused", "")


def _value(kind: str, text: str) -> object:
    if kind == "n":
        return None
    if kind == "b":
        return base64.b64decode(text)
    return {"i": int, "f": float, "t": str}[kind](text)
