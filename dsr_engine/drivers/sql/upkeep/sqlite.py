"""Where SQLite keeps bytes of deleted rows, and who finds out.

Sources: https://www.sqlite.org/pragma.html (secure_delete, wal_checkpoint), fts5.html (the `optimize` command), fileformat2.html; measured on 3.40:
an index for full text keeps the words of deleted rows even with `secure_delete`, and a checkpoint reports a busy reader in its row, not as an error.
"""

import struct
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from dsr_engine.domain.residue import Work
from dsr_engine.drivers.sql.server.faults import translated
from dsr_engine.drivers.sql.upkeep.assessing import Answer, Assessor, absent, elsewhere, listed, stays, unknown
from dsr_engine.drivers.sql.upkeep.sqlite_file import OddFile, dirty_pages, old_frames, salts_of

_ALONE = "the whole file, until it is written anew; needs as much free space again"
_SUFFIXES = ("-wal", "-shm", "-journal")
#: What belongs to the recipe, in this order.
_SECURE = Work("PRAGMA secure_delete = ON", (), "none; holds for the connection that says it")
_VACUUM = Work("VACUUM", (), _ALONE, "write access to the file")
_TRUNCATE = Work("PRAGMA wal_checkpoint(TRUNCATE)", (), "waits for all readers; its row must begin with 0, else a reader was busy", "write access")
_ANALYZE = Work("ANALYZE", (), "reads all indexes", "write access to the file")


class Look:
    """What the assessors ask of one file."""

    def __init__(self, connection: sa.Connection, path: Path, marks: Mapping[str, str]) -> None:
        self.connection, self.path, self.marks = connection, path, marks
        self.log = path.with_name(path.name + "-wal")
        self.journal = path.with_name(path.name + "-journal")

    def pragma(self, name: str) -> str:
        return str(self.rows(f"PRAGMA {name}")[0][0])

    @cached_property
    def words(self) -> tuple[tuple[str, str], ...]:
        """Full-text tables and their module."""
        rows = self.rows("SELECT name, lower(sql) FROM sqlite_schema WHERE type = 'table' AND sql LIKE 'CREATE VIRTUAL TABLE%' ORDER BY name")
        return tuple(
            (str(name), module) for name, sql in map(tuple, rows) for module in ("fts5", "fts4", "fts3") if f"using {module}" in " ".join(sql.split())
        )

    @cached_property
    def dirty(self) -> int | None:
        """How many pages hold bytes where no row is; None where the file is not what the format says."""
        try:
            return dirty_pages(self.path)
        except (OddFile, OSError):
            return None

    def quoted(self, name: str) -> str:
        return self.connection.dialect.identifier_preparer.quote_identifier(name)

    def rows(self, query: str) -> Sequence[sa.Row[Any]]:
        with translated("assessing the file"):
            return self.connection.exec_driver_sql(query).all()


def _free_space(look: Look) -> Answer:
    """Looks at the bytes themselves: the file is local, and what is zero holds nothing."""
    if look.log.exists() and look.log.stat().st_size:
        return stays("the write-ahead log is not empty, so the file itself may be older than its rows", _SECURE, _VACUUM, _TRUNCATE)
    if look.dirty is None:
        return unknown("the file cannot be read page by page")
    free = int(look.pragma("freelist_count"))
    if free or look.dirty:
        return stays(f"{free} free page(s), {look.dirty} page(s) with bytes where no row is", _SECURE, _VACUUM, _TRUNCATE)
    return absent("no free page, and nothing but zeros where no row is")


def _log(look: Look) -> Answer:
    marks = {"salts": look.marks.get("salts", salts_of(look.log))}
    if not look.log.exists() or not look.log.stat().st_size:
        return Answer(absent("").state, f"there is none (journal_mode {look.pragma('journal_mode')})", marks=marks)
    if look.marks and not old_frames(look.log, marks["salts"]):
        return Answer(absent("").state, "it was begun anew after the effects", marks=marks)
    return stays("frames from before the effects", _TRUNCATE, **marks)


def _rollback_journal(look: Look) -> Answer:
    if look.journal.exists() and look.journal.stat().st_size:
        if look.pragma("journal_mode") == "wal":
            return unknown("a rollback journal lies beside a file that uses a write-ahead log: find out whose it is")
        work = Work("PRAGMA journal_mode = DELETE", (), "none; then write something, so that the journal is removed", "write access")
        return stays("a rollback journal that was kept (journal_mode PERSIST, or a crash)", work, _SECURE, _VACUUM)
    return absent("there is none")


def _words(look: Look) -> Answer:
    if not look.words:
        return absent("there is no full-text index")
    todo = [(name, module) for name, module in look.words if not _is_merged(look, name, module)]
    if not todo:
        return absent("every full-text index is one segment, so it keeps no deleted words")
    works = (Work(_merging(look.quoted(name)), (), "writes of others wait", "write access") for name, _ in todo)
    return stays(f"words of deleted rows in {listed([name for name, _ in todo])}", *works, _SECURE, _VACUUM, _TRUNCATE)


def _merging(table: str) -> str:
    return f"INSERT INTO {table}({table}) VALUES ('optimize')"  # noqa: S608  # a name of the catalogue, quoted


def _is_merged(look: Look, name: str, module: str) -> bool:
    """True if the index is one segment: merging everything drops the marks of deleted rows with their words (fts5.html, 6.8)."""
    if module != "fts5":
        return int(look.rows(f"SELECT count(*) FROM {look.quoted(name + '_segdir')}")[0][0]) <= 1  # noqa: S608  # a name of the catalogue
    rows = look.rows(f"SELECT block FROM {look.quoted(name + '_data')} WHERE id = 10")  # noqa: S608  # as above
    if not rows:
        return True
    numbers = _varints(bytes(rows[0][0])[4:])
    next(numbers, 0)
    return next(numbers, 0) <= 1


def _varints(data: bytes) -> Iterator[int]:
    """SQLite's integers of one to nine bytes (fileformat2.html, section 1.5)."""
    value = at = 0
    for byte in data:
        at += 1
        if at == 9:
            yield value << 8 | byte
            value = at = 0
            continue
        value = value << 7 | byte & 0x7F
        if not byte & 0x80:
            yield value
            value = at = 0


def _samples(look: Look) -> Answer:
    """Rows of sqlite_stat4 (and 3) are whole index entries. One that is still in its table was sampled from there or might have been."""
    tables = [str(row[0]) for row in look.rows("SELECT name FROM sqlite_schema WHERE name IN ('sqlite_stat3', 'sqlite_stat4')")]
    samples = [tuple(row) for name in tables for row in look.rows(f"SELECT tbl, idx, sample FROM {name}")]  # noqa: S608  # two fixed names
    if not samples:
        return absent("no values of rows were ever sampled")
    gone = sorted({str(table) for table, index, sample in samples if not _is_alive(look, str(table), str(index), sample)})
    if gone:
        return stays(f"samples of rows that are gone, of {listed(gone)}", _ANALYZE, _SECURE, _VACUUM, _TRUNCATE)
    return absent("every sample is of a row that is there")


def _is_alive(look: Look, table: str, index: str, sample: object) -> bool:
    values = (_record(sample) or []) if isinstance(sample, bytes) else [sample]
    columns = look.rows(f"SELECT name FROM pragma_index_xinfo({_text(index)}) WHERE cid >= 0 ORDER BY seqno")  # noqa: S608  # quoted
    names = [look.quoted(str(row[0])) for row in columns][: len(values)]
    if not names:
        return False
    where = " AND ".join(f"{name} IS ?" for name in names)
    query = f"SELECT EXISTS (SELECT 1 FROM {look.quoted(table)} WHERE {where})"  # noqa: S608  # names of the catalogue; values are bound
    with translated("assessing the samples"):
        return bool(look.connection.exec_driver_sql(query, tuple(values[: len(names)])).scalar())


def _text(name: str) -> str:
    return "'" + name.replace("'", "''") + "'"


def _record(data: bytes) -> list[Any] | None:
    """The values of a record (fileformat2.html, section 2.1); None for one that is damaged."""
    kinds: list[int] = []
    at, value = 0, 0
    header: int | None = None
    while header is None or at < header:
        if at >= len(data):
            return None
        byte = data[at]
        at += 1
        value = value << 7 | byte & 0x7F
        if byte & 0x80:
            continue
        if header is None:
            header = value
        else:
            kinds.append(value)
        value = 0
    values: list[Any] = []
    for kind in kinds:
        size = _SIZES[kind] if kind < len(_SIZES) else (kind - 12) // 2
        values.append(_value(kind, data[at : at + size]))
        at += size
    return values


_SIZES = (0, 1, 2, 3, 4, 6, 8, 8, 0, 0, 0, 0)


def _value(kind: int, raw: bytes) -> Any:
    if kind == 0:
        return None
    if kind == 7:
        return struct.unpack(">d", raw)[0]
    if kind < 7:
        return int.from_bytes(raw, "big", signed=True)
    if kind in (8, 9):
        return kind - 8
    return raw.decode(errors="surrogateescape") if kind % 2 else raw


def _copies(look: Look) -> Answer:
    """Counted, not named: a file may be called after somebody."""
    own = {look.path.name, *(look.path.name + suffix for suffix in _SUFFIXES)}
    beside = sum(entry.is_file() and entry.name.startswith(look.path.stem) and entry.name not in own for entry in look.path.parent.iterdir())
    return elsewhere(f"{beside} file(s) beside it begin with its name; copies by backup, replication and applications are the host's")


def _vacuuming(look: Look) -> Answer:
    mode = {"0": "off", "1": "full", "2": "incremental"}.get(look.pragma("auto_vacuum"), "unknown")
    answer = _free_space(look)
    return Answer(answer.state, f"auto_vacuum {mode}: it moves pages and cleans none; {answer.detail}", works=answer.works)


ASSESSORS: tuple[Assessor[Look], ...] = (
    Assessor("sqlite.full_text", "words in full-text indexes", "C1", _words),
    Assessor("sqlite.samples", "planner statistics (sqlite_stat4)", "C1", _samples),
    Assessor("sqlite.rollback_journal", "rollback journal", "C1", _rollback_journal),
    Assessor("sqlite.free_space", "free pages and gaps (secure_delete)", "C1", _free_space),
    Assessor("sqlite.auto_vacuum", "pages that auto_vacuum moved", "C1", _vacuuming),
    Assessor("sqlite.log", "write-ahead log", "C1", _log),
    Assessor("sqlite.copies", "copies of the file", "C3", _copies),
)

#: The order in which the works of several channels make sense.
RECIPE = ("PRAGMA secure_delete", "PRAGMA journal_mode", "INSERT INTO", "ANALYZE", "VACUUM", "PRAGMA wal_checkpoint")
