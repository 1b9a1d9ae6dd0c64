"""One look at a MariaDB or MySQL server: the touched tables, its variables, and where it stood when the effects were over.

A rebuild is proved by the number of the table's file (its space), which no two tables ever share; where the account may not see it (PROCESS),
by the time at which the table's file was made.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import sqlalchemy as sa

from dsr_engine.domain.errors import ManifestWrong, NotAllowed, NotSupported
from dsr_engine.domain.residue import Work
from dsr_engine.drivers.sql.server.faults import translated
from dsr_engine.drivers.sql.upkeep.assessing import plain

AT, LSN, BINLOG = "at", "lsn", "binlog"

_TABLES = sa.text("""
SELECT TABLE_NAME AS name, TABLE_TYPE AS kind, ENGINE AS engine, CREATE_TIME AS made, DATA_LENGTH AS size,
       EXISTS (SELECT 1 FROM information_schema.STATISTICS s
               WHERE s.TABLE_SCHEMA = t.TABLE_SCHEMA AND s.TABLE_NAME = t.TABLE_NAME AND s.INDEX_TYPE = 'FULLTEXT') AS has_words
FROM information_schema.TABLES t WHERE TABLE_SCHEMA = :schema AND TABLE_NAME IN :names ORDER BY TABLE_NAME
""").bindparams(sa.bindparam("names", expanding=True))

#: MariaDB's name of the view, and MySQL's.
_SPACES = (
    sa.text("SELECT NAME AS name, SPACE AS space FROM information_schema.INNODB_SYS_TABLES WHERE NAME LIKE :pattern"),
    sa.text("SELECT NAME AS name, SPACE AS space FROM information_schema.INNODB_TABLES WHERE NAME LIKE :pattern"),
)


@dataclass(frozen=True, slots=True)
class Space:
    """A table as it lies on the disk. `files` are the numbers of its files, one for each partition; empty where they are hidden."""

    name: str
    quoted: str
    is_versioned: bool
    has_words: bool
    engine: str
    made: str
    size: int
    files: tuple[int, ...]

    @property
    def mark(self) -> str:
        return f"file:{self.name}"

    @property
    def file(self) -> str:
        return " ".join(map(str, self.files)) if self.files else f"made {self.made}"

    @property
    def is_shared(self) -> bool:
        """True if it lies in the system tablespace, which never shrinks."""
        return 0 in self.files


class Look:
    """What the assessors ask."""

    def __init__(self, connection: sa.Connection, schema: str, collections: Sequence[str], marks: Mapping[str, str]) -> None:
        self.connection, self.schema, self.marks = connection, schema, marks
        self._collections = collections
        now = self.rows(sa.text("SELECT UTC_TIMESTAMP(6) AS now"))[0].now
        self.now: datetime = now.replace(tzinfo=UTC)
        self.first_at = datetime.fromisoformat(marks[AT]) if AT in marks else self.now
        self.is_mariadb = bool(getattr(connection.dialect, "is_mariadb", False))

    @property
    def position(self) -> dict[str, str]:
        return {AT: self.first_at.isoformat(), LSN: self.marks.get(LSN, self.status.get("innodb_lsn_current", ""))}

    @cached_property
    def variables(self) -> Mapping[str, str]:
        return {str(name).lower(): str(value) for name, value in map(tuple, self.rows(sa.text("SHOW GLOBAL VARIABLES")))}

    @cached_property
    def status(self) -> Mapping[str, str]:
        return {str(name).lower(): str(value) for name, value in map(tuple, self.rows(sa.text("SHOW GLOBAL STATUS")))}

    def is_on(self, name: str) -> bool:
        return self.variables.get(name, "OFF").upper() in ("ON", "1")

    def number(self, name: str) -> float:
        """A variable as a number; 0 where this server does not have it."""
        try:
            return float(self.variables.get(name, "0") or 0)
        except ValueError:
            return 0.0

    @cached_property
    def tables(self) -> tuple[Space, ...]:
        """The touched tables. Raises `ManifestWrong` for one that is not there, or that this account may not see."""
        if not self._collections:
            return ()
        rows = self.rows(_TABLES, schema=self.schema, names=list(self._collections))
        missing = sorted(set(self._collections) - {str(row.name) for row in rows})
        if missing:
            raise ManifestWrong(f"there is no table {missing[0]}", code="sql.unknown_collection", hint="it was there when it was worked on")
        spaces = self._spaces()
        return tuple(
            Space(
                row.name,
                f"{self.quoted(self.schema)}.{self.quoted(row.name)}",
                row.kind == "SYSTEM VERSIONED",
                bool(row.has_words),
                str(row.engine),
                str(row.made),
                int(row.size or 0),
                spaces.get(row.name, ()),
            )
            for row in rows
        )

    def quoted(self, name: str) -> str:
        return plain(self.connection.dialect.identifier_preparer.quote_identifier(name))

    def _spaces(self) -> dict[str, tuple[int, ...]]:
        """Table → numbers of its files. Nothing where the account may not see them, or the server has no such view."""
        found: dict[str, list[int]] = {}
        pattern = f"{_encoded(self.schema)}/%"
        try:
            rows = self.rows(_SPACES[0] if self.is_mariadb else _SPACES[1], pattern=pattern)
        except (NotAllowed, NotSupported):
            return {}
        names = {_encoded(name): name for name in self._collections}
        for row in rows:
            table = str(row.name).partition("/")[2].partition("#P#")[0].partition("#p#")[0]
            if table in names:
                found.setdefault(names[table], []).append(int(row.space))
        return {name: tuple(sorted(spaces)) for name, spaces in found.items()}

    def is_rebuilt(self, entry: Space) -> bool:
        """True if every file of the table is another than at the first look."""
        before = self.marks.get(entry.mark)
        if before is None or entry.is_shared:
            return False
        return not set(before.split()) & set(map(str, entry.files)) if entry.files and not before.startswith("made") else before != entry.file

    def marked(self, entry: Space) -> dict[str, str]:
        return {entry.mark: self.marks.get(entry.mark, entry.file)}

    def count(self, query: str) -> int:
        """The one number that a statement with names of the catalogue gives: they may hold colons and percent signs."""
        with translated("assessing the storage"):
            return int(self.connection.exec_driver_sql(query.replace("%", "%%")).scalar() or 0)

    def rows(self, query: sa.TextClause, **values: object) -> Sequence[sa.Row[Any]]:
        with translated("assessing the storage"):
            return self.connection.execute(query, values).all()


def _encoded(name: str) -> str:
    """A name as it stands in file names: other characters than letters, digits and _ as @ and four hex digits.

    Source: MariaDB knowledge base, "Identifier to File Name Mapping".
    """
    return "".join(sign if sign.isascii() and (sign.isalnum() or sign == "_") else f"@{ord(sign):04x}" for sign in name)


def rebuilding(entry: Space) -> Work:
    """The command that writes a table and its indexes anew."""
    engine = entry.engine if entry.engine.isalnum() else "InnoDB"
    locks = f"metadata lock on {entry.quoted} at begin and end ({entry.size // 1024} KiB); writes wait where it has full-text or partitions"
    return Work(f"ALTER TABLE {entry.quoted} ENGINE={engine}, FORCE", (), locks, "ALTER, CREATE and INSERT on the table")
