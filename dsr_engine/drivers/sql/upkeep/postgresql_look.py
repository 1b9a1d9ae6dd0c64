"""One look at a PostgreSQL server: the touched relations, the settings that this account may see, and where it stood when the effects were over.

A rewrite is proved by two facts together. The relation has another file than at the first look after the effects; and its `relfrozenxid`, which a
rewrite sets to the oldest transaction that anybody could still see (`cluster.c`, `copy_table_data`), is not older than that look. The second one
matters: a `VACUUM FULL` under an older open snapshot copies the dead rows into the new file.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import sqlalchemy as sa

from dsr_engine.domain.errors import ManifestWrong
from dsr_engine.domain.residue import Work
from dsr_engine.drivers.sql.server.faults import translated
from dsr_engine.drivers.sql.upkeep.assessing import plain

#: Marks. `xid` and `lsn`: where transactions and write-ahead log stood at the first look; `at`: the server's clock then.
XID, LSN, AT = "xid", "lsn", "at"

#: Leaves of partitioned tables hold the rows; their parents hold statistics only.
_TOUCHED = sa.text("""
WITH RECURSIVE named AS (
    SELECT c.oid, c.relkind FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE (n.nspname = :schema AND c.relname = :name) OR (n.nspname || '.' || c.relname = :name)
       OR (:name = 'pg_largeobject' AND c.oid = 'pg_catalog.pg_largeobject'::regclass)
    ORDER BY n.nspname = :schema DESC LIMIT 1
), below AS (
    SELECT oid, relkind FROM named UNION SELECT c.oid, c.relkind FROM below JOIN pg_inherits i ON i.inhparent = below.oid
    JOIN pg_class c ON c.oid = i.inhrelid
)
SELECT b.oid::bigint AS oid, b.relkind::text AS kind FROM below b
""")

#: Materialized views over the touched tables, also through views; the deeper ones later.
_SNAPSHOTS = sa.text("""
WITH RECURSIVE over AS (
    SELECT unnest(CAST(:oids AS oid[])) AS oid, 0 AS depth
    UNION SELECT r.ev_class, over.depth + 1 FROM over JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = over.oid
    JOIN pg_rewrite r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid WHERE r.ev_class <> over.oid AND over.depth < 32
)
SELECT c.oid::bigint AS oid, max(over.depth) AS depth FROM over JOIN pg_class c ON c.oid = over.oid
WHERE c.relkind = 'm' AND c.relispopulated GROUP BY c.oid ORDER BY depth, c.oid
""")

_FACTS = sa.text("""
SELECT c.oid::bigint AS oid, n.nspname AS schema, c.relname AS name, c.relkind::text AS kind, c.relfilenode::bigint AS file,
       CASE WHEN c.relkind IN ('r', 'm', 't') THEN age(c.relfrozenxid) END AS age,
       t.relfilenode::bigint AS toast_file, age(t.relfrozenxid) AS toast_age,
       ARRAY(SELECT i.relfilenode::bigint FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid WHERE x.indrelid = c.oid ORDER BY i.oid) AS indexes,
       ARRAY(SELECT x.indexrelid::bigint FROM pg_index x WHERE x.indrelid = c.oid ORDER BY x.indexrelid) AS index_ids,
       (SELECT count(*) FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attisdropped) AS dropped,
       COALESCE(pg_stat_get_dead_tuples(c.oid), 0) AS dead, pg_size_pretty(pg_table_size(c.oid)) AS size
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_class t ON t.oid = c.reltoastrelid
WHERE c.oid = ANY(CAST(:oids AS oid[])) ORDER BY array_position(CAST(:oids AS oid[]), c.oid)
""")

_NOW = sa.text("""
SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS xid, clock_timestamp() AS now,
       CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END - '0/0'::pg_lsn AS lsn,
       (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AS is_superuser,
       pg_has_role('pg_read_all_stats', 'USAGE') AS sees_sessions,
       EXISTS (SELECT FROM pg_extension WHERE extname = 'pg_repack') AS has_repack
""")


@dataclass(frozen=True, slots=True)
class Files:
    """A relation as it lies on the disk. `age` and `toast_age` count transactions since the oldest one that it may hold."""

    oid: int
    name: str
    kind: str
    file: int
    age: int | None
    toast_file: int | None
    toast_age: int | None
    indexes: tuple[tuple[int, int], ...]
    dropped: int
    dead: int
    size: str

    @property
    def mark(self) -> str:
        return f"file:{self.oid}"


class Look:
    """What the assessors ask. Every question is a statement of its own, so that none of them holds a snapshot."""

    def __init__(self, connection: sa.Connection, schema: str, collections: Sequence[str], marks: Mapping[str, str]) -> None:
        self.connection, self.marks = connection, marks
        self._schema, self._collections = schema, collections
        now = self.row(_NOW)
        self.xid, self.lsn, self.now = int(now.xid), int(now.lsn), now.now.astimezone(UTC)
        self.sees_sessions = bool(now.sees_sessions or now.is_superuser)
        self.has_repack = bool(now.has_repack)
        self.first_xid = int(marks.get(XID, self.xid))
        self.first_lsn = int(marks.get(LSN, self.lsn))
        self.first_at = datetime.fromisoformat(marks[AT]) if AT in marks else self.now

    @property
    def position(self) -> dict[str, str]:
        """The marks of the first look."""
        return {XID: str(self.first_xid), LSN: str(self.first_lsn), AT: self.first_at.isoformat()}

    @cached_property
    def settings(self) -> Mapping[str, str]:
        """What `pg_settings` shows to this account; some names are missing without pg_read_all_settings."""
        return {row.name: row.setting for row in self.rows(sa.text("SELECT name, setting FROM pg_settings"))}

    @cached_property
    def relations(self) -> tuple[Files, ...]:
        """The touched tables with their partitions, parents first. Raises `ManifestWrong` for one that is not there."""
        oids: list[int] = []
        for name in self._collections:
            found = [row.oid for row in self.rows(_TOUCHED, schema=self._schema, name=name)]
            if not found:
                raise ManifestWrong(f"there is no table {name}", code="sql.unknown_collection", hint="it was there when it was worked on")
            oids += found
        return self.files(list(dict.fromkeys(oids)))

    @cached_property
    def tables(self) -> tuple[Files, ...]:
        """Those of them that have rows of their own."""
        return tuple(entry for entry in self.relations if entry.kind in ("r", "m"))

    @cached_property
    def snapshots(self) -> tuple[Files, ...]:
        """Materialized views that were computed from them, in the order in which they have to be computed anew."""
        oids = [entry.oid for entry in self.relations]
        return self.files([row.oid for row in self.rows(_SNAPSHOTS, oids=oids)]) if oids else ()

    @cached_property
    def oids(self) -> list[int]:
        return [entry.oid for entry in self.relations]

    def files(self, oids: Sequence[int]) -> tuple[Files, ...]:
        if not oids:
            return ()
        return tuple(
            Files(
                row.oid,
                f"{self.quoted(row.schema)}.{self.quoted(row.name)}",
                row.kind,
                row.file,
                row.age,
                row.toast_file,
                row.toast_age,
                tuple(zip(row.index_ids, row.indexes, strict=True)),
                row.dropped,
                row.dead,
                row.size,
            )
            for row in self.rows(_FACTS, oids=list(oids))
        )

    def quoted(self, name: str) -> str:
        return plain(self.connection.dialect.identifier_preparer.quote(name))

    def frozen(self, age: int | None) -> int:
        """The oldest transaction that a relation of this age may hold, in 64 bits; -1 where it has none."""
        return -1 if age is None else self.xid - age

    def is_new(self, mark: str, file: int) -> bool:
        """True if the relation has another file than at the first look."""
        return mark in self.marks and self.marks[mark] != str(file)

    def is_rewritten(self, entry: Files) -> bool:
        """True if the table was written anew after the effects, with nobody left who could still see what was erased."""
        return self.is_new(entry.mark, entry.file) and self.frozen(entry.age) >= self.first_xid

    def marked(self, mark: str, file: int, is_done: bool) -> dict[str, str]:
        """What the next look compares with: the file of the first look; the present one, if a rewrite came too early to count."""
        return {mark: self.marks.get(mark, str(file)) if is_done or not self.is_new(mark, file) else str(file)}

    def rows(self, query: sa.TextClause, **values: object) -> Sequence[sa.Row[Any]]:
        with translated("assessing the storage"):
            return self.connection.execute(query, values).all()

    def row(self, query: sa.TextClause, **values: object) -> sa.Row[Any]:
        return self.rows(query, **values)[0]

    def scalar(self, query: str, **values: object) -> Any:
        return self.row(sa.text(query), **values)[0]

    def count(self, query: str) -> int:
        """The one number that a statement with names of the catalogue gives: they may hold colons and percent signs."""
        with translated("assessing the storage"):
            return int(self.connection.exec_driver_sql(query.replace("%", "%%")).scalar() or 0)


def rewriting(look: Look, entry: Files) -> Work:
    """The command that writes a table, its TOAST table and its indexes anew, and reads its statistics anew."""
    is_catalog = entry.name.startswith("pg_catalog.")
    locks = f"ACCESS EXCLUSIVE on {entry.name} until it is written anew ({entry.size}, as much free space again)"
    if look.has_repack and not is_catalog:
        locks += f"; or without long locks `pg_repack -t {entry.name}`, then `VACUUM (FREEZE, ANALYZE) {entry.name}`"
    return Work(f"VACUUM (FULL, ANALYZE) {entry.name}", (), locks, "superuser or owner of the database" if is_catalog else "owner")
